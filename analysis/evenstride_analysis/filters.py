"""Finite-support zero-lag low-passes: every output is one weighted sum over a fixed neighbourhood.

The kernels are the truncated impulse responses of a Butterworth run forwards and backwards (gain -6 dB at the
cut-off, zero phase), DC gain 1. A finite kernel is what makes a stride a pure function of a finite window.
"""

import math
from functools import cache

import numpy as np

from evenstride_analysis.compiled import COMPILES, compiled
from evenstride_analysis.model import FloatArray

_NUMPY_BLOCK = 1 << 15  # elements of a working array: more leave the cache
_SUPPORT_CYCLES = 1.25  # half length of a kernel in periods of its cut-off: the rest of the response is below 0.4 %
_HIGHEST_FRACTION = 0.4  # of the sampling rate: above it there is nothing left to remove


@cache
def low_pass_kernel(cutoff_hz: float, rate_hz: float, order: int = 2) -> FloatArray:
    """Butterworth of `order` 1 or 2 per pass, two passes, at `cutoff_hz` (both in Hz of the same clock).

    Symmetric kernel (2 h + 1,) with sum 1; the single tap [1.0] where `cutoff_hz` is 0.4 of the rate or more."""
    if not (cutoff_hz > 0.0 and rate_hz > 0.0 and math.isfinite(cutoff_hz) and math.isfinite(rate_hz)):
        raise ValueError(f"cut-off {cutoff_hz} Hz at {rate_hz} Hz: both must be positive and finite")
    if cutoff_hz >= _HIGHEST_FRACTION * rate_hz:
        return _read_only(np.ones(1))
    half = math.ceil(_SUPPORT_CYCLES * rate_hz / cutoff_hz)
    response = _butterworth_response(cutoff_hz / rate_hz, order, 4 * half)
    both_ways = np.array([float(np.dot(response[: len(response) - lag], response[lag:])) for lag in range(half + 1)])
    kernel = np.concatenate([both_ways[:0:-1], both_ways])
    return _read_only(kernel / math.fsum(kernel.tolist()))


def _read_only(kernel: FloatArray) -> FloatArray:
    kernel.setflags(write=False)
    return kernel


def _butterworth_response(cycles_per_sample: float, order: int, n: int) -> FloatArray:
    """First n samples of the impulse response of a Butterworth low-pass of order 1 or 2 (bilinear transform)."""
    warped = math.tan(math.pi * cycles_per_sample)
    if order == 1:
        feed = (warped / (1.0 + warped), warped / (1.0 + warped), 0.0)
        a1, a2 = (warped - 1.0) / (1.0 + warped), 0.0
    elif order == 2:
        norm = 1.0 / (1.0 + math.sqrt(2.0) * warped + warped * warped)
        b0 = warped * warped * norm
        feed = (b0, 2.0 * b0, b0)
        a1, a2 = 2.0 * (warped * warped - 1.0) * norm, (1.0 - math.sqrt(2.0) * warped + warped * warped) * norm
    else:
        raise ValueError(f"order {order}: 1 or 2")
    response: list[float] = []
    before, before_that = 0.0, 0.0
    for k in range(n):
        value = (feed[k] if k < 3 else 0.0) - a1 * before - a2 * before_that
        response.append(value)
        before, before_that = value, before
    return np.array(response)


def half_length(kernel: FloatArray) -> int:
    """Samples a kernel needs on either side."""
    return (len(kernel) - 1) // 2


def low_pass(signal: FloatArray, kernel: FloatArray) -> FloatArray:
    """`signal` (n,) contiguous, n >= len(kernel) -> (n - len(kernel) + 1,): only outputs whose neighbourhood is whole.

    Output k belongs to sample k + half_length(kernel). Raises ValueError where the signal is shorter than the kernel.
    """
    if len(signal) < len(kernel):
        raise ValueError(f"signal of {len(signal)} samples is shorter than the kernel of {len(kernel)}")
    return smooth(signal, kernel, 1)


@compiled
def smooth(signal: FloatArray, kernel: FloatArray, step: int) -> FloatArray:
    """`signal` (n,) contiguous by a symmetric `kernel` (2 h + 1,) with taps `step` samples apart -> (n - 2 h step,).

    n > 2 h step is the caller's duty. Each output adds its own neighbourhood in the same order, from the middle
    outwards, so its bits do not depend on how much signal stands around it.
    """
    half = (len(kernel) - 1) // 2
    out = np.empty(len(signal) - 2 * half * step)
    smooth_into(out, signal, kernel, step)
    return out


@compiled
def smooth_into(out: FloatArray, signal: FloatArray, kernel: FloatArray, step: int) -> None:
    """What `smooth` answers, written to `out`."""
    half = (len(kernel) - 1) // 2
    middle, n = half * step, len(out)
    if COMPILES:
        for k in range(n):
            out[k] = kernel[half] * signal[middle + k]
        j = 1
        while j + 3 <= half:  # four taps at a time: `out` is loaded and stored a quarter as often
            add_four_pairs(
                out, kernel[half + j :], signal[middle - (j + 3) * step :], signal[middle + j * step :], step
            )
            j += 4
        while j <= half:
            tap, left, right = kernel[half + j], signal[middle - j * step :], signal[middle + j * step :]
            for k in range(n):
                out[k] += tap * (left[k] + right[k])
            j += 1
    else:
        out[:] = kernel[half] * signal[middle : middle + n]
        add_all_pairs(out, kernel[half + 1 :], signal, step)


@compiled
def add_four_pairs(out: FloatArray, taps: FloatArray, left: FloatArray, right: FloatArray, step: int) -> None:
    """out += tap * (left + right) for each of four taps, the nearest first; `left` begins at the farthest's."""
    a, b, c, d = taps[0], taps[1], taps[2], taps[3]
    left_a, left_b, left_c = left[3 * step :], left[2 * step :], left[step:]
    right_b, right_c, right_d = right[step:], right[2 * step :], right[3 * step :]
    for k in range(len(out)):
        value = out[k] + a * (left_a[k] + right[k])
        value += b * (left_b[k] + right_b[k])
        value += c * (left_c[k] + right_c[k])
        out[k] = value + d * (left[k] + right_d[k])


def add_all_pairs(out: FloatArray, taps: FloatArray, signal: FloatArray, step: int) -> None:
    """out += tap * (left + right) for all taps, the nearest first, in few calls of numpy: a running sum over them."""
    half, n = len(taps), len(out)
    rows = max(1, _NUMPY_BLOCK // n)
    for first in range(0, half, rows):
        some = taps[first : first + rows]
        size, middle = signal.itemsize, half * step
        nearest = (first + 1) * step
        left = np.ndarray((len(some), n), np.float64, signal, (middle - nearest) * size, (-step * size, size))
        right = np.ndarray((len(some), n), np.float64, signal, (middle + nearest) * size, (step * size, size))
        terms = np.empty((len(some) + 1, n))
        terms[0] = out
        np.multiply(left + right, some[:, np.newaxis], out=terms[1:])
        out[:] = np.add.accumulate(terms, axis=0)[-1]


@compiled
def combine(out: FloatArray, a: float, x: FloatArray, b: float, y: FloatArray, c: float, z: FloatArray) -> FloatArray:
    """out = a x + b y + c z, all (n,): one axis of a rotation, term by term. Hands back `out`."""
    if COMPILES:
        for k in range(len(out)):
            out[k] = a * x[k] + b * y[k] + c * z[k]
    else:
        out[:] = a * x + b * y + c * z
    return out


@compiled
def multiplied(out: FloatArray, x: FloatArray, y: FloatArray) -> None:
    """out = x y, element by element, all (n,)."""
    if COMPILES:
        for k in range(len(out)):
            out[k] = x[k] * y[k]
    else:
        np.multiply(x, y, out=out)


@compiled
def weighted_rows(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Sum over j of weights[j] * rows[j], j ascending: `rows` (n, k), `weights` (n,) -> (k,)."""
    if COMPILES:
        out = weights[0] * rows[0]
        for j in range(1, len(weights)):
            row, weight = rows[j], weights[j]
            for k in range(len(out)):
                out[k] += weight * row[k]
    else:
        out = np.add.accumulate(rows * weights[:, np.newaxis], axis=0)[-1]
    return out


@compiled
def total(values: FloatArray) -> float:
    """Sum of (n,), n >= 1, by adding halves: one order for both worlds. Overwrites values."""
    n = len(values)
    while n > 1:
        half = (n + 1) // 2
        if COMPILES:
            for k in range(n - half):
                values[k] += values[half + k]
        else:
            values[: n - half] += values[half:n]
        n = half
    return float(values[0])


@cache
def spread_kernels(cutoff_hz: float, rate_hz: float, grid_hz: float) -> tuple[FloatArray, FloatArray, int]:
    """The low-pass of `low_pass_kernel` for signals far above their cut-off, with a fraction of its taps.

    (fine, coarse, step): smooth by `fine` at every sample, then by `coarse` with taps `step` samples apart. `fine` is
    the triangle of two means over `step` samples (it removes what `coarse` cannot see), `coarse` the Butterworth both
    ways at rate_hz / step; `step` brings the rate down to about `grid_hz`. The sum of the two is again one finite,
    symmetric kernel: its gain differs by less than 1 % below the cut-off. Source: Neuvo, Dong & Mitra 1984, IEEE Trans.
    ASSP 32:563-570 (interpolated FIR filters).
    """
    step = max(1, int(rate_hz / grid_hz + 0.5))
    taps = np.array([step - abs(k) for k in range(1 - step, step)], dtype=np.float64)
    return _read_only(taps / step**2), low_pass_kernel(cutoff_hz, rate_hz / step), step
