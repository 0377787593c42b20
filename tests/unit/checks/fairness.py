"""Bias metrics by their published formulas, in exact fractions where they are rational.

Amazon SageMaker Developer Guide, "Pre-training Bias Metrics" and "Post-training Data and Model
Bias Metrics". A row is ``(d, y, p, g)``: in the disadvantaged facet, label positive, prediction
positive, group. The flip test is left out: it needs a nearest-neighbour classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import log, sqrt

Row = tuple[bool, bool, bool, object]


def share(rows: Sequence[Row], among: Callable[[Row], bool], of: Callable[[Row], bool]) -> Fraction:
    """Share of the rows ``of`` which is true among those ``among`` which is."""
    base = [row for row in rows if among(row)]
    return Fraction(sum(of(row) for row in base), len(base))


def demographic_disparity(rows: Sequence[Row], outcome: int) -> Fraction:
    """Share of facet d among the rejected, less its share among the accepted."""

    def part(accepted: bool) -> Fraction:
        chosen = [row for row in rows if row[outcome] is accepted]
        return Fraction(sum(row[0] for row in chosen), len(chosen)) if chosen else Fraction(0)

    return part(False) - part(True)


def conditional_disparity(rows: Sequence[Row], outcome: int) -> Fraction:
    """Demographic disparity of each group, weighted by its size."""
    total = Fraction(0)
    for group in {row[3] for row in rows}:
        members = [row for row in rows if row[3] == group]
        total += len(members) * demographic_disparity(members, outcome)
    return total / len(rows)


def before_training(rows: Sequence[Row]) -> dict[str, float]:
    """CDDL, CI, DPL, JS, KL, KS, LP and TVD of the labels."""
    n_d = sum(row[0] for row in rows)
    n_a = len(rows) - n_d
    accepted_a = float(share(rows, lambda row: not row[0], lambda row: row[1]))
    accepted_d = float(share(rows, lambda row: row[0], lambda row: row[1]))
    a, d = (1 - accepted_a, accepted_a), (1 - accepted_d, accepted_d)
    mean = tuple((x + y) / 2 for x, y in zip(a, d, strict=True))

    def divergence(p: Sequence[float], q: Sequence[float]) -> float:
        return sum(x * log(x / y) for x, y in zip(p, q, strict=True))

    gaps = [abs(x - y) for x, y in zip(a, d, strict=True)]
    return {
        "CDDL": float(conditional_disparity(rows, 1)),
        "CI": (n_a - n_d) / len(rows),
        "DPL": accepted_a - accepted_d,
        "JS": (divergence(a, mean) + divergence(d, mean)) / 2,
        "KL": divergence(a, d),
        "KS": max(gaps),
        "LP": sqrt(sum(gap * gap for gap in gaps)),
        "TVD": sum(gaps) / 2,
    }


def after_training(rows: Sequence[Row]) -> dict[str, float]:
    """The metrics on predictions, without the flip test."""

    def counts(facet: bool) -> dict[str, Fraction]:
        own = [row for row in rows if row[0] is facet]
        number = {
            name: Fraction(sum(row[1] is y and row[2] is p for row in own))
            for name, y, p in (
                ("tp", True, True), ("fn", True, False), ("fp", False, True), ("tn", False, False)
            )
        }  # fmt: skip
        return number | {"n": Fraction(len(own))}

    a, d = counts(False), counts(True)

    def positives(c: dict[str, Fraction]) -> Fraction:
        return c["tp"] + c["fn"]

    def negatives(c: dict[str, Fraction]) -> Fraction:
        return c["tn"] + c["fp"]

    def accepted(c: dict[str, Fraction]) -> Fraction:
        return c["tp"] + c["fp"]

    def rejected(c: dict[str, Fraction]) -> Fraction:
        return c["tn"] + c["fn"]

    benefits = [int(row[2]) - int(row[1]) + 1 for row in rows]
    mean = Fraction(sum(benefits), len(benefits))
    entropy = sum((b / mean) ** 2 - 1 for b in benefits) / (2 * len(benefits))
    exact = {
        "AD": (a["tp"] + a["tn"]) / a["n"] - (d["tp"] + d["tn"]) / d["n"],
        "CDDPL": conditional_disparity(rows, 2),
        "DAR": a["tp"] / accepted(a) - d["tp"] / accepted(d),
        "DCA": positives(a) / accepted(a) - positives(d) / accepted(d),
        "DCR": negatives(d) / rejected(d) - negatives(a) / rejected(a),
        "DI": (accepted(d) / d["n"]) / (accepted(a) / a["n"]),
        "DPPL": accepted(a) / a["n"] - accepted(d) / d["n"],
        "DRR": d["tn"] / rejected(d) - a["tn"] / rejected(a),
        "GE": entropy,
        "RD": a["tp"] / positives(a) - d["tp"] / positives(d),
        "SD": d["tn"] / negatives(d) - a["tn"] / negatives(a),
        "TE": d["fn"] / d["fp"] - a["fn"] / a["fp"],
    }
    return {name: float(value) for name, value in exact.items()}
