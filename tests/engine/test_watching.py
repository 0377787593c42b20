"""Files of a folder that are written, as the kernel or watchfiles tell it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from engine import watching


@pytest.mark.parametrize("watch", [watching.written, watching._looked_at])
async def test_what_is_written_and_replaced_is_told(
    tmp_path: Path, watch: Callable[[Path, float], AsyncGenerator[frozenset[str], None]]
) -> None:
    async with asyncio.timeout(20), aclosing(watch(tmp_path, 0.2)) as found:
        assert await anext(found) == frozenset()
        told: set[str] = set()
        for number in range(50):
            (tmp_path / "new").write_text(str(number))
            (tmp_path / "draft").write_text(str(number))
            (tmp_path / "draft").replace(tmp_path / "kept")
            told |= await anext(found)
            if {"new", "kept"} <= told:
                break
        assert {"new", "kept"} <= told


async def test_where_nothing_happens_it_yields_no_name(tmp_path: Path) -> None:
    async with asyncio.timeout(20), aclosing(watching.written(tmp_path, 0.05)) as found:
        assert [await anext(found) for _ in range(3)] == [frozenset()] * 3
