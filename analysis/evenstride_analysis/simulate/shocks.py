"""The shocks that a virtual shank takes, as they are known: from the signal before any sensor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.model import FloatArray

WINDOW_S = 0.080
CUTOFF_HZ = 60.0
_STEP_S = 1 / 4000
_MARGIN_S = 0.1  # around the window: the filter's response is below 1e-6 there
PULSE_TOP = 0.195  # where a pulse is highest, in periods of its ringing
_PULSE_DECAY, _PULSE_RISE, _PULSE_LENGTH = 0.375, 0.05, 2.25  # in periods of its ringing


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueShock:
    """One running contact: peaks of the specific force (gravity in) in the 80 ms after the true contact.

    `axial_mps2` and `resultant_mps2` after the 60 Hz zero-lag low-pass; `raw_mps2` is the largest value of any axis of
    the shank before it, within the window and the filter's reach: a pod aligned with the shank clips above its range.
    """

    strike_s: float
    axial_mps2: float
    resultant_mps2: float
    raw_mps2: float


def pulse(tau_s: FloatArray, hertz: float) -> FloatArray:
    """The tibia's answer to a contact: zero and flat at tau = 0, a peak after about a quarter of the ringing's period,
    then damped ringing at `hertz` for 2.25 periods."""
    periods = np.clip(tau_s * hertz, 0.0, _PULSE_LENGTH)
    ring = np.sin(2 * np.pi * periods) * np.exp(-periods / _PULSE_DECAY)
    return np.where(tau_s * hertz < _PULSE_LENGTH, ring * (1 - np.exp(-periods / _PULSE_RISE)), 0.0)


def low_passed(x: FloatArray, step_s: float = 0.001) -> FloatArray:
    """Values (n, ...) every `step_s`, with the gain of a second-order 60 Hz Butterworth run both ways (periodic)."""
    hertz = np.fft.rfftfreq(len(x), step_s)
    gain = 1 / (1 + (hertz / CUTOFF_HZ) ** 4)
    return np.fft.irfft(np.fft.rfft(x, axis=0) * gain.reshape(-1, *[1] * (x.ndim - 1)), len(x), axis=0)


def true_shock(strike_s: float, shank: Callable[[FloatArray], FloatArray]) -> TrueShock:
    """The shock at a contact, from the shank's signals (n, 6) at any times, at 4 kHz.

    The transform's period joins end to begin: a straight line between them is taken off first and put back after, which
    no symmetric low-pass changes.
    """
    t_s = np.arange(strike_s - _MARGIN_S, strike_s + WINDOW_S + _MARGIN_S, _STEP_S)
    force = shank(t_s)[:, :3]
    line = force[0] + np.linspace(0.0, 1.0, len(t_s))[:, None] * (force[-1] - force[0])
    smooth = low_passed(force - line, _STEP_S) + line
    inside = (t_s >= strike_s) & (t_s <= strike_s + WINDOW_S)
    return TrueShock(
        strike_s=strike_s,
        axial_mps2=float(smooth[inside, 1].max()),
        resultant_mps2=float(np.linalg.norm(smooth[inside], axis=1).max()),
        raw_mps2=float(np.abs(force).max()),
    )
