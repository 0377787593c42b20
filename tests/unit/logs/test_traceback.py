from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs.traceback import Frame, last_traceback, tracebacks

PANDAS = """noise
Traceback (most recent call last):
  File "/opt/conda/lib/python3.11/site-packages/pandas/core/indexes/base.py", line 3805, in get_loc
    return self._engine.get_loc(casted_key)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
KeyError: 'tenure_months'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/opt/ml/code/evaluate.py", line 57, in main
    df["tenure"] = df["tenure_months"].clip(0, 72)
  File "/opt/conda/lib/python3.11/site-packages/pandas/core/frame.py", line 4102, in __getitem__
    indexer = self.columns.get_loc(key)
              ^^^^^^^^^^^^^^^^^^^^^^^^^
KeyError: 'tenure_months'
after
"""


def test_a_chain_is_one_traceback_with_the_last_exception_in_front() -> None:
    (found,) = tracebacks(PANDAS)
    assert (found.first_line, found.last_line) == (1, 15)
    assert found.summary == "KeyError: 'tenure_months'"
    assert found.link == "cause" and found.earlier is not None
    assert found.earlier.frames[0].code == "return self._engine.get_loc(casted_key)"


def test_the_own_frame_is_neither_an_installed_package_nor_python() -> None:
    found = last_traceback(PANDAS)
    assert found is not None
    code = 'df["tenure"] = df["tenure_months"].clip(0, 72)'
    assert found.own_frame == Frame("/opt/ml/code/evaluate.py", 57, "main", code)


@pytest.mark.parametrize(
    ("file", "foreign"),
    [
        ("<frozen runpy>", True),
        ("<string>", True),
        ("/usr/lib/python3.11/json/decoder.py", True),
        ("/home/me/.venv/lib/python3.12/site-packages/x.py", True),
        ("/usr/lib/python3/dist-packages/x.py", True),
        ("/home/me/lib/train.py", False),
        ("train.py", False),
    ],
)
def test_what_counts_as_foreign(file: str, foreign: bool) -> None:
    assert Frame(file, 1, "f", "").foreign is foreign


def _raise(depth: int, chain: bool) -> None:
    if depth:
        return _raise(depth - 1, chain)
    try:
        raise ValueError("first")
    except ValueError as error:
        if chain:
            raise RuntimeError("second") from error
        raise


@given(st.integers(0, 8), st.booleans())
def test_what_python_prints_is_read_back(depth: int, chain: bool) -> None:
    try:
        _raise(depth, chain)
    except (ValueError, RuntimeError) as error:
        text = "".join(traceback.format_exception(error))
        stack = traceback.extract_tb(error.__traceback__)
        found = last_traceback(f"before\n{text}after\n")
    assert found is not None
    assert found.summary == ("RuntimeError: second" if chain else "ValueError: first")
    assert (found.first_line, found.last_line) == (1, text.count("\n"))
    repeated = depth > 3
    if not repeated:
        expected = [(one.filename, one.lineno, one.name, one.line) for one in stack]
        frames = [(one.file, one.line, one.function, one.code) for one in found.frames]
        assert frames == expected


def test_exception_groups_syntax_errors_and_prefixes_are_read() -> None:
    group = """  + Exception Group Traceback (most recent call last):
  |   File "run.py", line 9, in <module>
  |     raise ExceptionGroup("many", errors)
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "run.py", line 4, in part
    |     raise OSError("inner")
    | OSError: inner
    +------------------------------------
"""
    assert [one.summary for one in tracebacks(group)] == [
        "ExceptionGroup: many (1 sub-exception)",
        "OSError: inner",
    ]
    syntax = (
        'Traceback (most recent call last):\n  File "a.py", line 3\n    f(\n     ^\nSyntaxError: x'
    )
    found = last_traceback(syntax)
    assert found is not None and found.frames == (Frame("a.py", 3, "", "f("),)
    prefixed = "".join(f"algo-1  | {line}\n" for line in PANDAS.splitlines()[9:15])
    found = last_traceback(prefixed.replace("| noise", "|"))
    assert found is not None and found.own_frame is not None and found.own_frame.line == 57


def test_one_that_is_cut_off_is_still_a_traceback() -> None:
    found = last_traceback('Traceback (most recent call last):\n  File "a.py", line 3, in f')
    assert found is not None and found.frames[0].line == 3 and found.exception == ""


@given(
    st.lists(
        st.sampled_from([*PANDAS.splitlines(), "", "+ Traceback (most recent call last):", "é: x"])
        | st.text(max_size=20)
    )
)
def test_any_text_is_read_and_its_blocks_lie_in_it_in_order(lines: list[str]) -> None:
    text = "\n".join(lines)
    rows = text.count("\n") + 1
    end = -1
    for found in tracebacks(text):
        assert end < found.first_line <= found.last_line < rows
        end = found.last_line
