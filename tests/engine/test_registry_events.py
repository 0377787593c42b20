"""Events of the model registry: each is told once, and no decision waits for it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.model.events import ModelApprovalChanged
from engine.model.status import ApprovalStatus
from engine.sources.control import LocalControl
from tests.engine.embedded import Embedded, definition
from tests.engine.test_registry import packages, registering

A = ApprovalStatus


def told(embedded: Embedded) -> list[dict[str, Any]]:
    """What the home's file of events says."""
    text = (embedded.home.root / "events.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def statuses(embedded: Embedded) -> list[str]:
    return [event["detail"]["ModelApprovalStatus"] for event in told(embedded)]


def put_a_folder(where: Path) -> None:
    where.unlink(missing_ok=True)
    where.mkdir()


async def unannounced(embedded: Embedded, approval: A, at: float) -> None:
    """A decision whose process was killed before it told anybody."""
    (package,) = await packages(embedded)
    store = await embedded.store()
    try:
        fact = ModelApprovalChanged(package.arn, package.approval, approval)
        await store.decide(fact, at=at, actor="ana@here")
    finally:
        await store.close()


async def test_a_version_and_what_is_decided_about_it_are_told_as_eventbridge_does(
    embedded: Embedded,
) -> None:
    await embedded.run(definition(registering()))
    control = LocalControl(embedded.home, who="ana@here")
    await control.decide("abalone/1", A.APPROVED, "fine")
    made, approved = told(embedded)
    for event in (made, approved):
        assert event["detail-type"] == "SageMaker Model Package State Change"
        assert event["source"] == "aws.sagemaker"
        assert event["resources"] == [event["detail"]["ModelPackageArn"]]
        assert event["detail"]["ModelPackageGroupName"] == "abalone"
        assert event["detail"]["ModelPackageVersion"] == 1
        assert event["detail"]["InferenceSpecification"]["Containers"]
    assert made["detail"]["ModelApprovalStatus"] == "PendingManualApproval"
    assert approved["detail"]["ModelApprovalStatus"] == "Approved"
    assert approved["detail"]["ApprovalDescription"] == "fine"
    assert approved["Local"]["Actor"] == "ana@here"
    assert made["id"] != approved["id"]


async def test_what_a_killed_process_had_not_told_is_told_with_the_next_decision(
    embedded: Embedded,
) -> None:
    await embedded.run(definition(registering()))
    await unannounced(embedded, A.REJECTED, at=0.0)
    await LocalControl(embedded.home).decide("abalone/1", A.APPROVED)
    assert statuses(embedded) == ["PendingManualApproval", "Rejected", "Approved"]


async def test_no_decision_waits_for_a_program_that_hangs(embedded: Embedded) -> None:
    await embedded.run(definition(registering()))
    gate, heard = embedded.folder / "gate", embedded.folder / "heard"
    os.mkfifo(gate)
    os.mkfifo(heard)
    embedded.home.config.write_text(
        f'[observers]\ncommand = ["sh", "-c", "cat {gate}; cat > {heard}"]\nonly = ["Approved"]\n'
    )
    await LocalControl(embedded.home).decide("abalone/1", A.APPROVED)
    assert statuses(embedded)[-1] == "Approved"
    await asyncio.to_thread(gate.write_text, "")
    event = json.loads(await asyncio.to_thread(heard.read_text))
    assert event == told(embedded)[-1]


async def test_a_program_that_is_configured_later_is_told_no_old_decisions(
    embedded: Embedded,
) -> None:
    await embedded.run(definition(registering()))
    await unannounced(embedded, A.APPROVED, at=0.0)
    heard = embedded.folder / "heard"
    os.mkfifo(heard)
    embedded.home.config.write_text(
        f'[observers]\ncommand = ["sh", "-c", "cat > {heard}"]\n'
        'only = ["Approved", "Rejected"]\n'
    )  # fmt: skip
    await LocalControl(embedded.home).decide("abalone/1", A.REJECTED)
    event = json.loads(await asyncio.to_thread(heard.read_text))
    assert event["detail"]["ModelApprovalStatus"] == "Rejected"


@pytest.mark.parametrize("broken", ["events.jsonl", "config.toml"])
async def test_a_decision_stands_where_nobody_can_be_told(embedded: Embedded, broken: str) -> None:
    await embedded.run(definition(registering()))
    put_a_folder(embedded.home.root / broken)
    package = await LocalControl(embedded.home).decide("abalone/1", A.APPROVED)
    assert package.approval is A.APPROVED
