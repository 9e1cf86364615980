"""Records -> runs -> sessions: cut at pauses, paired by date or alternation, stored once. No radio here."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.cli import evenstride
from support.pod_records import NOW_S, RAN_AT, RATE_HZ, SIDES, anchored, put, strikes
from support.store_data import BOOT, LEFT_POD, begin, frame, pod, stride

from evenstride_analysis.model import Doubt, LossCause, Side
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.errors import InputError
from evenstride_gateway.importing.forming import Waiting, form, settle_known, waiting_runs
from evenstride_gateway.importing.runs import runs_of
from evenstride_gateway.rerunning import run_session_again
from evenstride_gateway.results import DATE, session_steps, session_summary, system_error
from evenstride_gateway.sinks.collect import collect, session_points
from evenstride_gateway.store import Person, Placement, Store

SYSTEM = system_error(SymmetryConfig())


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


def test_short_runs_of_other_lengths_are_not_put_together(store: Store) -> None:
    """Two short runs alternate somewhere, whosever they are."""
    put(store, Side.LEFT, strikes(Side.LEFT, seconds=60.0))
    put(store, Side.RIGHT, strikes(Side.RIGHT, seconds=90.0, from_s=3.0))
    assert [set(run.found.legs) for run in waiting(store)] == [{Side.LEFT}, {Side.RIGHT}]
    put(store, Side.LEFT, strikes(Side.LEFT, seconds=90.0, from_s=1000.0), boot=8)
    both = next(run.found for run in waiting(store) if len(run.found.legs) == 2)
    assert both.legs[Side.LEFT].boot_id == 8


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


def test_what_was_overwritten_before_the_first_stride_is_said(store: Store) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT), number=5000)
    made = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM)
    assert made.words == ("5000 strides before the first one of the left leg are lost: its log had overwritten them",)
    assert store.gaps(made.session_id) == []  # nobody knows which samples those were
    put(store, Side.LEFT, strikes(Side.LEFT, from_s=2000.0), number=5427)
    assert form(store, waiting(store)[0], runner_id="ada", system=SYSTEM).words == ()


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


def test_a_date_that_cannot_be_is_refused_later_as_well(store: Store) -> None:
    put(store, Side.LEFT, strikes(Side.LEFT))
    anchored(store, Side.LEFT, -86_400.0, boot=6)
    anchored(store, Side.LEFT, 86_400.0, boot=8)
    session_id = form(store, waiting(store)[0], runner_id="ada", system=SYSTEM).session_id
    store.close()
    for said in ("2126-01-01", "2026-04-30 10:00Z", "2026-05-02 16:28Z"):
        line = evenstride("sessions", "date", session_id, said, "--data", store.folder).error_line(Exit.INPUT)
        assert "it was after 2026-04-30 16:30 UTC and before 2026-05-02 16:30 UTC" in line
    assert evenstride("sessions", "date", session_id, "2026-05-01 16:30Z", "--data", store.folder).code == 0


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
    assert set(here) == set(session_points(store, session_id))  # what `stack verify` holds the database against


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


def test_strides_of_a_session_that_a_gateway_recorded_are_not_imported_again(store: Store) -> None:
    begin(store)
    store.put_pod(pod(LEFT_POD))
    with store.raw_writer("s1", pod(LEFT_POD)) as raw:
        raw.append(frame(500 * RATE_HZ))
        raw.append(frame(700 * RATE_HZ))
    store.apply_strides("s1", [stride(500 * RATE_HZ + 300 * n, 500 * RATE_HZ + 300 * n + 300) for n in range(4)])
    put(store, Side.LEFT, strikes(Side.LEFT, seconds=900.0), boot=BOOT)  # from pod second 500 on
    known = settle_known(store)
    assert known == pytest.approx(200 / 0.7, abs=5)
    (run,) = waiting(store)
    assert run.found.legs[Side.LEFT].start_s == pytest.approx(700.0, abs=1.0)


def test_a_run_that_a_gateway_recorded_in_its_middle_is_imported_before_and_after_it(store: Store) -> None:
    """One boot, one run without a pause: of the four minutes in the middle nothing comes twice, and nothing is lost."""
    begin(store)
    store.put_pod(pod(LEFT_POD))
    low, high = 700 * RATE_HZ, 940 * RATE_HZ
    with store.raw_writer("s1", pod(LEFT_POD)) as raw:
        raw.append(frame(low))
        raw.append(frame(high))
    store.apply_strides("s1", [stride(low + 300 * n, low + 300 * n + 300) for n in range(300)])
    put(store, Side.LEFT, strikes(Side.LEFT, seconds=800.0), boot=BOOT)  # from pod second 500 on
    settle_known(store)
    made = [form(store, run, runner_id="ada", system=SYSTEM) for run in waiting(store)]
    assert [one.lasts_s for one in made] == pytest.approx([200.0, 360.0], abs=3.0)
    assert [(one.lost, one.words) for one in made] == [(0, ()), (0, ())]
    assert all(store.gaps(one.session_id) == [] for one in made)
    inside = [s.stride for one in made for s in store.strides(one.session_id) if low < s.stride.strike_index < high]
    assert inside == []
    assert store.waiting_records() == []
