"""Preprocess -> Train -> Evaluate -> CheckAuc -> register and wait for a deploy gate, or fail."""

from __future__ import annotations

from pathlib import Path

import boto3
from sagemaker import image_uris
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.workflow.callback_step import (
    CallbackStep,
)
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

HERE = Path(__file__).resolve().parent
CODE = HERE / "code"
SOURCE_DIR = "train"
SKLEARN = "1.2-1"


def get_pipeline(region, role=None, default_bucket=None, sagemaker_session=None):
    """The whole pipeline; every value a person may want to change is a parameter."""
    session = sagemaker_session or PipelineSession(
        boto_session=boto3.Session(region_name=region), default_bucket=default_bucket
    )
    parameters = {
        "InstanceType": ParameterString("InstanceType", default_value="ml.m5.large"),
        "Epochs": ParameterInteger("Epochs", default_value=30),
        "LearningRate": ParameterFloat("LearningRate", default_value=0.001),
        "Penalty": ParameterString(
            "Penalty", default_value="l2", enum_values=["l2", "l1", "elasticnet"]
        ),
        "SecondsPerEpoch": ParameterFloat("SecondsPerEpoch", default_value=0.1),
        "AucThreshold": ParameterFloat("AucThreshold", default_value=0.95),
        "ModelApprovalStatus": ParameterString(
            "ModelApprovalStatus",
            default_value="PendingManualApproval",
            enum_values=["PendingManualApproval", "Approved", "Rejected"],
        ),
    }
    processor = SKLearnProcessor(
        framework_version=SKLEARN,
        role=role,
        instance_type=parameters["InstanceType"],
        instance_count=1,
        sagemaker_session=session,
    )
    preprocess = preprocess_step(processor)
    train = train_step(session, role, parameters, preprocess)
    report = PropertyFile("EvaluationReport", output_name="evaluation", path="evaluation.json")
    evaluate = evaluate_step(processor, report, preprocess, train)
    register = register_step(session, role, parameters, train, evaluate)
    auc = JsonGet(
        step_name=evaluate.name,
        property_file=report,
        json_path="binary_classification_metrics.auc.value",
    )
    check_auc = ConditionStep(
        name="CheckAuc",
        conditions=[ConditionGreaterThanOrEqualTo(auc, parameters["AucThreshold"])],
        if_steps=[register, gate_step(register)],
        else_steps=[
            FailStep(
                name="AucTooLow",
                error_message=Join(
                    on=" ",
                    values=["The AUC on the test set is below", parameters["AucThreshold"]],
                ),
            )
        ],
    )
    return Pipeline(
        name="breast-cancer",
        parameters=list(parameters.values()),
        steps=[preprocess, train, evaluate, check_auc],
        sagemaker_session=session,
    )


def preprocess_step(processor):
    outputs = [
        ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}")
        for name in ("train", "validation", "test")
    ]
    return ProcessingStep(
        name="Preprocess",
        step_args=processor.run(
            code=str(CODE / "preprocess.py"), outputs=outputs, arguments=["--seed", "10"]
        ),
    )


def train_step(session, role, parameters, preprocess):
    estimator = SKLearn(
        entry_point="train.py",
        source_dir=str(HERE / SOURCE_DIR),
        framework_version=SKLEARN,
        role=role,
        instance_type=parameters["InstanceType"],
        instance_count=1,
        output_path=Join(
            on="/",
            values=[
                "s3:/",
                session.default_bucket(),
                ExecutionVariables.PIPELINE_NAME,
                ExecutionVariables.PIPELINE_EXECUTION_ID,
                "Train",
            ],
        ),
        hyperparameters={
            "epochs": parameters["Epochs"],
            "learning-rate": parameters["LearningRate"],
            "penalty": parameters["Penalty"],
            "seconds-per-epoch": parameters["SecondsPerEpoch"],
            "seed": 10,
        },
        metric_definitions=[
            {"Name": "train:logloss", "Regex": r"train-logloss=([0-9.]+)"},
            {"Name": "validation:logloss", "Regex": r"validation-logloss=([0-9.]+)"},
            {"Name": "validation:auc", "Regex": r"validation-auc=([0-9.]+)"},
        ],
        disable_profiler=True,
        debugger_hook_config=False,
        sagemaker_session=session,
    )
    channels = {
        name: TrainingInput(output_of(preprocess, name), content_type="text/csv")
        for name in ("train", "validation")
    }
    return TrainingStep(name="Train", step_args=estimator.fit(channels))


def evaluate_step(processor, report, preprocess, train):
    return ProcessingStep(
        name="Evaluate",
        step_args=processor.run(
            code=str(CODE / "evaluate.py"),
            inputs=[
                ProcessingInput(
                    train.properties.ModelArtifacts.S3ModelArtifacts,
                    "/opt/ml/processing/model",
                    input_name="model",
                ),
                ProcessingInput(
                    output_of(preprocess, "test"), "/opt/ml/processing/test", input_name="test"
                ),
            ],
            outputs=[
                ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation")
            ],
        ),
        property_files=[report],
    )


def register_step(session, role, parameters, train, evaluate):
    model = Model(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version=SKLEARN),
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        env={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
        role=role,
        sagemaker_session=session,
    )
    statistics = MetricsSource(
        s3_uri=Join(on="/", values=[output_of(evaluate, "evaluation"), "evaluation.json"]),
        content_type="application/json",
    )
    return ModelStep(
        name="Register",
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["text/csv", "application/json"],
            inference_instances=["ml.t2.medium", "ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="breast-cancer",
            approval_status=parameters["ModelApprovalStatus"],
            model_metrics=ModelMetrics(model_statistics=statistics),
        ),
    )


def gate_step(register):
    package = register.steps[0]
    return CallbackStep(
        name="DeployGate",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/deploy-gate",
        inputs={
            "ModelPackageArn": package.properties.ModelPackageArn,
            "Stage": "staging",
            "Question": "Deploy this model to staging?",
        },
        outputs=[],
    )


def output_of(step, name):
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
