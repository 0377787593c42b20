"""Which observers a configuration asks for; a module is imported when its observer is."""

from __future__ import annotations

import importlib
from typing import cast

from engine.config import Config
from engine.errors import ConfigError
from engine.observers.base import Observer, Subject

ENTRY_POINTS = "pipetui.observers"
"""Entry-point group of observers from other packages: name -> what makes one of a Subject."""

_BUILT_IN = {
    "jsonl": "engine.observers.jsonl:JsonlObserver",
    "command": "engine.observers.command:command_observer",
    "webhook": "engine.observers.webhook:webhook_observer",
    "junit": "engine.observers.junit:JUnitObserver",
}


def asked_for(config: Config) -> list[str]:
    """The names of the observers of an execution."""
    names = ["jsonl"]
    names += ["command"] if config.observers_command else []
    names += ["webhook"] if config.observers_webhook else []
    names += ["junit"] if config.observers_junit else []
    return names + list(config.observers_plugins)


def make(name: str, subject: Subject) -> Observer:
    """The observer of a name. Errors: ``ConfigError`` where nobody offers it."""
    if target := _BUILT_IN.get(name):
        module, _, attribute = target.partition(":")
        return cast(Observer, getattr(importlib.import_module(module), attribute)(subject))
    from importlib.metadata import entry_points  # 15 ms, for homes that have plug-ins

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return cast(Observer, entry.load()(subject))
    raise ConfigError(
        f"there is no observer named {name!r}",
        code="observer-unknown",
        hint="observers.plugins lists what installed packages offer.",
    )
