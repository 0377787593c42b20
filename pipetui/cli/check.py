"""``validate`` and ``plan``: what is wrong with a definition, and what a run of it would do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from engine.errors import PipetuiError
from pipetui.cli.failures import error_lines
from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.start import python_option, request_of, request_options
from pipetui.cli.text import Cell, table

if TYPE_CHECKING:
    from engine.api import PlanView, Problem

INVALID = 11


@command()
@click.argument("file", type=click.Path())
@python_option
def validate(session: Session, file: str, python: str) -> int:
    """Check a definition: every error with its line, JSON path and way out.

    Exit code 0 where it is valid, 11 where it is not.
    """
    import engine.api as api

    errors, warnings = api.examine_file(session.home, os.path.abspath(file), python)
    if not session.text:
        session.json(
            {
                "valid": not errors,
                "errors": [_entry(one) for one in errors],
                "warnings": [_entry(one) for one in warnings],
            }
        )
        return INVALID if errors else 0
    ink = session.ink
    for word, found in (("error", errors), ("warning", warnings)):
        for one in found:
            for line in error_lines(ink, {**one.as_dict(), "file": file}, word):
                session.line(line)
    if errors:
        count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        session.line(
            f"{session.ink.paint('invalid', 'error')}: {count} in {session.ink.safe(file)}"
        )
        return INVALID
    session.line(f"{session.ink.paint('valid', 'success')}: {session.ink.safe(file)}")
    return 0


def _entry(error: PipetuiError) -> dict[str, Any]:
    return {
        "code": error.code,
        "path": error.path,
        "line": error.line,
        "message": error.message,
        "hint": error.hint,
    }


@command()
@request_options
def plan(session: Session, **options: Any) -> int:
    """Show what a run would do with each step, and why, without running anything.

    Exit code 0 where it can run, 11 where it cannot.
    """
    view = asyncio.run(session.control().plan(request_of(session, **options)))
    errors = [one for one in view.problems if not one.warning]
    if session.text:
        _show(session, view)
    else:
        session.json(
            {
                "pipeline": view.pipeline,
                "parameters": dict(view.parameters),
                "steps": [asdict(step) for step in view.steps],
                "errors": [_problem(one) for one in errors],
                "warnings": [_problem(one) for one in view.problems if one.warning],
            }
        )
    return INVALID if errors else 0


def _problem(problem: Problem) -> dict[str, Any]:
    return {key: value for key, value in asdict(problem).items() if key != "warning"}


_STYLES = {"run": "running", "cached": "cached", "reused": "cached", "skipped": "muted"}


def _show(session: Session, view: PlanView) -> None:
    ink = session.ink
    session.line(f"{ink.paint(ink.safe(view.pipeline), 'bold')}  {_counts(view)}")
    for name, value in view.parameters.items():
        session.line(ink.cut(f"  {name} = {value}"))
    rows: list[Sequence[Cell | str]] = []
    for step in view.steps:
        style = "error" if step.refused else _STYLES.get(step.action, "")
        word = "refused" if step.refused else str(step.action)
        told = (step.refused, step.local_retry, step.reason, step.environment, step.stand_in)
        why = "; ".join(filter(None, told))
        rows.append((step.name, Cell(step.type, "muted"), Cell(word, style), why))
    for line in table(ink, ("STEP", "TYPE", "PLAN", "WHY"), rows):
        session.line(line)
    for problem in view.problems:
        word = "warning" if problem.warning else "error"
        entry: Mapping[str, Any] = {**_problem(problem)}
        for line in error_lines(ink, entry, word):
            session.line(line)


def _counts(view: PlanView) -> str:
    actions = [str(step.action) for step in view.steps]
    return ", ".join(f"{actions.count(action)} {action}" for action in dict.fromkeys(actions))
