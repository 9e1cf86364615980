"""Bounded memory of one stream: recent samples, and the stamps that give them time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, IntArray


class SampleBuffer:
    """The latest samples of one unbroken stretch, by absolute index; at least `keep` of them stay readable."""

    def __init__(self, *, keep: int) -> None:
        self._keep, self._capacity = keep, 4 * keep
        self._accel = np.empty((self._capacity, 3))
        self._gyro = np.empty((self._capacity, 3))
        self._bridged = np.zeros(self._capacity, dtype=np.bool_)
        self._base = 0
        self._rows = 0

    @property
    def first_index(self) -> int:
        return self._base

    @property
    def end_index(self) -> int:
        return self._base + self._rows

    def restart(self, index: int) -> None:
        """Forget everything; the next sample is `index`."""
        self._base, self._rows = index, 0

    def append(self, accel_mps2: FloatArray, gyro_radps: FloatArray, *, bridged: bool = False) -> None:
        """Take (n, 3) and (n, 3), n <= keep."""
        n = len(accel_mps2)
        if self._rows + n > self._capacity:
            cut = self._rows - self._keep
            for array in (self._accel, self._gyro, self._bridged):
                array[: self._keep] = array[cut : self._rows].copy()
            self._base += cut
            self._rows = self._keep
        stop = self._rows + n
        self._accel[self._rows : stop] = accel_mps2
        self._gyro[self._rows : stop] = gyro_radps
        self._bridged[self._rows : stop] = bridged
        self._rows = stop

    def accel(self, start: int, stop: int) -> FloatArray:
        return self._accel[start - self._base : stop - self._base]

    def gyro(self, start: int, stop: int) -> FloatArray:
        return self._gyro[start - self._base : stop - self._base]

    def any_bridged(self, start: int, stop: int) -> bool:
        low, high = max(start, self._base) - self._base, min(stop - self._base, self._rows)
        return bool(self._bridged[low:high].any())


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Pod time of a fractional sample index: start_s + (index - first_index) * period_s."""

    first_index: int
    start_s: float
    period_s: float

    def at(self, index: float) -> float:
        return self.start_s + (index - self.first_index) * self.period_s


class StampBuffer:
    """The latest stamps (sample index, pod time) of one boot; at least `keep` samples back."""

    def __init__(self, *, keep: int) -> None:
        self._keep, self._capacity = keep, 4 * keep + 8
        self._index: npt.NDArray[np.int64] = np.empty(self._capacity, dtype=np.int64)
        self._time_s = np.empty(self._capacity)
        self._n = 0

    def clear(self) -> None:
        self._n = 0

    def check(self, index: IntArray, time_s: FloatArray) -> None:
        """Raise InputError unless index and time of these stamps (k,), (k,), k >= 1, go on increasing."""
        k = len(index)
        if k > 1 and not (bool(np.all(index[1:] > index[:-1])) and bool(np.all(time_s[1:] > time_s[:-1]))):
            raise InputError(f"pod time does not increase with the samples near sample {int(index[0])}")
        if self._n:
            last_index, last_s = int(self._index[self._n - 1]), float(self._time_s[self._n - 1])
            if not (int(index[0]) > last_index and float(time_s[0]) > last_s):
                raise InputError(
                    f"pod time does not increase: sample {int(index[0])} at {float(time_s[0]):.6f} s"
                    f" after sample {last_index} at {last_s:.6f} s"
                )

    def append(self, index: IntArray, time_s: FloatArray) -> None:
        """Take checked stamps (k,), (k,), 1 <= k <= keep."""
        k = len(index)
        if self._n + k > self._capacity:
            cut = int(np.searchsorted(self._index[: self._n], int(index[0]) - self._keep))
            for array in (self._index, self._time_s):
                array[: self._n - cut] = array[cut : self._n].copy()
            self._n -= cut
        self._index[self._n : self._n + k] = index
        self._time_s[self._n : self._n + k] = time_s
        self._n += k

    def line(self, start: int, stop: int, *, least: int, least_span: int) -> TimeLine | None:
        """Least-squares line through the stamps of samples [start, stop); None when they are too few or too close."""
        low, high = (int(k) for k in np.searchsorted(self._index[: self._n], (start, stop)))
        index = self._index[low:high]
        if high - low < least or int(index[-1] - index[0]) < least_span:
            return None
        first, first_s = int(index[0]), float(self._time_s[low])
        x = (index - first).astype(np.float64)
        y = self._time_s[low:high] - first_s
        mean_x, mean_y = float(x.mean()), float(y.mean())
        x -= mean_x
        period_s = float((x * (y - mean_y)).sum() / (x * x).sum())
        return TimeLine(first, first_s + mean_y - mean_x * period_s, period_s)
