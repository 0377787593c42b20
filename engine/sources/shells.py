"""A shell in a step's own environment, on this host."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import CommandRejected
from engine.home import Home
from engine.jobs.attempt import read_job
from engine.jobs.ladder import choose, probe
from engine.jobs.shell import jobs_in, open_shell
from engine.model.views import StepView

if TYPE_CHECKING:
    from engine.jobs.shell import Shell

FOLDER = "shells"
_NO_JOB = frozenset({"Condition", "Fail", "Callback", "Lambda", "Model", "RegisterModel"})


async def shell_of(
    home: Home,
    step: StepView,
    command: Sequence[str] = (),
    *,
    job: str = "",
    terminal: bool = True,
) -> Shell:
    """A shell, or a command, where a step's job ran, or runs; see ``open_shell``.

    Args:
        home: prepared.
        job: part of the name of the job's folder where a step has several; empty for the first.

    Errors: ``CommandRejected`` (``step-without-job``, ``job-not-kept``), ``JobError``.
    """
    if not step.directory:
        why = "steps of its type run no job" if step.type in _NO_JOB else "it has run no job yet"
        raise CommandRejected(
            f"{step.name} has no shell: {why}.",
            code="step-without-job",
            hint="Processing, Training and other steps that run code have one once they started.",
        )
    folder = next((one for one in jobs_in(step.directory) if one.endswith(job)), step.directory)
    kept = read_job(folder)
    if kept is None:
        raise CommandRejected(
            f"{step.name} has no shell: it is not known what its job was given.",
            code="job-not-kept",
            hint="Run the step again: what a job is given is kept from then on.",
        )
    cache = str(home.root / "host" / "probe.json")
    runner = choose(await probe(cache, containers=kept[1] == "container"), kept[1])
    place = str(home.root / FOLDER)
    return await asyncio.to_thread(
        open_shell, step.directory, kept[0], runner, place, command, terminal=terminal
    )
