"""A shell finds what the job found, and leaves the attempt as it was."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import CommandRejected, JobError
from engine.home import Home
from engine.jobs import shell as shells
from engine.jobs.attempt import read_job
from engine.jobs.base import Job, JobRunner
from engine.jobs.ladder import choose, probe
from engine.jobs.namespace import NamespaceRunner, Recipe, recipes
from engine.jobs.process import ProcessRunner
from engine.jobs.shell import jobs_in, open_shell
from engine.model.status import StepStatus
from engine.model.views import AttemptView, StepView
from engine.sources.shells import shell_of

LOOK = (
    'echo "$SECRET" "$(pwd)" "$(cat /opt/ml/input/x)"; echo changed >/opt/ml/input/x;'
    " echo new >/opt/ml/y; cat /opt/ml/input/x"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


async def _attempt(home: Home, runner: JobRunner, *, ml: bool = True) -> tuple[str, Job]:
    """An attempt whose job has ended."""
    directory = home.execution("e1") / "steps" / "train.1"
    (directory / "ml" / "input").mkdir(parents=True)
    (directory / "ml" / "input" / "x").write_text("given")
    programs = directory / "environment" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    where = "/opt/ml" if ml else str(directory)
    job = Job(
        id="e1/train/1",
        directory=str(directory),
        command=("sh", "-c", f'echo "ran in {where} $1" >>{where}/out; cat {where}/out', "sh"),
        environment={"PATH": f"{programs}:/usr/bin:/bin", "SECRET": "hush", "HOME": str(home.root)},
        ml=str(directory / "ml") if ml else "",
    )
    end = await runner.wait(await runner.start(job))
    assert end.ok, end.describe()
    return str(directory), job


async def _named(home: Home, name: str) -> JobRunner:
    known = await probe(str(home.root / "host" / "probe.json"), containers=False)
    if not known.findings[name].works:
        pytest.skip(known.findings[name].why)
    return choose(known, name)


def _state(directory: str) -> dict[str, tuple[int, str]]:
    files = [path for path in Path(directory).rglob("*") if path.is_file()]
    return {str(one): (one.stat().st_mtime_ns, one.read_text("utf-8", "replace"))
            for one in files if not one.is_symlink()}  # fmt: skip


def _lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().out.splitlines()


async def test_what_a_job_was_given_is_kept_for_its_user_alone(home: Home) -> None:
    directory, job = await _attempt(home, await _named(home, "namespace"))
    assert read_job(directory) == (job, "namespace")
    assert os.stat(Path(directory, "job.json")).st_mode & 0o077 == 0
    assert jobs_in(directory) == [directory]


async def test_a_command_sees_the_jobs_python_variables_and_folder_on_a_layer(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    runner = await _named(home, "namespace")
    directory, job = await _attempt(home, runner)
    before = _state(directory)
    words = ("sh", "-c", f"command -v python; {LOOK}; rerun-step again; exit 7")
    with open_shell(directory, job, runner, str(home.root / "shells"), words) as shell:
        if "read-only" in shell.banner[3]:
            pytest.skip("this host has no overlayfs for users")
        assert shell.run() == 7
    assert _lines(capfd) == [
        f"{directory}/environment/bin/python",
        "hush /opt/ml given",
        "changed",
        "ran in /opt/ml ",
        "ran in /opt/ml again",
    ]
    assert _state(directory) == before
    assert not list((home.root / "shells").iterdir())


async def test_without_a_layer_the_folder_cannot_be_written(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await _named(home, "namespace")
    directory, job = await _attempt(home, runner)
    before = _state(directory)
    monkeypatch.setattr(shells, "_LAYER", "lowerdir=missing,upperdir=upper,workdir=work")
    words = ("sh", "-c", "cat /opt/ml/input/x; echo bad >/opt/ml/y || echo sealed")
    with open_shell(directory, job, runner, str(home.root / "shells"), words) as shell:
        assert any("read-only" in line for line in shell.banner)
        shell.run()
    assert _lines(capfd) == ["givensealed"]
    assert _state(directory) == before


async def test_where_there_are_no_namespaces_it_works_on_a_copy(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    runner = await _named(home, "rewrite")
    directory, job = await _attempt(home, runner)
    before = _state(directory)
    words = ("sh", "-c", 'cat input/x; echo " $SECRET"; echo new >y; rerun-step again')
    with open_shell(directory, job, runner, str(home.root / "shells"), words) as shell:
        assert shell.run() == 0
    found = _lines(capfd)
    assert found[0] == "given hush"
    assert found[1].startswith("ran in ") and found[2].endswith("/copy again")
    assert _state(directory) == before


def _bubblewrap() -> Recipe:
    """The first way of bubblewrap, where it works."""
    recipe = next((one for one in recipes() if one.tool == "bwrap"), None)
    if recipe is None or subprocess.run([*recipe.enter, "true"], check=False).returncode:
        pytest.skip("bubblewrap does not work here")
    return recipe


async def test_with_bubblewrap_it_works_on_a_copy_at_its_place(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    runner = NamespaceRunner(_bubblewrap(), str(home.root / "job-home"))
    directory, job = await _attempt(home, runner)
    before = _state(directory)
    words = ("sh", "-c", 'pwd; cat input/x; echo " $SECRET"; echo new >y; rerun-step again')
    with open_shell(directory, job, runner, str(home.root / "shells"), words) as shell:
        assert shell.run() == 0
    assert _lines(capfd)[-4:] == [
        "/opt/ml",
        "given hush",
        "ran in /opt/ml ",
        "ran in /opt/ml again",
    ]
    assert _state(directory) == before


def _way(at: int) -> Recipe:
    """One of the ways into a namespace, where it works."""
    known = [*recipes()]
    if at >= len(known) or subprocess.run([*known[at].enter, "true"], check=False).returncode:
        pytest.skip("this host has no such way into a namespace")
    return known[at]


@pytest.mark.parametrize("at", range(6))
async def test_what_is_left_in_the_background_ends_with_the_shell(home: Home, at: int) -> None:
    recipe = _way(at)
    runner = NamespaceRunner(recipe, str(home.root / "job-home"))
    directory, job = await _attempt(home, runner)
    held = home.root / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    words = ("sh", "-c", f"sleep 600 >{held} & echo $! >{held}; exit 3")
    with open_shell(directory, job, runner, str(home.root / "shells"), words) as shell:
        # In a session of its own: a process group that is ended must not be this one.
        code = await asyncio.to_thread(
            lambda: subprocess.run(
                shell.arguments, env=dict(shell.environment), cwd=shell.working_directory,
                start_new_session=True, check=False,
            ).returncode
        )  # fmt: skip
    assert code == 3
    left = int(os.read(reader, 100))
    if recipe.contained:
        select.select([reader], [], [], 30.0)
        assert os.read(reader, 1) == b""
    else:
        os.kill(left, signal.SIGKILL)
    os.close(reader)


async def test_a_folder_that_is_too_large_to_copy_is_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await _named(home, "rewrite")
    directory, job = await _attempt(home, runner)
    monkeypatch.setattr(shells, "COPY_BYTES", 3)
    with pytest.raises(JobError) as refused:
        open_shell(directory, job, runner, str(home.root / "shells"))
    assert refused.value.code == "shell-unavailable"
    assert not list((home.root / "shells").iterdir())


async def test_a_plain_process_is_entered_in_a_copy_of_its_folder(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    directory, job = await _attempt(home, ProcessRunner(), ml=False)
    words = ("sh", "-c", "pwd; cat ml/input/x; echo new >z")
    with open_shell(directory, job, ProcessRunner(), str(home.root / "shells"), words) as shell:
        assert shell.run() == 0
    [place, given] = _lines(capfd)
    assert place.startswith(str(home.root / "shells")) and given == "given"
    assert f"{directory}/z" not in _state(directory)


async def test_steps_without_a_job_are_refused_with_the_reason(home: Home) -> None:
    condition = StepView("e1", 0, "check", "Condition", status=StepStatus.SUCCEEDED)
    with pytest.raises(CommandRejected, match="run no job"):
        await shell_of(home, condition)
    waiting = StepView("e1", 0, "train", "Training")
    with pytest.raises(CommandRejected, match="no job yet"):
        await shell_of(home, waiting)
    (home.root / "old").mkdir()
    attempt = AttemptView(1, StepStatus.SUCCEEDED, 0.0, directory=str(home.root / "old"))
    old = StepView("e1", 0, "train", "Training", attempts=(attempt,))
    with pytest.raises(CommandRejected) as refused:
        await shell_of(home, old)
    assert refused.value.code == "job-not-kept"


def _typed_into(program: str, prompt: str, keys: bytes) -> str:
    """What a program shows on a terminal where keys are typed at its prompt."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["SHELL"] = "/bin/bash"
        os.execv(sys.executable, [sys.executable, "-c", program])
    text = ""
    for text in _output(terminal):
        if keys and prompt in text:
            os.write(terminal, keys)
            keys = b""
    os.close(terminal)
    os.waitpid(pid, 0)
    return text.replace("\r", "")


def _output(descriptor: int) -> Iterator[str]:
    text = ""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:
            return
        if not part:
            return
        text += part.decode("utf-8", "replace")
        yield text


async def test_on_a_terminal_it_has_job_control_and_gives_the_terminal_back(home: Home) -> None:
    runner = await _named(home, "namespace")
    assert isinstance(runner, NamespaceRunner)
    directory, _ = await _attempt(home, runner)
    attempt = f"AttemptView(1, 'Succeeded', 0.0, directory={directory!r})"
    step = f"StepView('e1', 0, 'train', 'Training', attempts=({attempt},))"
    opened = f"shell_of(Home(Path({str(home.root)!r})), {step})"
    program = (
        "import asyncio, os\nfrom pathlib import Path\nfrom engine.home import Home\n"
        "from engine.model.views import AttemptView, StepView\n"
        "from engine.sources.shells import shell_of\n"
        f"with asyncio.run({opened}) as shell:\n    code = shell.run()\n"
        "print('code', code, 'mine', os.tcgetpgrp(0) == os.getpgrp(), flush=True)\n"
    )
    keys = b"cat /opt/ml/input/x; exit 5\n"
    text = await asyncio.to_thread(_typed_into, program, "[train] $", keys)
    assert "givenexit" in text.replace("\n", "")
    assert "job control" not in text
    assert "code 5 mine True" in text
