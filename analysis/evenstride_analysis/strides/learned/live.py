"""A stance from the samples up to a moment: the contact by its network, toe-off by the networks that look least ahead.

Positions are in samples after column `base` of the buffer, so that their bits do not depend on where the buffer begins.
Nothing reads a sample at or after `stop`.
"""

import math

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import combine, smooth
from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.candidates import RUN_SWING_PEAK_RADPS, ZERO_CROSSING_LIMIT_S
from evenstride_analysis.strides.learned.estimator import (
    COARSE_STEPS,
    CONTACT_STEPS,
    OPENING_TO_CONTACT_S,
    TOE_OFF_STEPS,
)
from evenstride_analysis.strides.learned.nets import NEAR, SETTLED, Net, settle, step_of, unpacked
from evenstride_analysis.strides.learned.windows import GRID_S, SPACING, on_grid

WALK_STEPS = COARSE_STEPS + TOE_OFF_STEPS  # that a walk to toe-off may take; the last ones by the fine network
_AHEAD_S = 0.006  # so far before a guess the nets may be asked instead: a window like those that they were taught with
_BEHIND_S = 0.060  # how far back a walk may go before its window is moved to the grid's start


@compiled
def grid_until(
    rows: FloatArray, base: int, first: int, stop: int, frame: FloatArray, kernel: FloatArray, step: float
) -> FloatArray:
    """(n, 3): forward and upward specific force and flexion rate of samples [first, stop), smoothed, every `step`.

    `rows` are the raw samples in sensor axes, `frame` (9,) turns them. Grid position 0 lies on sample first + half + 1,
    `kernel` (2 half + 1,); the grid ends with the last sample whose smoothing is whole.
    """
    half = (len(kernel) - 1) // 2
    n = stop - first - 2 * half
    count = int((n - 2) / step) + 1
    low, high = base + first, base + stop
    grid = np.empty((count, 3))
    turned, smoothed = np.empty(stop - first), np.empty(n + 1)
    for row in range(3):
        at = 0 if row < 2 else 3
        x, y, z = rows[at, low:high], rows[at + 1, low:high], rows[at + 2, low:high]
        combine(turned, frame[3 * row], x, frame[3 * row + 1], y, frame[3 * row + 2], z)
        smoothed[:n] = smooth(turned, kernel, 1)
        # One more sample on the cubic of the last four, so that positions up to the last one can be read.
        smoothed[n] = 4.0 * (smoothed[n - 1] + smoothed[n - 3]) - 6.0 * smoothed[n - 2] - smoothed[n - 4]
        grid[:, row] = on_grid(smoothed, 1.0, step, count)
    return grid


@compiled
def contact_until(
    rows: FloatArray,
    base: int,
    first: int,
    last_swing: int,
    stop: int,
    frame: FloatArray,
    kernel: FloatArray,
    rate_hz: float,
    weights: FloatArray,
) -> tuple[float, float]:
    """(contact, where the samples must reach for it). The mid-swing lies between samples `first` and `last_swing`.

    Contact is -1 where no swing of a run is there, or no zero crossing after it. An answer that needs more than `stop`
    is none yet.
    """
    step = GRID_S * rate_hz
    half = (len(kernel) - 1) // 2
    origin = first + half + 1
    grid = grid_until(rows, base, first, stop, frame, kernel, step)
    flexion = grid[:, 2]
    swing = int(np.argmax(flexion[: int((last_swing - origin) / step)]))
    if flexion[swing] <= RUN_SWING_PEAK_RADPS:
        return -1.0, 0.0
    tail = flexion[swing : swing + int(ZERO_CROSSING_LIMIT_S / GRID_S)]
    below = int(np.argmax(tail < 0.0))
    if below == 0:
        return -1.0, 0.0
    opening = swing + below - 1 + tail[below - 1] / (tail[below - 1] - tail[below])
    net, _ = unpacked(weights, 0)
    at = settle(grid, opening + OPENING_TO_CONTACT_S / GRID_S, net, CONTACT_STEPS, SETTLED)
    contact = origin + at * step
    return contact, needed(contact, net, half, step)


@compiled
def needed(at: float, net: Net, half: int, step: float) -> float:
    """How far the samples must reach before the net can be asked at `at`."""
    return math.ceil(at + span(net) * step) + half + 1.0


@compiled
def span(net: Net) -> float:
    """How far behind a guess the net's window ends, grid steps; one more where it lies between grid positions."""
    return float(net.start[0]) + (net.first.shape[0] // 3 - 1) * SPACING + 1.0


@compiled
def toe_off_until(
    rows: FloatArray,
    base: int,
    at: float,
    left: int,
    stop: int,
    frame: FloatArray,
    kernel: FloatArray,
    rate_hz: float,
    weights: FloatArray,
) -> tuple[float, int, float]:
    """One stretch of the walk to toe-off, from the guess `at` with `left` steps left, as far as the samples reach.

    (guess, steps left, how far the samples must reach for the next one); with no steps left the walk is over.
    """
    step = GRID_S * rate_hz
    half = (len(kernel) - 1) // 2
    _, following = unpacked(weights, 0)
    coarse, following = unpacked(weights, following)
    fine, _ = unpacked(weights, following)
    ahead = _AHEAD_S * rate_hz
    if needed(at - ahead, coarse, half, step) > stop:
        return at, left, needed(at - ahead, coarse, half, step)
    reach = min(at, stop - half - 1.0 - span(coarse) * step)
    first = int(reach + coarse.start[0] * step - _BEHIND_S * rate_hz) - half - 2
    origin = first + half + 1
    grid = grid_until(rows, base, first, stop, frame, kernel, step)
    while left > 0:
        net = coarse if left > TOE_OFF_STEPS else fine
        reach = stop - half - 1.0 - span(net) * step
        if at - ahead > reach:
            return at, left, needed(at - ahead, net, half, step)
        asked = min(at, reach)
        move = step_of(grid, (asked - origin) / step, net)
        beyond = at > reach and move > 0.0  # the event lies where the samples do not reach
        at = asked + move * step
        if beyond:
            return at, left, needed(at - ahead, net, half, step)
        left -= 1
        if left >= TOE_OFF_STEPS:
            if abs(move) < NEAR:
                left = TOE_OFF_STEPS
        elif abs(move) < SETTLED:
            left = 0
    return at, 0, 0.0
