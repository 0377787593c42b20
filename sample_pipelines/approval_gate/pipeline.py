"""Package -> Approve (a person) -> Promote (a function) -> Register."""

from __future__ import annotations

from pathlib import Path

import boto3
from sagemaker.lambda_helper import Lambda
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingOutput, ScriptProcessor
from sagemaker.workflow.callback_step import (
    CallbackOutput,
    CallbackOutputTypeEnum,
    CallbackStep,
)
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.functions import Join
from sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep

CODE = Path(__file__).resolve().parent / "code"
IMAGE = "local/host:latest"
BASE = "/opt/ml/processing"


def get_pipeline(region, role=None, default_bucket=None, sagemaker_session=None):
    """Four steps; the answers of the second travel through the third into the fourth."""
    session = sagemaker_session or PipelineSession(
        boto_session=boto3.Session(region_name=region), default_bucket=default_bucket
    )
    accuracy = ParameterFloat("Accuracy", default_value=0.91)
    stage = ParameterString("Stage", "staging", enum_values=["staging", "production"])

    package = package_step(session, role, accuracy)
    model_uri = Join(on="/", values=[output_of(package, "model"), "model.tar.gz"])
    approve = CallbackStep(
        name="Approve",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/approvals",
        inputs={
            "ModelUri": model_uri,
            "Stage": stage,
            "Question": "Send traffic to this model?",
        },
        outputs=[
            CallbackOutput("ApprovedBy", CallbackOutputTypeEnum.String),
            CallbackOutput("TrafficPercent", CallbackOutputTypeEnum.Integer),
            CallbackOutput("Canary", CallbackOutputTypeEnum.Boolean),
            CallbackOutput("MaxErrorRate", CallbackOutputTypeEnum.Float),
        ],
    )
    answers = approve.properties.Outputs
    promote = LambdaStep(
        name="Promote",
        lambda_func=Lambda(
            function_arn=f"arn:aws:lambda:{region}:123456789012:function:promote",
            session=session,
        ),
        inputs={
            "ModelUri": model_uri,
            "ExecutionId": ExecutionVariables.PIPELINE_EXECUTION_ID,
            "TrafficPercent": answers["TrafficPercent"],
            "Canary": answers["Canary"],
            "MaxErrorRate": answers["MaxErrorRate"],
        },
        outputs=[
            LambdaOutput("Release", LambdaOutputTypeEnum.String),
            LambdaOutput("Weight", LambdaOutputTypeEnum.Float),
        ],
    )
    register = register_step(session, role, package, model_uri, stage, answers, promote)
    return Pipeline(
        name="approval-gate",
        parameters=[accuracy, stage],
        steps=[package, approve, promote, register],
        sagemaker_session=session,
    )


def package_step(session, role, accuracy):
    shell = ScriptProcessor(
        image_uri=IMAGE,
        command=["/bin/sh"],
        role=role,
        instance_type="ml.t3.medium",
        instance_count=1,
        sagemaker_session=session,
    )
    return ProcessingStep(
        name="Package",
        step_args=shell.run(
            code=str(CODE / "package.sh"),
            arguments=[accuracy.to_string()],
            outputs=[
                ProcessingOutput(output_name=name, source=f"{BASE}/{name}")
                for name in ("model", "metrics")
            ],
        ),
        property_files=[PropertyFile("Metrics", output_name="metrics", path="metrics.json")],
    )


def register_step(session, role, package, model_uri, stage, answers, promote):
    statistics = MetricsSource(
        s3_uri=Join(on="/", values=[output_of(package, "metrics"), "metrics.json"]),
        content_type="application/json",
    )
    model = Model(image_uri=IMAGE, model_data=model_uri, role=role, sagemaker_session=session)
    return ModelStep(
        name="Register",
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.t2.medium"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="approval-gate",
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(model_statistics=statistics),
            customer_metadata_properties={
                "stage": stage,
                "approved_by": answers["ApprovedBy"],
                "release": promote.properties.Outputs["Release"],
            },
        ),
    )


def output_of(step, name):
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
