"""The live state that the page draws, kept up to date by the gateway; holds numbers in ms, g and %, and no clock."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median, stdev
from typing import Any

from evenstride_analysis import units
from evenstride_analysis.context import Placed
from evenstride_analysis.model import Doubt, Gait, Measure, ProvisionalStride, Side, Step, Stride, Symmetry
from evenstride_gateway.link.source import LinkState
from evenstride_gateway.web.board import Board, Leg, Limits, Pod, Recording, SessionState, Strip
from evenstride_gateway.web.history import LegHistory, Point, mean, rounded
from evenstride_gateway.web.words import finding

CADENCE_STRIDES = 8
BATTERY_LOW_PERCENT = 20.0
CLOCK_WIDE_S = 0.010
MISSING_WORTH_SAYING = 0.02


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
        self._legs = {side: LegHistory() for side in Side}
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

    def on_provisional(self, side: Side, early: ProvisionalStride, t_s: float) -> None:
        """A stance whose stride is not complete yet; it stays until the final stride with the same strike comes. It is
        in no mean, no cadence and no verdict.
        """
        leg = self._legs[side]
        key = (early.pod_id, early.boot_id, early.strike_index)
        if leg.knows(key, t_s):
            return
        leg.put(
            Point(
                t_s=t_s,
                n=leg.new_number(),
                key=key,
                stride_s=early.stance_s,
                stance_ms=rounded(units.ms_from_s(early.stance_s), 1),
                impact_g=None,
                gait=Gait.RUN,
                doubt=early.doubt,
                provisional=True,
            )
        )

    def _put(self, side: Side, stride: Stride, t_s: float, gait: Gait, doubt: Doubt) -> None:
        leg = self._legs[side]
        key = (stride.pod_id, stride.boot_id, stride.strike_index)
        known = leg.find(key)
        if known:
            leg.points.remove(known)
            n = known.n
        else:
            leg.n_strides += 1
            n = leg.passed(key, t_s) or leg.new_number()
        impact = stride.impact_axial_mps2
        leg.put(
            Point(
                t_s=t_s,
                n=n,
                key=key,
                stride_s=stride.stride_s,
                stance_ms=rounded(units.ms_from_s(stride.stance_s), 1),
                impact_g=rounded(units.g_from_mps2(impact), 2) if impact is not None else None,
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
        self._legs = {side: LegHistory() for side in Side}
        for side, leg in self._legs.items():
            for old in held.values():
                moved = [point for point in old.points if sides.get(point.key[0]) is side]
                for point in moved:
                    leg.put(point)
                if moved:
                    leg.n_strides = max(leg.n_strides, old.n_strides)
                    leg.numbered = max(leg.numbered, old.numbered)

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
        complete = [leg.final[-1] for leg in self._legs.values() if leg.final]
        ages = [_age(last.t_s + last.stride_s, now_s) for last in complete]
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
        last, final = leg.points[-1], leg.final
        clean = leg.clean_until(last.t_s)
        stances = [p.stance_ms for p in clean if p.stance_ms is not None]
        return Leg(
            stance_ms=last.stance_ms,
            stance_mean_ms=mean([p.stance_ms for p in clean]),
            stance_sd_ms=round(stdev(stances), 2) if len(stances) > 1 else None,
            impact_axial_g=final[-1].impact_g if final else None,
            impact_axial_mean_g=mean([p.whole_impact_g for p in clean]),
            n_mean=len(clean),
            n_strides=leg.n_strides,
            provisional=last.provisional,
            doubt=last.doubt.names,
            age_s=_age(last.t_s + last.stride_s, now_s),
        )

    def _recent(self) -> list[Point]:
        return sorted(p for leg in self._legs.values() for p in leg.final[-CADENCE_STRIDES:])[-CADENCE_STRIDES:]

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
                said.append(
                    f"{name} streams, but on which leg? Until it has one, its strides are in no number here; a recorded"
                    " run tells it at its end."
                )
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


def _strip(points: list[Point]) -> Strip:
    return Strip(
        n=[p.n for p in points],
        t_s=[round(p.t_s, 3) for p in points],
        stance_ms=[p.stance_ms for p in points],
        stance_mean_ms=[p.stance_mean_ms for p in points],
        impact_axial_g=[p.impact_g for p in points],
        impact_axial_mean_g=[p.impact_mean_g for p in points],
        doubted=[bool(p.doubt) for p in points],
        walking=[p.gait is Gait.WALK for p in points],
        provisional=[p.provisional for p in points],
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
        battery_percent=rounded(pod.battery_percent, 0),
        age_s=None if pod.last_arrival_s is None else _age(pod.last_arrival_s, now_s),
        received=pod.received,
        missing=pod.missing,
        missing_percent=round(_missing_percent(pod), 2),
        backfilled=pod.backfilled,
        clock_bound_ms=None if pod.clock_bound_s is None else rounded(units.ms_from_s(pod.clock_bound_s), 2),
        refused=pod.refused,
    )
