"""Bounded memory of one stream: recent samples, and the stamps that give them time."""

import math
from collections import deque
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from evenstride_analysis.compiled import COMPILES, compiled
from evenstride_analysis.filters import multiplied, total
from evenstride_analysis.model import FloatArray, IntArray

FINE, SWING = 6, 7  # rows of `SampleBuffer.rows` after the six channels: the flexion rate, smoothed once and twice
_ROWS = 8


class Fault(IntEnum):
    """What `take` may find wrong with a block; nothing of it has been taken then."""

    NONE = 0
    NOT_FINITE = 1
    STAMP_OUTSIDE = 2
    STAMP_ORDER = 3


class SampleBuffer:
    """The latest samples of one unbroken stretch, by absolute index; at least `keep` of them stay readable.

    `rows` (8, capacity): accelerations x, y, z, turn rates x, y, z in sensor axes, then the two stages of the smoothed
    flexion rate, filled by the search for mid-swings. Column c holds sample first_index + c.
    """

    def __init__(self, *, keep: int) -> None:
        self.rows: FloatArray = np.zeros((_ROWS, 4 * keep))
        self.capacity = 4 * keep
        self.first_index = 0
        self.count = 0
        self._keep = keep
        self._bridged: deque[tuple[int, int]] = deque()

    @property
    def end_index(self) -> int:
        return self.first_index + self.count

    def restart(self, index: int) -> None:
        """Forget everything; the next sample is `index`."""
        self.first_index, self.count = index, 0
        self._bridged.clear()

    def make_room(self, n: int) -> None:
        """Forget the oldest where `n` more samples, n <= keep, would not fit."""
        if self.count + n <= self.capacity:
            return
        cut = self.count - self._keep
        self.rows[:, : self._keep] = self.rows[:, cut : self.count].copy()
        self.first_index += cut
        self.count = self._keep
        while self._bridged and self._bridged[0][1] <= self.first_index:
            self._bridged.popleft()

    def bridge(self, accel_mps2: FloatArray, gyro_radps: FloatArray, missing: int) -> None:
        """Fill `missing` samples linearly towards the one that comes next, (3,) and (3,)."""
        self.make_room(missing)
        share = np.arange(1, missing + 1) / (missing + 1)
        last = self.rows[:6, self.count - 1 : self.count].copy()
        following = np.concatenate([accel_mps2, gyro_radps])[:, np.newaxis]
        self.rows[:6, self.count : self.count + missing] = last + (following - last) * share
        self._bridged.append((self.end_index, self.end_index + missing))
        self.count += missing

    @property
    def has_bridges(self) -> bool:
        return bool(self._bridged)

    def any_bridged(self, start: int, stop: int) -> bool:
        return any(first < stop and start < end for first, end in self._bridged)


class StampBuffer:
    """The latest stamps (sample index, pod time) of one boot; at least `keep` samples back."""

    def __init__(self, *, keep: int) -> None:
        self.index: npt.NDArray[np.int64] = np.zeros(4 * keep + 8, dtype=np.int64)
        self.time_s: FloatArray = np.zeros(4 * keep + 8)
        self.capacity = 4 * keep + 8
        self.count = 0
        self._keep = keep

    def clear(self) -> None:
        self.count = 0

    def make_room(self, k: int, first_index: int) -> None:
        """Forget the oldest where `k` more stamps, k <= keep, would not fit; the next one belongs to `first_index`."""
        if self.count + k <= self.capacity:
            return
        cut = int(np.searchsorted(self.index[: self.count], first_index - self._keep))
        for array in (self.index, self.time_s):
            array[: self.count - cut] = array[cut : self.count].copy()
        self.count -= cut

    def last(self) -> tuple[int, float] | None:
        return (int(self.index[self.count - 1]), float(self.time_s[self.count - 1])) if self.count else None

    def line(self, start: int, stop: int, *, least: int, least_span: int) -> tuple[bool, int, float, float]:
        """`time_line` of the stamps that are held."""
        return time_line(self.index, self.time_s, self.count, start, stop, least, least_span)


@compiled
def take(
    rows: FloatArray,
    count: int,
    index: IntArray,
    time_s: FloatArray,
    stamps: int,
    accel_mps2: FloatArray,
    gyro_radps: FloatArray,
    stamp_index: IntArray,
    stamp_s: FloatArray,
    first: int,
) -> int:
    """Check a block (n, 3), (n, 3), (k,), (k,) that starts at sample `first`, then append it: a `Fault`.

    `rows` holds `count` samples, `index` and `time_s` hold `stamps` stamps; there is room for n and for k.
    """
    n, k = len(accel_mps2), len(stamp_index)
    fault = fault_of(index, time_s, stamps, accel_mps2, gyro_radps, stamp_index, stamp_s, first)
    if fault != 0:
        return fault
    if COMPILES:
        for j in range(n):
            for axis in range(3):
                rows[axis, count + j] = accel_mps2[j, axis]
                rows[3 + axis, count + j] = gyro_radps[j, axis]
        for j in range(k):
            index[stamps + j], time_s[stamps + j] = stamp_index[j], stamp_s[j]
    else:
        rows[:3, count : count + n] = accel_mps2.T
        rows[3:6, count : count + n] = gyro_radps.T
        index[stamps : stamps + k] = stamp_index
        time_s[stamps : stamps + k] = stamp_s
    return 0


@compiled
def fault_of(
    index: IntArray,
    time_s: FloatArray,
    stamps: int,
    accel_mps2: FloatArray,
    gyro_radps: FloatArray,
    stamp_index: IntArray,
    stamp_s: FloatArray,
    first: int,
) -> int:
    """The check of `take`."""
    if not (all_finite(accel_mps2) and all_finite(gyro_radps)):
        return 1
    k = len(stamp_index)
    if k == 0:
        return 0
    if stamp_index[0] < first or stamp_index[k - 1] >= first + len(accel_mps2):
        return 2
    if COMPILES:
        late = 0
        for j in range(1, k):
            late += not (stamp_index[j] > stamp_index[j - 1] and stamp_s[j] > stamp_s[j - 1])
        ordered = late == 0
    else:
        ordered = bool((stamp_index[1:] > stamp_index[:-1]).all() and (stamp_s[1:] > stamp_s[:-1]).all())
    if stamps > 0 and not (stamp_index[0] > index[stamps - 1] and stamp_s[0] > time_s[stamps - 1]):
        ordered = False
    return 0 if ordered else 3


@compiled
def all_finite(values: FloatArray) -> bool:
    """Whether each number of (n, 3) is finite."""
    if COMPILES:
        found = 0
        for j in range(values.shape[0]):
            for axis in range(3):
                found += not math.isfinite(values[j, axis])
        return found == 0
    return bool(np.isfinite(values).all())


@compiled
def time_line(
    index: IntArray, time_s: FloatArray, count: int, start: int, stop: int, least: int, least_span: int
) -> tuple[bool, int, float, float]:
    """Least-squares line through the first `count` stamps, those of samples [start, stop): (found, first index, the
    line's time there, period in s).

    Not found where there are fewer than `least` or where they span less than `least_span` samples.
    """
    low, high = int(np.searchsorted(index[:count], start)), int(np.searchsorted(index[:count], stop))
    n = high - low
    if n < least or index[high - 1] - index[low] < least_span:
        return False, 0, 0.0, 0.0
    first, first_s = int(index[low]), float(time_s[low])
    x, y, product = np.empty(n), np.empty(n), np.empty(n)
    if COMPILES:
        for j in range(n):
            x[j], y[j] = index[low + j] - first, time_s[low + j] - first_s
    else:
        x[:], y[:] = index[low:high] - first, time_s[low:high] - first_s
    mean_x, mean_y = total(x.copy()) / n, total(y.copy()) / n
    if COMPILES:
        for j in range(n):
            x[j], y[j] = x[j] - mean_x, y[j] - mean_y
    else:
        x, y = x - mean_x, y - mean_y
    multiplied(product, x, y)
    slope = total(product)
    multiplied(product, x, x)
    period_s = slope / total(product)
    return True, first, first_s + mean_y - mean_x * period_s, period_s
