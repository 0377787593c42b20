"""When a log line says it was written, read from the text itself.

Jobs write plain files, so a line has no time but the one it states: ISO 8601, Python's ``logging``
and most other loggers' dates, syslog, klog, seconds or milliseconds since the epoch, a bare time of
day, and the usual fields of JSON lines and logfmt. A line without a zone is in the host's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

_LOOKED_AT = 160
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DATE_TIME = r"""
    (\d{4}[-/]\d\d[-/]\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?
    (\ ?(?:Z|UTC|[+-]\d\d:?\d\d)(?![\w:]))?
"""
_OPENS = r"(?:\x1b\[[0-9;:]*m)*[\[(<]?"
_CLOSES = r"[\])>]?(?:\x1b\[0?m)?[,:]?(?:\ (?:[-|]\ )?|$)?"
_DATED = re.compile(f"(?x) {_OPENS} {_DATE_TIME} {_CLOSES}")
_OTHER = re.compile(
    rf"""(?x)
    {_OPENS}
    (?: (?P<epoch>[12]\d{{9}})(?:\.(?P<epoch_part>\d{{1,9}})|(?P<millis>\d{{3}}))?(?=[\s\]),|:]|$)
      | (?P<month>{"|".join(_MONTHS)})\ +(?P<day>\d{{1,2}})\ (?P<syslog>\d\d:\d\d:\d\d)(?!\d)
      | [IWEF](?P<klog>\d{{4}})\ (?P<klog_time>\d\d:\d\d:\d\d)(?:\.(?P<klog_part>\d{{1,9}}))?
      | (?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<clock_part>\d{{1,9}}))?(?![\w:])
    )
    {_CLOSES}
    """
)
_ANYWHERE = re.compile(f"(?x) {_DATE_TIME}")
_FIELD = re.compile(
    r"""["']?(?:@?timestamp|time|ts|asctime|datetime|date)["']?\s*[:=]\s*["']?(?P<value>[^"',}]+)"""
)
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")


class Stamp(NamedTuple):
    """A line's time in seconds since the epoch, and how many characters at its start say so."""

    at: float
    size: int


class Clock:
    """Reads the times of one log's lines.

    Args:
        near: a moment at which the log was written, in seconds since the epoch: it gives the year
            and the day where a line leaves them out.
        zone: of lines that name none; None is the host's.
    """

    def __init__(self, near: float, zone: tzinfo | None = None) -> None:
        self._near = datetime.fromtimestamp(near, zone)
        self._zone = zone
        self._last = ("", "", "", 0.0)

    def read(self, text: str) -> Stamp | None:
        """The time a line states; None where it states none.

        A time that is a field of its own, or stands behind other text, has a size of 0.
        """
        if text[:1] in (" ", "\t", ""):
            return None
        if stated := self._stated(text):
            return stated
        text = text[:_LOOKED_AT]
        if text[0] == "{" or "=" in text:
            field = _FIELD.search(text)
            if field and (inner := self._stated(field["value"])):
                return Stamp(inner.at, 0)
        later = _ANYWHERE.search(text)
        return self._dated(later, 0) if later else None

    def _stated(self, text: str) -> Stamp | None:
        """The time a text begins with."""
        if found := _DATED.match(text):
            return self._dated(found, found.end())
        found = _OTHER.match(text)
        if found is None:
            return None
        known = found.groupdict()
        size = found.end()
        try:
            if known["epoch"]:
                at = int(known["epoch"]) + _part(known["epoch_part"] or known["millis"])
            elif known["month"]:
                month = _MONTHS.index(known["month"]) + 1
                at = self._nearest_year(month, int(known["day"]), known["syslog"])
            elif known["klog"]:
                month, day = int(known["klog"][:2]), int(known["klog"][2:])
                at = self._nearest_year(month, day, known["klog_time"]) + _part(known["klog_part"])
                size = 0
            else:
                at = self._nearest_day(known["clock"]) + _part(known["clock_part"])
        except (ValueError, OverflowError, OSError):
            return None
        return Stamp(at, size)

    def _dated(self, found: re.Match[str], size: int) -> Stamp | None:
        date, time, part, zone = found.groups()
        try:
            return Stamp(self._moment(date, time, zone or "") + _part(part), size)
        except (ValueError, OverflowError, OSError):
            return None

    def _moment(self, date: str, time: str, zone: str) -> float:
        """Seconds since the epoch; most lines are of the same second as the one before."""
        last = self._last
        if last[0] == date and last[1] == time and last[2] == zone:
            return last[3]
        year, month, day = int(date[:4]), int(date[5:7]), int(date[8:])
        at = datetime(year, month, day, *_clock(time), tzinfo=self._zone_of(zone)).timestamp()
        self._last = date, time, zone, at
        return at

    def _zone_of(self, text: str) -> tzinfo | None:
        if not text:
            return self._zone
        offset = _ZONE.search(text)
        if offset is None:
            return UTC
        size = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(size if offset[1] == "+" else -size)

    def _nearest_year(self, month: int, day: int, time: str) -> float:
        years = [self._near.year + step for step in (0, -1, 1)]
        possible = []
        for year in years:
            if (month, day) == (2, 29) and (year % 4 or (year % 100 == 0 and year % 400)):
                continue
            moment = datetime(year, month, day, *_clock(time), tzinfo=self._zone)
            possible.append(moment.timestamp())
        near = self._near.timestamp()
        return min(possible, key=lambda at: abs(at - near))

    def _nearest_day(self, time: str) -> float:
        today = self._near.replace(tzinfo=self._zone)
        hour, minute, second = _clock(time)
        near = self._near.timestamp()
        days = [
            (today + timedelta(days=step)).replace(
                hour=hour, minute=minute, second=second, microsecond=0
            )
            for step in (-1, 0, 1)
        ]
        return min((day.timestamp() for day in days), key=lambda at: abs(at - near))


def _clock(text: str) -> tuple[int, int, int]:
    return int(text[:2]), int(text[3:5]), int(text[6:8])


def _part(digits: str | None) -> float:
    return int(digits) / 10 ** len(digits) if digits else 0.0
