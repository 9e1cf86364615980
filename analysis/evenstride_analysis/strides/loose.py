"""A loose pod in one stride: it goes on swinging on the leg when the shock of the contact is over."""

import json
import math
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.errors import InputError
from evenstride_analysis.filters import weighted_rows
from evenstride_analysis.model import FloatArray

FREQUENCIES_HZ = (9.0, 14.0, 20.0, 28.0)
CHANNELS = (1, 5)  # of a window (6, n): acceleration along the shin, turning about z; skin shakes the others
FLOORS = (0.1, 0.001)  # (m/s2)^2 and (rad/s)^2: below them a sensor's own noise would speak
NOT_TOLD = -1e6
_AFTER_CONTACT_S, _LASTS_S = 19 / 300, 13 / 150  # 9.5 samples and 13 intervals at 150 Hz, where it was taught
_SHORTEST_STANCE_S = 0.150  # the foot must not leave the ground while one listens


class LooseTable(NamedTuple):
    """`weights` (9,): four frequencies of each channel in turn, then the constant; positive sums are loose."""

    weights: FloatArray
    source: str


def is_loose(accel_mps2: FloatArray, gyro_radps: FloatArray, contact: float, toe_off: float, rate_hz: float) -> bool:
    """Whether the pod still rings in mid-stance of this running stride. accel_mps2, gyro_radps (n, 3) in shank axes.

    A strap and the pod's mass are a spring that the shock of the contact sets swinging, and a low-pass for what is
    faster than the spring; a shank that stands on the ground turns slowly. Measured: the power at 9, 14, 20 and 28 Hz
    from 60 to 147 ms after contact (Hann window, the straight line taken out), along the shin and of the turning about
    z; their logarithms are weighed by a logistic regression. It was taught on the 18 runners of RBDS with a strap
    planted (10-25 Hz, damping 0.1-0.2 of critical) and without; not loose are also a tight strap (40-50 Hz), noise and
    a mounting 15-20 degrees off. Transverse accelerations are left out: skin under a tight strap shakes them as a loose
    strap does (JDX). The constant leaves 0.2 % false alarms on runners left out.

    What is found, and what a strap that is not found does to stance: docs/decisions/0019-loose-pods.md. A stance under
    150 ms is never loose. Not validated: real straps; a pod that slides without rocking.
    """
    return looseness(accel_mps2, gyro_radps, contact, toe_off, rate_hz) > 0.0


def looseness(accel_mps2: FloatArray, gyro_radps: FloatArray, contact: float, toe_off: float, rate_hz: float) -> float:
    """How loose, as the logarithm of odds; NOT_TOLD where stance is too short or the window leaves the arrays."""
    window = np.ascontiguousarray(np.hstack([accel_mps2, gyro_radps]).T)
    return looseness_of(window, contact, toe_off, rate_hz, waves(rate_hz), DEFAULT_LOOSE.weights)


@cache
def waves(rate_hz: float) -> FloatArray:
    """(n, 8): a cosine and a sine of each frequency over 87 ms, blind to any straight line, of unit length."""
    n = round(_LASTS_S * rate_hz) - 1  # the Hann window is zero at its ends
    at = np.arange(n) - (n - 1) / 2
    hann = np.hanning(n + 2)[1:-1]
    line = np.stack([np.ones(n), at / n], axis=1)
    moments = line.T @ (line * hann[:, np.newaxis])
    columns: list[FloatArray] = []
    for hertz in FREQUENCIES_HZ:
        for wave in (np.cos(2 * np.pi * hertz / rate_hz * at), np.sin(2 * np.pi * hertz / rate_hz * at)):
            own = wave * hann
            own = own - hann * (line @ np.linalg.solve(moments, line.T @ own))
            columns.append(own / np.linalg.norm(own))
    table = np.ascontiguousarray(np.stack(columns, axis=1))
    table.setflags(write=False)
    return table


@compiled
def looseness_of(
    window: FloatArray, contact: float, toe_off: float, rate_hz: float, waves: FloatArray, weights: FloatArray
) -> float:
    """`looseness` of a window (6, n): accelerations x, y, z, turn rates x, y, z."""
    first = first_sample(contact, rate_hz)
    if toe_off - contact < _SHORTEST_STANCE_S * rate_hz or first < 0 or first + len(waves) > window.shape[1]:
        return NOT_TOLD
    powers = log_powers(window[:, first : first + len(waves)], waves)
    score = weights[len(powers)]
    for k in range(len(powers)):
        score += weights[k] * powers[k]
    return score


@compiled
def first_sample(contact: float, rate_hz: float) -> int:
    """Where the stretch that is looked at begins."""
    return math.floor(contact + _AFTER_CONTACT_S * rate_hz + 0.5)


@compiled
def log_powers(stretch: FloatArray, waves: FloatArray) -> FloatArray:
    """(8,) what is weighed, of a stretch (6, n): logarithms of mean squares, frequency by frequency of each channel."""
    each = len(FREQUENCIES_HZ)
    out = np.empty(len(CHANNELS) * each)
    for k in range(len(CHANNELS)):
        seen = weighted_rows(waves, stretch[CHANNELS[k]])
        for f in range(each):
            power = (seen[2 * f] * seen[2 * f] + seen[2 * f + 1] * seen[2 * f + 1]) / len(waves)
            out[each * k + f] = math.log(power + FLOORS[k])
    return out


def load_loose(text: str) -> LooseTable:
    """A table from its JSON text. Raises InputError that names what is wrong."""
    try:
        table = json.loads(text)
        weights = np.array([float(value) for row in table["weights"] for value in row] + [float(table["constant"])])
        found = LooseTable(weights=weights, source=str(table["source"]))
    except json.JSONDecodeError as error:
        raise InputError(f"table of loose pods: not JSON ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"table of loose pods: {error} is missing or of the wrong type") from error
    if len(weights) != len(CHANNELS) * len(FREQUENCIES_HZ) + 1 or not bool(np.isfinite(weights).all()):
        raise InputError("table of loose pods: four weights for each of two channels were expected, all finite")
    found.weights.setflags(write=False)
    return found


DEFAULT_LOOSE = load_loose((resources.files("evenstride_analysis.strides") / "loose_1.json").read_text("utf-8"))
