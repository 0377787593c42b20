"""Writes report.json, the property file, from the model and the profile of its data."""

import json
from pathlib import Path

BASE = Path("/opt/ml/processing")


def main():
    model = json.loads((BASE / "model" / "model.json").read_text())
    profile = json.loads((BASE / "profile" / "profile.json").read_text())
    report = {"rows": profile["rows"], "accuracy": {"value": model["accuracy"]}}
    (BASE / "report").mkdir(parents=True, exist_ok=True)
    (BASE / "report" / "report.json").write_text(json.dumps(report, indent=2))
    print(f"accuracy {model['accuracy']} on held-out customers, of {profile['rows']} rows")


if __name__ == "__main__":
    main()
