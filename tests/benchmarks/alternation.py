"""How well strikes alone put two pods' clocks together: the table of docs/clocks.md, by simulation.

`cd tests && python -m benchmarks.alternation`
"""

import sys

import numpy as np
from support.two_legs import legs

from evenstride_analysis.alternation import align

RUNS = 40
CONDITIONS: dict[str, dict[str, float | bool]] = {
    "10 min, nothing special": {},
    "60 min, crystals 80 ppm apart": {"minutes": 60.0, "ppm": -80.0},
    "20 % of the strides missing": {"missing": 0.2},
    "one pod begins 60 s later": {"late_s": 60.0},
    "a step of 53 % of a stride": {"phase": 0.03},
    "a pause of 2 min": {"pause": True},
    "2 min": {"minutes": 2.0},
    "10 min on a treadmill (0.6 % spread)": {"tempo": 0.006, "scatter_s": 0.008},
    "1 min on a treadmill": {"minutes": 1.0, "tempo": 0.006, "scatter_s": 0.008},
}


def main() -> int:
    """Print the table."""
    heads = ("run", "right stride, and sure of it", "not sure, and says so", "error beyond the bound", "error, ms")
    print(f"| {' | '.join(heads)} | bound, ms |")
    print("|---|---|---|---|---|---|")
    for name, condition in CONDITIONS.items():
        errors_s, bounds_s = list[float](), list[float]()
        unsure = wrong = 0
        for seed in range(RUNS):
            run = legs(seed, **condition)  # pyright: ignore[reportArgumentType]  # by name
            found = align(run.first, run.second)
            if found is None:
                unsure += 1
                continue
            error_s = float(np.abs(run.errors_s(found)).max())
            wrong += error_s > found.bound_s
            if found.certain:
                errors_s.append(error_s)
                bounds_s.append(found.bound_s)
            else:
                unsure += 1
        sure = len(errors_s)
        error, bound = (f"{1e3 * np.median(v):.1f}" if v else "–" for v in (errors_s, bounds_s))
        print(f"| {name} | {sure} of {RUNS} | {unsure} | {wrong} | {error} | {bound} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
