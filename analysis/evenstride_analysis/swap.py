"""The swap-legs test: run, swap the pods, run again. What stays with the leg is the body, what moves is the pod."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evenstride_analysis.model import FloatArray, Measure, Side, Step, Verdict
from evenstride_analysis.student import t_quantile
from evenstride_analysis.symmetry import MIN_PAIRS, SystematicError, effective_number, pairs_of, value_of

TARGET_PAIRS = 60
_REAL, _SHOWN, _POSSIBLE = 0.99, 0.95, 0.80
_STANCE_CHANGE = 0.06  # between the two runs: 0.3 m/s at an easy pace; beyond it they were not at one pace


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapPart:
    """One share of the difference, as a symmetry index (fraction), with its 95 % intervals.

    `low`, `high` are the total interval; `scatter_low`, `scatter_high` hold the strides' scatter only.
    """

    index: float
    low: float
    high: float
    scatter_low: float
    scatter_high: float
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapTest:
    """What two runs with the pods swapped say. `body` > 0: the left leg longer (harder); `sensor` > 0: pod `first_left`
    reads longer (harder) than `first_right`, by that share of the mean. Both None with a `reason` when nothing can be
    said.
    """

    measure: Measure
    first_left: str
    first_right: str
    first_index: float | None
    second_index: float | None
    first_pairs: int
    second_pairs: int
    body: SwapPart | None
    sensor: SwapPart | None
    method: str
    reason: str = ""


def pairs_so_far(steps: Iterable[Step]) -> int:
    """Clean pairs that count towards the 60 of a run."""
    return len(pairs_of(steps, Measure.STANCE))


def swap_test(
    first: Sequence[Step], second: Sequence[Step], measure: Measure = Measure.STANCE, *, system: SystematicError
) -> SwapTest:
    """Split the asymmetry of two runs at one pace, the pods exchanged between them. Steps in order of strike.

    The index is body + sensor in the first run and body - sensor in the second, so the body is their mean and the
    sensor half their difference. Sampling error: the pairs' differences with the effective number that their dependence
    leaves; degrees of freedom after Welch and Satterthwaite. System error: straps are put on anew for the second run,
    so of the allowance for strap, skin and placement 1/sqrt(2) stays in either share; the method's own error follows
    the leg's style, not the pod, and stays in the body whole.

    Source: crossover design (Senn 2002, Cross-over Trials in Clinical Research, chapter 3), two periods, one subject.
    Differences: (1) no period effect is fitted: a runner who tires unevenly in between shows up as a sensor error;
    (2) the reseating error is the stated allowance, not measured. Not validated: real pods.
    """
    worn = [_wearers(steps) for steps in (first, second)]
    runs = [_values(steps, measure) for steps in (first, second)]
    methods = sorted({step.stride.method for steps in (first, second) for step in steps})
    left, right = worn[0].get(Side.LEFT, ""), worn[0].get(Side.RIGHT, "")
    reason = _refusal(worn, runs, methods) or _other_pace(first, second)
    if reason:
        return SwapTest(
            measure=measure,
            first_left=left,
            first_right=right,
            first_index=None,
            second_index=None,
            first_pairs=len(runs[0]),
            second_pairs=len(runs[1]),
            body=None,
            sensor=None,
            method="|".join(methods),
            reason=reason,
        )
    before, after = (_Run.of(values) for values in runs)
    if measure is Measure.STANCE:
        method_sd, seat_sd = system.estimator_of(methods[0]), system.allowance
    else:
        method_sd, seat_sd = 0.0, system.total(measure)
    error, degrees = _joint(before, after)
    return SwapTest(
        measure=measure,
        first_left=left,
        first_right=right,
        first_index=before.index,
        second_index=after.index,
        first_pairs=len(runs[0]),
        second_pairs=len(runs[1]),
        body=_part(0.5 * (before.index + after.index), error, degrees, math.hypot(method_sd, seat_sd / math.sqrt(2.0))),
        sensor=_part(0.5 * (before.index - after.index), error, degrees, seat_sd / math.sqrt(2.0)),
        method=methods[0],
    )


@dataclass(frozen=True, slots=True)
class _Run:
    index: float
    error: float
    degrees: float

    @classmethod
    def of(cls, values: FloatArray) -> "_Run":
        """From values (n, 2), left and right of each pair."""
        mean = float(values.mean())
        difference = values[:, 0] - values[:, 1]
        n_eff = effective_number(difference)
        error = float(difference.std(ddof=1)) / math.sqrt(n_eff) / mean
        return cls(float(difference.mean()) / mean, error, n_eff - 1.0)


def _joint(one: _Run, other: _Run) -> tuple[float, float]:
    """Standard error of half the sum (or difference) of two runs' indices, and its degrees of freedom."""
    a, b = one.error**2, other.error**2
    if a + b == 0.0:
        return 0.0, one.degrees + other.degrees
    return 0.5 * math.sqrt(a + b), max(2.0, (a + b) ** 2 / (a * a / one.degrees + b * b / other.degrees))


def _part(index: float, error: float, degrees: float, system_sd: float) -> SwapPart:
    def scatter(level: float) -> float:
        return t_quantile(0.5 + level / 2.0, degrees) * error

    def half(level: float) -> float:
        return math.hypot(scatter(level), NormalDist().inv_cdf(0.5 + level / 2.0) * system_sd)

    verdict = Verdict.WITHIN_NOISE
    if abs(index) > half(_REAL):
        verdict = Verdict.REAL
    elif abs(index) > half(_POSSIBLE):
        verdict = Verdict.POSSIBLE
    return SwapPart(
        index=index,
        low=index - half(_SHOWN),
        high=index + half(_SHOWN),
        scatter_low=index - scatter(_SHOWN),
        scatter_high=index + scatter(_SHOWN),
        verdict=verdict,
    )


def _wearers(steps: Iterable[Step]) -> dict[Side, str]:
    """Which pod was on which leg; several pods on one leg are joined by a comma."""
    pods: dict[Side, list[str]] = {}
    for step in steps:
        own = pods.setdefault(step.side, [])
        if step.stride.pod_id not in own:
            own.append(step.stride.pod_id)
    return {side: ",".join(own) for side, own in pods.items()}


def _values(steps: Iterable[Step], measure: Measure) -> FloatArray:
    """(n, 2) left and right of each clean pair."""
    both = [(value_of(left, measure), value_of(right, measure)) for left, right in pairs_of(steps, measure)]
    return np.array([pair for pair in both if None not in pair], dtype=np.float64).reshape(-1, 2)


def _refusal(worn: list[dict[Side, str]], runs: list[FloatArray], methods: list[str]) -> str:
    if len(methods) > 1:
        return f"mixed methods: {', '.join(methods)}; run the older session again first"
    for number, values in zip(("first", "second"), runs, strict=True):
        if len(values) < MIN_PAIRS:
            return f"too few strides in the {number} run: {len(values)} clean pairs, {MIN_PAIRS} are needed"
    before, after = worn
    if before == after:
        return "the pods were not swapped: each one sat on the same leg in both runs"
    if (before[Side.LEFT], before[Side.RIGHT]) != (after[Side.RIGHT], after[Side.LEFT]):
        return "not the same two pods in both runs"
    return ""


def _other_pace(first: Iterable[Step], second: Iterable[Step]) -> str:
    before, after = (float(_values(steps, Measure.STANCE).mean()) for steps in (first, second))
    if abs(math.log(after / before)) > _STANCE_CHANGE:
        return f"the two runs were not at one pace: stance time changed by {100 * (after / before - 1):+.0f} %"
    return ""
