"""Runs ``FOLDER/pipeline.json`` in this process, two steps at a time; prints the seconds as JSON.

For the other benchmarks: the time is from the request to the end of the execution, without the
start of this interpreter.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from engine.clock import SystemClock
from engine.home import Home
from engine.runner.main import lead
from engine.runner.process import RunnerRequest, alive
from engine.sources.base import StartRequest
from engine.store.sqlite import SqliteStore


async def run(folder: Path) -> dict[str, object]:
    """Run the pipeline; returns what was measured."""
    home = Home(folder / "home").prepare()
    request = RunnerRequest(
        str(home.root), "benchmark", StartRequest(str(folder / "pipeline.json"), max_parallel=2)
    )
    store = await SqliteStore.open(home.database, alive)
    try:
        started = time.perf_counter()
        cpu = time.process_time()
        status = await lead(home, store, request, SystemClock(), lambda report: None)
        return {
            "status": status,
            "seconds": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu,
            "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    finally:
        await store.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Path(sys.argv[1])))))
