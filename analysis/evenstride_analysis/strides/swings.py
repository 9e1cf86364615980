"""Mid-swings of one stream, found as soon as their window is whole."""

from collections.abc import Sequence

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import combine, half_length, smooth_into, spread_kernels
from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.buffer import FINE, SWING, SampleBuffer
from evenstride_analysis.strides.candidates import (
    SWING_CUTOFF_HZ,
    SWING_GRID_HZ,
    SWING_HALF_WINDOW_S,
    swing_at,
)


class SwingSearch:
    """Walks along a `SampleBuffer` and looks at each position once, when all that decides it is there; at none that is
    so near behind a mid-swing that it cannot be one.

    `axis` (3,) is the flexion axis in sensor axes. A mid-swing is a function of the samples within 0.35 s and the
    kernel's 0.25 s around it, so neither the blocks nor the moments of a search change one.
    """

    def __init__(self, *, rate_hz: float, axis: Sequence[float]) -> None:
        self._axis: FloatArray = np.array(axis, dtype=np.float64)
        self._fine, self._coarse, self._step = spread_kernels(SWING_CUTOFF_HZ, rate_hz, SWING_GRID_HZ)
        self._half_window = round(SWING_HALF_WINDOW_S * rate_hz)
        self._margin = half_length(self._fine)
        self._reach = self._margin + half_length(self._coarse) * self._step
        self._fine_next = self._swing_next = self._next = 0  # positions: to smooth, to smooth again, to look at

    def restart(self, index: int) -> None:
        """The buffer's stretch begins at `index`."""
        self._fine_next = index + self._margin
        self._swing_next = index + self._reach
        self._next = self._swing_next + self._half_window

    def due(self, positions: int) -> int:
        """How far the samples must reach (their end index) for so many positions to be looked at."""
        return self._next + self._reach + self._half_window + positions

    def search(self, samples: SampleBuffer) -> list[int]:
        """Look at all positions that wait, at least one: the mid-swings among them, as sample indices."""
        base, count, rows = samples.first_index, samples.count, samples.rows
        stop = count - self._reach - self._half_window
        at = smooth_and_look(
            rows,
            self._fine_next - base,
            self._swing_next - base,
            self._next - base,
            count,
            self._axis,
            self._fine,
            self._coarse,
            self._step,
            self._half_window,
        )
        swings: list[int] = []
        while at >= 0:
            swings.append(base + at)
            at = first_swing(rows, at + 1 + self._half_window, stop, self._half_window)
        self._fine_next = base + count - self._margin
        self._swing_next = base + count - self._reach
        self._next = base + stop
        if swings:
            self._next = max(self._next, swings[-1] + 1 + self._half_window)
        return swings


@compiled
def smooth_and_look(
    rows: FloatArray,
    fine_from: int,
    swing_from: int,
    look_from: int,
    stop: int,
    axis: FloatArray,
    fine: FloatArray,
    coarse: FloatArray,
    step: int,
    half_window: int,
) -> int:
    """Fill row FINE from column `fine_from` and row SWING from `swing_from` on, as far as columns [0, stop) reach; then
    the first mid-swing from column `look_from` on, or -1."""
    margin, reach = (len(fine) - 1) // 2, (len(coarse) - 1) // 2 * step
    low = fine_from - margin
    rate = combine(
        np.empty(stop - low), axis[0], rows[3, low:stop], axis[1], rows[4, low:stop], axis[2], rows[5, low:stop]
    )
    smooth_into(rows[FINE, fine_from : stop - margin], rate, fine, 1)
    smooth_into(
        rows[SWING, swing_from : stop - margin - reach], rows[FINE, swing_from - reach : stop - margin], coarse, step
    )
    return first_swing(rows, look_from, stop - margin - reach - half_window, half_window)


@compiled
def first_swing(rows: FloatArray, first: int, stop: int, half_window: int) -> int:
    """The first mid-swing in columns [first, stop) of row SWING, or -1."""
    while first < stop:
        end = min(stop, first + half_window)
        at = swing_at(rows[SWING], first, end, half_window)
        if at >= 0:
            return at
        first = end
    return -1
