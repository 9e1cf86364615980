"""From matched stances to the figures of the document: agreement, symmetry, events, coverage, flags."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.accuracy import LegMatch, fit_constants, icc_2_1
from evenstride_analysis.model import FloatArray, Side

FLAG_S = 0.007  # a stride that says its SD is larger is doubted
BEYOND_S = 0.020  # the errors that the flag is there for
_TWO_SIDED_95 = 1.959964
_DRAWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Found stance against the reference; s and fractions. The limits of agreement are of single stances.

    `icc` is of leg-run means, `si_error_sd` and `si_correlation` of runs; None with fewer than three.
    """

    stances: int
    legs: int
    rmse_s: float
    mae_s: float
    bias_s: float
    loa_low_s: float
    loa_high_s: float
    leg_mean_sd_s: float | None
    icc: float | None
    si_error_sd: float | None
    si_correlation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One method on one kind of fold. `rmse_range_s` is the 95 % bootstrap interval over runners."""

    overall: Agreement
    by_speed: dict[str, Agreement]
    rmse_by_runner_s: dict[str, float]  # of the kind "runner": each once; else the worst of the runner's folds
    rmse_range_s: tuple[float, float]
    missed: int
    false: int
    doubted: int
    beyond_20ms: int
    contact_bias_s: float
    contact_rmse_s: float
    toe_off_bias_s: float
    toe_off_rmse_s: float

    @property
    def worst_runner_rmse_s(self) -> float:
        return max(self.rmse_by_runner_s.values())

    @property
    def wrong_share(self) -> float:
        """(missed + false) over the reference stances."""
        return (self.missed + self.false) / (self.overall.stances + self.missed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often the stated intervals hold the truth: single strides, and the mean of a leg in a run (None: not stated).

    `flagged` is the share of strides with an SD above 7 ms, `caught` how many of the `beyond` errors of more than 20 ms
    are among them; `refused` the share of legs with a system SD above 6 ms.
    """

    strides: int
    legs: int
    stride_68: float
    stride_95: float
    leg_68: float | None
    leg_95: float | None
    leg_sd_median_s: float | None
    refused: float | None
    flagged: float
    beyond: int
    caught: int
    beyond_in: dict[str, int]  # by trial


def light(match: LegMatch) -> LegMatch:
    """The match without the recording's samples: small enough to travel between processes."""
    return replace(match, trial=replace(match.trial, legs={}))


def with_constants(matches: Sequence[LegMatch], train: Sequence[LegMatch]) -> list[LegMatch]:
    """Matches of the rules after the mean errors of `train` were taken off."""
    rules = fit_constants(train)
    return [
        replace(m, ic_error_s=m.ic_error_s - rules.ic_offset_s, tc_error_s=m.tc_error_s - rules.tc_offset_s)
        for m in matches
    ]


def figures(groups: Sequence[Sequence[LegMatch]]) -> Figures:
    """Each group is what one fold tested. Raises ValueError when nothing was tested."""
    matches = [match for group in groups for match in group]
    if not matches:
        raise ValueError("no match, so nothing was tested")
    runners: dict[str, list[FloatArray]] = {}
    worst: dict[str, float] = {}
    for group in groups:
        mine: dict[str, list[FloatArray]] = {}
        for match in group:
            mine.setdefault(match.trial.runner, []).append(match.stance_error_s)
        for runner, errors in mine.items():
            runners.setdefault(runner, []).extend(errors)
            worst[runner] = max(worst.get(runner, 0.0), rms(np.concatenate(errors)))
    speeds = sorted({match.trial.speed_mps for match in matches})
    every = np.concatenate([match.stance_error_s for match in matches])
    contact = np.concatenate([match.ic_error_s for match in matches])
    toe_off = np.concatenate([match.tc_error_s for match in matches])
    return Figures(
        overall=agreement(groups),
        by_speed={
            f"{speed:g}": agreement([[m for m in group if m.trial.speed_mps == speed] for group in groups])
            for speed in speeds
        },
        rmse_by_runner_s=dict(sorted(worst.items())),
        rmse_range_s=_bootstrap([np.concatenate(errors) for errors in runners.values()]),
        missed=sum(match.missed for match in matches),
        false=sum(match.false for match in matches),
        doubted=int(sum(np.count_nonzero(match.clean < 0.5) for match in matches)),
        beyond_20ms=int(np.count_nonzero(np.abs(every) > BEYOND_S)),
        contact_bias_s=float(contact.mean()),
        contact_rmse_s=rms(contact),
        toe_off_bias_s=float(toe_off.mean()),
        toe_off_rmse_s=rms(toe_off),
    )


def agreement(groups: Sequence[Sequence[LegMatch]]) -> Agreement:
    """Over all groups; a run's symmetry is taken inside its group."""
    matches = [match for group in groups for match in group if len(match.stance_s)]
    errors = np.concatenate([match.stance_error_s for match in matches])
    true = np.array([float(match.stance_s.mean()) for match in matches])
    found = true + np.array([float(match.stance_error_s.mean()) for match in matches])
    indices = np.array([pair for group in groups for pair in _indices(group)]).reshape(-1, 2)
    sd = float(errors.std(ddof=1))
    enough = len(indices) > 2
    return Agreement(
        stances=len(errors),
        legs=len(matches),
        rmse_s=rms(errors),
        mae_s=float(np.abs(errors).mean()),
        bias_s=float(errors.mean()),
        loa_low_s=float(errors.mean()) - _TWO_SIDED_95 * sd,
        loa_high_s=float(errors.mean()) + _TWO_SIDED_95 * sd,
        leg_mean_sd_s=float((found - true).std(ddof=1)) if len(matches) > 1 else None,
        icc=icc_2_1(np.stack([true, found], axis=1)) if len(matches) > 2 else None,
        si_error_sd=float((indices[:, 1] - indices[:, 0]).std(ddof=1)) if enough else None,
        si_correlation=_correlation(indices) if enough else None,
    )


def _correlation(pairs: FloatArray) -> float | None:
    """Pearson's, of the two columns; None where one of them does not vary."""
    return float(np.corrcoef(pairs[:, 0], pairs[:, 1])[0, 1]) if np.all(pairs.std(axis=0) > 0.0) else None


def _indices(group: Iterable[LegMatch]) -> list[tuple[float, float]]:
    """Symmetry index of each run that has both legs: by the reference, and as found."""
    means: dict[str, dict[Side, tuple[float, float]]] = {}
    for match in group:
        if len(match.stance_s):
            both = (float(match.stance_s.mean()), float((match.stance_s + match.stance_error_s).mean()))
            means.setdefault(match.trial.name, {})[match.side] = both
    pairs = [(legs[Side.LEFT], legs[Side.RIGHT]) for legs in means.values() if len(legs) == 2]
    return [(_index(left[0], right[0]), _index(left[1], right[1])) for left, right in pairs]


def _index(left: float, right: float) -> float:
    return (left - right) / (0.5 * (left + right))


def rms(errors: FloatArray) -> float:
    return math.sqrt(float((errors * errors).mean()))


def _bootstrap(runners: Sequence[FloatArray]) -> tuple[float, float]:
    """95 % interval of the RMSE, runners drawn with replacement."""
    squares = np.array([float((errors * errors).sum()) for errors in runners])
    counts = np.array([float(len(errors)) for errors in runners])
    drawn = np.random.default_rng(0).integers(0, len(runners), (_DRAWS, len(runners)))
    values = np.sqrt(squares[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.percentile(values, (2.5, 97.5)).tolist()
    return low, high


def coverage(matches: Sequence[LegMatch]) -> Coverage:
    """Of every stride that was found, doubted ones included: nothing is hidden by the flag that it tests."""
    errors = np.abs(np.concatenate([match.stance_error_s for match in matches]))
    sd = np.concatenate([match.sd_s for match in matches])
    flagged, beyond = sd > FLAG_S, errors > BEYOND_S
    legs = [
        (abs(float(match.stance_error_s.mean())), float(np.median(match.system_sd_s)))
        for match in matches
        if len(match.stance_s) and not np.isnan(match.system_sd_s).any()
    ]
    leg_error, leg_sd = np.array([leg[0] for leg in legs]), np.array([leg[1] for leg in legs])
    known = len(legs) > 0
    return Coverage(
        strides=len(errors),
        legs=len(legs),
        stride_68=float(np.mean(errors < sd)),
        stride_95=float(np.mean(errors < _TWO_SIDED_95 * sd)),
        leg_68=float(np.mean(leg_error < leg_sd)) if known else None,
        leg_95=float(np.mean(leg_error < _TWO_SIDED_95 * leg_sd)) if known else None,
        leg_sd_median_s=float(np.median(leg_sd)) if known else None,
        refused=float(np.mean(leg_sd > 0.006)) if known else None,
        flagged=float(np.mean(flagged)),
        beyond=int(np.count_nonzero(beyond)),
        caught=int(np.count_nonzero(beyond & flagged)),
        beyond_in=_by_trial(matches),
    )


def _by_trial(matches: Sequence[LegMatch]) -> dict[str, int]:
    found: dict[str, int] = {}
    for match in matches:
        n = int(np.count_nonzero(np.abs(match.stance_error_s) > BEYOND_S))
        if n:
            found[match.trial.name] = found.get(match.trial.name, 0) + n
    return found
