"""BuildFeatures dies; ProfileData beside it succeeds; FitModel and Report never start."""

from __future__ import annotations

from pathlib import Path

import boto3
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.workflow.parameters import ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep

CODE = Path(__file__).resolve().parent / "code"
BASE = "/opt/ml/processing"


def get_pipeline(region, role=None, default_bucket=None, sagemaker_session=None):
    """ProfileData and BuildFeatures read the same file; Report joins both paths."""
    session = sagemaker_session or PipelineSession(
        boto_session=boto3.Session(region_name=region), default_bucket=default_bucket
    )
    input_data = ParameterString("InputData", default_value="data/churn.csv")
    python = ScriptProcessor(
        image_uri="local/host:latest",
        command=["python3"],
        role=role,
        instance_type="ml.t3.medium",
        instance_count=1,
        sagemaker_session=session,
    )
    raw = [ProcessingInput(input_data, f"{BASE}/input/data", input_name="data")]
    profile = step(python, "ProfileData", "profile_data.py", raw, "profile")
    features = step(python, "BuildFeatures", "build_features.py", raw, "features")
    fit = step(python, "FitModel", "fit_model.py", [output_of(features, "features")], "model")
    report = step(
        python,
        "Report",
        "report.py",
        [output_of(profile, "profile"), output_of(fit, "model")],
        "report",
        property_files=[PropertyFile("ChurnReport", output_name="report", path="report.json")],
    )
    return Pipeline(
        name="broken-features",
        parameters=[input_data],
        steps=[profile, features, fit, report],
        sagemaker_session=session,
    )


def step(processor, name, script, inputs, output, property_files=None):
    """A step with one output, which it writes to the folder of the output's name."""
    return ProcessingStep(
        name=name,
        step_args=processor.run(
            code=str(CODE / script),
            inputs=inputs,
            outputs=[ProcessingOutput(output_name=output, source=f"{BASE}/{output}")],
        ),
        property_files=property_files,
    )


def output_of(producer, name):
    """The producer's output as an input of the same name, in the folder of the same name."""
    uri = producer.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
    return ProcessingInput(uri, f"{BASE}/{name}", input_name=name)
