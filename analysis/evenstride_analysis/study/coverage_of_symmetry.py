"""Whether a verdict on symmetry can be believed: simulated runners whose true index is known, drawn at stride level.

A runner has a mean stance, an index that was planted, and per leg: strides that scatter, that resemble the strides
before them, and that share part of their scatter with the other leg; and one error of the method and one of the pod's
seat that stay for the whole run. Scatter as measured on the reference stances of 53 treadmill trials of 18 runners
(Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298): coefficient of variation 1.2 / 1.5 / 2.2 % (10th, 50th, 90th
percentile), lag-1 autocorrelation of a leg's stances 0.15 (0.39 at the 90th), correlation of the legs 0.23.

What answers is the product's own `judge`, interval and words included. Errors of the system are drawn as large as the
product states them, so this proves the arithmetic of the verdict; that the stated errors are right is what the
accuracy over runners shows, and that the allowance is right nothing has shown yet.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.model import FloatArray, Measure, Side, Symmetry, Verdict
from evenstride_analysis.symmetry import SystematicError, evidence_of
from evenstride_analysis.symmetry.gathered import PairCounts, StepCounts
from evenstride_analysis.symmetry.verdict import judge

LEVELS = (0.0, 0.02, 0.04, 0.06, 0.09, 0.12, 0.15)
RUNNERS = 2000
LENGTHS = (25, 40, 59, 60, 90, 180, 400)  # pairs: a hard half minute to five minutes
SEED = 4
_SHARED = 0.25  # of the strides' variance, in both legs alike
_WARM_UP = 20  # strides until the scatter has forgotten how it began


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelResult:
    """Shares of the runners at one planted index (all fractions). `possible` does not include `real`.

    `covered` by the 95 % total interval; `wrong_side`: called real or possible on the leg that is not longer.
    `refused`: a leg too unsure of itself; the other shares are of all runners, coverage of those that were judged.
    `half_width` is the mean of the interval's.
    """

    planted: float
    runners: int
    covered: float
    covered_short: float  # sessions under 60 pairs (Student) ...
    covered_long: float  # ... and from 60 pairs on (bootstrap)
    real: float
    possible: float
    refused: float
    wrong_side: float
    half_width: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedRunner:
    """`values` (n, 2) are the stances found, s, left and right; `index` the true one; `leg_sd_s` what the legs said."""

    values: FloatArray
    index: float
    leg_sd_s: Mapping[Side, float] | None = None


def coverage(
    system: SystematicError,
    *,
    method: str,
    levels: Sequence[float] = LEVELS,
    runners: int = RUNNERS,
    seed: int = SEED,
    unequal_legs: float = 0.0,
    strangeness: float = 1.0,
) -> list[LevelResult]:
    """`runners` at each planted index, half of them longer on the left; the same seed gives the same answer.

    Each leg's estimator error has the SD sqrt(1/2) x that of the index by `system` for `method`; with `unequal_legs`
    the SD of each leg's error is spread by that much (SD of its logarithm) around a mean square that stays, and
    `strangeness` makes all of them that much larger. Then the strides say so, where `system` knows what is usual.
    """
    results: list[LevelResult] = []
    for k, level in enumerate(levels):
        random = np.random.default_rng([seed, k])
        drawn = _drawn(
            random,
            runners,
            level,
            system=system,
            method=method,
            unequal_legs=unequal_legs,
            strangeness=strangeness,
        )
        results.append(_judged(drawn, level, system, method))
    return results


def _drawn(
    random: np.random.Generator,
    runners: int,
    level: float,
    *,
    system: SystematicError,
    method: str,
    unequal_legs: float,
    strangeness: float,
) -> list[SimulatedRunner]:
    usual = system.methods.get(method.partition("+")[0])
    drawn: list[SimulatedRunner] = []
    for k in range(runners):
        index = level if k % 2 else -level
        mean_s = random.uniform(0.19, 0.30)
        sides = np.array([1.0 + index / 2.0, 1.0 - index / 2.0])
        spread = strangeness * np.exp(random.normal(-(unequal_legs**2), unequal_legs, 2))  # mean square 1
        of_method = random.normal(0.0, system.estimator_of(method) / math.sqrt(2.0), 2) * spread
        of_seat = random.normal(0.0, system.allowance / math.sqrt(2.0), 2)
        scatter = _scatter(random, LENGTHS[k % len(LENGTHS)])
        leg_sd_s = None
        if usual is not None and (unequal_legs or strangeness != 1.0):
            leg_sd_s = dict(zip(Side, (usual.leg_sd_s * spread).tolist(), strict=True))
        drawn.append(
            SimulatedRunner(values=mean_s * (sides + of_method + of_seat + scatter), index=index, leg_sd_s=leg_sd_s)
        )
    return drawn


def _scatter(random: np.random.Generator, n: int) -> FloatArray:
    """(n, 2) of a leg's mean: autoregressive of the first order, partly shared by the legs."""
    cv = 0.015 * math.exp(random.normal(0.0, 0.24))
    memory = random.uniform(0.0, 0.45)
    own = random.normal(0.0, 1.0, (n + _WARM_UP, 3))
    for row in range(1, len(own)):
        own[row] = memory * own[row - 1] + math.sqrt(1.0 - memory * memory) * own[row]
    legs = math.sqrt(1.0 - _SHARED) * own[:, :2] + math.sqrt(_SHARED) * own[:, 2:]
    return cv * legs[_WARM_UP:]


def _judged(drawn: Sequence[SimulatedRunner], level: float, system: SystematicError, method: str) -> LevelResult:
    found = [(runner, verdict_of(runner, system, method)) for runner in drawn]
    spans = [(r, (s.low, s.high)) for r, s in found if s.low is not None and s.high is not None]
    inside = [(low <= r.index <= high, len(r.values) < 60) for r, (low, high) in spans]
    verdicts = Counter(s.verdict for _, s in found)
    called = [(r, s) for r, s in found if s.verdict in (Verdict.REAL, Verdict.POSSIBLE)]

    def share(hits: Sequence[bool]) -> float:
        return sum(hits) / len(hits) if hits else math.nan

    return LevelResult(
        planted=level,
        runners=len(found),
        covered=share([hit for hit, _ in inside]),
        covered_short=share([hit for hit, short in inside if short]),
        covered_long=share([hit for hit, short in inside if not short]),
        real=verdicts[Verdict.REAL] / len(found),
        possible=verdicts[Verdict.POSSIBLE] / len(found),
        refused=verdicts[Verdict.NOT_MEASURABLE] / len(found),
        wrong_side=sum((s.index or 0.0) * r.index < 0.0 for r, s in called) / len(found),
        half_width=math.fsum((high - low) / 2.0 for _, (low, high) in spans) / len(spans) if spans else math.nan,
    )


def verdict_of(runner: SimulatedRunner, system: SystematicError, method: str) -> Symmetry:
    """What the product says of this runner's stances."""
    n = len(runner.values)
    legs = dict.fromkeys(Side, n)
    return judge(
        StepCounts(running=Counter(legs)),
        PairCounts.told(n, method=method, leg_sd_s=runner.leg_sd_s),
        n,
        lambda u: evidence_of(runner.values, system=u),
        Measure.STANCE,
        t_s=0.7 * n,
        system=system,
    )[0]
