"""A shell where a step's job ran: its interpreter, its variables and its ``/opt/ml``.

Nothing that is done in it reaches the attempt: it works on a layer over the attempt's folder, on a
copy of it, or on the folder sealed against writing. Everything of the shell's own lies in a scratch
folder that goes with it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from engine.errors import JobError
from engine.jobs import attempt, opt
from engine.jobs.base import OPT_ML, Job, JobRunner
from engine.jobs.by_image import ByImageRunner
from engine.jobs.container import ContainerRunner
from engine.jobs.namespace import NamespaceRunner, Recipe
from engine.jobs.process import ProcessRunner
from engine.jobs.rewrite import RewriteRunner, rewritten

COPY_BYTES = 1 << 30
"""The largest folder that is copied for a shell."""
COMMAND, RERUN = "PIPETUI_COMMAND", "rerun-step"
_OF_TERMINAL = ("TERM", "COLORTERM", "LANG", "LC_ALL", "COLUMNS", "LINES")
_PLAIN = {"bash": ("--norc",), "zsh": ("-f",), "fish": ("--no-config",)}
"""What keeps a shell from files that would change the job's variables."""
_IN_CONTAINER = "/run/pipetui"
_FIRST = 'PATH="$PATH:$1" && export PATH && shift && exec "$@"'
_ANY_SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash --norc || exec sh")


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that can be run once; a context manager that removes its scratch folder.

    Args:
        banner: what is what, as lines for a person.
        arguments: the command line that starts it.
        environment: its variables, the job's secrets among them.
    """

    folder: tempfile.TemporaryDirectory[str]
    banner: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: str = "/"

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, trace: TracebackType | None
    ) -> None:
        self.folder.cleanup()

    def run(self) -> int:
        """Give it the terminal until it ends; returns its exit code.

        Call it in the main thread.
        """
        with _lent_terminal():
            process = subprocess.Popen(
                self.arguments, env=dict(self.environment), cwd=self.working_directory
            )
            code = process.wait()
        return 128 - code if code < 0 else code


@contextmanager
def _lent_terminal() -> Iterator[None]:
    """Keys that interrupt are for the shell alone; its terminal comes back to this program."""
    # Handlers, not SIG_IGN: the shell must not inherit that.
    before = {
        number: signal.signal(number, _do_nothing) for number in (signal.SIGINT, signal.SIGQUIT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _take_back_terminal()


def _do_nothing(*_: object) -> None:
    """Let the system call go on."""


def _take_back_terminal() -> None:
    """Be the foreground of the terminal again: a shell with job control does not hand it back."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        for descriptor in (0, 1, 2):
            with suppress(OSError, termios.error):
                os.tcsetpgrp(descriptor, os.getpgrp())
                return
    finally:
        signal.signal(signal.SIGTTOU, before)


def jobs_in(directory: str) -> list[str]:
    """Folders in which jobs of an attempt were started, the attempt's own first."""
    top = Path(directory)
    folders = [top, *sorted(top.glob("algo-*")), *sorted(top.glob("children/*"))]
    return [str(one) for one in folders if attempt.read_job(str(one)) is not None]


def open_shell(
    directory: str,
    job: Job,
    runner: JobRunner,
    scratch: str,
    command: Sequence[str] = (),
    *,
    terminal: bool = True,
) -> Shell:
    """A shell, or a command, where a job of an attempt ran.

    Args:
        directory: the attempt's folder; nothing in it changes.
        job: as it was started; one of those in ``jobs_in``.
        runner: the way it ran.
        scratch: a folder of the caller's for what the shell needs.
        command: what to run instead of a shell.
        terminal: whether it talks to a terminal.

    Raises:
        JobError: it cannot be entered (``shell-unavailable``).
    """
    if isinstance(runner, ByImageRunner):
        runner = runner.runner_of(job)
    if not isinstance(runner, ProcessRunner):
        raise JobError(
            f"Jobs of the runner {runner.name!r} cannot be entered.",
            code="shell-unavailable",
            hint="It works where jobs run on this host.",
        )
    os.makedirs(scratch, mode=0o700, exist_ok=True)
    place = tempfile.TemporaryDirectory(prefix="shell-", dir=scratch)
    try:
        return _opened(place, job, runner, directory, tuple(command), terminal)
    except BaseException:
        place.cleanup()
        raise


def _opened(
    place: tempfile.TemporaryDirectory[str],
    job: Job,
    runner: ProcessRunner,
    directory: str,
    command: tuple[str, ...],
    terminal: bool,
) -> Shell:
    root = Path(place.name)
    programs, words = root / "bin", (*job.before, *job.command)
    inside = str(programs)
    if isinstance(runner, ContainerRunner):
        inside = _IN_CONTAINER
        runner, words, about = _container(runner, job, inside, str(programs), terminal)
        guest = replace(job, ml="")
    elif isinstance(runner, NamespaceRunner) and runner.recipe.tool == "unshare" and job.ml:
        guest = job
        runner, about = _layered(runner, job, root, directory)
    else:
        guest = _copied(job, root)
        about = "a copy, which goes with this shell"
        if isinstance(runner, NamespaceRunner):
            runner = NamespaceRunner(_of_a_shell(runner.recipe), runner.scratch)
    folder = guest.working_directory or (OPT_ML if job.ml else "")
    if isinstance(runner, RewriteRunner) and guest.ml:
        about = f"{guest.ml}: {about}"
        words = tuple(rewritten(word, guest.ml) for word in words)
        folder = rewritten(folder, guest.ml)
    _write_rerun(programs / RERUN, words, folder)
    host_shell = os.environ.get("SHELL") or "sh"
    own = (host_shell, *_PLAIN.get(Path(host_shell).name, ()))
    if isinstance(runner, ContainerRunner):
        own = _ANY_SHELL
    shown = shlex.join(words)
    given = {name: os.environ[name] for name in _OF_TERMINAL if name in os.environ}
    guest = replace(
        guest,
        id=f"{job.id}/{root.name}",
        directory=str(_made(root / "session")),
        before=(),
        command=("/bin/sh", "-c", _FIRST, "sh", inside, *(command or own)),
        image_entrypoint=False,
        environment={
            **given,
            "PS1": f"[{job.id.split('/')[1] if '/' in job.id else job.id}] $ ",
            **job.environment,
            COMMAND: shown,
        },
    )
    arguments, environment, folder = runner.words(guest)
    return Shell(place, _banner(job, about, shown), tuple(arguments), environment, folder)


def _banner(job: Job, about: str, shown: str) -> tuple[str, ...]:
    lines = [
        f"{job.id}: the job's own environment; exit leaves it",
        f"  folder    {job.working_directory or (OPT_ML if job.ml else job.directory)}",
    ]
    if job.image:
        lines.append(f"  image     {job.image}")
    elif python := shutil.which("python", path=job.environment.get("PATH")):
        lines.append(f"  python    {python}")
    lines.append(f"  /opt/ml   {about}")
    lines.append(f"  job       {shown[:200]}")
    lines.append(f"  again     {RERUN}")
    if "AWS_ENDPOINT_URL" in job.environment:
        lines.append("  AWS       answers only while the execution runs")
    return tuple(lines)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write_rerun(file: Path, words: Sequence[str], folder: str) -> None:
    """A program that does again what the job did."""
    _made(file.parent)
    enter = f"cd {shlex.quote(folder)} || exit 126\n" if folder else ""
    file.write_text(f'#!/bin/sh\n{enter}exec {shlex.join(words)} "$@"\n', "utf-8")
    file.chmod(0o755)


def _layered(
    runner: NamespaceRunner, job: Job, root: Path, directory: str
) -> tuple[NamespaceRunner, str]:
    """The attempt's folder under a layer that takes what is written, or sealed without one."""
    sealed = opt.fstab([opt.Bind(directory, directory, read_only=True)])
    recipe = _of_a_shell(runner.recipe)
    layer = f"overlay {sealed.split(' ')[1]} overlay {_LAYER} 0 0\n"
    for lines, about in (
        (layer, "as the job left it; what you change goes with this shell"),
        (sealed, "as the job left it, read-only: this host has no overlayfs for users"),
    ):
        trial = _session(root / f"trial-{len(lines)}", directory)
        probe = NamespaceRunner(recipe, runner.scratch, lines)
        arguments, environment, _ = probe.words(
            replace(
                job,
                directory=str(trial),
                before=(),
                command=("true",),
                environment={"PATH": os.defpath},
            )
        )
        done = subprocess.run(arguments, env=environment, capture_output=True, check=False)
        if done.returncode == 0:
            _session(root / "session", directory)
            return probe, about
    raise JobError(
        "The attempt's folder cannot be mounted without a risk for what the job left there.",
        code="shell-unavailable",
        hint=f"A copy of it can be looked at: cp -a {shlex.quote(directory)} SOMEWHERE",
    )


def _of_a_shell(recipe: Recipe) -> Recipe:
    """A way to enter that ends no process group, as a shell's is that of its caller.

    With a PID namespace what was left in the background ends with the shell; bubblewrap's first
    process would wait for it otherwise.
    """
    end = ("--die-with-parent",) if recipe.tool == "bwrap" else ()
    return replace(recipe, enter=(*recipe.enter, *end), contained=True)


_LAYER = "lowerdir=lower,upperdir=upper,workdir=work,userxattr"
"""Relative to the folder of the session: the names of any home stand in no option."""


def _session(folder: Path, directory: str) -> Path:
    """The folder that a layer is mounted from."""
    for name in ("upper", "work"):
        _made(folder / name)
    (folder / "lower").symlink_to(directory)
    return folder


def _copied(job: Job, root: Path) -> Job:
    """The job on a copy of its folder."""
    source, target = job.ml or job.directory, str(root / "copy")
    size = sum(
        os.lstat(os.path.join(place, name)).st_size
        for place, _, names in os.walk(source)
        for name in names
    )
    if size > COPY_BYTES:
        raise JobError(
            f"{source} holds {size >> 20} MiB, too much to copy for a shell.",
            code="shell-unavailable",
            hint=f"Copy it yourself: cp -a {shlex.quote(source)} SOMEWHERE",
        )
    shutil.copytree(source, target, symlinks=True)
    if job.ml:
        return replace(job, ml=target)
    return replace(job, working_directory=target)


def _container(
    runner: ContainerRunner, job: Job, inside: str, programs: str, terminal: bool
) -> tuple[ContainerRunner, tuple[str, ...], str]:
    """The image with the job's folder in it, and the job's whole command line."""
    podman = Path(runner.tool).name == "podman"
    options = [*runner.options, "--rm", "--interactive", *(["--tty"] if terminal else [])]
    options += ["--volume", f"{programs}:{inside}:ro"]
    if job.ml:
        options += ["--volume", f"{job.ml}:{OPT_ML}:{'O' if podman else 'ro'}"]
    words = job.command
    if job.image_entrypoint:
        words = (*runner.entrypoint(job.image), *words)
    kept = "what you change goes with this shell" if podman else "read-only"
    return ContainerRunner(runner.tool, options), words, f"as the job left it; {kept}"
