"""Who is left out: one runner, a style, all but a few. The reference is used only to choose who is left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.accuracy import Leg, Trial
from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.model import FloatArray, Side

RUNNER, STYLE, ALIKE_8, ANY_6, ALIKE_5, SPEED = "runner", "style", "alike 8", "any 6", "alike 5", "speed"
KINDS = (RUNNER, STYLE, ALIKE_8, ANY_6, ALIKE_5, SPEED)
_OUTER, _DROPPED = 4, 6  # tested at one end of a style axis; the next two neither tested nor trained on
_CONTACT_S = np.arange(-0.060, 0.0601, 0.015)
_TOE_OFF_S = np.arange(-0.090, 0.0901, 0.015)
_SPEED_GROUPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Trials to train on and trials to test on, by name; no runner is in both."""

    kind: str
    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Styles:
    """Where each runner lies on eight axes of running style: `values` (axes, runners), speed taken out."""

    runners: tuple[str, ...]
    axes: tuple[str, ...]
    values: FloatArray


def styles(trials: Sequence[Trial]) -> Styles:
    """Duty factor, stride time, foot strike, and what the signals look like around the reference events."""
    runners = tuple(sorted({trial.runner for trial in trials}))
    looks = [_look(trial) for trial in trials]

    def by_runner(take: Callable[["_Look"], FloatArray]) -> FloatArray:
        rows = np.stack([take(look) for look in looks])
        for speed in {trial.speed_mps for trial in trials}:
            same = np.array([trial.speed_mps == speed for trial in trials])
            rows[same] -= rows[same].mean(axis=0)
        return np.stack([rows[[trial.runner == runner for trial in trials]].mean(axis=0) for runner in runners])

    toe_gyro = by_runner(lambda look: look.toe_off[2])
    axes: dict[str, FloatArray] = {
        "duty factor": by_runner(lambda look: look.numbers[0:1])[:, 0],
        "stride time": by_runner(lambda look: look.numbers[1:2])[:, 0],
        "foot strike": by_runner(lambda look: look.numbers[2:3])[:, 0],
        "toe-off gyro 1": _component(toe_gyro, 0),
        "toe-off gyro 2": _component(toe_gyro, 1),
        "toe-off acceleration": _component(by_runner(lambda look: look.toe_off[:2].ravel()), 0),
        "contact gyro": _component(by_runner(lambda look: look.contact[2]), 0),
        "contact acceleration": _component(by_runner(lambda look: look.contact[:2].ravel()), 0),
    }
    return Styles(runners=runners, axes=tuple(axes), values=np.stack(list(axes.values())))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    numbers: FloatArray  # duty factor, stride time, contact after the gyro's zero crossing
    contact: FloatArray  # (3, n): forward and axial acceleration, flexion rate, around it
    toe_off: FloatArray


def _look(trial: Trial) -> _Look:
    legs = [_leg_look(trial, trial.legs[side]) for side in Side]
    return _Look(
        numbers=np.mean([leg.numbers for leg in legs], axis=0),
        contact=np.mean([leg.contact for leg in legs], axis=0),
        toe_off=np.mean([leg.toe_off for leg in legs], axis=0),
    )


def _leg_look(trial: Trial, leg: Leg) -> _Look:
    signals = [_smooth(values, leg.rate_hz) for values in (*leg.accel_mps2.T[:2], leg.gyro_radps[:, 2])]
    at_s = np.arange(len(leg.accel_mps2)) / leg.rate_hz
    inside = (leg.ic_s > trial.from_s) & (leg.tc_s < trial.to_s)
    contact_s, toe_off_s = leg.ic_s[inside], leg.tc_s[inside]
    stride_s = float(np.median(np.diff(contact_s)))
    turns = np.flatnonzero((signals[2][:-1] >= 0.0) & (signals[2][1:] < 0.0)) / leg.rate_hz
    opening = np.array([turns[np.argmin(np.abs(turns - contact))] for contact in contact_s])

    def around(events_s: FloatArray, offsets_s: FloatArray) -> FloatArray:
        when = events_s[:, np.newaxis] + offsets_s
        return np.stack([np.interp(when, at_s, signal).mean(axis=0) for signal in signals])

    return _Look(
        numbers=np.array(
            [float(np.mean(toe_off_s - contact_s)) / stride_s, stride_s, float(np.median(contact_s - opening))]
        ),
        contact=around(contact_s, _CONTACT_S),
        toe_off=around(toe_off_s, _TOE_OFF_S),
    )


def _smooth(signal: FloatArray, rate_hz: float) -> FloatArray:
    kernel = low_pass_kernel(20.0, rate_hz)
    return low_pass(np.pad(signal, half_length(kernel), mode="edge"), kernel)


def _component(rows: FloatArray, k: int) -> FloatArray:
    """Scores (n,) on principal component k of `rows` (n, m); its sign is that of its largest loading."""
    left, size, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    sign = 1.0 if right[k, np.argmax(np.abs(right[k]))] > 0.0 else -1.0
    return left[:, k] * size[k] * sign


def folds(trials: Sequence[Trial]) -> list[Fold]:
    """Every fold of the study, in the order of KINDS.

    runner: each alone. style: the outer four on either end of eight axes (the next two are in neither part).
    alike 8 and alike 5: trained on runners who resemble each other, tested on the six who resemble them least.
    any 6: trained on six of a style fold's twelve. speed: without the tested runner and without the tested speed.
    """
    style = styles(trials)
    found = [_fold(trials, RUNNER, who, [r for r in style.runners if r != who], [who]) for who in style.runners]
    ends: list[Fold] = []
    for axis, values in zip(style.axes, style.values, strict=True):
        order = _in_order(style.runners, values)
        ends.append(_fold(trials, STYLE, f"{axis} low", order[_DROPPED:], order[:_OUTER]))
        ends.append(_fold(trials, STYLE, f"{axis} high", order[:-_DROPPED], order[-_OUTER:]))
    scaled = style.values - style.values.mean(axis=1, keepdims=True)
    scaled /= style.values.std(axis=1, keepdims=True)
    apart = ((scaled[:, :, np.newaxis] - scaled[:, np.newaxis, :]) ** 2).sum(axis=0)
    corners = [int(np.argmin(apart.sum(axis=1)))]
    while len(corners) < 4:
        corners.append(int(np.argmax(apart[corners].min(axis=0))))
    found += ends
    found += [_alike(trials, ALIKE_8, _in_order(style.runners, apart[seed]), 8) for seed in corners]
    for k, fold in enumerate(ends):
        of_fold = sorted({name.partition("_T")[0] for name in fold.train})
        some = np.random.default_rng(6000 + k).permutation(of_fold)[:6]
        tested = sorted({name.partition("_T")[0] for name in fold.test})
        found.append(_fold(trials, ANY_6, fold.name, some.tolist(), tested))
    seeds = range(0, len(style.runners), 3)
    found += [_alike(trials, ALIKE_5, _in_order(style.runners, apart[seed]), 5) for seed in seeds]
    return found + _speed_folds(trials, style.runners)


def _in_order(runners: tuple[str, ...], values: FloatArray) -> list[str]:
    return [runners[int(k)] for k in np.argsort(values, kind="stable")]


def _alike(trials: Sequence[Trial], kind: str, order: Sequence[str], n: int) -> Fold:
    return _fold(trials, kind, f"like {order[0]}", order[:n], order[-6:])


def _fold(trials: Sequence[Trial], kind: str, name: str, train: Sequence[str], test: Sequence[str]) -> Fold:
    return Fold(
        kind=kind,
        name=name,
        train=tuple(trial.name for trial in trials if trial.runner in train),
        test=tuple(trial.name for trial in trials if trial.runner in test),
    )


def _speed_folds(trials: Sequence[Trial], runners: Sequence[str]) -> list[Fold]:
    found: list[Fold] = []
    for speed in sorted({trial.speed_mps for trial in trials}):
        for group in range(_SPEED_GROUPS):
            out = set(runners[group::_SPEED_GROUPS])
            found.append(
                Fold(
                    kind=SPEED,
                    name=f"{speed:g} m/s, group {group + 1}",
                    train=tuple(t.name for t in trials if t.runner not in out and t.speed_mps != speed),
                    test=tuple(t.name for t in trials if t.runner in out and t.speed_mps == speed),
                )
            )
    return [fold for fold in found if fold.test]


def curve_folds(trials: Sequence[Trial], sizes: Sequence[int], draws: int, *, seed: int = 0) -> list[Fold]:
    """The learning curve: `draws` random groups of each size, tested on six of those who are not in the group."""
    runners = sorted({trial.runner for trial in trials})
    found: list[Fold] = []
    for size in sizes:
        for draw in range(draws):
            order = np.random.default_rng([seed, size, draw]).permutation(runners).tolist()
            found.append(_fold(trials, f"{size} runners", f"draw {draw + 1}", order[:size], order[size:][:6]))
    return found
