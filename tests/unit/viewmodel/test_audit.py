"""What people did is told in words, and what is done with a key as a command."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from click import Context, Group
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Event
from engine.model import events as e
from engine.model.status import ApprovalStatus
from pipetui.cli.program import program
from pipetui.feed import facts
from pipetui.viewmodel import deeds
from pipetui.viewmodel.audit import Action, action, deed_lines, document, row
from pipetui.viewmodel.lines import text_of
from pipetui.viewmodel.state import Display

RUN = "k3f9aaaaaaaa"
ARN = "arn:aws:sagemaker:local:000000000000:model-package/churn-model/7"


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (e.ExecutionCreated("churn", "", {}, ()), Action("started", "churn/k3f9")),
        (
            e.ExecutionCreated(
                "churn",
                "",
                {},
                (),
                source_execution="9dk2bb",
                selection=("a", "b"),
                edits={"a": {}},
            ),
            Action("rerun", "churn/k3f9", "from 9dk2  2 steps  1 edited"),
        ),
        (e.StopRequested("slow"), Action("stopped", "churn/k3f9", comment="slow")),
        (
            e.ExecutionRetried(("a", "b", "c", "d")),
            Action("retried", "churn/k3f9", "a, b, c and 1 more"),
        ),
        (e.ParallelismChanged(3), Action("parallelism", "churn/k3f9", "at most 3 steps at once")),
        (e.ExecutionRenamed("x", None), Action("renamed", "churn/k3f9", "x")),
        (
            e.CallbackAnswered("gate", "t", True, comment="fine", client="10.0.0.1"),
            Action("approved", "churn/k3f9 gate", "", "fine", "10.0.0.1"),
        ),
        (
            e.CallbackAnswered("gate", "t", False, reason="no"),
            Action("rejected", "churn/k3f9 gate", "", "no"),
        ),
        (
            e.ModelApprovalChanged(ARN, ApprovalStatus.PENDING, ApprovalStatus.REJECTED, "bad"),
            Action("rejected", "churn-model/7", "was PendingManualApproval", "bad"),
        ),
        (e.PipelineDeleted("churn"), Action("deleted", "pipeline churn")),
        (
            e.PipelineVersionUpdated("churn", 3, aliases=("prod",)),
            Action("updated", "pipeline churn version 3"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_action_is_told(fact: e.Fact, told: Action) -> None:
    event = Event(7, RUN, 5.0, "ana@host", fact)
    done = action(event, facts(event), {RUN: "churn"})
    assert done == told
    said = " ".join(text_of(cell) for cell in row(event, done, now=9.0, display=Display()).cells)
    assert "ana@host" in said
    assert told.target in said
    assert document(event, done)["who"] == "ana@host"


def test_no_action_of_people_is_without_words() -> None:
    told = {
        "ExecutionCreated StopRequested ExecutionRetried ParallelismChanged ExecutionRenamed",
        "CallbackAnswered ModelApprovalChanged PipelineCreated PipelineUpdated",
        "PipelineVersionUpdated PipelineDeleted BreakpointSet BreakpointCleared",
    }
    assert {kind.__name__ for kind in e.PEOPLES_ACTIONS} == set(" ".join(told).split())


VALUES = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(allow_nan=False))
NAMES = st.text("abcXYZ_", min_size=1, max_size=8)
COMMANDS = st.one_of(
    st.builds(deeds.run, st.just("a b.py"), st.dictionaries(NAMES, VALUES, max_size=3)),
    st.builds(
        deeds.rerun,
        st.just(RUN),
        st.sampled_from(["whole", "failed"]),
        st.just("train"),
        st.dictionaries(NAMES, VALUES, max_size=3),
        st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, min_size=1, max_size=2), max_size=2),
        st.integers(0, 9),
    ),
    st.builds(deeds.retry, st.just(RUN), st.integers(0, 9)),
    st.builds(
        deeds.stop, st.just(RUN), st.text("ab' \"-", max_size=8).map(lambda text: f"x{text}")
    ),
    st.builds(deeds.parallelism, st.just(RUN), st.integers(1, 9)),
    st.builds(deeds.answer, st.just("tok"), st.just(True), st.just("fine"), st.just({"a": 1})),
    st.builds(deeds.answer, st.just("tok"), st.just(False), st.just(""), st.just({})),
)


@given(COMMANDS)
def test_every_command_is_one_that_the_program_takes(words: tuple[str, ...]) -> None:
    command = deeds.Deed(words).command
    assert tuple(shlex.split(command)) == words
    assert isinstance(program, Group)
    found: Any = program.get_command(Context(program), words[1])
    context = found.make_context(words[1], list(words[2:]), resilient_parsing=False)
    assert context.params


def test_edits_of_other_steps_than_the_one_it_starts_from_name_theirs() -> None:
    edits = {"train": {"a": 1}, "evaluate": {"b": 2}}
    from_here = deeds.Deed(deeds.rerun(RUN, "from", "evaluate", {}, edits)).command
    assert from_here.endswith("evaluate --scope from --set train:a=1 --set b=2")
    whole = deeds.Deed(deeds.rerun(RUN, "whole", "train", {}, edits)).command
    assert whole.endswith("--scope whole --set train:a=1 --set evaluate:b=2")


def test_secrets_are_hidden_in_what_is_shown_and_kept_in_what_is_copied() -> None:
    edits = {"train": {"Environment.API_TOKEN": "hush", "HyperParameters.eta": "0.5"}}
    deed = deeds.Deed(deeds.rerun(RUN, "whole", "", {"DbPassword": "pssst"}, edits))
    shown = " ".join(text_of(line) for line in deed_lines([deed], 200))
    for secret in ("hush", "pssst"):
        assert secret in deed.command
        assert secret not in shown
    assert deed.secret and "eta=0.5" in shown
    assert not deeds.Deed(deeds.stop(RUN, "token=1 is too many")).secret
