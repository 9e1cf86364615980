"""Phase of the stride as a smooth function of time: initial contact and toe-off sit at fixed phases."""

import numpy as np

from evenstride_analysis.model import FloatArray

TOE_OFF_PHASE = 0.35


class PhaseWarp:
    """Monotone, once-differentiable phase through knots: times (n,) in s and phases (n,), both strictly increasing.

    Raises ValueError where they do not increase.

    Method: cubic Hermite pieces, slopes by the weighted harmonic mean of the neighbouring secants (Fritsch & Butland
    1984), so that a longer stance stretches the signal of stance without a kink at the events.
    """

    def __init__(self, knots_s: FloatArray, phases: FloatArray) -> None:
        self._knots, self._values = knots_s, phases
        values = phases
        width = np.diff(self._knots)
        if not (np.all(width > 0) and np.all(np.diff(values) > 0)):
            at = int(np.argmin(np.minimum(width, np.diff(values))))
            raise ValueError(f"knots out of order at {self._knots[at]:.3f} s and {self._knots[at + 1]:.3f} s")
        secant = np.diff(values) / width
        slope = np.empty_like(values)
        slope[0], slope[-1] = secant[0], secant[-1]
        before, after = width[:-1], width[1:]
        w1, w2 = 2 * after + before, after + 2 * before
        slope[1:-1] = (w1 + w2) / (w1 / secant[:-1] + w2 / secant[1:])
        self._width, self._slope = width, slope

    @classmethod
    def through(cls, strike_s: FloatArray, toe_off_s: FloatArray) -> "PhaseWarp":
        """Through the events of one leg: `strike_s` (n + 1,) and `toe_off_s` (n,) interleave; stride k runs over the
        phases k ... k + 1 with its toe-off at k + TOE_OFF_PHASE."""
        if len(strike_s) != len(toe_off_s) + 1:
            raise ValueError(f"{len(strike_s)} strikes and {len(toe_off_s)} toe-offs do not interleave")
        n = len(toe_off_s)
        knots, phases = np.empty(2 * n + 1), np.empty(2 * n + 1)
        knots[0::2], knots[1::2] = strike_s, toe_off_s
        phases[0::2] = np.arange(n + 1)
        phases[1::2] = phases[:-1:2] + TOE_OFF_PHASE
        return cls(knots, phases)

    def __call__(self, t_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Phase (n,) and its rate (n,) in 1/s at times (n,); times outside the events are held at the ends' slope."""
        i = np.clip(np.searchsorted(self._knots, t_s, side="right") - 1, 0, len(self._width) - 1)
        h = self._width[i]
        s = (t_s - self._knots[i]) / h
        y0, y1 = self._values[i], self._values[i + 1]
        m0, m1 = self._slope[i] * h, self._slope[i + 1] * h
        d = y1 - y0
        inside = (s >= 0) & (s <= 1)
        c2, c3 = 3 * d - 2 * m0 - m1, m0 + m1 - 2 * d
        phase = y0 + s * (m0 + s * (c2 + s * c3))
        rate = (m0 + s * (2 * c2 + 3 * s * c3)) / h
        if not inside.all():
            end = np.where(s < 0, m0, m1)
            edge = np.where(s < 0, y0 + s * m0, y1 + (s - 1) * m1)
            phase, rate = np.where(inside, phase, edge), np.where(inside, rate, end / h)
        return phase, rate

    def time_s(self, phase: FloatArray) -> FloatArray:
        """Times (n,) of phases (n,), by bisection to better than a microsecond."""
        i = np.clip(np.searchsorted(self._values, phase, side="right") - 1, 0, len(self._width) - 1)
        low, high = self._knots[i], self._knots[i + 1]
        for _ in range(24):
            middle = 0.5 * (low + high)
            above = self(middle)[0] > phase
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return 0.5 * (low + high)
