"""Copies the objects below one folder of the local S3 tree below another one."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path


def main() -> int:
    """Copy what the command line names; the exit code is 1 where there is nothing at the source."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delete", action="store_true")
    parser.add_argument("--pattern", default="")
    for name in ("source_uri", "source", "target_uri", "target"):
        parser.add_argument(name)
    given = parser.parse_args()
    source = Path(given.source)
    if not source.exists():
        print("s3-dist-cp: there is nothing at " + given.source_uri, file=sys.stderr)
        return 1
    files = sorted(file for file in source.rglob("*") if file.is_file() and not file.is_symlink())
    count = 0
    for file in [source] if source.is_file() else files:
        key = file.name if file == source else str(file.relative_to(source))
        uri = given.source_uri if file == source else given.source_uri.rstrip("/") + "/" + key
        if given.pattern and not re.fullmatch(given.pattern, uri):
            continue
        copied = Path(given.target, key)
        copied.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all, for whoever reads the folder meanwhile.
        part = copied.with_name("." + copied.name + ".part")
        shutil.copyfile(file, part)
        os.replace(part, copied)
        if given.delete:
            file.unlink()
        print(uri + " -> " + given.target_uri.rstrip("/") + "/" + key)
        count += 1
    print(f"s3-dist-cp: {count} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
