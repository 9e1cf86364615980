"""The interval of a symmetry index: what the strides' own scatter does to it, and what no number of strides removes.

Pairs follow each other, so neighbours resemble each other. From 60 pairs on the scatter of the index comes from a
circular block bootstrap (Politis & Romano 1992): runs of 5 consecutive pairs are drawn with replacement until they are
as many as the pairs, and the index is computed again. Below 60 pairs there are too few blocks to draw from: Student's t
with the effective number of pairs that their autocorrelation leaves. Blocks of 5 forget a slow drift; where the t
interval is the wider one, it holds.

Total: half(level) = sqrt(scatter(level)^2 + (z(level) u)^2), u the SD of the system error.

Not validated: sessions whose strides drift throughout (a tiring runner): the index is then that of their mean.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from evenstride_analysis.model import FloatArray
from evenstride_analysis.student import t_quantile

BOOTSTRAP_PAIRS = 60  # from here on 12 blocks and more
BLOCK_PAIRS = 5
REPLICATES = 1000
SEED = 20260
_AT_ONCE = 1_000_000  # block starts drawn in one go: bounds the memory of a six-hour run
_UNIT = 2.0**40  # a value is kept as a whole number of 2^-40 (1e-12 s): sums are exact and forget nothing
_SMALLEST_P = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """Scatter by Student's t: standard error of the index and its degrees of freedom."""

    error: float
    degrees: float

    def half(self, level: float) -> float:
        """Half-width of the interval that holds with `level`."""
        return t_quantile(0.5 + level / 2.0, self.degrees) * self.error if self.error else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bootstrap:
    """Scatter by resampling: `deviations` (replicates,) of the index, without sign, ascending."""

    deviations: FloatArray
    student: Student

    @property
    def error(self) -> float:
        return max(self.student.error, math.sqrt(float((self.deviations * self.deviations).mean())))

    def half(self, level: float) -> float:
        """Half-width of the interval that holds with `level`."""
        reached = math.ceil(level * len(self.deviations)) - 1
        return max(self.student.half(level), float(self.deviations[reached]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """An index (a fraction) with the scatter of its strides and the SD `system` of what they share."""

    index: float
    n_pairs: int
    scatter: Student | Bootstrap
    system: float

    def half(self, level: float) -> float:
        """Half-width of the total interval that holds with `level` (0.5-0.9999)."""
        return math.hypot(self.scatter.half(level), NormalDist().inv_cdf(0.5 + level / 2.0) * self.system)

    def excludes_even(self, level: float) -> bool:
        return abs(self.index) > self.half(level)

    def p_even(self) -> float:
        """Two-sided p of an even runner: 1 - the level whose interval just touches 0; 0.0001 stands for anything below.

        Bisection on its logarithm, to 1e-6 of itself.
        """
        if self.excludes_even(1.0 - _SMALLEST_P):
            return _SMALLEST_P
        low, high = math.log(_SMALLEST_P), 0.0
        for _ in range(24):
            middle = 0.5 * (low + high)
            if self.excludes_even(1.0 - math.exp(middle)):
                high = middle
            else:
                low = middle
        return math.exp(high)


def evidence_of(values: FloatArray, *, system: float, seed: int = SEED) -> Evidence:
    """Index and interval of pairs (n, 2), left and right, in order of strike; n >= 3, `system` as a fraction."""
    if len(values) < BOOTSTRAP_PAIRS:
        sums = PairSums()
        for left, right in values.tolist():
            sums.add(left, right)
        return sums.evidence(system=system)
    total = float(values.sum())
    difference = values[:, 0] - values[:, 1]
    n_eff = effective_number(difference)
    mean = total / (2.0 * len(values))
    student = Student(error=float(difference.std(ddof=1)) / math.sqrt(n_eff) / mean, degrees=n_eff - 1.0)
    index = float(difference.mean()) / mean
    return Evidence(
        index=index,
        n_pairs=len(values),
        scatter=Bootstrap(deviations=_deviations(values, index, seed=seed), student=student),
        system=system,
    )


def _deviations(values: FloatArray, index: float, *, seed: int) -> FloatArray:
    n, drawn = len(values), math.ceil(len(values) / BLOCK_PAIRS)
    wrapped = np.concatenate([values, values[: BLOCK_PAIRS - 1]])
    steps = np.cumsum(np.concatenate([np.zeros((1, 2)), wrapped]), axis=0)
    blocks = (steps[BLOCK_PAIRS:] - steps[:-BLOCK_PAIRS]) / BLOCK_PAIRS
    both = blocks[:, 0] + 1j * blocks[:, 1]  # one gather for both legs
    random = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // drawn)
    found: list[FloatArray] = []
    for first in range(0, REPLICATES, at_once):
        starts = random.integers(0, n, (min(at_once, REPLICATES - first), drawn), dtype=np.int32)
        means = both[starts].mean(axis=1)
        found.append(np.abs(2.0 * (means.real - means.imag) / (means.real + means.imag) - index))
    # Blocks are compared with their own mean: as with n - 1 for n, their variance is too small by one of them.
    return np.sort(np.concatenate(found)) * math.sqrt(drawn / (drawn - 1.0))


def effective_number(series: FloatArray) -> float:
    """How many independent values tell as much about the mean as this series (n,), n >= 3: n (1 - r) / (1 + r).

    r is the lag-1 autocorrelation, corrected for its small-sample bias, never below 0; the answer is at least 3.
    """
    centred = series - series.mean()
    power = float((centred * centred).sum())
    return _effective(len(series), float((centred[1:] * centred[:-1]).sum()) / power if power else 0.0)


def _effective(n: int, lag_1: float) -> float:
    lag_1 = min(0.9, max(0.0, lag_1 + (1.0 + 3.0 * lag_1) / n)) if lag_1 else 0.0
    return max(3.0, n * (1.0 - lag_1) / (1.0 + lag_1))


@dataclass(slots=True)
class PairSums:
    """Sums over the pairs in a window: each pair that comes or goes costs the same, however many there are.

    Whole numbers: whatever was added and taken away before, equal windows have equal sums to the last bit.
    """

    _pairs: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    _total: int = 0
    _sum: int = 0  # of differences, as are the next two
    _squares: int = 0
    _neighbours: int = 0

    def __len__(self) -> int:
        return len(self._pairs)

    def add(self, left: float, right: float) -> None:
        """Take the newest pair, SI."""
        a, b = round(left * _UNIT), round(right * _UNIT)
        d = a - b
        if self._pairs:
            self._neighbours += d * (self._pairs[-1][0] - self._pairs[-1][1])
        self._pairs.append((a, b))
        self._total += a + b
        self._sum += d
        self._squares += d * d

    def drop_oldest(self) -> None:
        a, b = self._pairs.popleft()
        d = a - b
        if self._pairs:
            self._neighbours -= d * (self._pairs[0][0] - self._pairs[0][1])
        self._total -= a + b
        self._sum -= d
        self._squares -= d * d

    def copy(self) -> "PairSums":
        return PairSums(self._pairs.copy(), self._total, self._sum, self._squares, self._neighbours)

    def evidence(self, *, system: float) -> Evidence:
        """Index and interval of the window's pairs, 3 at least."""
        n, sum_d = len(self._pairs), self._sum
        ends = sum(a - b for a, b in (self._pairs[0], self._pairs[-1]))
        power = n * self._squares - sum_d * sum_d  # n times the centred sum of squares
        lag = n * n * self._neighbours - n * sum_d * (2 * sum_d - ends) + (n - 1) * sum_d * sum_d  # n^2 times
        n_eff = _effective(n, lag / (n * power) if power else 0.0)
        scale = self._total / (2 * n)
        deviation = math.sqrt(power / (n * (n - 1)))
        return Evidence(
            index=2.0 * sum_d / self._total,
            n_pairs=n,
            scatter=Student(error=deviation / math.sqrt(n_eff) / scale, degrees=n_eff - 1.0),
            system=system,
        )
