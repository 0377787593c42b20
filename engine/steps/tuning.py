"""Tuning: training jobs with hyperparameters that a search chooses, and their leaderboard."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from engine import ids
from engine.config import Config
from engine.definition.document import Step
from engine.definition.expressions import scan
from engine.errors import DefinitionError, PlanError
from engine.jobs.attempt import LOG
from engine.model.status import StepStatus
from engine.model.views import local_arn
from engine.steps.base import Child, Outcome, StepContext, failed, succeeded
from engine.steps.container import prepare
from engine.steps.inputs import mappings, section
from engine.steps.metrics import MetricDefinition, metric_definitions
from engine.steps.training import TrainingStep, image_of, wants_program
from engine.steps.tuning_files import ObjectiveLog, TuningFiles, keep_record, read_record
from engine.tuning.leaderboard import (
    SUMMARIES,
    TrainingJob,
    best_of,
    counters,
    line,
    ranked,
    summary,
)
from engine.tuning.request import NEEDS_OPTUNA, Algorithm, TuningRequest, read_request
from engine.tuning.search import Search, open_search
from engine.tuning.stopping import completion, falls_behind
from engine.tuning.warm_start import Record, best_overall, observations, record_of

WATCH_S = 0.25
"""How often the log of a training job that may be stopped early is looked at."""
LOST_TURNS = 3
"""How often a training job is started that gets lost (host restart, killed supervisor)."""
TRAINING = TrainingStep()


class TuningStep:
    """Runs CreateHyperParameterTuningJob requests; each training job is run as a Training step."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """A request that cannot be read, Optuna missing, or a training job that cannot run here.

        What an expression stands for is seen at the step's start.
        """
        if scan(dict(step.arguments)).references:
            return None
        try:
            request = read_request(step.arguments)
            training = [one.training_request({}, "job") for one in request.algorithms]
            if request.strategy in NEEDS_OPTUNA:
                from engine.tuning.study import require_optuna

                require_optuna()
        except (DefinitionError, PlanError) as problem:
            return PlanError(
                f"{step.name}: {problem.message}",
                code=problem.code,
                hint=problem.hint,
                path=step.path,
            )
        refusals = (TRAINING.refuse(replace(step, arguments=one), config) for one in training)
        return next(filter(None, refusals), None)

    def stand_in(self, step: Step, config: Config) -> str:
        """None, the jobs are run for real; but what stands in for part of them is said."""
        given = [
            step.arguments.get("TrainingJobDefinition"),
            *mappings(step.arguments.get("TrainingJobDefinitions")),
        ]
        jobs = (replace(step, arguments=one) for one in given if isinstance(one, Mapping))
        told = dict.fromkeys(TRAINING.stand_in(job, config) for job in jobs)
        return "; ".join(filter(None, told))

    async def run(self, context: StepContext) -> Outcome:
        """Run training jobs until a limit or a criterion ends it."""
        request = read_request(context.arguments)
        warm = request.warm_start
        parents = (
            [read_record(context.services.home, name) for name in warm.parents] if warm else []
        )
        known = observations(parents, warm, request.algorithms[0]) if warm else []
        seed = context.job_name if request.seed is None else str(request.seed)
        searches: list[Search] = []
        for number, algorithm in enumerate(request.algorithms):
            # Here it is told that an environment is being built; training jobs find it there.
            job, config = algorithm.definition, context.services.config
            await prepare(context, image_of(job), program=wants_program(job, config))
            of_its_own = f"{seed}/{number}"
            searches.append(
                await context.in_thread(open_search, request, algorithm, of_its_own, known)
            )
        tuning = _TuningJob(context, request, searches)
        await tuning.run()
        return tuning.outcome(parents)


class _TuningJob:
    """A tuning job at work: so many workers run training jobs one after the other."""

    def __init__(
        self, context: StepContext, request: TuningRequest, searches: list[Search]
    ) -> None:
        self._context = context
        self._request = request
        self._searches = searches
        self._files = TuningFiles(context.directory)
        self._jobs = {job.number: job for job in self._files.jobs()}
        self._left = [job for job in self._jobs.values() if not job.ended]
        self._began = min((job.created_at for job in self._jobs.values()), default=time.time())
        self._running: dict[int, Child] = {}
        self._stopped_because: dict[int, str] = {}
        self._complete = ""
        self._cut_short = False
        self._metrics = [_objective_metric(one) for one in request.algorithms]
        for job in self._jobs.values():
            searches[job.algorithm].recall(job.number, job.tuned)
        for job in self._jobs.values():
            if job.ended:
                self._teach(job)

    async def run(self) -> None:
        """Run training jobs, as many at once as the limits allow, until there is no other one."""
        self._end_where_criteria_hold()
        timer = None
        if self._request.max_runtime_s is not None:
            left = self._began + self._request.max_runtime_s - time.time()
            timer = asyncio.get_running_loop().call_later(
                max(0.0, left), self._end, "MaxRuntimeInSeconds is over"
            )
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._request.max_parallel, self._context.max_parallel)):
                    workers.create_task(self._work())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            if timer is not None:
                timer.cancel()

    async def _work(self) -> None:
        while (job := self._next()) is not None:
            await self._run(job)

    def _next(self) -> TrainingJob | None:
        """The next training job: one that an earlier runner began, or a new one, on record."""
        if self._left:
            return self._left.pop(0)
        number = len(self._jobs) + 1
        most = self._request.max_jobs
        if self._complete or (most is not None and number > most):
            return None
        if self._context.stopping:
            self._cut_short = True
            return None
        for turn in range(len(self._searches)):
            algorithm = (number - 1 + turn) % len(self._searches)
            point = self._searches[algorithm].propose(number)
            if point is not None:
                name = ids.child_job_name(self._context.job_name, number)
                job = TrainingJob(number, name, algorithm, dict(point), time.time())
                self._jobs[number] = job
                self._files.keep(job)
                return job
        return None

    async def _run(self, job: TrainingJob) -> None:
        """Run a training job to its end; one that gets lost is started again."""
        algorithm = self._request.algorithms[job.algorithm]
        arguments = algorithm.training_request(job.tuned, job.name)
        for turn in range(1, LOST_TURNS + 1):
            folder = f"{job.number:03d}" + (f".{turn}" if turn > 1 else "")
            begun = job.created_at if (self._files.children / folder).is_dir() else None
            child = self._context.child(folder, arguments, job.name, begun)
            log = ObjectiveLog(child.directory / LOG, self._metrics[job.algorithm])
            self._running[job.number] = child
            try:
                outcome = await self._watched(job, child, log)
            finally:
                del self._running[job.number]
            if not outcome.lost or child.stopping:
                break
        await self._context.in_thread(partial(log.look, ended=True))
        if child.stopping and job.number not in self._stopped_because:
            self._cut_short = True
        self._settle(job, outcome, tuple(log.values))
        inputs = child.directory / "ml" / "input" / "data"
        await self._context.in_thread(shutil.rmtree, inputs, True)

    async def _watched(self, job: TrainingJob, child: Child, log: ObjectiveLog) -> Outcome:
        """Run a training job, and stop it early where a rule says so."""
        if not (self._request.early_stopping or self._request.resources):
            return await child.act(TRAINING)
        watcher = asyncio.create_task(self._watch(job, child, log))
        try:
            return await child.act(TRAINING)
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def _watch(self, job: TrainingJob, child: Child, log: ObjectiveLog) -> None:
        """Judge a training job after each epoch; one that cannot be judged is stopped as well."""
        try:
            await self._judge(job, child, log)
        except Exception:
            child.stop()
            raise

    async def _judge(self, job: TrainingJob, child: Child, log: ObjectiveLog) -> None:
        search = self._searches[job.algorithm]
        objective = self._request.algorithms[job.algorithm].objective
        epoch = 0
        while True:
            log.look()
            while epoch < len(log.values) and not child.stopping:
                epoch += 1
                why = ""
                if search.report(job.number, epoch, log.values[epoch - 1]):
                    why = f"Hyperband gave it {epoch} epochs"
                elif self._request.early_stopping and falls_behind(
                    log.values[:epoch], self._histories(job.algorithm), objective
                ):
                    why = f"early stopping after epoch {epoch}"
                if why:
                    self._stopped_because[job.number] = why
                    child.stop()
            await asyncio.sleep(WATCH_S)

    def _histories(self, algorithm: int) -> list[tuple[float, ...]]:
        return [
            job.values
            for job in self._jobs.values()
            if job.algorithm == algorithm and job.status == "Completed"
        ]

    def _settle(self, job: TrainingJob, outcome: Outcome, values: tuple[float, ...]) -> None:
        """Put a training job's end on record, learn from it, and say so."""
        status = {StepStatus.SUCCEEDED: "Completed", StepStatus.STOPPED: "Stopped"}
        artifacts = section(outcome.properties, "ModelArtifacts")
        job = replace(
            job,
            status=status.get(outcome.status, "Failed"),
            values=values,
            ended_at=time.time(),
            model=str(artifacts.get("S3ModelArtifacts", "")),
            failure_reason=outcome.reason,
            stopped_because=self._stopped_because.get(job.number, ""),
        )
        self._jobs[job.number] = job
        self._files.keep(job)
        self._teach(job)
        best = best_of(self._jobs.values(), self._request.objective)
        self._files.say(line(job, self._request.algorithms[job.algorithm], best))
        self._files.show_leaderboard(self._leaderboard())
        ended = sum(one.ended for one in self._jobs.values())
        words = f"{ended} of {self._request.max_jobs or len(self._jobs)} training jobs"
        if best is not None:
            words += f", best {self._request.objective.metric} {best.objective:g}"
        self._context.progress(words, self._metadata())
        self._end_where_criteria_hold()

    def _teach(self, job: TrainingJob) -> None:
        """Tell the search what came of a training job, epoch by epoch."""
        search = self._searches[job.algorithm]
        for epoch, value in enumerate(job.values, 1):
            search.report(job.number, epoch, value)
        search.settle(job.number, job.objective, stopped=job.status == "Stopped")

    def _end_where_criteria_hold(self) -> None:
        ended = sorted(
            (job for job in self._jobs.values() if job.objective is not None),
            key=lambda job: job.ended_at or 0.0,
        )
        values = [job.objective for job in ended if job.objective is not None]
        tuned = max(len(one.ranges) for one in self._request.algorithms)
        why = completion(values, self._request.criteria, self._request.objective, tuned)
        if why:
            self._end(why)

    def _end(self, why: str) -> None:
        """Start no other training job, and stop those that run."""
        if self._complete:
            return
        self._complete = why
        self._files.say(f"complete: {why}")
        for number, child in self._running.items():
            self._stopped_because.setdefault(number, "the tuning job is complete")
            child.stop()

    def outcome(self, parents: Sequence[Record]) -> Outcome:
        """What the training jobs mean for the step; leaves a record of them in the home."""
        name, objective = self._context.job_name, self._request.objective
        jobs = ranked(self._jobs.values(), objective)
        best = best_of(jobs, objective)
        status = "Stopped" if self._cut_short else "Completed" if best else "Failed"
        keep_record(self._context.services.home, record_of(name, status, self._request, jobs))
        properties, metadata = self._described(status, jobs, parents), self._metadata()
        if self._cut_short:
            return Outcome(StepStatus.STOPPED, properties, metadata)
        if best is not None:
            note = f"Complete: {self._complete}." if self._complete else ""
            return succeeded(properties, metadata, note)
        reason, code = _no_best(jobs)
        return failed(reason, code, {**properties, "FailureReason": reason}, metadata)

    def _metadata(self) -> dict[str, Any]:
        arn = local_arn("hyper-parameter-tuning-job", self._context.job_name)
        return {"TuningJob": {"Arn": arn}}

    def _leaderboard(self) -> dict[str, Any]:
        objective, jobs = self._request.objective, list(self._jobs.values())
        return {
            "HyperParameterTuningJobName": self._context.job_name,
            "Objective": {"Type": objective.type, "MetricName": objective.metric},
            **counters(jobs),
            "TrainingJobSummaries": [
                {**self._summary(job), "ModelArtifacts": {"S3ModelArtifacts": job.model}}
                for job in ranked(jobs, objective)
            ],
        }

    def _summary(self, job: TrainingJob) -> dict[str, Any]:
        algorithm = self._request.algorithms[job.algorithm]
        return summary(job, algorithm, self._context.job_name)

    def _described(
        self, status: str, jobs: list[TrainingJob], parents: Sequence[Record]
    ) -> dict[str, Any]:
        """The properties: Describe and ListTrainingJobs of a tuning job, merged."""
        request, now = self._request, time.time()
        summaries = [self._summary(job) for job in jobs[:SUMMARIES]]
        seconds = sum((job.ended_at or now) - job.created_at for job in jobs)
        properties = {
            **self._context.arguments,
            "HyperParameterTuningJobName": self._context.job_name,
            "HyperParameterTuningJobArn": self._metadata()["TuningJob"]["Arn"],
            "HyperParameterTuningJobStatus": status,
            "CreationTime": self._began,
            "LastModifiedTime": now,
            "HyperParameterTuningEndTime": now,
            **counters(jobs),
            "TrainingJobSummaries": summaries,
            "ConsumedResources": {"RuntimeInSeconds": round(seconds)},
        }
        if best_of(jobs, request.objective):
            properties["BestTrainingJob"] = summaries[0]
        if request.warm_start and request.warm_start.identical:
            overall = best_overall(parents, properties.get("BestTrainingJob"), request.objective)
            if overall is not None:
                properties["OverallBestTrainingJob"] = overall
        return properties


def _objective_metric(algorithm: Algorithm) -> list[MetricDefinition]:
    """How the objective is found in a training job's log."""
    request = algorithm.training_request({}, "")
    declared = request["AlgorithmSpecification"]["MetricDefinitions"]
    metric = algorithm.objective.metric
    return metric_definitions([one for one in declared if one.get("Name") == metric])


def _no_best(jobs: list[TrainingJob]) -> tuple[str, str]:
    """Why a tuning job without an objective failed, and the error's code."""
    reason = next((job.failure_reason for job in jobs if job.failure_reason), "")
    if reason:
        return f"{reason} (none of {len(jobs)} training jobs succeeded)", "tuning-all-failed"
    return (
        f"ClientError: No objective metrics found after running {len(jobs)} training jobs. Please"
        " ensure that the custom algorithm is emitting the objective metric as defined by the"
        " regular expression provided.",
        "tuning-no-objective",
    )
