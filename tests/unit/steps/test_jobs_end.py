"""Which host of a job that failed tells why."""

from __future__ import annotations

import pytest

from engine.jobs.base import Exit
from engine.steps.base import JobsEnd

OK, STOPPED, FAILED, LOST = Exit(0), Exit(signal=15, stopped=True), Exit(3), Exit(lost=True)


@pytest.mark.parametrize(
    ("exits", "culprit"),
    [
        ((FAILED,), 0),
        ((STOPPED, FAILED), 1),
        ((OK, STOPPED, LOST, FAILED), 2),
        ((OK, STOPPED), 1),
        ((OK, OK), 0),
    ],
)
def test_host_that_failed_is_not_hidden_by_one_stopped_because_of_it(
    exits: tuple[Exit, ...], culprit: int
) -> None:
    end = JobsEnd(exits)
    assert (end.culprit, end.worst) == (culprit, exits[culprit])
