"""Three sagittal signals of a stride, smoothed once, read off at fractional positions."""

import math
from functools import cache

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.model import FloatArray

SMOOTHING_SD_S = 0.00667  # a Gaussian of 20 Hz (-3 dB)
SMOOTHING_REACH_S = 0.0135  # where it is cut off: all that a signal's smoothing sees of the future


@cache
def smoothing_kernel(rate_hz: float) -> FloatArray:
    """Symmetric kernel (2 h + 1,) with sum 1 at `rate_hz`; one sample on either side at least."""
    half = max(1, int(SMOOTHING_REACH_S * rate_hz))
    taps = [math.exp(-0.5 * (k / rate_hz / SMOOTHING_SD_S) ** 2) for k in range(-half, half + 1)]
    kernel = np.array(taps) / math.fsum(taps)
    kernel.setflags(write=False)
    return kernel


@compiled
def smoothed(signal: FloatArray, kernel: FloatArray) -> FloatArray:
    """`signal` (n,) -> (n - len(kernel) + 1,): only outputs whose neighbourhood is whole."""
    n = len(signal) - len(kernel) + 1
    out = kernel[0] * signal[:n]
    for k in range(1, len(kernel)):
        out += kernel[k] * signal[k : k + n]
    return out


@compiled
def column_sums(rows: FloatArray) -> FloatArray:
    """Sums (k,) of `rows` (n, k), n >= 1, overwritten: adding halves is one order for numpy and for the compiler."""
    n = rows.shape[0]
    while n > 1:
        half = (n + 1) // 2
        rows[: n - half] += rows[half:n]
        n = half
    return rows[0]


@compiled
def read_off(signals: FloatArray, positions: FloatArray) -> FloatArray:
    """Values (k, c) of `signals` (n, c), n >= 4, at fractional `positions` (k,): the cubic through four neighbours.

    Positions outside of the signals are moved to their ends.
    """
    inside = np.minimum(np.maximum(positions, 1.0), signals.shape[0] - 2.0)
    at = np.minimum(np.floor(inside), signals.shape[0] - 3.0)
    t = inside - at
    before, after, beyond = t + 1.0, t - 1.0, t - 2.0
    k = at.astype(np.int64)
    n = len(positions)
    return (
        (-t * after * beyond / 6.0).reshape((n, 1)) * signals[k - 1]
        + (before * after * beyond / 2.0).reshape((n, 1)) * signals[k]
        + (-before * t * beyond / 2.0).reshape((n, 1)) * signals[k + 1]
        + (before * t * after / 6.0).reshape((n, 1)) * signals[k + 2]
    )
