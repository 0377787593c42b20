"""Hive on this host: Spark SQL's command line runs the HiveQL, with the options of Hive's own.

Each attempt has a metastore of its own (Derby, in its folder), a copy of what the execution's last
script on the same cluster left. What a script writes to S3 is in S3; what it creates without a
LOCATION lies in the warehouse, the folder of the first attempt where
``hive.metastore.warehouse.dir`` names no other.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.errors import JobError
from engine.steps.base import StepContext
from engine.steps.container import Prepared
from engine.steps.inputs import mappings, section
from engine.steps.opt_ml import as_text
from engine.steps.spark import (
    application_path,
    base_options,
    localised,
    spark_defaults,
    spark_program,
)
from engine.steps.spark_s3 import can_mount, mounted, program_text

Json = Mapping[str, Any]
PROGRAMS = frozenset({"hive", "hive-script"})
STAND_IN = "Spark SQL in place of Hive"
_DRIVER = "org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver"
_METASTORE = "metastore_db"
"""What Derby makes in the folder that Spark SQL is started in."""
_LOCAL_FILES = "org.apache.hadoop.fs.LocalFileSystem"
_WAREHOUSE = "hive.metastore.warehouse.dir"
_NAMES = {
    "-f": "-f",
    "-e": "-e",
    "-i": "-i",
    "-d": "--define",
    "--define": "--define",
    "--hivevar": "--hivevar",
    "--hiveconf": "--hiveconf",
    "--database": "--database",
}
_WITHOUT_EFFECT = frozenset({"-v", "--verbose", "-S", "--silent", "--run-hive-script", "--args"})
_VERSIONS = "--hive-versions"


@dataclass(frozen=True, slots=True)
class HiveQuery:
    """What Hive is asked to run.

    Args:
        options: of Hive's command line, each with its value, in the spelling of Spark SQL's.
    """

    options: tuple[tuple[str, str], ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The scripts, by S3 URI or path."""
        return tuple(value for name, value in self.options if name in ("-f", "-i"))


def hive_query(words: Sequence[str]) -> HiveQuery:
    """The query of a command line of ``hive`` or ``hive-script``, without the program.

    Errors: ``JobError`` (``hive-option-unknown``, ``emr-command-missing``).
    """
    options: list[tuple[str, str]] = []
    left = list(words)
    while left:
        word = left.pop(0)
        given, equals, value = word.partition("=")
        if word in _WITHOUT_EFFECT or given == _VERSIONS:
            if word == _VERSIONS:
                del left[:1]
            continue
        # Hive takes its long options with one dash as well.
        name = _NAMES.get(given) or _NAMES.get(f"-{given}")
        if name is None or not (equals or left):
            raise JobError(
                f"ClientError: Hive's option {word} cannot be used here",
                code="hive-option-unknown",
                hint=f"These can, each with a value: {', '.join(_NAMES)}.",
            )
        options.append((name, value if equals else left.pop(0)))
    if not any(name in ("-f", "-e") for name, _ in options):
        raise JobError(
            "ClientError: hive-script is given no script",
            code="emr-command-missing",
            hint="Name it after --args: -f and its S3 URI.",
        )
    return HiveQuery(tuple(options))


def parameter_words(driver: Json, name: str) -> list[str]:
    """The words of a driver's parameters, which are one text as in a shell.

    Errors: ``JobError`` (``emr-parameters-invalid``).
    """
    given = driver.get(name) or ""
    try:
        return shlex.split(str(given))
    except ValueError as problem:
        raise JobError(
            f"ClientError: {name} {given!r} cannot be read: {problem}",
            code="emr-parameters-invalid",
            hint="Close its quotes, as in a shell.",
        ) from None


def hive_driver(driver: Json) -> HiveQuery:
    """The query of a ``hive`` driver of EMR Serverless.

    Errors: ``JobError`` (``emr-command-missing``, ``emr-parameters-invalid``).
    """
    query, first = driver.get("query"), driver.get("initQueryFile")
    if not isinstance(query, str) or not query.strip():
        raise JobError(
            "ClientError: jobDriver.hive names no query",
            code="emr-command-missing",
            hint="Give the S3 URI of a file with HiveQL.",
        )
    words = parameter_words(driver, "parameters")
    begin = ["-i", str(first)] if first else []
    return hive_query([*words, *begin, "-f" if "://" in query.split()[0] else "-e", query])


async def hive_command(
    context: StepContext,
    query: HiveQuery,
    configurations: Sequence[Any],
    release: str,
    hdfs: Path | None = None,
) -> tuple[list[str], Prepared]:
    """The command line that runs a query with Spark, and what it runs in.

    Args:
        configurations: EMR's, of which ``spark-defaults`` and the warehouse of ``hive-site`` hold.
        release: EMR's release label, or ``emr`` where none is known.
        hdfs: see ``mounted``.

    Errors: ``JobError`` (``application-not-found``); ``EnvironmentError_`` where Spark's
    environment does not build.
    """
    config, tree = context.services.config, context.services.tree
    find = localised if context.resuming else application_path
    files = {uri: find(uri, tree) for uri in query.files}
    program, prepared = await spark_program(context, release)
    settings = {**_warehouse(query, configurations), **_defaults(configurations)}
    mounts = None
    if can_mount(program):
        texts = [value for _, value in query.options] + list(map(program_text, files.values()))
        mounts = mounted(tree, [*texts, *settings.values()], hdfs)
    options = []
    for name, value in query.options:
        shown = files.get(value, value) if name in ("-f", "-i") else value
        options += [name, shown if mounts is not None else localised(shown, tree)]
    if mounts is None:
        # Spark SQL opens its files as Hadoop's own local ones.
        settings = {"spark.hadoop.fs.file.impl": _LOCAL_FILES, **settings}
    base = base_options(config, tree, settings, mounts)
    return [program, *base, "--class", _DRIVER, *options], prepared


def bring_metastore(context: StepContext, cluster: str) -> None:
    """Start with the tables that the execution's last script on the same cluster left."""
    kept = _kept_metastore(context, cluster)
    if kept.is_dir() and not context.resuming:
        _copy(kept, context.directory / _METASTORE)


def keep_metastore(context: StepContext, cluster: str) -> None:
    """Keep the attempt's tables for the next script; of two at once the later one's are kept."""
    made, kept = context.directory / _METASTORE, _kept_metastore(context, cluster)
    if not made.is_dir():
        return
    part = kept.with_name(f"{context.directory.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    _copy(made, part)
    shutil.rmtree(kept, ignore_errors=True)
    part.rename(kept)


def _kept_metastore(context: StepContext, cluster: str) -> Path:
    return context.directory.parent.parent / "metastores" / quote(cluster, safe="")


def _copy(source: Path, target: Path) -> None:
    """Copy a metastore that nothing uses, without the locks that a killed one leaves."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.lck"))


def _defaults(configurations: Sequence[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for listed in configurations:
        found |= spark_defaults(listed)
    return found


def _warehouse(query: HiveQuery, configurations: Sequence[Any]) -> dict[str, str]:
    """Where tables without a LOCATION lie, as a setting of Spark's; nothing for the default."""
    found = ""
    for listed in configurations:
        for entry in mappings(listed):
            name = entry.get("Classification") or entry.get("classification")
            given = section(entry, "Properties") or section(entry, "properties")
            if name == "hive-site" and given.get(_WAREHOUSE):
                found = as_text(given[_WAREHOUSE])
    for name, value in query.options:
        key, _, place = value.partition("=")
        if name == "--hiveconf" and key == _WAREHOUSE:
            found = place
    return {"spark.sql.warehouse.dir": found} if found else {}
