"""The feed hands on what changed, once, whatever the source does."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.errors import CommandRejected, SourceError
from engine.model import events as e
from pipetui import editor
from pipetui.app import terminal_settings
from pipetui.definition_file import changed_since
from pipetui.feed import Feed, Update
from pipetui.source_code import around, locate
from tests.ui import stories
from tests.ui.recorded import NOW, RecordedControl, RecordedSource


@pytest.fixture
def source(tmp_path: Path) -> RecordedSource:
    return stories.home(tmp_path)


@pytest.fixture
def feed(source: RecordedSource) -> Feed:
    return Feed(source, RecordedControl(source))


@asynccontextmanager
async def following(feed: Feed) -> AsyncIterator[asyncio.Queue[Update]]:
    """The feed's updates as they come."""
    seen: asyncio.Queue[Update] = asyncio.Queue()

    async def follow() -> None:
        async for update in feed.updates():
            seen.put_nowait(update)

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(10):
            yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_update_has_everything(feed: Feed) -> None:
    update = await feed.poll()
    assert update.executions is not None
    assert len(update.executions) == 4
    assert update.inbox is not None
    assert feed.running == {stories.RUNNING: "train", stories.WAITING: "deploy-gate"}


async def test_nothing_new_is_no_update(feed: Feed) -> None:
    await feed.poll()
    assert not await feed.poll()
    assert not await feed.poll(everything=True)


async def test_an_update_has_only_the_steps_that_changed(
    feed: Feed, source: RecordedSource
) -> None:
    await feed.watch(stories.RUNNING)
    await feed.poll()
    source.add(stories.RUNNING, e.StepSucceeded("train"))
    source.add(stories.FAILED, e.StopRequested())
    update = await feed.poll()
    assert [step.name for step in update.steps] == ["train"]
    assert [event.kind for event in update.events] == ["StepSucceeded"]
    assert feed.steps["train"].status == "Succeeded"
    assert list(feed.steps) == [step.name for step in stories.STEPS]


async def test_a_burst_of_events_becomes_few_updates(feed: Feed, source: RecordedSource) -> None:
    await feed.watch(stories.RUNNING)
    async with following(feed) as seen:
        await seen.get()
        for number in range(300):
            source.add(stories.RUNNING, e.StepProgressed("train", f"round {number}"))
        updates = [await seen.get()]
        while feed.steps["train"].doing != "round 299":
            updates.append(await seen.get())
        assert len(updates) < 5


async def test_a_source_that_fails_is_asked_again(feed: Feed, source: RecordedSource) -> None:
    async with following(feed) as seen:
        await seen.get()
        source.broken = SourceError("no answer")
        source.ring()
        assert (await seen.get()).trouble == "no answer; trying again"
        source.broken = None
        source.add(stories.RUNNING, e.StepSucceeded("train"))
        update = await seen.get()
        assert update.trouble == ""
        assert update.executions is not None


async def test_model_packages_reach_the_inbox(feed: Feed, source: RecordedSource) -> None:
    await feed.poll()
    await RecordedControl(source).decide(stories.MODEL, source.models[stories.MODEL].approval)
    package = await feed.decide(stories.MODEL, approve=True, comment="yes")
    assert package.approval == "Approved"
    update = await feed.poll()
    assert update.inbox is not None
    assert not update.inbox.packages


async def test_what_is_refused_is_never_sent(source: RecordedSource) -> None:
    source.refuse({"retry": "not here"})
    control = RecordedControl(source)
    feed = Feed(source, control)
    with pytest.raises(CommandRejected, match="not here"):
        await feed.retry(stories.FAILED)
    only_looking = Feed(source, control, read_only=True)
    assert only_looking.refusal("stop").startswith("read-only")
    with pytest.raises(CommandRejected, match="read-only"):
        await only_looking.stop(stories.RUNNING, "")
    assert not control.asked


async def test_a_reason_that_points_to_the_log_tells_what_the_log_says(
    feed: Feed, source: RecordedSource, tmp_path: Path
) -> None:
    log = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no rows\n'
    place = stories.attempt_folder(tmp_path, stories.RUNNING, "split", log)
    source.add(stories.RUNNING, e.StepStarted("split", 2, {}, place))
    reason = "AlgorithmError: See job logs for more information, exit code 1"
    source.add(stories.RUNNING, e.StepFailed("split", reason, "AlgorithmError"))
    await feed.watch(stories.RUNNING)
    async with following(feed) as seen:
        while "no rows" not in feed.steps["split"].failure_reason:
            update = await seen.get()
    assert [step.name for step in update.steps] == ["split"]
    assert feed.steps["split"].failure_reason == "AlgorithmError: ValueError: no rows, exit code 1"
    told = next(one for one in feed.executions if one.id == stories.RUNNING)
    assert told.first_failure == "AlgorithmError: ValueError: no rows, exit code 1"


async def test_executions_whose_runner_died_are_taken_over_and_that_is_said(
    source: RecordedSource,
) -> None:
    control = RecordedControl(source, orphans=[stories.RUNNING])
    feed = Feed(source, control)
    await feed.poll()
    assert await feed.resume()
    assert not await feed.resume()
    async with following(feed) as seen:
        told = (await seen.get()).notice
    assert told == "runner of churn-train/k3f9 died; a new one took over"
    assert control.asked == [("resume", stories.RUNNING)]


async def test_who_only_looks_takes_nothing_over(source: RecordedSource) -> None:
    control = RecordedControl(source, orphans=[stories.RUNNING])
    feed = Feed(source, control, read_only=True)
    await feed.poll()
    assert not await feed.resume()
    assert control.orphans


def test_the_terminal_moves_nothing_and_saves_bytes_over_ssh() -> None:
    assert terminal_settings({})["TEXTUAL_ANIMATIONS"] == "none"
    assert "TEXTUAL_COLOR_SYSTEM" not in terminal_settings({})
    far = {"SSH_CONNECTION": "1 2 3 4", "TERM": "xterm-256color"}
    assert terminal_settings(far)["TEXTUAL_COLOR_SYSTEM"] == "256"
    assert terminal_settings({**far, "TERM": "linux"})["TEXTUAL_COLOR_SYSTEM"] == "auto"
    chosen = terminal_settings({**far, "TEXTUAL_COLOR_SYSTEM": "truecolor"})
    assert "TEXTUAL_COLOR_SYSTEM" not in chosen


def test_code_of_a_job_is_found_in_the_attempts_folder(tmp_path: Path) -> None:
    code = tmp_path / "ml" / "code" / "train.py"
    code.parent.mkdir(parents=True)
    code.write_text("\n".join(f"line {number}" for number in range(1, 20)))
    for named in ("/opt/ml/code/train.py", "train.py", str(code)):
        assert locate(named, str(tmp_path)) == code
    assert around(code, 2) == [(n, f"line {n}") for n in range(1, 6)]
    assert around(code, 0) == []
    assert locate("/no/such/file.py", str(tmp_path)) is None
    assert locate("bad\0name", "/") is None


def test_an_edited_text_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho more >> "$1"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(script))
    assert editor.edit("text\n") == ("text\nmore\n", "")
    monkeypatch.setenv("EDITOR", str(tmp_path / "none"))
    text, trouble = editor.edit("text\n")
    assert text == "text\n"
    assert "set EDITOR" in trouble


def test_a_definition_counts_as_changed_when_it_was_written_since(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    assert not changed_since(str(file), NOW)
    file.write_text("{}")
    written = file.stat().st_mtime
    assert changed_since(str(file), written - 1)
    assert not changed_since(str(file), written + 1)
