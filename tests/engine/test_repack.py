"""Repacking steps, as the SDK writes them, run without the image that it names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest

from engine.model.status import StepStatus
from tests.engine.embedded import Embedded, definition
from tests.engine.test_training import artifact, put_source, run, run_well, training
from tests.shared import DEFINITIONS, needs_shared

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
MODEL = "s3://bucket/trained/output/model.tar.gz"
CODE = "s3://bucket/code/sourcedir.tar.gz"
LAUNCHER = "_repack_script_launcher.sh"
SCRIPTS = {LAUNCHER: "exit 1", "_repack_model.py": "raise SystemExit(1)"}
FILES = {**SCRIPTS, "inference.py": "new", "tables/a.csv": "1", "extra.py": "extra"}


def repacking(embedded: Embedded, model: Mapping[str, str], **given: Any) -> dict[str, Any]:
    """A repacking step of SDK 2, whose hyperparameters but the archive's URI are JSON."""
    put_source(embedded, MODEL, model)
    put_source(embedded, CODE, FILES)
    values = {"inference_script": "inference.py", "dependencies": None, "source_dir": None,
              "sagemaker_submit_directory": CODE, "sagemaker_program": LAUNCHER,
              **given}  # fmt: skip
    texts = {name: json.dumps(value) for name, value in values.items()}
    return training("Add-RepackModel-0", channels={"training": MODEL}, image=SKLEARN,
                    hyperparameters={**texts, "model_archive": MODEL})  # fmt: skip


async def test_the_inference_script_joins_the_code_of_the_model(embedded: Embedded) -> None:
    model = {"weights.bin": "w", "code/inference.py": "old", "code/kept.py": "kept"}
    view = await run_well(embedded, repacking(embedded, model))
    assert artifact(embedded, view) == {
        "weights.bin": "w", "code/inference.py": "new", "code/kept.py": "kept",
    }  # fmt: skip
    uri = view.properties["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://bucket/models/{view.properties['TrainingJobName']}/output/model.tar.gz"
    assert "code/inference.py" in embedded.log(view)
    assert not any(embedded.home.environments.iterdir()), "the image's environment was built"


async def test_a_source_folder_replaces_the_code_of_the_model(embedded: Embedded) -> None:
    model = {"weights.bin": "w", "code/gone.py": "gone"}
    view = await run_well(embedded, repacking(embedded, model, source_dir="./src"))
    code = {f"code/{name}": text for name, text in FILES.items()}
    assert artifact(embedded, view) == {"weights.bin": "w", **code}


async def test_dependencies_go_to_the_library_folder(embedded: Embedded) -> None:
    step = repacking(embedded, {"weights.bin": "w"}, dependencies="extra.py")
    files = artifact(embedded, await run_well(embedded, step))
    assert files == {"weights.bin": "w", "code/inference.py": "new", "code/lib/extra.py": "extra"}
    step = repacking(embedded, {"weights.bin": "w"}, dependencies="lib/common extra.py")
    files = artifact(embedded, await run_well(embedded, step))
    assert {name for name in files if "lib" in name} == {f"code/lib/{name}" for name in FILES}


async def test_sdk_3_brings_the_code_in_a_channel(embedded: Embedded) -> None:
    put_source(embedded, MODEL, {"weights.bin": "w"})
    embedded.put("s3://bucket/code3/inference.py", "new")
    embedded.put("s3://bucket/drivers/sourcecode.json", "{}")
    channels = {"training": MODEL, "code": "s3://bucket/code3", "sm_drivers": "s3://bucket/drivers"}
    given = {"inference_script": "inference.py", "model_archive": MODEL, "source_dir": "/tmp/x"}
    step = training("Add-RepackModel-0", "exit 1", channels=channels, image=SKLEARN,
                    hyperparameters=given)  # fmt: skip
    files = artifact(embedded, await run_well(embedded, step))
    assert files == {"weights.bin": "w", "code/inference.py": "new"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"inference_script": "absent.py"}, "there is no absent.py in the code of the job"),
        ({"model_archive": "other.tar.gz"}, "channel training has no other.tar.gz, only model"),
    ],
)
async def test_what_is_missing_is_the_failure_reason(
    embedded: Embedded, given: dict[str, str], reason: str
) -> None:
    step = repacking(embedded, {"weights.bin": "w"}, **given)
    step["Arguments"]["HyperParameters"].update(given)
    view = await run(embedded, step)
    assert view.status is StepStatus.FAILED
    assert reason in view.failure_reason


async def test_an_archive_that_leads_out_of_its_folder_is_refused(embedded: Embedded) -> None:
    view = await run(embedded, repacking(embedded, {"../escaped": "x"}))
    assert view.status is StepStatus.FAILED
    assert "model.tar.gz cannot be unpacked" in view.failure_reason
    assert "escaped" not in {name for _, _, names in os.walk(view.directory) for name in names}


@needs_shared
async def test_the_step_that_the_sdk_wrote_runs(embedded: Embedded) -> None:
    text = (DEFINITIONS / "v2-cache-retry-script-mode-repack.json").read_text(encoding="utf-8")
    steps = json.loads(text)["Steps"]
    (gate,) = [step for step in steps if step["Type"] == "Condition"]
    repack = gate["Arguments"]["IfSteps"][0]
    arguments = repack["Arguments"]
    put_source(embedded, MODEL, {"weights.bin": "w"})
    code = json.loads(arguments["HyperParameters"]["sagemaker_submit_directory"])
    put_source(embedded, code, FILES)
    arguments["HyperParameters"]["model_archive"] = MODEL
    arguments["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = MODEL
    state = await embedded.run(definition({**repack, "DependsOn": []}))
    view = state.steps["Register-RepackModel-0"]
    assert view.status is StepStatus.SUCCEEDED, (view.failure_reason, embedded.log(view))
