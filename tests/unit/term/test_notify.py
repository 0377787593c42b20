"""Notifications: which sequences, and that a text obeys nobody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipetui.term.notify import command, notification


def test_a_bell_is_a_bell() -> None:
    assert notification("bell", "done") == "\x07"


def test_off_and_a_command_send_nothing() -> None:
    assert notification("off", "done") == ""
    assert notification("notify-send pipetui", "done") == ""


def test_a_notification_speaks_both_ways_and_rings() -> None:
    sent = notification("osc", "churn/k3f9 failed")
    assert sent == "\x1b]9;churn/k3f9 failed\x07\x1b]777;notify;pipetui;churn/k3f9 failed\x07\x07"


def test_tmux_passes_it_on() -> None:
    assert notification("osc", "x", tmux=True).startswith("\x1bPtmux;\x1b\x1b]9;x")


@given(st.text())
def test_no_text_ends_its_sequence(text: str) -> None:
    sent = notification("osc", text)
    assert sent.count("\x1b") == 2
    assert sent.count("\x07") == 3
    assert "\x9c" not in sent


def test_the_text_is_a_commands_last_argument() -> None:
    assert command("notify-send -u low", "a; rm -rf $HOME") == [
        "notify-send", "-u", "low", "a; rm -rf $HOME",
    ]  # fmt: skip
    assert command("osc", "x") == []
    assert command('say "unclosed', "x") == []
