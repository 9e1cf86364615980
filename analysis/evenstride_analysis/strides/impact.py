"""Impact of one stance: peak tibial acceleration and how fast it rises."""

import math
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import half_length, low_pass_kernel, smooth
from evenstride_analysis.model import FloatArray

LOWEST_RATE_HZ = 199.0  # below it peaks come out 0.5-1.4 g too low: signals.md section 5
WINDOW_S = 0.080
CUTOFF_HZ = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Peaks of the specific force (gravity included), 60 Hz low-pass; `loading_mps3` = axial slope, 20-80 % of rise."""

    axial_mps2: float
    resultant_mps2: float
    loading_mps3: float | None


def impact_span(contact: float, rate_hz: float) -> tuple[int, int]:
    """Half-open positions of the samples that an impact depends on (80 ms of stance and the kernel around)."""
    return span(contact, rate_hz, half_length(low_pass_kernel(CUTOFF_HZ, rate_hz)))


def measure_impact(accel_mps2: FloatArray, contact: float, rate_hz: float) -> Impact:
    """Peak tibial acceleration in the first 80 ms of stance. accel_mps2 (n, 3) in shank axes, `contact` a position.

    Axial = highest y; resultant = highest norm of the low-passed vector. Source: signals.md section 5. Not valid below
    199 Hz (the caller's duty), nor where the sensor clipped (then a lower bound).
    """
    rows = np.ascontiguousarray(accel_mps2.T)
    axial, resultant, loading = impact_peaks(rows, contact, rate_hz, low_pass_kernel(CUTOFF_HZ, rate_hz))
    return Impact(
        axial_mps2=axial, resultant_mps2=resultant, loading_mps3=None if math.isnan(loading) else float(loading)
    )


@compiled
def span(contact: float, rate_hz: float, margin: int) -> tuple[int, int]:
    """`impact_span` for a kernel of `margin` samples on either side."""
    return math.floor(contact) - margin, math.ceil(contact + WINDOW_S * rate_hz) + 1 + margin


@compiled
def impact_peaks(rows: FloatArray, contact: float, rate_hz: float, kernel: FloatArray) -> tuple[float, float, float]:
    """(axial, resultant, loading) of `rows` (3 or more, n), x, y, z; loading is NaN without a rise."""
    start, stop = span(contact, rate_hz, (len(kernel) - 1) // 2)
    x, y, z = (
        smooth(rows[0, start:stop], kernel, 1),
        smooth(rows[1, start:stop], kernel, 1),
        smooth(rows[2, start:stop], kernel, 1),
    )
    peak = int(np.argmax(y))
    resultant = math.sqrt(float(np.max(x * x + y * y + z * z)))
    return float(y[peak]), resultant, _loading(y[: peak + 1], rate_hz)


@compiled
def _loading(rise: FloatArray, rate_hz: float) -> float:
    """Mean slope between the last crossings of 20 % and 80 % of the rise from contact to peak; NaN without a rise."""
    low, high = float(rise[0]), float(rise[-1])
    if len(rise) < 3 or high <= low:
        return math.nan
    first, last = _last_crossing(rise, low + 0.2 * (high - low)), _last_crossing(rise, low + 0.8 * (high - low))
    return 0.6 * (high - low) * rate_hz / (last - first) if last > first else math.nan


@compiled
def _last_crossing(rise: FloatArray, level: float) -> float:
    at = len(rise) - 1
    while rise[at] >= level:
        at -= 1
    return at + (level - float(rise[at])) / float(rise[at + 1] - rise[at])
