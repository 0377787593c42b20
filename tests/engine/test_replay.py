"""Replays: a step again in a scratch copy, compared, with the run itself left as it is."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.comparison.trees import Change
from engine.errors import CommandRejected, NotFound
from engine.home import Home
from engine.model.fold import ExecutionState
from engine.replay.report import ReplayReport, ReplayRequest, Verdict
from engine.replay.run import replay
from engine.replay.scratch import FOLDER
from engine.store import queries
from engine.store.connection import connect
from tests.engine.crash import Fifo
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.serving import SCALE, container, model_step, pack_model, transform_step
from tests.engine.test_checks import SUPPLIED, make_baseline, quality_check
from tests.engine.test_emr import emr, spark_submit
from tests.engine.test_foreach import ITEM, loop, writes
from tests.engine.test_lambda import calling, handle
from tests.engine.test_training import training

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
OUT = "/opt/ml/processing/out"
SPLIT = f"""
cp /opt/ml/processing/data/* {OUT}/
echo "{{\\"rows\\": ${{ROWS:-1}}, \\"seed\\": 7}}" > {OUT}/split.json
"""
PYTHON = [sys.executable, "-c"]


def splitting(script: str = SPLIT, **environment: str) -> dict[str, Any]:
    """A step that copies its input and writes a report of an environment variable."""
    return processing(
        "Split",
        script,
        inputs={"data": "s3://lake/raw"},
        outputs={"out": "s3://lake/split"},
        arguments={"Environment": environment},
    )


async def ran(embedded: Embedded, *steps: dict[str, Any]) -> ExecutionState:
    """An execution of steps whose input lies ready."""
    embedded.put("s3://lake/raw/train.csv", "x,y\n1,2\n")
    return await embedded.run(definition(*steps))


async def again(
    embedded: Embedded, state: ExecutionState, step: str = "Split", **request: Any
) -> ReplayReport:
    """The report of a replay, which is known to have left the home as it was."""
    before = prints(embedded.home)
    report = await replay(embedded.home, ReplayRequest(state.execution.id, step, **request))
    assert prints(embedded.home) == before
    return report


def prints(home: Home) -> dict[str, str]:
    """Name, mode, time and content of everything in a home but its replays.

    The store is taken by what it says: SQLite's own files beside it come and go with its readers.
    """
    found = {}
    for folder, folders, files in os.walk(home.root):
        if Path(folder) == home.root and FOLDER in folders:
            folders.remove(FOLDER)
        for name in files:
            path = Path(folder, name)
            if path.is_file() and not path.name.startswith("pipetui.db-"):
                state = path.lstat()
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path)] = f"{state.st_mode} {state.st_mtime_ns} {state.st_nlink} {content}"
        for name in folders:
            found[os.path.join(folder, name)] = "folder"
    db = connect(home.database, read_only=True)
    found["events"] = hashlib.sha256(
        repr(db.execute("SELECT * FROM event ORDER BY seq").fetchall()).encode()
    ).hexdigest()
    db.close()
    return found


def changes(report: ReplayReport) -> dict[str, Change]:
    """What became of each file of the first output."""
    return {one.name: one.change for one in report.outputs[0].tree.files}


def scratch_homes(home: Home) -> list[Path]:
    """What replays have left."""
    return [*(home.root / FOLDER).glob("*")]


async def test_a_step_that_is_as_it_was_has_the_same_outputs(embedded: Embedded) -> None:
    state = await ran(embedded, splitting())
    report = await again(embedded, state)
    assert report.verdict is Verdict.SAME
    assert changes(report) == {"split.json": Change.SAME, "train.csv": Change.SAME}
    assert (report.before.exit_code, report.now.exit_code) == (0, 0)
    assert not report.caveats
    assert not scratch_homes(embedded.home)


async def test_an_edited_argument_changes_exactly_what_depends_on_it(embedded: Embedded) -> None:
    state = await ran(embedded, splitting(ROWS="1"))
    report = await again(embedded, state, edits={"Environment.ROWS": "2"})
    assert report.verdict is Verdict.DIFFERENT
    assert changes(report) == {"split.json": Change.CHANGED, "train.csv": Change.SAME}
    [(name, content)] = report.outputs[0].contents.items()
    assert name == "split.json"
    assert [(one.path, one.before, one.now) for one in content.values] == [("rows", "1", "2")]
    assert json.loads(embedded.get("s3://lake/split/split.json"))["rows"] == 1


async def test_a_step_that_failed_succeeds_with_its_input_mended(embedded: Embedded) -> None:
    script = "echo 'ValueError: no rows' >&2; test -n \"$ROWS\" || exit 3\n" + SPLIT
    state = await ran(embedded, splitting(script, ROWS=""))
    report = await again(embedded, state, edits={"Environment.ROWS": "2"})
    assert (report.before.status, report.now.status) == ("Failed", "Succeeded")
    assert (report.before.exit_code, report.now.exit_code) == (3, 0)
    assert "ValueError" in report.before.first_error
    assert changes(report) == {"split.json": Change.ADDED, "train.csv": Change.ADDED}
    assert report.verdict is Verdict.DIFFERENT


async def test_a_replay_that_fails_says_why(embedded: Embedded) -> None:
    script = 'if [ "$ROWS" = bad ]; then echo "ValueError: bad" >&2; exit 4; fi\n' + SPLIT
    state = await ran(embedded, splitting(script, ROWS="1"))
    report = await again(embedded, state, edits={"Environment.ROWS": "bad"})
    assert report.verdict is Verdict.FAILED
    assert report.now.exit_code == 4
    assert report.now.failure_reason
    assert report.now.first_error == "ValueError: bad"
    assert set(changes(report).values()) == {Change.REMOVED}


async def test_what_a_job_does_to_s3_by_itself_stays_in_the_copy(embedded: Embedded) -> None:
    program = """
import boto3, json, sys
s3 = boto3.client("s3")
seen = s3.get_object(Bucket="lake", Key="raw/train.csv")["Body"].read().decode()
keys = [one["Key"] for one in s3.list_objects_v2(Bucket="lake")["Contents"]]
s3.put_object(Bucket="lake", Key="side/seen.txt", Body=f"{seen} {keys}".encode())
s3.put_object(Bucket="new-bucket", Key="a", Body=b"a")
s3.delete_object(Bucket="lake", Key="raw/train.csv")
s3.copy_object(Bucket="lake", Key="moved.csv", CopySource="lake/raw/other.csv")
left = [one["Key"] for one in s3.list_objects_v2(Bucket="lake", Prefix="raw/")["Contents"]]
assert left == ["raw/other.csv"], left
"""
    step = processing("Job", "true")
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = [*PYTHON, program]
    (embedded.home.s3 / "new-bucket").mkdir()
    embedded.put("s3://lake/raw/other.csv", "z\n")
    state = await ran(embedded, step)
    assert state.steps["Job"].failure_reason == ""
    embedded.put("s3://lake/raw/train.csv", "x,y\n1,3\n")
    report = await again(embedded, state, "Job")
    assert report.verdict is Verdict.DIFFERENT
    found = {
        (one.name, each.name): each.change for one in report.outputs for each in one.tree.files
    }
    assert found == {
        ("lake", "moved.csv"): Change.SAME,
        ("lake", "side/seen.txt"): Change.CHANGED,
        ("new-bucket", "a"): Change.SAME,
    }


async def test_outputs_beside_the_definition_stay_in_the_copy_too(embedded: Embedded) -> None:
    step = processing("Split", f"echo $ROWS > {OUT}/n.txt", outputs={"out": "results"})
    step["Arguments"]["Environment"] = {"ROWS": "1"}
    state = await ran(embedded, step)
    report = await again(embedded, state, edits={"Environment.ROWS": "2"})
    assert changes(report) == {"n.txt": Change.CHANGED}
    assert (embedded.folder / "results" / "n.txt").read_text() == "1\n"


async def test_a_model_is_compared_by_its_members_and_metrics_by_their_values(
    embedded: Embedded,
) -> None:
    step = training(
        "Train",
        "cp /opt/ml/input/config/hyperparameters.json /opt/ml/model/; echo same > /opt/ml/model/b;"
        ' sed \'s/.*depth": "\\(.*\\)".*/loss=\\1;/\' /opt/ml/model/hyperparameters.json',
        hyperparameters={"depth": "3"},
        algorithm={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}]},
    )
    state = await ran(embedded, step)
    same = await again(embedded, state, "Train")
    assert same.verdict is Verdict.SAME
    assert same.before.metrics == same.now.metrics == {"loss": 3.0}
    report = await again(embedded, state, "Train", edits={"HyperParameters.depth": "5"})
    assert report.now.metrics == {"loss": 5.0}
    members = report.outputs[0].contents["model.tar.gz"].members
    assert members is not None
    assert [one.name for one in members.differing] == ["hyperparameters.json"]


async def test_checkpoints_that_the_run_left_are_hidden_from_its_replay(embedded: Embedded) -> None:
    step = training(
        "Train",
        "ls /opt/ml/checkpoints | wc -l > /opt/ml/model/found; echo x > /opt/ml/checkpoints/new",
        arguments={"CheckpointConfig": {"S3Uri": "s3://lake/checkpoints"}},
    )
    state = await ran(embedded, step)
    assert (await again(embedded, state, "Train")).verdict is Verdict.SAME


async def test_a_function_is_compared_by_what_it_returns(embedded: Embedded) -> None:
    handle(embedded, "return {'model': event['name']}")
    state = await ran(embedded, calling(("model", "String"), event={"name": "a"}))
    assert (await again(embedded, state, "Call")).verdict is Verdict.SAME
    report = await again(embedded, state, "Call", edits={"name": "b"})
    assert report.verdict is Verdict.DIFFERENT
    assert [one.now for one in report.results] == ['"b"']


async def test_a_job_is_compared_by_what_its_program_says(embedded: Embedded) -> None:
    says = """echo '{"JobConfigDocument": {"Loss": '${LOSS-1}'}}' > /opt/ml/output/job.json"""
    line = f"default = {{ command = ['sh', '-c', {json.dumps(says)}] }}"
    config = embedded.folder / "pipetui.toml"
    config.write_text(f"[job_categories]\n{line}\n", encoding="utf-8")
    arguments = {"JobCategory": "AgentRFT", "JobConfigDocument": "{}"}
    state = await ran(embedded, {"Name": "Tune", "Type": "Job", "Arguments": arguments})
    assert (await again(embedded, state, "Tune")).verdict is Verdict.SAME
    config.write_text(config.read_text("utf-8").replace("LOSS-1", "LOSS-2"), encoding="utf-8")
    report = await again(embedded, state, "Tune")
    assert report.verdict is Verdict.DIFFERENT
    assert [one.now for one in report.results] == ["2"]


async def test_a_result_that_was_taken_from_the_cache_is_replayed_where_it_was_made(
    embedded: Embedded,
) -> None:
    step = {**splitting(), "CacheConfig": {"Enabled": True}}
    first = await ran(embedded, step)
    second = await embedded.run(definition(step), pipeline=first.execution.pipeline)
    assert second.steps["Split"].source_execution == first.execution.id
    report = await again(embedded, second)
    assert report.verdict is Verdict.SAME
    assert report.execution_id == first.execution.id


async def test_a_step_of_an_iteration_is_replayed_with_its_own_item(embedded: Embedded) -> None:
    state = await ran(
        embedded, loop(writes("Each", "echo $I > /opt/ml/processing/o/n", I=ITEM), items=["p", "q"])
    )
    report = await again(embedded, state, "Each-1", edits={"Environment.I": "r"})
    [output] = report.outputs
    assert output.uri == "s3://out/Each/q"
    assert output.contents["n"].lines[1:] == ("-q", "+r")


async def test_a_check_is_compared_with_the_baseline_it_had(embedded: Embedded) -> None:
    await make_baseline(embedded)
    check = quality_check(**SUPPLIED)
    state = await embedded.run(definition(check))
    assert state.steps["Check"].status == "Succeeded", state.steps["Check"].failure_reason
    assert (await again(embedded, state, "Check")).now.status == "Succeeded"


async def test_a_transform_finds_the_model_that_the_run_made(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "1,2\n3,4\n")
    data = pack_model(embedded.home, "s3://bucket/models/model.tar.gz", SCALE, factor="2")
    score = transform_step("Score", "Make", "s3://bucket/in/", "s3://bucket/out")
    state = await embedded.run(definition(model_step("Make", container(data)), score))
    report = await again(embedded, state, "Score")
    assert report.verdict is Verdict.SAME
    assert changes(report) == {"a.csv.out": Change.SAME}


async def test_a_cluster_program_that_writes_by_path_writes_into_the_copy(
    embedded: Embedded,
) -> None:
    spark_submit(embedded, '#!/bin/sh\nfor last; do :; done\ndate +%N > "$last/part"\n')
    embedded.put("s3://lake/table/part", "before")
    state = await ran(embedded, emr("spark-submit", "s3://lake/raw/train.csv", "s3://lake/table"))
    assert state.steps["Spark"].status == "Succeeded", state.steps["Spark"].failure_reason
    report = await again(embedded, state, "Spark")
    found = {each.name: each.change for one in report.outputs for each in one.tree.files}
    assert found == {"table/part": Change.CHANGED}


async def test_inputs_and_outputs_that_changed_since_are_told(embedded: Embedded) -> None:
    state = await ran(embedded, splitting())
    later = (state.steps["Split"].ended_at or 0.0) + 60
    for place in ("raw/train.csv", "split/split.json"):
        os.utime(embedded.home.s3 / "lake" / place, (later, later))
    report = await again(embedded, state)
    assert len(report.caveats) == 2
    assert "input data" in report.caveats[0]
    assert "output out" in report.caveats[1]


async def test_a_kept_copy_is_a_home_that_every_command_can_read(embedded: Embedded) -> None:
    state = await ran(embedded, splitting("echo hello\n" + SPLIT))
    report = await again(embedded, state, keep=True)
    db = connect(Home(Path(report.folder)).database, read_only=True)
    [step] = queries.steps(db, report.id)
    db.close()
    assert step.status == "Succeeded"
    assert embedded.log(step) == "hello\n"


async def test_observers_hear_nothing_of_a_replay(embedded: Embedded) -> None:
    told = embedded.folder / "told"
    embedded.home.config.write_text(
        f'[observers]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]\n', encoding="utf-8"
    )
    state = await ran(embedded, splitting())
    heard = told.read_bytes()
    await again(embedded, state)
    assert told.read_bytes() == heard


@pytest.mark.parametrize(
    ("step", "code"),
    [("Stop", "replay-type-refused"), ("Later", "replay-not-ended"), ("None", "step-not-found")],
)
async def test_what_cannot_be_replayed_is_refused_with_the_reason(
    embedded: Embedded, step: str, code: str
) -> None:
    fail = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    later = {**processing("Later", "true"), "DependsOn": ["Broken"]}
    state = await embedded.run(definition(processing("Broken", "exit 1"), later, fail))
    with pytest.raises((CommandRejected, NotFound)) as caught:
        await again(embedded, state, step)
    assert caught.value.code == code
    assert caught.value.hint
    assert not scratch_homes(embedded.home)


async def test_an_edit_of_what_is_not_there_is_refused(embedded: Embedded) -> None:
    state = await ran(embedded, splitting())
    with pytest.raises(CommandRejected, match="AppSpecs"):
        await again(embedded, state, edits={"AppSpecs.ImageUri": "x"})
    assert not scratch_homes(embedded.home)


async def test_a_replay_that_is_given_up_is_stopped_and_leaves_nothing(embedded: Embedded) -> None:
    state, going = await waiting_step(embedded)
    before = prints(embedded.home)
    task = asyncio.create_task(
        replay(embedded.home, ReplayRequest(state.execution.id, "Wait", {"Environment.FOR": "60"}))
    )
    await asyncio.to_thread(going.hear)
    going.close()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert prints(embedded.home) == before
    assert not scratch_homes(embedded.home)


async def test_a_replay_whose_runner_is_killed_goes_on_and_leaves_the_run_untouched(
    embedded: Embedded,
) -> None:
    state, going = await waiting_step(embedded)
    before = prints(embedded.home)
    task = asyncio.create_task(
        replay(embedded.home, ReplayRequest(state.execution.id, "Wait", {"Environment.FOR": "2"}))
    )
    await asyncio.to_thread(going.hear)
    going.close()
    [scratch] = scratch_homes(embedded.home)
    db = connect(scratch / "pipetui.db", read_only=True)
    os.kill(queries.execution(db, scratch.name).runner_pid, signal.SIGKILL)
    db.close()
    report = await task
    assert report.now.status == "Succeeded"
    assert prints(embedded.home) == before


async def waiting_step(embedded: Embedded) -> tuple[ExecutionState, Fifo]:
    """A step that has run at once, and in a replay says that it runs and waits FOR seconds."""
    going = Fifo(embedded.folder / "going")
    step = processing("Wait", f'test "$FOR" = 0 || echo going > {going.path}; exec sleep "$FOR"')
    step["Arguments"]["Environment"] = {"FOR": "0"}
    return await ran(embedded, step), going


def pipetui(embedded: Embedded, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipetui", "--home", str(embedded.home.root), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )


async def test_the_command_tells_what_differs_and_exits_with_the_verdict(
    embedded: Embedded,
) -> None:
    state = await ran(embedded, splitting(ROWS="1"))
    asked = ("replay", state.execution.id, "Split")
    same = await asyncio.to_thread(pipetui, embedded, *asked)
    assert same.returncode == 0, same.stderr
    assert "2 files the same" in same.stdout
    other = await asyncio.to_thread(pipetui, embedded, *asked, "--set", "Environment.ROWS=2")
    assert other.returncode == 12, other.stderr
    assert "rows: 1 -> 2" in other.stdout
    edit = ("--set", "Environment.ROWS=2", "-o", "json")
    document = json.loads((await asyncio.to_thread(pipetui, embedded, *asked, *edit)).stdout)
    assert document["verdict"] == "different"
    assert document["outputs"][0]["contents"]["split.json"]["values"][0]["now"] == "2"


async def test_the_command_refuses_with_usage_code(embedded: Embedded) -> None:
    state = await ran(embedded, splitting())
    refused = await asyncio.to_thread(pipetui, embedded, "replay", state.execution.id, "Splitt")
    assert refused.returncode == 2
    assert "Split" in refused.stderr
