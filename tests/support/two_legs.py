"""Two legs of one run as two pods without a common clock tell it, and the truth: for alternation."""

from dataclasses import dataclass

import numpy as np

from evenstride_analysis.alternation import Alternation, Strikes
from evenstride_analysis.model import FloatArray

STRIDE_S = 0.7


@dataclass(frozen=True, kw_only=True)
class Legs:
    """Strikes of a run: each leg in its own pod's seconds; true time = `shift_s` + second's seconds * (1 + `drift`)."""

    first: Strikes
    second: Strikes
    shift_s: float
    drift: float

    def errors_s(self, found: Alternation) -> FloatArray:
        at_s = self.second.strike_s[[0, len(self.second.strike_s) // 2, -1]]
        return np.array([found.first_s(float(t)) for t in at_s]) - (self.shift_s + at_s * (1.0 + self.drift))


def legs(
    seed: int,
    *,
    minutes: float = 10.0,
    ppm: float = 40.0,
    missing: float = 0.02,
    phase: float = 0.0,
    late_s: float = 0.0,
    tempo: float = 0.012,
    scatter_s: float = 0.004,
    pause: bool = False,
) -> Legs:
    """Stride lengths as people have them: half of their spread (`tempo`) wanders slowly, half is new each time.

    A step is half a stride and `phase` of it more; every strike scatters; strides are missing; one pod began `late_s`
    later.
    """
    rng = np.random.default_rng(seed)
    n = int(60.0 * minutes / STRIDE_S)
    length_s = STRIDE_S * (1.0 + tempo * np.sqrt(0.5) * (_pink(rng, n) + rng.normal(size=n)))
    if pause:
        length_s[n // 3] += 120.0
    begins_s = np.concatenate([[0.0], np.cumsum(length_s)[:-1]])
    steady_s = np.minimum(length_s, 2.0 * STRIDE_S)
    strikes = (
        begins_s + rng.normal(0.0, scatter_s, n),
        begins_s + (0.5 + phase) * steady_s + rng.normal(0.0, scatter_s, n),
    )
    shift_s, drift = float(rng.uniform(-5e4, 5e4)), 1e-6 * ppm

    def leg(strike_s: FloatArray, *, from_s: float, shift_s: float, drift: float) -> Strikes:
        kept = (rng.random(n) >= missing) & (strike_s >= from_s)
        return Strikes(strike_s=((strike_s - shift_s) / (1.0 + drift))[kept], stride_s=steady_s[kept] / (1.0 + drift))

    return Legs(
        first=leg(strikes[0], from_s=0.0, shift_s=0.0, drift=0.0),
        second=leg(strikes[1], from_s=late_s, shift_s=shift_s, drift=drift),
        shift_s=shift_s,
        drift=drift,
    )


def _pink(rng: np.random.Generator, n: int) -> FloatArray:
    frequency = np.fft.rfftfreq(n)
    frequency[0] = 1.0
    half = (rng.normal(size=len(frequency)) + 1j * rng.normal(size=len(frequency))) / np.sqrt(frequency)
    wave = np.fft.irfft(half, n)
    return wave / wave.std()
