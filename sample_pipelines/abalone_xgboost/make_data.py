"""Writes data/abalone-synthetic.csv: made-up rows in the shape of the UCI abalone data set.

No row is a real animal. The columns are the real ones and stand in the same order, without a
header: sex, length, diameter, height, whole, shucked, viscera and shell weight, rings (the age,
which the model predicts). The shapes of the relations are plausible and no more than that.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

TARGET = Path(__file__).resolve().parent / "data" / "abalone-synthetic.csv"
ROWS = 1500
SEED = 20201201


def abalone(draw: random.Random) -> list[str]:
    """One made-up animal: it grows fast while young, then slowly; weight follows its volume."""
    rings = min(29, max(2, round(draw.gammavariate(9.0, 1.1))))
    sex = "I" if rings < draw.uniform(4, 11) else draw.choice("MF")
    length = (0.66 - 0.6 * 0.8**rings) * draw.gauss(1, 0.07)
    diameter = length * draw.gauss(0.79, 0.02)
    height = length * draw.gauss(0.27, 0.025)
    whole = 16.5 * length * diameter * height * draw.gauss(1, 0.06)
    shucked = whole * draw.gauss(0.44, 0.025) * (1.12 - 0.012 * rings)
    viscera = whole * draw.gauss(0.22, 0.015)
    shell = whole * draw.gauss(0.25, 0.01) * (0.82 + 0.018 * rings)
    sizes = (length, diameter, height, whole, shucked, viscera, shell)
    return [sex, *(f"{size:.4f}" for size in sizes), str(rings)]


def main(target: Path = TARGET) -> None:
    """Write the file; the same bytes each time."""
    draw = random.Random(SEED)
    with target.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(abalone(draw) for _ in range(ROWS))


if __name__ == "__main__":
    main()
