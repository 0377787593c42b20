"""Keys that arrive in one write reach what the first of them opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pty.stage import Stage

SIZES = [(80, 24), (160, 45)]
QUESTION: dict[str, object] = {
    "Name": "gate",
    "Type": "Callback",
    "SqsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/gate",
    "Arguments": {"metric": "0.93"},
    "OutputParameters": [{"OutputName": "verdict", "OutputType": "String"}],
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("before", "keys", "texts"),
    [
        ("", "/nope", ["no match for 'nope'"]),
        ("l", "/p1qy", ["p1qy"]),
        ("", ":pause", ["> action     pause", "Keep the"]),
        ("", "Spray", ["Stop", "pray"]),
        ("", "l/pray\r:quit", ["quit", "Leave the"]),
    ],
    ids=["filter", "log search", "palette", "question", "one after the other"],
)
def test_what_is_typed_ahead_is_typed_into_it(
    live: Stage, size: tuple[int, int], before: str, keys: str, texts: list[str]
) -> None:
    with live.terminal("@last", size=size) as terminal:
        terminal.wait_for("first", "executing", "? help")
        if before:
            terminal.send(before)
            terminal.settle(quiet=0.4)
        terminal.send(keys)
        terminal.wait_for(*texts)
        assert "paused" not in terminal.text


def test_an_answer_typed_ahead_is_given_with_its_words(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run([QUESTION], detach=True)
    with stage.terminal("@last") as terminal:
        terminal.wait_for("gate", "waits for you", "? help", "a inbox")
        terminal.settle()
        terminal.send("Apraise\r\r")
        terminal.wait_for("succeeded")
        terminal.send("dpraise")
        terminal.wait_for("praise")


def test_keys_typed_before_the_first_screen_are_kept(ended: Stage) -> None:
    with ended.terminal(size=(80, 24)) as terminal:
        terminal.wait(lambda: terminal.shown > 0)
        terminal.send("/pray")
        # The list or, where a session before this one ended there, the execution.
        terminal.wait(lambda: "atch" in terminal.text and "pray" in terminal.text)
        assert "paused" not in terminal.text
