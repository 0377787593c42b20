"""Records what `pipetui --demo` plays: real runs of the samples, packed into one archive.

    python sample_pipelines/record_demo.py            # writes pipetui/demo/recording.tar.xz

It runs the samples in a home of its own (``--home`` keeps it, with the environments built there),
in some two minutes. The archive holds the events of every run as JSON lines, the definitions, the
order of play, and what the runs left behind of small files. Who ran them, where, and the keys that
their jobs were given are not in it.
"""

from __future__ import annotations

import argparse
import getpass
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent
ARCHIVE = SAMPLES.parent / "pipetui" / "demo" / "recording.tar.xz"
LARGEST = 16 * 1024
"""Bytes of a file that is kept."""
PLACE = "{home}"
"""Stands for the home in what is recorded."""
PERSON = "ana@studio"
_LEFT_OUT = {
    "environment",
    "mounts",
    "pid",
    "job.json",
    "endpoint.port",
    "runner.log",
    "events.jsonl",
}
_HOUR, _DAY = 3600, 86_400


@dataclass(frozen=True)
class Run:
    """A run to record.

    Args:
        sample: its folder.
        ago: seconds between its start and the moment that somebody opens the demo.
        play: ``past``, ``waits`` (the rest follows an answer), or ``loops`` (again when it ended).
    """

    sample: str
    ago: float
    play: str = "past"
    options: tuple[str, ...] = ()


FIXED = ("-p", "InputData=data/churn-fixed.csv")
RUNS = (
    Run("broken_features", 3 * _DAY, options=FIXED),
    Run("breast_cancer", 2 * _DAY + 3 * _HOUR, options=("-p", "AucThreshold=0.999")),
    Run("broken_features", 2 * _DAY, options=FIXED),
    Run("breast_cancer", _DAY, options=("-p", "Penalty=l1")),
    Run("broken_features", 5 * _HOUR, options=FIXED),
    Run("breast_cancer", 3 * _HOUR),
    Run("approval_gate", 25 * 60, "waits"),
    Run("broken_features", 12 * 60),
    Run("breast_cancer", 14, "loops", ("-p", "SecondsPerEpoch=1.5")),
)
ANSWER = ("ApprovedBy=ana", "TrafficPercent=10", "Canary=true", "MaxErrorRate=0.01")


def pipetui(home: Path, *words: str) -> str:
    """What a command of the program prints."""
    command = [sys.executable, "-m", "pipetui", "--home", str(home), *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def record(home: Path, run: Run) -> str:
    """Run a sample to its end; returns the execution's id."""
    file = home / "samples" / run.sample / "pipeline.json"
    if not file.exists():
        unwanted = shutil.ignore_patterns("__pycache__", "README.md")
        shutil.copytree(SAMPLES / run.sample, file.parent, ignore=unwanted)
    stay = ("--detach",) if run.play == "waits" else ("--headless", "--auto-approve")
    told = pipetui(home, "run", str(file), *run.options, *stay)
    execution_id = told.split()[0] if run.play == "waits" else newest(home)
    if run.play == "waits":
        words = [word for pair in ANSWER for word in ("--output-parameter", pair)]
        while "approved" not in pipetui(home, "approve", f"{execution_id}/Approve", *words):
            pass
        while '"Executing"' in pipetui(home, "status", execution_id, "-o", "json"):
            pass
    print(execution_id, run.sample, run.play, flush=True)
    return execution_id


def newest(home: Path) -> str:
    """The id of the execution that was started last."""
    arn = json.loads(pipetui(home, "status", "@last", "-o", "json"))["PipelineExecutionArn"]
    return str(arn).rpartition("/")[2]


def members(home: Path, runs: Sequence[tuple[str, Run]]) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file of the archive."""
    from engine.model.codec import encode_fact, fact_kind
    from engine.store import queries
    from engine.store.connection import connect

    db = connect(home / "pipetui.db", read_only=True)
    tapes, lines, definitions = [], [], set()
    ids = {execution_id for execution_id, _ in runs}
    for execution_id, run in runs:
        tapes.append({"execution": execution_id, "ago": run.ago, "play": run.play})
        definitions.add(queries.execution(db, execution_id).definition)
    for event in queries.events(db, "", 0, 100_000):
        of = event.execution_id or getattr(event.fact, "execution_id", "")
        if of in ids:
            line = [of, event.at, event.actor, fact_kind(event.fact)]
            lines.append(json.dumps([*line, json.loads(encode_fact(event.fact))]))
    here = f"{getpass.getuser()}@{socket.gethostname()}"
    text = "\n".join(lines).replace(str(home), PLACE).replace(here, PERSON)
    text = text.replace(sys.base_prefix, "/usr")
    text = text.replace(json.dumps(socket.gethostname()), '"studio"')
    yield "tapes.json", json.dumps(tapes, indent=1).encode()
    yield "events.jsonl", text.encode()
    for sha in sorted(definitions):
        yield f"definitions/{sha}", queries.definition(db, sha).encode()
    db.close()
    for folder in ("executions", "s3", "samples"):
        for path in sorted((home / folder).rglob("*")):
            parts = path.relative_to(home).parts
            known = folder != "executions" or parts[1] in ids
            if known and not _LEFT_OUT & set(parts) and path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                if len(content) <= LARGEST or path.name == "job.log":
                    for place, word in ((home, b"/home/ana/pipetui"), (sys.base_prefix, b"/usr")):
                        content = content.replace(os.fsencode(place), word)
                    yield "/".join(parts), content


def pack(files: Iterator[tuple[str, bytes]]) -> None:
    """Write the archive."""
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def main() -> None:
    """Record every run, then pack them."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--home", type=Path, help="where to run; else a folder that is removed")
    given = options.parse_args().home
    with tempfile.TemporaryDirectory() as folder:
        home = (given or Path(folder) / "home").absolute()
        runs = [(record(home, run), run) for run in RUNS]
        pack(members(home, runs))
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
