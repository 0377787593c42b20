"""A wait that ends by the wall clock, counted from a moment on record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from engine.runner.expiry import Expiry, lasting


@dataclass
class Hand:
    """A clock that stands where it is put."""

    time: float = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


async def test_what_is_over_when_the_wait_begins_expires_at_once() -> None:
    told: list[str] = []
    Expiry(Hand(8 * 86400.0), 0.0, 7 * 86400.0, lambda: told.append("now")).watch()
    assert told == ["now"]


async def test_a_host_that_slept_through_the_end_finds_out_by_the_wall_clock() -> None:
    told: list[str] = []
    clock = Hand()
    expiry = Expiry(clock, 0.0, 7 * 86400.0, lambda: told.append("now"))
    expiry.watch()
    clock.time = 7 * 86400.0
    assert told == []
    expiry.watch()
    assert told == ["now"]
    expiry.cancel()


async def test_a_cancelled_wait_and_one_without_an_end_never_expire() -> None:
    told: list[str] = []
    for lifetime in (0.0, 1e-6):
        expiry = Expiry(Hand(), 0.0, lifetime, lambda: told.append("now"))
        expiry.watch()
        expiry.cancel()
    await asyncio.sleep(0)
    assert told == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(604800, "7 days"), (86400, "1 day"), (5400, "90 minutes"), (0.5, "0.5 seconds")],
)
def test_a_duration_is_told_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert lasting(seconds) == words
