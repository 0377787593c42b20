"""The configuration of a home, and of the folder a definition lies in (TOML).

``<home>/config.toml`` holds for everything; ``pipetui.toml`` beside a definition for that one, and
wins. Every key has a default; a key that does not exist is an error, so that a slip of the pen is
never ignored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

PROJECT_FILE = "pipetui.toml"


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """What a user's table says of an image: an interpreter, or requirements to build one from.

    Args:
        command: stands for the image's own program; ``python`` is the interpreter, and files
            beside the configuration have their whole paths.
        image: one that stands for it, with its environment and its program.
    """

    python: str = ""
    requirements: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    image: str = ""


@dataclass(frozen=True, slots=True)
class JobProgram:
    """A program that stands for SageMaker's jobs of a category, and the folder it starts in.

    Args:
        image: what it runs in, as the jobs of other steps do; this host's programs where empty.
    """

    command: tuple[str, ...]
    folder: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class CallbackTarget:
    """Who is told of a Callback step's messages, besides the local queue."""

    command: tuple[str, ...] = ()
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the engine.

    Each field is one key of the file, ``section.key``, as its metadata says.
    """

    python: str = field(
        default="",
        metadata={"key": "python.interpreter", "help": "interpreter that environments build on"},
    )
    max_parallel: int = field(
        default=0,
        metadata={"key": "run.max_parallel", "help": "steps at once; 0: min(processors, 8)"},
    )
    definition_python: str = field(
        default="",
        metadata={
            "key": "run.python",
            "help": "interpreter that runs a Python file's get_pipeline; else python3 on the PATH",
        },
    )
    job_runner: str = field(
        default="auto",
        metadata={
            "key": "jobs.runner",
            "help": "auto, namespace, container, rewrite, process, or the name of a plug-in",
        },
    )
    unmatched: str = field(
        default="run",
        metadata={
            "key": "jobs.unmatched",
            "help": "an image nobody knows: run it with the host's programs, or refuse it",
        },
    )
    grace_s: float = field(
        default=120.0,
        metadata={"key": "jobs.grace_s", "help": "seconds between SIGTERM and SIGKILL"},
    )
    lambda_timeout_s: float = field(
        default=600.0,
        metadata={"key": "jobs.lambda_timeout_s", "help": "seconds a Lambda function may take"},
    )
    """The service stops a Lambda step's function after 10 minutes (developer guide)."""
    pass_environment: tuple[str, ...] = field(
        default=(),
        metadata={
            "key": "jobs.pass_environment",
            "help": "variables of the host that jobs get as well",
        },
    )
    retry_user_code: int = field(
        default=0,
        metadata={
            "key": "jobs.retry_user_code",
            "help": "times that a step whose own code failed runs again; AWS never does that",
        },
    )
    preflight: str = field(
        default="warn",
        metadata={
            "key": "jobs.preflight",
            "help": "what XGBoost would misread in CSV channels: warn, refuse or off",
        },
    )
    images: Mapping[str, ImageChoice] = field(
        default_factory=dict,
        metadata={
            "key": "images",
            "help": 'image pattern, or Marketplace algorithm -> {python = "..."} or'
            " {requirements = [...]}; command = [...] stands for its own program,"
            ' image = "..." for all of it',
        },
    )
    lambdas: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "key": "lambda",
            "help": "function ARN (or its name) -> module:function beside this file",
        },
    )
    job_categories: Mapping[str, JobProgram] = field(
        default_factory=dict,
        metadata={
            "key": "job_categories",
            "help": "JobCategory, or default -> {command = [...]} that stands for SageMaker's"
            ' jobs; it starts in this file\'s folder, with image = "..." in that image',
        },
    )
    file_systems: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "key": "file_systems",
            "help": "id of an EFS or FSx file system -> folder, from this file's; without it"
            " <home>/file-systems/<id>",
        },
    )
    emr_master: str = field(
        default="local[*]",
        metadata={
            "key": "emr.master",
            "help": "where Spark runs EMR steps: local[N], spark://host:7077 or yarn",
        },
    )
    emr_spark_submit: str = field(
        default="",
        metadata={
            "key": "emr.spark_submit",
            "help": "a spark-submit of this host; without it Spark is installed into an"
            " environment",
        },
    )
    observers_command: tuple[str, ...] = field(
        default=(),
        metadata={
            "key": "observers.command",
            "help": "program that gets each status change on its standard input (docs/events.md)",
        },
    )
    observers_webhook: str = field(
        default="",
        metadata={"key": "observers.webhook", "help": "URL that each status change is POSTed to"},
    )
    observers_only: tuple[str, ...] = field(
        default=(),
        metadata={
            "key": "observers.only",
            "help": 'statuses that program and URL are told of, like ["Failed"]; empty: all',
        },
    )
    observers_timeout_s: float = field(
        default=10.0,
        metadata={
            "key": "observers.timeout_s",
            "help": "seconds that a program or URL may take, for a Callback's message too",
        },
    )
    observers_junit: bool = field(
        default=False,
        metadata={
            "key": "observers.junit",
            "help": "write junit.xml into the execution's folder when it ends",
        },
    )
    observers_plugins: tuple[str, ...] = field(
        default=(),
        metadata={"key": "observers.plugins", "help": "observers that installed packages offer"},
    )
    callbacks: Mapping[str, CallbackTarget] = field(
        default_factory=dict,
        metadata={
            "key": "callbacks",
            "help": 'queue name, or default -> {command = [...]} or {webhook = "..."} that gets'
            " a Callback step's messages",
        },
    )
    callback_expire_after_s: float = field(
        default=604800.0,
        metadata={
            "key": "callback.expire_after_s",
            "help": "seconds until a Callback step that nobody answers fails, as in the service"
            " after 7 days; 0: never",
        },
    )
    folder: str = field(default="", metadata={"key": "", "help": ""})
    """Where relative names of this configuration start."""

    @property
    def parallel(self) -> int:
        """How many steps may run at once where nothing else is said."""
        return self.max_parallel or min(os.cpu_count() or 1, 8)


_CHOICES = {
    "jobs.unmatched": ("run", "refuse"),
    "jobs.preflight": ("warn", "refuse", "off"),
}


def load_config(home_file: Path, definition_file: str = "") -> Config:
    """The settings for a home, with those of the definition's folder on top.

    Errors: ``ConfigError`` that names file and key.
    """
    config = _overlay(Config(), home_file)
    if definition_file:
        config = _overlay(config, Path(definition_file).parent / PROJECT_FILE)
    return config


def _overlay(config: Config, file: Path) -> Config:
    if not file.exists():
        return config
    import tomllib  # 10 ms, for homes that have a configuration

    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(
            f"{file} cannot be read: {problem}", hint="Mend it or move it away.", file=str(file)
        ) from problem
    changes: dict[str, Any] = {"folder": str(file.parent)} if "lambda" in data else {}
    known = {spec.metadata["key"]: spec.name for spec in fields(Config) if spec.metadata["key"]}
    for key, value in _settings(data):
        if key not in known:
            raise ConfigError(
                f"{file}: there is no setting {key}",
                code="config-unknown-key",
                hint="Known settings: " + ", ".join(sorted(known)) + ".",
                file=str(file),
            )
        changes[known[key]] = _value(key, value, getattr(config, known[key]), file)
    return replace(config, **changes)


_OF_THE_APP = ("ui", "keys")
"""Tables of the same file that mean nothing to a run."""
_OF_NAMES = ("images", "lambda", "job_categories", "callbacks", "file_systems")
"""Tables whose keys are the user's own."""


def _settings(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for section, value in data.items():
        if section in _OF_THE_APP:
            continue
        if section in _OF_NAMES or not isinstance(value, dict):
            found.append((section, value))
        else:
            found += [(f"{section}.{key}", inner) for key, inner in value.items()]
    return found


def _value(key: str, value: Any, default: Any, file: Path) -> Any:
    """``value`` as the type of the field's default, or a ``ConfigError``."""
    ok: bool
    result: Any = value
    if key == "images":
        return _images(value, file) | {
            pattern: choice for pattern, choice in default.items() if pattern not in value
        }
    if key == "callbacks":
        return {**default, **_callbacks(value, file)}
    if key == "job_categories":
        return {**default, **_job_categories(value, file)}
    if isinstance(default, bool):
        ok = isinstance(value, bool)
    elif isinstance(default, tuple):
        ok = isinstance(value, list) and all(isinstance(one, str) for one in value)
        result = tuple(value) if ok else ()
    elif isinstance(default, Mapping):
        ok = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
        result = {**default, **value} if ok else {}
        if ok and key == "file_systems":
            result = {**default, **{name: str(file.parent / one) for name, one in value.items()}}
    elif isinstance(default, float):
        ok = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf
        result = float(value) if ok else 0.0
    elif isinstance(default, int):
        ok = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    else:
        ok = isinstance(value, str) and value in _CHOICES.get(key, (value,))
    if not ok:
        choices = _CHOICES.get(key)
        raise ConfigError(
            f"{file}: {key} cannot be {value!r}",
            code="config-bad-value",
            hint=f"It is one of {', '.join(choices)}." if choices else f"Like: {default!r}",
            file=str(file),
        )
    return result


def _images(value: Any, file: Path) -> dict[str, ImageChoice]:
    choices: dict[str, ImageChoice] = {}
    for pattern, entry in value.items() if isinstance(value, dict) else [("images", value)]:
        python = entry.get("python", "") if isinstance(entry, dict) else None
        listed = entry.get("requirements", []) if isinstance(entry, dict) else None
        command = entry.get("command", []) if isinstance(entry, dict) else None
        image = entry.get("image", "") if isinstance(entry, dict) else None
        if not (
            isinstance(python, str)
            and isinstance(listed, list)
            and isinstance(command, list)
            and isinstance(image, str)
            and all(isinstance(one, str) for one in [*listed, *command])
            and bool(python or listed or command) != bool(image)
            and entry.keys() <= {"python", "requirements", "command", "image"}
        ):
            raise ConfigError(
                f"{file}: images.{pattern!r} cannot be {entry!r}",
                code="config-bad-value",
                hint='Like: "my/image:*" = {python = "/usr/bin/python3"}',
                file=str(file),
            )
        if python and not Path(python).is_absolute() and "/" in python:
            python = str(file.parent / python)
        found = tuple(_beside(one, file.parent.absolute()) for one in command)
        choices[pattern] = ImageChoice(python, tuple(listed), found, image)
    return choices


def _beside(word: str, folder: Path) -> str:
    """A word of a command; the whole path where it names a file in ``folder``."""
    path = folder / word
    return str(path) if word and path.is_file() else word


def _callbacks(value: Any, file: Path) -> dict[str, CallbackTarget]:
    targets: dict[str, CallbackTarget] = {}
    for queue, entry in value.items() if isinstance(value, dict) else [("callbacks", value)]:
        command = entry.get("command", []) if isinstance(entry, dict) else None
        webhook = entry.get("webhook", "") if isinstance(entry, dict) else None
        if not (
            isinstance(webhook, str)
            and isinstance(command, list)
            and all(isinstance(one, str) for one in command)
            and (command or webhook)
            and entry.keys() <= {"command", "webhook"}
        ):
            raise ConfigError(
                f"{file}: callbacks.{queue} cannot be {entry!r}",
                code="config-bad-value",
                hint='Like: approvals = {command = ["notify-send", "Approval"]}',
                file=str(file),
            )
        targets[queue] = CallbackTarget(tuple(command), webhook)
    return targets


def _job_categories(value: Any, file: Path) -> dict[str, JobProgram]:
    programs: dict[str, JobProgram] = {}
    entries = value.items() if isinstance(value, dict) else [("job_categories", value)]
    for category, entry in entries:
        command = entry.get("command") if isinstance(entry, dict) else None
        image = entry.get("image", "") if isinstance(entry, dict) else None
        if not (
            isinstance(command, list)
            and all(isinstance(one, str) for one in command)
            and any(command[:1])
            and isinstance(image, str)
            and entry.keys() <= {"command", "image"}
        ):
            raise ConfigError(
                f"{file}: job_categories.{category} cannot be {entry!r}",
                code="config-bad-value",
                hint='Like: AgentRFT = {command = ["python", "train_agent.py"]}',
                file=str(file),
            )
        programs[category] = JobProgram(tuple(command), str(file.parent.absolute()), image)
    return programs


def reference() -> str:
    """The settings as a Markdown page: ``docs/configuration.md`` holds this text."""
    rows = []
    for spec in fields(Config):
        key = spec.metadata["key"]
        if not key:
            continue
        default = getattr(Config(), spec.name)
        shown = "" if default in ("", ()) or isinstance(default, Mapping) else f"`{default}`"
        shown = shown.lower() if isinstance(default, bool) else shown
        choices = _CHOICES.get(key)
        text = spec.metadata["help"] + (f" (one of {', '.join(choices)})" if choices else "")
        rows.append(f"| `{key}` | {shown} | {text} |")
    return _REFERENCE_HEAD + "\n".join(rows) + "\n" + _REFERENCE_TAIL


_REFERENCE_HEAD = """# Configuration

`config.toml` in the home holds for everything; `pipetui.toml` beside a definition holds for that
definition, and wins. A setting that does not exist is an error. This page is generated.

| setting | default | what it does |
|---|---|---|
"""
_REFERENCE_TAIL = """
```toml
[python]
interpreter = "/usr/bin/python3.11"

[images]
"*/my-training:*" = { python = "/opt/envs/training/bin/python" }
"*/my-scoring:*" = { requirements = ["scikit-learn==1.2.1", "numpy==1.24.1"] }

[lambda]
"arn:aws:lambda:us-east-1:123456789012:function:promote" = "handlers:promote"

[job_categories.AgentRFT]
command = ["python", "train_agent.py"]
```
"""
