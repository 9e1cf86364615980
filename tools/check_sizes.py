"""Fails when a module is longer than 400 lines: cut along the idea, not along the line count."""

import subprocess
import sys
from pathlib import Path

LIMIT = 400
SUFFIXES = {".py", ".js", ".css", ".html", ".rs"}


def main() -> int:
    tracked = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout.split("\0")
    paths = [Path(name) for name in tracked if Path(name).suffix in SUFFIXES]
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths if path.exists()}
    too_long = {path: lines for path, lines in sizes.items() if lines > LIMIT}
    for path, lines in sorted(too_long.items()):
        print(f"{path}: {lines} lines, at most {LIMIT} are allowed", file=sys.stderr)
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
