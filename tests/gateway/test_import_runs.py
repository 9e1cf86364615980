"""Records -> runs -> sessions: cut at pauses, paired by date or alternation, stored once. No radio here."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.store_data import LEFT_POD, RIGHT_POD, pod

from evenstride_analysis.model import Doubt, Gait, LossCause, Side
from evenstride_gateway.air import StrideRecord, StrideRecords
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.errors import InputError
from evenstride_gateway.importing.forming import DATE, Waiting, form, settle_known, waiting_runs
from evenstride_gateway.importing.runs import runs_of
from evenstride_gateway.rerunning import run_session_again
from evenstride_gateway.results import session_steps, session_summary, system_error
from evenstride_gateway.sinks.collect import collect
from evenstride_gateway.store import KeptAnchor, Person, Placement, Store

TICK_HZ = 32768
RATE_HZ = 416
OWN_AXES = 0x8000 + 60
NOW_S = datetime(2026, 5, 4, tzinfo=UTC).timestamp()
RAN_AT = datetime(2026, 5, 1, 16, 30, tzinfo=UTC)
SYSTEM = system_error(SymmetryConfig())
SIDES = {LEFT_POD: Side.LEFT, RIGHT_POD: Side.RIGHT}


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A pod's counter: pod seconds of a true time, `ppm` too fast, `zero_s` on it at true time 0."""

    ppm: float
    zero_s: float

    def pod_s(self, true_s: float) -> float:
        return self.zero_s + true_s * (1.0 + self.ppm * 1e-6)


CLOCKS = {Side.LEFT: Clock(ppm=40.0, zero_s=500.0), Side.RIGHT: Clock(ppm=-40.0, zero_s=88_000.0)}


def strikes(side: Side, *, seconds: float = 300.0, from_s: float = 0.0) -> list[float]:
    """True times of a leg's strikes: one runner, so both legs share every change of tempo."""
    rng = np.random.default_rng(7)
    n = int(seconds / 0.7)
    begins = from_s + np.cumsum(0.7 * (1.0 + 0.02 * rng.normal(size=n)))
    return [float(t) + (0.35 if side is Side.RIGHT else 0.0) for t in begins]


def record(strike_tick: int, stride_ticks: int, **other: object) -> StrideRecord:
    index = strike_tick * RATE_HZ // TICK_HZ
    held = StrideRecord(
        strike_index=index,
        end_index=index + stride_ticks * RATE_HZ // TICK_HZ,
        strike_tick=strike_tick,
        toe_off_ticks=round(0.25 * TICK_HZ),
        stride_ticks=stride_ticks,
        stance_sd_s=0.004,
        impact_axial_mps2=55.0,
        impact_mps2=70.0,
        loading_mps3=4000.0,
        swing_peak_radps=8.0,
        heading_rad=0.01,
        gait=Gait.RUN,
        doubt=Doubt(0),
    )
    return replace(held, **other)  # pyright: ignore[reportArgumentType]  # fields by name


def put(
    store: Store,
    side: Side,
    times_s: list[float],
    *,
    boot: int = 7,
    number: int = 0,
    rotation: int = OWN_AXES,
    toe_off_s: float = 0.25,
) -> None:
    """A leg's records as its pod's clock says them."""
    pod_id, clock = (LEFT_POD if side is Side.LEFT else RIGHT_POD), CLOCKS[side]
    ticks = [round(clock.pod_s(t) * TICK_HZ) for t in times_s]
    lengths = [b - a if b - a < 2 * TICK_HZ else round(0.7 * TICK_HZ) for a, b in pairwise(ticks)]
    store.put_pod(pod(pod_id))
    store.put_records(
        pod_id,
        [
            StrideRecords(
                boot_id=boot,
                first_record=number + k,
                rules=2,
                coefficients_version=0,
                rotation_version=rotation,
                records=(record(tick, length, toe_off_ticks=round(toe_off_s * TICK_HZ)),),
            )
            for k, (tick, length) in enumerate(zip(ticks, lengths, strict=False))
        ],
    )


def anchored(store: Store, side: Side, true_s: float, *, boot: int = 7) -> None:
    """A host has told this boot the date, at a true time of the runner."""
    pod_id = LEFT_POD if side is Side.LEFT else RIGHT_POD
    tick = round(CLOCKS[side].pod_s(true_s) * TICK_HZ)
    utc_ns = round((RAN_AT.timestamp() + true_s) * 1e9)
    store.put_anchors([KeptAnchor(pod_id=pod_id, boot_id=boot, tick=tick, utc_ns=utc_ns, error_ns=20_000_000)])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store.open(tmp_path)
    for pod_id, side in SIDES.items():
        opened.put_placement(Placement(pod_id=pod_id, side=side))
    opened.put_person(Person(runner_id="ada", name="Ada"))
    return opened


def waiting(store: Store) -> list[Waiting]:
    return waiting_runs(store, SIDES, now_s=NOW_S)


def test_a_dated_run_of_both_legs_is_one_session_with_a_verdict(store: Store) -> None:
    for side in Side:
        put(store, side, strikes(side), toe_off_s=0.25 if side is Side.LEFT else 0.22)
        anchored(store, side, 7200.0)  # home two hours later
    (run,) = waiting(store)
    made = form(store, run, runner_id="ada", system=SYSTEM)
    session = store.session(made.session_id)
    assert session.dated
    assert made.error_s == pytest.approx(0.3, abs=0.05)
    assert abs((session.started_at - RAN_AT).total_seconds()) <= 1.4
    steps = session_steps(store, made.session_id)
    assert np.mean([step.alternates for step in steps]) > 0.98
    for step, later in pairwise(steps):
        assert later.t_s - step.t_s == pytest.approx(0.35, abs=0.06)
    summary = session_summary(store, made.session_id, SYSTEM)
    assert summary.symmetry[next(iter(summary.symmetry))].verdict.value == "real"
    assert store.waiting_records() == []
    assert waiting(store) == []
    store.put_records(LEFT_POD, [])
    put(store, Side.LEFT, strikes(Side.LEFT))  # the pod was not told, and sends all of it again
    assert settle_known(store) == 0
    assert waiting(store) == []


def test_long_pauses_cut_and_short_ones_do_not(store: Store) -> None:
    times = [*strikes(Side.LEFT), *strikes(Side.LEFT, from_s=500.0), *strikes(Side.LEFT, from_s=1200.0)]
    put(store, Side.LEFT, times)
    first, second = runs_of(store.waiting_records())
    assert (len(first.records), len(second.records)) == (2 * 428, 427)
    assert first.losses() == []


def test_a_few_strides_are_no_run_and_stay_kept(store: Store) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT)[:9])
    assert waiting(store) == []
    assert len(store.waiting_records()) == 8


def test_numbers_that_jump_are_a_loss_with_its_samples(store: Store) -> None:
    times = strikes(Side.LEFT)
    put(store, Side.LEFT, times[:100])
    put(store, Side.LEFT, times[119:], number=119)
    made = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM)
    assert made.lost == 20
    (gap,) = store.gaps(made.session_id)
    assert gap.cause is LossCause.POD
    assert gap.missing == pytest.approx(20 * 0.7 * RATE_HZ, rel=0.1)
    assert any("20 strides of the left leg are lost" in line for line in made.words)


def test_without_its_axes_a_pod_says_nothing_of_axes(store: Store) -> None:
    times = strikes(Side.LEFT)
    put(store, Side.LEFT, times[:30], rotation=0)
    put(store, Side.LEFT, times[29:], number=29)
    made = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM)
    early = [s.stride for s in store.strides(made.session_id)][:29]
    assert all(s.impact_axial_mps2 is None and s.heading_rad is None and s.loading_mps3 is None for s in early)
    assert all(s.impact_mps2 == 70.0 and Doubt.ON_POD in s.doubt for s in early)


def test_an_undated_run_is_never_given_a_date(store: Store) -> None:
    for side in Side:
        put(store, side, strikes(side))
        anchored(store, side, -86_400.0, boot=6)
        anchored(store, side, 86_400.0, boot=8)
    (run,) = waiting(store)
    assert run.limits is not None
    assert run.limits.not_before_s == pytest.approx(RAN_AT.timestamp() - 86_400.0)
    assert run.limits.not_after_s == pytest.approx(RAN_AT.timestamp() + 86_400.0)
    with pytest.raises(InputError, match="the run was not on 2026-04-29"):
        form(store, run, runner_id="ada", system=SYSTEM, began=datetime(2026, 4, 29, 9, tzinfo=UTC))
    assert store.sessions() == []
    made = form(store, run, runner_id="ada", system=SYSTEM)
    session = store.session(made.session_id)
    assert (session.dated, made.started_at) == (False, None)
    assert session.settings[DATE].startswith("unknown; it was after 2026-04-30 16:30 UTC and before 2026-05-02 16:30")
    assert collect(store, 0, 10_000).points == []  # nothing for a database that files by date


def test_a_date_that_comes_later_publishes_and_a_better_one_moves_everything(store: Store) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT))
    session_id = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM).session_id
    cursor = collect(store, 0, 10_000).upto
    store.put_date(session_id, RAN_AT, {DATE: "as its runner said"})
    told = collect(store, cursor, 10_000)
    strides = store.strides(session_id)
    assert len([p for p in told.points if p.measurement == "stride"]) == len(strides)
    first_ns = min(p.time_ns for p in told.points if p.measurement == "stride")
    assert first_ns == pytest.approx(RAN_AT.timestamp() * 1e9 + strides[0].published_t_s * 1e9, abs=1e3)

    store.put_date(session_id, RAN_AT + timedelta(hours=2), {DATE: "as its runner said"})
    moved = collect(store, told.upto, 10_000).points
    before = {(p.measurement, p.tags, p.time_ns) for p in told.points}
    gone = {(p.measurement, p.tags, p.time_ns) for p in moved if p.values[0] is True}
    assert gone == before  # every point that stood under the old date is withdrawn
    here = [p for p in moved if p.values[0] is False]
    assert {(p.measurement, p.tags, p.time_ns - 7_200_000_000_000) for p in here} == before


def test_what_fails_in_the_middle_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT))
    (run,) = waiting(store)

    def power_cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr("evenstride_gateway.importing.forming.regrid", power_cut)
        with pytest.raises(KeyboardInterrupt):
            form(store, run, runner_id="ada", system=SYSTEM)
    assert store.sessions() == []
    assert store.changes() == []
    assert len(store.waiting_records()) == 427
    assert form(store, run, runner_id="ada", system=SYSTEM).strides == {Side.LEFT: 427}


def test_records_stay_where_a_run_again_has_no_raw_for_them(store: Store) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT))
    session_id = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM).session_id
    with store.raw_writer(session_id, pod(LEFT_POD)):
        pass  # a log that holds nothing of these strides
    again = run_session_again(store, session_id, SYSTEM)
    assert (again.changes, again.after) == (0, ("pod-2.0",))
    assert "427 of 427 strides are known only as the pods found them" in again.notices[0]
    assert store.count_strides(session_id) == 427


def test_a_deleted_session_does_not_come_back_and_its_content_is_gone(store: Store) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT))
    session_id = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM).session_id
    store.delete_session(session_id)
    put(store, Side.LEFT, strikes(Side.LEFT))
    assert waiting(store) == []
    assert store.held_records(LEFT_POD, 7) == [(0, 427)]
    with closing(sqlite3.connect(store.folder / "evenstride.db")) as database:
        assert database.execute("SELECT max(length(message)) FROM pod_records").fetchone() == (0,)
