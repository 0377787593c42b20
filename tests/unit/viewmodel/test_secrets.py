"""Values whose names say that they are secret, as they are shown."""

from __future__ import annotations

from engine.api import Area, Change, Difference
from engine.logs import secrets as known
from pipetui.viewmodel import secrets
from pipetui.viewmodel.compare import difference_lines
from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.lines import Line, text_of
from pipetui.viewmodel.secrets import about_lines, masked
from pipetui.viewmodel.state import Display


def told(lines: list[Line]) -> str:
    """The lines' text."""
    return "\n".join(map(text_of, lines))


def test_what_is_masked_by_its_name_is_what_is_looked_for_in_logs() -> None:
    assert secrets._SECRET == known.NAMES
    assert secrets.LOG_MASK == known.MASK


def test_a_value_is_masked_until_a_person_asks_to_see_it() -> None:
    assert masked("DB_PASSWORD", "x") == "••••••" == Display().value("DB_PASSWORD", "x")
    assert Display(clear=True).value("DB_PASSWORD", "x") == "x"
    assert masked("DB_PASSWORD", "") == ""


def test_json_masks_values_that_a_name_beside_them_calls_secret() -> None:
    given = {
        "Environment": [
            {"Name": "API_KEY", "Value": "k1"},
            {"Key": "auth_token", "Value": "t1"},
            {"Name": "LEVEL", "Value": "info"},
        ],
        "client_secret": "c1",
    }
    seen = told(json_lines(given))
    assert "info" in seen and not {"k1", "t1", "c1"} & set(seen.split())
    assert {"k1", "t1", "c1"} <= set(told(json_lines(given, clear=True)).split())


def test_a_difference_of_secrets_is_told_without_them() -> None:
    differs = Difference(Area.PARAMETERS, "", "ApiKey", Change.ADDED, "", "k1-value")
    assert "k1-value" not in told(difference_lines([differs], 80))
    assert "k1-value" in told(difference_lines([differs], 80, clear=True))


def test_it_is_said_what_is_masked_and_which_key_shows_it() -> None:
    page = told(about_lines(80))
    assert "MASKED" in page and "PASSWORD" in page and "* shows" in page
