"""The live state that the page draws, kept up to date by the gateway; holds numbers in ms, g and %, and no clock."""

import math
from bisect import insort
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from statistics import fmean, median, stdev
from typing import Any

from evenstride_analysis import units
from evenstride_analysis.context import Placed
from evenstride_analysis.model import Doubt, Gait, Measure, Side, Step, Stride, Symmetry
from evenstride_gateway.link.source import LinkState
from evenstride_gateway.web.board import Board, Leg, Limits, Pod, Recording, SessionState, Strip
from evenstride_gateway.web.words import finding

HISTORY_S = 120.0
MEAN_STRIDES = 30
CADENCE_STRIDES = 8
BATTERY_LOW_PERCENT = 20.0
CLOCK_WIDE_S = 0.010
MISSING_WORTH_SAYING = 0.02

StrideKey = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodReading:
    """What the gateway knows of one pod, SI. `last_arrival_s` is on the scale of every other time given to the view."""

    pod_id: str
    state: LinkState
    side: Side | None = None
    rssi_dbm: int | None = None
    battery_percent: float | None = None
    last_arrival_s: float | None = None
    received: int = 0
    missing: int = 0
    backfilled: int = 0
    clock_bound_s: float | None = None
    refused: str = ""


@dataclass(slots=True, order=True)
class _Point:
    t_s: float
    n: int
    key: StrideKey = field(compare=False)
    stride_s: float = field(compare=False)
    stance_ms: float | None = field(compare=False)
    impact_g: float | None = field(compare=False)
    gait: Gait = field(compare=False)
    doubt: Doubt = field(compare=False)
    stance_mean_ms: float | None = field(compare=False, default=None)
    impact_mean_g: float | None = field(compare=False, default=None)

    @property
    def clean_run(self) -> bool:
        """As for a verdict on stance: a shock beyond the range does not touch it."""
        return self.gait is Gait.RUN and not self.doubt & ~Doubt.CLIPPED

    @property
    def whole_impact_g(self) -> float | None:
        return None if Doubt.CLIPPED in self.doubt else self.impact_g


@dataclass(slots=True)
class _LegHistory:
    points: list[_Point] = field(default_factory=list[_Point])  # in order of t_s
    changed: dict[int, _Point] = field(default_factory=dict[int, _Point])
    n_strides: int = 0

    def find(self, key: StrideKey) -> _Point | None:
        return next((point for point in reversed(self.points) if point.key == key), None)

    def clean_until(self, t_s: float) -> list[_Point]:
        return [point for point in self.points if point.clean_run and point.t_s <= t_s][-MEAN_STRIDES:]

    def put(self, point: _Point) -> None:
        insort(self.points, point)
        clean = self.clean_until(point.t_s)
        point.stance_mean_ms = _mean([p.stance_ms for p in clean])
        point.impact_mean_g = _mean([p.whole_impact_g for p in clean])
        self.changed[point.n] = point
        oldest_s = self.points[-1].t_s - HISTORY_S
        gone = next(i for i, p in enumerate(self.points) if p.t_s >= oldest_s)
        for old in self.points[:gone]:
            self.changed.pop(old.n, None)
        del self.points[:gone]


def _rounded(value: float | None, digits: int) -> float | None:
    return round(value, digits) if value is not None and math.isfinite(value) else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 2) if known else None


class LiveView:
    """What is known now. Every `*_s` handed in is seconds on one scale of the caller's choice (the loop's clock, say).

    The caller tells it what happens (`on_...`) and sends `delta()`; `snapshot()` is for a page that just opened.
    """

    def __init__(self, *, version: str = "", limits: Limits | None = None) -> None:
        self._version = version
        self._limits = limits or Limits()
        self._epoch = 0
        self._session = SessionState()
        self._started_s: float | None = None
        self._pods: dict[str, PodReading] = {}
        self._told: dict[str, str] = {}
        self._clear()

    def _clear(self) -> None:
        self._epoch += 1
        self._legs = {side: _LegHistory() for side in Side}
        self._symmetry: dict[Measure, Symmetry] = {}
        self._place = Placed()

    # --- what happens -------------------------------------------------------------------------------------------

    def on_session(
        self,
        state: Recording,
        *,
        session_id: str | None = None,
        runner: str = "",
        started_at: datetime | None = None,
        started_s: float | None = None,
    ) -> None:
        """A session starts (RECORDING: the board begins anew) or stops (IDLE: the last values stay and grow old)."""
        if state is Recording.RECORDING and session_id != self._session.session_id:
            self._clear()
        self._started_s = started_s
        self._session = SessionState(
            state=state,
            session_id=session_id,
            runner=runner,
            started_at=started_at.isoformat() if started_at else None,
        )

    def on_stride(self, side: Side, stride: Stride, t_s: float) -> None:
        """A stride of one leg, new or in its second version; `t_s` is its initial contact."""
        self._put(side, stride, t_s, stride.gait, stride.doubt)

    def on_step(self, step: Step, t_s: float | None = None) -> None:
        """The same stride seen with both legs, which may change its gait and its doubt; `t_s` None = the step's own."""
        doubt = step.stride.doubt if step.alternates else step.stride.doubt | Doubt.ALTERNATION
        self._put(step.side, step.stride, step.t_s if t_s is None else t_s, step.gait, doubt)

    def _put(self, side: Side, stride: Stride, t_s: float, gait: Gait, doubt: Doubt) -> None:
        leg = self._legs[side]
        key = (stride.pod_id, stride.boot_id, stride.strike_index)
        known = leg.find(key)
        if known:
            leg.points.remove(known)
        else:
            leg.n_strides += 1
        impact = stride.impact_axial_mps2
        leg.put(
            _Point(
                t_s=t_s,
                n=known.n if known else leg.n_strides,
                key=key,
                stride_s=stride.stride_s,
                stance_ms=_rounded(units.ms_from_s(stride.stance_s), 1),
                impact_g=_rounded(units.g_from_mps2(impact), 2) if impact is not None else None,
                gait=gait,
                doubt=doubt,
            )
        )

    def on_symmetry(self, symmetry: Symmetry) -> None:
        """The newest symmetry of its measure: stance is the balance, axial impact the impact; others are not shown."""
        self._symmetry[symmetry.measure] = symmetry

    def on_place(self, place: Placed) -> None:
        """Where the runner is now."""
        self._place = place

    def on_pod(self, pod: PodReading) -> None:
        """The newest state of one pod."""
        self._pods[pod.pod_id] = pod

    def on_legs(self, sides: Mapping[str, Side]) -> None:
        """Pods sit on other legs: their strides go with them, and what was found of both legs is found anew."""
        self._epoch += 1
        self._symmetry.clear()
        held = self._legs
        self._legs = {side: _LegHistory() for side in Side}
        for side, leg in self._legs.items():
            for old in held.values():
                moved = [point for point in old.points if sides.get(point.key[0]) is side]
                for point in moved:
                    leg.put(point)
                if moved:
                    leg.n_strides = max(leg.n_strides, old.n_strides)

    def on_pod_gone(self, pod_id: str) -> None:
        """A pod that is no longer of interest."""
        self._pods.pop(pod_id, None)

    def on_warning(self, key: str, text: str) -> None:
        """A sentence for the coach; the same `key` replaces it, an empty text takes it back."""
        if text:
            self._told[key] = text
        else:
            self._told.pop(key, None)

    # --- what the page is told ----------------------------------------------------------------------------------

    def snapshot(self, now_s: float) -> dict[str, Any]:
        """The whole state with two minutes of strides, ready for JSON."""
        return asdict(self._board(now_s, {side: _strip(leg.points) for side, leg in self._legs.items()}))

    def delta(self, now_s: float) -> dict[str, Any]:
        """The state with only the strides that changed since the last delta, ready for JSON."""
        strips = {side: _strip(list(leg.changed.values())) for side, leg in self._legs.items()}
        for leg in self._legs.values():
            leg.changed.clear()
        return asdict(self._board(now_s, strips))

    def _board(self, now_s: float, strips: dict[Side, Strip]) -> Board:
        legs = {side: self._leg(side, now_s) for side in Side}
        ages = [leg.age_s for leg in legs.values() if leg.age_s is not None]
        heard = [pod.last_arrival_s for pod in self._pods.values() if pod.last_arrival_s is not None]
        worst_s = max(ages) if len(ages) == len(legs) else None
        fresh = bool(ages) and min(ages) <= self._limits.stride_s
        elapsed_s = None if self._started_s is None else round(now_s - self._started_s, 1)
        session = self._session
        return Board(
            version=self._version,
            epoch=self._epoch,
            t_s=round(now_s, 3),
            limits=self._limits,
            session=SessionState(
                state=session.state,
                session_id=session.session_id,
                runner=session.runner,
                started_at=session.started_at,
                elapsed_s=elapsed_s,
            ),
            data_age_s=_age(max(heard), now_s) if heard else None,
            legs=legs,
            balance=finding(self._symmetry.get(Measure.STANCE), age_s=worst_s),
            impact=finding(self._symmetry.get(Measure.IMPACT_AXIAL), age_s=worst_s),
            cadence_spm=self._cadence_spm() if fresh else None,
            gait=self._gait() if fresh else None,
            surface=self._place.surface if fresh else None,
            direction=self._place.direction if fresh else 0,
            lap=self._place.lap,
            pods=[_pod(pod, now_s) for pod in sorted(self._pods.values(), key=_left_first)],
            warnings=[*self._pod_warnings(), *self._told.values()],
            strips=strips,
        )

    def _leg(self, side: Side, now_s: float) -> Leg:
        leg = self._legs[side]
        if not leg.points:
            return Leg(n_strides=leg.n_strides)
        last = leg.points[-1]
        clean = leg.clean_until(last.t_s)
        stances = [p.stance_ms for p in clean if p.stance_ms is not None]
        return Leg(
            stance_ms=last.stance_ms,
            stance_mean_ms=_mean([p.stance_ms for p in clean]),
            stance_sd_ms=round(stdev(stances), 2) if len(stances) > 1 else None,
            impact_axial_g=last.impact_g,
            impact_axial_mean_g=_mean([p.whole_impact_g for p in clean]),
            n_mean=len(clean),
            n_strides=leg.n_strides,
            doubt=last.doubt.names,
            age_s=_age(last.t_s + last.stride_s, now_s),
        )

    def _recent(self) -> list[_Point]:
        return sorted(p for leg in self._legs.values() for p in leg.points[-CADENCE_STRIDES:])[-CADENCE_STRIDES:]

    def _cadence_spm(self) -> float | None:
        recent = self._recent()
        return round(120.0 / median(p.stride_s for p in recent), 1) if recent else None

    def _gait(self) -> Gait | None:
        recent = self._recent()
        return recent[-1].gait if recent else None

    def _pod_warnings(self) -> list[str]:
        said: list[str] = []
        pods = sorted(self._pods.values(), key=_left_first)
        for side in Side:
            claim = [pod.pod_id for pod in pods if pod.side is side and not pod.refused]
            if len(claim) > 1:
                said.append(f"Pods {' and '.join(claim)} both claim the {side.value} leg: assign one to the other leg.")
        for pod in pods:
            name = f"{pod.side.value.capitalize()} pod {pod.pod_id}" if pod.side else f"Pod {pod.pod_id}"
            if pod.side is None and pod.state is LinkState.STREAMING and not pod.refused:
                said.append(f"{name} streams, but on which leg? Until it has one, its strides are in no number here.")
            if pod.refused:
                said.append(f"{name} is not used: {pod.refused}.")
            if pod.battery_percent is not None and pod.battery_percent < BATTERY_LOW_PERCENT:
                said.append(f"{name}: battery at {pod.battery_percent:.0f} %. Charge it soon.")
            if pod.clock_bound_s is not None and pod.clock_bound_s > CLOCK_WIDE_S:
                bound_ms = units.ms_from_s(pod.clock_bound_s)
                said.append(f"{name}: its clock is known only to ±{bound_ms:.0f} ms. Flight time is withheld.")
            if pod.missing > MISSING_WORTH_SAYING * (pod.received + pod.missing):
                said.append(f"{name}: {_missing_percent(pod):.0f} % of the samples are missing so far.")
        return said


def _strip(points: list[_Point]) -> Strip:
    return Strip(
        n=[p.n for p in points],
        t_s=[round(p.t_s, 3) for p in points],
        stance_ms=[p.stance_ms for p in points],
        stance_mean_ms=[p.stance_mean_ms for p in points],
        impact_axial_g=[p.impact_g for p in points],
        impact_axial_mean_g=[p.impact_mean_g for p in points],
        doubted=[bool(p.doubt) for p in points],
        walking=[p.gait is Gait.WALK for p in points],
    )


def _age(then_s: float, now_s: float) -> float:
    return round(max(0.0, now_s - then_s), 2)


def _left_first(pod: PodReading) -> tuple[int, str]:
    return (list(Side).index(pod.side) if pod.side else len(Side), pod.pod_id)


def _missing_percent(pod: PodReading) -> float:
    taken = pod.received + pod.missing
    return units.percent_from_fraction(pod.missing / taken) if taken else 0.0


def _bars(rssi_dbm: int | None) -> int:
    return 0 if rssi_dbm is None else sum(rssi_dbm >= step for step in (-95, -85, -75, -65))


def _pod(pod: PodReading, now_s: float) -> Pod:
    return Pod(
        pod_id=pod.pod_id,
        side=pod.side,
        state=pod.state.value,
        rssi_dbm=pod.rssi_dbm,
        signal_bars=_bars(pod.rssi_dbm) if pod.state is LinkState.STREAMING else 0,
        battery_percent=_rounded(pod.battery_percent, 0),
        age_s=None if pod.last_arrival_s is None else _age(pod.last_arrival_s, now_s),
        received=pod.received,
        missing=pod.missing,
        missing_percent=round(_missing_percent(pod), 2),
        backfilled=pod.backfilled,
        clock_bound_ms=None if pod.clock_bound_s is None else _rounded(units.ms_from_s(pod.clock_bound_s), 2),
        refused=pod.refused,
    )
