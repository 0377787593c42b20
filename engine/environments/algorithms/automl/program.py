"""The job: read the data, search, and leave a model that serves and the reports on it."""

from __future__ import annotations

import json
import math
import pickle
import shutil
import sys
import time
import traceback
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np  # type: ignore[import-not-found,unused-ignore]
from sklearn.model_selection import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    KFold,
    StratifiedKFold,
)

from ..job import Tree
from . import data, inference, metrics, reports
from .candidates import Proposal, families, proposals, xgboost_is_here
from .pipelines import build
from .problem import AutoMLError, Plan, Problem, define
from .search import Budget, Candidate, line, search, weigh

FOLDS = 5
ENSEMBLE = "ensemble"
NAME_LIMIT = 64


def main(tree: Tree) -> int:
    """Do the job in a tree; returns its exit code, and leaves the reason where it fails."""
    warnings.filterwarnings("ignore")
    try:
        Job(tree, Plan.of(tree.read_config("automl.json"))).run()
    except AutoMLError as problem:
        tree.write_failure(str(problem))
        print(problem, flush=True)
        return 1
    except Exception as problem:
        traceback.print_exc(file=sys.stdout)
        tree.write_failure(f"{type(problem).__name__}: {problem}")
        return 1
    return 0


class Job:
    """One search."""

    def __init__(self, tree: Tree, plan: Plan) -> None:
        self._tree = tree
        self._plan = plan
        self._began = time.time()
        self._budget = Budget(plan.job_s, plan.candidate_s)
        frame = self._read("training")
        self._problem: Problem = define(list(frame[plan.target]), plan)
        self._kinds = data.kinds(frame, plan.target)
        whole = data.table(frame, plan.target, self._kinds, self._problem)
        self._train, self._validation = self._parts(whole)
        if math.isnan(self._objective(self._validation, self._blank(self._validation))):
            raise AutoMLError(
                f"{self._problem.objective} has no value on the validation data: it has too few"
                " rows or classes."
            )

    def _parts(self, whole: data.Table) -> tuple[data.Table, data.Table]:
        """The rows to train with and the rows to validate with."""
        plan, problem = self._plan, self._problem
        if not self._tree.channel("validation").is_dir():
            return data.split(whole, plan.validation_fraction, problem, plan.seed)
        rest = self._read("validation")
        if rest.empty:
            raise AutoMLError(f"The validation data has no rows with a value in {plan.target}.")
        return whole, data.table(rest, plan.target, self._kinds, problem)

    def _objective(self, table: data.Table, outputs: Any) -> float:
        return metrics.objective(self._problem, table.target, outputs)

    def _read(self, channel: str) -> inference.Frame:
        return data.read(self._tree.channel(channel), self._plan.target, self._plan.content_type)

    def run(self) -> None:
        """Search, and write what was found."""
        problem, plan = self._problem, self._plan
        print(
            f"{problem.kind} of {plan.target} by {problem.objective}:"
            f" {len(self._train.target)} rows to train with,"
            f" {len(self._validation.target)} to validate with, {len(self._kinds)} columns",
            flush=True,
        )
        tried = families(plan.algorithms, xgboost_is_here())
        # the ensemble is a candidate too, where there are two others to make it of
        count = plan.max_candidates - 1 if plan.max_candidates > 2 else plan.max_candidates
        say = partial(print, flush=True)
        found = search(proposals(tried, count, plan.seed), self._budget, self._try, say)
        complete = not self._budget.over
        good = [candidate for candidate in found if not candidate.reason]
        if plan.max_candidates > 2 and len(good) > 1:
            ensemble = self._ensemble(good, len(found) + 1)
            say(line(ensemble))
            found.append(ensemble)
        best = self._best(found)
        say(f"best: {self._name(best)}, {problem.objective} {best.score:g} (cross-validated)")
        self._write(found, best, complete)

    def _try(self, proposal: Proposal) -> Candidate:
        """Cross-validate a candidate, then fit it on every training row."""
        features, target = self._train.features, self._train.target
        classifies = self._problem.classifies
        make = partial(build, proposal, classifies, self._kinds, self._plan.seed)
        predictions = self._blank(self._train)
        for train, test in self._folds():
            pipeline = make().fit(features.iloc[train], target[train])
            predictions[test] = inference.member(pipeline, features.iloc[test], classifies)
        return Candidate(
            proposal.number,
            proposal.family,
            proposal.settings,
            self._objective(self._train, predictions),
            predictions,
            ((1.0, make().fit(features, target)),),
        )

    def _blank(self, table: data.Table) -> Any:
        """Predictions that know nothing: 0, or the same probability for each class."""
        rows, classes = len(table.target), len(self._problem.classes)
        return np.full((rows, classes), 1 / classes) if classes else np.zeros(rows)

    def _folds(self) -> Any:
        target, seed = self._train.target, self._plan.seed
        if not self._problem.classifies:
            return KFold(FOLDS, shuffle=True, random_state=seed).split(target)
        count = min(FOLDS, int(np.bincount(target).min()))
        return StratifiedKFold(count, shuffle=True, random_state=seed).split(target, target)

    def _ensemble(self, good: list[Candidate], number: int) -> Candidate:
        score = partial(self._objective, self._train)
        counts = weigh([one.predictions for one in good], score, self._problem.better)
        chosen = [(count / sum(counts), one) for count, one in zip(counts, good) if count]
        predictions = sum(weight * one.predictions for weight, one in chosen)
        return Candidate(
            number,
            ENSEMBLE,
            {f"candidate {one.number}": round(weight, 3) for weight, one in chosen},
            score(predictions),
            predictions,
            tuple((weight, one.members[0][1]) for weight, one in chosen),
        )

    def _best(self, found: list[Candidate]) -> Candidate:
        best = next(one for one in found if not one.reason)
        for candidate in found:
            if self._problem.better(candidate.score, best.score):
                best = candidate
        return best

    def _name(self, candidate: Candidate) -> str:
        return f"{candidate.family}-{candidate.number:03d}-{self._plan.job}"[:NAME_LIMIT].rstrip(
            "-"
        )

    def _model(self, candidate: Candidate) -> dict[str, Any]:
        return {
            "columns": list(self._kinds.items()),
            "classes": list(self._problem.classes),
            "members": list(candidate.members),
        }

    def _validated(self, candidate: Candidate) -> Any:
        return inference.outputs(self._model(candidate), self._validation.features)

    def _write(self, found: list[Candidate], best: Candidate, complete: bool) -> None:
        model, problem, tree = self._model(best), self._problem, self._tree
        code = tree.model / "code"
        code.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(inference.__file__, str(code / "inference.py"))
        with (tree.model / inference.MODEL).open("wb") as file:
            pickle.dump(model, file, protocol=4)
        predicted = self._validated(best)
        _write_json(
            tree.output_data / "statistics.json",
            reports.insights(problem, self._validation, predicted),
        )
        _write_json(
            tree.output_data / "analysis.json",
            reports.importance(problem, model, self._validation, self._plan.seed),
        )
        _write_json(
            tree.output_data / "candidates.json",
            {
                "ProblemType": problem.kind,
                "Objective": problem.objective,
                "Maximized": problem.maximized,
                "Complete": complete,
                "Began": self._began,
                "Ended": time.time(),
                "BestCandidateName": self._name(best),
                "Candidates": [self._described(one) for one in found],
            },
        )

    def _described(self, candidate: Candidate) -> dict[str, Any]:
        """An entry of the leaderboard."""
        entry = {
            "CandidateName": self._name(candidate),
            "CandidateStatus": "Failed" if candidate.reason else "Completed",
            "Algorithm": candidate.family,
            "Settings": dict(candidate.settings),
            "Seconds": round(candidate.seconds, 3),
        }
        if candidate.reason:
            return {**entry, "FailureReason": candidate.reason}
        truth, problem = self._validation.target, self._problem
        return {
            **entry,
            "CrossValidated": metrics.measure(problem, self._train.target, candidate.predictions),
            "Validation": metrics.measure(problem, truth, self._validated(candidate)),
        }


def _write_json(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
