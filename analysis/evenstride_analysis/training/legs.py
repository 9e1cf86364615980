"""Recorded legs with a force reference, and their strides as the estimator sees them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.strides.candidates import (
    SWING_CUTOFF_HZ,
    SWING_HALF_WINDOW_S,
    ZERO_CROSSING_LIMIT_S,
    mid_swing,
)
from evenstride_analysis.strides.learned.estimator import (
    GRID_BEFORE_S,
    OPENING_TO_CONTACT_S,
    LearnedEstimator,
    sagittal,
)
from evenstride_analysis.strides.learned.windows import GRID_S, smoothing_kernel

_STRIDE_S = (0.4, 1.2)
_LONGEST_STANCE_S = 0.35
MATCH_S = 0.250


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leg:
    """One leg of one trial. accel_mps2, gyro_radps (n, 3) in shank axes, sample k at k / rate_hz.

    contact_s, toe_off_s (m,) are the reference stances; those inside `span_s` count. `run` names the person.
    """

    run: str
    trial: str
    side: Side
    speed_mps: float
    rate_hz: float
    accel_mps2: FloatArray
    gyro_radps: FloatArray
    contact_s: FloatArray
    toe_off_s: FloatArray
    span_s: tuple[float, float]

    def __post_init__(self) -> None:
        if self.accel_mps2.shape != self.gyro_radps.shape or self.accel_mps2.shape[1:] != (3,):
            raise InputError(f"{self.trial} {self.side}: accel_mps2 and gyro_radps must both be (n, 3)")
        if self.contact_s.shape != self.toe_off_s.shape:
            raise InputError(f"{self.trial} {self.side}: as many toe-offs as contacts are needed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taught:
    """A stride with its reference: `grid` (n, 3) as the networks see it, and positions on it.

    `opening` is the gyro's zero crossing before the contact, `stride` the time between the mid-swings.
    """

    leg: Leg
    grid: FloatArray
    opening: float
    stride: float
    contact: float
    toe_off: float

    @property
    def stance_s(self) -> float:
        return (self.toe_off - self.contact) * GRID_S


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """The matched strides of a leg, and how many stances were missed or invented."""

    strides: tuple[Taught, ...]
    missed: int
    false: int


def mid_swings(leg: Leg) -> list[int]:
    """Positions of the mid-swings of a whole recording, as the detector finds them."""
    kernel = low_pass_kernel(SWING_CUTOFF_HZ, leg.rate_hz)
    margin, half = half_length(kernel), round(SWING_HALF_WINDOW_S * leg.rate_hz)
    smooth = low_pass(np.ascontiguousarray(leg.gyro_radps[:, 2]), kernel)
    hop = round(0.08 * leg.rate_hz)
    starts = range(half, len(smooth) - half - hop, hop)
    return [margin + at for start in starts if (at := mid_swing(smooth, start, start + hop, half)) is not None]


def lesson(leg: Leg) -> Lesson:
    """Match the leg's strides to the reference: the stance whose contact is nearest, within 250 ms."""
    rate_hz, kernel = leg.rate_hz, smoothing_kernel(leg.rate_hz)
    before, after = (math.ceil(s * rate_hz) for s in (LearnedEstimator.before_s, LearnedEstimator.after_s))
    step = GRID_S * rate_hz
    taught: list[Taught] = []
    stances = zip(leg.contact_s.tolist(), leg.toe_off_s.tolist(), strict=True)
    counted = {k for k, stance in enumerate(stances) if _inside(leg, *stance)}
    found: set[int] = set()
    false = 0
    for swing0, swing1 in pairwise(mid_swings(leg)):
        start, stop = swing0 - before, swing1 + after
        right = _STRIDE_S[0] * rate_hz <= swing1 - swing0 <= _STRIDE_S[1] * rate_hz
        if not right or start < 0 or stop > len(leg.accel_mps2):
            continue
        accel, gyro = (np.asfortranarray(rows[start:stop]) for rows in (leg.accel_mps2, leg.gyro_radps))
        grid = sagittal(accel, gyro, before, before + swing1 - swing0, kernel, step)
        origin_s = swing0 / rate_hz - GRID_BEFORE_S
        opening = _crossing(grid[:, 2])
        if opening is None:
            continue
        guess_s = origin_s + opening * GRID_S + OPENING_TO_CONTACT_S
        k = int(np.argmin(np.abs(leg.contact_s - guess_s)))
        if abs(float(leg.contact_s[k]) - guess_s) > MATCH_S:
            false += _inside(leg, guess_s, guess_s + _LONGEST_STANCE_S)
            continue
        found.add(k)
        if k in counted:
            contact, toe_off = ((float(times[k]) - origin_s) / GRID_S for times in (leg.contact_s, leg.toe_off_s))
            taught.append(
                Taught(
                    leg=leg,
                    grid=grid,
                    opening=opening,
                    stride=(swing1 - swing0) / step,
                    contact=contact,
                    toe_off=toe_off,
                )
            )
    return Lesson(strides=tuple(taught), missed=len(counted - found), false=false)


def _crossing(wz: FloatArray) -> float | None:
    """The first position after the mid-swing at which the flexion rate falls below zero; None beyond 0.4 s."""
    swing = round(GRID_BEFORE_S / GRID_S)
    tail = wz[swing : swing + round(ZERO_CROSSING_LIMIT_S / GRID_S)]
    below = int(np.argmax(tail < 0.0))
    return None if below == 0 else swing + below - 1 + float(tail[below - 1] / (tail[below - 1] - tail[below]))


def _inside(leg: Leg, contact_s: float, toe_off_s: float) -> bool:
    return contact_s > leg.span_s[0] and toe_off_s < leg.span_s[1]
