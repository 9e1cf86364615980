"""Impact of one stance: peak tibial acceleration and how fast it rises."""

import math
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.model import FloatArray

LOWEST_RATE_HZ = 199.0  # below it peaks come out 0.5-1.4 g too low: signals.md section 5
WINDOW_S = 0.080
_CUTOFF_HZ = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Peaks of the specific force (gravity included), 60 Hz low-pass; `loading_mps3` = axial slope, 20-80 % of rise."""

    axial_mps2: float
    resultant_mps2: float
    loading_mps3: float | None


def impact_span(contact: float, rate_hz: float) -> tuple[int, int]:
    """Half-open positions of the samples that an impact depends on (80 ms of stance and the kernel around)."""
    margin = half_length(low_pass_kernel(_CUTOFF_HZ, rate_hz))
    return math.floor(contact) - margin, math.ceil(contact + WINDOW_S * rate_hz) + 1 + margin


def measure_impact(accel_mps2: FloatArray, contact: float, rate_hz: float) -> Impact:
    """Peak tibial acceleration in the first 80 ms of stance. accel_mps2 (n, 3) in shank axes, `contact` a position.

    Axial = highest y; resultant = highest norm of the low-passed vector. Source: signals.md section 5. Not valid below
    199 Hz (the caller's duty), nor where the sensor clipped (then a lower bound).
    """
    kernel = low_pass_kernel(_CUTOFF_HZ, rate_hz)
    start, stop = impact_span(contact, rate_hz)
    x, y, z = (low_pass(np.ascontiguousarray(accel_mps2[start:stop, axis]), kernel) for axis in range(3))
    peak = int(np.argmax(y))
    return Impact(
        axial_mps2=float(y[peak]),
        resultant_mps2=math.sqrt(float(np.max(x * x + y * y + z * z))),
        loading_mps3=_loading(y[: peak + 1], rate_hz),
    )


def _loading(rise: FloatArray, rate_hz: float) -> float | None:
    """Mean slope between the last crossings of 20 % and 80 % of the rise from contact to peak; None without a rise."""
    low, high = float(rise[0]), float(rise[-1])
    if len(rise) < 3 or high <= low:
        return None
    first, last = (_last_crossing(rise, low + share * (high - low)) for share in (0.2, 0.8))
    return 0.6 * (high - low) * rate_hz / (last - first) if last > first else None


def _last_crossing(rise: FloatArray, level: float) -> float:
    at = int(np.flatnonzero(rise < level)[-1])
    return at + (level - float(rise[at])) / float(rise[at + 1] - rise[at])
