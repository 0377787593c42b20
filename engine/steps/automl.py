"""AutoML: a search of our own in place of Autopilot's ensembling mode (sections 1.4 and 3.7).

The search runs as one job in the environment of ``IMAGE``, and that image is the best candidate's
container: what trained the model is what serves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.algorithms.automl.problem import CONTENT_TYPES, CSV, OBJECTIVES
from engine.environments.grade import Grade
from engine.environments.programs import FOLDER
from engine.errors import JobError, PlanError
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import (
    Prepared,
    beside_containers,
    job_environment,
    prepare_environment,
)
from engine.steps.hosts import Host, collect, job_outcome, job_status, jobs_on, positive
from engine.steps.inputs import bring, mappings, section
from engine.steps.json_files import read_json
from engine.storage.archive import pack

Json = Mapping[str, Any]

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
"""The image of the catalogue that holds scikit-learn and XGBoost."""
STAND_IN = (
    "PipeTUI's own search over scikit-learn and XGBoost models, not SageMaker Autopilot;"
    " its explainability report is permutation importance, not Clarify's"
)
SEED = 0
MAX_CANDIDATES = 10
VALIDATION_FRACTION = 0.2
"""The service's defaults."""
_CHANNELS = ("training", "validation")
_REPORTS = "/opt/ml/output/data"
_MODEL = "/opt/ml/model"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Results that do not depend on the host's processors."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the search left, as stored.

    Attributes:
        leaderboard: of ``candidates.json``; empty where the job left none.
        model, insights, explainability: URIs.
    """

    leaderboard: Json
    model: str = ""
    insights: str = ""
    explainability: str = ""

    @property
    def best(self) -> Json:
        """The best candidate's entry in the leaderboard."""
        name = self.leaderboard["BestCandidateName"]
        entries: list[Json] = self.leaderboard["Candidates"]
        return next(entry for entry in entries if entry["CandidateName"] == name)


class AutoMLStep:
    """Runs CreateAutoMLJob requests of mode ENSEMBLING."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Another mode, and settings whose effect a search here does not have."""
        problem = _problem(step.arguments)
        if problem is None:
            return None
        code, words, hint = problem
        return PlanError(f"{step.name}: {words}", code=code, hint=hint, path=step.path)

    def stand_in(self, step: Step, config: Config) -> str:
        """Autopilot and its reports are closed."""
        return STAND_IN + beside_containers(config)

    async def run(self, context: StepContext) -> Outcome:
        """Search, store the best model and the reports on it."""
        if problem := _problem(context.arguments):
            code, words, hint = problem
            raise JobError(f"ClientError: {words}", code=code, hint=hint)
        plan = _plan(context.arguments, context.job_name)
        prepared = _labelled(await prepare_environment(context, IMAGE))
        host = Host(0, 1, context.directory)
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(_lay_out, context, host, plan)
        command = (prepared.python, str(FOLDER), "automl", "--root", "/opt/ml")
        environment = job_environment(context, prepared, _ONE_THREAD)
        jobs = jobs_on([host], context, "", command, environment)
        context.doing("searching")
        end = await context.run_jobs(jobs, prepared.description, None)
        context.doing("storing the best candidate")
        found, note = await collect(
            context, end, partial(_store, context, host, end), Found(leaderboard={})
        )
        properties = _described(context, end, plan, found)
        metadata = {"AutoMLJob": {"Arn": properties["AutoMLJobArn"]}}
        return job_outcome(end, [host], "Processing", None, properties, metadata, note)


def _problem(arguments: Json) -> tuple[str, str, str] | None:
    """Why a request cannot be done: code, words and hint; values may be unresolved."""
    config = section(arguments, "AutoMLJobConfig")
    mode = config.get("Mode")
    if mode != "ENSEMBLING" and not isinstance(mode, Mapping):
        return (
            "automl-mode-unsupported",
            f"AutoMLJobConfig.Mode is {mode}, and AutoML steps have ENSEMBLING alone",
            "Set AutoMLJobConfig.Mode to ENSEMBLING.",
        )
    channels = mappings(arguments.get("InputDataConfig"))
    unsupported = {
        "GenerateCandidateDefinitionsOnly": arguments.get("GenerateCandidateDefinitionsOnly"),
        "ModelDeployConfig": arguments.get("ModelDeployConfig"),
        "FeatureSpecificationS3Uri": section(config, "CandidateGenerationConfig").get(
            "FeatureSpecificationS3Uri"
        ),
        "SampleWeightAttributeName": any("SampleWeightAttributeName" in one for one in channels),
    }
    if named := next((name for name, value in unsupported.items() if value), ""):
        return (
            "automl-setting-unsupported",
            f"{named} has no effect on the search that stands in for Autopilot",
            f"Leave {named} out, or run the pipeline on AWS.",
        )
    if not section(arguments, "OutputDataConfig").get("S3OutputPath"):
        return (
            "automl-output-missing",
            "OutputDataConfig has no S3OutputPath",
            "Say where the model and the reports are to be stored.",
        )
    return _channel_problem(channels) or _objective_problem(arguments)


def _channel_problem(channels: list[Json]) -> tuple[str, str, str] | None:
    types = [channel.get("ChannelType") or "training" for channel in channels]
    if not any(isinstance(one, Mapping) for one in types) and types.count("training") != 1:
        return (
            "automl-channels-invalid",
            "InputDataConfig needs one channel of ChannelType training",
            "Give one training channel, and at most one of ChannelType validation.",
        )
    for channel in channels:
        if not channel.get("TargetAttributeName"):
            return (
                "automl-target-missing",
                "a channel of InputDataConfig names no TargetAttributeName",
                "Name the column that is to be predicted.",
            )
        content_type = channel.get("ContentType") or CSV[0]
        if not isinstance(content_type, Mapping) and content_type not in CONTENT_TYPES:
            return (
                "automl-content-unsupported",
                f"ContentType {content_type} is not read here",
                f"It is one of {', '.join(CONTENT_TYPES)}.",
            )
    return None


def _objective_problem(arguments: Json) -> tuple[str, str, str] | None:
    kind = arguments.get("ProblemType")
    if isinstance(kind, Mapping) or not kind:
        return None
    if kind not in OBJECTIVES:
        return (
            "automl-problem-unknown",
            f"there is no ProblemType {kind}",
            f"It is one of {', '.join(OBJECTIVES)}.",
        )
    metric = section(arguments, "AutoMLJobObjective").get("MetricName")
    if isinstance(metric, Mapping) or not metric or metric in OBJECTIVES[kind]:
        return None
    return (
        "automl-objective-unsupported",
        f"{metric} is no objective of a {kind} problem",
        f"It is one of {', '.join(OBJECTIVES[kind])}.",
    )


def _plan(arguments: Json, job: str) -> dict[str, Any]:
    """What the job is told. Errors: ``JobError`` (``job-setting-invalid``)."""
    config = section(arguments, "AutoMLJobConfig")
    limits = section(config, "CompletionCriteria")
    training = _channels(arguments)["training"]
    algorithms = [
        str(name)
        for one in mappings(section(config, "CandidateGenerationConfig").get("AlgorithmsConfig"))
        for name in one.get("AutoMLAlgorithms") or ()
    ]

    def limit(name: str) -> float | None:
        return positive(name, limits.get(name))

    return {
        "job": job,
        "target": str(training["TargetAttributeName"]),
        "problem": str(arguments.get("ProblemType") or ""),
        "objective": str(section(arguments, "AutoMLJobObjective").get("MetricName") or ""),
        "content_type": str(training.get("ContentType") or CSV[0]),
        "max_candidates": int(limit("MaxCandidates") or MAX_CANDIDATES),
        "job_s": limit("MaxAutoMLJobRuntimeInSeconds"),
        "candidate_s": limit("MaxRuntimePerTrainingJobInSeconds"),
        "validation_fraction": _fraction(section(config, "DataSplitConfig")),
        "algorithms": algorithms,
        "seed": SEED,
    }


def _fraction(split: Json) -> float:
    given = split.get("ValidationFraction")
    try:
        value = VALIDATION_FRACTION if given is None else float(given)
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value < 1:
        raise JobError(
            f"ClientError: ValidationFraction cannot be {given!r}",
            code="job-setting-invalid",
            hint="ValidationFraction is a number between 0 and 1.",
        )
    return value


def _channels(arguments: Json) -> dict[str, Json]:
    return {
        str(one.get("ChannelType") or "training"): one
        for one in mappings(arguments.get("InputDataConfig"))
    }


def _labelled(prepared: Prepared) -> Prepared:
    """The environment as a stand-in for Autopilot, whatever it is for ``IMAGE``."""
    notes = [STAND_IN, *prepared.description["Notes"]]
    return replace(
        prepared, description={**prepared.description, "Grade": Grade.FAR.value, "Notes": notes}
    )


def _lay_out(context: StepContext, host: Host, plan: Json) -> None:
    """Make ``/opt/ml`` with the channels and the plan."""
    for name, channel in _channels(context.arguments).items():
        bring(
            context.services.tree,
            host,
            section(section(channel, "DataSource"), "S3DataSource"),
            host.ml.make(f"/opt/ml/input/data/{name}", below="/opt/ml/input/data"),
            what=f"channel {name}",
            compression=channel.get("CompressionType"),
        )
    host.ml.make(_MODEL)
    host.ml.make(_REPORTS)
    host.ml.write_json("/opt/ml/input/config/automl.json", plan)


def _store(context: StepContext, host: Host, end: JobsEnd) -> Found:
    """Store the best model and the reports of a job that did its work, where the service does."""
    if not end.ok:
        return Found(leaderboard={})
    tree, reports = context.services.tree, host.ml.host_path(_REPORTS)
    leaderboard = read_json((reports / "candidates.json").read_bytes())
    name = leaderboard["BestCandidateName"]
    path = str(section(context.arguments, "OutputDataConfig").get("S3OutputPath") or "")
    base = f"{path.rstrip('/')}/{context.job_name}"
    found = Found(
        leaderboard,
        model=f"{base}/sagemaker-automl-candidates/{name}/model.tar.gz",
        insights=f"{base}/documentation/model_monitor/output/{name}/statistics.json",
        explainability=f"{base}/documentation/explainability/output/{name}/analysis.json",
    )
    archive = context.directory / "model.tar.gz"
    pack(host.ml.host_path(_MODEL), archive)
    tree.put(found.model, archive)
    archive.unlink()
    tree.put(found.insights, reports / "statistics.json")
    tree.put(found.explainability, reports / "analysis.json")
    tree.put(f"{base}/sagemaker-automl-candidates/candidates.json", reports / "candidates.json")
    return found


def _described(context: StepContext, end: JobsEnd, plan: Json, found: Found) -> dict[str, Any]:
    """The properties: DescribeAutoMLJob's, and the paths of the best candidate's reports."""
    status = job_status(end)
    properties = {
        **context.arguments,
        "AutoMLJobName": context.job_name,
        "AutoMLJobArn": local_arn("automl-job", context.job_name),
        "AutoMLJobStatus": status,
        "AutoMLJobSecondaryStatus": status,
    }
    if not found.leaderboard:
        return properties
    board = found.leaderboard
    if not board["Complete"]:
        properties["AutoMLJobSecondaryStatus"] = "MaxAutoMLJobRuntimeReached"
    return {
        **properties,
        "CreationTime": board["Began"],
        "LastModifiedTime": board["Ended"],
        "EndTime": board["Ended"],
        "ResolvedAttributes": {
            "AutoMLJobObjective": {"MetricName": board["Objective"]},
            "ProblemType": board["ProblemType"],
            "CompletionCriteria": _criteria(plan),
        },
        "BestCandidate": _best_candidate(found),
        "BestCandidateProperties": {
            "ModelInsightsJsonReportPath": found.insights,
            "ExplainabilityJsonReportPath": found.explainability,
        },
    }


def _criteria(plan: Json) -> dict[str, Any]:
    given = {
        "MaxCandidates": plan["max_candidates"],
        "MaxRuntimePerTrainingJobInSeconds": plan["candidate_s"],
        "MaxAutoMLJobRuntimeInSeconds": plan["job_s"],
    }
    return {name: int(value) for name, value in given.items() if value is not None}


def _best_candidate(found: Found) -> dict[str, Any]:
    """An AutoMLCandidate; its metrics are those of the rows it was not trained with."""
    board, best = found.leaderboard, found.best
    objective, measured = board["Objective"], best["Validation"]
    metrics = [
        {"StandardMetricName": name, "Value": value, "Set": "Validation"}
        | ({} if name == "LogLoss" else {"MetricName": name})
        for name, value in measured.items()
    ]
    return {
        "CandidateName": best["CandidateName"],
        "CandidateStatus": "Completed",
        "ObjectiveStatus": "Succeeded",
        "CandidateSteps": [],
        "CreationTime": board["Began"],
        "LastModifiedTime": board["Ended"],
        "EndTime": board["Ended"],
        "FinalAutoMLJobObjectiveMetric": {
            "Type": "Maximize" if board["Maximized"] else "Minimize",
            "MetricName": objective,
            "StandardMetricName": objective,
            "Value": measured[objective],
        },
        "InferenceContainers": [
            {"Image": IMAGE, "ModelDataUrl": found.model, "Environment": _serving(board, best)}
        ],
        "CandidateProperties": {
            "CandidateArtifactLocations": {
                "Explainability": found.explainability.rpartition("/")[0],
                "ModelInsights": found.insights.rpartition("/")[0],
            },
            "CandidateMetrics": metrics,
        },
    }


def _serving(board: Json, best: Json) -> dict[str, str]:
    """The container's variables, every one that the SDK's ``get_best_auto_ml_model`` reads."""
    supported = "predicted_label"
    if board["ProblemType"] != "Regression":
        supported += ",probability,probabilities,labels"
    return {
        "MODEL_NAME": best["CandidateName"],
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": supported,
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }
