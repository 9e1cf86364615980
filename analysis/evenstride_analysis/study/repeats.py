"""How much a runner's own values move from run to run: the figures behind the priors of a baseline.

No public set has the same runner on many days with shank sensors. RBDS has each runner at three speeds on one day: what
is left of a run's mean after the runner's mean and the speed's mean are taken away stands in for it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.accuracy import Trial
from evenstride_analysis.model import FloatArray, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """`sd` within runners after the speed's mean, `slope` of the means in ln(speed), `between` the runners' own SD."""

    runners: int
    sd: float
    slope: float
    between: float
    degrees: float  # weight of `sd` as a prior: how alike the runners' own SDs are


def repeats(values: Mapping[tuple[str, float], float]) -> Repeat:
    """From one value for each (runner, speed); runners without every speed are left out. Raises ValueError under 3."""
    speeds = sorted({speed for _, speed in values})
    runners = sorted(r for r in {r for r, _ in values} if all((r, speed) in values for speed in speeds))
    if len(runners) < 3 or len(speeds) < 2:
        raise ValueError(f"{len(runners)} runners at {len(speeds)} speeds: 3 and 2 are needed")
    table = np.array([[values[runner, speed] for speed in speeds] for runner in runners])
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    n, m = table.shape
    own = (rest * rest).sum(axis=1) / (m - 1) * n / (n - 1)
    return Repeat(
        runners=n,
        sd=math.sqrt(float(own.mean())),
        slope=_slope(np.log(np.array(speeds)), table.mean(axis=0)),
        between=float(table.mean(axis=1).std(ddof=1)),
        degrees=prior_degrees(own, m - 1),
    )


def _slope(x: FloatArray, y: FloatArray) -> float:
    centred = x - x.mean()
    return float((centred * y).sum()) / float((centred * centred).sum())


def prior_degrees(variances: FloatArray, degrees: int) -> float:
    """Degrees of the scaled inverse chi-square that fits the spread of `variances` (n,), each from `degrees` degrees.

    Maximum likelihood over a grid of degrees and scales: the ratio of a variance to the scale is F(degrees, answer).
    """
    best, answer = -math.inf, math.nan
    for weight in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0):
        for scale in np.geomspace(float(variances.mean()) / 8.0, float(variances.mean()) * 2.0, 48):
            ratio = variances / scale
            constant = math.lgamma((degrees + weight) / 2) - math.lgamma(degrees / 2) - math.lgamma(weight / 2)
            constant += degrees / 2 * math.log(degrees / weight) - math.log(scale)
            each = (degrees / 2 - 1) * np.log(ratio) - (degrees + weight) / 2 * np.log1p(degrees / weight * ratio)
            likelihood = float(each.sum()) + len(variances) * constant
            if likelihood > best:
                best, answer = likelihood, weight
    return answer


def force_repeats(trials: Sequence[Trial]) -> dict[str, Repeat]:
    """By the force reference: symmetry index, ln of a leg's stance, ln of cadence."""
    index: dict[tuple[str, float], float] = {}
    legs: dict[tuple[str, float], float] = {}
    cadence: dict[tuple[str, float], float] = {}
    for trial in trials:
        key = (trial.runner, trial.speed_mps)
        stance = {side: _mean_stance(trial, side) for side in Side}
        left, right = stance[Side.LEFT], stance[Side.RIGHT]
        index[key] = 2.0 * (left - right) / (left + right)
        for side in Side:
            legs[f"{trial.runner} {side}", trial.speed_mps] = math.log(stance[side])
        cadence[key] = math.log(120.0 / float(np.median(np.concatenate([_strides_s(trial, side) for side in Side]))))
    return {"symmetry": repeats(index), "stance": repeats(legs), "cadence": repeats(cadence)}


def _mean_stance(trial: Trial, side: Side) -> float:
    leg = trial.legs[side]
    scored = (leg.ic_s > trial.from_s) & (leg.tc_s < trial.to_s)
    return float((leg.tc_s - leg.ic_s)[scored].mean())


def _strides_s(trial: Trial, side: Side) -> FloatArray:
    contacts = trial.legs[side].ic_s
    return np.diff(contacts[(contacts > trial.from_s) & (contacts < trial.to_s)])
