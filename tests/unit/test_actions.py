"""The action table is the one place where keys are said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipetui.actions import ACTIONS, Scope, key_names, markdown, of_scope
from pipetui.config import Settings, load, parse, speaks_unicode
from pipetui.viewmodel.times import TimeMode

ROOT = Path(__file__).resolve().parents[2]
ACTING = set("BRSAXPT")
# The graph pane has the arrows, so there the steps are not walked with the list's keys.
TOGETHER = (
    (Scope.EXECUTIONS, Scope.LIST),
    (Scope.INBOX, Scope.LIST),
    (Scope.AUDIT, Scope.LIST),
    (Scope.HISTORY, Scope.LIST),
    (Scope.RERUN, Scope.LIST),
    (Scope.WHY, Scope.LIST),
    (Scope.EXECUTION, Scope.LIST),
    (Scope.TIMELINE, Scope.LIST),
    (Scope.METRICS, Scope.LIST),
)


def test_the_page_of_keys_is_the_table() -> None:
    page = ROOT / "docs" / "keys.md"
    assert page.read_text("utf-8") == markdown(), "docs/keys.md is markdown() of pipetui.actions"


def test_ids_are_unique_and_begin_with_a_word_of_their_scope() -> None:
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    for scope in Scope:
        assert len({action.id.split(".")[0] for action in of_scope(scope)}) == 1


@pytest.mark.parametrize("scope", list(Scope))
def test_no_key_means_two_things_in_one_scope(scope: Scope) -> None:
    keys = [key for action in of_scope(scope) for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("scopes", TOGETHER, ids=str)
def test_scopes_that_are_valid_together_share_no_key(scopes: tuple[Scope, ...]) -> None:
    keys = [key for scope in scopes for action in of_scope(scope) for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_what_acts_is_a_capital_and_capitals_of_acting_never_only_look() -> None:
    for action in ACTIONS:
        keys = set(action.keys.split(","))
        if action.acts:
            assert keys <= ACTING, action.id
        else:
            assert not keys & ACTING, action.id


def test_no_key_needs_alt_flow_control_or_a_high_function_key() -> None:
    for action in ACTIONS:
        for key in action.keys.split(","):
            assert not key.startswith(("alt", "meta")), action.id
            assert key not in ("ctrl+s", "ctrl+q"), action.id
            assert not (key[0] == "f" and key[1:].isdigit() and int(key[1:]) > 4), action.id


def test_keys_are_named_as_they_are_printed_on_a_keyboard() -> None:
    assert key_names("question_mark,f1") == "? f1"


def test_settings_remap_keys_and_name_what_they_cannot_use() -> None:
    settings = parse(
        '[ui]\nascii = true\ntimes = "utc"\n'
        '[keys]\n"execution.stop" = "ctrl+k"\n"no.such" = "x"\n"execution.why" = 3\n'
    )
    assert settings.ascii is True
    assert settings.times is TimeMode.UTC
    assert settings.keys == {"execution.stop": "ctrl+k"}
    assert settings.problems == (
        "keys: there is no action 'no.such'",
        "keys: execution.why needs a key",
    )


@pytest.mark.parametrize(
    "text", ["[ui\n", "ui = 3", '[ui]\nascii = "yes"', '[ui]\ntimes = "soon"', "keys = []"]
)
def test_settings_that_cannot_be_used_leave_the_defaults(text: str) -> None:
    settings = parse(text)
    assert len(settings.problems) == 1
    assert (settings.ascii, settings.times, dict(settings.keys)) == (None, TimeMode.RELATIVE, {})


def test_no_file_means_no_settings(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == Settings()


@pytest.mark.parametrize(
    ("environment", "unicode"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "C"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "de_DE.ISO-8859-1"}, True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, False),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "vt220"}, False),
        ({}, False),
    ],
)
def test_the_locale_decides_about_glyphs(environment: dict[str, str], unicode: bool) -> None:
    assert speaks_unicode(environment) is unicode
