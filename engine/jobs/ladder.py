"""Which ways to run a job work on this host, why the others do not, and which one to take."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from engine.errors import JobError
from engine.jobs import attempt, identity
from engine.jobs.base import Exit, Job, JobRunner
from engine.jobs.namespace import NamespaceRunner, Recipe, recipes
from engine.jobs.process import ProcessRunner
from engine.jobs.rewrite import RewriteRunner

GROUP = "pipetui.job_runners"
"""Entry points of further runners: the name to ask for -> a callable that takes the `Probe`."""

_FORMAT = 1
_TRY_S = 20.0
_TRIAL = 'echo >/opt/ml/trial && ls -d "$@" >/dev/null'


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one runner works here.

    Args:
        works: whether it does.
        why: one sentence: how it works, or what is in its way.
        detail: what the runner must know, as plain JSON.
    """

    works: bool
    why: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """What works on this host: a finding per runner, best first, and a folder for small files."""

    scratch: str
    findings: Mapping[str, Finding]


async def probe(cache: str, *, containers: bool = True) -> Probe:
    """Try each runner once per boot and user; later calls read the answer from a file.

    Args:
        cache: the JSON file to keep the answer in; the skeletons of ``/opt`` lie beside it.
        containers: whether to look for podman and docker too, which may take seconds.

    Raises:
        JobError: the folder of that file cannot be written.
    """
    path = _absolute(cache)
    key = {"format": _FORMAT, "boot_id": identity.boot_id(), "uid": os.geteuid()}
    findings = _read(path, key) or {}
    if findings and ("container" in findings or not containers):
        return Probe(str(path.parent), findings)
    try:
        os.makedirs(path.parent, mode=0o700, exist_ok=True)
        if not findings:
            findings = {
                "namespace": await _try_namespaces(str(path.parent)),
                "rewrite": Finding(True, "/opt/ml is replaced in arguments and environment"),
                "process": Finding(True, "for jobs that need no /opt/ml"),
            }
        if containers:
            findings["container"] = await _try_container()
        _write(path, key | {"findings": {name: asdict(one) for name, one in findings.items()}})
    except OSError as error:
        raise JobError(
            f"The folder {path.parent} cannot be used to find out how jobs can run: {error}.",
            code="job-probe-failed",
            hint="Choose another home with --home, or make this one writable.",
        ) from error
    return Probe(str(path.parent), findings)


def choose(probe: Probe, wanted: str = "auto", container_options: Sequence[str] = ()) -> JobRunner:
    """The runner to use.

    Args:
        probe: what works here.
        wanted: ``auto`` for the best that shows a job its ``/opt/ml`` without an image, and
            containers for jobs that name an engine; or a name.
        container_options: options of ``podman run`` or ``docker run``; none for the default.

    Raises:
        JobError: the wanted runner does not work here, or there is none of that name.
    """
    if wanted == "auto":
        host = _host(probe)
        return _by_image(host.name, "", container_options, host)
    if wanted not in probe.findings:
        return _plug_in(wanted, probe)
    finding = _working(probe, wanted)
    if wanted == "namespace":
        return NamespaceRunner(Recipe.from_dict(finding.detail), probe.scratch)
    if wanted == "container":
        return _by_image(wanted, finding.detail["tool"], container_options, _host(probe))
    return RewriteRunner() if wanted == "rewrite" else ProcessRunner()


def container_tool(probe: Probe) -> str:
    """The path of ``podman`` or ``docker``. Errors: ``JobError`` where none works here."""
    return str(_working(probe, "container").detail["tool"])


def _working(probe: Probe, name: str) -> Finding:
    finding = probe.findings[name]
    if not finding.works:
        raise JobError(
            f"The runner {name!r} does not work on this host: {finding.why}.",
            code="job-runner-unavailable",
            hint="`pipetui doctor` lists what works; `auto` takes the best of it.",
        )
    return finding


def _host(probe: Probe) -> JobRunner:
    """The best that shows a job its ``/opt/ml`` without an image."""
    return choose(probe, "namespace" if probe.findings["namespace"].works else "rewrite")


def _by_image(name: str, tool: str, options: Sequence[str], host: JobRunner) -> JobRunner:
    from engine.jobs.by_image import ByImageRunner
    from engine.jobs.container import NETWORK

    return ByImageRunner(name, tool, options or NETWORK, host)


def _plug_in(name: str, probe: Probe) -> JobRunner:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        return cast(JobRunner, entry.load()(probe))
    raise JobError(
        f"There is no job runner named {name!r}.",
        code="job-runner-unknown",
        hint=f"Choose auto, {', '.join(probe.findings)} or one that a plug-in offers.",
    )


async def _try_namespaces(scratch: str) -> Finding:
    why = "neither unshare with mount (util-linux) nor bwrap (bubblewrap) is installed"
    for recipe in recipes():
        end, log = await _try(NamespaceRunner(recipe, scratch), scratch)
        if end.ok:
            rest = "with" if recipe.contained else "without"
            good = f"{recipe.tool}, {rest} a PID namespace that ends what a job leaves behind"
            return Finding(True, good, recipe.as_dict())
        why = log.strip().rpartition("\n")[2] or end.describe()
    return Finding(False, why)


async def _try(runner: JobRunner, scratch: str) -> tuple[Exit, str]:
    """Run a small job that writes to ``/opt/ml`` and looks for the rest of ``/opt``."""
    with tempfile.TemporaryDirectory(prefix="probe-", dir=scratch) as directory:
        handle = await runner.start(_trial(directory))
        try:
            async with asyncio.timeout(_TRY_S):
                end = await runner.wait(handle)
        except TimeoutError:
            await runner.stop(handle, 0)
            end = Exit(note=f"no answer within {_TRY_S:.0f} s", lost=True)
        if end.ok and "trial" not in os.listdir(f"{directory}/ml"):
            end = Exit(code=1, note="what a job writes to /opt/ml does not arrive")
        return end, attempt.log_tail(directory)


def _trial(directory: str) -> Job:
    ml = f"{directory}/ml"
    os.mkdir(ml)
    opt = [f"/opt/{name}" for name in os.listdir("/opt") if name != "ml"]
    command = ("sh", "-c", _TRIAL, "sh", "/opt", *opt)
    return Job("probe", directory, command, {"PATH": "/usr/bin:/bin"}, ml=ml, hosts=1)


async def _try_container() -> Finding:
    why = "neither podman nor docker is installed"
    for tool in filter(None, map(shutil.which, ("podman", "docker"))):
        process = await asyncio.create_subprocess_exec(
            *(tool, "info"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_TRY_S):
                _, said = await process.communicate()
        except TimeoutError:
            process.kill()
            _, said = await process.communicate()
        if process.returncode == 0:
            return Finding(True, f"{tool} answers", {"tool": tool})
        why = said.decode("utf-8", "replace").strip().rpartition("\n")[2] or f"{tool} info fails"
    return Finding(False, why)


def _absolute(cache: str) -> Path:
    return Path(cache).absolute()


def _read(path: Path, key: Mapping[str, Any]) -> dict[str, Finding] | None:
    try:
        data = json.loads(path.read_text("utf-8"))
        if {name: data.get(name) for name in key} != key:
            return None
        return {name: Finding(**one) for name, one in data["findings"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(path: Path, data: Mapping[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    os.replace(draft, path)
