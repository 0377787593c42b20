"""Predictions for rows of data, from a model server that speaks ``/invocations``."""

from __future__ import annotations

import csv
import json
import urllib.error
import urllib.request
from string import Template
from typing import Any, Mapping, Protocol, Sequence

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from .job import CheckError
from .table import CSV, JSON_LINES, search

URL_VARIABLE = "PIPETUI_PREDICTOR_URL"
"""Names the server: ``http://127.0.0.1:8080/invocations``."""
BATCH_ROWS = 1000
TIMEOUT_S = 60.0

Json = Mapping[str, Any]


class Predictor(Protocol):
    """A model that can be asked."""

    def predict(self, rows: pd.DataFrame) -> list[Any]:
        """The model's answer for each row: the cells of a CSV line, or a JSON value."""
        ...


class HttpPredictor:
    """A model behind a URL.

    Args:
        config: ``predictor`` of the analysis configuration: ``content_type``, ``accept_type``,
            ``content_template``.
    """

    def __init__(self, url: str, config: Json) -> None:
        self._url = url
        self._content = config.get("content_type") or CSV
        self._accept = config.get("accept_type") or self._content
        self._template = Template(config.get("content_template") or '{"features":$features}')
        for kind in (self._content, self._accept):
            if kind not in (CSV, JSON_LINES):
                raise CheckError(f"A predictor speaks {CSV} or {JSON_LINES} here, not {kind}.")

    def predict(self, rows: pd.DataFrame) -> list[Any]:
        """See ``Predictor.predict``. Errors: ``CheckError`` for an answer that does not fit."""
        answers: list[Any] = []
        for start in range(0, len(rows), BATCH_ROWS):
            batch = rows.iloc[start : start + BATCH_ROWS]
            given = self._ask(self._body(batch))
            if len(given) != len(batch):
                raise CheckError(
                    f"The model server answered {len(given)} record(s) to {len(batch)} row(s)."
                )
            answers += given
        return answers

    def _body(self, rows: pd.DataFrame) -> str:
        if self._content == CSV:
            text: str = rows.to_csv(header=False, index=False)
            return text
        records = json.loads(rows.to_json(orient="values"))
        return "\n".join(self._template.substitute(features=json.dumps(row)) for row in records)

    def _ask(self, body: str) -> list[Any]:
        request = urllib.request.Request(
            self._url,
            data=body.encode("utf-8"),
            headers={"Content-Type": self._content, "Accept": self._accept},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                text = response.read().decode("utf-8")
        except urllib.error.HTTPError as problem:
            said = problem.read(500).decode("utf-8", "replace")
            raise CheckError(f"The model server answered {problem.code}: {said}") from problem
        except OSError as problem:
            raise CheckError(f"The model server does not answer: {problem}") from problem
        lines = [line for line in text.splitlines() if line.strip()]
        if self._accept == CSV:
            return list(csv.reader(lines))
        return [json.loads(line) for line in lines]


def connect(environment: Mapping[str, str], config: Json) -> Predictor:
    """The model server of this job. Errors: ``CheckError`` where it has none."""
    url = environment.get(URL_VARIABLE)
    if not url:
        raise CheckError(
            "This analysis asks the model, but the job has no model server. Bias after training can"
            " be measured without one: add predictions to the dataset and name their column as"
            " predicted_label."
        )
    return HttpPredictor(url, config.get("predictor") or {})


def scores(answers: Sequence[Any], predictor: Json) -> list[list[float]]:
    """The model's numbers for each row, one per label.

    Args:
        predictor: ``probability`` or ``label`` says where they are: an index or JMESPath.
    """
    place = predictor.get("probability")
    if place is None:
        place = predictor.get("label")
    values = [_part(answer, place) for answer in answers]
    try:
        return [[float(one) for one in (v if isinstance(v, list) else [v])] for v in values]
    except (TypeError, ValueError) as problem:
        raise CheckError(f"The model's answer is no number: {problem}.") from problem


def labels(answers: Sequence[Any], config: Json) -> list[Any]:
    """The predicted label of each row.

    It is what ``label`` selects; else the label header with the highest probability; else 1 where
    the score is above ``probability_threshold`` (0.5), and 0 elsewhere.
    """
    predictor: Json = config.get("predictor") or {}
    if predictor.get("label") is not None:
        return [_value(_part(answer, predictor["label"])) for answer in answers]
    found = scores(answers, predictor)
    headers = predictor.get("label_headers")
    if headers and found and len(found[0]) > 1:
        return [headers[max(range(len(row)), key=row.__getitem__)] for row in found]
    threshold = float(config.get("probability_threshold") or 0.5)
    return [int(row[0] > threshold) for row in found]


def _part(answer: Any, place: Any) -> Any:
    """A cell of a CSV answer by its index, a part of a JSON answer by its path; else all of it."""
    if place is None:
        return answer
    if isinstance(answer, list) and str(place).isdigit():
        return _list_or_value(answer[int(place)])
    return search(str(place), answer)


def _list_or_value(cell: Any) -> Any:
    """A CSV cell may hold a JSON list: the probabilities of all labels."""
    if isinstance(cell, str) and cell.startswith("["):
        return json.loads(cell)
    return cell


def _value(cell: Any) -> Any:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return cell
    return int(number) if number.is_integer() else number
