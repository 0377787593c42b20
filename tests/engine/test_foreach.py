"""ForEach: items, iterations side by side, the Selector, and what a failure or a stop does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.clock import SystemClock
from engine.errors import CommandRejected
from engine.model.commands import StopExecution
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.runner.main import run_leased
from engine.runner.process import this_process
from engine.sources.aws_shapes import list_steps
from engine.sources.base import RerunRequest
from engine.sources.control import LocalControl
from engine.sources.local import LocalSource
from tests.engine.crash import Host, host
from tests.engine.embedded import Embedded, definition, processing

__all__ = ["host"]

S = StepStatus
DEFINITIONS = Path(__file__).resolve().parents[1] / "definitions"
ITEM = {"Get": "ForEach.CurrentItem"}


def get(text: str) -> dict[str, str]:
    return {"Get": text}


def loop(*body: dict[str, Any], items: Any, at_once: int = 5, **more: Any) -> dict[str, Any]:
    """A ForEach called Sweep."""
    selector = more.pop("Selector", None)
    arguments = {"IterableItems": items, "MaxConcurrency": at_once, "ForEachBody": list(body)}
    if selector:
        arguments["Selector"] = selector
    return {"Name": "Sweep", "Type": "ForEach", "Arguments": arguments, **more}


def told(name: str, script: str, **variables: Any) -> dict[str, Any]:
    """A job that is given values in its environment."""
    return processing(name, script, arguments={"Environment": variables})


def writes(name: str, script: str, **variables: Any) -> dict[str, Any]:
    """A job whose output folder is named after the item."""
    uri = {"Std:Join": {"On": "/", "Values": ["s3://out", name, ITEM]}}
    step = told(name, script, **variables)
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"] = [
        {"OutputName": "o", "S3Output": {"S3Uri": uri, "LocalPath": "/opt/ml/processing/o"}}
    ]
    return step


def statuses(state: ExecutionState) -> dict[str, str]:
    return {name: str(step.status) for name, step in state.steps.items()}


def logs(embedded: Embedded, state: ExecutionState, body: str) -> list[str]:
    """What each iteration of a body step said."""
    found = [step for step in state.steps.values() if step.declared_name == body]
    return [embedded.log(step).strip() for step in found]


async def test_each_item_has_steps_of_its_own(embedded: Embedded) -> None:
    say = told("Say", 'echo "$ITEM"', ITEM=ITEM)
    items = ["x", 3, 0.5, True, get("Execution.PipelineName")]
    state = await embedded.run(definition(loop(say, items=items)))
    assert logs(embedded, state, "Say") == ["x", "3", "0.5", "true", "pipeline-1"]
    assert statuses(state) == dict.fromkeys(["Sweep", *(f"Say-{n}" for n in range(5))], "Succeeded")
    about = {
        "Status": "Succeeded", "InputItemCount": 5, "TotalStepCount": 5,
        "SucceededStepCount": 5, "FailedStepCount": 0, "StoppedStepCount": 0,
    }  # fmt: skip
    assert state.steps["Sweep"].metadata == {"ForEach": about}
    assert (state.execution.steps_total, state.execution.steps_done) == (6, 6)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    shown = list_steps(state.execution, state.steps.values())["PipelineExecutionSteps"]
    assert [one.get("IterationContext") for one in shown[:3]] == [
        None,
        {"ParentStepName": "Sweep", "Index": 0, "Item": "x"},
        {"ParentStepName": "Sweep", "Index": 1, "Item": "3"},
    ]


OBJECTS = ['{"name": "a", "deep": {"k": 1}}', '{"name": "b", "deep": {"k": 2}}']


@pytest.mark.parametrize(
    "items", [json.dumps(OBJECTS), json.dumps([json.loads(one) for one in OBJECTS])]
)
async def test_items_of_a_parameter_are_drilled_as_json(embedded: Embedded, items: str) -> None:
    say = told(
        "Say", 'echo "$NAME $K"', NAME=get("ForEach.CurrentItem.name"),
        K=get("ForEach.CurrentItem['deep'].k"),
    )  # fmt: skip
    parameter = {"Name": "Items", "Type": "String"}
    document = definition(loop(say, items=get("Parameters.Items")), parameters=[parameter])
    state = await embedded.run(document, {"Items": items})
    assert logs(embedded, state, "Say") == ["a 1", "b 2"]


async def test_items_come_from_what_a_step_wrote(embedded: Embedded) -> None:
    make = processing(
        "Make", """echo '{"names": ["u", "v"]}' > /opt/ml/processing/o/f.json""",
        outputs={"o": "s3://out/make"},
        PropertyFiles=[{"PropertyFileName": "F", "OutputName": "o", "FilePath": "f.json"}],
    )  # fmt: skip
    items = {"Std:JsonGet": {"PropertyFile": get("Steps.Make.PropertyFiles.F"), "Path": "names"}}
    say = told("Say", 'echo "$ITEM"', ITEM=ITEM)
    state = await embedded.run(definition(make, loop(say, items=items)))
    assert logs(embedded, state, "Say") == ["u", "v"]


async def test_siblings_hand_on_within_their_iteration(embedded: Embedded) -> None:
    first = writes("First", 'echo "made of $ITEM" > /opt/ml/processing/o/t.txt', ITEM=ITEM)
    source = get("Steps.First.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri")
    second = processing("Second", "cat /opt/ml/processing/i/t.txt", inputs={"i": "-"})
    second["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = source
    state = await embedded.run(definition(loop(second, first, items=["a", "b", "c"])))
    assert logs(embedded, state, "Second") == ["made of a", "made of b", "made of c"]


async def test_no_more_iterations_than_max_concurrency_are_under_way(embedded: Embedded) -> None:
    one, two = told("One", "true"), told("Two", "true")
    two["DependsOn"] = ["One"]
    document = definition(loop(one, two, items=list("abcde"), at_once=2))
    state = await embedded.run(document, max_parallel=8)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    under_way: set[str] = set()
    most = 0
    for event in await embedded.events(state.execution.id):
        index = event.step.rpartition("-")[2] if "-" in event.step else ""
        if index and event.kind == "StepStarted":
            under_way.add(index)
        elif event.kind == "StepSucceeded" and event.step.startswith("Two-"):
            under_way.remove(index)
        most = max(most, len(under_way))
    assert most == 2


async def test_children_count_toward_the_limit_and_the_loop_does_not(embedded: Embedded) -> None:
    document = definition(loop(told("Say", "true"), items=list("abc")), told("Else", "true"))
    state = await embedded.run(document, max_parallel=1)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    running = 0
    for event in await embedded.events(state.execution.id):
        if event.step != "Sweep":
            running += {"StepStarted": 1, "StepSucceeded": -1}.get(event.kind, 0)
        assert running <= 1


FAILS_ON_B = 'test "$ITEM" != b'


async def test_a_failed_iteration_stops_no_other_and_a_retry_runs_it_alone(
    embedded: Embedded,
) -> None:
    flag = embedded.folder / "mended"
    work = told("Work", f'{FAILS_ON_B} || test -e "{flag}"', ITEM=ITEM)
    after = told("After", "true")
    after["DependsOn"] = ["Work"]
    document = definition(
        loop(work, after, items=list("abc"), at_once=1),
        processing("Then", "true", DependsOn=["Sweep"]),
    )
    state = await embedded.run(document)
    assert statuses(state) == {
        "Sweep": "Failed", "Then": "Blocked",
        "Work-0": "Succeeded", "After-0": "Succeeded",
        "Work-1": "Failed", "After-1": "Blocked",
        "Work-2": "Succeeded", "After-2": "Succeeded",
    }  # fmt: skip
    sweep = state.steps["Sweep"]
    assert sweep.failure_reason == "Step failure: Work-1 failed"
    assert sweep.metadata["ForEach"]["FailedStepCount"] == 1
    assert sweep.properties["IterationOutputs"][1] == {}
    assert state.execution.first_failed == "Work-1"
    assert state.execution.status is ExecutionStatus.FAILED
    flag.touch()
    state = await embedded.retry(state.execution.id)
    assert set(statuses(state).values()) == {"Succeeded"}
    assert {name: step.attempt for name, step in state.steps.items()} == {
        "Sweep": 2, "Then": 1, "Work-0": 1, "After-0": 1, "Work-1": 2, "After-1": 1, "Work-2": 1,
        "After-2": 1,
    }  # fmt: skip


async def test_a_step_that_runs_after_a_failed_loop_reads_how_it_ended(embedded: Embedded) -> None:
    tell = told(
        "Tell", 'echo "$STATUS $FAILED"', STATUS=get("Steps.Sweep.Status"),
        FAILED=get("Steps.Sweep.FailedStepCount"),
    )  # fmt: skip
    tell["DependsOn"] = [{"Step": "Sweep", "Trigger": "Failed"}]
    body = told("Work", FAILS_ON_B, ITEM=ITEM)
    state = await embedded.run(definition(loop(body, items=["a", "b"]), tell))
    assert embedded.log(state.steps["Tell"]) == "Failed 1\n"
    assert state.execution.status is ExecutionStatus.COMPLETED_WITH_FAILURES


SCORES = {"a": 0.5, "b": 0.75, "c": 0.25}


def scoring(selector: dict[str, Any] | None) -> dict[str, Any]:
    """A Sweep over Lambda steps that give a score."""
    score = {
        "Name": "Score", "Type": "Lambda", "Arguments": {"item": ITEM},
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:score",
        "OutputParameters": [{"OutputName": "score", "OutputType": "Float"},
                             {"OutputName": "item", "OutputType": "String"}],
    }  # fmt: skip
    return loop(score, items=list(SCORES), Selector=selector)


def handle(embedded: Embedded, **functions: str) -> None:
    """Lambda handlers that are given ``event``."""
    code = "".join(f"def {name}(event, context):\n    {body}\n" for name, body in functions.items())
    (embedded.folder / "functions.py").write_text(code, encoding="utf-8")
    named = "".join(f'{name} = "functions:{name}"\n' for name in functions)
    (embedded.folder / "pipetui.toml").write_text(f"[lambda]\n{named}", encoding="utf-8")


def picks(pick: str, output: str = "score") -> dict[str, Any]:
    return {"Pick": pick, "Field": get(f"IterationOutput.Score.OutputParameters['{output}']")}


@pytest.mark.parametrize(("pick", "item", "index"), [("MaxBy", "b", 1), ("MinBy", "c", 2)])
async def test_selector_picks_an_iteration_that_others_read(
    embedded: Embedded, pick: str, item: str, index: int
) -> None:
    handle(embedded, score=f"return {{'score': {SCORES}[event['item']], 'item': event['item']}}")
    use = told(
        "Use", 'echo "$BEST $FIRST $COUNT"',
        BEST=get("Steps.Sweep.Selected.OutputParameters['item']"),
        FIRST=get("Steps.Sweep.IterationOutputs[0].Score.OutputParameters['item']"),
        COUNT=get("Steps.Sweep.SucceededStepCount"),
    )  # fmt: skip
    state = await embedded.run(definition(scoring(picks(pick)), use))
    assert embedded.log(state.steps["Use"]) == f"{item} a 3\n"
    assert state.steps["Sweep"].metadata["ForEach"]["Selector"] == {
        "StepName": "Score",
        "Index": index,
    }


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        (picks("MaxBy", "item"), "a string is not a number"),
        ({"Pick": "MaxBy", "Field": get("IterationOutput.Score.Nothing")}, "no member 'Nothing'"),
    ],
)
async def test_selector_without_a_number_fails_the_step_and_names_the_field(
    embedded: Embedded, selector: dict[str, Any], why: str
) -> None:
    handle(embedded, score="return {'score': 1.0, 'item': event['item']}")
    state = await embedded.run(definition(scoring(selector)))
    sweep = state.steps["Sweep"]
    assert sweep.status is S.FAILED
    assert sweep.failure_reason.startswith(
        f"ClientError: Sweep: the Selector's Field {selector['Field']['Get']}"
    )
    assert "iteration 0" in sweep.failure_reason
    assert why in sweep.failure_reason
    assert sweep.metadata["ForEach"]["Status"] == sweep.properties["Status"] == "Failed"


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ("[]", "IterableItems has 0 items, outside of 1 to 100"),
        (json.dumps(list(range(101))), "IterableItems has 101 items, outside of 1 to 100"),
        ('{"a": 1}', "IterableItems is an object, not a list"),
        ("a,b", "IterableItems is text that is not JSON"),
    ],
)
async def test_items_that_are_no_list_fail_the_step(
    embedded: Embedded, items: str, why: str
) -> None:
    parameter = {"Name": "Items", "Type": "String", "DefaultValue": items}
    body = told("Say", "true")
    state = await embedded.run(
        definition(loop(body, items=get("Parameters.Items")), parameters=[parameter])
    )
    assert statuses(state) == {"Sweep": "Failed"}
    assert state.steps["Sweep"].failure_reason.startswith(f"ClientError: Sweep: {why}")


async def started(embedded: Embedded, document: dict[str, Any]) -> tuple[str, Any]:
    """An execution whose jobs have made the file ``gate``, and the task that runs it."""
    execution_id = await embedded.create(document, max_parallel=8)
    store = await embedded.store()
    lease = await store.acquire(execution_id, this_process(), at=SystemClock().now())
    assert lease is not None
    task = asyncio.create_task(run_leased(embedded.home, store, lease, SystemClock()))
    while not (embedded.folder / "gate").exists():
        await embedded.events(execution_id)
    return execution_id, (task, store, lease)


async def test_stop_in_the_middle_stops_the_loop(embedded: Embedded) -> None:
    gate = embedded.folder / "gate"
    work = told("Work", f'test "$ITEM" = a || {{ touch "{gate}"; sleep 60; }}', ITEM=ITEM)
    document = definition(loop(work, items=list("abc"), at_once=1))
    execution_id, (task, store, _) = await started(embedded, document)
    await embedded.send(execution_id, StopExecution())
    await task
    state = await store.state(execution_id)
    await store.close()
    assert statuses(state) == {
        "Sweep": "Stopped", "Work-0": "Succeeded", "Work-1": "Stopped", "Work-2": "Blocked",
    }  # fmt: skip
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["Sweep"].properties["Status"] == "Stopped"
    assert state.steps["Sweep"].metadata["ForEach"]["StoppedStepCount"] == 1


async def test_runner_that_takes_over_goes_on_with_the_iterations(embedded: Embedded) -> None:
    gate, go = embedded.folder / "gate", embedded.folder / "go"
    wait = f'echo "$ITEM" >> "{gate}"; while ! test -e "{go}"; do sleep 0.02; done'
    work = told("Work", wait, ITEM=get("ForEach.CurrentItem.name"))
    after = told("After", 'echo "$ITEM"', ITEM=get("ForEach.CurrentItem.name"))
    after["DependsOn"] = ["Work"]
    items = [{"name": name} for name in "abcd"]
    document = definition(loop(work, after, items=items, at_once=2))
    execution_id, (task, store, lease) = await started(embedded, document)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.release(lease)
    await store.close()
    go.touch()
    state = await embedded.go_on(execution_id)
    assert set(statuses(state).values()) == {"Succeeded"}
    assert {step.attempt for step in state.steps.values()} == {1}
    assert sorted(gate.read_text().split()) == list("abcd")
    assert logs(embedded, state, "After") == list("abcd")
    kinds = [event.kind for event in await embedded.events(execution_id)]
    assert kinds.count("StepsExpanded") == 1


@pytest.mark.parametrize(
    "fault",
    ["recording:2", "recorded:2", "recorded:3", "announced:1", "announced:2", "started:2",
     "jobs-ended:3", "handled:2", "handled:6", "recorded:9", "ending:1"],
)  # fmt: skip
def test_loop_goes_on_after_a_kill_at_a_named_point(host: Host, fault: str) -> None:
    bodies = [
        told(name, f'echo {name}-"$ITEM" >> {host.started}', ITEM=ITEM, SAME=source)
        for name, source in (
            ("First", ITEM),
            ("Second", get("Steps.First.ProcessingJobName")),
        )
    ]
    document = definition(
        loop(*bodies, items=list("abc"), at_once=2),
        host.step("Then", DependsOn=["Sweep"]),
    )
    execution_id = host.start(document, host.launch(fault))
    assert host.wait(execution_id) is not None, "the fault was missed"
    state = host.settle(execution_id)
    assert set(statuses(state).values()) == {"Succeeded"}, host.log(execution_id)
    jobs = [f"{body}-{item}" for body in ("First", "Second") for item in "abc"]
    assert host.starts() == dict.fromkeys([*jobs, "Then"], 1)
    expansions = [one for one in host.events(execution_id) if one.kind == "StepsExpanded"]
    assert len(expansions) == 1


async def test_loop_is_reused_and_selected_as_a_whole(embedded: Embedded) -> None:
    use = told(
        "Use", 'echo "$NAME"', NAME=get("Steps.Sweep.IterationOutputs[1].Say.ProcessingJobName")
    )
    file = embedded.write(definition(loop(told("Say", "true"), items=["a", "b"]), use))
    state = await embedded.run(file)
    again = await embedded.run(file, selection=("Use",), source_execution=state.execution.id)
    assert statuses(again) == {"Sweep": "Succeeded", "Use": "Succeeded"}
    job = state.steps["Say-1"].properties["ProcessingJobName"]
    assert embedded.log(again.steps["Use"]).strip() == job
    with pytest.raises(CommandRejected) as caught:
        await embedded.run(file, selection=("Say",), source_execution=state.execution.id)
    assert caught.value.code == "selection-inside-foreach"


@pytest.mark.parametrize("scope", ["from", "only", "failed"])
async def test_rerun_of_an_iteration_is_one_of_the_whole_loop(
    embedded: Embedded, scope: str
) -> None:
    work = told("Work", '"$ANSWER" && test "$ITEM" != "$ANSWER"', ITEM=ITEM, ANSWER="false")
    state = await embedded.run(definition(told("Before", "true"), loop(work, items=["a", "b"])))
    assert state.steps["Sweep"].status is S.FAILED
    answer = {"Environment['ANSWER']": "true"}
    control = LocalControl(embedded.home)
    request = RerunRequest(state.execution.id, scope, "Work-1", edits={"Work-1": answer})
    plan = await control.plan_rerun(request)
    assert {one.name: one.action for one in plan.steps} == {"Before": "skipped", "Sweep": "run"}
    with pytest.raises(CommandRejected, match="Work: Nothing"):
        await control.plan_rerun(replace(request, edits={"Work-1": {"Nothing.here": 1}}))
    again = await embedded.run(state.execution.file, selection=("Sweep",), edits={"Work": answer})
    assert again.execution.status is ExecutionStatus.SUCCEEDED
    assert again.steps["Work-0"].arguments["Environment"]["ANSWER"] == "true"


async def test_bodies_that_cannot_run_are_refused_before_anything_starts(
    embedded: Embedded,
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await embedded.run(definition(scoring(None)))
    assert [getattr(one, "code", "") for one in caught.value.exceptions] == ["lambda-unmapped"]


async def test_real_definition_with_selector_runs(embedded: Embedded) -> None:
    handle(
        embedded,
        ProcessItem="return {'score': event['lr'] * 10}",
        PostItem="assert isinstance(event['prev'], float), event; return {}",
        LitBody="return {}",
        Fin="assert event == {'best': 2.0, 'first': 1.0, 'status': 'Succeeded', 'n': 2}, event;"
        " return {}",
    )
    document = json.loads((DEFINITIONS / "v3-foreach-selector.json").read_text(encoding="utf-8"))
    state = await embedded.run(document)
    assert {
        n: s.failure_reason for n, s in state.steps.items() if s.status is not S.SUCCEEDED
    } == {}
    assert state.steps["Sweep"].metadata["ForEach"]["Selector"]["Index"] == 1
    assert state.execution.steps_total == 3 + 4 + 5


async def test_graph_shows_the_iterations_once_they_are_known(embedded: Embedded) -> None:
    one, two = told("One", "true"), told("Two", "true")
    two["DependsOn"] = ["One"]
    state = await embedded.run(definition(loop(one, two, items=["a", "b"])))
    source = await LocalSource.open(embedded.home)
    try:
        graph = await source.graph(state.execution.id)
        raw = await source.raw_arguments(state.execution.id, "Two-1")
    finally:
        await source.close()
    assert {node.name: node.parent for node in graph.nodes} == {
        "Sweep": "", "One-0": "Sweep", "Two-0": "Sweep", "One-1": "Sweep", "Two-1": "Sweep",
    }  # fmt: skip
    assert ("One-1", "Two-1", "depends_on") in {(g.source, g.target, g.kind) for g in graph.edges}
    assert raw == two["Arguments"]
