from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs import opt
from engine.jobs.opt import Bind


@pytest.fixture
def host(tmp_path: Path) -> Path:
    host = tmp_path / "opt"
    (host / "conda").mkdir(parents=True)
    (host / "file").write_text("x")
    (host / "link").symlink_to("conda")
    return host


def test_an_existing_opt_ml_is_simply_covered(host: Path, tmp_path: Path) -> None:
    (host / "ml").mkdir()
    assert opt.binds("/attempt/ml", str(tmp_path), str(host)) == [Bind("/attempt/ml", f"{host}/ml")]
    assert opt.bubblewrap("/attempt/ml", str(host)) == ["--dev-bind", "/attempt/ml", f"{host}/ml"]


def test_a_missing_opt_ml_takes_a_skeleton_that_is_laid_over_opt(
    host: Path, tmp_path: Path
) -> None:
    *own, ml, over = opt.binds("/attempt/ml", str(tmp_path / "scratch"), str(host))
    skeleton = Path(over.source)
    assert over.target == str(host)
    assert ml == Bind("/attempt/ml", f"{skeleton}/ml")
    assert own == [Bind(f"{host}/{name}", f"{skeleton}/{name}") for name in ("conda", "file")]
    assert sorted(path.name for path in skeleton.iterdir()) == ["conda", "file", "link", "ml"]
    assert (skeleton / "link").readlink() == Path("conda")
    assert (skeleton / "file").is_file() and (skeleton / "ml").is_dir()


def test_a_skeleton_is_used_again_until_opt_changes(host: Path, tmp_path: Path) -> None:
    def skeleton() -> str:
        return opt.binds("/ml", str(tmp_path / "scratch"), str(host))[-1].source

    first = skeleton()
    assert skeleton() == first
    (host / "new").mkdir()
    assert skeleton() != first


def test_bubblewrap_gets_every_entry_again_over_an_empty_opt(host: Path) -> None:
    words = opt.bubblewrap("/attempt/ml", str(host))
    assert words[:2] == ["--tmpfs", str(host)]
    assert words[-3:] == ["--dev-bind", "/attempt/ml", f"{host}/ml"]
    text = " ".join(words)
    assert f"--dev-bind {host}/conda {host}/conda" in text
    assert f"--symlink conda {host}/link" in text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_path_is_one_field_of_fstab_that_reads_back(path: str) -> None:
    line = opt.fstab([Bind(f"/{path}", "/target")])
    fields = line.split(" ")
    assert len(fields) == 6 and line.count("\n") == 1
    unescaped = re.sub(
        rb"((?:\\[0-7]{3})+)",
        lambda match: bytes(int(octal, 8) for octal in match[1][1:].split(b"\\")),
        fields[0].encode(),
    )
    assert unescaped.decode() == f"/{path}"


def test_a_read_only_bind_keeps_the_options_that_its_source_is_mounted_with() -> None:
    [options] = [line.split(" ")[3] for line in opt.fstab([Bind("/proc", "/t", True)]).splitlines()]
    flags = os.statvfs("/proc").f_flag
    assert options.split(",")[:2] == ["rbind", "ro"]
    assert ("nosuid" in options) is bool(flags & os.ST_NOSUID)
    assert opt.fstab([Bind("/none", "/t", True)]) == "/none /t none rbind,ro 0 0\n"
