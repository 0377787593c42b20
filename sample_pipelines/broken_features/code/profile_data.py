"""Counts the rows and the empty cells of each column."""

import csv
import json
from pathlib import Path

BASE = Path("/opt/ml/processing")


def main():
    source = sorted((BASE / "input" / "data").glob("*.csv"))[0]
    with source.open(newline="") as file:
        rows = list(csv.DictReader(file))
    empty = {name: sum(not row[name] for row in rows) for name in rows[0]}
    for name, count in empty.items():
        print(f"{name:<16} {count:>3} empty of {len(rows)}")
    (BASE / "profile").mkdir(parents=True, exist_ok=True)
    profile = json.dumps({"rows": len(rows), "empty": empty}, indent=2)
    (BASE / "profile" / "profile.json").write_text(profile)


if __name__ == "__main__":
    main()
