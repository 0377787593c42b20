"""The smallest sample: three shell jobs in a row."""

from __future__ import annotations

from pathlib import Path

import boto3
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep

CODE = Path(__file__).resolve().parent / "code"


def get_pipeline(region, role=None, default_bucket=None, sagemaker_session=None):
    """Greet -> Shout -> Count."""
    session = sagemaker_session or PipelineSession(
        boto_session=boto3.Session(region_name=region), default_bucket=default_bucket
    )
    name = ParameterString("Name", default_value="world")
    times = ParameterInteger("Times", default_value=3)
    shell = ScriptProcessor(
        image_uri="local/host:latest",
        command=["/bin/sh"],
        role=role,
        instance_type="ml.t3.medium",
        instance_count=1,
        sagemaker_session=session,
    )

    greet = ProcessingStep(
        name="Greet",
        step_args=shell.run(
            code=str(CODE / "greet.sh"),
            arguments=[name, times.to_string()],
            outputs=[ProcessingOutput(output_name="text", source="/opt/ml/processing/text")],
        ),
    )
    shout = ProcessingStep(
        name="Shout",
        step_args=shell.run(
            code=str(CODE / "shout.sh"),
            inputs=[ProcessingInput(output_of(greet, "text"), "/opt/ml/processing/text")],
            outputs=[ProcessingOutput(output_name="loud", source="/opt/ml/processing/loud")],
        ),
    )
    report = PropertyFile(name="Report", output_name="report", path="report.json")
    count = ProcessingStep(
        name="Count",
        step_args=shell.run(
            code=str(CODE / "count.sh"),
            inputs=[ProcessingInput(output_of(shout, "loud"), "/opt/ml/processing/loud")],
            outputs=[ProcessingOutput(output_name="report", source="/opt/ml/processing/report")],
        ),
        property_files=[report],
    )
    return Pipeline(
        name="hello",
        parameters=[name, times],
        steps=[greet, shout, count],
        sagemaker_session=session,
    )


def output_of(step, name):
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
