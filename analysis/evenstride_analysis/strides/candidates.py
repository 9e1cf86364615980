"""Candidates for the events of a stride, each a rule on one leg's signals (shank axes, positions in samples).

Positions are fractional sample numbers within the arrays handed in. Filtered arrays have the length of the raw ones.
"""

import math
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.model import FloatArray
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

SWING_CUTOFF_HZ = 5.0
SWING_THRESHOLD_RADPS = math.radians(150.0)
SWING_HALF_WINDOW_S = 0.35  # mid-swings of one leg are at least this far apart
ZERO_CROSSING_LIMIT_S = 0.40  # after mid-swing; running needs 0.06-0.25 s, slow walking up to 0.3 s
_IMPACT_BEFORE_S, _IMPACT_AFTER_S = 0.030, 0.110  # search for the impact peak around the zero crossing
_WALK_BACK_S = 0.060
_ZERO_CROSSING_TO_CONTACT_S = 0.025  # signals.md 3.1: the zero crossing is 25 ms early on the reference set


@dataclass(frozen=True, slots=True)
class Contact:
    """Initial contact. `zero_crossing` is the gyro's; `fallback` says that the axial rule found nothing."""

    position: float
    zero_crossing: float
    fallback: bool


def padded_low_pass(signal: FloatArray, cutoff_hz: float, rate_hz: float) -> FloatArray:
    """(n,) -> (n,): low-passed, NaN where the kernel's support leaves the array."""
    kernel = low_pass_kernel(cutoff_hz, rate_hz)
    half = half_length(kernel)
    if half == 0:
        return signal
    out = np.full(len(signal), np.nan)
    out[half : len(signal) - half] = low_pass(signal, kernel)
    return out


def mid_swing(rate_radps: FloatArray, first: int, stop: int, half_window: int) -> int | None:
    """The mid-swing within positions [first, stop) of the 5 Hz-low-passed flexion rate, stop - first <= half_window.

    Mid-swing is where the shank swings forward fastest. A position is one if its value exceeds 150 deg/s and all
    within `half_window` on either side (the earlier of equals wins): a function of 2 * half_window + 1 values.

    Source: Fadillioglu et al. 2020, Gait & Posture 81:102-108.
    Differences: (1) a local window replaces their minimum distance, which depends on all earlier peaks;
    (2) 150 deg/s on 5 Hz instead of 250 deg/s on 15 Hz, so that slow jogging and walking are kept.
    Not validated: sprinting above 6 m/s, backward running, stairs.
    """
    at = first + int(np.argmax(rate_radps[first:stop]))
    value = rate_radps[at]
    if not value > SWING_THRESHOLD_RADPS:
        return None
    if value <= rate_radps[at - half_window : at].max() or value < rate_radps[at + 1 : at + half_window + 1].max():
        return None
    return at


def contact(wz15: FloatArray, axial_mps2: FloatArray, swing: int, rate_hz: float) -> Contact | None:
    """Initial contact after the mid-swing at `swing`: the axial acceleration passes 1 g before the impact peak.

    The gyro's zero crossing (15 Hz) after mid-swing opens the search window; from the highest axial value in
    [-30, +110] ms around it walk back at most 60 ms to 1 g, interpolated. Where that fails (clipped, soft landing):
    zero crossing + 25 ms. None when the gyro does not cross zero within 0.4 s.

    Source: signals.md section 4; zero crossing as in Fadillioglu et al. 2020 (without their detrending).
    """
    tail = wz15[swing : swing + round(ZERO_CROSSING_LIMIT_S * rate_hz)]
    below = int(np.argmax(tail < 0.0))
    if below == 0:
        return None
    crossing = swing + below - 1 + float(tail[below - 1] / (tail[below - 1] - tail[below]))
    start = math.ceil(crossing - _IMPACT_BEFORE_S * rate_hz)
    stop = math.floor(crossing + _IMPACT_AFTER_S * rate_hz) + 1
    peak = start + int(np.argmax(axial_mps2[start:stop]))
    lowest = max(peak - math.ceil(_WALK_BACK_S * rate_hz), 0)
    under = np.flatnonzero(axial_mps2[lowest:peak] <= STANDARD_GRAVITY_MPS2)
    if len(under) == 0 or axial_mps2[peak] <= STANDARD_GRAVITY_MPS2:
        return Contact(crossing + _ZERO_CROSSING_TO_CONTACT_S * rate_hz, crossing, fallback=True)
    at = lowest + int(under[-1])
    low, high = float(axial_mps2[at]), float(axial_mps2[at + 1])
    return Contact(at + (STANDARD_GRAVITY_MPS2 - low) / (high - low), crossing, fallback=False)


def toe_off_running(wz: FloatArray, wz15: FloatArray, swing0: int, swing1: int, rate_hz: float) -> tuple[float, float]:
    """Toe-off between two mid-swings by two rules: (gyro complement, bend), positions.

    Complement: comp = 10 Hz low-pass of (wz - wz smoothed at 15 Hz); toe-off is its maximum from the middle of the two
    mid-swings to the early-swing minimum of wz15 (the sharpest downward bend). Cross-check (bend): the strongest
    negative curvature of wz15 in the same window. Source: Fadillioglu et al. 2020, Gait & Posture 81:102-108.
    Difference: the smoothing inside the complement is of 1st order per pass (2nd order in all): what remains then grows
    with frequency squared, as a curvature does; with 2nd order per pass it has two peaks and 7 % come 80 ms late.
    """
    start, lowest = _early_swing(wz15, swing0, swing1)
    inner, outer = low_pass_kernel(15.0, rate_hz, 1), low_pass_kernel(10.0, rate_hz)
    margin, smoothing = half_length(outer) + 1, half_length(inner)
    stretch = wz[start - margin - smoothing : lowest + margin + smoothing + 1]
    residue = stretch[smoothing : len(stretch) - smoothing] - low_pass(np.ascontiguousarray(stretch), inner)
    complement = low_pass(residue, outer)  # positions start - 1 ... lowest + 1
    best = int(np.argmax(complement[1:-1])) + 1
    stretch = wz15[start - 2 : lowest + 3]
    curvature = 2.0 * stretch[1:-1] - stretch[:-2] - stretch[2:]  # positions start - 1 ... lowest + 1
    sharpest = int(np.argmax(curvature[1:-1])) + 1
    return start - 1 + _vertex(complement, best), start - 1 + _vertex(curvature, sharpest)


def toe_off_walking(wz15: FloatArray, swing0: int, swing1: int) -> float:
    """Toe-off in walking: the minimum of wz15 before the next mid-swing (95 ms late if used in running)."""
    start, lowest = _early_swing(wz15, swing0, swing1)
    around = wz15[lowest - 1 : lowest + 2]
    return lowest - 1 + _vertex(around, 1) if start < lowest else float(lowest)


def _early_swing(wz15: FloatArray, swing0: int, swing1: int) -> tuple[int, int]:
    stride = swing1 - swing0
    start, stop = swing1 - stride // 2, swing1 - stride // 10
    return start, start + int(np.argmin(wz15[start:stop]))


def _vertex(values: FloatArray, at: int) -> float:
    """Position of the vertex of the parabola through values[at - 1 : at + 2], within half a sample of `at`."""
    before, here, after = float(values[at - 1]), float(values[at]), float(values[at + 1])
    curve = before - 2.0 * here + after
    return at + min(0.5, max(-0.5, 0.5 * (before - after) / curve)) if curve != 0.0 else float(at)
