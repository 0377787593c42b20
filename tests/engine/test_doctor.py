"""The doctor: a healthy host, a home that cannot be used, the file system of a home."""

from __future__ import annotations

from pathlib import Path

from engine.doctor import filesystem_of
from tests.engine.test_cli import Cli, cli, host

__all__ = ["cli", "host"]


def test_doctor_finds_a_healthy_host(cli: Cli) -> None:
    found = cli.json("doctor")
    assert found["healthy"] is True
    assert {one["area"] for one in found["checks"]} >= {
        "home",
        "store",
        "runner",
        "config",
        "jobs",
        "environments",
        "python",
        "terminal",
    }


def test_doctor_finds_a_home_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    found = Cli(tmp_path / "home").json("doctor", code=3)
    [home, *_] = found["checks"]
    assert (home["area"], home["state"]) == ("home", "failure")
    assert "--home" in home["hint"]


def test_the_file_system_of_a_home_is_that_of_the_innermost_mount() -> None:
    mounts = """\
22 1 8:1 / / rw - ext4 /dev/vda rw
40 22 0:40 / /data rw shared:1 - nfs4 server:/data rw
41 40 0:41 / /data/my\\040home rw - xfs /dev/vdb rw
"""
    assert filesystem_of(Path("/data/x"), mounts) == "nfs4"
    assert filesystem_of(Path("/data/my home/x"), mounts) == "xfs"
    assert filesystem_of(Path("/database"), mounts) == "ext4"
