from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition import paths
from engine.definition.expressions import (
    ReferenceKind,
    describe,
    references,
    resolve,
    scan,
    walk,
)
from engine.errors import ExpressionError, StorageError


@dataclass
class Values:
    """A scope over plain values."""

    parameters: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    item: Any = None

    def parameter(self, name: str) -> Any:
        return walk(self.parameters, (name,), root="Parameters")

    def execution_variable(self, name: str) -> Any:
        return f"<{name}>"

    def step_property(self, step: str, path: paths.Path) -> Any:
        return walk(self.steps, (step, *path), root="Steps")

    def property_file_uri(self, step: str, name: str) -> str:
        return f"s3://b/{step}/{name}.json"

    def document(self, uri: str) -> Any:
        if uri not in self.documents:
            raise StorageError(f"There is no {uri}.")
        return self.documents[uri]

    def foreach_item(self) -> Any:
        return self.item

    def experiment(self, name: str) -> Any:
        return f"exp:{name}"


def get(text: str) -> dict[str, str]:
    return {"Get": text}


def join(*values: Any, on: str = "") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("$", ()),
        ("a", ("a",)),
        ("$.a.b", ("a", "b")),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("Result['y'][1]", ("Result", "y", 1)),
        ('a["k"]', ("a", "k")),
        ("['val:acc'].Value", ("val:acc", "Value")),
        ("a['x.y z[0]']", ("a", "x.y z[0]")),
        ("a['it's']", ("a", "it's")),
        ("$['$']", ("$",)),
        ("a..b", None),
        ("a.", None),
        ("a[", None),
        ("a[-1]", None),
        ("a[*]", None),
        ("a[0]b", None),
        ("a[?(@.x)]", None),
    ],
)
def test_a_path_is_dots_indexes_and_quoted_keys(text: str, path: paths.Path | None) -> None:
    assert paths.parse(text) == path


@given(
    st.lists(
        st.integers(0, 999_999) | st.text("abz_09-.: [\u00e9", min_size=1).filter(str.isprintable)
    )
)
def test_a_written_path_reads_back(keys: list[int | str]) -> None:
    link: paths.Link = "$"
    for key in keys:
        link = (link, key)
    assert paths.parse(paths.render(link)) == tuple(keys)


def test_references_are_found_deep_in_order_with_kind_members_and_place() -> None:
    value = {
        "a": [get("Parameters.P"), {"b": join("x", get("Execution.PipelineName"))}],
        "c": {
            "Std:JsonGet": {"PropertyFile": get("Steps.Ev-1.PropertyFiles.R"), "Path": "m.mse"},
        },
        "d": {"Std:JsonGet": {"S3Uri": join(get("Steps.F.Out")), "Path": "Result"}},
        "e": get("Steps.My-Step-0.Outputs['a.b'][0].S3Uri"),
        "f": get("ForEach.CurrentItem['lr'].x"),
        "g": get("PipelineExperimentConfig.TrialName"),
        "h": get("IterationOutput.B.OutputParameters['s']"),
    }
    found = [(ref.kind, ref.name, ref.members, ref.path) for ref in references(value, "$.A")]
    assert found == [
        (ReferenceKind.PARAMETER, "P", (), "$.A.a[0]"),
        (
            ReferenceKind.EXECUTION_VARIABLE,
            "PipelineName",
            (),
            "$.A.a[1].b['Std:Join'].Values[1]",
        ),
        (ReferenceKind.PROPERTY_FILE, "Ev-1", ("PropertyFiles", "R"), "$.A.c"),
        (
            ReferenceKind.STEP_PROPERTY,
            "F",
            ("Out",),
            "$.A.d['Std:JsonGet'].S3Uri['Std:Join'].Values[0]",
        ),
        (ReferenceKind.STEP_PROPERTY, "My-Step-0", ("Outputs", "a.b", 0, "S3Uri"), "$.A.e"),
        (ReferenceKind.FOREACH_ITEM, "", ("lr", "x"), "$.A.f"),
        (ReferenceKind.EXPERIMENT_CONFIG, "TrialName", (), "$.A.g"),
        (ReferenceKind.ITERATION_OUTPUT, "B", ("OutputParameters", "s"), "$.A.h"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"Get": "Parameters.P", "other": 1},
        {"get": "Parameters.P"},
        "Parameters.P",
        "${Parameters.P}",
        {"Join": {"On": "", "Values": []}},
        {},
        None,
        [1, 2.5, True, None],
    ],
)
def test_what_is_no_single_key_expression_is_plain_data(value: Any) -> None:
    assert scan(value) == scan(None)
    assert resolve(value, Values()) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (get("Nothing.X"), "expression-malformed"),
        (get("Parameters."), "expression-malformed"),
        (get("Steps."), "expression-malformed"),
        (get("Steps.A.b[x]"), "expression-malformed"),
        ({"Get": 5}, "expression-malformed"),
        ({"Std:Join": ["a"]}, "expression-malformed"),
        ({"Std:Join": {"On": 1, "Values": []}}, "expression-malformed"),
        ({"Std:JsonGet": {"Path": "a"}}, "expression-malformed"),
        (
            {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": get("Parameters.P")}},
            "expression-malformed",
        ),
        ({"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a[*]"}}, "expression-malformed"),
        (
            {"Std:JsonGet": {"PropertyFile": get("Parameters.P"), "Path": "a"}},
            "expression-malformed",
        ),
        (get("Steps.A.PropertyFiles.F"), "property-file-outside-json-get"),
        ({"Std:Upper": "x"}, "function-unknown"),
    ],
)
def test_a_malformed_expression_is_found_by_scan_and_refused_by_resolve(
    value: Any, code: str
) -> None:
    (problem,) = scan({"k": value}, "$").problems
    assert (problem.code, problem.path) == (code, "$.k")
    assert problem.hint
    with pytest.raises(ExpressionError) as raised:
        resolve({"k": value}, Values())
    assert (raised.value.code, raised.value.path) == (code, "$.k")


def test_values_keep_their_type_and_a_join_makes_text() -> None:
    scope = Values(parameters={"I": 5, "F": 6.0, "B": True, "S": "abc"})
    assert resolve([get(f"Parameters.{name}") for name in "IFBS"], scope) == [5, 6.0, True, "abc"]
    joined = join(
        get("Parameters.F"), get("Parameters.I"), get("Parameters.B"), 3, join("x", "y"), on="-"
    )
    assert resolve(joined, scope) == "6.0-5-true-3-xy"


@pytest.mark.parametrize("value", [None, [], {}, get("Parameters.L")])
def test_a_join_of_something_that_is_no_scalar_fails(value: Any) -> None:
    with pytest.raises(ExpressionError, match="ClientError: Std:Join cannot join") as raised:
        resolve({"a": join("x", value)}, Values(parameters={"L": [1]}))
    assert raised.value.path == "$.a"


def test_a_json_get_reads_property_files_and_uris_and_keeps_types() -> None:
    scope = Values(
        documents={
            "s3://b/Ev/R.json": {"m": {"mse": {"value": 4.5}}},
            "s3://b/x": {"Result": {"y": [1, "two"]}},
        }
    )
    by_file = {"PropertyFile": get("Steps.Ev.PropertyFiles.R"), "Path": "m.mse.value"}
    assert resolve({"Std:JsonGet": by_file}, scope) == 4.5
    by_uri = {"S3Uri": join("s3://b", "x", on="/"), "Path": "$.Result['y'][1]"}
    assert resolve({"Std:JsonGet": by_uri}, scope) == "two"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"S3Uri": "s3://b/none", "Path": "a"}, "json-get-unreadable"),
        ({"S3Uri": "s3://b/x", "Path": "a.b"}, "property-missing"),
        ({"S3Uri": 3, "Path": "a"}, "json-get-uri"),
    ],
)
def test_a_json_get_that_finds_nothing_fails_with_a_client_error(body: Any, code: str) -> None:
    with pytest.raises(ExpressionError, match=r"^ClientError: ") as raised:
        resolve({"Std:JsonGet": body}, Values(documents={"s3://b/x": {"a": {}}}))
    assert raised.value.code == code


def test_a_list_item_is_found_by_its_name() -> None:
    for key in ("OutputName", "InputName", "MetricName", "ChannelName", "Name"):
        value = {"L": [{key: "other"}, {key: "val:acc", "Value": 1}]}
        assert walk(value, ("L", "val:acc", "Value")) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("x",), "no member 'x'"),
        (("l", 2), "has 2 items, so there is no"),
        (("l", "n"), "without an item named 'n'"),
        (("s", "x"), "is a string, so it has no member"),
        (("d", 0), "has no member 0"),
    ],
)
def test_a_missing_member_is_a_client_error_that_says_where(path: Any, message: str) -> None:
    value = {"l": [{"Name": "a"}, 1], "s": '{"x": 1}', "d": {"k": 1}}
    with pytest.raises(ExpressionError, match=message) as raised:
        walk(value, path, root="Steps.A")
    assert raised.value.message.startswith("ClientError: Steps.A")


def test_a_string_item_of_a_foreach_is_drilled_as_json() -> None:
    scope = Values(item='{"name": "a", "deep": "{\\"x\\": [7]}"}')
    assert resolve(get("ForEach.CurrentItem"), scope) == scope.item
    assert resolve(get("ForEach.CurrentItem.name"), scope) == "a"
    assert resolve(get("ForEach.CurrentItem['deep'].x[0]"), scope) == 7
    with pytest.raises(ExpressionError, match="not a JSON document"):
        resolve(get("ForEach.CurrentItem.name"), Values(item="plain"))


def test_iteration_outputs_and_experiment_names_come_from_the_scope() -> None:
    scope = Values(steps={"B": {"OutputParameters": {"s": 0.5}}})
    assert resolve(get("IterationOutput.B.OutputParameters['s']"), scope) == 0.5
    assert resolve(get("PipelineExperimentConfig.TrialName"), scope) == "exp:TrialName"


def test_absurd_nesting_is_an_expression_error() -> None:
    value: Any = "x"
    for _ in range(2000):
        value = [value]
    with pytest.raises(ExpressionError) as raised:
        resolve(value, Values())
    assert raised.value.code == "expression-too-deep"
    assert references(value) == ()


def test_an_expression_is_described_in_short_text() -> None:
    assert describe(get("Parameters.X")) == "Parameters.X"
    assert describe(join("s3://", get("Parameters.B"), "/x")) == "s3://Parameters.B/x"
    file = {"PropertyFile": get("Steps.E.PropertyFiles.R"), "Path": "a.b"}
    assert describe({"Std:JsonGet": file}) == "Steps.E.PropertyFiles.R.a.b"
    assert describe("abc") == '"abc"'
    assert describe(get("Steps.\x1b[2J\u202e\x9b")).isprintable()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
GETS = st.builds(get, st.text() | st.sampled_from(["Parameters.P", "Steps.A.b[0]", "Steps.A"]))
VALUES = st.recursive(
    SCALARS | GETS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.builds(lambda on, values: {"Std:Join": {"On": on, "Values": values}}, inner, inner)
        | st.builds(lambda *values: join(*values), inner, inner)
        | st.builds(lambda uri, path: {"Std:JsonGet": {"S3Uri": uri, "Path": path}}, inner, inner)
        | st.dictionaries(st.sampled_from(["Get", "Std:Join", "Std:X"]), inner, max_size=1)
    ),
    max_leaves=20,
)


@given(value=VALUES, item=VALUES)
def test_any_value_resolves_or_is_an_expression_error(value: Any, item: Any) -> None:
    scope = Values(parameters={"P": item}, steps={"A": item}, item=item)
    found = scan(value)
    try:
        resolve(value, scope)
    except ExpressionError as error:
        assert error.message.startswith("ClientError: ")
    else:
        assert found.problems == ()
