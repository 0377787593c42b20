"""Environments on disk, with an installer that is a few lines of shell."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.environments import Environments, Grade, Override, Resolution, resolve
from engine.environments.installer import Command, Pip, Uv, find_installer
from engine.errors import EnvironmentError_

PINNED = resolve("x", python=(3, 11), overrides={"x": Override(requirements=("a==1",))})
ON_HOST = resolve("unknown:1", python=(3, 11))


@dataclass(frozen=True)
class Shell:
    """Makes a folder that looks like an environment; ``script`` stands in for installing."""

    diary: Path
    script: str = "echo installed"
    offline_script: str = "echo from cache"
    name: str = "shell"

    def create(self, interpreter: str, folder: Path) -> Command:
        make = f"mkdir -p {folder}/bin && ln -s {interpreter} {folder}/bin/python"
        return ("/bin/sh", "-c", f"{make} && echo create >> {self.diary}")

    def install(self, python: Path, requirements: Path, *, offline: bool) -> Command:
        script = self.offline_script if offline else self.script
        return ("/bin/sh", "-c", f"echo install {requirements.name} >> {self.diary}; {script}")

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        return dict(inherited)

    @property
    def entries(self) -> list[str]:
        """What the installer has done so far."""
        return self.diary.read_text().splitlines() if self.diary.exists() else []


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "diary")


def environments(tmp_path: Path, shell: Shell, *, offline: bool = False) -> Environments:
    return Environments(tmp_path / "environments", sys.executable, shell, offline=offline)


async def test_an_environment_is_built_once(tmp_path: Path, shell: Shell) -> None:
    first = await environments(tmp_path, shell).ensure(PINNED)
    second = await environments(tmp_path, shell).ensure(PINNED)
    assert first == second
    assert first.python.exists()
    assert (first.key, first.grade) == (PINNED.key, Grade.CONFIGURED)
    assert first.bin == first.path / "bin"
    assert shell.entries == ["create", "install requirements.txt"]


async def test_two_that_want_the_same_environment_build_it_once(
    tmp_path: Path, shell: Shell
) -> None:
    lines: list[str] = []
    built = await asyncio.gather(
        *(environments(tmp_path, shell).ensure(PINNED, on_line=lines.append) for _ in range(3))
    )
    assert len(set(built)) == 1
    assert shell.entries.count("create") == 1
    assert any(line.startswith("Waiting for another process") for line in lines)


async def test_lines_of_the_installer_are_passed_on_and_kept(tmp_path: Path, shell: Shell) -> None:
    lines: list[str] = []
    loud = replace(shell, script=r"printf 'one\n\033[31mtwo\n'")
    built = await environments(tmp_path, loud).ensure(PINNED, on_line=lines.append)
    assert lines == ["one", " [31mtwo"]
    assert built.path.with_suffix(".log").read_text() == "one\n [31mtwo\n"


async def test_a_failed_build_says_why_and_is_never_used(tmp_path: Path, shell: Shell) -> None:
    broken = replace(shell, script="echo no matching distribution; exit 3")
    with pytest.raises(EnvironmentError_) as failure:
        await environments(tmp_path, broken).ensure(PINNED)
    assert failure.value.code == "environment-build-failed"
    assert "no matching distribution" in failure.value.message
    log = tmp_path / "environments" / f"{PINNED.key}.log"
    assert (failure.value.file, log.read_text()) == (str(log), "no matching distribution\n")
    assert [built.complete for built in environments(tmp_path, shell).list()] == [False]
    assert (await environments(tmp_path, shell).ensure(PINNED)).python.exists()


async def test_a_build_that_was_cut_short_is_built_anew(tmp_path: Path, shell: Shell) -> None:
    half = tmp_path / "environments" / PINNED.key
    (half / "bin").mkdir(parents=True)
    (half / "bin" / "python").symlink_to(sys.executable)
    (half / "left-over").touch()
    built = await environments(tmp_path, shell).ensure(PINNED)
    assert shell.entries[0] == "create"
    assert not (built.path / "left-over").exists()


async def test_an_environment_whose_python_is_gone_is_built_anew(
    tmp_path: Path, shell: Shell
) -> None:
    built = await environments(tmp_path, shell).ensure(PINNED)
    built.python.unlink()
    built.python.symlink_to("/gone/python")
    assert (await environments(tmp_path, shell).ensure(PINNED)).python.exists()


async def test_cancelling_ends_the_installer_and_frees_the_lock(
    tmp_path: Path, shell: Shell
) -> None:
    started: asyncio.Queue[str] = asyncio.Queue()
    stuck = replace(shell, script="echo $$; exec tail -f /dev/null")
    task = asyncio.create_task(
        environments(tmp_path, stuck).ensure(PINNED, on_line=started.put_nowait)
    )
    process = int(await started.get())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert (await environments(tmp_path, shell).ensure(PINNED)).python.exists()


async def test_a_steps_requirements_give_an_environment_of_their_own(
    tmp_path: Path, shell: Shell
) -> None:
    step, same, other = (tmp_path / name for name in ("step.txt", "same.txt", "other.txt"))
    step.write_text("b==2\n")
    same.write_text("b==2")
    other.write_text("b==3")
    built = [
        await environments(tmp_path, shell).ensure(PINNED, extra_requirements=file)
        for file in (None, step, same, other)
    ]
    assert [item.key == built[0].key for item in built] == [True, False, False, False]
    assert built[1].key == built[2].key != built[3].key
    assert shell.entries[2:5] == ["create", "install requirements.txt", "install step.txt"]


async def test_empty_requirements_change_nothing(tmp_path: Path, shell: Shell) -> None:
    empty = tmp_path / "requirements.txt"
    empty.write_text("\n")
    built = await environments(tmp_path, shell).ensure(PINNED, extra_requirements=empty)
    assert built.key == PINNED.key


async def test_an_unknown_image_runs_on_the_hosts_python(tmp_path: Path, shell: Shell) -> None:
    built = await environments(tmp_path, shell).ensure(ON_HOST)
    assert (built.python, built.key) == (Path(sys.executable), "")
    assert shell.entries == []


async def test_requirements_on_the_hosts_python_do_not_touch_it(
    tmp_path: Path, shell: Shell
) -> None:
    step = tmp_path / "requirements.txt"
    step.write_text("b==2")
    built = await environments(tmp_path, shell).ensure(ON_HOST, extra_requirements=step)
    assert built.path.parent == tmp_path / "environments"
    assert shell.entries == ["create", "install requirements.txt"]


async def test_a_missing_interpreter_is_named(tmp_path: Path, shell: Shell) -> None:
    with pytest.raises(EnvironmentError_, match="no Python at /gone/python"):
        await Environments(tmp_path, "/gone/python", shell).ensure(ON_HOST)


async def test_an_image_that_cannot_run_is_refused_with_its_reason(
    tmp_path: Path, shell: Shell
) -> None:
    refused = resolve("382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1", python=(3, 11))
    with pytest.raises(EnvironmentError_, match="closed source") as failure:
        await environments(tmp_path, shell).ensure(refused)
    assert failure.value.code == "image-not-runnable"


async def test_without_a_network_the_cache_is_tried(tmp_path: Path, shell: Shell) -> None:
    cut_off = replace(shell, script="echo cause: dns error; exit 2")
    lines: list[str] = []
    await environments(tmp_path, cut_off).ensure(PINNED, on_line=lines.append)
    assert lines == ["cause: dns error", "from cache"]


async def test_offline_only_the_cache_is_used(tmp_path: Path, shell: Shell) -> None:
    lines: list[str] = []
    await environments(tmp_path, shell, offline=True).ensure(PINNED, on_line=lines.append)
    assert lines == ["from cache"]


async def test_environments_can_be_listed_and_removed(tmp_path: Path, shell: Shell) -> None:
    here = environments(tmp_path, shell)
    assert here.list() == []
    built = await here.ensure(PINNED)
    [listed] = here.list()
    assert (listed.key, listed.complete) == (built.key, True)
    assert (listed.requirements, listed.installer) == (("a==1",), "shell")
    here.remove(built.key)
    assert here.list() == []


@pytest.mark.parametrize("key", ["none", "..", "../diary"])
def test_only_environments_can_be_removed(tmp_path: Path, shell: Shell, key: str) -> None:
    with pytest.raises(EnvironmentError_, match="no environment"):
        environments(tmp_path, shell).remove(key)


async def test_an_environment_that_is_being_built_is_not_removed(
    tmp_path: Path, shell: Shell
) -> None:
    here = environments(tmp_path, replace(shell, script="echo busy; exec tail -f /dev/null"))
    started: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(here.ensure(PINNED, on_line=started.put_nowait))
    await started.get()
    with pytest.raises(EnvironmentError_, match="is being built"):
        here.remove(PINNED.key)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_installers_python_is_not_led_astray() -> None:
    inherited = {"PYTHONPATH": "/x", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/home/me"}
    for installer in (Uv(("uv",)), Pip()):
        variables = installer.variables(inherited)
        assert variables["HOME"] == "/home/me"
        assert not {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"} & set(variables)


def test_uv_uses_the_index_that_pip_is_configured_for() -> None:
    variables = Uv(("uv",)).variables({"PIP_INDEX_URL": "https://mirror.example.com/simple"})
    assert variables["UV_DEFAULT_INDEX"] == "https://mirror.example.com/simple"
    found = Uv(("uv",)).variables({"PIP_FIND_LINKS": "/a /b"})
    assert found["UV_FIND_LINKS"] == "/a,/b"
    kept = Uv(("uv",)).variables({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"})
    assert kept["UV_DEFAULT_INDEX"] == "https://b"


@pytest.mark.parametrize("installer", [Uv(("uv",)), Pip()], ids=["uv", "pip"])
def test_installing_compiles_and_can_stay_offline(installer: Uv | Pip) -> None:
    online = installer.install(Path("p"), Path("r.txt"), offline=False)
    offline = installer.install(Path("p"), Path("r.txt"), offline=True)
    assert any(word.startswith("--compile") for word in online)
    assert set(offline) - set(online) == {"--offline" if installer.name == "uv" else "--no-index"}


def test_an_installer_is_always_found() -> None:
    assert find_installer().name in ("uv", "pip")


def test_resolutions_for_the_host_have_no_key() -> None:
    assert isinstance(ON_HOST, Resolution)
    assert ON_HOST.key == ""
