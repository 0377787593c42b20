"""Edits of a step's arguments: where they land, and what they leave alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CommandRejected
from engine.planning.edits import OPEN_MAPS, apply_edits

ARGUMENTS: dict[str, Any] = {
    "AppSpecification": {"ImageUri": "image", "ContainerArguments": ["--depth", "5"]},
    "HyperParameters": {"max_depth": "5"},
    "ProcessingInputs": [
        {"InputName": "code", "S3Input": {"S3Uri": "s3://b/code"}},
        {"InputName": "data", "S3Input": {"S3Uri": "s3://b/data", "LocalPath": "/opt/ml/x"}},
    ],
    "ProcessingOutputConfig": {
        "Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}}]
    },
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/t"}}}
    ],
    "Flat": 1,
}


def edited(path: str, value: Any) -> Any:
    return apply_edits(ARGUMENTS, {path: value}, "Train")


def expected(change: Any) -> Any:
    """The arguments after ``change`` was done to a copy by hand."""
    wanted = copy.deepcopy(ARGUMENTS)
    change(wanted)
    return wanted


def test_without_edits_the_arguments_are_what_they_were() -> None:
    assert apply_edits(ARGUMENTS, {}, "Train") is ARGUMENTS


def test_an_index_replaces_one_entry_of_a_list() -> None:
    assert edited("AppSpecification.ContainerArguments[1]", "7") == expected(
        lambda a: a["AppSpecification"]["ContainerArguments"].__setitem__(1, "7")
    )


def test_a_member_in_brackets_is_replaced_or_added() -> None:
    assert edited("HyperParameters['max_depth']", "7")["HyperParameters"] == {"max_depth": "7"}
    assert edited("HyperParameters['eta']", "0.1")["HyperParameters"] == {
        "max_depth": "5",
        "eta": "0.1",
    }


def test_a_list_is_searched_by_name() -> None:
    assert edited("ProcessingInputs['data'].S3Input.LocalPath", "/opt/ml/y") == expected(
        lambda a: a["ProcessingInputs"][1]["S3Input"].update(LocalPath="/opt/ml/y")
    )


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("ProcessingInputs['data']", lambda a: a["ProcessingInputs"][1]["S3Input"]),
        (
            "ProcessingOutputConfig.Outputs['train']",
            lambda a: a["ProcessingOutputConfig"]["Outputs"][0]["S3Output"],
        ),
        (
            "InputDataConfig[0]",
            lambda a: a["InputDataConfig"][0]["DataSource"]["S3DataSource"],
        ),
    ],
)
def test_text_for_an_input_or_channel_is_its_uri(path: str, change: Any) -> None:
    assert edited(path, "data.csv") == expected(lambda a: change(a).update(S3Uri="data.csv"))


def test_an_object_for_an_input_replaces_it_whole() -> None:
    assert edited("ProcessingInputs['data']", {"Get": "Parameters.P"})["ProcessingInputs"][1] == {
        "Get": "Parameters.P"
    }


@pytest.mark.parametrize(
    ("path", "code", "told"),
    [
        ("HyperParameter.x", "edit-path-unknown", "AppSpecification"),
        ("ProcessingInputs['nope'].S3Input", "edit-path-unknown", "2 entries"),
        ("ProcessingInputs[2]", "edit-path-unknown", "2 entries"),
        ("Flat.deeper", "edit-path-unknown", "no object"),
        ("HyperParameters[0]", "edit-path-unknown", "max_depth"),
        ("Foo", "edit-path-unknown", "there is AppSpecification, HyperParameters"),
        ("AppSpecification.ImageUrl", "edit-path-unknown", "there is ImageUri"),
        ("Environment.A", "edit-path-unknown", "AppSpecification"),
        ("", "edit-path-invalid", ""),
        ("$", "edit-path-invalid", ""),
        ("a..b", "edit-path-invalid", ""),
        ("a[*]", "edit-path-invalid", ""),
    ],
)
def test_a_path_to_nowhere_is_refused_by_name(path: str, code: str, told: str) -> None:
    before = copy.deepcopy(ARGUMENTS)
    with pytest.raises(CommandRejected) as problem:
        edited(path, 1)
    assert problem.value.code == code
    assert "Train" in problem.value.message
    assert told in problem.value.message
    assert problem.value.hint
    assert before == ARGUMENTS


def test_an_unknown_key_is_told_with_the_closest_there_is() -> None:
    with pytest.raises(CommandRejected) as problem:
        edited("AppSpecification.ContainerArgument", [])
    assert problem.value.hint.startswith("Did you mean 'ContainerArguments'?")


@pytest.mark.parametrize("name", OPEN_MAPS)
def test_members_of_open_maps_may_be_new_at_any_depth(name: str) -> None:
    arguments: dict[str, Any] = {"Containers": [{name: {}}]}
    after = apply_edits(arguments, {f"Containers[0].{name}.A": "1", name: {"B": "2"}}, "Train")
    assert after == {"Containers": [{name: {"A": "1"}}], name: {"B": "2"}}


def test_the_program_of_an_image_may_be_named_where_none_is() -> None:
    entry = {"AppSpecification.ContainerEntrypoint": ["python3", "x.py"]}
    after = apply_edits(ARGUMENTS, entry, "Train")
    assert after["AppSpecification"]["ContainerEntrypoint"] == ["python3", "x.py"]
    with pytest.raises(CommandRejected):
        edited("ContainerEntrypoint", [])


def test_later_edits_see_earlier_ones_and_change_no_value_that_was_given() -> None:
    edits = {"Environment": {"A": "1"}, "Environment.B": "2"}
    assert apply_edits({}, edits, "Train") == {"Environment": {"A": "1", "B": "2"}}
    assert edits == {"Environment": {"A": "1"}, "Environment.B": "2"}


_names = st.sampled_from(["Name", "InputName", "S3Input", "a", "S3Uri", "data"])
_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | _names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=12,
)
_paths = st.lists(
    st.one_of(
        _names.map(lambda name: f".{name}"),
        _names.map(lambda name: f"['{name}']"),
        st.integers(0, 3).map(lambda index: f"[{index}]"),
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: "$" + "".join(parts))


@given(_json, st.dictionaries(_paths, _json, max_size=3))
def test_edits_work_or_are_refused_and_leave_what_was_given_alone(
    arguments: Any, edits: dict[str, Any]
) -> None:
    before = copy.deepcopy((arguments, edits))
    try:
        after = apply_edits(arguments, edits, "Train")
        again = apply_edits(arguments, edits, "Train")
    except CommandRejected as problem:
        assert problem.code == "edit-path-unknown"
    else:
        assert after == again
    assert (arguments, edits) == before
