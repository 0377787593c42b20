"""Runs the configured program for each event, which it gets on standard input."""

from __future__ import annotations

from functools import partial

from engine.delivery import to_program
from engine.observers.base import Json, Observer, Subject
from engine.observers.told import Messenger


def command_observer(subject: Subject) -> Observer:
    """An observer that runs ``observers.command``, with the home in PIPETUI_HOME."""
    return Messenger("command", subject, partial(tell, subject))


async def tell(subject: Subject, event: Json) -> None:
    """Run the program for one event. Errors: ``DeliveryError``."""
    config = subject.config
    environment = {"PIPETUI_HOME": str(subject.home)}
    await to_program(config.observers_command, event, config.observers_timeout_s, environment)
