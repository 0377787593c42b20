"""A replay from its request to its report.

The step runs in a runner process of its own, as any execution does; whoever asked only watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from engine import ids
from engine.clock import Clock, SystemClock
from engine.comparison.values import ValueDifference, compare_values
from engine.errors import CommandRejected
from engine.home import Home
from engine.jobs import identity
from engine.jobs.attempt import log_tail, read_exit
from engine.jobs.processes import ended
from engine.logs.first_error import first_error
from engine.model.status import EXECUTION_ENDED, StepStatus
from engine.model.views import StepView
from engine.planning.edits import apply_edits
from engine.replay import outputs
from engine.replay.recorded import definition_of, find
from engine.replay.report import Ending, Replay, ReplayReport, ReplayRequest, Verdict
from engine.replay.scratch import (
    CLOCK_SLACK_S,
    FOLDER,
    below,
    create_execution,
    discard,
    make_home,
    outputs_of,
    real_tree,
    tree_of,
)
from engine.runner.resume import orphaned, take_over
from engine.sources.artifacts import artifacts_of
from engine.sources.control import LocalControl
from engine.steps.hosts import host_folder
from engine.store import queries
from engine.store.connection import connect

POLL_S = 0.1
"""The runner is another process: its progress is seen in the store only."""
_LOOKS_AT_RUNNER = 20
"""Polls between two looks at whether the runner lives."""


async def replay(home: Home, request: ReplayRequest) -> ReplayReport:
    """Run a step again in a scratch copy, and compare; the execution itself is left untouched.

    Where the caller is cancelled, the replay is stopped.

    Errors: as for ``begin_replay``.
    """
    begun = await asyncio.to_thread(begin_replay, home, request)
    try:
        return await finish_replay(begun)
    except asyncio.CancelledError:
        await stop_replay(begun)
        raise


def begin_replay(home: Home, request: ReplayRequest, clock: Clock | None = None) -> Replay:
    """Make the scratch home of a replay and start its runner.

    Errors: ``NotFound``; ``CommandRejected`` where the step cannot be replayed, or the path of an
    edit does not exist; ``PlanError`` where it cannot run here any more; ``StoreError``.
    """
    with closing(connect(home.database, read_only=True)) as db:
        view, recorded = find(db, request.execution_id, request.step)
        apply_edits(recorded.arguments, request.edits, recorded.name)
        base = str(Path(view.file).parent) if view.file else ""
        text = definition_of(db, view, recorded, tree_of(home, base))
        packages = db.execute("SELECT * FROM model_package").fetchall()
    identifier = ids.execution_id()
    scratch = Home(home.root / FOLDER / identifier)
    begun = Replay(identifier, request, home, scratch, recorded, base)
    begun = replace(begun, caveats=tuple(_caveats(begun)))
    try:
        make_home(begun)
        create_execution(begun, view, text, packages, clock or SystemClock())
        take_over(scratch, identifier)
    except BaseException:
        discard(begun)
        raise
    return begun


async def finish_replay(begun: Replay) -> ReplayReport:
    """Wait until a replay has ended, compare it with the record, and clean up."""
    await _until_ended(begun)
    report = await asyncio.to_thread(_report, begun)
    if not begun.request.keep:
        await asyncio.to_thread(discard, begun)
    return report


async def stop_replay(begun: Replay) -> None:
    """Stop a replay, wait for its end, and clean up; one that has just ended is no error."""
    with contextlib.suppress(CommandRejected):
        await LocalControl(begun.scratch).stop(begun.id, "the replay is given up")
    await _until_ended(begun)
    if not begun.request.keep:
        await asyncio.to_thread(discard, begun)


async def _until_ended(begun: Replay) -> None:
    """Wait until a replay and its runner have ended; a runner that dies before is replaced."""
    with closing(connect(begun.scratch.database, read_only=True)) as db:
        for number in count(1):
            view = queries.execution(db, begun.id)
            if view.status in EXECUTION_ENDED:
                break
            if number % _LOOKS_AT_RUNNER == 0 and orphaned(db, begun.id):
                await asyncio.to_thread(take_over, begun.scratch, begun.id)
            await asyncio.sleep(POLL_S)
    # It still has files of the scratch home open.
    if (runner := identity.of(view.runner_pid)) is not None:
        await ended(runner)


def _report(begun: Replay) -> ReplayReport:
    """Compare a replay that has ended with the record."""
    with closing(connect(begun.scratch.database, read_only=True)) as db:
        now = queries.steps(db, begun.id)[0]
    then = begun.recorded
    before, after = _ending(then), _ending(now)
    compared = tuple(outputs.compare_outputs(begun, now))
    results = _results(then, now)
    same = (
        before.status == after.status
        and before.metrics == after.metrics
        and not results
        and outputs.same(compared)
    )
    verdict = Verdict.SAME if same else Verdict.DIFFERENT
    return ReplayReport(
        id=begun.id,
        execution_id=then.execution_id,
        step=then.name,
        type=then.type,
        edits=begun.request.edits,
        verdict=verdict if now.status is StepStatus.SUCCEEDED else Verdict.FAILED,
        before=before,
        now=after,
        outputs=compared,
        results=results,
        caveats=(*begun.caveats, *_other_environment(then, now)),
        folder=str(begun.scratch.root) if begun.request.keep else "",
    )


def _ending(step: StepView) -> Ending:
    last = step.attempts[-1] if step.attempts else None
    seconds = (last.ended_at or last.started_at) - last.started_at if last else 0.0
    found = first_error(log_tail(step.directory)) if step.directory else None
    failed = step.status is not StepStatus.SUCCEEDED
    return Ending(
        status=step.status,
        exit_code=_exit_code(step),
        seconds=seconds,
        failure_reason=step.failure_reason,
        failure_code=step.failure_code,
        first_error=found.summary if found and failed else "",
        metrics={
            str(one["MetricName"]): float(one["Value"])
            for one in step.properties.get("FinalMetricDataList") or ()
        },
    )


def _exit_code(step: StepView) -> int | None:
    if not step.directory:
        return None
    folders = (host_folder(Path(step.directory), number) for number in count())
    ends = [read_exit(str(folder)) for folder in takewhile(Path.is_dir, folders)]
    codes = [one.code for one in ends if one is not None and one.code is not None]
    return max(codes, default=None)


def _results(then: StepView, now: StepView) -> tuple[ValueDifference, ...]:
    """How the values differ that a step without declared files hands on."""
    if then.type == "Job":
        document = "JobConfigDocument"
        return compare_values(_document(then, document), _document(now, document))[0]
    if then.type != "Lambda":
        return ()
    return compare_values(then.properties, now.properties)[0]


def _document(step: StepView, name: str) -> dict[str, Any]:
    """The JSON object that a property holds as text, under the property's name."""
    text = step.properties.get(name)
    return {name: json.loads(text) if isinstance(text, str) else text}


def _caveats(begun: Replay) -> Iterator[str]:
    """What has changed in S3 since the step ran, so that the replay is not quite the same."""
    step, real = begun.recorded, real_tree(begun)
    mine = {
        found.uri for one in outputs_of(real, step) for found in below(real, one.uri)
    }  # fmt: skip
    began = (step.started_at or 0.0) - CLOCK_SLACK_S
    for one in artifacts_of(real, step):
        if one.role != "input":
            continue
        found = [each for each in below(real, one.uri) if each.uri not in mine]
        if changed := sum(each.modified_at > began for each in found):
            yield f"{_files(changed)} of input {one.name} changed after the step began ({one.uri})"
    over = (step.ended_at or 0.0) + CLOCK_SLACK_S
    for one in outputs_of(real, step):
        if later := sum(each.modified_at > over for each in below(real, one.uri)):
            yield (
                f"{_files(later)} of output {one.name} changed after the step ended, so what is"
                f" compared with is not all its own ({one.uri})"
            )


def _files(number: int) -> str:
    return f"{number} file{'s' * (number != 1)}"


def _other_environment(then: StepView, now: StepView) -> Iterator[str]:
    old, new = then.environment.get("Python"), now.environment.get("Python")
    if old and new and old != new:
        yield f"it ran in another environment: {new} instead of {old}"
