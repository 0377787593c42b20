"""Programs that only AWS has, of Marketplace algorithms and closed images: yours stand for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.config import Config, ImageChoice
from engine.definition.document import Step
from engine.environments.catalog import Override, resolve
from engine.errors import JobError
from engine.model.status import StepStatus
from engine.steps.container import resolve_image, standing_image
from engine.steps.handlers import handler_for, refuse
from engine.steps.package_containers import package_containers
from tests.engine.embedded import HOST_IMAGE, Embedded, definition
from tests.engine.refused import refusal
from tests.engine.serving import SCALE, container, model_step, pack_model, transform_step
from tests.engine.test_training import XGBOOST, artifact, run_well, training

ALGORITHM = "arn:aws:sagemaker:us-east-1:123456789012:algorithm/forecaster-1"
LINEAR = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
PROGRAM = """
import json
with open("/opt/ml/input/config/hyperparameters.json") as file:
    depth = json.load(file)["depth"]
with open("/opt/ml/model/weights", "w") as file:
    file.write(depth)
print("loss=" + depth)
"""


def marketplace(name: str = ALGORITHM, **more: Any) -> dict[str, Any]:
    """A Training step of a Marketplace algorithm."""
    step = training("T", hyperparameters={"depth": "3"}, **more)
    step["Arguments"]["AlgorithmSpecification"] = {
        "AlgorithmName": name,
        "TrainingInputMode": "File",
    }
    return step


def configure(embedded: Embedded, pattern: str) -> None:
    """Let a program beside the definition stand for what the pattern names."""
    (embedded.folder / "train.py").write_text(PROGRAM, encoding="utf-8")
    line = f'"{pattern}" = {{ command = ["python", "train.py"] }}\n'
    (embedded.folder / "pipetui.toml").write_text(f"[images]\n{line}", encoding="utf-8")


async def test_a_marketplace_algorithm_without_a_program_is_refused_by_the_key_to_set(
    embedded: Embedded,
) -> None:
    problem = await refusal(embedded, definition(marketplace()))
    assert problem.code == "algorithm-unsupported"
    assert ALGORITHM in problem.message
    assert f'[images] in the configuration: "{ALGORITHM}" = ' in problem.hint


@pytest.mark.parametrize("pattern", [ALGORITHM, "*algorithm/forecaster-*"])
async def test_the_program_named_for_a_marketplace_algorithm_trains_and_the_step_says_so(
    embedded: Embedded, pattern: str
) -> None:
    configure(embedded, pattern)
    view = await run_well(embedded, marketplace())
    assert artifact(embedded, view) == {"weights": "3"}
    program = embedded.folder / "train.py"
    assert view.stand_in == f"python {program} stands for the program of {ALGORITHM}"


async def test_a_closed_image_is_run_by_the_program_that_is_named_for_it(
    embedded: Embedded,
) -> None:
    configure(embedded, "*/linear-learner:*")
    view = await run_well(embedded, training("T", image=LINEAR, hyperparameters={"depth": "4"}))
    assert artifact(embedded, view) == {"weights": "4"}
    assert view.stand_in.endswith(f"stands for the program of {LINEAR}")


async def test_each_training_job_of_a_tuning_job_runs_the_program(embedded: Embedded) -> None:
    configure(embedded, "forecaster")
    specification = {
        "AlgorithmName": "forecaster",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(\\d+)"}],
    }
    step = {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Grid",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
                "ParameterRanges": {
                    "CategoricalParameterRanges": [{"Name": "depth", "Values": ["5", "6"]}]
                },
            },
            "TrainingJobDefinition": {
                **marketplace()["Arguments"],
                "AlgorithmSpecification": specification,
            },
        },
    }
    state = await embedded.run(definition(step))
    view = state.steps["Tune"]
    assert view.properties["BestTrainingJob"]["TunedHyperParameters"] == {"depth": "5"}
    assert view.stand_in.endswith("train.py stands for the program of forecaster")


def test_a_marketplace_algorithm_has_no_image_to_run_in_a_container() -> None:
    step = marketplace()
    config = Config(job_runner="container")
    problem = refuse(Step("T", "Training", step["Arguments"]), config)
    assert problem and problem.code == "algorithm-unsupported"


def test_a_command_of_the_table_comes_before_the_built_in_algorithm() -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    found = resolve(image, python=(3, 11), overrides={"*": Override(command=("train",))})
    assert (found.kind, found.algorithm, found.command) == ("host", None, ("train",))


def stand(embedded: Embedded, image: str) -> None:
    """Let an image stand for the algorithm."""
    line = f'"{ALGORITHM}" = {{ image = "{image}" }}\n'
    (embedded.folder / "pipetui.toml").write_text(f"[images]\n{line}", encoding="utf-8")


def test_an_image_that_stands_for_an_algorithm_is_what_runs_it() -> None:
    config = Config(images={"*forecaster*": ImageChoice(image=XGBOOST)})
    step = Step("T", "Training", marketplace()["Arguments"])
    assert refuse(step, config) is None
    assert refuse(step, replace(config, job_runner="container")) is None
    assert standing_image(ALGORITHM, config) == XGBOOST
    assert standing_image(LINEAR, config) == LINEAR
    resolution = resolve_image(ALGORITHM, config)
    assert resolution.algorithm == "xgboost"
    told = handler_for("Training").stand_in(step, config)  # type: ignore[union-attr]
    assert f"{XGBOOST} stands for {ALGORITHM}" in told


async def test_a_batch_transform_asks_the_containers_of_a_registered_package(
    embedded: Embedded,
) -> None:
    embedded.put("s3://bucket/in/a.csv", "1,2\n")
    data = pack_model(embedded.home, "s3://bucket/m/model.tar.gz", SCALE, factor="2")
    specification = {"Containers": [container(data)]}
    source = {"SourceAlgorithms": [{"AlgorithmName": ALGORITHM, "ModelDataUrl": data}]}
    for name, member in (
        ("InferenceSpecification", specification),
        ("SourceAlgorithmSpecification", source),
    ):
        stand(embedded, HOST_IMAGE)
        package = {"ModelPackageGroupName": name, name: member}
        register = {"Name": "Register", "Type": "RegisterModel", "Arguments": package}
        made = model_step("Make", {"ModelPackageName": {"Get": "Steps.Register.ModelPackageArn"}})
        score = transform_step("Score", "Make", "s3://bucket/in/", f"s3://bucket/{name}")
        state = await embedded.run(definition(register, made, score))
        assert state.steps["Score"].status is StepStatus.SUCCEEDED, state.steps["Score"]
        assert embedded.get(f"s3://bucket/{name}/a.csv.out") == "6\n"


def test_a_package_of_an_algorithm_without_an_image_says_what_to_set() -> None:
    source = {"SourceAlgorithms": [{"AlgorithmName": ALGORITHM, "ModelDataUrl": "s3://b/m"}]}
    with pytest.raises(JobError) as caught:
        package_containers({"SourceAlgorithmSpecification": source}, "arn:p", Config())
    assert caught.value.code == "algorithm-unsupported"
    assert ALGORITHM in caught.value.hint
