"""A network that looks at a window around a guess and says how much later the event is; and the walk that asks it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evenstride_analysis.compiled import COMPILES, compiled
from evenstride_analysis.filters import weighted_rows
from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.windows import GRID_S, read_window

STEP_LIMIT = 0.025 / GRID_S  # the largest single correction
SETTLED = 5e-5 / GRID_S  # a smaller step ends the walk
NEAR = 2e-3 / GRID_S  # near enough for the next network to take over
_SELF_SHIFTS = (-6.0, -3.0, 3.0, 6.0)  # grid steps: 7.5 and 15 ms either way


class Net(NamedTuple):
    """One hidden layer of rectifiers. Inputs: the signals (SI) every 15 ms from `start` on, time by time, x, y, z.

    start (1,): grid steps from the guess to the window's first value. first (3 times, h), first_bias (h,), second (h,),
    second_bias (1,). The answer: grid steps of 2.5 ms from the guess to the event.
    """

    start: FloatArray
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


def packed(nets: Sequence[Net], *, others: Sequence[float] = ()) -> FloatArray:
    """All weights in one array, which costs a compiled function one argument instead of 25; `others` stand at its end.

    For each net (n inputs, h): where its next part starts, n, h; then start, first, first_bias, second, second_bias.
    """
    numbers: list[float] = []
    for net in nets:
        n, h = net.first.shape
        numbers += [float(len(numbers) + 3 + 1 + n * h + 2 * h + 1), float(n), float(h)]
        for part in net:
            numbers += [float(number) for number in part.reshape(-1)]
    array = np.array([*numbers, *others])
    array.setflags(write=False)
    return array


@compiled
def unpacked(weights: FloatArray, at: int) -> tuple[Net, int]:
    """The net whose numbers begin at `at` of a packed array, and where the next one begins."""
    following, n, h = int(weights[at]), int(weights[at + 1]), int(weights[at + 2])
    at += 3
    first = at + 1
    bias = first + n * h
    second = bias + h
    net = Net(
        weights[at:first],
        weights[first:bias].reshape((n, h)),
        weights[bias:second],
        weights[second : second + h],
        weights[second + h : following],
    )
    return net, following


class Guess(NamedTuple):
    """Where the search for a stance begins, in grid steps: the gyro's zero crossings before this contact and the next,
    and the time between the mid-swings.
    """

    opening: float
    following: float
    stride: float


@compiled
def step_of(grid: FloatArray, at: float, net: Net) -> float:
    """How much later than `at` the event is, grid steps, at most 25 ms either way."""
    inputs = net.first.shape[0]
    window = read_window(grid, at + net.start[0], inputs // 3)
    hidden = weighted_rows(net.first, window.reshape(inputs))
    if COMPILES:
        answer = net.second[0] * max(hidden[0] + net.first_bias[0], 0.0)
        for k in range(1, len(hidden)):
            answer += net.second[k] * max(hidden[k] + net.first_bias[k], 0.0)
    else:
        answer = float(np.add.accumulate(net.second * np.maximum(hidden + net.first_bias, 0.0))[-1])
    return min(max(answer + net.second_bias[0], -STEP_LIMIT), STEP_LIMIT)


@compiled
def settle(grid: FloatArray, at: float, net: Net, most: int, settled: float) -> float:
    """Where the guess `at` comes to rest: after a step below `settled`, or after `most` steps."""
    for _ in range(most):
        step = step_of(grid, at, net)
        at += step
        if abs(step) < settled:
            break
    return at


@compiled
def self_check(grid: FloatArray, at: float, net: Net) -> float:
    """How badly the answer follows when the window is moved by 7.5 and 15 ms either way (rms, grid steps)."""
    total = 0.0
    for shift in _SELF_SHIFTS:
        off = step_of(grid, at + shift, net) + shift
        total += off * off
    return math.sqrt(total / len(_SELF_SHIFTS))
