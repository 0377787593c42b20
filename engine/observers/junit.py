"""``junit.xml``: a report of an execution that has ended, a test case for each step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.observers.base import Json, Position, Subject, is_terminal
from engine.whole_file import replace_file

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "junit.xml"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OUTCOME = {
    "Failed": "failure",
    "Stopped": "error",
    "Skipped": "skipped",
    "Blocked": "skipped",
    "Waiting": "skipped",
}
"""The element that tells of a step that did not succeed."""


class JUnitObserver:
    """Writes the report into the execution's folder; again, when a retry has ended."""

    name = "junit"

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def position(self) -> Position:
        """The beginning: a report that is written again is the same."""
        return Position()

    async def observe(self, events: Sequence[Json]) -> None:
        """See ``Observer.observe``."""
        if not any(is_terminal(event) for event in events):
            return
        from xml.etree.ElementTree import tostring  # 5 ms

        text: bytes = tostring(report(self._subject.describe()), "utf-8", xml_declaration=True)
        replace_file(self._subject.folder / NAME, text)


def report(execution: Json) -> Element:
    """The report of an execution, as a Subject describes it."""
    from xml.etree.ElementTree import Element, SubElement

    pipeline = str(execution["Local"]["Pipeline"])
    cases = [_case(pipeline, step) for step in execution["PipelineExecutionSteps"]]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = Element(
        "testsuite",
        {
            "name": pipeline,
            **{name: str(count) for name, count in counts.items()},
            "time": _seconds(execution.get("CreationTime"), execution["Local"].get("EndTime")),
            "timestamp": str(execution["CreationTime"]),
        },
    )
    properties = SubElement(suite, "properties")
    for name in ("PipelineExecutionArn", "PipelineExecutionStatus", "FailureReason"):
        value = _clean(execution.get(name, ""))
        SubElement(properties, "property", {"name": name, "value": value})
    suite.extend(cases)
    suites = Element("testsuites")
    suites.append(suite)
    return suites


def _case(pipeline: str, step: Json) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    local = step["Local"]
    status = str(step["StepStatus"])
    case = Element(
        "testcase",
        {
            "classname": f"{pipeline}.{local['StepType']}",
            "name": _clean(step["StepName"]),
            "time": _seconds(step.get("StartTime"), step.get("EndTime")),
        },
    )
    if element := _OUTCOME.get(status):
        reason = _clean(step.get("FailureReason") or local["Reason"] or status)
        cause = _clean(local.get("FailureCause", ""))
        message = f"{reason.partition(':')[0]}: {cause}" if cause else reason.split("\n", 1)[0]
        told = SubElement(case, element, {"message": message})
        if element != "skipped":
            told.set("type", local["FailureCode"] or status)
        folders = [attempt["Folder"] for attempt in local["Attempts"] if attempt["Folder"]]
        told.text = _clean("\n".join(filter(None, (cause, reason, local["Note"], *folders[-1:]))))
    return case


def _seconds(start: object, end: object) -> str:
    if not start or not end:
        return "0"
    took = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
    return f"{took.total_seconds():.3f}"


def _clean(value: object) -> str:
    """Text without what XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
