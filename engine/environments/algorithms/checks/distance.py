"""How far two distributions lie apart: the distances of the baseline drift check.

All of them are those of deequ's ``Distance``; ``Robust`` takes from the distance what chance alone
may cause between samples of these sizes (two-sample Kolmogorov-Smirnov, c = 1.8 for a level of
0.003; Knuth, The Art of Computer Programming, volume 2, 3.3.1, equation 15).
"""

from __future__ import annotations

import math
from typing import Mapping, Sequence

from .sketch import Ranks

C_ALPHA = 1.8
_MANY_CATEGORIES_MIN, _MANY_CATEGORIES_SHARE = 5, 0.2
_TWO_CATEGORIES_MIN = 10


def numerical(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], *, robust: bool
) -> float:
    """Largest gap between the empirical distribution functions of two sketches' levels."""
    one, other = Ranks(first), Ranks(second)
    gap = max(
        abs(one.at_most(value) / one.total - other.at_most(value) / other.total)
        for value in {*one.items, *other.items}
    )
    return _corrected(gap, one.total, other.total) if robust else gap


def categorical(first: Mapping[str, float], second: Mapping[str, float], *, robust: bool) -> float:
    """Largest difference of a category's share (L-infinity) between two tables of counts."""
    n, m = sum(first.values()), sum(second.values())
    gap = max(abs(first.get(key, 0) / n - second.get(key, 0) / m) for key in {*first, *second})
    return _corrected(gap, n, m) if robust else gap


def _corrected(gap: float, n: float, m: float) -> float:
    return max(0.0, gap - C_ALPHA * math.sqrt((n + m) / (n * m)))


def chi_squared(observed: Mapping[str, float], expected: Mapping[str, float]) -> float:
    """p-value of Pearson's goodness-of-fit test of counts against a baseline's counts.

    The expected counts are scaled to the observed total. The smallest category is merged into the
    next one until two categories have 10 expected each (Cochran 1952), or of more at most 20 % have
    less than 5 (Yates, Moore, McCabe 1999, page 734).

    Returns:
        The probability of such a deviation by chance; NaN where fewer than two categories remain.
    """
    total = sum(count for key, count in observed.items() if key in expected)
    scale = total / sum(expected.values())
    wanted = {key: count * scale for key, count in expected.items()}
    seen = {key: float(observed.get(key, 0)) for key in wanted}
    while len(wanted) >= 2 and _too_few(list(wanted.values())):
        least = min(wanted, key=lambda key: wanted[key])
        moved, moved_seen = wanted.pop(least), seen.pop(least)
        into = min(wanted, key=lambda key: wanted[key])
        wanted[into] += moved
        seen[into] += moved_seen
    if len(wanted) < 2:
        return math.nan
    statistic = sum((seen[key] - wanted[key]) ** 2 / wanted[key] for key in wanted)
    return upper_gamma((len(wanted) - 1) / 2, statistic / 2)


def _too_few(expected: Sequence[float]) -> bool:
    if len(expected) == 2:
        return any(count < _TWO_CATEGORIES_MIN for count in expected)
    small = sum(count < _MANY_CATEGORIES_MIN for count in expected)
    return small > int(_MANY_CATEGORIES_SHARE * len(expected))


def upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x), for a > 0 and x >= 0.

    Series below a + 1, Lentz's continued fraction above (Press et al., Numerical Recipes, 6.2).
    """
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-16:
            n += 1
            term *= x / n
            total += term
        return 1 - front * total
    b = x + 1 - a
    c, d = math.inf, 1 / b
    fraction = d
    for i in range(1, 1000):
        step = i * (a - i)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return front * fraction
