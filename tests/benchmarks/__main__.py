"""`python -m tests.benchmarks`: every goal beside what was measured, on the screen and as a page."""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from . import crowd, detector, gateway, hour, latency, peers, season, stack, start
from .figures import Figure, machine

BENCHMARKS = {
    "detector": detector.run,
    "gateway": gateway.run,
    "latency": latency.run,
    "crowd": crowd.run,
    "start": start.run,
    "hour": hour.run,
    "season": season.run,
    "stack": stack.run,
    "peers": peers.run,
}
INSTALLS = "peers"  # needs packages of others: only where it is asked for
_INTRODUCTION = """# Benchmarks

Written by `make bench ARGS="--out docs/benchmarks.md"`; not edited by hand. Medians of interleaved rounds, the range in
brackets. CPU figures are process CPU time and so per core; wall time stands where a person waits. The load is the
virtual runner at 3 m/s, 416 Hz, notifications of 17 samples, computed before anything is measured. Nothing here is a
test: machines differ, and a busy one is slower by a factor of two.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; none = all but {INSTALLS}"
    )
    parser.add_argument("--peers", action="store_true", help="all, and the peers beside them")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown, too")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}: choose of {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    started_s = time.perf_counter()
    names = asked.names or [name for name in BENCHMARKS if asked.peers or name != INSTALLS]
    print(machine())
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] {name} ...", flush=True)
        found = BENCHMARKS[name]()
        for figure in found:
            print(f"    {_word(figure):9} {figure.what}: {figure.measured} (goal {figure.goal})", flush=True)
        figures += found
    print(f"{time.perf_counter() - started_s:.0f} s")
    if asked.out is not None:
        asked.out.write_text(page(figures), encoding="utf-8")
        print(f"written: {asked.out}")
    return 0 if all(figure.holds is not False for figure in figures) else 1


def _word(figure: Figure) -> str:
    return {True: "holds", False: "MISSED", None: "-"}[figure.holds]


def page(figures: list[Figure]) -> str:
    rows = [f"| {f.what} | {f.goal} | {f.measured} | {_word(f)} |" for f in figures]
    notes = [f"- **{f.what}**: {f.how}." for f in figures]
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return "\n".join(
        [
            _INTRODUCTION,
            f"Machine: {machine()}. {when}.",
            "",
            "| what | goal | measured | |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "## How",
            "",
            *notes,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
