"""A network that looks at a window around a guess and says how much later the event is; and the walk that asks it."""

import math
from typing import NamedTuple

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.windows import column_sums, read_off

STEP_LIMIT_S = 0.025  # the largest single correction
SETTLED_S = 5e-5  # a smaller step ends the walk
_SELF_SHIFTS_S = (-0.016, -0.008, 0.008, 0.016)


class Net(NamedTuple):
    """One hidden layer of rectifiers. Inputs: the signals at a guess + offsets_s (k,), time by time, x, y, z in SI.

    first (3 k, h), first_bias (h,), second (h,), second_bias (1,). The answer is seconds until the event.
    """

    offsets_s: FloatArray
    first: FloatArray
    first_bias: FloatArray
    second: FloatArray
    second_bias: FloatArray


class EventNets(NamedTuple):
    """The networks that time a stance, and the two that look at other stretches of the signal."""

    contact: Net
    toe_off_coarse: Net
    toe_off: Net
    contact_check: Net
    toe_off_check: Net


class Guess(NamedTuple):
    """Where the search for a stance begins: the gyro's zero crossings before this contact and the next, positions;
    `stride` samples lie between the mid-swings.
    """

    opening: float
    following: float
    stride: float


@compiled
def step_s(signals: FloatArray, at: float, rate_hz: float, net: Net) -> float:
    """How much later than the position `at` the event is, s, at most 25 ms either way."""
    window = read_off(signals, at + net.offsets_s * rate_hz)
    hidden = column_sums(net.first * window.reshape((window.size, 1)))
    out = np.maximum(hidden + net.first_bias, 0.0) * net.second
    answer = column_sums(out.reshape((out.size, 1)))[0] + net.second_bias[0]
    return min(max(answer, -STEP_LIMIT_S), STEP_LIMIT_S)


@compiled
def settle(signals: FloatArray, at: float, rate_hz: float, net: Net, most: int) -> float:
    """Where the guess `at` comes to rest, after `most` steps at the latest."""
    for _ in range(most):
        step = step_s(signals, at, rate_hz, net)
        at += step * rate_hz
        if abs(step) < SETTLED_S:
            break
    return at


@compiled
def self_check_s(signals: FloatArray, at: float, rate_hz: float, net: Net) -> float:
    """How badly the answer follows when the window is moved by 8 and 16 ms either way (rms, s)."""
    total = 0.0
    for shift in _SELF_SHIFTS_S:
        off = step_s(signals, at + shift * rate_hz, rate_hz, net) + shift
        total += off * off
    return math.sqrt(total / len(_SELF_SHIFTS_S))
