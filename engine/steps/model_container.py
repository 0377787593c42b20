"""The containers of a model, laid out to be served: model data, code, environment, variables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import JobError
from engine.jobs.base import Job
from engine.jobs.container import ContainerRunner, container_name
from engine.steps.base import Services, StepContext
from engine.steps.container import Prepared, job_environment, prepare, standing_image
from engine.steps.inputs import mappings, section
from engine.steps.opt_ml import ROOT, OptMl, text_map
from engine.storage.archive import unpack
from engine.storage.transfer import download_local
from engine.storage.tree import LocalTree

Json = Mapping[str, Any]
SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
_CODE = f"{ROOT}/code"


@dataclass(frozen=True, slots=True)
class Served:
    """Containers that are ready to be started.

    Attributes:
        containers: as ``serving.chain`` reads them, plain JSON.
        first: the first one's environment.
        description: of the environments, for people.
    """

    containers: list[dict[str, Any]]
    first: Prepared
    description: dict[str, Any]


def home_of(services: Services) -> Path:
    """The home, in which models and endpoints are kept."""
    return services.job_home.parent


def containers_of(model: Json) -> list[Json]:
    """The containers of a model, in the order in which a request passes them.

    Errors: ``JobError`` for what cannot be served here.
    """
    primary = section(model, "PrimaryContainer")
    found = [primary] if primary else mappings(model.get("Containers"))
    name = model.get("ModelName")
    if section(model, "InferenceExecutionConfig").get("Mode") == "Direct":
        raise _unsupported(f"model {name} has containers that are called one by one (Direct)")
    for container in found:
        if container.get("Mode") == "MultiModel":
            raise _unsupported(f"model {name} is a multi-model container")
        if container.get("ModelPackageName"):
            raise _unsupported(f"model {name} is made from model package"
                               f" {container['ModelPackageName']}")  # fmt: skip
        if not container.get("Image"):
            raise _unsupported(f"a container of model {name} names no image")
    if not found:
        raise _unsupported(f"model {name} has no containers")
    return found


def _unsupported(what: str) -> JobError:
    return JobError(
        f"ClientError: {what}, which cannot be served here",
        code="model-unsupported",
        hint="Give the model an Image and ModelDataUrl per container, called in series.",
    )


async def lay_out_model(
    context: StepContext,
    model: Json,
    ml: OptMl,
    roots: Sequence[str],
    *,
    fetch: bool = True,
    defaults: Mapping[str, str] | None = None,
    forced: Mapping[str, str] | None = None,
    startup_s: Any = None,
) -> Served:
    """Fetch each container's data and code, and find or build its environment.

    Args:
        ml: the tree of the job that serves.
        roots: a folder below ``ml`` for each container; empty for ``ml`` itself.
        fetch: False where data and code lie there already.
        defaults: variables that the model may set otherwise.
        forced: variables that win over the model's.
        startup_s: seconds that a container may take to become healthy; None for the default.

    Errors: ``JobError``, ``PlanError``, and those of storage and environments.
    """
    containers, prepared = [], []
    for container, root in zip(containers_of(model), roots, strict=True):
        place = OptMl(ml.folder / root)
        declared = text_map(container.get("Environment")) | dict(forced or {})
        if fetch:
            context.doing("fetching the model")
            await context.in_thread(_fetch, context.services.tree, container, declared, place)
        if declared.get(SUBMIT_DIRECTORY, "").startswith("s3://"):
            declared[SUBMIT_DIRECTORY] = _CODE
        image = standing_image(str(container["Image"]), context.services.config)
        found = await prepare(context, image, _requirements(place, declared))
        seconds = startup_s or declared.get("SAGEMAKER_STARTUP_TIMEOUT")
        variables = job_environment(context, found, {**(defaults or {}), **declared})
        prepared.append(found)
        containers.append(
            {
                "root": root,
                "startup_s": float(seconds) if seconds else None,
                **await _server(context, found, image, place, variables),
            }
        )
    return Served(containers, prepared[0], _description([one.description for one in prepared]))


async def _server(
    context: StepContext, found: Prepared, image: str, place: OptMl, variables: dict[str, str]
) -> dict[str, Any]:
    """What starts a container's server: its environment's Python, or the tool of containers."""
    if found.resolution is not None:
        family = found.resolution.image.family.value
        return {"python": found.python, "family": family, "environment": variables}
    runner = await _container_runner(home_of(context.services), found.engine)
    job = Job(
        id=f"{context.job_id}/serve",
        directory=str(place.folder),
        command=("serve",),
        environment=variables,
        ml=str(place.folder),
        image=image,
        image_entrypoint=True,
    )
    words, of_tool, _ = runner.words(job)
    return {
        "run": words,
        "variables": of_tool,
        "name": container_name(job.directory),
        "gateway": await context.in_thread(runner.gateway),
    }


async def _container_runner(home: Path, engine: str) -> ContainerRunner:
    """What starts containers beside a job. Errors: ``JobError`` where this host has no tool."""
    from engine.jobs.ladder import container_tool, probe

    tool = engine or container_tool(await probe(str(home / "host" / "probe.json")))
    # A network of its own: several containers listen on the same port.
    return ContainerRunner(tool, ())


def _description(environments: Sequence[Json]) -> dict[str, Any]:
    """The first container's environment, with a note on each of the others."""
    first, *others = environments
    notes = [
        f"container {number}: {one['Image']} ({one['Grade']})"
        for number, one in enumerate(others, 2)
    ]
    return {**first, "Notes": [*first["Notes"], *notes]}


def roots_for(count: int) -> list[str]:
    """Folders for the containers of one job: the only one has the job's whole ``/opt/ml``."""
    return [""] if count == 1 else [f"containers/{number + 1}" for number in range(count)]


def _fetch(tree: LocalTree, container: Json, variables: Mapping[str, str], place: OptMl) -> None:
    """Put model data and code where the container expects them."""
    source = section(section(container, "ModelDataSource"), "S3DataSource")
    uri = str(container.get("ModelDataUrl") or source.get("S3Uri") or "")
    model = place.make(f"{ROOT}/model")
    if uri and source.get("CompressionType") == "None":
        download_local(tree, uri, model)
    elif uri:
        _unpack(tree, uri, model)
    code = variables.get(SUBMIT_DIRECTORY, "")
    if code.startswith("s3://") and code.endswith(_ARCHIVES):
        _unpack(tree, code, place.make(_CODE))
    elif code.startswith("s3://"):
        download_local(tree, code, place.make(_CODE))


def _unpack(tree: LocalTree, uri: str, into: Path) -> None:
    packed = into.with_name(f"{into.name}.packed")
    download_local(tree, uri, packed)
    try:
        unpack(packed / PurePosixPath(uri).name, into)
    finally:
        shutil.rmtree(packed)


def _requirements(place: OptMl, variables: Mapping[str, str]) -> Path | None:
    """What the user's code asks for; the containers install it when they start."""
    submitted = variables.get(SUBMIT_DIRECTORY, "")
    folders = [_CODE, f"{ROOT}/model/code"]
    if PurePosixPath(submitted).is_relative_to(ROOT):
        folders.insert(0, submitted)
    files = (place.host_path(f"{folder}/requirements.txt") for folder in folders)
    return next((file for file in files if file.is_file()), None)
