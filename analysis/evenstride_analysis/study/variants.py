"""Steps beyond the estimator, tried on runners and styles left out: what each would gain, whether it is used or not.

Each variant changes what the estimator found on the strides of the tested runners. What it needs to know (a factor, a
line) is fitted to the errors on all other runners, each of them left out of the networks too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.strides.learned.estimator import timed
from evenstride_analysis.strides.learned.nets import EventNets, Guess, Net
from evenstride_analysis.strides.learned.windows import GRID_S
from evenstride_analysis.study.figures import rms
from evenstride_analysis.training.legs import Taught


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LegRun:
    """One leg of one run, left out: stances (n,) by the reference and as found, s; `wave_s`: the stance of the run's
    mean waveform.
    """

    runner: str
    trial: str
    side: Side
    speed_mps: float
    true_s: FloatArray
    found_s: FloatArray
    wave_s: float

    @property
    def error_s(self) -> float:
        return float((self.found_s - self.true_s).mean())

    @property
    def mean_s(self) -> float:
        return float(self.found_s.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    rmse_s: float
    worst_runner_rmse_s: float
    si_error_sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One variant, its runner left out and its style left out."""

    name: str
    runner: Score
    style: Score


Others = Sequence[LegRun]
Change = Callable[[Sequence[LegRun], Others], list[LegRun]]


def leg_runs(taught: Sequence[Taught], taught_nets: Mapping[str, Net]) -> list[LegRun]:
    """The strides of runners whom these networks have not seen, by leg and run."""
    nets = EventNets(*(taught_nets[name] for name in EventNets._fields))
    by_leg: dict[tuple[str, Side], list[Taught]] = {}
    for one in taught:
        by_leg.setdefault((one.leg.trial, one.leg.side), []).append(one)
    return [
        LegRun(
            runner=some[0].leg.run,
            trial=trial,
            side=side,
            speed_mps=some[0].leg.speed_mps,
            true_s=np.array([one.stance_s for one in some]),
            found_s=np.array([_stance_s(one.grid, one.opening, one.stride, nets) for one in some]),
            wave_s=_wave_s(some, nets),
        )
        for (trial, side), some in by_leg.items()
    ]


def _stance_s(grid: FloatArray, opening: float, stride: float, nets: EventNets) -> float:
    found = timed(grid, Guess(opening, opening, stride), nets)
    return float(found[1] - found[0]) * GRID_S


def _wave_s(some: Sequence[Taught], nets: EventNets) -> float:
    """The stance of the mean waveform: strides laid upon each other at the gyro's zero crossing before the contact."""
    before = int(min(one.opening for one in some))
    after = int(min(len(one.grid) - 1 - one.opening for one in some))
    at = np.arange(-before, after + 1.0)
    each = [
        np.stack([np.interp(one.opening + at, np.arange(len(one.grid)), one.grid[:, k]) for k in range(3)], axis=1)
        for one in some
    ]
    return _stance_s(np.mean(each, axis=0), float(before), float(np.median([one.stride for one in some])), nets)


def tried(by_runner: Sequence[Sequence[LegRun]], by_style: Sequence[Sequence[LegRun]]) -> list[Tried]:
    """Every variant on both kinds of folds; `by_runner` also is what the other runners' errors are taken from."""
    known = [leg for fold in by_runner for leg in fold]
    return [
        Tried(name=name, runner=_score(by_runner, change, known), style=_score(by_style, change, known))
        for name, change in VARIANTS.items()
    ]


def _score(folds: Sequence[Sequence[LegRun]], change: Change, known: Others) -> Score:
    changed = [
        change(fold, [leg for leg in known if leg.runner not in {tested.runner for tested in fold}]) for fold in folds
    ]
    whole = [leg for fold in changed for leg in fold]
    worst = max(
        rms(np.concatenate([leg.found_s - leg.true_s for leg in fold if leg.runner == runner]))
        for fold in changed
        for runner in {leg.runner for leg in fold}
    )
    errors = np.array([error for fold in changed for error in _index_errors(fold)])
    return Score(
        rmse_s=rms(np.concatenate([leg.found_s - leg.true_s for leg in whole])),
        worst_runner_rmse_s=worst,
        si_error_sd=float(errors.std(ddof=1)),
    )


def _index_errors(fold: Sequence[LegRun]) -> list[float]:
    return [
        (_index(left.mean_s, right.mean_s) - _index(float(left.true_s.mean()), float(right.true_s.mean())))
        for left, right in _pairs(fold)
    ]


def _pairs(fold: Sequence[LegRun]) -> list[tuple[LegRun, LegRun]]:
    legs = {(leg.trial, leg.side): leg for leg in fold}
    runs = sorted({leg.trial for leg in fold})
    both = [(legs.get((run, Side.LEFT)), legs.get((run, Side.RIGHT))) for run in runs]
    return [(left, right) for left, right in both if left is not None and right is not None]


def _index(left: float, right: float) -> float:
    return (left - right) / (0.5 * (left + right))


def _moved(leg: LegRun, by_s: float) -> LegRun:
    return replace(leg, found_s=leg.found_s + by_s)


def _factor(x: FloatArray, y: FloatArray) -> float:
    """Least squares y = factor x."""
    return float((x * y).sum() / (x * x).sum())


def _as_it_is(fold: Sequence[LegRun], _: Others) -> list[LegRun]:
    return list(fold)


def _strides_to_mean(fold: Sequence[LegRun], others: Others) -> list[LegRun]:
    found = np.concatenate([leg.found_s - leg.mean_s for leg in others])
    true = np.concatenate([leg.true_s - leg.true_s.mean() for leg in others])
    keep = _factor(found, true)
    return [replace(leg, found_s=leg.mean_s + keep * (leg.found_s - leg.mean_s)) for leg in fold]


def _wave(fold: Sequence[LegRun], _: Others) -> list[LegRun]:
    return [_moved(leg, leg.wave_s - leg.mean_s) for leg in fold]


def _towards_wave(fold: Sequence[LegRun], others: Others) -> list[LegRun]:
    share = _factor(np.array([leg.wave_s - leg.mean_s for leg in others]), np.array([-leg.error_s for leg in others]))
    return [_moved(leg, share * (leg.wave_s - leg.mean_s)) for leg in fold]


def _bias_of_speed(fold: Sequence[LegRun], others: Others) -> list[LegRun]:
    bias = {
        speed: float(np.mean([leg.error_s for leg in others if leg.speed_mps == speed]))
        for speed in {leg.speed_mps for leg in others}
    }
    return [_moved(leg, -bias[leg.speed_mps]) for leg in fold]


def _line_in_stance(fold: Sequence[LegRun], others: Others) -> list[LegRun]:
    found, errors = (np.array([value(leg) for leg in others]) for value in (_mean_of, _error_of))
    slope = _factor(found - found.mean(), errors - errors.mean())
    level = float(errors.mean() - slope * found.mean())
    return [replace(leg, found_s=leg.found_s - level - slope * leg.found_s) for leg in fold]


def _mean_of(leg: LegRun) -> float:
    return leg.mean_s


def _error_of(leg: LegRun) -> float:
    return leg.error_s


def _legs_together(fold: Sequence[LegRun], others: Others) -> list[LegRun]:
    known = _pairs(others)
    found = np.array([left.mean_s - right.mean_s for left, right in known])
    true = np.array([float(left.true_s.mean() - right.true_s.mean()) for left, right in known])
    return _drawn(fold, _factor(found, true))


def _drawn(fold: Sequence[LegRun], keep: float) -> list[LegRun]:
    changed: list[LegRun] = []
    for left, right in _pairs(fold):
        half_s = 0.5 * (1.0 - keep) * (left.mean_s - right.mean_s)
        changed += [_moved(left, -half_s), _moved(right, half_s)]
    return changed


VARIANTS: dict[str, Change] = {
    "as it is": _as_it_is,
    "each stride drawn towards its leg's mean in the run (share fitted)": _strides_to_mean,
    "the leg's mean from the run's mean waveform": _wave,
    "the leg's mean drawn towards it (share fitted)": _towards_wave,
    "mean error at the belt's speed taken off": _bias_of_speed,
    "error as a line in the found stance taken off": _line_in_stance,
    "the two legs drawn together (share fitted)": _legs_together,
}
