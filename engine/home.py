"""The home: one folder that holds everything PipeTUI keeps on a host."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError

_SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths under the home folder."""

    root: Path

    @classmethod
    def locate(cls, given: str = "") -> Home:
        """The home from ``--home``, ``PIPETUI_HOME`` or the XDG state folder, in that order.

        Errors: ``ConfigError`` where it starts with a ``~`` that stands for nobody.
        """
        text = given or os.environ.get("PIPETUI_HOME", "")
        if not text:
            text = f"{os.environ.get('XDG_STATE_HOME') or '~/.local/state'}/pipetui"
        try:
            return cls(Path(text).expanduser().absolute())
        except RuntimeError as problem:
            raise ConfigError(
                f"the home {text} cannot be found: {problem}",
                code="home-unusable",
                hint="Name a folder with --home or PIPETUI_HOME.",
            ) from problem

    def prepare(self) -> Home:
        """Make the folders, mode 0700.

        Errors: ``ConfigError`` where the home cannot be made, is not a folder, or is not ours.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim()
            for folder in (self.executions, self.s3, self.environments):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as problem:
            raise ConfigError(
                f"the home {self.root} cannot be used: {problem.strerror}",
                code="home-unusable",
                hint="Choose a writable folder on a local disk with --home or PIPETUI_HOME.",
            ) from problem
        return self

    def _claim(self) -> None:
        state = self.root.stat()
        if state.st_uid != os.getuid():
            raise ConfigError(
                f"the home {self.root} belongs to another user",
                code="home-foreign",
                hint="Choose a folder of your own with --home or PIPETUI_HOME.",
            )
        if stat.S_IMODE(state.st_mode) & 0o077:
            self.root.chmod(0o700)

    def token(self) -> str:
        """The secret that the home's loopback endpoint asks for; made when first needed."""
        file = self.root / "token"
        try:
            return file.read_text(encoding="ascii")
        except FileNotFoundError:
            pass
        import secrets

        # Linked into place whole: of two processes one wins, and neither reads half a token.
        draft = file.with_name(f"token.{secrets.token_hex(8)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_hex(16))
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
        return file.read_text(encoding="ascii")

    @property
    def scratch(self) -> bool:
        """Whether what runs in it is an experiment that no observer is to hear of."""
        return (self.root / _SCRATCH).exists()

    def mark_scratch(self) -> None:
        """Make a home whose folder is there a scratch one."""
        (self.root / _SCRATCH).touch(mode=0o600)

    @property
    def database(self) -> Path:
        return self.root / "pipetui.db"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def s3(self) -> Path:
        """``s3://bucket/key`` is ``<home>/s3/bucket/key``."""
        return self.root / "s3"

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def executions(self) -> Path:
        return self.root / "executions"

    def execution(self, execution_id: str) -> Path:
        """Folder of one execution: the runner's log, its wake-up pipe and the attempts."""
        return self.executions / execution_id

    def attempt(self, execution_id: str, step: str, attempt: int) -> Path:
        """Folder of one attempt of a step."""
        return self.execution(execution_id) / "steps" / f"{step}.{attempt}"
