"""Local endpoints: they outlive the run, answer, are updated, rolled back, listed and stopped."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.errors import CommandRejected, NotFound
from engine.jobs import identity
from engine.jobs.attempt import read_claim, read_exit
from engine.jobs.identity import ProcessIdentity
from engine.jobs.processes import ended
from engine.model.commands import StopExecution
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.serving.endpoints import (
    Endpoint,
    Invocation,
    delete_endpoint,
    find_endpoint,
    invoke,
    list_endpoints,
    locked,
    stop_endpoint,
)
from tests.engine.crash import Host, host
from tests.engine.embedded import Embedded, definition
from tests.engine.serving import SCALE, container, model_step, pack_model

__all__ = ["host"]

S = StepStatus
NAME = "my-endpoint"


@pytest.fixture
async def serving(embedded: Embedded) -> AsyncIterator[Embedded]:
    """An engine whose endpoints are gone at the end of the test."""
    yield embedded
    for endpoint in list_endpoints(embedded.home.root):
        await delete_endpoint(embedded.home.root, endpoint.name)


def scale(embedded: Embedded, factor: str, code: str = SCALE) -> dict[str, Any]:
    return container(
        pack_model(embedded.home, f"s3://bucket/{factor}/model.tar.gz", code, factor=factor),
        SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv",
    )


def step(name: str, kind: str, **arguments: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def endpoint_steps(*models: dict[str, Any], config: str = "cfg", **weights: float) -> list[Any]:
    """A Model step per container, a configuration with a variant for each, and the endpoint."""
    made = [model_step(f"Make{number}", model) for number, model in enumerate(models)]
    variants = [
        {
            "VariantName": f"v{number}",
            "ModelName": {"Get": f"Steps.Make{number}.ModelName"},
            "InitialVariantWeight": weights.get(f"v{number}", 1),
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
        }
        for number in range(len(models))
    ]
    return [
        *made,
        step("Config", "EndpointConfig", EndpointConfigName=config, ProductionVariants=variants),
        step(
            "Serve",
            "Endpoint",
            EndpointName=NAME,
            EndpointConfigName={"Get": "Steps.Config.EndpointConfigName"},
        ),
    ]


async def run(embedded: Embedded, *steps: Any) -> ExecutionState:
    state = await embedded.run(definition(*steps))
    reasons = {s.name: s.failure_reason for s in state.steps.values() if s.failure_reason}
    assert not reasons
    return state


async def ask(embedded: Embedded, body: bytes = b"1,2", **more: Any) -> Invocation:
    given = {"content_type": "text/csv", **more}
    return await asyncio.to_thread(invoke, embedded.home.root, NAME, body, **given)


def only(embedded: Embedded) -> Endpoint:
    (endpoint,) = list_endpoints(embedded.home.root)
    return endpoint


async def test_an_endpoint_outlives_the_run_answers_and_is_stopped(serving: Embedded) -> None:
    state = await run(serving, *endpoint_steps(scale(serving, "2")))
    view = state.steps["Serve"]
    assert view.properties["EndpointStatus"] == "InService"
    assert view.metadata == {"Endpoint": {"Arn": view.properties["EndpointArn"]}}
    assert state.steps["Config"].properties["EndpointConfigArn"].endswith("endpoint-config/cfg")
    answer = await ask(serving)
    assert (answer.status, answer.body, answer.variant) == (200, b"6\n", "v0")
    assert answer.content_type == "text/csv"
    endpoint = only(serving)
    assert (endpoint.name, endpoint.status, endpoint.config_name) == (NAME, "InService", "cfg")
    assert endpoint.url == f"http://127.0.0.1:{endpoint.port}/invocations"
    stopped = await stop_endpoint(serving.home.root, NAME)
    assert (stopped.status, stopped.url) == ("Stopped", "")
    with pytest.raises(CommandRejected) as refusal:
        await ask(serving)
    assert refusal.value.code == "endpoint-not-in-service"
    await delete_endpoint(serving.home.root, NAME)
    with pytest.raises(NotFound):
        find_endpoint(serving.home.root, NAME)


async def test_it_answers_as_invoke_endpoint_does(serving: Embedded) -> None:
    await run(serving, *endpoint_steps(scale(serving, "2")))
    port = only(serving).port

    def talk(method: str, path: str, body: bytes = b"", kind: str = "text/csv") -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    assert talk("GET", "/ping")[0].status == 200
    answer, content = talk("POST", f"/endpoints/{NAME}/invocations", b"1,2")
    assert (answer.status, content) == (200, b"6\n")
    assert answer.headers["x-Amzn-Invoked-Production-Variant"] == "v0"
    answer, content = talk("POST", f"/endpoints/{NAME}/invocations", b"{}", "application/json")
    error = json.loads(content)
    assert (answer.status, error["__type"], error["OriginalStatusCode"]) == (424, "ModelError", 500)
    assert "I read CSV, not application/json" in error["OriginalMessage"]
    assert talk("POST", "/invocations", b"{}", "application/json")[0].status == 500
    assert talk("POST", "/endpoints/other/invocations", b"1")[0].status == 404


async def test_variants_share_requests_by_weight_or_are_asked_by_name(serving: Embedded) -> None:
    steps = endpoint_steps(scale(serving, "1"), scale(serving, "10"), v0=3, v1=1)
    await run(serving, *steps)
    answers = [await ask(serving) for _ in range(40)]
    assert {(one.variant, one.body) for one in answers} == {("v0", b"3\n"), ("v1", b"30\n")}
    shares = Counter(one.variant for one in answers)
    assert shares["v0"] > shares["v1"] > 0
    assert (await ask(serving, variant="v1")).body == b"30\n"
    assert (await ask(serving, variant="v2")).status == 400


async def test_an_update_keeps_the_address_and_ends_the_former_process(serving: Embedded) -> None:
    await run(serving, *endpoint_steps(scale(serving, "2"), config="one"))
    before = only(serving)
    await run(serving, *endpoint_steps(scale(serving, "5"), config="two"))
    after = only(serving)
    assert (await ask(serving)).body == b"15\n"
    assert (after.config_name, after.port) == ("two", before.port)
    assert after.pid != before.pid
    assert not before.folder.exists()
    assert after.description["CreationTime"] == before.description["CreationTime"]


async def test_an_unhealthy_update_is_rolled_back(serving: Embedded) -> None:
    await run(serving, *endpoint_steps(scale(serving, "2"), config="one"))
    before = only(serving)
    broken = scale(serving, "3", "def model_fn(folder): raise RuntimeError('no weights')")
    state = await serving.run(definition(*endpoint_steps(broken, config="two")))
    view = state.steps["Serve"]
    assert view.status is S.FAILED
    assert "RuntimeError: no weights" in view.failure_reason
    assert f"{NAME} was rolled back: it goes on with one" in view.failure_reason
    after = only(serving)
    assert (after.status, after.pid, after.config_name) == ("InService", before.pid, "one")
    assert (await ask(serving)).body == b"6\n"


async def test_a_first_revision_that_is_not_healthy_leaves_no_endpoint(serving: Embedded) -> None:
    broken = scale(serving, "3", "x = 1")
    state = await serving.run(definition(*endpoint_steps(broken)))
    assert "Please provide a model_fn implementation" in state.steps["Serve"].failure_reason
    assert list_endpoints(serving.home.root) == []
    await run(serving, *endpoint_steps(scale(serving, "2")))
    assert (await ask(serving)).body == b"6\n"


async def test_an_endpoint_whose_model_dies_is_listed_as_failed(serving: Embedded) -> None:
    code = SCALE.replace("def predict_fn(rows, factor):", "def predict_fn(rows, factor):\n"
                         "    os._exit(9) if rows == [[0]] else None")  # fmt: skip
    await run(serving, *endpoint_steps(scale(serving, "2", code)))
    endpoint = only(serving)
    assert (await ask(serving, b"0")).status == 503
    async with asyncio.timeout(20):
        process = ProcessIdentity.from_dict(endpoint.description["Local"]["Handle"])
        await ended(process)
    assert only(serving).status == "Failed"
    assert "ended while it was in service" in endpoint.log.read_text()


async def test_inference_components_are_asked_by_name_beside_the_variant(serving: Embedded) -> None:
    component = step(
        "Add",
        "InferenceComponent",
        InferenceComponentName="extra",
        EndpointName={"Get": "Steps.Serve.EndpointName"},
        VariantName="v0",
        Specification={"ModelName": {"Get": "Steps.More.ModelName"}},
    )
    more = model_step("More", scale(serving, "100"))
    state = await run(serving, *endpoint_steps(scale(serving, "2")), more, component)
    properties = state.steps["Add"].properties
    assert properties["InferenceComponentStatus"] == "InService"
    assert state.steps["Add"].metadata["InferenceComponent"]["Arn"].endswith("component/extra")
    assert (await ask(serving)).body == b"6\n"
    answer = await ask(serving, component="extra")
    assert (answer.body, answer.variant) == (b"300\n", "v0")


async def test_a_request_that_is_being_answered_gets_its_answer_when_the_endpoint_ends(
    serving: Embedded,
) -> None:
    code = """
import os, signal
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    for process in (os.getpid(), os.getppid()):
        os.kill(process, signal.SIGTERM)
    return "answered", accept
"""
    await run(serving, *endpoint_steps(scale(serving, "2", code)))
    endpoint = only(serving)
    answer = await ask(serving)
    assert (answer.status, answer.body) == (200, b"answered")
    async with asyncio.timeout(20):
        await ended(ProcessIdentity.from_dict(endpoint.description["Local"]["Handle"]))
    exit = read_exit(str(endpoint.folder))
    assert exit is not None and exit.code == 0


def test_a_stop_ends_an_endpoint_that_is_not_healthy_yet(host: Host) -> None:
    up = host.fifo("up")
    code = f"""
import signal
def model_fn(folder):
    with open({str(up.path)!r}, "w") as said: said.write("loading\\n")
    signal.pause()
"""
    data = pack_model(host.home, "s3://bucket/model.tar.gz", code)
    execution_id = host.start(definition(*endpoint_steps(container(data))))
    assert up.hear() == "loading\n"
    host.send(execution_id, StopExecution())
    assert host.settle(execution_id).execution.status is ExecutionStatus.STOPPED
    assert list_endpoints(host.home.root) == []


@pytest.mark.parametrize("runner", ["rewrite", "process"])
async def test_an_endpoint_runs_where_nothing_is_mounted(serving: Embedded, runner: str) -> None:
    serving.home.config.write_text(f'[jobs]\nrunner = "{runner}"\n')
    await run(serving, *endpoint_steps(scale(serving, "2"), scale(serving, "3")))
    assert (await ask(serving, variant="v0")).body == b"6\n"
    assert (await ask(serving, variant="v1")).body == b"9\n"


def test_a_killed_runners_half_started_endpoint_is_ended_by_the_next_one(host: Host) -> None:
    up, gate = host.fifo("up"), host.fifo("gate")
    code = f"""
def model_fn(folder):
    with open({str(up.path)!r}, "w") as said: said.write("loading\\n")
    with open({str(gate.path)!r}) as heard: heard.readline()
def transform_fn(model, body, content_type, accept): return "here", accept
"""
    data = pack_model(host.home, "s3://bucket/model.tar.gz", code)
    execution_id = host.start(definition(*endpoint_steps(container(data))))
    assert up.hear() == "loading\n"
    (begun,) = (host.home.root / "endpoints" / NAME).glob("[0-9]*")
    claim = read_claim(str(begun))
    assert claim is not None
    half = identity.of(claim.pid)
    assert half is not None
    host.kill_runner(execution_id)
    host.take_over(execution_id)
    assert up.hear() == "loading\n"
    assert not half.alive()
    gate.say()
    assert host.settle(execution_id).steps["Serve"].status is S.SUCCEEDED
    answer = invoke(host.home.root, NAME, b"")
    assert (answer.status, answer.body) == (200, b"here")
    asyncio.run(delete_endpoint(host.home.root, NAME))


async def test_an_endpoint_step_with_variants_is_a_configuration(serving: Embedded) -> None:
    made, config, _ = endpoint_steps(scale(serving, "2"))
    state = await run(serving, made, {**config, "Type": "Endpoint"})
    assert state.steps["Config"].metadata.keys() == {"EndpointConfig"}
    assert list_endpoints(serving.home.root) == []


async def test_two_changes_at_once_are_refused(serving: Embedded) -> None:
    with locked(serving.home.root, NAME):
        state = await serving.run(definition(*endpoint_steps(scale(serving, "2"))))
    assert state.steps["Serve"].failure_reason.startswith(
        f"ClientError: Cannot update in-progress endpoint {NAME}"
    )
