"""Straight or bend, stride by stride, from how far each shank turns about the vertical.

A stride turns by (bias + true turning rate) times its duration, and by the difference of two foot placements: the shank
does not point the same way at every contact (SD 1.5 degrees, RBDS), so neighbouring strides of a leg err in opposite
directions and only sums over strides tell a bend (3 degrees a stride). The gyro's bias is as large as a third of that.

Method: (1) both legs turn alike, so their mean difference is the difference of their biases; (2) what both share is
looked for where the smoothed rates best fit three levels (straight, left, right bend at the runner's estimated speed on
a 36.8 m radius, times one common factor for lane and speed error) with a prior for a small bias; (3) the likeliest
sequence of levels with a price for every change (Viterbi); (4) the bias of each leg again, from the strides found
straight, minute by minute; on a closed track its mean is what makes the turn from one bend to the same bend a lap later
a whole number of half turns; (3) and (4) twice; (5) each boundary where the cumulated turn of both legs bends.
A bend is what turns at half the rate of the inner lane or more, whatever its radius; a stride belongs to what holds at
its middle. Half of the inner lane's rate must be more than the bias: 2 deg/s is looked for at most.

Not validated: real pods on a real track; trails, where neither straight nor bend may hold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenstride_analysis.context.speed import WALK_MPS, estimate
from evenstride_analysis.model import FloatArray, Gait, IntArray, Side, Step

RADIUS_M = 36.8
STRAIGHT, LEFT, RIGHT = 0, 1, -1
_LEVELS = (STRAIGHT, LEFT, RIGHT)
_STEP_SD_RAD = 0.037  # of a stride's turn on a treadmill, median over 53 RBDS runs (two placements of 0.026 rad)
_BIAS_SD_RADPS = 0.013  # 0.75 deg/s: an IMU whose bias was taken off once and has wandered
_WIDEST_BIAS_RADPS = 0.035
_SMOOTH = 8  # steps, four of each leg
_RATE_SD_RADPS = 0.014  # of a rate smoothed so: half of it placement, the rest speed and lane
_CHANGE_PRICE = 6.0  # -log of one change in some 400 steps
_CAP = 4.5  # a single odd stride counts as three SDs at most
_BIAS_WINDOW_S = 90.0
_REACH_S = 6.0  # what is looked at on either side of a boundary
_SEARCH_S = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time (session seconds) of one level: 0 straight, +1 bend to the left, -1 to the right. `turn_rad` is
    free of bias, the mean of both legs."""

    level: int
    start_s: float
    end_s: float
    turn_rad: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turning:
    """`levels` (n,) of every step given (straight where nothing was measured nearby), and the stretches in order."""

    levels: IntArray
    stretches: tuple[Stretch, ...]
    bias_radps: dict[Side, float]
    measured: npt.NDArray[np.bool_]  # (n,) whether a heading lies within two seconds


@dataclass(slots=True, kw_only=True, eq=False)
class _Series:
    """The steps with a heading, in order of strike."""

    t_s: FloatArray
    period_s: FloatArray
    rate: FloatArray  # as measured
    left: npt.NDArray[np.bool_]
    level_radps: FloatArray  # what a bend of the inner lane would turn
    bias: FloatArray

    @property
    def middle_s(self) -> FloatArray:
        return self.t_s + 0.5 * self.period_s


def speed_series(steps: Sequence[Step]) -> FloatArray:
    """Estimated speed (n,) of every step, smoothed over nine of them; walking counts as 1.3 m/s."""
    stance = np.array([step.stride.stance_s for step in steps])
    swing = np.array([step.stride.swing_peak_radps for step in steps])
    raw = np.where([step.gait is Gait.RUN for step in steps], estimate(stance, swing), WALK_MPS)
    return smooth(raw, 9)


def smooth(values: FloatArray, n: int) -> FloatArray:
    """Centred mean (same length) over n values, fewer at the ends."""
    if len(values) == 0:
        return values
    sums = np.concatenate(([0.0], np.cumsum(values)))
    index = np.arange(len(values))
    low, high = np.maximum(index - n // 2, 0), np.minimum(index - n // 2 + n, len(values))
    return (sums[high] - sums[low]) / (high - low)


def find_turns(steps: Sequence[Step]) -> Turning:
    """Levels of all `steps` (in order of strike)."""
    speeds = speed_series(steps)
    known = np.array([step.stride.heading_rad is not None for step in steps], dtype=bool)
    levels = np.zeros(len(steps), dtype=np.int64)
    if known.sum() < 4:
        return Turning(levels=levels, stretches=(), bias_radps={}, measured=np.zeros(len(steps), dtype=bool))
    used = [step for step in steps if step.stride.heading_rad is not None]
    period = np.array([step.stride.stride_s for step in used])
    series = _Series(
        t_s=np.array([step.t_s for step in used]),
        period_s=period,
        rate=np.array([step.stride.heading_rad or 0.0 for step in used]) / period,
        left=np.array([step.side is Side.LEFT for step in used]),
        level_radps=speeds[known] / RADIUS_M,
        bias=np.zeros(len(used)),
    )
    factor = _first_bias(series)
    series.level_radps *= factor
    path = _likeliest(series)
    for _ in range(2):
        _new_bias(series, path)
        path = _likeliest(series)
    edges = _edges(series, path)
    stretches = _stretches(series, edges)
    middle = np.array([step.t_s + 0.5 * step.stride.stride_s for step in steps])
    starts = np.array([stretch.start_s for stretch in stretches])
    where = np.clip(np.searchsorted(starts, middle, side="right") - 1, 0, len(stretches) - 1)
    levels = np.array([stretch.level for stretch in stretches], dtype=np.int64)[where]
    nearest = np.searchsorted(series.t_s, middle).clip(1, len(used) - 1)
    gap_s = np.minimum(np.abs(series.t_s[nearest] - middle), np.abs(series.t_s[nearest - 1] - middle))
    return Turning(
        levels=levels,
        stretches=tuple(stretches),
        bias_radps={
            side: float(series.bias[mask].mean())
            for side, mask in ((Side.LEFT, series.left), (Side.RIGHT, ~series.left))
            if mask.any()
        },
        measured=gap_s <= 2.0,
    )


def _first_bias(series: _Series) -> float:
    """Set both legs' constant biases; return the factor on the bends' level that goes with them."""
    left, rate = series.left, series.rate
    difference = float(rate[left].mean() - rate[~left].mean()) if left.any() and not left.all() else 0.0
    half = np.where(left, 0.5, -0.5) * difference
    smoothed = smooth(rate - half, _SMOOTH)
    best = (math.inf, 0.0, 1.0)
    shared_sd = _BIAS_SD_RADPS / math.sqrt(2.0)
    independent = 2 * _SMOOTH  # the smoothed rates are no independent witnesses
    for bias in np.linspace(-_WIDEST_BIAS_RADPS, _WIDEST_BIAS_RADPS, 29).tolist():
        residual = smoothed - bias
        for factor in (0.75, 0.85, 0.95, 1.05, 1.15, 1.3):
            bend = np.abs(np.abs(residual) - factor * series.level_radps)
            off = np.minimum(np.abs(residual), bend) / _RATE_SD_RADPS
            cost = float(np.minimum(0.5 * off * off, _CAP).sum()) / independent
            cost += 0.5 * (bias / shared_sd) ** 2 + 0.5 * (math.log(factor) / 0.15) ** 2
            best = min(best, (cost, bias, factor))
    series.bias = half + best[1]
    return best[2]


def _likeliest(series: _Series) -> IntArray:
    """The sequence of levels (n,) that fits the turns best, every change at its price."""
    turn = (series.rate - series.bias) * series.period_s
    bend = series.level_radps * series.period_s
    off = np.column_stack([turn, np.minimum(turn - bend, 0.0), np.maximum(turn + bend, 0.0)]) / _STEP_SD_RAD
    cost = np.minimum(0.5 * off * off, _CAP)
    back = np.zeros((len(turn), 3), dtype=np.int64)
    total: list[float] = cost[0].tolist()
    for k, now in enumerate(cost[1:].tolist(), start=1):
        cheapest = min(range(3), key=total.__getitem__)
        change = total[cheapest] + _CHANGE_PRICE
        row = [s if total[s] <= change else cheapest for s in range(3)]
        back[k] = row
        total = [total[s] + c if row[s] == s else change + c for s, c in enumerate(now)]
    state = min(range(3), key=total.__getitem__)
    path = np.zeros(len(turn), dtype=np.int64)
    for k in range(len(turn) - 1, -1, -1):
        path[k] = _LEVELS[state]
        state = int(back[k, state])
    return path


def _new_bias(series: _Series, path: IntArray) -> None:
    """Each leg's bias from the strides found straight, over 90 s on either side; its mean from the closed track."""
    weight_of_prior = (_STEP_SD_RAD / _BIAS_SD_RADPS) ** 2  # in units of squared seconds
    for mask in (series.left, ~series.left):
        straight = mask & (path == STRAIGHT)
        if not straight.any():
            continue
        t, period, rate = series.t_s[straight], series.period_s[straight], series.rate[straight]
        overall = float((rate * period).sum() / (period.sum() + weight_of_prior))
        time = np.concatenate(([0.0], np.cumsum(period)))
        turned = np.concatenate(([0.0], np.cumsum((rate - overall) * period)))
        low = np.searchsorted(t, series.t_s[mask] - _BIAS_WINDOW_S)
        high = np.searchsorted(t, series.t_s[mask] + _BIAS_WINDOW_S)
        local = (turned[high] - turned[low]) / (time[high] - time[low] + 20.0)
        series.bias[mask] = overall + local
        closed = _closed_track(series, path, mask)
        if closed is not None:
            series.bias[mask] += closed


def _closed_track(series: _Series, path: IntArray, mask: npt.NDArray[np.bool_]) -> float | None:
    """What must be added to a leg's bias so that from one straight to the last straight it made whole half turns.

    None where it did not run through two bends, or where the correction would be no small one.
    """
    straight = np.flatnonzero(mask & (path == STRAIGHT))
    if not len(straight) or not (path[straight[0] : straight[-1]] != STRAIGHT).any():
        return None
    first, last = int(straight[0]), int(straight[-1])
    inside = mask.copy()
    inside[:first] = inside[last + 1 :] = False
    turn = float(((series.rate - series.bias) * series.period_s)[inside].sum())
    halves = round(turn / math.pi)
    missing = turn - halves * math.pi
    spent_s = float(series.period_s[inside].sum())
    if abs(halves) < 2 or abs(missing) > 0.15 * math.pi * math.sqrt(abs(halves)):
        return None
    return missing / spent_s


def _edges(series: _Series, path: IntArray) -> list[tuple[float, int]]:
    """(start, level) of every stretch; the boundaries between straight and bend where the cumulated turn bends."""
    at = np.flatnonzero(np.diff(path)) + 1
    edges = [(float(series.t_s[0]), int(path[0]))]
    rough = [float(0.5 * (series.middle_s[k - 1] + series.middle_s[k])) for k in at]
    for n, (k, guess_s) in enumerate(zip(at.tolist(), rough, strict=True)):
        t_s = guess_s
        before, after = int(path[k - 1]), int(path[k])
        from_s = max(t_s - _REACH_S, rough[n - 1] if n else -math.inf)
        to_s = min(t_s + _REACH_S, rough[n + 1] if n + 1 < len(rough) else math.inf)
        if STRAIGHT in (before, after):
            end = int(at[n + 1]) if n + 1 < len(at) else len(path)
            begin = int(at[n - 1]) if n else 0
            bend = slice(k, end) if after != STRAIGHT else slice(begin, k)
            t_s = _boundary(series, t_s, (from_s, to_s), _rate(series, bend), enters=after != STRAIGHT)
        edges.append((max(t_s, edges[-1][0] + 1e-3), after))
    return edges


def _rate(series: _Series, bend: slice) -> float:
    """Turning rate of a bend, free of bias, from its inner strides."""
    margin = min(4, (bend.stop - bend.start) // 4)
    inner = slice(bend.start + margin, bend.stop - margin)
    period = series.period_s[inner]
    return float(((series.rate - series.bias)[inner] * period).sum() / period.sum())


def _boundary(series: _Series, rough_s: float, span_s: tuple[float, float], rate: float, *, enters: bool) -> float:
    """Where the straight line of the cumulated turn and the sloping one meet, least squares over both legs."""
    grid = np.arange(max(rough_s - _SEARCH_S, span_s[0]), min(rough_s + _SEARCH_S, span_s[1]) + 1e-9, 0.05)
    if not len(grid):
        return rough_s
    cost = np.zeros(len(grid))
    near = (series.t_s >= span_s[0]) & (series.t_s + series.period_s <= span_s[1] + series.period_s)
    for mask in (series.left & near, ~series.left & near):
        if mask.sum() < 3:
            continue
        start, period = series.t_s[mask], series.period_s[mask]
        turn = (series.rate - series.bias)[mask] * period
        share = np.clip((start + period - grid[:, np.newaxis]) / period, 0.0, 1.0)  # (grid, strides) after it
        expected = rate * period * (share if enters else 1.0 - share)
        left_over = np.cumsum(turn - expected, axis=1)
        cost += ((left_over - left_over.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return float(grid[int(cost.argmin())])


def _stretches(series: _Series, edges: Sequence[tuple[float, int]]) -> list[Stretch]:
    last_s = float((series.t_s + series.period_s).max())
    ends = [start_s for start_s, _ in edges[1:]] + [last_s]
    turn = (series.rate - series.bias) * series.period_s
    middle = series.middle_s
    found: list[Stretch] = []
    for (start_s, level), end_s in zip(edges, ends, strict=True):
        inside = (middle >= start_s) & (middle < end_s)
        both = series.left[inside].any() and not series.left[inside].all()
        found.append(
            Stretch(
                level=level,
                start_s=start_s,
                end_s=end_s,
                turn_rad=float(turn[inside].sum()) / (2.0 if both else 1.0),
            )
        )
    return found
