"""Three sagittal signals of a stride, smoothed once and laid on a grid of true time, from which windows are read."""

import math
from functools import cache
from typing import TypeVar

import numpy as np

from evenstride_analysis.compiled import COMPILES, compiled
from evenstride_analysis.model import FloatArray

Values = TypeVar("Values", float, FloatArray)

GRID_S = 0.0025
SPACING = 6  # grid steps between two values of a window: 15 ms
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
def on_grid(signal: FloatArray, first: float, step: float, count: int) -> FloatArray:
    """Values (count,) of `signal` (n,), n >= 4, at the positions first, first + step, ...: cubics through four samples.

    Positions outside of the signal are moved to its ends.
    """
    if COMPILES:
        out = np.empty(count)
        last, lowest = len(signal) - 2.0, len(signal) - 3
        for j in range(count):
            at = min(max(first + step * j, 1.0), last)
            i = min(int(at), lowest)
            out[j] = _cubic(at - i, signal[i - 1], signal[i], signal[i + 1], signal[i + 2])
        return out
    positions = np.minimum(np.maximum(first + step * np.arange(count), 1.0), len(signal) - 2.0)
    k = np.minimum(positions, len(signal) - 3.0).astype(np.int64)
    t = positions - k.astype(np.float64)
    return _cubic(t, signal[k - 1], signal[k], signal[k + 1], signal[k + 2])


@compiled
def _cubic(t: Values, before: Values, here: Values, after: Values, beyond: Values) -> Values:
    """Between `here` (t = 0) and `after` (t = 1), numbers or arrays of them."""
    slope, bend = after - before, before - 2.0 * here + after
    twist = (beyond - before) / 6.0 - 0.5 * (after - here)
    return here + t * (0.5 * slope - twist + t * (0.5 * bend + t * twist))


@compiled
def read_window(grid: FloatArray, at: float, times: int) -> FloatArray:
    """(times, c): values of `grid` (n, c) at grid position `at` and every 15 ms after it, straight between neighbours.

    A window that would leave the grid is moved to its end.
    """
    last = (times - 1) * SPACING + 1
    inside = min(max(at, 0.0), grid.shape[0] - 1.0 - last)
    k = int(inside)
    t = inside - k
    if COMPILES:
        out = np.empty((times, grid.shape[1]))
        for i in range(times):
            for j in range(grid.shape[1]):
                out[i, j] = (1.0 - t) * grid[k + i * SPACING, j] + t * grid[k + 1 + i * SPACING, j]
        return out
    return (1.0 - t) * grid[k : k + last : SPACING] + t * grid[k + 1 : k + 1 + last : SPACING]
