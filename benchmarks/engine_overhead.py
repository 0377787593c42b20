"""What one step costs beyond the work in it: PipeTUI beside make, ninja and Python peers.

    python benchmarks/engine_overhead.py [--shape layered] [--rounds 3] [--json FILE]

Every engine runs the same DAG of ``/bin/true`` with two steps in flight, in turn, round by round,
so that a busy machine disturbs all of them alike; quote the ratios. A peer that is not installed
is left out. The cost of a step is (time of the DAG - time of a one-step DAG) / (steps - 1).

PipeTUI is measured twice: ``process`` (spawn, log file, at least three committed events, as for a
job that needs no /opt/ml of its own) and ``namespace`` (a Processing job with the whole container
contract).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dags import SHAPES, Dependencies

ROOT = Path(__file__).resolve().parents[1]
IN_FLIGHT = 2


def pipetui(runner: str) -> Callable[[Dependencies, Path], float]:
    """Runs a DAG through the engine's own entry point, runner process and all."""

    def run(dag: Dependencies, folder: Path) -> float:
        (folder / "pipetui.toml").write_text(f'[jobs]\nrunner = "{runner}"\n')
        file = folder / "pipeline.json"
        file.write_text(json.dumps(definition(dag)))
        program = [sys.executable, str(Path(__file__).with_name("one_run.py")), str(folder)]
        done = subprocess.run(
            program, check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        return float(json.loads(done.stdout)["seconds"])

    return run


def definition(dag: Dependencies) -> dict[str, object]:
    """A pipeline definition of the DAG."""
    steps = [
        {
            "Name": f"s{number}",
            "Type": "Processing",
            "DependsOn": [f"s{one}" for one in before],
            "Arguments": {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "local"}
                },
                "AppSpecification": {
                    "ImageUri": "local/host:latest",
                    "ContainerEntrypoint": ["/bin/true"],
                },
                "RoleArn": "arn:aws:iam::123456789012:role/R",
            },
        }
        for number, before in enumerate(dag)
    ]
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps}


def make(dag: Dependencies, folder: Path) -> float:
    """GNU make; a step is a target."""
    lines = [f"all: {' '.join(f's{n}' for n in range(len(dag)))}"]
    for number, before in enumerate(dag):
        lines += [f"s{number}: {' '.join(f's{one}' for one in before)}", "\t@/bin/true"]
    (folder / "Makefile").write_text("\n".join(lines) + "\n")
    return timed(["make", "-s", f"-j{IN_FLIGHT}", "-C", str(folder), "all"])


def ninja(dag: Dependencies, folder: Path) -> float:
    """ninja; its build log is what it remembers."""
    lines = ["rule run", "  command = /bin/true"]
    for number, before in enumerate(dag):
        lines.append(f"build s{number}: run {' '.join(f's{one}' for one in before)}")
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    return timed(["ninja", "--quiet", f"-j{IN_FLIGHT}", "-C", str(folder)])


def doit(dag: Dependencies, folder: Path) -> float:
    """doit with processes."""
    (folder / "dodo.py").write_text(
        f"DAG = {dag!r}\n"
        "def task_s():\n"
        "    for n, before in enumerate(DAG):\n"
        "        yield {'name': str(n), 'actions': ['/bin/true'],\n"
        "               'task_dep': [f's:{b}' for b in before]}\n"
    )
    return timed([sys.executable, "-m", "doit", "-n", str(IN_FLIGHT), "-v", "0", "-f",
                  str(folder / "dodo.py"), "--db-file", str(folder / "doit.db")])  # fmt: skip


def timed(command: list[str]) -> float:
    """Seconds that a command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def engines() -> dict[str, Callable[[Dependencies, Path], float]]:
    """The engines that are installed here."""
    found: dict[str, Callable[[Dependencies, Path], float]] = {
        "pipetui process": pipetui("process"),
        "pipetui namespace": pipetui("namespace"),
    }
    for name, run in (("make", make), ("ninja", ninja)):
        if shutil.which(name):
            found[name] = run
    if subprocess.run([sys.executable, "-c", "import doit"], capture_output=True).returncode == 0:
        found["doit"] = doit
    return found


def per_step_ms(run: Callable[[Dependencies, Path], float], dag: Dependencies) -> float:
    """Milliseconds a step costs."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        alone = run([[]], Path(one))
        return (run(dag, Path(many)) - alone) / (len(dag) - 1) * 1000


def main() -> None:
    """Measure and print a table of medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="layered")
    parser.add_argument("--steps", type=int, default=0, help="how many; 0: the shape's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    given = parser.parse_args()
    shape = SHAPES[given.shape]
    dag = shape(given.steps) if given.steps else shape()
    figures: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        for name, run in engines().items():
            figures.setdefault(name, []).append(per_step_ms(run, dag))
    ours = statistics.median(figures["pipetui process"])
    print(f"{given.shape}, {len(dag)} steps of /bin/true, {IN_FLIGHT} in flight, "
          f"{given.rounds} rounds")  # fmt: skip
    print(f"{'engine':<20}{'ms/step':>9}{'min':>8}{'max':>8}{'pipetui process / it':>23}")
    for name, values in sorted(figures.items(), key=lambda item: statistics.median(item[1])):
        middle = statistics.median(values)
        print(f"{name:<20}{middle:>9.2f}{min(values):>8.2f}{max(values):>8.2f}"
              f"{ours / middle:>23.2f}")  # fmt: skip
    if given.json:
        given.json.write_text(json.dumps({"shape": given.shape, "ms": figures}, indent=1))


if __name__ == "__main__":
    main()
