"""A Job step that waits for a person, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.test_cli import Cli, cli, host
from tests.engine.test_job_step import job, pipeline

__all__ = ["cli", "host"]


def test_auto_approve_answers_a_job_step_that_waits(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(pipeline(job())), encoding="utf-8")
    cli("run", str(file), "--auto-approve")
    step = cli.json("steps", "@last")["PipelineExecutionSteps"][0]
    assert step["StepStatus"] == "Succeeded"
    assert step["Local"]["StandIn"].startswith("nothing runs: no program is named for AgentRFT")
    assert "--auto-approve" in json.dumps(step)
