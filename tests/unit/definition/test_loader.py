from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from engine.definition.document import StepType
from engine.definition.graph import Graph
from engine.definition.loader import examine, examine_bytes, load, load_bytes
from engine.errors import DefinitionError
from tests.shared import needs_shared
from tests.unit.definition.samples import INVALID, PUBLIC, REAL, condition, document, fn

REJECTED = {
    "bad-step-name.json": ("step-name-invalid", 7),
    "bad-version.json": ("version-unknown", 2),
    "cycle-data.json": ("reference-cycle", 6),
    "cycle-dependson.json": ("dependency-cycle", 6),
    "default-value-type-mismatch.json": ("default-type-mismatch", 8),
    "duplicate-step-name.json": ("step-name-duplicate", 19),
    "foreach-nested.json": ("foreach-body-type", 15),
    "retry-both-max-and-expire.json": ("retry-limits-conflict", 27),
    "undefined-parameter.json": ("parameter-unknown", 11),
    "undefined-property-file.json": ("property-file-unknown", 32),
    "undefined-step-reference.json": ("step-unknown", 11),
}


def check_real(file: Path) -> None:
    found = examine_bytes(file.read_bytes(), file=file.name)
    assert found.errors == ()
    assert found.definition is not None
    definition = found.definition
    assert set(Graph.of(definition).order) == set(definition.steps)
    assert {step.type for step in definition.steps.values()} <= set(StepType)
    source = file.read_text().splitlines()
    for step in definition.steps.values():
        assert step.line is not None
        assert step.name in "".join(source[step.line - 1 : step.line + 1])


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_a_real_definition_loads_and_every_step_knows_its_line(file: Path) -> None:
    check_real(file)


@needs_shared
@pytest.mark.parametrize("file", PUBLIC, ids=lambda file: file.stem)
def test_a_published_definition_loads_and_every_step_knows_its_line(file: Path) -> None:
    check_real(file)


def test_all_definitions_are_there() -> None:
    assert len(REAL) == 22
    assert {file.name for file in INVALID} == set(REJECTED)
    assert len(set(REJECTED.values())) == len(REJECTED)


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_an_invalid_definition_is_rejected_with_its_code_place_and_way_out(file: Path) -> None:
    found = examine_bytes(file.read_bytes(), file=file.name)
    (error,) = found.errors
    assert (error.code, error.line) == REJECTED[file.name]
    assert error.path.startswith("$.")
    assert error.hint
    assert error.file == file.name
    with pytest.raises(DefinitionError) as raised:
        load_bytes(file.read_bytes(), file=file.name)
    assert raised.value.as_dict() == error.as_dict()


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", "definition-empty", 1),
        (b" \n\t", "definition-empty", 1),
        (b"\xef\xbb\xbf", "definition-empty", 1),
        (b'{\n"a": "\xff"}', "definition-not-utf8", 2),
        ('{"Steps": []}'.encode("utf-16"), "definition-not-utf8", 1),
        (b"[]", "value-type", 1),
        (b'"text"', "value-type", 1),
        (b'{"Version": "2020-12-01"}', "key-missing", 1),
        (b'{\n "Steps": {}}', "value-type", 2),
        (b'{"Steps": [\n]', "json-syntax", 2),
        (b'{"Steps": [],\n "Steps": []}', "duplicate-key", 2),
        (b'{"Steps": [{"a":\n {"b": 1, "b": 2}}]}', "duplicate-key", 2),
        (b'{"Steps": [\nNaN]}', "number-not-usable", 2),
        (b'{"Steps": [],\n"x": -Infinity}', "number-not-usable", 2),
        (b'{"Steps": [],\n"x": 1e999}', "number-not-usable", 2),
        (b'{"Steps": [],\n"x": 9223372036854775808}', "number-not-usable", 2),
        (b'{"Steps": [],\n"x": ' + b"9" * 5000 + b"}", "number-not-usable", 2),
        (b'{"Steps": [],\n"x": "\\ud800"}', "text-not-unicode", 2),
        (b'{"a":\n' + b"[" * 299 + b"\n[" + b"]" * 300 + b"}", "definition-too-deep", 3),
        (b"[\n" * 200_000, "definition-too-deep", 301),
        (b'{"a":' * 200_000, "definition-too-deep", 1),
    ],
)
def test_unreadable_bytes_are_a_located_error(data: bytes, code: str, line: int) -> None:
    found = examine_bytes(data)
    assert found.definition is None
    assert [(error.code, error.line) for error in found.errors] == [(code, line)]


def test_every_duplicate_key_and_bad_number_is_reported_with_its_path() -> None:
    text = '{"Steps": [{"a": 1, "a": NaN,\n "b": [Infinity, {"c": 1, "c": 2}]}]}'
    assert {(error.path, error.line) for error in examine(text).errors} == {
        ("$.Steps[0].a", 1),
        ("$.Steps[0].b[0]", 2),
        ("$.Steps[0].b[1].c", 2),
    }


def test_text_that_only_looks_like_a_second_key_is_no_duplicate() -> None:
    step = fn("A", {"x": ':"a":', '"a":': 'x"a": 1', "a": ": "})
    assert examine(json.dumps(document(step))).valid


def test_an_integer_that_fits_64_bits_is_kept_exactly() -> None:
    step = fn("A", {"x": 2**63 - 1, "y": -(2**63)})
    assert load(json.dumps(document(step))).steps["A"].arguments == {"x": 2**63 - 1, "y": -(2**63)}


def test_a_definition_of_many_megabytes_loads_with_a_warning() -> None:
    steps = [fn(f"S{index}", {"text": "x" * 1000}) for index in range(1500)]
    found = examine(json.dumps(document(*steps)))
    assert found.valid
    assert [warning.code for warning in found.warnings] == ["definition-not-inline"]


def test_the_first_error_counts_the_others() -> None:
    steps = [fn("a b"), fn("c d"), fn("e f")]
    with pytest.raises(DefinitionError, match=r"'a b'.*\(2 more errors\.\)"):
        load(json.dumps(document(*steps)))


def test_errors_stand_in_the_order_of_the_text() -> None:
    steps = [fn("A", DependsOn=["X"]), fn("b c"), fn("D", {"x": {"Get": "Parameters.P"}})]
    found = examine(json.dumps(document(*steps), indent=1))
    lines = [error.line or 0 for error in found.errors]
    assert [error.code for error in found.errors] == [
        "step-unknown",
        "step-name-invalid",
        "parameter-unknown",
    ]
    assert lines == sorted(lines) and len(set(lines)) == 3


def test_a_definition_that_breaks_rules_is_still_given_for_display() -> None:
    found = examine(json.dumps(document(fn("A", DependsOn=["Nope"]))))
    assert not found.valid
    assert found.definition is not None and list(found.definition.steps) == ["A"]


def test_null_counts_as_absent() -> None:
    nothing = {"DependsOn": None, "CacheConfig": None, "RetryPolicies": None, "SkipCheck": None}
    text = json.dumps(
        document(
            fn("A", **nothing),
            Metadata=None,
            Parameters=[{"Name": "P", "Type": None, "DefaultValue": None}],
            MlflowConfig=None,
        )
    )
    definition = load(text)
    assert "SkipCheck" not in definition.steps["A"].extra
    assert definition.mlflow is None
    assert not definition.parameters["P"].has_default


def test_unknown_types_and_keys_are_kept() -> None:
    definition = load(json.dumps(document({"Name": "A", "Type": "Quantum", "Qubits": 3})))
    assert definition.steps["A"].type == "Quantum"
    assert definition.steps["A"].extra == {"Qubits": 3}


def test_an_endpoint_with_production_variants_is_an_endpoint_config() -> None:
    step = {"Name": "E", "Type": "Endpoint", "Arguments": {"ProductionVariants": []}}
    assert load(json.dumps(document(step))).steps["E"].type == "EndpointConfig"


def test_branches_are_flat_in_document_order_and_know_their_place() -> None:
    inner = condition("N", [fn("X")], [fn("Y")])
    definition = load(json.dumps(document(condition("C", [fn("A"), inner], [fn("B")]), fn("Z"))))
    assert list(definition.steps) == ["C", "A", "N", "X", "Y", "B", "Z"]
    assert definition.steps["C"].if_steps == ("A", "N")
    assert definition.steps["C"].else_steps == ("B",)
    assert definition.steps["C"].arguments == {"Conditions": []}
    place = {name: (step.parent, step.branch) for name, step in definition.steps.items()}
    assert place["A"] == ("C", True)
    assert place["B"] == ("C", False)
    assert place["Y"] == ("N", False)
    assert place["Z"] == (None, None)
    assert definition.steps["Y"].path == "$.Steps[0].Arguments.IfSteps[1].Arguments.ElseSteps[0]"


def test_eighty_conditions_in_each_other_load() -> None:
    nested = fn("End")
    for level in range(80):
        nested = condition(f"C{level}", [nested], [])
    definition = load(json.dumps(document(nested)))
    assert len(definition.steps) == 81
    assert Graph.of(definition).order[-1] == "End"


YAML = """\
Version: 2020-12-01
Parameters:
  - {Name: N, Type: Integer, DefaultValue: 3}
Steps:
  - &first
    Name: A
    Type: Lambda
    Arguments:
      joined: {Std:Join: {On: "-", Values: [x, 1, true, {Get: Parameters.N}]}}
  - <<: *first
    Name: B
    DependsOn: [A]
"""


def test_yaml_gives_the_same_definition_as_json() -> None:
    definition = load(YAML)
    assert definition.version == "2020-12-01"
    assert definition.parameters["N"].default == 3
    assert definition.steps["B"].arguments == definition.steps["A"].arguments
    assert definition.steps["A"].line == 5
    assert definition.steps["B"].line == 10
    assert load(json.dumps(definition.raw)) == definition


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("Steps:\n  - [", "yaml-syntax", 2),
        ("a: 1\nSteps: []\na: 2", "duplicate-key", 3),
        ("Steps: []\nx: !!python/name:os.system", "yaml-tag", 2),
        ("Steps: []\nx: !Sub y", "yaml-tag", 2),
        ("Steps: []\n1: x", "key-not-string", 2),
        ("Steps: []\n? [a]\n: x", "key-not-string", 2),
        ("Steps: []\nx: .inf", "number-not-usable", 2),
        ("Steps: []\nx: .nan", "number-not-usable", 2),
        ("Steps: []\nx: 99999999999999999999", "number-not-usable", 2),
        ("a: &a\n  - *a", "definition-too-deep", 1),
        ("x: {<<: 3}", "yaml-merge", 1),
        ("# nothing", "value-type", None),
    ],
)
def test_yaml_that_json_could_not_say_is_a_located_error(
    text: str, code: str, line: int | None
) -> None:
    found = examine(text, file="p.yaml")
    assert [(error.code, error.line) for error in found.errors][:1] == [(code, line)]


def test_a_billion_laughs_stop_early() -> None:
    names = "abcdefghij"
    text = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(names)
    )
    assert [error.code for error in examine(text).errors] == ["definition-too-large"]


def test_the_format_is_told_by_name_then_by_first_character() -> None:
    assert [error.code for error in examine("{", file="p.yml").errors] == ["yaml-syntax"]
    assert [error.code for error in examine("a: 1", file="p.json").errors] == ["json-syntax"]
    assert [error.code for error in examine("{").errors] == ["json-syntax"]
    assert [error.code for error in examine("{", format="yaml").errors] == ["yaml-syntax"]


def test_control_characters_of_a_definition_never_reach_a_message() -> None:
    found = examine(json.dumps(document(fn("\x1b[2J\u202e"), fn("B", DependsOn=["\x07\r"]))))
    assert len(found.errors) == 2
    for error in found.errors:
        assert (error.message + error.hint).isprintable()
