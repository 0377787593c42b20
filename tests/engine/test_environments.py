"""A real environment, built from the package registry, and the built-in algorithm in it.

The environment is kept in a shared folder of the system's temporary directory, so that only the
first run on a machine builds it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.environments import Environments, Grade, resolve, training_command

pytestmark = pytest.mark.environments

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SHARED_FOLDER = Path(tempfile.gettempdir()) / "pipetui-test-environments"
RESOLUTION = resolve(IMAGE, python=(sys.version_info.major, sys.version_info.minor))
# label, a feature that decides it, and one that says nothing
ROWS = [(number % 2, number % 2 + number / 1000, number * 7 % 13) for number in range(200)]
FIXED = {"num_round": "4", "max_depth": "2", "seed": "1", "nthread": "1"}

# trains with the library alone on what the job was given, and prints its scores
DIRECT = """
import json, sys, warnings, xgboost
warnings.simplefilter("ignore")
root, query = sys.argv[1:]
given = json.load(open(root + "/input/config/hyperparameters.json"))
rounds = int(given.pop("num_round"))
data = {name: xgboost.DMatrix(f"{root}/input/data/{name}?{query}")
        for name in ("train", "validation")}
scores = {}
xgboost.train(given, data["train"], rounds, [(m, n) for n, m in data.items()],
              evals_result=scores, verbose_eval=False)
print("\\t".join([f"[{rounds - 1}]"] + [f"{data}-{metric}:{log[-1]:.5f}"
      for data, logs in scores.items() for metric, log in logs.items()]))
"""

Job = Callable[..., Path]


@pytest.fixture(scope="module")
def python() -> Path:
    built = asyncio.run(Environments(SHARED_FOLDER, sys.executable).ensure(RESOLUTION))
    assert built.grade is Grade.EXACT
    return built.python


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Writes the tree of a job: hyperparameters, channels and their data."""

    def write(
        hyperparameters: dict[str, str],
        lines: list[str] | None = None,
        content_type: str = "text/csv",
    ) -> Path:
        config = tmp_path / "input" / "config"
        config.mkdir(parents=True)
        channels: dict[str, Any] = {}
        for name in ("train", "validation"):
            channels[name] = {
                "ContentType": content_type,
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
            }
            folder = tmp_path / "input" / "data" / name
            folder.mkdir(parents=True)
            text = "\n".join(lines or [",".join(str(cell) for cell in row) for row in ROWS])
            (folder / "data.txt").write_text(text + "\n")
        (config / "hyperparameters.json").write_text(json.dumps({**FIXED, **hyperparameters}))
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        (config / "resourceconfig.json").write_text(
            '{"current_host": "algo-1", "hosts": ["algo-1"]}'
        )
        return tmp_path

    return write


def train(python: Path, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = training_command(RESOLUTION, python, {})
    assert command is not None
    return subprocess.run(
        [*command, "--root", str(root)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def direct(python: Path, root: Path, query: str) -> str:
    done = subprocess.run(
        [python, "-c", DIRECT, root, query], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_the_environment_holds_the_versions_of_the_image(python: Path) -> None:
    program = "import xgboost, numpy, pandas; print(xgboost.__version__, numpy.__version__)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3.0.5", "2.1.0"]
    pip = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=True)
    assert pip.stdout.startswith(b"pip")


def test_its_libraries_are_compiled_to_bytecode(python: Path) -> None:
    program = "import pandas; print(pandas.__cached__)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).exists()


@pytest.mark.parametrize(
    ("content_type", "query", "template"),
    [
        ("text/csv", "format=csv&label_column=0&delimiter=,", "{0},{1},{2}"),
        ("text/libsvm", "format=libsvm", "{0} 0:{1} 1:{2}"),
    ],
)
def test_training_gives_what_the_library_gives(
    python: Path, job: Job, content_type: str, query: str, template: str
) -> None:
    root = job({"eta": "0.3"}, [template.format(*row) for row in ROWS], content_type)
    done = train(python, root)
    assert done.returncode == 0, done.stdout
    scores = [line for line in done.stdout.splitlines() if line.startswith("[") and "\t" in line]
    assert len(scores) == 4
    assert scores[-1] == direct(python, root, query)
    assert (root / "model" / "xgboost-model").stat().st_size > 0


def test_metrics_of_the_image_itself_are_printed_and_stop_training(python: Path, job: Job) -> None:
    given = {"objective": "binary:logistic", "eval_metric": "logloss,accuracy", "num_round": "30"}
    done = train(python, job({**given, "early_stopping_rounds": "2"}))
    assert done.returncode == 0, done.stdout
    scores = [line for line in done.stdout.splitlines() if "validation-accuracy" in line]
    assert "\tvalidation-accuracy:1.00000" in scores[-1]
    assert len(scores) < 30


def test_a_wrong_hyperparameter_fails_the_job_with_its_reason(python: Path, job: Job) -> None:
    root = job({"eta": "7"})
    assert train(python, root).returncode == 1
    assert (root / "output" / "failure").read_text() == (
        "framework error: \nUserError: Hyperparameter eta: 7.0 is not in [0, 1]"
    )


def test_a_header_line_is_remarked_on_or_refused(python: Path, job: Job) -> None:
    root = job({}, ["label,a,b", *(",".join(str(cell) for cell in row) for row in ROWS)])
    warned = train(python, root)
    refused = train(python, root, PIPETUI_PREFLIGHT="refuse")
    assert warned.returncode == 0
    assert "WARNING] preflight: train: a header line once, in data.txt row 1" in warned.stdout
    assert refused.returncode == 1
    assert "a header line" in (root / "output" / "failure").read_text()


def test_folds_give_a_model_each_and_a_prediction_for_every_row(python: Path, job: Job) -> None:
    root = job({"objective": "binary:logistic", "_kfold": "2", "eval_metric": "error"})
    done = train(python, root)
    assert done.returncode == 0, done.stdout
    models = sorted(file.name for file in (root / "model").iterdir())
    assert models == ["xgboost-model-0", "xgboost-model-1"]
    predictions = (root / "output" / "data" / "predictions.csv").read_text().splitlines()
    assert len(predictions) == 2 * len(ROWS)
    assert done.stdout.splitlines()[-1].startswith("[4]\ttrain-error:")


def test_a_stopped_job_resumes_from_its_checkpoints(python: Path, job: Job) -> None:
    root = job({})
    config = root / "input" / "config"
    (config / "checkpointconfig.json").write_text(
        json.dumps({"LocalPath": str(root / "checkpoints")})
    )
    whole = train(python, root).stdout.splitlines()
    for number in (2, 3):
        (root / "checkpoints" / f"xgboost-checkpoint.{number}").unlink()
    resumed = train(python, root).stdout.splitlines()
    assert [line for line in whole if line.startswith("[2]\t")] == [
        line for line in resumed if line.startswith("[2]\t")
    ]
    assert not any(line.startswith("[1]\t") for line in resumed)
