"""Model package versions: a row for each, and all about one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.inbox import numbers, package_lines
from pipetui.viewmodel.lineage import lineage_lines
from pipetui.viewmodel.lines import (
    BLANK,
    Column,
    Line,
    Row,
    Span,
    Tone,
    heading,
    key_value,
    text_of,
    words,
)
from pipetui.viewmodel.state import Display, approval_state, tone

if TYPE_CHECKING:
    from engine.api import Branch, ModelPackageView

COLUMNS = (
    Column("", 1),
    Column("GROUP", 12, grow=2, most=40),
    Column("VER", 4, right=True),
    Column("APPROVAL", 9, keep=8),
    Column("METRICS", 24, grow=6, keep=6, most=56),
    Column("STAGE", 10, grow=1, keep=2, most=24),
    Column("REGISTERED", 10, keep=5),
    Column("DECIDED BY", 11, grow=2, keep=4, most=32),
    Column("FROM", 12, grow=1, keep=3, most=40),
)
_HEADLINES = 4
"""Metrics in a row; the list shows as much of them as it has room for."""
_KNOWN = (
    "ModelPackageGroupName",
    "ModelPackageDescription",
    "ModelApprovalStatus",
    "ModelMetrics",
    "ModelLifeCycle",
    "InferenceSpecification",
    "CustomerMetadataProperties",
)
"""Members of the request that have a place of their own on the page."""


class Order(StrEnum):
    """How versions are sorted."""

    GROUP = "by group"
    NEWEST = "newest first"
    WAITING = "waiting first"
    METRIC = "by metric"

    @property
    def next(self) -> Order:
        """The order after this one."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


def name(package: ModelPackageView) -> str:
    """``churn-model v7``; of a version without a group the end of its ARN."""
    if package.group:
        return f"{package.group} v{package.version}"
    return package.arn.rpartition("/")[2]


def ordered(packages: Iterable[ModelPackageView], order: Order) -> list[ModelPackageView]:
    """Versions in an order; by group those of a group stand together, the newest group first."""
    newest = sorted(packages, key=lambda one: (-one.created_at, -one.version))
    if order is Order.GROUP:
        groups = list(dict.fromkeys(one.group for one in newest))
        return sorted(newest, key=lambda one: groups.index(one.group))
    if order is Order.WAITING:
        return sorted(newest, key=lambda one: not _waits(one))
    if order is Order.METRIC:
        return sorted(newest, key=lambda one: _first(one.evidence))
    return newest


def _first(evidence: Mapping[str, Any]) -> tuple[str, float]:
    """The name of the first metric and its value; behind all names where there is none."""
    return next(headlines(evidence), ("\U0010ffff", 0.0))


def headlines(evidence: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers that stand for a model: no spreads, no cells of a matrix; by short names."""
    for path, value in numbers(evidence).items():
        last = path.rpartition(".")[2]
        if "standard_deviation" not in path and not last.lstrip("-").isdigit():
            yield last, value


def rows(
    packages: Sequence[ModelPackageView], order: Order, *, now: float, display: Display
) -> list[Row]:
    """A row for each version, in this order; where groups stand together each is named once."""
    found = []
    for group, versions in groupby(packages, key=lambda one: one.group):
        for place, one in enumerate(versions):
            again = order is Order.GROUP and place > 0
            found.append(_row(one, words(group or name(one), _tone(again)), now, display))
    return found


def filled(found: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """The columns in which some row says something, and the rows with those alone."""
    kept = [
        at
        for at, column in enumerate(COLUMNS)
        if not found or not column.title or any(text_of(row.cells[at]).strip() for row in found)
    ]
    rows = [replace(row, cells=tuple(row.cells[at] for at in kept)) for row in found]
    return [COLUMNS[at] for at in kept], rows


def _tone(again: bool) -> Tone:
    return Tone.FAINT if again else Tone.PLAIN


def _row(one: ModelPackageView, group: Line, now: float, display: Display) -> Row:
    state = approval_state(one.approval)
    life = stage(one)
    source = f"{short_id(one.execution_id)} {one.step}".strip()
    cells = (
        (display.mark(state),),
        group,
        words(f"v{one.version}" if one.version else "", Tone.STRONG),
        words("waiting" if _waits(one) else state.word, tone(state)),
        _metrics(one.evidence),
        words(life),
        words(display.moment(one.created_at, now), Tone.DIM),
        words(decided(one, now, display), Tone.DIM),
        words(source, Tone.DIM),
    )
    comment = one.approvals[-1].comment if one.approvals else ""
    search = f"{name(one)} {state.word} {one.approval} {life} {source} {one.execution_id}"
    return Row(one.arn, cells, f"{search} {_said(one.approvals)} {comment}")


def _said(approvals: Sequence[Any]) -> str:
    return " ".join(one.actor for one in approvals)


def _waits(one: ModelPackageView) -> bool:
    return one.approval == "PendingManualApproval"


def _metrics(evidence: Mapping[str, Any]) -> Line:
    spans: list[Span] = []
    for (label, value), _ in zip(headlines(evidence), range(_HEADLINES), strict=False):
        spans += [Span(f"{label} ", Tone.DIM), Span(f"{value:.4g}  ")]
    return tuple(spans)


def stage(one: ModelPackageView) -> str:
    """``Staging Approved``: stage and status of its life cycle; empty where it has none."""
    life = one.request.get("ModelLifeCycle")
    if not isinstance(life, Mapping):
        return ""
    return " ".join(str(life[key]) for key in ("Stage", "StageStatus") if life.get(key))


def decided(one: ModelPackageView, now: float, display: Display) -> str:
    """Who decided last, and when; empty where nobody did."""
    if not one.approvals:
        return ""
    last = one.approvals[-1]
    return f"{last.actor.partition('@')[0]} {display.moment(last.at, now)}"


def totals(packages: Sequence[ModelPackageView]) -> Line:
    """``2 groups · 8 versions · 1 waiting``"""
    groups = len({one.group for one in packages})
    waiting = sum(map(_waits, packages))
    told = f"{groups} group{'s' * (groups != 1)} · {len(packages)} version"
    line = words(told + "s" * (len(packages) != 1), Tone.DIM)
    return (*line, Span(f" · {waiting} waiting", Tone.WAIT)) if waiting else line


def detail(
    package: ModelPackageView,
    display: Display,
    *,
    approved: ModelPackageView | None = None,
    changes: Sequence[Line] = (),
    lineage: Branch | None = None,
) -> list[Line]:
    """All about a version.

    Args:
        approved: the group's approved version, to compare the metrics with.
        changes: what changed since that one, as lines.
        lineage: what it comes from.
    """
    request = package.request
    lines = package_lines(package, display, approved, changes)
    facts = {
        "about": request.get("ModelPackageDescription"),
        "stage": stage(package),
        "arn": package.arn,
    }
    lines[2:2] = [key_value(title, str(text)) for title, text in facts.items() if text]
    lines += _containers(request.get("InferenceSpecification"), display.clear)
    sections = {
        "METADATA": request.get("CustomerMetadataProperties"),
        "LIFE CYCLE": request.get("ModelLifeCycle"),
        "ALSO REGISTERED": {key: one for key, one in request.items() if key not in _KNOWN},
    }
    if lineage is not None:
        lines += [BLANK, heading("COMES FROM"), *lineage_lines(lineage, display.unicode)]
    for title, value in sections.items():
        if value:
            lines += [BLANK, heading(title), *json_lines(value, clear=display.clear)]
    return lines


def _containers(specification: Any, clear: bool) -> list[Line]:
    """What serves the model: a heading and facts for each container, then what it takes."""
    if not isinstance(specification, Mapping):
        return []
    lines: list[Line] = []
    containers = [one for one in specification.get("Containers") or () if isinstance(one, Mapping)]
    for number, one in enumerate(containers, 1):
        count = f" {number} of {len(containers)}" if len(containers) > 1 else ""
        lines += [BLANK, heading(f"INFERENCE CONTAINER{count}")]
        lines += [key_value(_short(key), str(one[key])) for key in one if _plain(one[key])]
        for key, value in one.items():
            if not _plain(value):
                lines += json_lines(value, 1, _short(key), clear=clear)
    rest = {key: value for key, value in specification.items() if key != "Containers"}
    if rest:
        lines += [BLANK, heading("TAKES"), *json_lines(rest, clear=clear)]
    return lines


def _plain(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


_SHORT = {"Image": "image", "ModelDataUrl": "model data", "Environment": "environment"}


def _short(key: str) -> str:
    return _SHORT.get(key, key)
