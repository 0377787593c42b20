"""Executions from start to end: data flow, branches, failure, stop, retry, rerun, approvals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from engine.errors import CommandRejected
from engine.model.commands import AnswerCallback, StopExecution
from engine.model.events import CallbackRequested, StepExecuting, StepStarted
from engine.model.status import ExecutionStatus, StepStatus
from engine.planning.scheduler import FAILURE_REASON
from tests.engine.embedded import Embedded, definition, processing

S = StepStatus


def statuses(state: Any) -> dict[str, StepStatus]:
    return {name: step.status for name, step in state.steps.items()}


async def test_data_flows_from_output_to_input_by_reference(embedded: Embedded) -> None:
    made = processing(
        "Make", "echo 42 > /opt/ml/processing/out/n.txt", outputs={"out": "s3://bucket/m"}
    )
    use = processing("Use", "cat /opt/ml/processing/in/n.txt > /opt/ml/processing/res/copy.txt",
                     inputs={"in": "s3://unset/x"}, outputs={"res": "s3://bucket/u"})  # fmt: skip
    use["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = {
        "Get": "Steps.Make.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"
    }
    state = await embedded.run(definition(use, made))
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert embedded.get("s3://bucket/u/copy.txt") == "42\n"
    assert (
        state.steps["Use"].arguments["ProcessingInputs"][0]["S3Input"]["S3Uri"] == "s3://bucket/m"
    )


async def test_processing_job_sees_the_container_contract(embedded: Embedded) -> None:
    look = (
        "cd /opt/ml && cat config/processingjobconfig.json > processing/out/job.json &&"
        " cat config/resourceconfig.json > processing/out/resource.json &&"
        " env | sort > processing/out/env.txt"
    )
    step = processing("Look", look, outputs={"out": "s3://bucket/look"},
                      arguments={"Environment": {"LEVEL": "3"}})  # fmt: skip
    state = await embedded.run(definition(step))
    view = state.steps["Look"]
    assert view.status is S.SUCCEEDED, view.failure_reason
    job = json.loads(embedded.get("s3://bucket/look/job.json"))
    assert job["ProcessingJobName"] == view.properties["ProcessingJobName"]
    assert job["AppSpecification"]["ImageUri"] == "local/host:latest"
    assert json.loads(embedded.get("s3://bucket/look/resource.json"))["hosts"] == ["algo-1"]
    variables = dict(
        line.split("=", 1) for line in embedded.get("s3://bucket/look/env.txt").splitlines()
    )
    assert variables["LEVEL"] == "3"
    assert variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "AWS_PROFILE" not in variables
    assert view.metadata["ProcessingJob"]["Arn"] == view.properties["ProcessingJobArn"]


async def test_failed_step_blocks_dependents_and_ends_the_run_as_failed(
    embedded: Embedded,
) -> None:
    bad = processing("Bad", "echo boom >&2; exit 3")
    after = processing("After", "true", DependsOn=["Bad"])
    state = await embedded.run(definition(bad, after))
    assert statuses(state) == {"Bad": S.FAILED, "After": S.BLOCKED}
    assert state.execution.status is ExecutionStatus.FAILED
    assert state.execution.failure_reason == FAILURE_REASON
    assert state.execution.first_failed == "Bad"
    reason = state.steps["Bad"].failure_reason
    assert reason.startswith("AlgorithmError: ") and reason.endswith("exit code 3")
    assert embedded.log(state.steps["Bad"]) == "boom\n"


async def test_failure_file_is_the_failure_reason(embedded: Embedded) -> None:
    step = processing("Bad", "echo 'no rows' > /opt/ml/output/failure; exit 1")
    state = await embedded.run(definition(step))
    assert state.steps["Bad"].failure_reason == "AlgorithmError: no rows, exit code 1"


def branching(value: int) -> dict[str, Any]:
    condition = {
        "Name": "Check",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {
                    "Type": "LessThan",
                    "LeftValue": {
                        "Std:JsonGet": {
                            "PropertyFile": {"Get": "Steps.Measure.PropertyFiles.Report"},
                            "Path": "metrics.mse",
                        }
                    },
                    "RightValue": {"Get": "Parameters.Limit"},
                }
            ],
            "IfSteps": [
                processing("Good", "true"),
                processing("Better", "true", DependsOn=["Good"]),
            ],
            "ElseSteps": [
                {
                    "Name": "TooBad",
                    "Type": "Fail",
                    "Arguments": {
                        "ErrorMessage": {
                            "Std:Join": {"On": " ", "Values": ["over", {"Get": "Parameters.Limit"}]}
                        }
                    },
                }
            ],
        },
    }
    measure = processing(
        "Measure",
        f'echo \'{{"metrics": {{"mse": {value}}}}}\' > /opt/ml/processing/out/r.json',
        outputs={"out": "s3://bucket/measure"},
        PropertyFiles=[{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "r.json"}],
    )
    limit = {"Name": "Limit", "Type": "Float", "DefaultValue": 6.0}
    return definition(condition, measure, parameters=[limit])


async def test_condition_on_a_property_file_takes_the_if_branch(embedded: Embedded) -> None:
    state = await embedded.run(branching(4))
    assert statuses(state) == {
        "Check": S.SUCCEEDED, "Good": S.SUCCEEDED, "Better": S.SUCCEEDED, "TooBad": S.SKIPPED,
        "Measure": S.SUCCEEDED,
    }  # fmt: skip
    check = state.steps["Check"]
    assert check.metadata["Condition"]["Outcome"] == "True"
    assert check.compared == [{"Left": 4, "Right": 6.0, "Result": True}]
    assert state.execution.status is ExecutionStatus.SUCCEEDED


async def test_else_branch_with_a_fail_step_fails_with_its_message(embedded: Embedded) -> None:
    state = await embedded.run(branching(7))
    assert state.steps["Good"].status is S.SKIPPED
    assert state.steps["TooBad"].failure_reason == "over 6.0"
    assert state.steps["TooBad"].metadata == {"Fail": {"ErrorMessage": "over 6.0"}}
    assert state.execution.status is ExecutionStatus.FAILED


async def test_missing_property_fails_the_consumer_not_the_producer(embedded: Embedded) -> None:
    use = processing("Use", "true")
    use["Arguments"]["Environment"] = {"X": {"Get": "Steps.Make.ProcessingOutputConfig.Outputs[4]"}}
    state = await embedded.run(definition(processing("Make", "true"), use))
    assert statuses(state) == {"Make": S.SUCCEEDED, "Use": S.FAILED}
    assert state.steps["Use"].failure_reason.startswith("ClientError: ")


async def test_missing_input_says_which_uri_and_where_to_put_it(embedded: Embedded) -> None:
    step = processing("Read", "true", inputs={"in": "s3://nowhere/data.csv"})
    state = await embedded.run(definition(step))
    view = state.steps["Read"]
    assert view.failure_code == "input-not-found"
    assert "s3://nowhere/data.csv" in view.failure_reason
    assert "s3" in view.note


async def test_retry_keeps_what_succeeded_and_runs_the_rest_again(embedded: Embedded) -> None:
    flag = embedded.folder / "fixed"
    once = processing("Once", "true")
    flaky = processing("Flaky", f"test -e {flag}", DependsOn=["Once"])
    after = processing("After", "true", DependsOn=["Flaky"])
    failed = await embedded.run(definition(once, flaky, after))
    assert failed.execution.status is ExecutionStatus.FAILED
    flag.touch()
    state = await embedded.retry(failed.execution.id)
    assert state.execution.id == failed.execution.id
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.retries == 1
    assert [len(step.attempts) for step in state.steps.values()] == [1, 2, 1]


async def test_a_run_that_ended_in_fail_cannot_be_retried(embedded: Embedded) -> None:
    fail = {"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "stop here"}}
    state = await embedded.run(definition(fail))
    again = await embedded.retry(state.execution.id)
    assert again.execution.status is ExecutionStatus.FAILED
    assert again.execution.retries == 0


async def test_rerun_of_one_step_reuses_the_rest_and_applies_edits(embedded: Embedded) -> None:
    make = processing(
        "Make", "echo one > /opt/ml/processing/out/x", outputs={"out": "s3://bucket/m"}
    )
    use = processing("Use", 'echo "$WHO" > /opt/ml/processing/out/y', outputs={"out": "s3://bucket/u"},
                     arguments={"Environment": {"WHO": "nobody"}}, DependsOn=["Make"])  # fmt: skip
    end = processing("End", "true", DependsOn=["Use"])
    file = embedded.write(definition(make, use, end))
    first = await embedded.run(file)
    second = await embedded.run(
        file,
        selection=("Use",),
        source_execution=first.execution.id,
        edits={"Use": {"Environment['WHO']": "ana"}},
    )
    assert statuses(second) == {"Make": S.SUCCEEDED, "Use": S.SUCCEEDED, "End": S.SKIPPED}
    assert second.steps["Make"].source_execution == first.execution.id
    assert second.steps["Make"].attempts == ()
    assert embedded.get("s3://bucket/u/y") == "ana\n"
    assert second.steps["Use"].arguments["Environment"] == {"WHO": "ana"}
    assert second.execution.edits == {"Use": {"Environment['WHO']": "ana"}}


async def test_selection_without_its_upstream_needs_a_source(embedded: Embedded) -> None:
    steps = definition(processing("A", "true"), processing("B", "true", DependsOn=["A"]))
    with pytest.raises(CommandRejected) as caught:
        await embedded.run(steps, selection=("B",))
    assert caught.value.code == "source-missing"


async def test_unsupported_type_is_refused_before_anything_starts(embedded: Embedded) -> None:
    query = {"Name": "Ask", "Type": "Athena", "Arguments": {}}
    with pytest.raises(ExceptionGroup) as caught:
        await embedded.run(definition(processing("A", "true"), query))
    problem = caught.value.exceptions[0]
    assert getattr(problem, "code", "") == "step-type-unsupported"
    assert "Ask" in str(problem) and "Athena" in str(problem)
    store = await embedded.store()
    assert await store.unfinished() == []
    await store.close()


async def wait_until_executing(embedded: Embedded, execution_id: str, step: str) -> None:
    """Read events until a job of the step runs; each read waits for the store, none sleeps."""
    seen = False
    while not seen:
        seen = any(
            isinstance(event.fact, StepExecuting) and event.fact.step == step
            for event in await embedded.events(execution_id)
        )


async def test_stop_ends_running_jobs_and_starts_nothing_new(embedded: Embedded) -> None:
    wait = processing("Wait", "exec sleep 600")
    after = processing("After", "true", DependsOn=["Wait"])
    execution_id = await embedded.create(definition(wait, after))
    running = asyncio.create_task(embedded.go_on(execution_id))
    await wait_until_executing(embedded, execution_id, "Wait")
    await embedded.send(execution_id, StopExecution("enough"))
    state = await running
    assert state.execution.status is ExecutionStatus.STOPPED
    assert statuses(state) == {"Wait": S.STOPPED, "After": S.BLOCKED}
    assert state.steps["Wait"].properties["ProcessingJobStatus"] == "Stopped"


async def test_job_over_its_time_is_stopped_and_says_so(embedded: Embedded) -> None:
    step = processing("Slow", "exec sleep 600",
                      arguments={"StoppingCondition": {"MaxRuntimeInSeconds": 1}})  # fmt: skip
    state = await embedded.run(definition(step))
    view = state.steps["Slow"]
    assert view.status is S.STOPPED
    assert view.failure_reason.startswith("MaxRuntimeExceeded")


GATE = {
    "Name": "Gate",
    "Type": "Callback",
    "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q",
    "Arguments": {"Question": "Deploy?"},
    "OutputParameters": [{"OutputName": "Share", "OutputType": "Integer"}],
}


async def gate_token(embedded: Embedded, execution_id: str) -> str:
    """Read events until the gate asks; returns its token."""
    asked: list[CallbackRequested] = []
    while not asked:
        asked = [
            event.fact
            for event in await embedded.events(execution_id)
            if isinstance(event.fact, CallbackRequested)
        ]
    return asked[0].token


async def test_callback_waits_for_an_answer_and_hands_its_typed_outputs_on(
    embedded: Embedded,
) -> None:
    share = {"Std:Join": {"On": "", "Values": [{"Get": "Steps.Gate.OutputParameters['Share']"}]}}
    use = processing("Use", "true", arguments={"Environment": {"SHARE": share}})
    execution_id = await embedded.create(definition(GATE, use))
    running = asyncio.create_task(embedded.go_on(execution_id))
    token = await gate_token(embedded, execution_id)
    assert len(token) == 10
    await embedded.send(execution_id, AnswerCallback(token, True, {}))
    await embedded.send(
        execution_id, AnswerCallback(token, True, {"Share": "10"}, comment="fine by me")
    )
    state = await running
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.steps["Gate"].properties == {"OutputParameters": {"Share": 10}}
    assert "ana@here: fine by me" in state.steps["Gate"].note
    assert state.steps["Use"].arguments["Environment"] == {"SHARE": "10"}


async def test_rejected_callback_fails_the_step_with_the_reason(embedded: Embedded) -> None:
    execution_id = await embedded.create(definition(GATE))
    running = asyncio.create_task(embedded.go_on(execution_id))
    token = await gate_token(embedded, execution_id)
    await embedded.send(execution_id, AnswerCallback(token, False, reason="not today"))
    state = await running
    assert state.steps["Gate"].failure_reason == "not today"
    assert state.execution.status is ExecutionStatus.FAILED


async def test_steps_run_in_parallel_up_to_the_limit(embedded: Embedded) -> None:
    """Three jobs that each wait for all three to have started can only end together."""
    meet = embedded.folder / "meet"
    meet.mkdir()
    script = f"touch {meet}/$NAME; while [ $(ls {meet} | wc -l) -lt 3 ]; do sleep 0.01; done"
    steps = [
        processing(f"S{n}", script, arguments={"Environment": {"NAME": f"s{n}"}}) for n in range(3)
    ]
    state = await embedded.run(definition(*steps), max_parallel=3)
    assert state.execution.status is ExecutionStatus.SUCCEEDED


async def test_intent_is_logged_before_the_act(embedded: Embedded) -> None:
    state = await embedded.run(definition(processing("A", "true")))
    kinds = [type(event.fact) for event in await embedded.events(state.execution.id)]
    assert kinds.index(StepStarted) < kinds.index(StepExecuting)


async def test_step_that_runs_on_a_failure_reads_what_the_failed_job_has(
    embedded: Embedded,
) -> None:
    bad = processing("Bad", "exit 3", outputs={"o": "s3://bucket/half"})
    tell = processing("Tell", 'echo "$STATUS $URI $WHY"', arguments={"Environment": {
        "STATUS": {"Get": "Steps.Bad.ProcessingJobStatus"},
        "URI": {"Get": "Steps.Bad.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"},
        "WHY": {"Get": "Steps.Bad.FailureReason"},
    }})  # fmt: skip
    tell["DependsOn"] = [{"Step": "Bad", "Trigger": "Failed"}]
    state = await embedded.run(definition(bad, tell))
    assert state.steps["Tell"].status is S.SUCCEEDED, state.steps["Tell"].failure_reason
    told = f"Failed s3://bucket/half {state.steps['Bad'].failure_reason}\n"
    assert embedded.log(state.steps["Tell"]) == told


async def test_failed_step_that_had_no_job_has_nothing_to_read(embedded: Embedded) -> None:
    bad = processing("Bad", "true", inputs={"i": "s3://bucket/nothing-here"})
    name = {"Get": "Steps.Bad.ProcessingJobName"}
    tell = processing("Tell", "true", arguments={"Environment": {"NAME": name}})
    tell["DependsOn"] = [{"Step": "Bad", "Trigger": "Failed"}]
    state = await embedded.run(definition(bad, tell))
    assert state.steps["Tell"].status is S.FAILED
    assert state.steps["Tell"].failure_code == "step-has-no-properties"
