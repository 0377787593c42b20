"""Where CloudWatch has a job's log: the rows of table 3.9."""

from __future__ import annotations

import pytest

from engine.model.log_streams import KNOWN_GROUPS, log_group, log_stream

AT = 1_700_000_000.75
ROWS = {
    "TrainingJobs": ("Training", "", "/aws/sagemaker/TrainingJobs", "j/algo-2-1700000000"),
    "ProcessingJobs": ("Processing", "", "/aws/sagemaker/ProcessingJobs", "j/algo-2-1700000000"),
    "TransformJobs": ("Transform", "", "/aws/sagemaker/TransformJobs", "j/i-local2-1700000000"),
    "AutoMLJobs": ("AutoML", "", "/aws/sagemaker/AutoMLJobs", "j/algo-2-1700000000"),
    "Job": ("Job", "AgentRFT", "/aws/sagemaker/Job/AgentRFT", "j/algo-2-1700000000"),
    "Endpoints": ("Endpoint", "abalone", "/aws/sagemaker/Endpoints/abalone", "j/i-local2"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_job_has_the_group_and_the_stream_of_its_kind(row: str) -> None:
    step_type, name, group, stream = ROWS[row]
    assert log_group(step_type, name) == group
    assert log_stream(step_type, "j", 1, AT) == stream


@pytest.mark.parametrize(
    ("step_type", "group"),
    [
        ("Tuning", "/aws/sagemaker/TrainingJobs"),
        ("QualityCheck", "/aws/sagemaker/ProcessingJobs"),
        ("ClarifyCheck", "/aws/sagemaker/ProcessingJobs"),
        ("EMR", ""),
        ("Condition", ""),
    ],
)
def test_other_steps_log_under_the_jobs_that_they_make_or_nowhere(
    step_type: str, group: str
) -> None:
    assert log_group(step_type) == group
    assert (group in KNOWN_GROUPS) == bool(group)
