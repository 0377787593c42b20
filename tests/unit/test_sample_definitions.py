"""The sample pipelines: they load, what they refer to is there, their READMEs tell the truth."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.config import load_config
from engine.definition.loader import load

SAMPLES = Path(__file__).resolve().parents[2] / "sample_pipelines"
NAMES = sorted(path.parent.name for path in SAMPLES.glob("*/pipeline.json"))
BRANCHES = ("IfSteps", "ElseSteps")

each_sample = pytest.mark.parametrize("name", NAMES)


def document(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((SAMPLES / name / "pipeline.json").read_text())
    return parsed


def readme(name: str) -> str:
    return (SAMPLES / name / "README.md").read_text()


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every step, those in branches too."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            for branch in BRANCHES:
                yield from all_steps(step["Arguments"][branch])


def steps_of(name: str) -> dict[str, dict[str, Any]]:
    return {step["Name"]: step for step in all_steps(document(name)["Steps"])}


def defaults(name: str) -> dict[str, Any]:
    return {p["Name"]: p["DefaultValue"] for p in document(name)["Parameters"]}


def values_of(key: str, value: Any) -> Iterator[Any]:
    """Every value that stands under a key, anywhere inside."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from values_of(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from values_of(key, inner)


def local_paths(name: str) -> set[str]:
    """The paths relative to the definition that stand where the service wants an S3 URI."""
    steps = document(name)["Steps"]
    parameters = {f"Parameters.{key}": value for key, value in defaults(name).items()}
    uris = [
        parameters.get(uri["Get"], "") if isinstance(uri, dict) and "Get" in uri else uri
        for uri in values_of("S3Uri", steps)
    ]
    uris += [json.loads(text) for text in values_of("sagemaker_submit_directory", steps)]
    return {uri for uri in uris if isinstance(uri, str) and uri and "://" not in uri}


@each_sample
def test_the_loader_accepts_the_definition(name: str) -> None:
    file = SAMPLES / name / "pipeline.json"
    definition = load(file.read_text(), file=str(file))
    assert set(definition.steps) >= {step["Name"] for step in document(name)["Steps"]}


@each_sample
def test_every_file_the_definition_refers_to_exists(name: str) -> None:
    paths = local_paths(name)
    assert paths
    for path in paths:
        assert not Path(path).is_absolute()
        assert (SAMPLES / name / path).exists(), path


@each_sample
def test_every_script_a_job_starts_is_among_its_inputs(name: str) -> None:
    for step in steps_of(name).values():
        arguments = step["Arguments"]
        if step["Type"] == "Processing":
            _, script = arguments["AppSpecification"]["ContainerEntrypoint"]
            delivered = {
                f"{channel['S3Input']['LocalPath']}/{Path(channel['S3Input']['S3Uri']).name}"
                for channel in arguments["ProcessingInputs"]
                if channel["InputName"] == "code"
            }
            assert delivered == {script}
        elif "sagemaker_program" in arguments.get("HyperParameters", {}):
            hyperparameters = arguments["HyperParameters"]
            folder = SAMPLES / name / json.loads(hyperparameters["sagemaker_submit_directory"])
            assert (folder / json.loads(hyperparameters["sagemaker_program"])).is_file()


@each_sample
def test_every_output_uri_holds_the_execution_id(name: str) -> None:
    steps = document(name)["Steps"]
    uris = [output["S3Uri"] for output in values_of("S3Output", steps)]
    uris += list(values_of("S3OutputPath", steps))
    assert uris
    for uri in uris:
        assert {"Get": "Execution.PipelineExecutionId"} in uri["Std:Join"]["Values"]


@each_sample
def test_the_readme_names_every_step_of_a_small_pipeline_and_no_other(name: str) -> None:
    text, steps = readme(name), steps_of(name)
    in_arrows = re.findall(r"`([\w-]+)`(?: \([^)]*\))?\s+->", text)
    in_arrows += re.findall(r"->\s+`([\w-]+)`", text)
    in_commands = re.findall(r"pipetui (?:logs|rerun) @last (\S+)", text)
    assert in_arrows
    assert {*in_arrows, *in_commands} <= set(steps)
    if len(steps) < 20:
        assert [step for step in steps if f"`{step}`" not in text] == []


@each_sample
def test_the_readme_sets_only_parameters_and_files_that_exist(name: str) -> None:
    text = readme(name)
    for parameter, value in re.findall(r"-p (\w+)=([\w./-]+)", text):
        assert parameter in defaults(name)
        if value.startswith("data/") and value != "data/abalone.csv":
            assert (SAMPLES / name / value).is_file()
    for path in re.findall(r"sample_pipelines/[\w./]+", text):
        assert (SAMPLES.parent / path).exists(), path
    assert text.count("Look at:\n1. ") == 1


def test_the_overview_counts_the_steps_of_every_sample() -> None:
    text = (SAMPLES / "README.md").read_text()
    rows = re.findall(r"^\| \[(\w+)\]\(\1/README\.md\) \| (\d+) \|", text, re.MULTILINE)
    assert {name: int(count) for name, count in rows} == {
        name: len(steps_of(name)) for name in NAMES
    }


def test_wide_and_deep_is_what_its_generator_writes() -> None:
    folder = SAMPLES / "wide_and_deep"
    generator = runpy.run_path(str(folder / "generate.py"))
    assert (folder / "pipeline.json").read_text() == generator["text"]()
    assert len(steps_of("wide_and_deep")) == generator["STEPS"] == 200


def test_generated_jobs_have_the_form_of_the_jobs_the_sdk_makes() -> None:
    def form(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: form(inner) for key, inner in value.items()}
        return [form(value[-1])] if isinstance(value, list) else type(value)

    generated, made = steps_of("wide_and_deep")["Ingest"], steps_of("hello")["Greet"]
    made["Arguments"]["AppSpecification"]["ContainerArguments"] = ["world"]
    assert form(generated) == form(made)


@pytest.mark.parametrize("name", ["abalone_xgboost", "broken_features"])
def test_shipped_data_is_what_make_data_writes(name: str, tmp_path: Path) -> None:
    make_data = runpy.run_path(str(SAMPLES / name / "make_data.py"))
    shipped = {path.name: path.read_bytes() for path in (SAMPLES / name / "data").iterdir()}
    make_data["main"](tmp_path / next(iter(shipped)) if len(shipped) == 1 else tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == shipped


def test_broken_features_breaks_at_the_line_its_readme_quotes() -> None:
    code = SAMPLES / "broken_features" / "code" / "build_features.py"
    quoted = re.search(r'build_features\.py", line (\d+), in \w+\n +(.+)\n', readme(code.parts[-3]))
    assert quoted is not None
    assert code.read_text().splitlines()[int(quoted[1]) - 1].strip() == quoted[2]


def test_broken_features_breaks_on_the_first_file_and_works_with_the_fixed_one(
    tmp_path: Path,
) -> None:
    sample = SAMPLES / "broken_features"
    module = runpy.run_path(str(sample / "code" / "build_features.py"))
    target = tmp_path / "churn.csv"

    target.write_bytes((sample / "data" / "churn.csv").read_bytes())
    with pytest.raises(KeyError, match="monthly_charges"):
        module["build"](module["read_customers"](tmp_path))

    target.write_bytes((sample / "data" / "churn-fixed.csv").read_bytes())
    rows = module["build"](module["read_customers"](tmp_path))
    assert {len(row) for row in rows} == {7}


def test_the_lambda_of_approval_gate_is_mapped_and_returns_what_the_step_declares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = SAMPLES / "approval_gate"
    promote = steps_of("approval_gate")["Promote"]
    config = load_config(tmp_path / "no-config-in-home.toml", str(sample / "pipeline.json"))
    module, function = config.lambdas[promote["FunctionArn"]].split(":")
    handler = runpy.run_path(str(Path(config.folder) / f"{module}.py"))[function]

    event = dict.fromkeys(promote["Arguments"], "x") | {"TrafficPercent": 10, "Canary": True}
    returned = handler(event, None)
    types = {"String": str, "Float": float}
    assert {key: type(value) for key, value in returned.items()} == {
        output["OutputName"]: types[output["OutputType"]] for output in promote["OutputParameters"]
    }
    with pytest.raises(ValueError, match="900"):
        handler(event | {"TrafficPercent": 900}, None)
    assert "canary" in capsys.readouterr().out
