"""The stride detector alone: one push for each notification, as the gateway feeds it, and whole recordings.

`python -m benchmarks.detector SECONDS` measures once and prints JSON: so a peer, or the same source without numba, can
be measured in turn, each in a process of its own; with HOURS_S behind it, memory is measured over so long.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from evenstride_analysis.model import SampleBlock, Side, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.estimator import Estimator, Events, RulesEstimator, StrideWindow
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.rules import DEFAULT_RULES

from .figures import Figure, apart, spending, spread
from .material import FRAME_SAMPLES, NOMINAL_RATE_HZ, PODS, SENSOR, blocks, signal

SIDE = Side.LEFT
NETWORKS = 4  # of the ensemble that is shown for comparison
_GOALS = {"17": 10_000.0, "whole": 30_000.0, "plain 17": 150.0}
_SIX_HOURS_S = 6 * 3600


class Ensemble:
    """What `n` networks for each event would cost: all of them answer, the first is believed."""

    def __init__(self, n: int) -> None:
        self._members = [LearnedEstimator() for _ in range(n)]
        self.before_s, self.after_s = LearnedEstimator.before_s, LearnedEstimator.after_s
        self.method = self._members[0].method

    def events(self, window: StrideWindow) -> Events | None:
        answers = [member.events(window) for member in self._members]
        return answers[0]


def detector(estimator: Estimator | None = None) -> StrideDetector:
    return StrideDetector(
        pod_id=PODS[SIDE],
        rate_hz=NOMINAL_RATE_HZ,
        accel_range_mps2=SENSOR.accel_range_mps2,
        gyro_range_radps=SENSOR.gyro_range_radps,
        estimator=estimator,
    )


def whole(seconds: int) -> list[SampleBlock]:
    """The same samples and stamps in one block."""
    accel, gyro = signal(SIDE, seconds)
    first = np.arange(0, len(accel), FRAME_SAMPLES)
    block = SampleBlock(
        pod_id=PODS[SIDE],
        boot_id=1,
        first_index=0,
        stamp_index=first,
        stamp_s=first / NOMINAL_RATE_HZ,
        accel_mps2=accel,
        gyro_radps=gyro,
    )
    return [block]


def measured(seconds: int) -> dict[str, float]:
    """Multiples of real time of each case, and the number of strides."""
    small, large = blocks(SIDE, seconds), whole(seconds)
    lasts_s = len(small) * FRAME_SAMPLES / NOMINAL_RATE_HZ
    cases: dict[str, tuple[Iterable[SampleBlock], Callable[[], Estimator]]] = {
        "17": (small, LearnedEstimator),
        "whole": (large, LearnedEstimator),
        "rules 17": (small, lambda: RulesEstimator(DEFAULT_RULES)),
        "rules whole": (large, lambda: RulesEstimator(DEFAULT_RULES)),
        "ensemble 17": (small, lambda: Ensemble(NETWORKS)),
        "ensemble whole": (large, lambda: Ensemble(NETWORKS)),
    }
    found: dict[str, float] = {}
    gc.freeze()  # modules and the samples: no part of what a stride costs
    for name, (items, estimator) in cases.items():
        _strides(detector(estimator()), large)  # compiled by now
        best_s = float("inf")
        for _ in range(3):
            own = detector(estimator())
            with spending() as spent:
                found["strides"] = len(_strides(own, items))
            best_s = min(best_s, spent.cpu_s)
        found[name] = lasts_s / best_s
    return found


def _strides(own: StrideDetector, items: Iterable[SampleBlock]) -> list[Stride]:
    return [stride for item in items for stride in own.push(item)]


def child(seconds: int, *, compiled: bool) -> dict[str, float]:
    """`measured` in a process of its own."""
    return apart("detector", seconds, compiled=compiled)


def held_mib(seconds: int, hours_s: int) -> tuple[float, float]:
    """Resident memory after a sixth of `hours_s` of samples and at the end, MiB; the recording is played repeatedly."""
    own = detector()
    items = blocks(SIDE, seconds)
    span = len(items) * FRAME_SAMPLES
    laps = max(6, round(hours_s * NOMINAL_RATE_HZ / span))
    early = 0.0
    for lap in range(laps):
        for item in items:
            ahead = lap * span
            index = item.stamp_index + ahead
            own.push(
                replace(
                    item,
                    first_index=item.first_index + ahead,
                    stamp_index=index,
                    stamp_s=index / NOMINAL_RATE_HZ,
                )
            )
        if lap == laps // 6:
            early = _resident_mib()
    return early, _resident_mib()


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(*, seconds: int = 300, rounds: int = 5, hours_s: int = _SIX_HOURS_S, compiled: bool = True) -> list[Figure]:
    fast: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []
    for _ in range(rounds):
        fast.append(child(seconds, compiled=compiled))
        plain.append(child(min(seconds, 60), compiled=False))
    early, late = apart("detector", min(seconds, 60), hours_s, compiled=compiled)
    how = f"best of 3 in each of {rounds} processes, in turn; {seconds} s of one pod at 416 Hz; CPU time"
    return [
        _speed("17", "blocks of 17 samples", "numba", [each["17"] for each in fast], how),
        _speed("whole", "whole files", "numba", [each["whole"] for each in fast], how),
        _speed("plain 17", "blocks of 17 samples", "no numba", [each["17"] for each in plain], how),
        _beside("whole files, no numba", [each["whole"] for each in plain], how),
        *(
            _beside(f"{what}, {label}, numba", [each[f"{name} {size}"] for each in fast], how)
            for name, what in (("rules", "rules alone"), ("ensemble", f"an ensemble of {NETWORKS} networks"))
            for size, label in (("17", "blocks of 17"), ("whole", "whole files"))
        ),
        Figure(
            what="memory of a detector over six hours",
            goal="flat",
            measured=f"{late - early:+.1f} MiB from the first hour to the sixth (resident {late:.0f} MiB)",
            holds=late - early < 4.0,
            how=f"{hours_s / 3600:g} h of samples, blocks of 17, with numba; in a process of its own",
        ),
    ]


def _speed(key: str, what: str, world: str, times_real: list[float], how: str) -> Figure:
    goal = _GOALS[key]
    return Figure(
        what=f"stride detector, one core, {what}, {world}",
        goal=f">= {goal:,.0f} x real time",
        measured=spread(times_real, 0, "x"),
        holds=median(times_real) >= goal,
        how=f"one network for each event, with its checks and the rules beside it; {how}",
    )


def _beside(what: str, times_real: list[float], how: str) -> Figure:
    return Figure(
        what=f"stride detector, one core, {what}",
        goal="–",
        measured=spread(times_real, 0, "x real time"),
        holds=None,
        how=how,
    )


if __name__ == "__main__":
    print(json.dumps(held_mib(*map(int, sys.argv[1:])) if len(sys.argv) > 2 else measured(int(sys.argv[1]))))
