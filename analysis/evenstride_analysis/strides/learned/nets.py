"""A network that looks at a window around a guess and says how much later the event is; and the walk that asks it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import weighted_rows
from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.windows import read_off

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


def packed(nets: EventNets, *, others: Sequence[float] = ()) -> FloatArray:
    """All weights in one array, which costs a compiled function one argument instead of 25; `others` stand at its end.

    For each net (k, h): where its next part starts, k, h; then offsets_s, first, first_bias, second, second_bias.
    """
    numbers: list[float] = []
    for net in nets:
        k, h = len(net.offsets_s), len(net.second)
        numbers += [float(len(numbers) + 3 + k + 3 * k * h + 2 * h + 1), float(k), float(h)]
        for part in net:
            numbers += [float(number) for number in part.reshape(-1)]
    array = np.array([*numbers, *others])
    array.setflags(write=False)
    return array


@compiled
def unpacked(weights: FloatArray, at: int) -> tuple[Net, int]:
    """The net whose numbers begin at `at` of a packed array, and where the next one begins."""
    following, k, h = int(weights[at]), int(weights[at + 1]), int(weights[at + 2])
    at += 3
    first = at + k
    bias = first + 3 * k * h
    second = bias + h
    net = Net(
        weights[at:first],
        weights[first:bias].reshape((3 * k, h)),
        weights[bias:second],
        weights[second : second + h],
        weights[second + h : following],
    )
    return net, following


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
    hidden = np.maximum(weighted_rows(net.first, window.reshape(window.size)) + net.first_bias, 0.0)
    answer = weighted_rows(net.second.reshape((len(hidden), 1)), hidden)[0] + net.second_bias[0]
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
