"""An environment of a job's own over a shared one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.environments.overlay import lay_over


def packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


def run(python: Path, program: str) -> str:
    done = subprocess.run(
        [str(python), "-c", program], capture_output=True, text=True, check=True, env={}
    )
    return done.stdout.strip()


def test_what_is_installed_in_an_overlay_stays_there(tmp_path: Path) -> None:
    below = tmp_path / "below"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(below)], check=True)
    (packages(below) / "shared.py").write_text("VALUE = 'below'\n")
    (packages(below) / "changed.py").write_text("VALUE = 'below'\n")
    further = tmp_path / "further"
    further.mkdir()
    (further / "deep.py").write_text("VALUE = 'further'\n")
    (packages(below) / "more.pth").write_text(f"{further}\n")
    tool = below / "bin" / "tool"
    tool.write_text(f"#!{below}/bin/python\nimport changed; print(changed.VALUE)\n")
    tool.chmod(0o700)
    programs = lay_over(below, tmp_path / "job's own")
    own = Path(run(programs / "python", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    assert own == packages(programs.parent)
    (own / "changed.py").write_text("VALUE = 'own'\n")
    assert lay_over(below, programs.parent) == programs
    said = "import changed, deep, shared; print(changed.VALUE, deep.VALUE, shared.VALUE)"
    for name in ("python", "python3"):
        assert run(programs / name, said) == "own further below"
    assert run(below / "bin" / "python", "import changed; print(changed.VALUE)") == "below"
    said = subprocess.run([programs / "tool"], capture_output=True, text=True, check=True)
    assert said.stdout == "own\n"
