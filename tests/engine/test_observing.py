"""Observers of real executions: whatever happens to runners, every change is told, once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.model.status import ExecutionStatus
from engine.runner import observing
from engine.sources.aws_shapes import StatusChanges
from tests.engine.crash import CHAIN, FAN, Host, host, until
from tests.engine.embedded import Embedded, definition, processing

__all__ = ["host"]


def told(folder: Path) -> list[dict[str, Any]]:
    """What an execution's file of events says."""
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


async def test_every_status_change_is_in_the_file(embedded: Embedded) -> None:
    bad = processing("Bad", "exit 3", DependsOn=["Good"])
    state = await embedded.run(definition(processing("Good", "true"), bad))
    folder, changes = embedded.home.execution(state.execution.id), StatusChanges()
    expected = [
        change
        for event in await embedded.events(state.execution.id)
        for change in changes.take(event)
    ]
    assert told(folder) == expected
    assert [event["detail"]["currentStepStatus"] for event in expected[1:-1]] == [
        "Starting", "Executing", "Succeeded", "Starting", "Executing", "Failed",
    ]  # fmt: skip


async def test_a_retry_goes_on_in_the_same_file(embedded: Embedded) -> None:
    flag = embedded.folder / "fixed"
    state = await embedded.run(definition(processing("Flaky", f"test -e {flag}")))
    folder = embedded.home.execution(state.execution.id)
    before = told(folder)
    flag.touch()
    await embedded.retry(state.execution.id)
    after = told(folder)
    assert after[: len(before)] == before
    statuses = [event["detail"].get("currentPipelineExecutionStatus") for event in after]
    assert [one for one in statuses if one] == ["Executing", "Failed", "Executing", "Succeeded"]
    assert len({event["id"] for event in after}) == len(after)


async def test_configured_observers_are_told_and_a_report_is_written(embedded: Embedded) -> None:
    seen = embedded.folder / "seen"
    embedded.home.config.write_text(
        f'[observers]\ncommand = ["sh", "-c", "cat >> {seen}"]\njunit = true\n'
        'only = ["Succeeded"]\n'
    )
    state = await embedded.run(definition(processing("A", "true")))
    details = [json.loads(line)["detail"] for line in seen.read_text().splitlines()]
    assert [detail.get("stepName") for detail in details] == ["A", None]
    assert "<testcase" in (embedded.home.execution(state.execution.id) / "junit.xml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        'command = ["sh", "-c", "exit 1"]',
        'command = ["/no/such/program"]',
        'plugins = ["nobody-offers-this"]',
    ],
)
async def test_an_observer_that_fails_harms_no_run(embedded: Embedded, text: str) -> None:
    embedded.home.config.write_text(f"[observers]\n{text}\n")
    state = await embedded.run(definition(processing("A", "true")))
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert told(embedded.home.execution(state.execution.id))


async def test_an_observer_that_hangs_is_left_behind_and_told_the_rest_by_the_next_runner(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "DRAIN_S", 0.2)
    flag, seen = embedded.folder / "flag", embedded.folder / "seen"
    script = f"test -e {flag} || exec sleep 600; cat >> {seen}"
    embedded.home.config.write_text(
        f'[observers]\ncommand = ["sh", "-c", "{script}"]\ntimeout_s = 600\n'
    )
    state = await embedded.run(definition(processing("A", f"test -e {flag}")))
    assert state.execution.status is ExecutionStatus.FAILED
    assert not seen.exists()
    flag.touch()
    monkeypatch.setattr(observing, "DRAIN_S", 60.0)
    await embedded.retry(state.execution.id)
    events = [json.loads(line) for line in seen.read_text().splitlines()]
    assert events == told(embedded.home.execution(state.execution.id))


@pytest.mark.parametrize(
    "fault", ["observing:1", "observed:1", "observing:2", "recorded:4", "ended:1", "leaving:1"]
)
def test_a_killed_runner_costs_the_file_no_line_and_repeats_none(host: Host, fault: str) -> None:
    gated = fault.startswith("obs")
    if gated:
        # The first events are told while a job runs.
        document = definition(host.gated("A"), host.step("B", DependsOn=["A"]))
    else:
        document = host.graph(FAN)
    execution_id = host.start(document, host.launch(fault))
    if gated:
        assert host.fifo("up").hear() == "A\n"
        if fault == "observing:2":
            file = host.home.execution(execution_id) / "events.jsonl"
            until(lambda: file.exists() and file.stat().st_size)
            host.fifo("A").say()
    assert host.wait(execution_id), "the fault was missed"
    if gated and fault != "observing:2":
        host.fifo("A").say()
    host.take_over(execution_id)
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED


def test_a_program_misses_no_event_of_a_killed_runner(host: Host) -> None:
    seen = host.folder / "seen"
    with host.home.config.open("a") as config:
        config.write(f'[observers]\ncommand = ["sh", "-c", "cat >> {seen}"]\n')
    for fault in ("observed:1", "ended:1"):
        execution_id = host.start(host.graph(CHAIN), host.launch(fault))
        assert host.wait(execution_id), "the fault was missed"
        host.settle(execution_id)
        events = told(host.home.execution(execution_id))
        heard = Counter(json.loads(line)["id"] for line in seen.read_text().splitlines())
        assert set(heard) == {event["id"] for event in events}
        # One may have been on its way when the runner died.
        assert sum(heard.values()) <= len(events) + 1
        seen.unlink()
