"""The home folder: where it is, who may read it, its token."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.home import Home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_option_comes_before_the_variable_before_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PIPETUI_HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert Home.locate().root == tmp_path / ".local" / "state" / "pipetui"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert Home.locate().root == tmp_path / "state" / "pipetui"
    monkeypatch.setenv("PIPETUI_HOME", "~/mine")
    assert Home.locate().root == tmp_path / "mine"
    assert Home.locate("/given").root == Path("/given")


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.locate("here").root == tmp_path / "here"


def test_a_home_of_nobody_is_an_error() -> None:
    with pytest.raises(ConfigError) as problem:
        Home.locate("~nobody-of-that-name/x")
    assert problem.value.code == "home-unusable"


def test_a_prepared_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home").prepare()
    for folder in (home.root, home.s3, home.executions, home.environments):
        assert mode(folder) == 0o700
    home.root.chmod(0o755)
    assert mode(home.prepare().root) == 0o700


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(ConfigError) as problem:
        Home(tmp_path / "home").prepare()
    assert problem.value.code == "home-unusable"
    assert problem.value.hint


def test_the_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    token = home.token()
    assert len(token) == 32
    assert home.token() == token
    assert mode(tmp_path / "token") == 0o600
    assert [file.name for file in tmp_path.glob("token*")] == ["token"]


def test_whoever_asks_at_once_gets_the_same_token(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    together = threading.Barrier(8)
    tokens: list[str] = []

    def ask() -> None:
        together.wait()
        tokens.append(home.token())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert set(tokens) == {home.token()}
    assert len(home.token()) == 32


def test_attempts_have_folders_of_their_own(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.attempt("run", "Train", 2) == tmp_path / "executions" / "run" / "steps" / "Train.2"
    assert home.database.parent == home.config.parent == tmp_path
