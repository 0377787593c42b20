"""The job of a QualityCheck step: statistics, constraints and violations of a dataset.

Everything it is told comes as environment variables, as with Model Monitor's analyzer;
``baseline_statistics`` and ``baseline_constraints`` name the earlier files to compare with.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..job import Tree
from . import constraints as limits
from . import model_quality
from .dataset import Dataset, load_function, read
from .job import VIOLATIONS_FILE, CheckError, baseline, closing_message, run, write_json
from .profile import profile, statistics


def main(tree: Tree) -> int:
    """Do the job in a tree; returns its exit code, and leaves the reason where it fails."""
    return run(examine, tree.root, os.environ)


def examine(root: Path, environment: Mapping[str, str]) -> str:
    """Write the files of a quality check below ``output_path``; returns the exit message."""
    output = Path(environment.get("output_path") or root / "processing" / "output")
    dataset = _dataset(root, environment)
    print(f"{dataset.item_count} rows, {len(dataset.columns)} columns")
    earlier = {
        name: baseline(environment, f"baseline_{name}") for name in ("statistics", "constraints")
    }
    if environment.get("analysis_type") == "MODEL_QUALITY":
        measured, suggested, violations = _model_quality(dataset, environment, earlier)
    else:
        measured, suggested, violations = _data_quality(dataset, environment, earlier)
    write_json(output / "statistics.json", measured)
    write_json(output / "constraints.json", suggested)
    if violations is not None:
        write_json(output / VIOLATIONS_FILE, {"violations": violations})
        for violation in violations:
            print("violation:", json.dumps(violation))
    script = environment.get("post_analytics_processor_script")
    if script:
        load_function(script, "postprocess_handler")()
    return closing_message(violations or ())


def _dataset(root: Path, environment: Mapping[str, str]) -> Dataset:
    source = environment.get("dataset_source")
    default = root / "processing" / "input" / "baseline_dataset_input"
    try:
        layout = json.loads(environment.get("dataset_format") or "{}")
    except ValueError as problem:
        raise CheckError(f"dataset_format is not JSON: {problem}") from problem
    script = environment.get("record_preprocessor_script")
    handler = load_function(script, "preprocess_handler") if script else None
    return read(Path(source) if source else default, layout, handler)


def _data_quality(
    dataset: Dataset, environment: Mapping[str, str], earlier: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], Sequence[Mapping[str, str]] | None]:
    columns = profile(dataset)
    violations = None
    if earlier["constraints"] is not None:
        violations = limits.evaluate(
            columns,
            earlier["constraints"],
            earlier["statistics"] or {},
            environment.get("categorical_drift_method"),
        )
    return statistics(columns, dataset.item_count), limits.suggest(columns), violations


def _model_quality(
    dataset: Dataset, environment: Mapping[str, str], earlier: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], Sequence[Mapping[str, str]] | None]:
    problem = model_quality.Problem.of(environment)
    measured = model_quality.statistics(dataset, problem)
    violations = None
    if earlier["constraints"] is not None:
        violations = model_quality.evaluate(measured, problem, earlier["constraints"])
    return measured, model_quality.suggest(measured, problem), violations
