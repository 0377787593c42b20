"""Batch transforms: real model servers, records there and back, and what makes a job fail."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.environments.algorithms.serving.framing import record_io, tf_record
from engine.errors import PlanError
from engine.model.status import StepStatus
from tests.engine.crash import Host, host
from tests.engine.embedded import Embedded, definition
from tests.engine.serving import SCALE, container, model_step, pack_model, transform_step

__all__ = ["host"]

S = StepStatus
OUT = "s3://bucket/out"


async def transform(embedded: Embedded, *models: Any, **more: Any) -> Any:
    """Run a model of these containers over ``s3://bucket/in``; the Transform step's view."""
    step = transform_step("Score", "Make", more.pop("source", "s3://bucket/in/"), OUT, **more)
    state = await embedded.run(definition(model_step("Make", *models), step))
    return state.steps["Score"]


def scale(embedded: Embedded, factor: str = "2", code: str = SCALE, **variables: str) -> Any:
    uri = f"s3://bucket/models/{factor}/model.tar.gz"
    return container(pack_model(embedded.home, uri, code, factor=factor), **variables)


async def test_every_file_below_the_prefix_has_an_output_of_its_name(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "1,2\n3,4\n")
    embedded.put("s3://bucket/in/deep/b.csv", "5,6")
    view = await transform(embedded, scale(embedded))
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == "6\n14\n"
    assert embedded.get(f"{OUT}/deep/b.csv.out") == "22\n"
    assert view.properties["TransformJobStatus"] == "Completed"
    assert view.properties["TransformJobName"].startswith("pipelines-")
    assert view.metadata == {"TransformJob": {"Arn": view.properties["TransformJobArn"]}}


async def test_filters_choose_what_is_sent_and_join_puts_the_input_before_the_answer(
    embedded: Embedded,
) -> None:
    embedded.put("s3://bucket/in/a.csv", "id1,1,2\nid2,3,4\n")
    processing = {"InputFilter": "$[1:]", "OutputFilter": "$[0,-1]", "JoinSource": "Input"}
    view = await transform(embedded, scale(embedded), DataProcessing=processing)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == "id1,6\nid2,14\n"


JSON_MODEL = """
import json
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    found = [json.loads(line) for line in body.splitlines()]
    return "\\n".join(json.dumps({"n": len(one)}) for one in found), accept
"""


async def test_json_lines_are_joined_under_the_services_own_key(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.jsonl", '{"id": 7, "f": [1, 2]}\n{"id": 8, "f": []}\n')
    kind = {"ContentType": "application/jsonlines"}
    view = await transform(
        embedded,
        scale(embedded, code=JSON_MODEL),
        input=kind,
        output={"Accept": "application/jsonlines"},
        DataProcessing={
            "InputFilter": "$.f",
            "JoinSource": "Input",
            "OutputFilter": "$['id','SageMakerOutput']",
        },
    )
    assert view.status is S.SUCCEEDED, view.failure_reason
    lines = embedded.get(f"{OUT}/a.jsonl.out").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": 7, "SageMakerOutput": {"n": 2}},
        {"id": 8, "SageMakerOutput": {"n": 0}},
    ]


# answers with the bodies of its requests, between brackets
ECHO = """
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    return "[" + body.replace("\\n", "|") + "]", "text/csv"
"""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"BatchStrategy": "MultiRecord"}, "[1|2|3]\n"),
        ({"BatchStrategy": "SingleRecord"}, "[1]\n[2]\n[3]\n"),
        ({"BatchStrategy": "SingleRecord", "output": {"AssembleWith": "None"}}, "[1][2][3]"),
        ({"input": {"SplitType": None}}, "[1|2|3|]\n"),
    ],
)
async def test_records_are_split_sent_and_assembled_as_the_request_says(
    embedded: Embedded, settings: dict[str, Any], expected: str
) -> None:
    embedded.put("s3://bucket/in/a.csv", "1\n2\n3\n")
    view = await transform(embedded, scale(embedded, code=ECHO), **settings)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == expected


async def test_packed_input_is_unpacked_and_its_output_keeps_the_key(embedded: Embedded) -> None:
    path = embedded.home.s3 / "bucket/in/a.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"1,2\n"))
    view = await transform(embedded, scale(embedded), input={"CompressionType": "Gzip"})
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.gz.out") == "6\n"


# answers with the length of each request's body, and what it holds of letters
SIZES = """
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    return str(len(body)) + "".join(chr(one) for one in body if 97 <= one <= 122), "text/csv"
"""
FRAMES: dict[str, Callable[[bytes], bytes]] = {
    "RecordIO": lambda data: b"".join(record_io(data)),
    "TFRecord": tf_record,
}


def put_frames(embedded: Embedded, kind: str, *records: bytes) -> bytes:
    """Write a file of binary records as an object; returns what it holds."""
    path = embedded.home.s3 / "bucket/in/a.rec"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(map(FRAMES[kind], records)))
    return path.read_bytes()


@pytest.mark.parametrize("kind", FRAMES)
async def test_binary_records_are_sent_bare_one_by_one_and_framed_together(
    embedded: Embedded, kind: str
) -> None:
    file = put_frames(embedded, kind, b"a", b"bcd", b"")
    model = scale(embedded, code=SIZES)
    given = {"input": {"SplitType": kind, "ContentType": "application/octet-stream"}}
    view = await transform(embedded, model, BatchStrategy="SingleRecord", **given)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.rec.out") == "1a\n3bcd\n0\n"
    view = await transform(embedded, model, BatchStrategy="MultiRecord", **given)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.rec.out").startswith(str(len(file)))


async def test_a_broken_binary_file_fails_the_step_and_says_where(embedded: Embedded) -> None:
    file = put_frames(embedded, "TFRecord", b"abc", b"def")
    (embedded.home.s3 / "bucket/in/a.rec").write_bytes(file[:-1] + b"?")
    view = await transform(embedded, scale(embedded, code=SIZES), input={"SplitType": "TFRecord"})
    assert view.status is S.FAILED
    told = "a.rec: it is no TFRecord file at byte 19: the checksum of the record is wrong"
    assert told in view.failure_reason


# opening a pipe blocks until somebody else opens its other end
MEET = """
import os
def model_fn(folder):
    pipe = os.path.join(folder, "pipe")
    try:
        os.mkfifo(pipe)
    except FileExistsError:
        pass
    return pipe
def transform_fn(pipe, body, content_type, accept):
    open(pipe, "w" if body == "1" else "r").close()
    return "met", accept
"""


@pytest.mark.parametrize("files", [{"a.csv": "1\n2\n"}, {"a.csv": "1\n", "b.csv": "2\n"}])
async def test_requests_run_at_once_up_to_max_concurrent_transforms(
    embedded: Embedded, files: dict[str, str]
) -> None:
    for name, text in files.items():
        embedded.put(f"s3://bucket/in/{name}", text)
    view = await transform(
        embedded,
        scale(embedded, code=MEET, SAGEMAKER_MODEL_SERVER_WORKERS="2"),
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=2,
        ModelClientConfig={"InvocationsTimeoutInSeconds": 20},
    )
    assert view.status is S.SUCCEEDED, view.failure_reason
    for name, text in files.items():
        answers = embedded.get(f"{OUT}/{name}.out").splitlines()
        assert answers == ["met"] * len(text.splitlines())


# multiplies like SCALE, but reads its model where every container sees it
HARD_CODED = SCALE.replace('os.path.join(folder, "factor")', "'/opt/ml/model/factor'")


async def test_containers_in_series_each_find_their_own_model(embedded: Embedded) -> None:
    assert HARD_CODED != SCALE
    embedded.put("s3://bucket/in/a.csv", "1,2\n3,4\n")
    first, second = (scale(embedded, factor, HARD_CODED) for factor in ("2", "10"))
    first["Environment"]["SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"] = "text/csv"
    view = await transform(embedded, first, second)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == "60\n140\n"
    assert "container 2: local/host:latest (unmatched)" in view.environment["Notes"]


@pytest.mark.parametrize("runner", ["rewrite", "process"])
async def test_where_nothing_is_mounted_containers_are_told_their_models_place(
    embedded: Embedded, runner: str
) -> None:
    embedded.home.config.write_text(f'[jobs]\nrunner = "{runner}"\n')
    embedded.put("s3://bucket/in/a.csv", "1,2\n")
    accept = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    models = [scale(embedded, factor, **accept) for factor in ("2", "10")]
    view = await transform(embedded, *models)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == "60\n"


async def test_the_model_sees_the_variables_of_a_batch_transform(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "x\n")
    code = """
import os
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    names = ("SAGEMAKER_BATCH", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "SAGEMAKER_BATCH_STRATEGY",
             "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "OF_MODEL", "OF_JOB")
    return ",".join(os.environ[name] for name in names), accept
"""
    view = await transform(
        embedded,
        scale(embedded, code=code, OF_MODEL="m", OF_JOB="m"),
        Environment={"OF_JOB": "j"},
        MaxPayloadInMB=2,
        MaxConcurrentTransforms=0,
        BatchStrategy="SingleRecord",
    )
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == "true,2,SINGLE_RECORD,1,m,j\n"


async def test_submitted_code_is_fetched_from_s3(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "1,2\n")
    embedded.put("s3://bucket/code/score.py", SCALE)
    data = pack_model(embedded.home, "s3://bucket/models/plain.tar.gz", "", factor="3")
    made = container(
        data, SAGEMAKER_PROGRAM="score.py", SAGEMAKER_SUBMIT_DIRECTORY="s3://bucket/code/"
    )
    view = await transform(embedded, made)
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert embedded.get(f"{OUT}/a.csv.out") == "9\n"


BROKEN = {
    "no model_fn": ("x = 1", "Please provide a model_fn implementation."),
    "both kinds": (
        JSON_MODEL + "\ndef input_fn(body, kind): return body",
        "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn",
    ),
    "a model that does not load": (
        "def model_fn(folder): raise RuntimeError('no weights')",
        "RuntimeError: no weights",
    ),
    "an end of its own": (
        "import os\ndef model_fn(folder): os._exit(7)",
        "ended with exit code 7",
    ),
    "an error in the middle": (
        JSON_MODEL.replace("found =", "raise KeyError('gone')\n    found ="),
        "a.csv: records 1 to 2: Bad HTTP status returned from invoke: 500",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_model_that_does_not_serve_fails_the_step_with_its_reason(
    embedded: Embedded, case: str
) -> None:
    code, reason = BROKEN[case]
    embedded.put("s3://bucket/in/a.csv", "1\n2\n")
    view = await transform(embedded, scale(embedded, code=code))
    assert view.status is S.FAILED
    assert view.failure_reason.startswith("AlgorithmError: ")
    assert reason in view.failure_reason, embedded.log(view)
    assert not (embedded.home.s3 / "bucket/out").exists()


async def test_a_model_that_is_not_healthy_in_time_fails_the_step(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "1\n")
    code = "import signal\ndef model_fn(folder):\n    print('still loading')\n    signal.pause()"
    made = scale(embedded, code=code, SAGEMAKER_STARTUP_TIMEOUT="1")
    view = await transform(embedded, made)
    assert view.status is S.FAILED
    assert "did not pass the ping health check within 1 s: still loading" in view.failure_reason


DEFAULTS = "class M:\n    def predict(self, x): return x\ndef model_fn(folder): return M()\n"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"input": {"ContentType": "image/png"}}, "415"),
        ({"output": {"Accept": "image/png"}}, "406"),
    ],
)
async def test_types_that_the_framework_does_not_know_are_answered_as_such(
    embedded: Embedded, given: dict[str, Any], status: str
) -> None:
    embedded.put("s3://bucket/in/a.csv", "1\n")
    view = await transform(embedded, scale(embedded, code=DEFAULTS), **given)
    assert view.status is S.FAILED
    assert f"Bad HTTP status returned from invoke: {status}" in view.failure_reason
    assert "Content type image/png is not supported by this framework" in view.failure_reason


async def test_a_record_larger_than_the_payload_fails_the_step(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "1\n" + "2" * (1024**2 + 1) + "\n")
    view = await transform(embedded, scale(embedded), MaxPayloadInMB=1)
    assert view.status is S.FAILED
    assert "a.csv: record 2 has 1048577 bytes, more than MaxPayloadInMB" in view.failure_reason


def test_a_transform_whose_runner_is_killed_goes_on_where_it_is(host: Host) -> None:
    up, gate = host.fifo("up"), host.fifo("gate")
    code = f"""
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    with open({str(up.path)!r}, "w") as said: said.write("asked\\n")
    with open({str(gate.path)!r}) as heard: heard.readline()
    return "done", accept
"""
    source = host.home.s3 / "bucket/in/a.csv"
    source.parent.mkdir(parents=True)
    source.write_text("1\n")
    data = pack_model(host.home, "s3://bucket/model.tar.gz", code)
    step = transform_step("Score", "Make", "s3://bucket/in/", OUT)
    execution_id = host.start(definition(model_step("Make", container(data)), step))
    assert up.hear() == "asked\n"
    host.kill_runner(execution_id)
    host.take_over(execution_id)
    gate.say()
    view = host.settle(execution_id).steps["Score"]
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert len(view.attempts) == 1
    assert (host.home.s3 / "bucket/out/a.csv.out").read_text() == "done\n"


async def test_a_model_nobody_made_fails_the_step(embedded: Embedded) -> None:
    step = transform_step("Score", "Make", "s3://bucket/in/", OUT)
    step["Arguments"]["ModelName"] = "nowhere"
    state = await embedded.run(definition(step))
    assert state.steps["Score"].failure_reason.startswith(
        'ClientError: Could not find model "nowhere"'
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"input": {"SplitType": "Words"}}, "split-type-invalid"),
        (
            {"input": {"SplitType": "RecordIO"}, "DataProcessing": {"InputFilter": "$[1:]"}},
            "split-type-unsupported",
        ),
        ({"DataProcessing": {"InputFilter": "$["}}, "filter-invalid"),
        ({"DataProcessing": {"OutputFilter": "0"}}, "filter-invalid"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "input": {"ContentType": "image/png"}},
            "content-type-unsupported",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_before_anything_starts(
    embedded: Embedded, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(ExceptionGroup) as refusal:
        await transform(embedded, scale(embedded), **given)
    (problem,) = refusal.value.exceptions
    assert isinstance(problem, PlanError) and problem.code == code
