"""Built Python environments that tests share, so that each is built once a machine, not a test."""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine.home import Home


def shared_folder() -> Path:
    """The folder of the shared environments."""
    folder = Path(tempfile.gettempdir()) / "pipetui-test-environments"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def shared_environments(home: Home) -> Path:
    """Let a test's home use the shared environments; returns their folder."""
    folder = shared_folder()
    home.environments.rmdir()
    home.environments.symlink_to(folder)
    return folder
