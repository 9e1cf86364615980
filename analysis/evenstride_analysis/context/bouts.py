"""Stretches of running at one speed, where the speed changes, and the repetitions of an interval session.

A bout is running without a pause at one level of the estimated speed (speed.py): within one runner that estimate
follows changes of a few percent. Levels are told apart by binary segmentation of the mean of neighbouring left and
right steps: the split that explains most, again in both halves, as long as the levels differ by 6 % and by six
standard errors. Repetitions are fast bouts with something slower, walking or standing between them.
Not validated: real interval sessions; slopes, on which contact and swing change at equal speed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np

from evenstride_analysis.context.speed import estimate
from evenstride_analysis.model import FloatArray, Gait, Step

SETTLE_S = 3.0  # after a start or a change of speed, and before the next one
_PAUSE_S = 3.0  # no stride for so long is standing
_WALKED = 4  # steps in a row: fewer are a misread stride
_SHORTEST_PAIRS = 8
_LEAST_SHARE, _LEAST_MPS = 0.06, 0.15
_SURE = 6.0
_FAST_SHARE = 0.12  # between the slowest fast bout and the fastest slow one
_SHORTEST_REPETITION_S = 10.0
_ALIKE = 0.25  # repetitions of one speed with standing or walking between them last equally long


@dataclass(frozen=True, slots=True, kw_only=True)
class Bout:
    """Running without a pause at one speed; session seconds, estimated speed. `first`, `stop`: its steps."""

    start_s: float
    end_s: float
    speed_mps: float
    first: int
    stop: int

    @property
    def lasted_s(self) -> float:
        return self.end_s - self.start_s


def find_bouts(steps: Sequence[Step]) -> list[Bout]:
    """All bouts of `steps` (in order of strike)."""
    stance = np.array([step.stride.stance_s for step in steps])
    swing = np.array([step.stride.swing_peak_radps for step in steps])
    speeds = estimate(stance, swing)
    bouts: list[Bout] = []
    for first, stop in _spans(steps):
        n = (stop - first) // 2
        if n == 0:
            continue
        pairs = speeds[first : first + 2 * n].reshape(n, 2).mean(axis=1)
        noise = _noise(pairs)
        cuts = [first, *(first + 2 * k for k in sorted(_cuts(pairs, 0, n, noise))), stop]
        for low, high in pairwise(cuts):
            last = steps[high - 1]
            bouts.append(
                Bout(
                    start_s=steps[low].t_s,
                    end_s=steps[high].t_s if high < stop else last.t_s + last.stride.stride_s,
                    speed_mps=float(np.median(speeds[low:high])),
                    first=low,
                    stop=high,
                )
            )
    return bouts


def _spans(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """[first, stop) of the steps between two pauses; up to three walking steps in a row are no pause."""
    spans: list[tuple[int, int]] = []
    first: int | None = None
    last = -1  # the last running step
    for k, step in enumerate(steps):
        if step.gait is not Gait.RUN:
            continue
        if first is None:
            first = k
        elif k - last > _WALKED or step.t_s - steps[last].t_s > _PAUSE_S:
            spans.append((first, last + 1))
            first = k
        last = k
    return spans if first is None else [*spans, (first, last + 1)]


def _noise(pairs: FloatArray) -> float:
    """SD from one pair to the next, blind to slow changes."""
    if len(pairs) < 2:
        return math.inf
    return max(0.01, 1.4826 * float(np.median(np.abs(np.diff(pairs)))) / math.sqrt(2.0))


def _cuts(pairs: FloatArray, low: int, high: int, noise: float) -> list[int]:
    n = high - low
    if n < 2 * _SHORTEST_PAIRS:
        return []
    values = pairs[low:high]
    sums = np.cumsum(values)
    left_n = np.arange(_SHORTEST_PAIRS, n - _SHORTEST_PAIRS + 1)
    left = sums[left_n - 1] / left_n
    right = (sums[-1] - sums[left_n - 1]) / (n - left_n)
    error = noise * np.sqrt(1.0 / left_n + 1.0 / (n - left_n))
    best = int((np.abs(left - right) / error).argmax())
    differs = abs(float(left[best] - right[best]))
    if differs < max(_LEAST_MPS, _LEAST_SHARE * float(values.mean())) or differs < _SURE * float(error[best]):
        return []
    cut = low + int(left_n[best])
    return [*_cuts(pairs, low, cut, noise), cut, *_cuts(pairs, cut, high, noise)]


def find_repetitions(bouts: Sequence[Bout]) -> list[Bout]:
    """The fast parts of an interval session, in order; empty where the session is none."""
    long = [bout for bout in bouts if bout.lasted_s >= _SHORTEST_REPETITION_S]
    if len(long) < 2:
        return []
    speeds = sorted(bout.speed_mps for bout in long)
    widest, threshold = max(((b - a) / a, 0.5 * (a + b)) for a, b in pairwise(speeds))
    if widest >= _FAST_SHARE:
        fast = _joined([bout for bout in bouts if bout.speed_mps > threshold])
        fast = [bout for bout in fast if bout.lasted_s >= _SHORTEST_REPETITION_S]
        if len(fast) >= 2:
            return fast
    apart = [bout for bout in _joined(bouts) if bout.lasted_s >= _SHORTEST_REPETITION_S]
    for leave in (0, 1):  # a warm-up may come before
        chosen = apart[leave:]
        if len(chosen) >= 3:
            usual_s = median(bout.lasted_s for bout in chosen)
            if all(abs(bout.lasted_s - usual_s) <= _ALIKE * usual_s for bout in chosen):
                return chosen
    return []


def _joined(bouts: Sequence[Bout]) -> list[Bout]:
    """Bouts that follow each other without a pause as one."""
    joined: list[Bout] = []
    for bout in bouts:
        if joined and joined[-1].stop == bout.first:
            before = joined[-1]
            weights = (before.lasted_s, bout.lasted_s)
            speed_mps = (before.speed_mps * weights[0] + bout.speed_mps * weights[1]) / sum(weights)
            joined[-1] = replace(before, end_s=bout.end_s, stop=bout.stop, speed_mps=speed_mps)
        else:
            joined.append(bout)
    return joined
