"""The quality program as a job: what it is told, what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from engine.environments.programs import FOLDER


def quality(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    source = root / "data"
    source.mkdir(exist_ok=True)
    (source / "rows.csv").write_text("n,s\n1,x\n2,y\n")
    variables = {
        "dataset_source": str(source),
        "dataset_format": '{"csv": {"header": true}}',
        "output_path": str(root / "out"),
        **environment,
    }
    return subprocess.run(
        [sys.executable, FOLDER, "quality", "--root", root],
        env=variables,
        capture_output=True,
        text=True,
    )


def test_a_first_run_writes_a_baseline_and_no_violations_file(tmp_path: Path) -> None:
    done = quality(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert files == ["constraints.json", "statistics.json"]
    message = (tmp_path / "output" / "message").read_text()
    assert message == "Completed: Job completed successfully with no violations."


def test_violations_are_counted_in_the_exit_message(tmp_path: Path) -> None:
    quality(tmp_path)
    limits = json.loads((tmp_path / "out" / "constraints.json").read_text())
    limits["features"][0]["inferred_type"] = "String"
    (tmp_path / "limits.json").write_text(json.dumps(limits))
    done = quality(
        tmp_path,
        baseline_constraints=str(tmp_path / "limits.json"),
        baseline_statistics=str(tmp_path / "out" / "statistics.json"),
    )
    assert done.returncode == 0
    assert (tmp_path / "output" / "message").read_text() == (
        "CompletedWithViolations: Job completed successfully with 1 violations."
    )
    found = json.loads((tmp_path / "out" / "constraint_violations.json").read_text())
    assert [one["feature_name"] for one in found["violations"]] == ["n"]


def test_scripts_of_the_user_run_before_and_after(tmp_path: Path) -> None:
    before, after, mark = (tmp_path / name for name in ("before.py", "after.py", "mark"))
    before.write_text(
        "def preprocess_handler(line):\n    return [] if line[0] == 'n' else {'00_m': line[0]}\n"
    )
    after.write_text(f"def postprocess_handler():\n    open({str(mark)!r}, 'w').close()\n")
    done = quality(
        tmp_path,
        record_preprocessor_script=str(before),
        post_analytics_processor_script=str(after),
    )
    assert done.returncode == 0, done.stderr
    (feature,) = json.loads((tmp_path / "out" / "statistics.json").read_text())["features"]
    assert (feature["name"], feature["numerical_statistics"]["sum"]) == ("00_m", 3.0)
    assert mark.exists()


def test_what_is_wrong_with_the_input_is_the_failure(tmp_path: Path) -> None:
    done = quality(tmp_path, analysis_type="MODEL_QUALITY", problem_type="Regression",
                   ground_truth_attribute="n", inference_attribute="t")  # fmt: skip
    assert done.returncode == 1
    failure = (tmp_path / "output" / "failure").read_text()
    assert failure == "The dataset has no column 't'; it has n, s."
    assert "Traceback" not in done.stdout + done.stderr


def test_an_error_in_a_script_of_the_user_shows_where_it_is(tmp_path: Path) -> None:
    script = tmp_path / "before.py"
    script.write_text("def preprocess_handler(line):\n    return {'a': 1 / 0}\n")
    done = quality(tmp_path, record_preprocessor_script=str(script))
    assert done.returncode == 1
    failure = (tmp_path / "output" / "failure").read_text()
    assert failure == "ZeroDivisionError: division by zero"
    assert 'before.py", line 2' in done.stderr
