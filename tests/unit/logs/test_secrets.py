"""Values whose names say that they are secret."""

from __future__ import annotations

import pytest

from engine.logs.secrets import NAMES, known_secrets, without_secrets


def test_values_are_found_by_their_names_at_any_depth() -> None:
    given = {
        "Environment": {"DB_PASSWORD": "s3cr3t-pw", "LOG_LEVEL": "verbose-1"},
        "Tags": [
            {"Name": "API_KEY", "Value": "key-1234"},
            {"Key": "auth_token", "Value": "t0k3n-9"},
        ],
    }
    assert known_secrets(given, {"client_secret": "c1i2e3n4t"}) == {
        "s3cr3t-pw",
        "key-1234",
        "t0k3n-9",
        "c1i2e3n4t",
    }


def test_a_value_of_several_lines_is_known_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANB\n-----END KEY-----\n"
    assert "MIIEvQIBADANB" in known_secrets({"PRIVATE_KEY": key})


@pytest.mark.parametrize(
    "value", ["", "short", "password", "1234567", "arn:aws:secretsmanager:x", 5, None, ["a"]]
)
def test_what_any_text_may_hold_is_not_looked_for(value: object) -> None:
    assert known_secrets({"PASSWORD": value}) == frozenset()


def test_a_callback_token_is_no_secret() -> None:
    assert known_secrets({"CallbackToken": "t0k3n-1234"}) == frozenset()


def test_a_longer_secret_is_masked_before_one_that_it_begins_with() -> None:
    told = without_secrets("a hunter2-more, a hunter2", {"hunter2", "hunter2-more"})
    assert told == "a ******, a ******"
    assert without_secrets("nothing", ()) == "nothing"


def test_the_names_leave_what_is_no_secret() -> None:
    assert not NAMES.search("CallbackToken") and not NAMES.search("NextToken")
