"""The app a line at a time, as a child on pipes."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from tests.pty.stage import Stage, step
from tests.pty.terminal import PIPETUI, ROOT, environment


def converse(stage: Stage, commands: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PIPETUI, *(arguments or ("@last",)), "--linear"], input=commands, text=True,
        env=environment(stage.home), cwd=ROOT, capture_output=True, timeout=60,
    )  # fmt: skip


def test_it_says_how_things_are_and_answers_commands(ended: Stage) -> None:
    said = converse(ended, "steps\nlog prepare 2\nwhy\ninbox\nlog\nnonsense\nquit\n")
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0].endswith("2 succeeded, of 2 steps.")
    assert any(line.startswith("prepare, Processing, succeeded after ") for line in lines)
    assert lines[lines.index("The last 2 lines of prepare.") + 1 :][:2] == ["line 8", "line 9"]
    for sentence in (
        "Nothing has failed.",
        "Nothing waits for you.",
        "Which step? prepare, train.",
    ):
        assert sentence in lines
    assert "There is no command nonsense. Type help for the commands." in lines


def test_it_only_ever_appends_plain_lines(ended: Stage) -> None:
    said = converse(ended, "list\nsteps\nhelp\n")
    assert said.stdout.replace("\n", "").isprintable()


def test_an_action_that_is_refused_says_why(ended: Stage) -> None:
    said = converse(ended, "rerun train\nquit\n", "--read-only", "@last")
    assert "read-only: start without --read-only to act" in said.stdout


def test_transitions_are_said_and_a_failure_is_the_exit_code(live: Stage) -> None:
    live.run(
        [step("wait", live.gate("c")), step("boom", "echo no rows >&2; exit 3", ["wait"])],
        detach=True, name="boom",
    )  # fmt: skip
    child = subprocess.Popen(
        [*PIPETUI, "@last", "--linear"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        text=True, env=environment(live.home), cwd=ROOT,
    )  # fmt: skip
    assert child.stdout is not None
    limit = threading.Timer(60, child.kill)
    limit.start()
    lines = []
    with child.stdout:
        for line in child.stdout:
            lines.append(line.rstrip())
            if "Type help" in line:
                live.open("c")
    limit.cancel()
    assert child.wait() == 20
    assert any(line.startswith("wait, Processing, succeeded after ") for line in lines), lines
    assert any(line.startswith("boom, Processing, failed after ") for line in lines), lines
    assert "boom: " in lines[-1]


def test_values_that_an_answer_lacks_are_asked_for_one_at_a_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    wanted = {"ApprovedBy": "String", "TrafficPercent": "Integer"}
    gate: dict[str, object] = {
        "Name": "Approve",
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/gate",
        "Arguments": {"question": "Does it go live?"},
        "OutputParameters": [
            {"OutputName": name, "OutputType": kind} for name, kind in wanted.items()
        ],
    }
    promote = step("Promote", "true", ["Approve"])
    promote["Arguments"]["Environment"] = {  # type: ignore[index]
        "BY": {"Get": "Steps.Approve.OutputParameters['ApprovedBy']"}
    }
    stage.run([gate, promote], detach=True)
    with subprocess.Popen(
        [*PIPETUI, "@last", "--linear"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=environment(stage.home), cwd=ROOT,
    ) as child:  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        limit = threading.Timer(60, child.kill)
        limit.start()
        replies = {
            "Approve, Callback, waits": "approve Approve\n",
            "ApprovedBy, ": "ann\n",
            "TrafficPercent, ": "ten\n",
            "'ten' is not": "",
            "Comment?": "looks good\n",
        }
        lines: list[str] = []
        child.stdin.write("steps\n")
        child.stdin.flush()
        for line in child.stdout:
            lines.append(line.rstrip())
            asked = next((one for one in replies if line.startswith(one)), "")
            if asked:
                child.stdin.write(replies.pop(asked))
                child.stdin.flush()
            if asked.startswith("'ten'"):
                replies["TrafficPercent, "] = "10\n"
            if line.startswith("Approve is approved"):
                child.stdin.close()
        limit.cancel()
    assert not replies, lines
    assert child.returncode == 0, lines
    assert "Promote" in "\n".join(lines[-3:]) and "succeeded" in lines[-1], lines
