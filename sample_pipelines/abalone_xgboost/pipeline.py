"""Preprocess -> Train (built-in XGBoost) -> Evaluate -> CheckMse -> register or fail."""

from __future__ import annotations

from pathlib import Path

import boto3
from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep

CODE = Path(__file__).resolve().parent / "code"


def get_pipeline(region, role=None, default_bucket=None, sagemaker_session=None):
    """The whole pipeline; ``InputData`` may be an S3 URI or a path beside the definition."""
    session = sagemaker_session or PipelineSession(
        boto_session=boto3.Session(region_name=region), default_bucket=default_bucket
    )
    input_data = ParameterString("InputData", default_value="data/abalone-synthetic.csv")
    rounds = ParameterInteger("NumRound", default_value=50)
    mse_threshold = ParameterFloat("MseThreshold", default_value=6.0)
    approval_status = ParameterString(
        "ModelApprovalStatus",
        default_value="PendingManualApproval",
        enum_values=["PendingManualApproval", "Approved", "Rejected"],
    )
    xgboost = image_uris.retrieve("xgboost", region=session.boto_region_name, version="1.7-1")
    cache = CacheConfig(enable_caching=True, expire_after="P30D")

    preprocess = preprocess_step(session, role, input_data, cache)
    train = train_step(session, role, xgboost, rounds, preprocess, cache)
    report = PropertyFile("EvaluationReport", output_name="evaluation", path="evaluation.json")
    evaluate = evaluate_step(session, role, xgboost, report, preprocess, train)
    register = register_step(session, role, xgboost, approval_status, train, evaluate)
    mse = JsonGet(
        step_name=evaluate.name, property_file=report, json_path="regression_metrics.mse.value"
    )
    check_mse = ConditionStep(
        name="CheckMse",
        conditions=[ConditionLessThanOrEqualTo(mse, mse_threshold)],
        if_steps=[register],
        else_steps=[
            FailStep(
                name="MseTooHigh",
                error_message=Join(
                    on=" ", values=["The MSE on the test set is above", mse_threshold]
                ),
            )
        ],
    )
    return Pipeline(
        name="abalone-xgboost",
        parameters=[input_data, rounds, mse_threshold, approval_status],
        steps=[preprocess, train, evaluate, check_mse],
        sagemaker_session=session,
    )


def preprocess_step(session, role, input_data, cache):
    processor = SKLearnProcessor(
        framework_version="1.2-1",
        role=role,
        instance_type="ml.m5.xlarge",
        instance_count=1,
        sagemaker_session=session,
    )
    return ProcessingStep(
        name="Preprocess",
        step_args=processor.run(
            code=str(CODE / "preprocess.py"),
            inputs=[
                ProcessingInput(input_data, "/opt/ml/processing/input/data", input_name="data")
            ],
            outputs=[
                ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}")
                for name in ("train", "validation", "test")
            ],
        ),
        cache_config=cache,
    )


def train_step(session, role, image, rounds, preprocess, cache):
    estimator = Estimator(
        image_uri=image,
        role=role,
        instance_type="ml.m5.xlarge",
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
        disable_profiler=True,
        debugger_hook_config=False,
        sagemaker_session=session,
    )
    estimator.set_hyperparameters(
        objective="reg:squarederror",
        eval_metric="rmse",
        num_round=rounds,
        max_depth=4,
        eta=0.2,
        gamma=4,
        min_child_weight=6,
        subsample=0.7,
        seed=7,
    )
    channels = {
        name: TrainingInput(output_of(preprocess, name), content_type="text/csv")
        for name in ("train", "validation")
    }
    return TrainingStep(name="Train", step_args=estimator.fit(channels), cache_config=cache)


def evaluate_step(session, role, image, report, preprocess, train):
    processor = ScriptProcessor(
        image_uri=image,
        command=["python3"],
        role=role,
        instance_type="ml.m5.xlarge",
        instance_count=1,
        sagemaker_session=session,
    )
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


def register_step(session, role, image, approval_status, train, evaluate):
    model = Model(
        image_uri=image,
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
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
            response_types=["text/csv"],
            inference_instances=["ml.t2.medium", "ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="abalone",
            approval_status=approval_status,
            model_metrics=ModelMetrics(model_statistics=statistics),
        ),
    )


def output_of(step, name):
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
