"""CloudWatch Logs on a home: the logs of its jobs, read as ``boto3`` and ``aws logs tail`` do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.endpoint.body import json_object
from engine.endpoint.faults import AwsFault
from engine.endpoint.log_events import Window, event_page, filter_page, invalid
from engine.endpoint.log_streams import Stream, streams_of
from engine.model.log_streams import KNOWN_GROUPS
from engine.model.views import LOCAL_ACCOUNT, LOCAL_REGION

if TYPE_CHECKING:
    from engine.sources.reader import LocalReader

Json = dict[str, Any]
TARGET = "Logs_20140328."
_PAGE = 50


class LogService:
    """Answers requests of the CloudWatch Logs API that read.

    Args:
        open_reader: a reader of the home's store, given back when its block ends.
        home: its folder.
    """

    def __init__(
        self, open_reader: Callable[[], AbstractContextManager[LocalReader]], home: Path
    ) -> None:
        self._open_reader = open_reader
        self._home = home
        self._operations: dict[str, Callable[[Json], Json]] = {
            "DescribeLogGroups": self._groups,
            "DescribeLogStreams": self._streams,
            "FilterLogEvents": self._filtered,
            "GetLogEvents": self._events,
        }

    async def answer(self, target: str, body: bytes) -> bytes:
        """Answer a request.

        Args:
            target: the ``X-Amz-Target`` header.

        Raises:
            AwsFault: in the service's words.
        """
        operation = self._operations.get(target.removeprefix(TARGET))
        if not target.startswith(TARGET) or operation is None:
            raise AwsFault(
                "UnknownOperationException",
                f"The local CloudWatch Logs has {', '.join(self._operations)} alone.",
            )
        given = json_object(body)
        try:
            return json.dumps(await asyncio.to_thread(operation, given)).encode()
        except (TypeError, AttributeError) as problem:
            raise invalid(f"A member of the request has another type: {problem}.") from problem

    def _found(self, group: str, named: str = "") -> list[Stream]:
        """The streams of a group whose names begin as given, by name."""
        with self._open_reader() as reader:
            streams = [one for one in streams_of(reader, self._home, named) if one.group == group]
        if not streams and group not in KNOWN_GROUPS:
            raise missing("log group")
        return sorted(
            (one for one in streams if one.name.startswith(named)), key=lambda one: one.name
        )

    def _groups(self, given: Json) -> Json:
        prefix = given.get("logGroupNamePrefix") or ""
        part = given.get("logGroupNamePattern") or ""
        created: dict[str, float] = {}
        with self._open_reader() as reader:
            for one in streams_of(reader, self._home):
                first = created.get(one.group, one.created_at)
                created[one.group] = min(first, one.created_at)
        names = [name for name in sorted(created) if name.startswith(prefix) and part in name]
        shown, more = _page(names, given)
        return {
            "logGroups": [
                {
                    "logGroupName": name,
                    "creationTime": _millis(created[name]),
                    "arn": f"{_arn(name)}:*",
                    "logGroupArn": _arn(name),
                }
                for name in shown
            ],
            **more,
        }

    def _streams(self, given: Json) -> Json:
        prefix = given.get("logStreamNamePrefix") or ""
        by_time = given.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams = self._found(_group(given), prefix)
        if by_time:
            streams.sort(key=_changed_at)
        if given.get("descending"):
            streams.reverse()
        named = {one.name: one for one in streams}
        shown, more = _page(list(named), given)
        return {"logStreams": [_described(named[name]) for name in shown], **more}

    def _events(self, given: Json) -> Json:
        name = given.get("logStreamName") or ""
        for stream in self._found(_group(given), name):
            if stream.name == name:
                return event_page(stream, Window.of(given), given)
        raise missing("log stream")

    def _filtered(self, given: Json) -> Json:
        names = given.get("logStreamNames")
        prefix = given.get("logStreamNamePrefix") or ""
        if names and prefix:
            raise invalid("Give logStreamNames or a logStreamNamePrefix, not both.")
        streams = self._found(_group(given), prefix)
        if names:
            unknown = set(names) - {one.name for one in streams}
            if unknown:
                raise missing("log stream")
            streams = [one for one in streams if one.name in names]
        return filter_page(streams, Window.of(given), given)


def missing(what: str) -> AwsFault:
    """The service's error for what is not there."""
    return AwsFault("ResourceNotFoundException", f"The specified {what} does not exist.")


def _group(given: Mapping[str, Any]) -> str:
    """The group that a request names, or whose ARN it gives."""
    text = given.get("logGroupName") or given.get("logGroupIdentifier")
    if not text:
        raise invalid("Give a logGroupName or a logGroupIdentifier.")
    return str(text).removesuffix(":*").rpartition("log-group:")[2]


def _arn(group: str) -> str:
    return f"arn:aws:logs:{LOCAL_REGION}:{LOCAL_ACCOUNT}:log-group:{group}"


def _described(stream: Stream) -> Json:
    changed, size = _changed_at(stream), stream.file.stat().st_size
    about: Json = {
        "logStreamName": stream.name,
        "creationTime": _millis(stream.created_at),
        "arn": f"{_arn(stream.group)}:log-stream:{stream.name}",
        "storedBytes": size,
    }
    if size:
        about["firstEventTimestamp"] = _millis(stream.created_at)
        about["lastEventTimestamp"] = about["lastIngestionTime"] = _millis(changed)
    return about


def _changed_at(stream: Stream) -> float:
    return stream.file.stat().st_mtime


def _millis(at: float) -> int:
    return int(at * 1000)


def _page(names: Sequence[str], given: Mapping[str, Any]) -> tuple[Sequence[str], Json]:
    """One page of names, and the token where more follow: the last name of the page."""
    start = 0
    if token := given.get("nextToken"):
        if token not in names:
            raise invalid("The specified nextToken is invalid.")
        start = names.index(token) + 1
    limit = given.get("limit") or _PAGE
    if not 1 <= limit <= _PAGE:
        raise invalid(f"limit is a number from 1 to {_PAGE}.")
    shown = names[start : start + limit]
    more = start + limit < len(names)
    return shown, {"nextToken": shown[-1]} if more else {}
