"""Errors on runners and styles that the networks never saw: what the stated uncertainty is fitted to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.estimator import timed
from evenstride_analysis.strides.learned.nets import EventNets, Guess, Net
from evenstride_analysis.strides.learned.windows import GRID_S, read_window
from evenstride_analysis.training.legs import Leg, Taught, lesson
from evenstride_analysis.training.networks import PLANS, Examples, all_examples, fit_all

RUNNER, STYLE, ALIKE_8, ANY_6, ALIKE_5 = "runner", "style", "alike 8", "any 6", "alike 5"
_OUTER, _DROPPED, _FURTHEST, _FEWEST_FOR_STYLES = 4, 6, 6, 14
Job = tuple["Fold", dict[str, Examples], list[Taught], int]
Map = Callable[[Callable[[Job], "LeftOut"], Iterable[Job]], Iterable["LeftOut"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Runners to train on and runners to test on."""

    kind: str
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeftOut:
    """The strides of a fold's tested runners: stance errors (n,) s, reference stances (n,) s, checks (n, 4) s."""

    fold: Fold
    runs: npt.NDArray[np.str_]
    trials: npt.NDArray[np.str_]
    sides: npt.NDArray[np.str_]
    errors_s: FloatArray
    stances_s: FloatArray
    checks_s: FloatArray


def left_out(legs: Sequence[Leg], *, seed: int = 0, each: Map = map) -> Iterable[LeftOut]:
    """Teach without each fold's runners and meet them then. `each` may be a pool's map."""
    rows = all_examples(legs, seed)
    strides = [taught for leg in legs for taught in lesson(leg).strides]
    return each(meet, ((fold, rows, strides, seed) for fold in folds(strides)))


def folds_of(legs: Sequence[Leg]) -> list[Fold]:
    """The folds that `left_out` will meet, in its order."""
    return folds([taught for leg in legs for taught in lesson(leg).strides])


def meet(job: Job) -> LeftOut:
    """Teach the fold's networks and time the strides of the runners left out."""
    fold, rows, strides, seed = job
    return met(fold, fit_all(rows, fold.train, seed), strides)


def met(fold: Fold, taught_nets: Mapping[str, Net], strides: Sequence[Taught]) -> LeftOut:
    """Time the strides of the runners left out with networks that were taught without them."""
    nets = EventNets(*(taught_nets[name] for name in EventNets._fields))
    tested = [taught for taught in strides if taught.leg.run in fold.test]
    found = np.array(
        [
            timed(
                taught.grid, Guess(taught.opening, taught.opening, taught.stride), nets
            )  # the next contact: not asked
            for taught in tested
        ]
    )
    stances_s = np.array([taught.stance_s for taught in tested])
    return LeftOut(
        fold=fold,
        runs=np.array([taught.leg.run for taught in tested]),
        trials=np.array([taught.leg.trial for taught in tested]),
        sides=np.array([taught.leg.side.value for taught in tested]),
        errors_s=(found[:, 1] - found[:, 0]) * GRID_S - stances_s,
        stances_s=stances_s,
        checks_s=found[:, 3:] * GRID_S,
    )


def folds(strides: Sequence[Taught]) -> list[Fold]:
    """Each runner; the outer four at either end of eight axes of style (the next two in neither part); eight and five
    who are alike against the six least like them; any six against a style. The reference only chooses who is left out.
    """
    runs = sorted({taught.leg.run for taught in strides})
    found = [Fold(kind=RUNNER, train=tuple(r for r in runs if r != run), test=(run,)) for run in runs]
    if len(runs) < _FEWEST_FOR_STYLES:
        return found
    axes = _axes(strides, runs)
    styles: list[Fold] = []
    for values in axes:
        order = [runs[int(k)] for k in np.argsort(values, kind="stable")]
        styles.append(Fold(kind=STYLE, train=tuple(order[_DROPPED:]), test=tuple(order[:_OUTER])))
        styles.append(Fold(kind=STYLE, train=tuple(order[:-_DROPPED]), test=tuple(order[-_OUTER:])))
    apart = ((axes[:, :, np.newaxis] - axes[:, np.newaxis, :]) ** 2).sum(axis=0)
    corners = [int(np.argmin(apart.sum(axis=1)))]
    while len(corners) < 4:
        corners.append(int(np.argmax(apart[corners].min(axis=0))))

    def alike(kind: str, seed: int, n: int) -> Fold:
        order = [runs[int(k)] for k in np.argsort(apart[seed], kind="stable")]
        return Fold(kind=kind, train=tuple(order[:n]), test=tuple(order[-_FURTHEST:]))

    found += styles + [alike(ALIKE_8, seed, 8) for seed in corners]
    for k, fold in enumerate(styles):
        some = np.random.default_rng(6000 + k).permutation(sorted(fold.train))[:6]
        found.append(Fold(kind=ANY_6, train=tuple(some.tolist()), test=fold.test))
    return found + [alike(ALIKE_5, seed, 5) for seed in range(0, len(runs), 3)]


def _axes(strides: Sequence[Taught], runs: Sequence[str]) -> FloatArray:
    """(8, runners), scaled: duty factor, stride time, foot strike, first components of the windows; speed taken out."""

    def by_runner(rows: Sequence[FloatArray]) -> FloatArray:
        values = np.array(rows)
        speeds = np.array([taught.leg.speed_mps for taught in strides])
        for speed in np.unique(speeds):
            values[speeds == speed] -= values[speeds == speed].mean(axis=0)
        who = np.array([taught.leg.run for taught in strides])
        return np.array([values[who == run].mean(axis=0) for run in runs])

    numbers = by_runner(
        [np.array([(t.toe_off - t.contact) / t.stride, t.stride, t.contact - t.opening]) for t in strides]
    )
    plans = PLANS["contact"], PLANS["toe_off"]
    events = [(t.grid, t.contact) for t in strides], [(t.grid, t.toe_off) for t in strides]
    contact, toe_off = (
        by_runner([read_window(grid, at + plan.start_s / GRID_S, plan.times) for grid, at in some])
        for plan, some in zip(plans, events, strict=True)
    )
    looks = [_component(toe_off[:, :, 2], 0), _component(toe_off[:, :, 2], 1), _component(toe_off[:, :, :2], 0)]
    looks += [_component(contact[:, :, 2], 0), _component(contact[:, :, :2], 0)]
    axes = np.stack([*numbers.T, *looks])
    return (axes - axes.mean(axis=1, keepdims=True)) / axes.std(axis=1, keepdims=True)


def _component(rows: FloatArray, k: int) -> FloatArray:
    """Scores (n,) on principal component k of `rows` (n, ...)."""
    flat = rows.reshape(len(rows), -1)
    left, size, _ = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    return left[:, k] * size[k]
