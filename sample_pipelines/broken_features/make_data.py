"""Writes data/churn.csv and data/churn-fixed.csv: made-up customers, the same in both files.

They differ in one word: the first names a column ``monthly_fee`` that the code knows as
``monthly_charges``. A few cells are empty, as they are in life.
"""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
COLUMNS = ["customer_id", "tenure_months", "monthly_charges", "support_calls", "contract"]
ROWS = 400
SEED = 42


def customer(draw: random.Random, number: int) -> list[str]:
    """One made-up customer: short tenure, high charges and many calls make churn likelier."""
    tenure = draw.randint(1, 72)
    charges = draw.uniform(18, 120)
    calls = draw.choice([0, 0, 0, 1, 1, 2, 3, 5])
    contract = draw.choice(["month", "month", "year", "two-year"])
    lean = -0.9 - 0.05 * (tenure - 30) + 0.03 * (charges - 65) + 0.7 * calls
    lean += {"month": 0.9, "year": -0.6, "two-year": -1.4}[contract]
    churned = draw.random() < 1 / (1 + math.exp(-lean))
    known_tenure = "" if draw.random() < 0.02 else str(tenure)
    return [f"C{number:04d}", known_tenure, f"{charges:.2f}", str(calls), contract, str(+churned)]


def main(folder: Path = DATA) -> None:
    """Write both files; the same bytes each time."""
    draw = random.Random(SEED)
    rows = [customer(draw, number) for number in range(1, ROWS + 1)]
    write(folder / "churn-fixed.csv", [*COLUMNS, "churned"], rows)
    renamed = ["monthly_fee" if name == "monthly_charges" else name for name in COLUMNS]
    write(folder / "churn.csv", [*renamed, "churned"], rows)


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main()
