"""What QualityCheck and ClarifyCheck share: the job, the baseline before it, the verdict.

A check always computes a new baseline. Unless it is skipped, that is compared with the previous
one: the supplied files, else those of the latest approved version in the model package group. What
SkipCheck and RegisterNewBaseline mean is the table of section 4.8 of the pipelines reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.catalog import Resolution, content_key
from engine.environments.grade import Grade
from engine.environments.programs import FOLDER as PROGRAMS
from engine.errors import JobError, PlanError, StorageError
from engine.model.status import ApprovalStatus
from engine.model.views import ModelPackageView, local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext, failed, succeeded
from engine.steps.container import (
    DEFAULT_PATH,
    Prepared,
    base_interpreter,
    beside_containers,
    interpreter_version,
    job_environment,
    prepared_in,
    resolve_image,
)
from engine.steps.hosts import Host, collect, job_outcome, jobs_on, max_runtime
from engine.steps.inputs import bring, mappings, section
from engine.steps.json_files import read_json
from engine.steps.opt_ml import text_map
from engine.storage.transfer import upload_local

OUTPUT = "/opt/ml/processing/output"
BASELINE = "/opt/ml/processing/baseline"
VIOLATIONS_FILE = "constraint_violations.json"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """A file that a check computes, and compares with its predecessor.

    Args:
        name: ``Statistics`` or ``Constraints``, the end of the names of its properties.
        file: its name below the output's URI.
        member: where it stands in a group of ``DriftCheckBaselines``.
    """

    name: str
    file: str
    member: str


@dataclass(frozen=True, slots=True)
class CheckKind:
    """What a CheckType is here.

    Args:
        section: the group of ``DriftCheckBaselines`` that holds its baseline.
        requirements: what its program needs beside Python; none where it is empty.
    """

    section: str
    files: tuple[BaselineFile, ...]
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a check step beside its Arguments, resolved."""

    check_type: str
    skip: bool
    register: bool
    fail_on_violation: bool
    group: str
    supplied: Mapping[str, str]
    """``Statistics`` and ``Constraints`` to the URI that the step supplies."""

    @classmethod
    def of(cls, context: StepContext) -> Settings:
        """Read them; null counts as absent, and FailOnViolation is on unless it is turned off."""
        extra = {key: context.resolve(value) for key, value in context.step.extra.items()}
        supplied = {
            name: str(extra[f"SuppliedBaseline{name}"])
            for name in ("Statistics", "Constraints")
            if extra.get(f"SuppliedBaseline{name}")
        }
        return cls(
            check_type=str(extra.get("CheckType") or ""),
            skip=_flag(extra.get("SkipCheck"), False),
            register=_flag(extra.get("RegisterNewBaseline"), False),
            fail_on_violation=_flag(extra.get("FailOnViolation"), True),
            group=str(extra.get("ModelPackageGroupName") or "").rsplit("/", 1)[-1],
            supplied=supplied,
        )

    @property
    def needs_previous(self) -> bool:
        """Whether there has to be an earlier baseline: to compare with, or to pass on."""
        return not (self.skip and self.register)


def _flag(value: Any, default: bool) -> bool:
    return default if value is None else value is True or str(value).lower() == "true"


class CheckStep:
    """Runs a check's job with a program of our own in place of a closed container's.

    Args:
        step_type: ``QualityCheck`` or ``ClarifyCheck``, as it is called in metadata.
        program: which of the check programs to run.
        product: whose rules these are.
        kinds: CheckType to what it is here.
    """

    runs_jobs = True
    interruptible = True

    def __init__(
        self, step_type: str, program: str, product: str, kinds: Mapping[str, CheckKind]
    ) -> None:
        self._step_type = step_type
        self._program = program
        self._product = product
        self._kinds = kinds

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """A CheckType that is not known."""
        check_type = step.extra.get("CheckType")
        if not isinstance(check_type, Mapping) and check_type not in self._kinds:
            return PlanError(
                f"{step.name}: a {self._step_type} step has no CheckType {check_type!r}",
                code="check-type-unknown",
                hint=f"It is one of {', '.join(self._kinds)}.",
                path=step.path,
            )
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """AWS's container is closed; its rules are not."""
        own = f"PipeTUI's own implementation of {self._product}'s rules, not AWS's container"
        return own + beside_containers(config)

    def serving(self, context: StepContext) -> AbstractAsyncContextManager[Mapping[str, str]]:
        """What has to run beside the job, as variables that tell the job of it."""
        return nullcontext({})

    async def run(self, context: StepContext) -> Outcome:
        """Compute the new baseline, compare it with the previous one, and judge."""
        settings = Settings.of(context)
        kind = self._kind(settings)
        previous = await _previous(context, settings, kind) if settings.needs_previous else {}
        prepared = await self._prepare(context, kind)
        limit = max_runtime(context.arguments)
        host = Host(0, 1, context.directory)
        compared = {} if settings.skip else previous
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(_lay_out, context, host, kind, compared)
        command = (prepared.python, str(PROGRAMS), self._program, "--root", "/opt/ml")
        declared = text_map(section(context.arguments, "Environment"))
        earlier = {
            f"baseline_{one.name.lower()}": f"{BASELINE}/{one.file}"
            for one in kind.files
            if one.name in compared
        }
        async with self.serving(context) as variables:
            given = {**declared, **earlier, **variables}
            environment = job_environment(context, prepared, given)
            jobs = jobs_on([host], context, "", command, environment)
            end = await context.run_jobs(jobs, prepared.description, limit)
        return await self._finish(context, settings, previous, host, end, limit)

    def _kind(self, settings: Settings) -> CheckKind:
        kind = self._kinds.get(settings.check_type)
        if kind is None:
            raise JobError(
                f"ClientError: a {self._step_type} step has no CheckType {settings.check_type!r}",
                code="check-type-unknown",
                hint=f"It is one of {', '.join(self._kinds)}.",
            )
        return kind

    async def _prepare(self, context: StepContext, kind: CheckKind) -> Prepared:
        """The program's environment, or the one that the user names for the image."""
        config = context.services.config
        image = _image(context)
        resolution = resolve_image(image, config)
        if resolution.grade is not Grade.CONFIGURED:
            note = self.stand_in(context.step, context.services.config)
            resolution = _environment_for(resolution, kind.requirements, note, config)
        if resolution.kind == "venv":
            context.doing("preparing the environment of the check")
        environment = await context.services.environments.ensure(resolution)
        return prepared_in(environment, resolution, image, DEFAULT_PATH)

    async def _finish(
        self,
        context: StepContext,
        settings: Settings,
        previous: Mapping[str, str],
        host: Host,
        end: JobsEnd,
        limit: float | None,
    ) -> Outcome:
        uri = _output_uri(context.arguments).rstrip("/")
        context.doing("uploading outputs")
        _, note = await collect(context, end, partial(_upload, context, host, uri), None)
        metadata: dict[str, Any] = {
            "CheckType": settings.check_type,
            "CheckJobArn": local_arn("processing-job", context.job_name),
            "SkipCheck": settings.skip,
            "RegisterNewBaseline": settings.register,
        }
        if settings.group:
            metadata["ModelPackageGroupName"] = settings.group
        if not end.ok:
            said = {self._step_type: metadata}
            return job_outcome(end, [host], "Processing", limit, {}, said, note)
        new = {one.name: f"{uri}/{one.file}" for one in self._kind(settings).files}
        used = new if settings.register else previous
        properties = {f"CalculatedBaseline{name}": where for name, where in new.items()}
        properties |= {f"BaselineUsedForDriftCheck{name}": used[name] for name in new}
        metadata |= properties
        if settings.skip:
            return succeeded(properties, {self._step_type: metadata}, note="not compared")
        return self._judge(_count_violations(host), uri, settings, properties, metadata)

    def _judge(
        self,
        violations: int,
        uri: str,
        settings: Settings,
        properties: dict[str, Any],
        metadata: dict[str, Any],
    ) -> Outcome:
        """What the violations of the previous baseline mean for the step."""
        said = {self._step_type: metadata}
        if not violations:
            return succeeded(properties, said, note="no violations")
        report = metadata["ViolationReport"] = f"{uri}/{VIOLATIONS_FILE}"
        note = f"{violations} violation(s), see {report}"
        if not settings.fail_on_violation:
            return succeeded(properties, said, note)
        check = self._step_type.removesuffix("Check")
        reason = f"ClientError: {check} check failed. See violation report {report}"
        return failed(reason, "check-violated", properties, said, note)


def _image(context: StepContext) -> str:
    return str(section(context.arguments, "AppSpecification").get("ImageUri") or "")


def _environment_for(
    resolution: Resolution, requirements: Sequence[str], note: str, config: Config
) -> Resolution:
    """An environment of our own pins; Python alone where the program needs no more."""
    mine = replace(resolution, grade=Grade.FAR, kind="host", notes=(note,), python="")
    if not requirements:
        return mine
    key = content_key(requirements, interpreter_version(base_interpreter(config)))
    return replace(mine, kind="venv", requirements=tuple(requirements), key=key)


async def _previous(context: StepContext, settings: Settings, kind: CheckKind) -> dict[str, str]:
    """URIs of the previous baseline, by file name.

    Errors: ``JobError`` (``baseline-missing``) where one is neither supplied nor registered.
    """
    found = {one.name: uri for one in kind.files if (uri := settings.supplied.get(one.name))}
    if len(found) == len(kind.files):
        return found
    packages = await context.packages(settings.group) if settings.group else []
    registered = _registered(packages, kind)
    for one in kind.files:
        uri = found.get(one.name) or registered.get(one.name)
        if uri is None:
            where = f"model package group {settings.group}" if settings.group else "no group"
            raise JobError(
                f"ClientError: there is no previous baseline {one.name.lower()}: none is supplied,"
                f" and {where} has no approved version with"
                f" DriftCheckBaselines.{kind.section}.{one.member}",
                code="baseline-missing",
                hint=f"Supply one (SuppliedBaseline{one.name}), approve a version that has one, or"
                " set SkipCheck and RegisterNewBaseline to true for the first run.",
            )
        found[one.name] = uri
    return found


def _registered(packages: Sequence[ModelPackageView], kind: CheckKind) -> dict[str, str]:
    """The baseline of the latest approved version."""
    approved = (one for one in packages if one.approval is ApprovalStatus.APPROVED)
    latest = max(approved, key=lambda one: one.version, default=None)
    if latest is None:
        return {}
    group = section(section(latest.request, "DriftCheckBaselines"), kind.section)
    found = {one.name: section(group, one.member).get("S3Uri") for one in kind.files}
    return {name: str(uri) for name, uri in found.items() if uri}


def _lay_out(
    context: StepContext, host: Host, kind: CheckKind, previous: Mapping[str, str]
) -> None:
    """Make ``/opt/ml`` with the inputs and the files to compare with."""
    host.ml.make(OUTPUT)
    host.ml.make("/opt/ml/output")
    tree = context.services.tree
    for entry in mappings(context.arguments.get("ProcessingInputs")):
        source = section(entry, "S3Input")
        bring(
            tree,
            host,
            source,
            host.ml.make(str(source.get("LocalPath") or ""), below="/opt/ml/processing"),
            what=f"input {entry.get('InputName')}",
            compression=source.get("S3CompressionType"),
        )
    for one in kind.files:
        if one.name not in previous:
            continue
        uri = previous[one.name]
        try:
            tree.fetch(uri, host.ml.make(BASELINE) / one.file)
        except StorageError as problem:
            raise JobError(
                f"ClientError: the baseline {one.name.lower()} cannot be read: {problem}",
                code="baseline-unreadable",
                hint=f"Put the file at {tree.place_of(uri)}, or supply another one.",
            ) from problem


def _output_uri(arguments: Json) -> str:
    """Where the check's files go. Errors: ``JobError`` where the step does not say."""
    for output in mappings(section(arguments, "ProcessingOutputConfig").get("Outputs")):
        uri = section(output, "S3Output").get("S3Uri")
        if uri:
            return str(uri)
    raise JobError(
        "ClientError: the check names no output",
        code="check-output-missing",
        hint="Give ProcessingOutputConfig one output with an S3Uri.",
    )


def _upload(context: StepContext, host: Host, uri: str) -> None:
    folder = host.ml.left(OUTPUT)
    if folder is not None:
        upload_local(context.services.tree, folder, uri)


def _count_violations(host: Host) -> int:
    """How many violations the job found; none where it compared nothing."""
    file = host.ml.host_path(f"{OUTPUT}/{VIOLATIONS_FILE}")
    if not file.is_file():
        return 0
    return len(read_json(file.read_bytes())["violations"])
