"""What is read off a stride once its events are known: times, impact, turn, and where the sensor's range ended."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from evenstride_analysis.compiled import COMPILES, compiled
from evenstride_analysis.filters import combine, low_pass_kernel
from evenstride_analysis.model import Doubt, FloatArray
from evenstride_analysis.strides.heading import turn_of_rows
from evenstride_analysis.strides.impact import CUTOFF_HZ, LOWEST_RATE_HZ, impact_peaks, span
from evenstride_analysis.strides.loose import DEFAULT_LOOSE, looseness_of, waves

GAP_MARGIN_S = 0.050
RATE_TOLERANCE = 0.10  # beyond it the filters are not the ones that were validated
_CLIPPED, _OUT_OF_RANGE, _LOOSE = Doubt.CLIPPED.value, Doubt.OUT_OF_RANGE.value, Doubt.LOOSE.value


class Limits(NamedTuple):
    """What the measures of one pod need: rate, full scales (m/s2, rad/s; inf = unknown), kernels, waves, weights."""

    rate_hz: float
    accel_full: float
    gyro_full: float
    impact: FloatArray
    waves: FloatArray
    loose: FloatArray


@cache
def limits(rate_hz: float, accel_full: float, gyro_full: float) -> Limits:
    impact = low_pass_kernel(CUTOFF_HZ, rate_hz)
    return Limits(rate_hz, accel_full, gyro_full, impact, waves(rate_hz), DEFAULT_LOOSE.weights)


@compiled
def cut_window(rows: FloatArray, rotation: FloatArray, start: int, stop: int) -> FloatArray:
    """Columns [start, stop) of the six channels (sensor axes) in shank axes, (6, n). rotation (9,), row-major.

    Written out term by term: a matrix product may round differently for another n, and a split must not change bits.
    """
    window = np.empty((6, stop - start))
    for first in (0, 3):
        x, y, z = rows[first, start:stop], rows[first + 1, start:stop], rows[first + 2, start:stop]
        for row in range(3):
            a, b, c = rotation[3 * row], rotation[3 * row + 1], rotation[3 * row + 2]
            combine(window[first + row], a, x, b, y, c, z)
    return window


@compiled
def measured(
    rows: FloatArray,
    start: int,
    window: FloatArray,
    swing0: int,
    swing1: int,
    contact: float,
    toe_off: float,
    next_contact: float,
    opening: float,
    running: bool,
    period_s: float,
    impact: bool,
    heading: bool,
    limits: Limits,
) -> tuple[float, float, float, float, int]:
    """(axial, resultant, loading, turn, doubts as an int); NaN where something cannot be measured.

    `rows` are the raw samples in sensor axes, column `start` is the first of `window` (6, n) in shank axes; the events
    are positions in the window. `impact` and `heading` say whether no bridged sample stands in their way.
    """
    rate_hz = limits.rate_hz
    first, high = span(contact, rate_hz, (len(limits.impact) - 1) // 2)
    low = max(min(math.floor(opening) - math.ceil(GAP_MARGIN_S * rate_hz), first), 0)
    doubt = 0
    if reaches(rows[0:3], start + low, start + high, limits.accel_full):
        doubt |= _CLIPPED
    if reaches(rows[3:6], start + swing0, start + swing1, limits.gyro_full):
        doubt |= _CLIPPED | _OUT_OF_RANGE  # the events themselves are read off the gyro
    if abs(period_s * rate_hz - 1.0) > RATE_TOLERANCE:
        doubt |= _OUT_OF_RANGE
    if running and looseness_of(window, contact, toe_off, rate_hz, limits.waves, limits.loose) > 0.0:
        doubt |= _LOOSE
    axial, resultant, loading, turn = math.nan, math.nan, math.nan, math.nan
    if impact and 1.0 / period_s >= LOWEST_RATE_HZ:
        axial, resultant, loading = impact_peaks(window, contact, rate_hz, limits.impact)
        loading /= period_s * rate_hz
    if heading:
        turn = turn_of_rows(window[:, math.ceil(contact) : math.floor(next_contact) + 1], period_s)
    return axial, resultant, loading, turn, doubt


@compiled
def reaches(rows: FloatArray, start: int, stop: int, full: float) -> bool:
    """Whether any of columns [start, stop) of `rows` is as large as `full`, either way."""
    if full == math.inf:
        return False
    if COMPILES:
        found = 0
        for row in range(rows.shape[0]):
            values = rows[row, start:stop]
            for k in range(len(values)):
                found += abs(values[k]) >= full
        return found > 0
    return bool((np.abs(rows[:, start:stop]) >= full).any())
