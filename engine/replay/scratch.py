"""The scratch home of a replay: a home of its own over the real one, with one step to run.

It has its own store, attempts and loopback endpoint. Its S3 is an overlay of the real one, its
environments are the real ones. What the step's job left in S3 is hidden in it, so that the job
finds what it found the first time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast

from engine.actor import actor
from engine.clock import Clock
from engine.config import load_config
from engine.definition.loader import load
from engine.errors import StorageError
from engine.home import Home
from engine.model.events import ExecutionCreated, StepDeclared
from engine.model.views import ExecutionView, StepView
from engine.replay.report import Replay
from engine.runner.process import alive
from engine.sources.artifacts import artifacts_of
from engine.sources.base import Artifact
from engine.steps.file_systems import FILE_SYSTEMS
from engine.steps.handlers import refuse, stand_in
from engine.storage.base import ObjectInfo
from engine.storage.location import Location
from engine.storage.overlay import OverlayTree, lay_over, open_tree
from engine.storage.tree import LocalTree
from engine.store.connection import connect
from engine.store.ledger import Ledger

FOLDER = "replays"
CLOCK_SLACK_S = 0.02
"""How far the time that the kernel stamps on a file may lie behind the clock."""
_MODELS = "models"


def make_home(replay: Replay) -> None:
    """Make the scratch home, with the outputs of the recorded step hidden."""
    home, scratch = replay.home, replay.scratch
    scratch.root.mkdir(mode=0o700, parents=True)
    scratch.mark_scratch()
    scratch.environments.symlink_to(os.path.realpath(home.environments))
    lay_over(home.s3, scratch.s3)
    with suppress(FileNotFoundError):
        shutil.copy(home.config, scratch.config)
    if (home.root / FILE_SYSTEMS).is_dir():
        (scratch.root / FILE_SYSTEMS).symlink_to(os.path.realpath(home.root / FILE_SYSTEMS))
    if (home.root / _MODELS).is_dir():
        shutil.copytree(home.root / _MODELS, scratch.root / _MODELS)
    scratch.prepare()
    _hide_outputs(replay)


def _hide_outputs(replay: Replay) -> None:
    """Hide what the step's job, or a later one, left where its outputs go.

    What lay there before it began stays: an earlier run's checkpoints, say, that it went on from.
    """
    overlay = overlay_of(replay)
    since = (replay.recorded.started_at or 0.0) - CLOCK_SLACK_S
    for output in outputs_of(real_tree(replay), replay.recorded):
        for found in below(real_tree(replay), output.uri):
            if found.modified_at >= since:
                overlay.delete(found.uri)


def create_execution(
    replay: Replay, view: ExecutionView, text: str, packages: Sequence[Sequence[Any]], clock: Clock
) -> None:
    """Create the execution of the one step in the scratch home's store.

    Args:
        text: its definition.
        packages: rows of the real store's model packages, which a check may look up.

    Errors: ``PlanError`` where the step cannot run here any more.
    """
    # Never read: its folder is where relative paths start, its ending tells what the text is.
    file = f"{replay.base}/replay.json" if replay.base else ""
    name, config = replay.recorded.name, load_config(replay.scratch.config, file)
    step = load(text, file=file).steps[name]
    if refusal := refuse(step, config):
        raise refusal
    fact = ExecutionCreated(
        pipeline=view.pipeline,
        definition=hashlib.sha256(text.encode()).hexdigest(),
        parameters={},
        steps=(StepDeclared(name, step.type, stand_in=stand_in(step, config)),),
        file=file,
        display_name=f"replay of {replay.recorded.execution_id}/{name}",
        edits={name: dict(replay.request.edits)} if replay.request.edits else {},
    )
    with closing(connect(replay.scratch.database)) as db:
        Ledger(db, alive).create(replay.id, fact, text, clock.now(), actor())
        for row in packages:
            places = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO model_package VALUES ({places})", row)


def discard(replay: Replay) -> None:
    """Remove the scratch home; links out of it are not followed."""
    shutil.rmtree(replay.scratch.root, ignore_errors=True)
    with suppress(OSError):
        replay.scratch.root.parent.rmdir()


def tree_of(home: Home, base: str) -> LocalTree:
    """The S3 of a home, real or scratch."""
    return open_tree(home.s3, Path(base) if base else None)


def real_tree(replay: Replay) -> LocalTree:
    """The S3 of the home that the step belongs to."""
    return tree_of(replay.home, replay.base)


def overlay_of(replay: Replay) -> OverlayTree:
    """The S3 that the replay works on."""
    return cast(OverlayTree, tree_of(replay.scratch, replay.base))


def outputs_of(tree: LocalTree, step: StepView) -> list[Artifact]:
    """What a step's job is asked to leave in S3, as its arguments and properties name it."""
    return [one for one in artifacts_of(tree, step) if one.role in ("output", "model")]


def below(
    tree: LocalTree, uri: str, scan: Callable[[Location], Iterable[ObjectInfo]] | None = None
) -> Iterator[ObjectInfo]:
    """The object that a URI names, or those in the folder that it names; none for a bad URI.

    Args:
        scan: what lists the objects whose key starts as the URI's does; the tree's own by default.
    """
    try:
        location = tree.locate(uri)
    except StorageError:
        return
    folder = location.key.rstrip("/") + "/" if location.key else ""
    for found in (scan or tree.scan)(location):
        if found.key == location.key or found.key.startswith(folder):
            yield found
