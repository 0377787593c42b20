"""What running jobs take is sampled, and their metrics are read while they run."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from watchfiles import awatch

from engine.jobs.base import Job
from engine.jobs.process import ProcessRunner
from engine.jobs.usage import FILE, Sampler, parse
from engine.sources.local import LocalSource
from engine.sources.usage import UsageFile
from tests.engine.crash import Fifo
from tests.engine.embedded import Embedded, definition, processing

BURN = f"""exec {sys.executable} -c '
import os, time
kept = bytearray(os.urandom(1 << 20)) * 80
pid = os.fork()
end = time.monotonic() + 4
while time.process_time() < 1.1 and time.monotonic() < end:
    pass
if pid:
    os.wait()
'"""


@pytest.fixture
def embedded(tmp_path: Path) -> Embedded:
    return Embedded(tmp_path)


async def test_a_step_that_computes_is_sampled_with_its_children(embedded: Embedded) -> None:
    state = await embedded.run(definition(processing("burn", BURN)))
    step = state.steps["burn"]
    usage = UsageFile(step.directory).read()
    assert usage.peak_memory > 80 << 20
    assert usage.cpu_s > 0.3
    assert usage.samples[0].cores == 0.0
    assert os.stat(Path(step.directory, FILE)).st_mode & 0o777 == 0o600
    source = await LocalSource.open(embedded.home)
    try:
        assert await source.usage(step) == usage
    finally:
        await source.close()


async def test_a_step_that_is_over_before_its_first_sample_leaves_no_file(
    embedded: Embedded,
) -> None:
    state = await embedded.run(definition(processing("quick", "true")))
    folder = Path(state.steps["quick"].directory)
    assert FILE not in os.listdir(folder)


async def test_another_sampler_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    runner = ProcessRunner()
    loop = f"{sys.executable} -c 'while True: pass'"
    job = Job("x/y/1", str(tmp_path), ("/bin/sh", "-c", loop), {"PATH": os.environ["PATH"]})
    handle = await runner.start(job)
    file = UsageFile(str(tmp_path))

    async def sampled(more: int) -> None:
        sampler = Sampler()
        sampler.watch(tmp_path, handle)
        before = len(file.read().samples)
        async with asyncio.timeout(30):
            async for _ in awatch(tmp_path, rust_timeout=500, yield_on_timeout=True):
                if len(file.read().samples) >= before + more:
                    break
        sampler.close()

    try:
        await sampled(2)
        first = file.read()
        await sampled(1)
    finally:
        await runner.stop(handle, 0.0)
    usage = file.read()
    assert usage.samples[: len(first.samples)] == first.samples
    assert usage.cpu_s > first.cpu_s
    assert all(one.cores >= 0 for one in usage.samples)


async def test_jobs_that_end_are_forgotten_and_unknown_containers_not_watched(
    tmp_path: Path,
) -> None:
    sampler = Sampler()
    handle: dict[str, Any] = {"runner": "process", "pid": 1, "start_ticks": 1, "directory": ""}
    sampler.watch(tmp_path / "a", {**handle, "runner": "container"})
    watched = [sampler.watching]
    sampler.watch(tmp_path / "a", handle)
    watched.append(sampler.watching)
    sampler.forget(tmp_path / "a", handle)
    watched.append(sampler.watching)
    sampler.close()
    assert watched == [False, True, False]


def test_a_process_is_read_whatever_its_name_is() -> None:
    line = b"42 (a ) (b) S 7 42 40 0 -1 0 1 2 3 4 100 50 30 20 20 0 1 0 999 5000 25 rest"
    found = parse(line)
    assert (found.pid, found.parent, found.session, found.start_ticks) == (42, 7, 40, 999)
    assert found.cpu_s == 200 / os.sysconf("SC_CLK_TCK")
    assert found.memory == 25 * os.sysconf("SC_PAGE_SIZE")
    with pytest.raises(ValueError, match="not a complete"):
        parse(b"42 (cut")


async def test_metrics_are_told_while_the_job_writes_them(embedded: Embedded) -> None:
    said, go_on = Fifo(embedded.folder / "said"), Fifo(embedded.folder / "go-on")
    wait = f"echo written > {said.path}; read _ < {go_on.path}"
    script = f"echo 'epoch 1 loss=0.5'; {wait}; echo 'epoch 2 loss=0.25'"
    running = asyncio.create_task(embedded.run(definition(processing("train", script))))
    source = await LocalSource.open(embedded.home)
    try:
        async with asyncio.timeout(30):
            await asyncio.to_thread(said.hear)
            (execution,) = await source.executions()
            (one,) = await source.steps(execution.id)
            (curve,) = await source.series(one)
            assert [point.value for point in curve.points] == [0.5]
            go_on.say()
            await running
        (curve,) = await source.series(one)
        assert [(point.x, point.value) for point in curve.points] == [(1.0, 0.5), (2.0, 0.25)]
    finally:
        await source.close()
        said.close()
        go_on.close()
