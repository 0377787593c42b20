"""``CacheConfig.ExpireAfter``: the lenient ISO-8601 duration that SageMaker accepts."""

from __future__ import annotations

import re

_DAY_S = 86_400
_UNITS_S = {
    "years": 365 * _DAY_S,
    "months": 30 * _DAY_S,
    "weeks": 7 * _DAY_S,
    "days": _DAY_S,
    "hours": 3600,
    "minutes": 60,
}
_DURATION = re.compile(
    r"""P?(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?
    (?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?
    (?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?)?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def seconds(text: str) -> int | None:
    """The duration in seconds, or None if the text is not one.

    ``P`` is optional and case does not matter: ``30d``, ``T16m``, ``30dT5h``, ``P4DT12H``, ``5y``.
    ``m`` is a month before ``T`` and a minute after it. A year counts 365 days, a month 30.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    amounts = {unit: int(amount) for unit, amount in found.groupdict().items() if amount}
    if not amounts or text[-1] in "Tt":
        return None
    return sum(_UNITS_S[unit] * amount for unit, amount in amounts.items())
