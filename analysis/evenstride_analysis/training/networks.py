"""Fitting the networks: windows around the true events, moved by a random shift, and the shift as the answer."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.nets import Net
from evenstride_analysis.strides.learned.table import rounded
from evenstride_analysis.strides.learned.windows import GRID_S, read_window
from evenstride_analysis.training.copies import PLAIN, copies
from evenstride_analysis.training.legs import Leg, Taught, lesson

SHIFT_SD_S, COARSE_SD_S = 0.006, 0.025
_HIDDEN, _EPOCHS, _BATCH, _DECAY, _RATE = 16, 12, 256, 10.0, 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one network of the table is made: the event, the window (`times` values every 15 ms from `start_s` on), the
    shifts, the copies, and what its parts see of the window.
    """

    event: str
    start_s: float
    times: int
    kinds: tuple[str, ...]
    shift_sd_s: float
    parts: tuple[str, ...]


_SOLID = (PLAIN, "distorted")
_STYLES = (*_SOLID, "gains")
_ALL = (*_SOLID, "stretched", "gains")
PLANS = {
    "contact": Plan(
        event="contact",
        start_s=-0.060,
        times=9,
        kinds=_STYLES,
        shift_sd_s=SHIFT_SD_S,
        parts=("centred", "differences"),
    ),
    "toe_off": Plan(
        event="toe_off",
        start_s=-0.090,
        times=13,
        kinds=_ALL,
        shift_sd_s=SHIFT_SD_S,
        parts=("centred", "differences"),
    ),
    "toe_off_coarse": Plan(
        event="toe_off", start_s=-0.090, times=13, kinds=_SOLID, shift_sd_s=COARSE_SD_S, parts=("whole",)
    ),
    "contact_check": Plan(
        event="contact", start_s=-0.090, times=9, kinds=_SOLID, shift_sd_s=SHIFT_SD_S, parts=("centred",)
    ),
    "toe_off_check": Plan(
        event="toe_off", start_s=-0.135, times=12, kinds=_SOLID, shift_sd_s=SHIFT_SD_S, parts=("centred",)
    ),
}


LIVE_PLANS = {  # what a stance can be timed with 45 ms after its end
    "live_toe_off_coarse": Plan(
        event="toe_off", start_s=-0.135, times=12, kinds=_SOLID, shift_sd_s=COARSE_SD_S, parts=("whole",)
    ),
    "live_toe_off": Plan(
        event="toe_off",
        start_s=-0.135,
        times=12,
        kinds=_ALL,
        shift_sd_s=SHIFT_SD_S,
        parts=("centred", "differences"),
    ),
}
EVERY_PLAN = {**PLANS, **LIVE_PLANS}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Windows (n, 3 k), answers (n,) in s, and whose they are (n,)."""

    windows: FloatArray
    answers_s: FloatArray
    runs: npt.NDArray[np.str_]


Sets = dict[str, list[list[Taught]]]


def copied(legs: Sequence[Leg], seed: int) -> Sets:
    """The strides of the legs and of their changed copies, by kind of copy."""
    return {
        kind: [[taught for leg in some for taught in lesson(leg).strides] for some in sets]
        for kind, sets in copies(legs, seed).items()
    }


def examples(sets: Sets, plan: Plan, random: np.random.Generator) -> Examples:
    """Windows around the event, each moved by a random shift; the legs as they are count twice."""
    windows: list[FloatArray] = []
    answers: list[float] = []
    runs: list[str] = []
    for some in [some for kind in plan.kinds for some in sets[kind] * (2 if kind == PLAIN else 1)]:
        for taught, shift_s in zip(some, random.normal(0.0, plan.shift_sd_s, len(some)).tolist(), strict=True):
            event = taught.contact if plan.event == "contact" else taught.toe_off
            at = event + (shift_s + plan.start_s) / GRID_S
            windows.append(read_window(taught.grid, at, plan.times).reshape(-1))
            answers.append(-shift_s)
            runs.append(taught.leg.run)
    return Examples(windows=np.array(windows), answers_s=np.array(answers), runs=np.array(runs))


def all_examples(legs: Sequence[Leg], seed: int, plans: Mapping[str, Plan] = PLANS) -> dict[str, Examples]:
    """What the networks of `plans` are taught with."""
    sets = copied(legs, seed)
    return {
        name: examples(sets, plan, np.random.default_rng([seed, 9, k])) for k, (name, plan) in enumerate(plans.items())
    }


def fit_all(rows: Mapping[str, Examples], runs: Sequence[str] | None, seed: int) -> dict[str, Net]:
    """A network for each of these examples, from these runners only (None: from all)."""
    return {name: fit(some, EVERY_PLAN[name], runs, seed) for name, some in rows.items()}


def matrix(part: str, times: int) -> FloatArray:
    """What a part of a network sees, as a linear map (3 times, seen) of the window: time by time, three signals."""
    one: FloatArray = np.eye(times)
    if part == "centred":
        one -= 1.0 / times
    elif part == "differences":
        one = np.diff(one, axis=1)
    return np.asarray(np.kron(one, np.eye(3)), dtype=np.float64)


def fit(rows: Examples, plan: Plan, runs: Sequence[str] | None, seed: int) -> Net:
    """The mean of its parts, each one hidden layer on standardised inputs, folded into one network on the window."""
    chosen = np.ones(len(rows.runs), dtype=bool) if runs is None else np.isin(rows.runs, list(runs))
    x, y = rows.windows[chosen], 1e3 * rows.answers_s[chosen]
    firsts: list[FloatArray] = []
    biases: list[FloatArray] = []
    seconds: list[FloatArray] = []
    last, scale = 0.0, 1e-3 / GRID_S / len(plan.parts)  # answers are taught in ms
    for k, part in enumerate(plan.parts):
        seen = matrix(part, plan.times)
        v = x @ seen
        mean, sd = v.mean(axis=0), v.std(axis=0) + 1e-9
        model: Any = MLPRegressor(
            hidden_layer_sizes=(_HIDDEN,),
            alpha=_DECAY,
            learning_rate_init=_RATE,
            max_iter=_EPOCHS,
            batch_size=_BATCH,  # pyright: ignore[reportArgumentType]  (its stub knows "auto" only)
            random_state=seed + k,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose
            model.fit((v - mean) / sd, y)
        first: FloatArray = model.coefs_[0] / sd[:, np.newaxis]
        firsts.append(seen @ first)
        biases.append(model.intercepts_[0] - mean @ first)
        seconds.append(model.coefs_[1][:, 0] * scale)
        last += float(model.intercepts_[1][0]) * scale
    return rounded(
        Net(
            np.array([plan.start_s / GRID_S]),
            np.concatenate(firsts, axis=1),
            np.concatenate(biases),
            np.concatenate(seconds),
            np.array([last]),
        )
    )
