"""Which training jobs are notebooks and repackings, and what of them is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.config import Config
from engine.definition.document import Step
from engine.steps.handlers import refuse, stand_in
from engine.steps.notebook import NotebookStep
from engine.steps.repack import RepackStep
from engine.steps.training import TrainingStep
from engine.steps.training_input import data_config, pipes_of
from engine.steps.training_kinds import kind_of
from tests.shared import DEFINITIONS, needs_shared

NOTEBOOK: dict[str, Any] = {
    "AlgorithmSpecification": {
        "TrainingImage": "local/host:latest",
        "ContainerEntrypoint": ["amazon_sagemaker_scheduler"],
    },
    "Environment": {"SM_INPUT_NOTEBOOK_NAME": "nb.ipynb", "SM_KERNEL_NAME": "python3"},
}
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
REPACK = {"inference_script": '"a.py"', "model_archive": "s3://b/model.tar.gz"}
LAUNCHER = {"sagemaker_program": '"_repack_script_launcher.sh"'}


def repacking(given: dict[str, str], image: str = SKLEARN, *channels: str) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": image},
        "HyperParameters": given,
        "InputDataConfig": [{"ChannelName": name} for name in channels],
    }


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (NOTEBOOK, NotebookStep),
        (repacking({**REPACK, **LAUNCHER}), RepackStep),
        (repacking({**REPACK, "sagemaker_program": '"_repack_model.py"'}), RepackStep),
        (repacking(REPACK, SKLEARN, "training", "code", "sm_drivers"), RepackStep),
        (repacking({**REPACK, "sagemaker_program": '"train.py"'}), TrainingStep),
        (repacking({**REPACK, "epochs": "1"}, SKLEARN, "training", "sm_drivers"), TrainingStep),
        (repacking(REPACK, "local/host:latest", "training", "sm_drivers"), TrainingStep),
        (repacking(LAUNCHER), TrainingStep),
        ({}, TrainingStep),
    ],
)
def test_the_arguments_tell_the_kind(arguments: dict[str, Any], kind: type) -> None:
    assert type(kind_of(arguments, Config())) is kind
    assert type(kind_of(arguments, Config(job_runner="container"))) is TrainingStep


@needs_shared
@pytest.mark.parametrize(
    "file", ["v2-notebook-job", "v2-cache-retry-script-mode-repack", "v2-function-step-decorator"]
)
def test_the_sdks_own_steps_can_run(file: str) -> None:
    steps = json.loads((DEFINITIONS / f"{file}.json").read_text(encoding="utf-8"))["Steps"]
    training = [step for step in steps if step["Type"] == "Training"]
    assert training
    for step in training:
        assert refuse(Step(step["Name"], "Training", step["Arguments"]), Config()) is None


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, ""),
        ({"SM_KERNEL_NAME": "conda_python3"}, ""),
        ({"SM_KERNEL_NAME": "ir"}, "notebook-kernel-unsupported"),
        ({"SM_KERNEL_NAME": "glue_pyspark"}, "notebook-kernel-unsupported"),
        ({"SM_INPUT_NOTEBOOK_NAME": ""}, "notebook-missing"),
    ],
)
def test_a_notebook_that_cannot_run_is_refused(variables: dict[str, str], code: str) -> None:
    arguments = {**NOTEBOOK, "Environment": {**NOTEBOOK["Environment"], **variables}}
    problem = refuse(Step("NB", "Training", arguments), Config())
    assert (problem.code if problem else "") == code


def test_repacking_needs_no_image_but_its_data() -> None:
    config = Config(unmatched="refuse")
    arguments = repacking({**REPACK, **LAUNCHER}, "nobody/knows:1", "training")
    assert refuse(Step("R", "Training", arguments), config) is None
    arguments["InputDataConfig"][0]["InputMode"] = "Pipe"
    step = Step("R", "Training", arguments)
    assert refuse(step, config) is None
    assert "files in place of pipes" in stand_in(step, Config())


XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


@pytest.mark.parametrize(
    ("given", "files"),
    [
        ({}, True),
        ({"sagemaker_program": "train.py"}, False),
    ],
)
def test_the_built_in_algorithm_is_given_files_in_pipe_mode_and_a_script_pipes(
    given: dict[str, str], files: bool
) -> None:
    arguments = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "Pipe"},
        "HyperParameters": given,
        "InputDataConfig": [{"ChannelName": "train"}],
    }
    step = Step("T", "Training", arguments)
    assert refuse(step, Config()) is None
    assert ("files in place of pipes" in stand_in(step, Config())) is files
    pipes = [] if files else pipes_of(arguments)
    told = data_config(arguments, {pipe.path for pipe in pipes})
    assert told["train"]["TrainingInputMode"] == ("File" if files else "Pipe")


def test_a_plan_says_that_a_launcher_is_looked_for_at_the_start() -> None:
    several = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "ContainerEntrypoint": ["sh"]},
        "InputDataConfig": [{"ChannelName": "sm_drivers"}],
        "ResourceConfig": {"InstanceCount": 2},
    }
    step = Step("T", "Training", several)
    assert stand_in(step, Config()).startswith("torchrun or mpirun, where its driver calls one")
    assert stand_in(step, Config(job_runner="container")) == ""
    script = {"sagemaker_program": "train.py", "sagemaker_distributed_dataparallel_enabled": "true"}
    own = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST},
        "HyperParameters": {**script, "mp_parameters": "{}"},
    }
    assert stand_in(Step("T", "Training", own), Config()) == (
        "smdistributed.dataparallel is in AWS's images alone: torchrun starts the script here;"
        " smdistributed.modelparallel is in AWS's images alone;"
        " torchrun is looked for in its environment when the step starts"
    )
    alone = {**several, "ResourceConfig": {"InstanceCount": 1}}
    assert stand_in(Step("T", "Training", alone), Config()) == ""
