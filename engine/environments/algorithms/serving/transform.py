"""Batch transform: starts the model, sends it the records of every input file, keeps the answers.

Reads ``config/transform.json`` of the job's tree, the files below ``transform/input``, and writes
``transform/output/<name>.out`` for each of them.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Mapping, Sequence

from ..job import Tree
from .chain import DEFAULT_TIMEOUT_S, Chain, Unhealthy
from .filters import FilterError
from .processing import DataProcessing
from .records import BINARY, LINE, Record, RecordError, answers, assembled, batches, body, split
from .reply import Reply

PLAN = "transform.json"
_MEGABYTE = 1024**2
_SHOWN = 300


class TransformError(Exception):
    """The job fails; the text is its reason."""


def main(tree: Tree) -> int:
    """Run the job that is described in the tree; returns its exit code."""
    plan = json.loads((tree.root / "config" / PLAN).read_text(encoding="utf-8"))
    try:
        with Chain(plan["containers"], tree.root, plan["model"]) as chain:
            chain.wait_healthy()
            settings = Settings.of(plan, _offered(chain))
            print(f"{plan['model']} is healthy; {settings.words()}", flush=True)
            folder = tree.root / "transform"
            run(settings, chain, folder / "input", folder / "output")
    except (TransformError, Unhealthy, FilterError, RecordError) as error:
        print(str(error), file=sys.stderr, flush=True)
        tree.write_failure(str(error))
        return 1
    return 0


@dataclass(frozen=True)
class Settings:
    """How records are sent.

    Attributes:
        split: SplitType; where it is none that we know a file is one record.
        together: BatchStrategy MultiRecord.
        end_lines: AssembleWith Line.
        limit: bytes of a request; None for any.
        concurrency: requests at once.
        retries: how often a request is sent again that was answered with 5xx or not at all.
    """

    content_type: str
    accept: str
    split: str
    together: bool
    end_lines: bool
    packed: bool
    limit: int | None
    concurrency: int
    retries: int
    timeout_s: float
    processing: DataProcessing

    @classmethod
    def of(cls, plan: Mapping[str, Any], offered: Mapping[str, Any]) -> Settings:
        """What the request says, else the container, else 1 at once, MultiRecord, 6 MB.

        Raises:
            FilterError, RecordError: DataProcessing cannot be done.
        """

        def chosen(name: str, default: Any) -> Any:
            asked = plan.get(name)
            return asked if asked is not None else offered.get(name, default)

        strategy = str(chosen("BatchStrategy", "MultiRecord"))
        megabytes = float(chosen("MaxPayloadInMB", 6))
        return cls(
            content_type=plan.get("ContentType") or "",
            accept=plan.get("Accept") or "",
            split=plan.get("SplitType") or "",
            together=strategy.replace("_", "").upper() != "SINGLERECORD",
            end_lines=plan.get("AssembleWith") == "Line",
            packed=plan.get("CompressionType") == "Gzip",
            limit=int(megabytes * _MEGABYTE) or None,
            concurrency=max(1, int(chosen("MaxConcurrentTransforms", 1))),
            retries=int(plan.get("InvocationsMaxRetries") or 0),
            timeout_s=float(plan.get("InvocationsTimeoutInSeconds") or DEFAULT_TIMEOUT_S),
            processing=DataProcessing.of(
                plan.get("DataProcessing") or {}, plan.get("ContentType"), plan.get("Accept")
            ),
        )

    @property
    def between(self) -> bytes:
        """What stands between two records of a request; nothing where they tell their lengths."""
        return b"" if self.split in BINARY else b"\n"

    def words(self) -> str:
        """The settings for the log."""
        strategy = "MultiRecord" if self.together else "SingleRecord"
        limit = f"up to {self.limit} bytes" if self.limit else "any size"
        return f"{strategy}, {limit}, {self.concurrency} at once"


@dataclass(frozen=True)
class Sent:
    """A request on its way.

    Attributes:
        name: of the input file.
        output: the file that its answer goes to.
    """

    name: str
    output: Path
    batch: Sequence[Record]
    answer: Future[Reply]


def run(settings: Settings, chain: Chain, source: Path, target: Path) -> None:
    """Send every file's records, as many requests at once as allowed, and keep answers in order.

    Raises:
        TransformError: a request fails, or a record or an answer cannot be used.
    """
    waiting: deque[Sent] = deque()
    with ThreadPoolExecutor(settings.concurrency) as pool:
        try:
            for name, output, batch in _requests(settings, source, target):
                if len(waiting) == settings.concurrency:
                    _keep(settings, waiting.popleft())
                answer = pool.submit(_ask, settings, chain, batch)
                waiting.append(Sent(name, output, batch, answer))
            while waiting:
                _keep(settings, waiting.popleft())
        finally:
            for sent in waiting:
                sent.answer.cancel()


def _requests(
    settings: Settings, source: Path, target: Path
) -> Iterator[tuple[str, Path, list[Record]]]:
    """Name, output file and records of each request, file by file; makes the output files."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        name = str(file.relative_to(source))
        output = target / f"{name}.out"
        output.parent.mkdir(parents=True, exist_ok=True)
        output.touch()
        count = 0
        try:
            with _opened(file, settings.packed) as stream:
                records = _records(settings, stream)
                for batch in batches(records, settings.limit, settings.together, settings.between):
                    count += len(batch)
                    yield name, output, batch
        except (FilterError, RecordError, OSError, EOFError) as error:
            raise TransformError(f"{name}: {error}") from error
        print(f"{name}: {count} records", flush=True)


def _keep(settings: Settings, sent: Sent) -> None:
    try:
        content = _result(settings, sent.batch, sent.answer.result())
    except RecordError as error:
        raise TransformError(f"{sent.name}: {error}") from error
    with sent.output.open("ab") as out:
        out.write(content)


def _records(settings: Settings, stream: BinaryIO) -> Iterator[Record]:
    for number, source in enumerate(split(stream, settings.split, settings.together), 1):
        try:
            yield Record(number, source, settings.processing.request(source))
        except (FilterError, RecordError) as error:
            raise RecordError(f"record {number}: {error}") from error


def _ask(settings: Settings, chain: Chain, batch: Sequence[Record]) -> Reply:
    """The model's answer to a batch. Errors: ``RecordError`` where there is none, or no 2xx."""
    content = body(batch, settings.between)
    problem = ""
    for _ in range(settings.retries + 1):
        try:
            reply = chain.invoke(
                content, settings.content_type, settings.accept, timeout=settings.timeout_s
            )
        except (OSError, http.client.HTTPException) as error:
            problem = f"no answer from the model: {error or type(error).__name__}"
            continue
        if 200 <= reply.status < 300:
            return reply
        said = reply.body[:_SHOWN].decode("utf-8", "replace").strip()
        problem = f"Bad HTTP status returned from invoke: {reply.status}" + (
            f": {said}" * bool(said)
        )
        if reply.status < 500:
            break
    raise RecordError(f"{_which(batch)}: {problem}")


def _result(settings: Settings, batch: Sequence[Record], reply: Reply) -> bytes:
    """What the output file has of a batch."""
    content = reply.body
    if settings.processing.keeps_records:
        found = answers(content, len(batch)) if settings.split == LINE else [content]
        end = b"\n" if content.endswith(b"\n") else b""
        try:
            pairs = zip(batch, found)
            lines = [settings.processing.result(record.source, one) for record, one in pairs]
        except (FilterError, RecordError) as error:
            raise RecordError(f"{_which(batch)}: {error}") from error
        content = b"\n".join(lines) + end
    return assembled(content, settings.end_lines)


def _which(batch: Sequence[Record]) -> str:
    first, last = batch[0].number, batch[-1].number
    return f"record {first}" if first == last else f"records {first} to {last}"


def _offered(chain: Chain) -> Mapping[str, Any]:
    """What the first container offers at ``/execution-parameters``; it need not."""
    reply = chain.servers[0].ask("GET", "/execution-parameters")
    try:
        found = json.loads(reply.body) if reply.status == 200 else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _opened(file: Path, packed: bool) -> Any:
    return gzip.open(os.fspath(file), "rb") if packed else file.open("rb")
