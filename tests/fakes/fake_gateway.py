"""A FAKE gateway for tests of the page: no radio, no store, but the real LiveView and the real Hub, fed by a script."""

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evenstride_analysis import units
from evenstride_analysis.model import Doubt, Gait, Measure, ProvisionalStride, Side, Stride, Symmetry, Verdict
from evenstride_gateway.errors import LegTakenError, UnknownError
from evenstride_gateway.link.source import LinkState
from evenstride_gateway.web.board import Recording
from evenstride_gateway.web.hub import Hub
from evenstride_gateway.web.port import Placement, SessionConflictError, SessionRow, StridePage, StrideRow
from evenstride_gateway.web.view import LiveView, PodReading
from fakes.fake_notes import FakeNotes
from fakes.fake_swap import FakeSwap

STRIDE_S = 0.71
POD = {Side.LEFT: "E4A1-07", Side.RIGHT: "E4A1-12"}
STARTED = datetime(2026, 5, 3, 8, 15, tzinfo=UTC)


def stride(side: Side, n: int, strike_s: float, *, stance_s: float, impact_g: float | None, **other: Any) -> Stride:
    """A stride with the figures that matter to the page."""
    values: dict[str, Any] = {
        "pod_id": POD[side],
        "boot_id": 1,
        "strike_index": n * 300,
        "end_index": n * 300 + 295,
        "strike_s": strike_s,
        "toe_off_s": strike_s + stance_s,
        "end_s": strike_s + STRIDE_S,
        "stance_sd_s": 0.006,
        "impact_axial_mps2": None if impact_g is None else units.mps2_from_g(impact_g),
        "impact_mps2": None if impact_g is None else units.mps2_from_g(impact_g * 1.15),
        "loading_mps3": None,
        "swing_peak_radps": 8.0,
        "heading_rad": None,
        "gait": Gait.RUN,
        "method": "rules-1",
        "doubt": Doubt(0),
    }
    return Stride(**(values | other))


def symmetry(verdict: Verdict, index: float | None = None, half: float = 0.025, **other: Any) -> Symmetry:
    """A stance symmetry, or `measure=...` another one."""
    values: dict[str, Any] = {
        "measure": Measure.STANCE,
        "t_s": 0.0,
        "index": index,
        "low": None if index is None else index - half,
        "high": None if index is None else index + half,
        "n_pairs": 30,
        "verdict": verdict,
        "reason": "",
        "method": "rules-1",
    }
    return Symmetry(**(values | other))


class FakeGateway:
    """Implements GatewayPort. `now_s` is the loop's clock; `pods_alive` False = the pods fall silent."""

    version = "0.1.0"

    def __init__(self, *, pods: bool = True) -> None:
        self.view = LiveView(version=self.version)
        self.hub = Hub(snapshot=self._snapshot, delta=self._delta)
        self.pods_seen = self.pods_alive = pods
        self.heard_s: float | None = None
        self.n = 0
        self.started: list[str] = []
        self.sides: dict[str, Side | None] = {pod_id: side for side, pod_id in POD.items()}
        self.corrected: list[str | None] = []
        self.deleted: list[str] = []
        self.recording = False
        self.notes = FakeNotes()
        self.swap = FakeSwap()
        self.tasks: list[asyncio.Task[str]] = []
        self._noise = random.Random(7)

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _snapshot(self) -> dict[str, Any]:
        self._hear()
        return self.view.snapshot(self.now_s())

    def _delta(self) -> dict[str, Any]:
        self._hear()
        return self.view.delta(self.now_s())

    def _hear(self) -> None:
        now_s = self.now_s()
        if self.pods_alive:
            self.heard_s = now_s
        if self.pods_seen:
            for side, rssi, battery in ((Side.LEFT, -61, 82.0), (Side.RIGHT, -74, 64.0)):
                self.view.on_pod(
                    PodReading(
                        pod_id=POD[side],
                        side=self.sides[POD[side]],
                        state=LinkState.STREAMING if self.pods_alive else LinkState.LOST,
                        rssi_dbm=rssi,
                        battery_percent=battery,
                        last_arrival_s=self.heard_s,
                        received=51_234,
                        missing=0 if side is Side.LEFT else 68,
                        backfilled=0 if side is Side.LEFT else 1_040,
                        clock_bound_s=0.0012,
                    )
                )

    def run(self, seconds: float, *, left_s: float = 0.238, right_s: float = 0.249, doubted: int = 23) -> None:
        """`seconds` of running that end now; every `doubted`-th stride carries a doubt."""
        now_s = self.now_s()
        count = round(seconds / STRIDE_S)
        for k in range(count):
            self.n += 1
            for side, stance_s, impact_g, late_s in ((Side.LEFT, left_s, 8.6, 0.0), (Side.RIGHT, right_s, 9.4, 0.355)):
                strike_s = now_s - (count - k) * STRIDE_S - 0.4 + late_s
                drift_s = 0.004 * math.sin(self.n / 25)
                noise = self._noise.gauss
                made = stride(
                    side,
                    self.n,
                    strike_s,
                    stance_s=stance_s + drift_s + noise(0, 0.005),
                    impact_g=impact_g + 60 * drift_s + noise(0, 0.35),
                    doubt=Doubt.GAP if self.n % doubted == 0 else Doubt(0),
                )
                self.view.on_stride(side, made, strike_s)
        self.hub.publish()

    def step_off(self, side: Side, *, stance_s: float) -> None:
        """A foot leaves the ground now; its stride is not complete yet."""
        strike_s = self.now_s() - stance_s
        early = ProvisionalStride(
            pod_id=POD[side],
            boot_id=1,
            strike_index=(self.n + 1) * 300,
            strike_s=strike_s,
            toe_off_s=strike_s + stance_s,
            decided_s=strike_s + stance_s,
            method="learned-1",
            doubt=Doubt(0),
        )
        self.view.on_provisional(side, early, strike_s)
        self.hub.publish()

    def find(self, *found: Symmetry) -> None:
        for one in found:
            self.view.on_symmetry(one)
        self.hub.publish()

    # --- GatewayPort ----------------------------------------------------------------------------------------------

    def health(self) -> Mapping[str, Any]:
        return {"state": "ok", "pods": list(POD.values()), "since": STARTED}

    async def sessions(self) -> Sequence[SessionRow]:
        done = SessionRow(
            session_id="20260503-0815-ana",
            runner="Ana Lindqvist",
            started_at=STARTED,
            stopped_at=STARTED.replace(minute=47),
            duration_s=1925.0,
            n_strides=5402,
        )
        return [done]

    async def strides(self, session_id: str, *, offset: int, limit: int) -> StridePage | None:
        if session_id != "20260503-0815-ana":
            return None
        rows = [
            StrideRow(
                side=Side.LEFT if k % 2 else Side.RIGHT,
                strike_s=0.355 * k,
                toe_off_s=0.355 * k + 0.24,
                stance_ms=240.0,
                stride_ms=710.0,
                impact_axial_g=None,
                impact_g=9.5,
                gait=Gait.RUN,
                method="rules-1",
                doubt="",
            )
            for k in range(10)
        ]
        return StridePage(strides=rows[offset : offset + limit], total=len(rows))

    async def start_session(self, runner: str) -> str:
        if self.recording:
            raise SessionConflictError(f"a session of {self.started[-1]} is running: stop it first")
        self.recording = True
        self.started.append(runner)
        session_id = f"s{len(self.started)}"
        now = datetime.now(UTC)
        self.view.on_session(
            Recording.RECORDING, session_id=session_id, runner=runner, started_at=now, started_s=self.now_s()
        )
        self.hub.publish()
        return session_id

    async def stop_session(self) -> None:
        if not self.recording:
            raise SessionConflictError("no session is running")
        self.recording = False
        self.view.on_session(Recording.IDLE, session_id=f"s{len(self.started)}", runner=self.started[-1])
        self.hub.publish()

    async def delete_session(self, session_id: str) -> None:
        if self.recording and session_id == f"s{len(self.started)}":
            raise SessionConflictError(f"session {session_id} is running: stop it first")
        if session_id != "20260503-0815-ana":
            raise UnknownError(f"no session {session_id!r}")
        self.deleted.append(session_id)

    async def assign_leg(self, pod_id: str, side: Side, *, session_id: str | None) -> Placement:
        if pod_id not in self.sides:
            raise UnknownError(f"pod {pod_id} was never met")
        rival = next((p for p, s in self.sides.items() if s is side and p != pod_id), None)
        if rival is not None:
            raise LegTakenError(f"pod {rival} sits on the {side.value} leg, so pod {pod_id} cannot")
        return self._moved({pod_id: side}, session_id)

    async def swap_legs(self, *, session_id: str | None) -> Placement:
        return self._moved({pod_id: side.other for pod_id, side in self.sides.items() if side}, session_id)

    def _moved(self, sides: dict[str, Side], session_id: str | None) -> Placement:
        self.corrected.append(session_id)
        if session_id is None:
            self.sides.update(sides)
            self.view.on_legs({pod_id: side for pod_id, side in self.sides.items() if side})
            self.hub.publish()
        return Placement(sides=sides, session=session_id)

    async def report_html(self, session_id: str) -> str | None:
        return "<!doctype html><title>r</title><h1>report</h1>" if session_id == "20260503-0815-ana" else None
