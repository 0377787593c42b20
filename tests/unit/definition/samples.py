"""Small definitions to test with, and the real ones that lie under ``tests/definitions``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.definition.loader import Examination, examine
from tests.shared import DEFINITIONS

COPIED = Path(__file__).resolve().parents[2] / "definitions"
REAL = sorted(COPIED.glob("*.json"))
INVALID = sorted((COPIED / "invalid").glob("*.json"))
PUBLIC = sorted(DEFINITIONS.glob("pub-*.json")) if DEFINITIONS.is_dir() else []


def fn(name: str, arguments: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A Lambda step with one output parameter, ``o``."""
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "Arguments": arguments or {},
        "OutputParameters": [{"OutputName": "o", "OutputType": "String"}],
    } | keys


def out(step: str) -> dict[str, str]:
    """A reference to the output parameter of ``fn(step)``."""
    return {"Get": f"Steps.{step}.OutputParameters['o']"}


def condition(name: str, if_steps: list[Any], else_steps: list[Any], **keys: Any) -> dict[str, Any]:
    """A Condition step; ``Conditions`` may be given."""
    arguments = {
        "Conditions": keys.pop("Conditions", []),
        "IfSteps": if_steps,
        "ElseSteps": else_steps,
    }
    return {"Name": name, "Type": "Condition", "Arguments": arguments} | keys


def loop(name: str, body: list[Any], **arguments: Any) -> dict[str, Any]:
    """A ForEach step over two literal items."""
    given = {"IterableItems": ["a", "b"], "MaxConcurrency": 2, "ForEachBody": body} | arguments
    return {"Name": name, "Type": "ForEach", "Arguments": given}


def document(*steps: Any, **keys: Any) -> dict[str, Any]:
    """A whole definition."""
    return {"Version": "2020-12-01", "Parameters": [], "Steps": list(steps)} | keys


def look(*steps: Any, **keys: Any) -> Examination:
    """What ``examine`` says about a definition with these steps."""
    return examine(json.dumps(document(*steps, **keys)))


def codes(*steps: Any, **keys: Any) -> list[str]:
    """The codes of the errors in a definition with these steps."""
    return [error.code for error in look(*steps, **keys).errors]
