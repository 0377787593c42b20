"""DataProcessing of a batch transform: what of a record is sent, and what of it is kept. Pure."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any, Mapping

from .filters import Filter, parse
from .records import RecordError

CSV = "csv"
JSON = "json"
_KINDS = {
    "text/csv": CSV,
    "application/json": JSON,
    "application/jsonlines": JSON,
    "application/x-jsonlines": JSON,
}
# a record may be one long field
csv.field_size_limit(1 << 30)


def kind_of(content_type: str | None) -> str:
    """``csv``, ``json``, or empty where filters cannot look into records of this type."""
    return _KINDS.get((content_type or "").partition(";")[0].strip().lower(), "")


@dataclass(frozen=True)
class DataProcessing:
    """Filters around the model.

    Attributes:
        join: whether the input stands before the prediction (JoinSource Input).
        kind: of the input's records.
        output_kind: of the model's answers.
    """

    input_filter: Filter
    output_filter: Filter
    join: bool
    kind: str
    output_kind: str

    @classmethod
    def of(
        cls, request: Mapping[str, Any], content_type: str | None, accept: str | None
    ) -> DataProcessing:
        """Out of the request's DataProcessing.

        Raises:
            FilterError: a filter cannot be read.
            RecordError: there is something to do with records that are neither CSV nor JSON.
        """
        kind = kind_of(content_type)
        found = cls(
            parse(request.get("InputFilter") or "$"),
            parse(request.get("OutputFilter") or "$"),
            request.get("JoinSource") == "Input",
            kind,
            kind_of(accept) or kind,
        )
        touches_input = found.join or not found.input_filter.everything
        if (touches_input and not kind) or (found.keeps_records and not found.output_kind):
            raise RecordError(
                f"DataProcessing needs CSV or JSON records, not ContentType {content_type!r}"
            )
        return found

    @property
    def keeps_records(self) -> bool:
        """Whether answers are looked into, so that each must be matched with its record."""
        return self.join or not self.output_filter.everything

    def request(self, record: bytes) -> bytes:
        """What the model gets of a record.

        Raises:
            FilterError, RecordError: the record does not fit the filter or its type.
        """
        if self.input_filter.everything:
            return record
        return _written(self.input_filter.apply(_read(record, self.kind)), self.kind)

    def result(self, record: bytes, answer: bytes) -> bytes:
        """What the output has of a record and the model's answer to it.

        Raises:
            FilterError, RecordError: the answer does not fit the filter or its type.
        """
        if not self.join:
            kept = self.output_filter.apply(_read(answer, self.output_kind))
            return _written(kept, self.output_kind)
        given, found = _read(record, self.kind), _read(answer, self.kind)
        joined: Any
        if self.kind == CSV:
            joined = given + found
        elif isinstance(given, dict):
            joined = {**given, "SageMakerOutput": found}
        else:
            joined = {"SageMakerInput": given, "SageMakerOutput": found}
        return _written(self.output_filter.apply(joined), self.kind)


def _read(record: bytes, kind: str) -> Any:
    try:
        text = record.decode("utf-8")
        if kind == JSON:
            return json.loads(text)
        return next(csv.reader([text.rstrip("\r\n")]), [])
    except (ValueError, csv.Error) as error:
        shown = record[:60].decode("utf-8", "replace")
        raise RecordError(f"{shown!r} is not {kind.upper()}: {error}") from error


def _written(value: Any, kind: str) -> bytes:
    if kind == JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    cells = value if isinstance(value, list) else [value]
    if cells == [""]:
        return b""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue().encode("utf-8")
