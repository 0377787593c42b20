"""Tune -> Report: a search over five hyperparameters, and the winner's model by its place."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
)
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.functions import Join
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import ProcessingStep, TuningStep

HERE = Path(__file__).resolve().parent
SKLEARN = "1.2-1"
HOST_IMAGE = "local/host:latest"


def get_pipeline(region, role=None, default_bucket=None, sagemaker_session=None):
    """The whole pipeline; strategy, budget and seed are parameters."""
    session = sagemaker_session or PipelineSession(
        boto_session=boto3.Session(region_name=region), default_bucket=default_bucket
    )
    parameters = {
        "Strategy": ParameterString(
            "Strategy", default_value="Random", enum_values=["Random", "Bayesian", "Hyperband"]
        ),
        "Jobs": ParameterInteger("Jobs", default_value=30),
        "Parallel": ParameterInteger("Parallel", default_value=2),
        "Seed": ParameterInteger("Seed", default_value=1),
        "EarlyStopping": ParameterString(
            "EarlyStopping", default_value="Off", enum_values=["Off", "Auto"]
        ),
        "SecondsPerEpoch": ParameterFloat("SecondsPerEpoch", default_value=0.0),
    }
    tune = tune_step(session, role, parameters)
    return Pipeline(
        name="tuning",
        parameters=list(parameters.values()),
        steps=[tune, report_step(session, role, tune)],
        sagemaker_session=session,
    )


def models_of_execution(session):
    folder = [session.default_bucket(), "tuning", ExecutionVariables.PIPELINE_EXECUTION_ID]
    return Join(on="/", values=["s3:/", *folder, "models"])


def tune_step(session, role, parameters):
    estimator = Estimator(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version=SKLEARN),
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        output_path=models_of_execution(session),
        hyperparameters={
            "epochs": 9,
            "seconds-per-epoch": parameters["SecondsPerEpoch"].to_string(),
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps("train"),
        },
        sagemaker_session=session,
    )
    tuner = HyperparameterTuner(
        estimator,
        objective_metric_name="validation:loss",
        objective_type="Minimize",
        metric_definitions=[
            {"Name": "validation:loss", "Regex": "validation_loss=([0-9.]+)"},
        ],
        hyperparameter_ranges={
            "rate": ContinuousParameter(0.00001, 1.0, scaling_type="Logarithmic"),
            "momentum": ContinuousParameter(0.0, 0.99),
            "penalty": ContinuousParameter(0.000001, 10.0, scaling_type="Logarithmic"),
            "hidden": IntegerParameter(4, 128, scaling_type="Logarithmic"),
            "activation": CategoricalParameter(["relu", "tanh", "logistic"]),
        },
        strategy=parameters["Strategy"],
        max_jobs=parameters["Jobs"],
        max_parallel_jobs=parameters["Parallel"],
        early_stopping_type=parameters["EarlyStopping"],
        random_seed=parameters["Seed"],
    )
    return TuningStep(name="Tune", step_args=tuner.fit())


def report_step(session, role, tune):
    shell = ScriptProcessor(
        image_uri=HOST_IMAGE,
        command=["/bin/sh"],
        role=role,
        instance_type="ml.t3.medium",
        instance_count=1,
        sagemaker_session=session,
    )
    best = tune.properties.BestTrainingJob
    model = Join(
        on="/",
        values=[
            models_of_execution(session),
            tune.properties.TrainingJobSummaries[0].TrainingJobName,
            "output/model.tar.gz",
        ],
    )
    value = best.FinalHyperParameterTuningJobObjectiveMetric.Value
    return ProcessingStep(
        name="Report",
        step_args=shell.run(
            code=str(HERE / "code" / "report.sh"),
            arguments=[
                best.TrainingJobName,
                value.to_string(),
                tune.properties.TrainingJobSummaries[1].TrainingJobName,
            ],
            inputs=[ProcessingInput(model, "/opt/ml/processing/model")],
            outputs=[ProcessingOutput(output_name="report", source="/opt/ml/processing/report")],
        ),
    )
