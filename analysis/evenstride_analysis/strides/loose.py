"""A loose pod in one stride: it goes on swinging on the leg when the shock of the contact is over."""

import math
from functools import cache

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import half_length, low_pass_kernel, smooth, total
from evenstride_analysis.model import FloatArray

ROCKING_LIMIT_RADPS = 0.75
SHAKING_LIMIT_MPS2 = 16.0
_AFTER_CONTACT_S, _BEFORE_TOE_OFF_S = 0.080, 0.040  # between them the shank itself moves slowly
_SHORTEST_S = 0.030
_LOW_HZ, _HIGH_HZ = 10.0, 30.0


def is_loose(accel_mps2: FloatArray, gyro_radps: FloatArray, contact: float, toe_off: float, rate_hz: float) -> bool:
    """Whether the pod still rings in mid-stance of this running stride. accel_mps2, gyro_radps (n, 3) in shank axes.

    A strap and the pod's mass are a spring: after the shock of the contact a loose pod swings freely at 10-30 Hz and is
    damped away, while a shank that stands on the ground turns slowly. Measured: the root mean square of the 10-30 Hz
    band from 80 ms after contact to 40 ms before toe-off, of the rocking (gyro x and z) and of the axial acceleration.

    Limits: 0.75 rad/s and 16 m/s2, 1.2 and 1.25 times the 99th percentile of the runner who rings most of the 18 of
    RBDS (0.62 and 12.7); none of its 4,424 strides and none of JDX (skin wobble visible: at most 0.36 and 5.0) is above
    either. Limits made the same way without the tested runner: 4 false alarms in 4,424 (0.1 %). A resonance of 12-20 Hz
    with a tenth of critical damping is found in 90-95 % of strides, with three tenths (which costs the events little)
    in 20-45 %. A stance that leaves less than 30 ms between the margins is never loose. Not validated: real straps; a
    pod that slides without rocking; transverse shaking alone, which skin under a tight strap shows too.
    """
    rocking, shaking = ringing(accel_mps2, gyro_radps, contact, toe_off, rate_hz)
    return rocking > ROCKING_LIMIT_RADPS or shaking > SHAKING_LIMIT_MPS2


def ringing(
    accel_mps2: FloatArray, gyro_radps: FloatArray, contact: float, toe_off: float, rate_hz: float
) -> tuple[float, float]:
    """(rocking in rad/s, axial shaking in m/s2) in mid-stance, root mean squares of 10-30 Hz; (0, 0) where the stance
    is too short or the filters' support leaves the arrays."""
    window = np.ascontiguousarray(np.hstack([accel_mps2, gyro_radps]).T)
    return ringing_of(window, contact, toe_off, rate_hz, ringing_band(rate_hz))


@cache
def ringing_band(rate_hz: float) -> FloatArray:
    """10-30 Hz as one kernel: what passes 30 Hz and not 10 Hz."""
    wide, narrow = low_pass_kernel(_LOW_HZ, rate_hz), low_pass_kernel(_HIGH_HZ, rate_hz)
    band = -wide
    middle = half_length(wide) - half_length(narrow)
    band[middle : middle + len(narrow)] += narrow
    band.setflags(write=False)
    return band


@compiled
def ringing_of(
    window: FloatArray, contact: float, toe_off: float, rate_hz: float, band: FloatArray
) -> tuple[float, float]:
    """`ringing` of a window (6, n): accelerations x, y, z, turn rates x, y, z."""
    first = math.ceil(contact + _AFTER_CONTACT_S * rate_hz)
    stop = math.floor(toe_off - _BEFORE_TOE_OFF_S * rate_hz) + 1
    reach = (len(band) - 1) // 2
    if stop - first < _SHORTEST_S * rate_hz or first < reach or stop + reach > window.shape[1]:
        return 0.0, 0.0
    low, high = first - reach, stop + reach
    rocking = band_power(window[3, low:high], band) + band_power(window[5, low:high], band)
    return math.sqrt(rocking), math.sqrt(band_power(window[1, low:high], band))


@compiled
def band_power(signal: FloatArray, kernel: FloatArray) -> float:
    """Mean square of `signal` (n,) under a symmetric `kernel` (2 h + 1,), where its support is whole."""
    out = smooth(signal, kernel, 1)
    return total(out * out) / len(out)
