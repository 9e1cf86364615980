"""Pod time to host time, with an honest bound: event-anchored two-way synchronisation (docs/clocks.md)."""

import math
import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, replace
from statistics import fmean

from evenstride_analysis.model import ClockFit

WINDOW_S = 120.0  # pairs older than this say more about temperature than about now
MAX_PAIRS = 512
GOOD_PAIRS = 20  # below this the bound is one connection interval
FLOOR_S = 0.001  # the smallest bound ever claimed: host latency and the pod's own stamp are inside it
BEST_FRACTION = 0.1
SKEW_LIMIT_PPM = 100.0  # what a pair of crystals may differ by; ours are specified at 20-40 ppm
SKEW_SPAN_S = 10.0  # over shorter spans jitter says more than skew does: the line is pulled towards 0 ppm
NOISE_FLOOR_S = 0.0002
BLOCK_S = 12.0
MIN_BLOCKS, MAX_BLOCKS = 4, 10
BOUND_GRAIN_S = 0.0001  # bounds are rounded up to this, so that a fit does not change with every pong
STEP_S = 0.0002  # a fit that moved by less keeps its version
INTERVAL_RANGE_S = (0.0075, 4.0)  # Bluetooth Core 5.4, Vol 6 Part B, 4.5.1
STAMP_LATE_S = 0.0005  # a pod may stamp its tick this long after its radio event

FAST_PINGS_S = 10.0
FAST_PERIOD_S = 1 / 7
SLOW_PERIOD_S = 2.0
DITHER_S = 0.05  # one longest useful interval: pings must not keep step with the connection events


def ping_delay_s(since_connect_s: float, rng: random.Random) -> float:
    """Seconds until the next ping: 7 a second for 10 s after a connect, then one every 2 s, each with dither.

    Without dither a period that is a multiple of the interval would always wait the same part of it (ble.md 8).
    """
    period_s = FAST_PERIOD_S if since_connect_s < FAST_PINGS_S else SLOW_PERIOD_S
    return period_s + (rng.random() - 0.5) * min(DITHER_S, period_s)


class PingBook:
    """The pings of one pod that are still under way: `sent(now)` gives an id, `taken(id)` its time of sending, once."""

    def __init__(self, *, capacity: int = 64, id_limit: int = 1 << 16) -> None:
        self._under_way: dict[int, float] = {}
        self._capacity = capacity
        self._id_limit = id_limit
        self._next = 0

    def sent(self, now_s: float) -> int:
        """Note a ping that leaves at `now_s`; the oldest unanswered one is forgotten when there are too many."""
        ping_id = self._next
        self._next = (self._next + 1) % self._id_limit
        while len(self._under_way) >= self._capacity:
            del self._under_way[next(iter(self._under_way))]
        self._under_way[ping_id] = now_s
        return ping_id

    def taken(self, ping_id: int) -> float | None:
        """The time at which `ping_id` left; None when it is unknown, forgotten or already answered."""
        return self._under_way.pop(ping_id, None)


@dataclass(frozen=True, slots=True)
class _Pair:
    tick_s: float
    sent_s: float
    heard_s: float  # arrival less one connection interval: never earlier than the pod's stamp


class ClockEstimator:
    """One pod's clock against the host's monotonic clock. Pure: time comes in with the pongs.

    Every pong brackets the host time of the pod's stamp: after `sent_s`, before `arrival_s - interval_s`. The fit runs
    along the upper edge, where the best tenth of the pairs lies; the bound is what the brackets still permit.
    """

    def __init__(self, pod_id: str) -> None:
        self.pod_id = pod_id
        self.boot_id: int | None = None
        self.accepted = 0  # pairs of this boot
        self.rejected = 0  # pongs that cannot be true, all boots
        self._pairs: deque[_Pair] = deque(maxlen=MAX_PAIRS)
        self._interval_s = 0.0
        self._line: _Line | None = None
        self._published: ClockFit | None = None
        self._version = 0

    def add_pong(self, *, boot_id: int, sent_s: float, tick_s: float, arrival_s: float, interval_s: float) -> bool:
        """Take one answered ping: host seconds of sending and arrival, pod seconds of its stamp, connection interval.

        A new `boot_id` forgets all earlier pairs. False: the values cannot be true and were counted in `rejected`.
        """
        shortest_s, longest_s = INTERVAL_RANGE_S
        if (
            not all(map(math.isfinite, (sent_s, tick_s, arrival_s, interval_s)))
            or not shortest_s <= interval_s <= longest_s
            or arrival_s - interval_s < sent_s - STAMP_LATE_S
        ):
            self.rejected += 1
            return False
        if boot_id != self.boot_id:
            self._restart(boot_id)
        self._pairs.append(_Pair(tick_s=tick_s, sent_s=sent_s, heard_s=arrival_s - interval_s))
        while self._pairs[0].heard_s < self._pairs[-1].heard_s - WINDOW_S:
            self._pairs.popleft()
        self.accepted += 1
        self._interval_s = interval_s
        self._line = None
        return True

    def fit(self, now_s: float | None = None) -> ClockFit | None:
        """The present line in host monotonic seconds; its bound holds at `now_s` (None = at the latest pong).

        None before the first pong of a boot. The version grows whenever the line moved or its bound changed visibly.
        """
        if not self._pairs or self.boot_id is None:
            return None
        if self._line is None:
            self._line = _fit_line(list(self._pairs))
        latest_s = self._pairs[-1].heard_s
        at_s = latest_s if now_s is None else max(now_s, latest_s)
        fresh = self._line.as_fit(self.pod_id, self.boot_id, bound_s=self._bound_s(self._line, at_s))
        if self._published is None or _differs(fresh, self._published, self._pairs[-1].tick_s):
            self._version += 1
            self._published = replace(fresh, version=self._version)
        return self._published

    def _restart(self, boot_id: int) -> None:
        self.boot_id = boot_id
        self.accepted = 0
        self._pairs.clear()
        self._line = None
        self._published = None

    def _bound_s(self, line: "_Line", at_s: float) -> float:
        floor_s = FLOOR_S if self.accepted >= GOOD_PAIRS else self._interval_s
        pod_s = at_s - line.ref_host_s
        here_s = line.above_ref_s + pod_s * line.skew
        earliest_s, latest_s = line.brackets.range_s(pod_s)
        late_s = early_s = math.inf
        for pair in self._pairs:  # the line's error changes slowly: every bracket of the window speaks for its end
            x = pair.tick_s - line.ref_tick_s
            there_s = line.ref_host_s + line.above_ref_s + x + x * line.skew
            drift_s = line.skew_doubt * abs(x)
            late_s = min(late_s, abs(there_s - pair.sent_s) + drift_s)
            early_s = min(early_s, abs(pair.heard_s + STAMP_LATE_S - there_s) + drift_s)
        late_s = min(late_s + pod_s * abs(line.skew - line.brackets.flattest), abs(here_s - earliest_s))
        early_s = min(early_s + pod_s * abs(line.brackets.steepest - line.skew), abs(latest_s - here_s))
        bound_s = max(floor_s, late_s, early_s)
        return math.ceil(bound_s / BOUND_GRAIN_S) * BOUND_GRAIN_S


Points = list[tuple[float, float]]  # (pod seconds from a reference, host minus pod seconds from a reference)


class _Brackets:
    """What the pairs permit: all lines above every `sent` and below every `heard`, no steeper than crystals are."""

    def __init__(self, sent: Points, heard: Points) -> None:
        self._floor = _hull(sent, turn=1)
        self._roof = _hull([(x, y + STAMP_LATE_S) for x, y in heard], turn=-1)
        limit = SKEW_LIMIT_PPM * 1e-6
        rises = [(y1 - y0) / (x1 - x0) for x0, y0 in self._floor for x1, y1 in self._roof if x1 > x0]
        falls = [(y1 - y0) / (x1 - x0) for x0, y0 in self._roof for x1, y1 in self._floor if x1 > x0]
        rises += [-limit, limit]
        self.steepest = min(limit, *(r for r in rises if r > -limit))
        self.flattest = max(-limit, *(f for f in [*falls, -limit] if f < limit))
        if self.flattest > self.steepest:  # the clocks wandered more than their brackets allow: doubt both ends
            self.flattest, self.steepest = self.steepest, self.flattest

    def range_s(self, pod_s: float) -> tuple[float, float]:
        """The earliest and the latest host time of `pod_s`, which is not before the newest pair."""
        earliest_s = max(y + self.flattest * (pod_s - x) for x, y in self._floor)
        latest_s = min(y + self.steepest * (pod_s - x) for x, y in self._roof)
        return earliest_s, latest_s


def _hull(points: Points, *, turn: int) -> Points:
    """The upper (turn = 1) or lower (-1) convex hull, left to right."""
    hull: Points = []
    for x, y in sorted(points):
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2:]
            if turn * ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) < 0:
                break
            hull.pop()
        hull.append((x, y))
    return hull


@dataclass(frozen=True, slots=True)
class _Line:
    """host_s = ref_host_s + above_ref_s + pod_s * (1 + skew), pod_s = tick_s - ref_tick_s.

    Differences come first: a pod that ran for months keeps its digits.
    """

    ref_tick_s: float
    ref_host_s: float
    above_ref_s: float
    skew: float
    skew_doubt: float  # fraction by which the skew may be wrong, if the host's latency keeps its kind
    brackets: _Brackets

    def as_fit(self, pod_id: str, boot_id: int, *, bound_s: float) -> ClockFit:
        skew_ppm = self.skew * 1e6
        offset_s = self.ref_host_s + self.above_ref_s - self.ref_tick_s * (1.0 + skew_ppm * 1e-6)
        return ClockFit(
            pod_id=pod_id, boot_id=boot_id, offset_s=offset_s, skew_ppm=skew_ppm, bound_s=bound_s, version=0
        )


def shifted(fit: ClockFit, start_s: float) -> ClockFit:
    """The same fit counted from `start_s` (host monotonic): host seconds become session seconds."""
    return replace(fit, offset_s=fit.offset_s - start_s)


def _differs(fresh: ClockFit, published: ClockFit, tick_s: float) -> bool:
    moved_s = abs(fresh.session_s(tick_s) - published.session_s(tick_s))
    return (
        moved_s > STEP_S
        or abs(fresh.skew_ppm - published.skew_ppm) > 2.0
        or fresh.bound_s > published.bound_s
        or fresh.bound_s < 0.8 * published.bound_s
    )


def _fit_line(pairs: list[_Pair]) -> _Line:
    ref = pairs[-1]
    pod_s = [pair.tick_s - ref.tick_s for pair in pairs]
    heard = [(x, (pair.heard_s - ref.heard_s) - x) for pair, x in zip(pairs, pod_s, strict=True)]
    sent = [(x, (pair.sent_s - ref.heard_s) - x) for pair, x in zip(pairs, pod_s, strict=True)]
    brackets = _Brackets(sent, heard)
    span_s = max(pod_s) - min(pod_s)
    trust = span_s**2 / (span_s**2 + SKEW_SPAN_S**2)
    skew = 0.0
    for _ in range(3):  # each round finds better lower edges, because the one before took more of the slope away
        edge = _lower_edge(heard, skew, span_s)
        if len(edge) < 2:
            break
        skew = trust * _median_slope(edge)
        skew = min(max(skew, brackets.flattest), brackets.steepest)
    rest_s = sorted(y - skew * x for x, y in heard)
    best_s = fmean(rest_s[: max(1, round(BEST_FRACTION * len(rest_s)))])
    noise_s = max(NOISE_FLOOR_S, rest_s[len(rest_s) // 4] - rest_s[0])
    doubt = (1 - trust) * SKEW_LIMIT_PPM * 1e-6 + (4 * noise_s / span_s if span_s > 0 else 1.0)
    return _Line(
        ref_tick_s=ref.tick_s,
        ref_host_s=ref.heard_s,
        above_ref_s=best_s,
        skew=skew,
        skew_doubt=min(doubt, SKEW_LIMIT_PPM * 1e-6),
        brackets=brackets,
    )


def _lower_edge(heard: Points, skew: float, span_s: float) -> Points:
    """The least late point of each block of the window, once `skew` is taken away; [] when there are too few pairs."""
    blocks = min(MAX_BLOCKS, max(MIN_BLOCKS, int(span_s / BLOCK_S)))
    if len(heard) < 2 * blocks or span_s <= 0:
        return []
    start_s, width_s = min(heard)[0], span_s / blocks
    best: dict[int, tuple[float, float, float]] = {}
    for x, y in heard:
        block = min(blocks - 1, int((x - start_s) / width_s))
        rest_s = y - skew * x
        if block not in best or rest_s < best[block][0]:
            best[block] = (rest_s, x, y)
    return [(x, y) for _, x, y in best.values()]


def _median_slope(points: list[tuple[float, float]]) -> float:
    """Theil-Sen weighted by distance: half of the blocks may be late without moving it much."""
    slopes: list[tuple[float, float]] = []
    for i, (x0, y0) in enumerate(points):
        for x1, y1 in points[i + 1 :]:
            if x1 != x0:
                slopes.append(((y1 - y0) / (x1 - x0), abs(x1 - x0)))
    if not slopes:
        return 0.0
    slopes.sort()
    sums: list[float] = []
    total = 0.0
    for _, weight in slopes:
        total += weight
        sums.append(total)
    return slopes[bisect_left(sums, total / 2)][0]
