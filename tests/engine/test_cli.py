"""The command line as a person or a CI job uses it: child processes, exit codes, JSON."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import engine.api as api
from engine.home import Home
from engine.jobs.ladder import probe
from engine.model.events import ExecutionCreated, ExecutionEnded, StepDeclared
from engine.model.status import ExecutionStatus
from engine.runner.process import this_process
from engine.store.connection import connect
from engine.store.ledger import Ledger
from pipetui.cli import main
from pipetui.cli.failures import report_crash
from pipetui.cli.program import program
from pipetui.cli.reference import reference
from pipetui.cli.session import Session
from pipetui.cli.text import cells

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample_pipelines"
HELLO = str(SAMPLES / "hello" / "pipeline.json")
BROKEN = str(SAMPLES / "broken_features" / "pipeline.json")
GATE = str(SAMPLES / "approval_gate" / "pipeline.json")
INVALID = ROOT / "tests" / "definitions" / "invalid"
ANSWERS = {"ApprovedBy": "ada", "TrafficPercent": "10", "Canary": "true", "MaxErrorRate": "0.01"}

pytestmark = pytest.mark.network


class Cli:
    """``pipetui`` on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._environment = {
            name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pipetui", "--home", str(self.home), *arguments]

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self._environment,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command answers as JSON; in this process, to save the half second of one."""
        said = io.StringIO()
        with redirect_stdout(said):
            assert main(["--home", str(self.home), *arguments, "-o", "json"]) == code, said
        return json.loads(said.getvalue())

    def error(self, *arguments: str, code: int) -> dict[str, Any]:
        """The only error a command answers."""
        [error] = self.json(*arguments, code=code)["errors"]
        return dict(error)

    def open(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self._environment,
        )

    def steps(self, execution: str = "@last") -> dict[str, dict[str, Any]]:
        found = self.json("steps", execution)["PipelineExecutionSteps"]
        return {one["StepName"]: one for one in found}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    """How jobs can run on this host, found out once for all homes."""
    file = tmp_path_factory.mktemp("host") / "probe.json"
    asyncio.run(probe(str(file)))
    return file.read_text()


def new_home(folder: Path, host: str) -> Cli:
    """An empty home on a host that is known already."""
    known = folder / "home" / "host" / "probe.json"
    known.parent.mkdir(mode=0o700, parents=True)
    known.write_text(host)
    return Cli(folder / "home")


@pytest.fixture
def cli(tmp_path: Path, host: str) -> Cli:
    return new_home(tmp_path, host)


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory, host: str) -> tuple[Cli, dict[str, Any]]:
    """A home with one execution that succeeded, and what ``run`` said of it."""
    cli = new_home(tmp_path_factory.mktemp("hello"), host)
    return cli, cli.json("run", HELLO, "-p", "Name=Ada", "--display-name", "first")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, host: str) -> tuple[Cli, str, str]:
    """A home with one execution that failed, what ``run`` printed, and the execution's id."""
    cli = new_home(tmp_path_factory.mktemp("broken"), host)
    said = cli("run", BROKEN, code=20).stdout
    return cli, said, cli.json("status", "@last")["Local"]["Id"]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A definition with one job that runs until it is told to end."""
    step = {
        "Name": "Sleep",
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {
                "ImageUri": "local/host:latest",
                "ContainerEntrypoint": ["sleep", "600"],
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 1,
                }
            },
            "RoleArn": "arn:aws:iam::123456789012:role/Role",
        },
    }
    file = tmp_path_factory.mktemp("slow") / "slow.json"
    file.write_text(json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]}))
    return str(file)


@pytest.fixture
def sleeping(cli: Cli, slow: str) -> Iterator[tuple[Cli, subprocess.Popen[str]]]:
    """A ``run`` whose job sleeps."""
    with cli.open("run", slow, "--output", "jsonl") as process:
        assert process.stdout
        for line in process.stdout:
            if json.loads(line)["detail"].get("currentStepStatus") == "Executing":
                break
        yield cli, process
        if process.poll() is None:
            cli("stop", "@last")
            process.wait(30)


def test_status_says_which_version_of_the_pipeline_ran(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, _ = hello
    (line,) = [one for one in cli("status", "@last").stdout.splitlines() if "definition" in one]
    assert line.endswith(f"{HELLO}, version 1")


def test_run_ends_with_the_object_of_status(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, said = hello
    assert said["PipelineExecutionStatus"] == "Succeeded"
    assert said["PipelineExecutionDisplayName"] == "first"
    assert said["Local"]["Parameters"] == {"Name": "Ada", "Times": 3}
    assert json.loads(cli("status", "@last", "--output", "json").stdout) == said


def test_steps_are_listed_in_the_order_of_the_definition(
    hello: tuple[Cli, dict[str, Any]],
) -> None:
    cli, _ = hello
    steps = cli.steps()
    assert list(steps) == ["Greet", "Shout", "Count"]
    assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}
    assert steps["Count"]["Metadata"]["ProcessingJob"]["Arn"]


def test_ls_lists_executions_of_one_pipeline(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, said = hello
    [summary] = cli.json("ls", "hello")["PipelineExecutionSummaries"]
    assert summary["PipelineExecutionArn"] == said["PipelineExecutionArn"]
    assert cli.json("ls", "other") == {"PipelineExecutionSummaries": []}


def test_events_are_eventbridge_lines(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, said = hello
    lines = cli("events", "@last", "-o", "jsonl").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert {one["source"] for one in events} == {"aws.sagemaker"}
    assert events[-1]["detail"]["currentPipelineExecutionStatus"] == "Succeeded"
    assert all(said["PipelineExecutionArn"] in one["resources"] for one in events)


def test_logs_print_the_log_of_a_step(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, _ = hello
    assert "Ada" in cli("logs", "@last", "Greet").stdout
    assert cli.json("logs", "@last", "Count", "--tail", "1")["events"][0]["message"]


def test_text_fits_80_columns_and_has_no_escape_sequences(
    hello: tuple[Cli, dict[str, Any]],
) -> None:
    cli, _ = hello
    for command in (("ls",), ("steps", "@last"), ("doctor",)):
        said = cli(*command).stdout
        assert said and "\x1b" not in said
        if command != ("doctor",):
            assert max(map(cells, said.splitlines())) <= 80


def on_terminal(cli: Cli, *arguments: str, **variables: str) -> str:
    """What a command writes to a terminal."""
    master, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    with subprocess.Popen(
        cli.command(*arguments), stdin=other, stdout=other, stderr=other, cwd=ROOT, env=environment
    ) as process:
        os.close(other)
        said = b""
        try:
            while part := os.read(master, 65536):
                said += part
        except OSError:  # Linux says EIO when the last writer has closed the terminal.
            pass
        finally:
            os.close(master)
        assert process.wait(30) == 0
    return said.decode()


def test_a_terminal_gets_colours_unless_no_color_is_set(
    hello: tuple[Cli, dict[str, Any]],
) -> None:
    cli, _ = hello
    assert "\x1b[32m✔ succeeded" in on_terminal(cli, "ls")
    assert "\x1b" not in on_terminal(cli, "ls", NO_COLOR="1")


def test_an_edit_by_set_changes_the_input_of_the_rerun(
    hello: tuple[Cli, dict[str, Any]],
) -> None:
    cli, said = hello
    source = said["Local"]["Id"]
    edit = "AppSpecification.ContainerArguments[0]=Grace"
    rerun = cli.json("rerun", source, "Greet", "--scope", "only", "--set", edit)
    assert rerun["Local"]["SourceExecution"] == source
    assert "Grace" in cli("logs", rerun["Local"]["Id"], "Greet").stdout
    typo = cli.error("rerun", source, "Greet", "--set", "AppSpecification.ImageUrl=x", code=2)
    assert typo["code"] == "edit-path-unknown" and "ImageUri" in typo["hint"]
    unknown = cli.error("rerun", source, "Greet", "--set", "Nowhere.x=1", code=2)
    assert unknown["code"] == "edit-path-unknown"


def test_an_edit_by_set_may_name_its_step(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, said = hello
    source = said["Local"]["Id"]
    edit = "AppSpecification.ContainerArguments[0]=Ada"
    rerun = cli.json("rerun", source, "--set", f"Greet:{edit}")
    assert "Ada" in cli("logs", rerun["Local"]["Id"], "Greet").stdout
    nowhere = cli.error("rerun", source, "--set", edit, code=2)
    assert nowhere["code"] == "usage" and f"STEP:{edit.partition('=')[0]}" in nowhere["message"]
    unknown = cli.error("rerun", source, "--set", f"Great:{edit}", code=2)
    assert unknown["code"] == "step-not-found"


def test_a_retry_of_what_succeeded_is_refused(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, said = hello
    assert cli.error("retry", said["Local"]["Id"], code=2)["code"] == "retry-refused"


def test_a_reader_that_leaves_is_no_error(hello: tuple[Cli, dict[str, Any]]) -> None:
    cli, _ = hello
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        cli.command("events", "@last"), stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, timeout=60
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_failed_run_prints_the_end_of_the_failing_log_and_where_it_lies(
    broken: tuple[Cli, str, str],
) -> None:
    cli, said, execution = broken
    assert "KeyError: 'monthly_charges'" in said
    assert f"{execution}/steps/BuildFeatures.1/job.log" in said
    assert "\x1b" not in said
    steps = cli.steps(execution)
    assert steps["BuildFeatures"]["StepStatus"] == "Failed"
    assert steps["FitModel"]["StepStatus"] == "Blocked"


def test_a_retry_runs_the_failed_step_again_in_the_same_execution(
    broken: tuple[Cli, str, str],
) -> None:
    cli, _, execution = broken
    said = cli("retry", execution, code=20).stdout
    assert "runs again: BuildFeatures, FitModel, Report" in said
    assert "a runner took over" not in said
    assert "ProfileData" not in said
    steps = cli.steps(execution)
    assert steps["BuildFeatures"]["AttemptCount"] == 2
    assert steps["ProfileData"]["AttemptCount"] == 1
    assert "Traceback" in cli("logs", execution, "BuildFeatures", "--attempt", "1").stdout


def test_a_rerun_with_another_parameter_reuses_what_is_good(broken: tuple[Cli, str, str]) -> None:
    cli, _, execution = broken
    parameter = f"InputData={SAMPLES / 'broken_features' / 'data' / 'churn-fixed.csv'}"
    done = cli.json("rerun", execution, "BuildFeatures", "-p", parameter)
    assert done["PipelineExecutionStatus"] == "Succeeded"
    steps = cli.steps(done["Local"]["Id"])
    source = steps["ProfileData"]["SelectiveExecutionResult"]["SourcePipelineExecutionArn"]
    assert source.endswith(execution)


def test_a_gate_is_answered_with_typed_values_and_the_model_is_approved(cli: Cli) -> None:
    said = cli("run", GATE, "--no-wait-approval", code=24).stdout
    token = cli.steps()["Approve"]["Local"]["CallbackToken"]
    assert f"pipetui approve {token}" in said and "ApprovedBy=STRING" in said
    given = [f"--output-parameter={name}={value}" for name, value in ANSWERS.items()]
    cli.error("approve", token, *given, "--output-parameter=TrafficPercent=ten", code=2)
    cli("approve", "@last/Approve", "--comment", "looks good", *given)
    last = cli("events", "@last", "-f", "-o", "jsonl").stdout.splitlines()[-1]
    assert json.loads(last)["detail"]["currentPipelineExecutionStatus"] == "Succeeded"
    outputs = cli.steps()["Approve"]["Metadata"]["Callback"]["OutputParameters"]
    assert {"Name": "TrafficPercent", "Value": "10"} in outputs
    assert cli.error("approve", token, *given, code=2)["code"] == "token-not-found"
    assert cli.error("reject", "@last/Approve", code=2)["code"] == "answer-not-awaited"

    [package] = cli.json("models", "approval-gate")["ModelPackageSummaryList"]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    cli("approve", "approval-gate/1", "--comment", "ship it")
    [package] = cli.json("models", "approval-gate")["ModelPackageSummaryList"]
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["Local"]["Approvals"][-1]["Comment"] == "ship it"
    again = cli.error("approve", package["ModelPackageArn"], code=2)
    assert again["code"] == "approval-unchanged"


def test_a_rejected_gate_fails_with_the_words_of_the_person(cli: Cli) -> None:
    with cli.open("run", GATE) as process:
        assert process.stdout
        token = next(
            line.split()[2] for line in process.stdout if line.startswith("          pipetui app")
        )
        cli("reject", token, "--comment", "not yet")
        said = process.stdout.read()
        assert process.wait(30) == 20
    assert "not yet" in said
    assert cli.steps()["Approve"]["FailureReason"] == "not yet"


def test_stop_ends_the_run_with_21(sleeping: tuple[Cli, subprocess.Popen[str]]) -> None:
    cli, process = sleeping
    assert cli.json("stop", "@last", "--reason", "lunch")["PipelineExecutionArn"]
    assert process.wait(30) == 21
    assert cli.json("status", "@last")["PipelineExecutionStatus"] == "Stopped"
    assert cli.error("stop", "@last", code=2)["code"] == "stop-refused"


def test_a_run_that_takes_too_long_is_stopped_with_22(cli: Cli, slow: str) -> None:
    assert "timed out" in cli("run", slow, "--timeout", "0.1", code=22).stderr
    cli("events", "@last", "--follow")
    assert cli.json("status", "@last")["PipelineExecutionStatus"] == "Stopped"


def test_a_stop_where_a_person_is_asked_says_how_it_comes_to_an_end(
    cli: Cli, tmp_path: Path
) -> None:
    ask = {"Name": "Ask", "Type": "Callback", "Arguments": {}, "OutputParameters": []}
    ask["SqsQueueUrl"] = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"
    file = tmp_path / "ask.json"
    file.write_text(json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [ask]}))
    cli("run", str(file), "--no-wait-approval", code=24)
    token = cli.steps()["Ask"]["Local"]["CallbackToken"]
    words = f"Callback step Ask is answered: pipetui approve|reject {token}"
    assert words in cli("stop", "@last").stderr
    cli("reject", token)
    cli("events", "@last", "--follow")
    assert cli.json("status", "@last")["PipelineExecutionStatus"] == "Stopped"


def test_an_interrupt_leaves_the_run_going_and_a_second_one_stops_it(
    sleeping: tuple[Cli, subprocess.Popen[str]],
) -> None:
    cli, process = sleeping
    assert process.stderr
    process.send_signal(signal.SIGINT)
    assert "goes on" in process.stderr.readline()
    assert cli.json("status", "@last")["PipelineExecutionStatus"] == "Executing"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    cli("events", "@last", "--follow")
    assert cli.json("status", "@last")["PipelineExecutionStatus"] == "Stopped"


def test_the_next_command_takes_over_from_a_dead_runner(
    sleeping: tuple[Cli, subprocess.Popen[str]],
) -> None:
    cli, _ = sleeping
    os.kill(cli.json("status", "@last")["Local"]["RunnerPid"], signal.SIGKILL)
    done = cli("status", "@last", "-o", "json")
    assert "its runner was gone" in done.stderr
    found = json.loads(done.stdout)
    assert (found["PipelineExecutionStatus"], found["Local"]["LeaseEpoch"]) == ("Executing", 2)
    assert cli.json("resume") == {"resumed": []}


def test_the_same_token_starts_one_execution(cli: Cli) -> None:
    token = ("--token", "0123456789abcdef0123456789abcdef")
    first = cli("run", HELLO, "--detach", *token).stdout
    assert cli("run", HELLO, "--detach", *token).stdout == first


def test_parameters_come_from_a_file_and_the_command_line_wins(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps([{"Name": "Name", "Value": "File"}, {"Name": "Times", "Value": 2}]))
    plan = cli.json("plan", HELLO, "--parameters-file", str(file), "-p", "Times=5")
    assert plan["parameters"] == {"Name": "File", "Times": 5}
    assert [one["action"] for one in plan["steps"]] == ["run", "run", "run"]
    file.write_text("[1]")
    error = cli.error("plan", HELLO, "--parameters-file", str(file), code=11)
    assert error["code"] == "parameters-unreadable"


@pytest.mark.parametrize("name", ["cycle-data", "undefined-parameter", "duplicate-step-name"])
def test_an_invalid_definition_is_told_with_place_and_way_out(cli: Cli, name: str) -> None:
    found = cli.json("validate", str(INVALID / f"{name}.json"), code=11)
    assert found["valid"] is False
    for error in found["errors"]:
        assert set(error) == {"code", "path", "line", "message", "hint"}
        assert error["line"] and error["path"].startswith("$")


def test_a_run_of_an_invalid_definition_tells_all_errors(cli: Cli) -> None:
    error = cli.error("run", str(INVALID / "cycle-data.json"), code=11)
    assert error["code"] == "reference-cycle"
    assert error["file"].endswith("cycle-data.json") and error["line"]
    said = cli("run", str(INVALID / "cycle-data.json"), code=11).stderr
    assert "[reference-cycle]" in said and "cycle-data.json:" in said
    assert "Traceback" not in said


def test_a_valid_definition_is_valid(cli: Cli) -> None:
    assert cli.json("validate", HELLO)["valid"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("run", HELLO, "-p", "Nmae=x"), 11, "parameter-unknown"),
        (("run", HELLO, "-p", "Times=many"), 11, "parameter-type"),
        (("run", "nowhere.json"), 11, "definition-unreadable"),
        (("run", HELLO, "-p", "Name"), 2, "usage"),
        (("run", HELLO, "--watch"), 2, "usage"),
        (("run", HELLO, "--steps", "Shuot"), 2, "selection-unknown-step"),
        (("status", "nothing"), 2, "execution-not-found"),
        (("status", "@last"), 2, "execution-not-found"),
        (("approve", "nothing"), 2, "token-not-found"),
        (("lss",), 2, "usage"),
        (("pipeline.json",), 2, "usage"),
    ],
)
def test_what_cannot_be_done_is_told_as_json_with_its_code(
    cli: Cli, arguments: tuple[str, ...], code: int, error: str
) -> None:
    assert cli.error(*arguments, code=code)["code"] == error


def test_an_unknown_command_is_told_once_where_the_commands_are(cli: Cli) -> None:
    for word, hint in (("xyzzy", ""), ("lss", " Did you mean ls?")):
        error = cli.error(word, code=2)
        assert error["message"] == f"There is no command or execution {word!r}.{hint}"
        assert error["hint"] == "`pipetui --help` tells more."


def ended(home: Home, *ids: str) -> None:
    """Executions that have ended, in a home without any run."""
    db = connect(home.prepare().database)
    ledger = Ledger(db, lambda holder: False)
    fact = ExecutionCreated("p", "0" * 64, {}, (StepDeclared("A", "Fail"),))
    for execution_id in ids:
        ledger.create(execution_id, fact, "{}", 1.0, "ada@build")
        lease = ledger.acquire(execution_id, this_process(), 2.0)
        assert lease is not None
        ledger.append(lease, [ExecutionEnded(ExecutionStatus.SUCCEEDED)], 3.0, "runner")
        ledger.release(lease)
    db.close()


def test_a_prefix_names_one_execution_or_is_refused(cli: Cli) -> None:
    ended(Home(cli.home), "abcd00000000", "abce00000000")
    assert cli.json("status", "abcd")["Local"]["Id"] == "abcd00000000"
    error = cli.error("status", "abc", code=2)
    assert error["code"] == "execution-ambiguous"
    assert "abcd00000000" in error["message"] and "abce00000000" in error["message"]
    assert cli.json("status", "p@last")["Local"]["Id"] == "abce00000000"
    assert cli.error("status", "q@last", code=2)["code"] == "execution-not-found"


def test_the_app_opens_on_an_execution_and_never_makes_a_home_of_another_folder(
    cli: Cli, tmp_path: Path
) -> None:
    ended(Home(cli.home), "abcd00000000", "abce00000000")
    for word in ("abcd", "p@last"):
        assert cli(word, "--linear").stdout.startswith("p/abc")
    assert cli.error("abc", code=2)["code"] == "execution-ambiguous"
    project = tmp_path / "project"
    project.mkdir(mode=0o755)
    (project / "notes.txt").touch()
    assert cli.error(str(project), code=3)["code"] == "home-not-a-folder"
    assert cli.error(str(project / "notes.txt"), code=3)["code"] == "not-to-be-opened"
    assert (project.stat().st_mode & 0o777, len(list(project.iterdir()))) == (0o755, 1)


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipetui", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pipetui.cli.program" in loaded
    heavy = {"asyncio", "aiosqlite", "sqlite3", "textual", "aiobotocore", "botocore", "msgspec"}
    assert not heavy & loaded


def test_every_name_of_the_engine_that_is_offered_to_a_ui_loads() -> None:
    for name in api.__all__:
        assert getattr(api, name) is not None
    with pytest.raises(AttributeError):
        _ = api.nothing


def test_completion_prints_a_script(cli: Cli) -> None:
    assert "_PIPETUI_COMPLETE" in cli("completion", "zsh").stdout


def test_executions_complete_where_a_command_may_stand(cli: Cli) -> None:
    ended(Home(cli.home), "abcd00000000")
    session = Session(str(cli.home))
    context = program.make_context("pipetui", [], obj=session, resilient_parsing=True)
    for typed, found in (("p@", "p@last"), ("abc", "abcd00000000"), ("stat", "status")):
        assert [one.value for one in program.shell_complete(context, typed)] == [found]


def test_the_reference_page_is_that_of_the_commands() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert page == reference(), "python -m pipetui.cli.reference > docs/cli.md"


def test_a_crash_says_where_its_report_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(home_text=str(tmp_path), output="json")
    assert report_crash(session, ValueError("odd")) == 1
    [error] = json.loads(capsys.readouterr().out)["errors"]
    [report] = (tmp_path / "crashes").iterdir()
    assert str(report) in error["hint"]
    assert "ValueError: odd" in report.read_text()
