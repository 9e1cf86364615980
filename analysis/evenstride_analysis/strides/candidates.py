"""Candidates for the events of a stride, each a rule on one leg's signals (shank axes, positions in samples).

Positions are fractional sample numbers within the arrays handed in. Filtered arrays have the length of the raw ones.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import low_pass_kernel, smooth, smooth_into
from evenstride_analysis.model import FloatArray
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

SWING_CUTOFF_HZ = 5.0
SWING_GRID_HZ = 104.0  # dense enough for what is left below 5 Hz
SWING_THRESHOLD_RADPS = math.radians(150.0)
SWING_HALF_WINDOW_S = 0.35  # mid-swings of one leg are at least this far apart
ZERO_CROSSING_LIMIT_S = 0.40  # after mid-swing; running needs 0.06-0.25 s, slow walking up to 0.3 s
# Running against walking. Strides in the reference sets: running 2.5-4.5 m/s 0.52-0.86 s with swings of 404 deg/s and
# more; walking 3.0-4.4 km/h 1.05-1.5 s with swings up to 418 deg/s. So the stride time decides and the swing only keeps
# shuffling out; 300 instead of signals.md's 400 deg/s leaves room for jogging below 2.5 m/s.
RUN_SWING_PEAK_RADPS = math.radians(300.0)
RUN_STRIDE_S = 0.95
_PEAK_REACH_S = 0.060
_IMPACT_BEFORE_S, _IMPACT_AFTER_S = 0.030, 0.110  # search for the impact peak around the zero crossing
_WALK_BACK_S = 0.060
_ZERO_CROSSING_TO_CONTACT_S = 0.025  # signals.md 3.1: the zero crossing is 25 ms early on the reference set


class RuleKernels(NamedTuple):
    """The low-passes of the rules at one sampling rate."""

    rate: FloatArray  # 15 Hz, of the gyro
    axial: FloatArray  # 60 Hz, of the axial acceleration
    inner: FloatArray  # 15 Hz, first order: what the complement takes away
    outer: FloatArray  # 10 Hz, of the complement


@cache
def rule_kernels(rate_hz: float) -> RuleKernels:
    return RuleKernels(
        rate=low_pass_kernel(15.0, rate_hz),
        axial=low_pass_kernel(60.0, rate_hz),
        inner=low_pass_kernel(15.0, rate_hz, 1),
        outer=low_pass_kernel(10.0, rate_hz),
    )


class Candidates(NamedTuple):
    """What the rules find in one stride, nothing subtracted: positions. `found` False: the rest means nothing.

    `opening` is the gyro's zero crossing before the contact; `fallback` says that the axial rule found nothing there.
    `bend` is the other rule's toe-off (walking: the same one).
    """

    found: bool
    contact: float
    opening: float
    fallback: bool
    next_contact: float
    next_opening: float
    toe_off: float
    bend: float
    running: bool
    swing_peak_radps: float


@compiled
def find_candidates(
    accel_mps2: FloatArray, gyro_radps: FloatArray, swing0: int, swing1: int, rate_hz: float, kernels: RuleKernels
) -> Candidates:
    """All rules on one stride: accel_mps2, gyro_radps (n, 3), columns contiguous, the mid-swings at swing0 and swing1.

    Nothing is found where the gyro does not cross zero after a mid-swing. Running: the swing before or after exceeds
    300 deg/s (15 Hz) and the stride lasts less than 0.95 s; else toe-off is the walking rule's.
    """
    wz = gyro_radps.T[2]  # a compiler knows the row of a transpose as contiguous, the column not
    wz15 = padded(wz, kernels.rate)
    axial = padded(accel_mps2.T[1], kernels.axial)
    here, opening, fallback = contact_at(wz15, axial, swing0, rate_hz)
    following, next_opening, _ = contact_at(wz15, axial, swing1, rate_hz)
    if here < 0.0 or following < 0.0:
        return Candidates(False, here, opening, fallback, following, next_opening, 0.0, 0.0, False, 0.0)
    reach = round(_PEAK_REACH_S * rate_hz)
    peak0 = float(np.max(wz15[swing0 - reach : swing0 + reach + 1]))
    peak1 = float(np.max(wz15[swing1 - reach : swing1 + reach + 1]))
    running = max(peak0, peak1) > RUN_SWING_PEAK_RADPS and (following - here) / rate_hz < RUN_STRIDE_S
    if running:
        toe_off, bend = toe_off_running(wz, wz15, swing0, swing1, kernels)
    else:
        toe_off = bend = toe_off_walking(wz15, swing0, swing1)
    return Candidates(True, here, opening, fallback, following, next_opening, toe_off, bend, running, peak1)


@compiled
def padded(signal: FloatArray, kernel: FloatArray) -> FloatArray:
    """(n,) -> (n,): low-passed, NaN where the kernel's support leaves the array."""
    half = (len(kernel) - 1) // 2
    out = np.empty(len(signal))
    for k in range(half):
        out[k] = out[len(out) - 1 - k] = math.nan
    smooth_into(out[half : len(signal) - half], signal, kernel, 1)
    return out


@compiled
def swing_at(rate_radps: FloatArray, first: int, stop: int, half_window: int) -> int:
    """The mid-swing within positions [first, stop) of the 5 Hz-low-passed flexion rate, stop - first <= half_window.

    Mid-swing is where the shank swings forward fastest. A position is one if its value exceeds 150 deg/s and all
    within `half_window` on either side (the earlier of equals wins): a function of 2 * half_window + 1 values.
    -1 where there is none.

    Source: Fadillioglu et al. 2020, Gait & Posture 81:102-108.
    Differences: (1) a local window replaces their minimum distance, which depends on all earlier peaks;
    (2) 150 deg/s on 5 Hz instead of 250 deg/s on 15 Hz, so that slow jogging and walking are kept.
    Not validated: sprinting above 6 m/s, backward running, stairs.
    """
    at = first + int(np.argmax(rate_radps[first:stop]))
    value = rate_radps[at]
    if not value > SWING_THRESHOLD_RADPS:
        return -1
    if value <= np.max(rate_radps[at - half_window : at]) or value < np.max(rate_radps[at + 1 : at + half_window + 1]):
        return -1
    return at


@compiled
def contact_at(wz15: FloatArray, axial_mps2: FloatArray, swing: int, rate_hz: float) -> tuple[float, float, bool]:
    """Initial contact after the mid-swing at `swing`: the axial acceleration passes 1 g before the impact peak.

    The gyro's zero crossing (15 Hz) after mid-swing opens the search window; from the highest axial value in
    [-30, +110] ms around it walk back at most 60 ms to 1 g, interpolated. Where that fails (clipped, soft landing):
    zero crossing + 25 ms. (position, zero crossing, fallback); position -1 when the gyro does not cross zero within
    0.4 s.

    Source: signals.md section 4; zero crossing as in Fadillioglu et al. 2020 (without their detrending).
    """
    tail = wz15[swing : swing + round(ZERO_CROSSING_LIMIT_S * rate_hz)]
    below = int(np.argmax(tail < 0.0))
    if below == 0:
        return -1.0, -1.0, False
    crossing = swing + below - 1 + float(tail[below - 1] / (tail[below - 1] - tail[below]))
    start = math.ceil(crossing - _IMPACT_BEFORE_S * rate_hz)
    stop = math.floor(crossing + _IMPACT_AFTER_S * rate_hz) + 1
    peak = start + int(np.argmax(axial_mps2[start:stop]))
    lowest = max(peak - math.ceil(_WALK_BACK_S * rate_hz), 0)
    at = peak - 1
    while at >= lowest and not axial_mps2[at] <= STANDARD_GRAVITY_MPS2:
        at -= 1
    if at < lowest or axial_mps2[peak] <= STANDARD_GRAVITY_MPS2:
        return crossing + _ZERO_CROSSING_TO_CONTACT_S * rate_hz, crossing, True
    low, high = float(axial_mps2[at]), float(axial_mps2[at + 1])
    return at + (STANDARD_GRAVITY_MPS2 - low) / (high - low), crossing, False


@compiled
def toe_off_running(
    wz: FloatArray, wz15: FloatArray, swing0: int, swing1: int, kernels: RuleKernels
) -> tuple[float, float]:
    """Toe-off between two mid-swings by two rules: (gyro complement, bend), positions.

    Complement: comp = 10 Hz low-pass of (wz - wz smoothed at 15 Hz); toe-off is its maximum from the middle of the two
    mid-swings to the early-swing minimum of wz15 (the sharpest downward bend). Cross-check (bend): the strongest
    negative curvature of wz15 in the same window. Source: Fadillioglu et al. 2020, Gait & Posture 81:102-108.
    Difference: the smoothing inside the complement is of 1st order per pass (2nd order in all): what remains then grows
    with frequency squared, as a curvature does; with 2nd order per pass it has two peaks and 7 % come 80 ms late.
    """
    start, lowest = _early_swing(wz15, swing0, swing1)
    smoothing, margin = (len(kernels.inner) - 1) // 2, (len(kernels.outer) - 1) // 2 + 1
    stretch = wz[start - margin - smoothing : lowest + margin + smoothing + 1]
    residue = stretch[smoothing : len(stretch) - smoothing] - smooth(stretch, kernels.inner, 1)
    complement = smooth(residue, kernels.outer, 1)  # positions start - 1 ... lowest + 1
    best = int(np.argmax(complement[1 : len(complement) - 1])) + 1
    around = wz15[start - 2 : lowest + 3]
    curvature = 2.0 * around[1 : len(around) - 1] - around[: len(around) - 2] - around[2:]
    sharpest = int(np.argmax(curvature[1 : len(curvature) - 1])) + 1  # positions start - 1 ... lowest + 1
    return start - 1 + _vertex(complement, best), start - 1 + _vertex(curvature, sharpest)


@compiled
def toe_off_walking(wz15: FloatArray, swing0: int, swing1: int) -> float:
    """Toe-off in walking: the minimum of wz15 before the next mid-swing (95 ms late if used in running)."""
    start, lowest = _early_swing(wz15, swing0, swing1)
    around = wz15[lowest - 1 : lowest + 2]
    return lowest - 1 + _vertex(around, 1) if start < lowest else float(lowest)


@compiled
def _early_swing(wz15: FloatArray, swing0: int, swing1: int) -> tuple[int, int]:
    stride = swing1 - swing0
    start, stop = swing1 - stride // 2, swing1 - stride // 10
    return start, start + int(np.argmin(wz15[start:stop]))


@compiled
def _vertex(values: FloatArray, at: int) -> float:
    """Position of the vertex of the parabola through values[at - 1 : at + 2], within half a sample of `at`."""
    before, here, after = float(values[at - 1]), float(values[at]), float(values[at + 1])
    curve = before - 2.0 * here + after
    return at + min(0.5, max(-0.5, 0.5 * (before - after) / curve)) if curve != 0.0 else float(at)


def mid_swing(rate_radps: FloatArray, first: int, stop: int, half_window: int) -> int | None:
    """`swing_at` with None where there is none."""
    at = swing_at(rate_radps, first, stop, half_window)
    return None if at < 0 else at
