"""Pods worn as people wear them: the axes are found when the session stops, it runs again, the next one knows."""

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.cli import evenstride
from support.whole_gateway import Run, balanced, gateway_run, play

from evenstride_analysis.frames import turn_between_rad
from evenstride_analysis.model import Measure, Side
from evenstride_analysis.simulate import Scenario, VirtualRunner, even, worn
from evenstride_analysis.simulate.presets import real_pod
from evenstride_analysis.simulate.wearing import Slip
from evenstride_gateway.calibrating import GROSS_RAD, exchanged, find_seats, settle_seats, stored_seats
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import StoreError
from evenstride_gateway.recorder import Seat
from evenstride_gateway.report import render_html
from evenstride_gateway.reporting import report_data
from evenstride_gateway.results import PLACEMENT, session_summary, system_error
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource, SignalSource
from evenstride_gateway.virtual.world import POD_IDS

RUN_S = 45.0


def sent(scenario: Scenario, seconds: float = 60.0) -> tuple[VirtualRunner, Mapping[Side, SignalSource]]:
    runner = VirtualRunner(scenario.plan, scenario.sensor, 1)
    n = round(seconds * NOMINAL_RATE_HZ)
    return runner, {side: RecordingSource(*runner.signals(side, 0, n), NOMINAL_RATE_HZ, repeat=True) for side in Side}


async def streaming(run: Run) -> None:
    await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))


def test_pods_worn_upside_down_are_right_after_the_first_session(tmp_path: Path) -> None:
    runner, signals = sent(worn(upside_down=(Side.LEFT,), duration_s=55.0))

    async def scenario() -> None:
        async with gateway_run(tmp_path, signals=signals) as run:
            await streaming(run)
            await run.start()
            await run.play(RUN_S)
            first = balanced(await run.stop())
            held = {a.side: a for a in run.store.assignments(first.session_id)}
            for side, assignment in held.items():
                assert assignment.rotation_version == 1
                assert turn_between_rad(assignment.rotation, runner.rotation(side)) < 0.2
            told = run.store.session(first.session_id).settings[PLACEMENT]
            assert told == "The pod on the left leg sits upside down: turn it so that its arrow points to the knee."
            sides = {stored.side for stored in run.store.strides(first.session_id)}
            assert sides == set(Side)
            assert stored_seats(run.store).keys() == {(a.pod_id, side) for side, a in held.items()}
            await run.start("Bo")  # the next session begins with what was found
            await run.play(RUN_S)
            live = {stored.side: stored for stored in run.store.strides(run.session_id)}
            assert set(live) == set(Side)
            second = balanced(await run.stop())
            again = {a.side: a for a in run.store.assignments(second.session_id)}
            assert {side: a.rotation for side, a in again.items()} == {side: a.rotation for side, a in held.items()}
            assert "upside down" in run.store.session(second.session_id).settings[PLACEMENT]
            assert len(run.store.calibrations(CalibrationKind.SEAT)) == 2

    play(scenario())


def test_pods_that_nobody_gave_a_leg_find_theirs(tmp_path: Path) -> None:
    _, signals = sent(worn(upside_down=(Side.RIGHT,), duration_s=55.0))

    async def scenario() -> None:
        async with gateway_run(tmp_path, signals=signals, sides={}) as run:
            await streaming(run)
            await run.start()
            await run.play(RUN_S)
            books = await run.stop()
            held = {a.pod_id: a for a in run.store.assignments(books.session_id)}
            assert {pod_id: a.side for pod_id, a in held.items()} == {POD_IDS[side]: side for side in Side}
            assert {stored.side for stored in run.store.strides(books.session_id)} == set(Side)
            assert {p.pod_id: p.side for p in run.store.placements()} == {POD_IDS[side]: side for side in Side}
            said = run.store.session(books.session_id).settings[PLACEMENT]
            assert f"pod {run.left.pod_id} on the left leg" in said
            assert f"pod {run.right.pod_id} on the right leg" in said
            assert "The pod on the right leg sits upside down" in said
            summary = session_summary(run.store, books.session_id, system_error(run.gateway.config.symmetry))
            assert summary.symmetry[Measure.STANCE].index is not None
            assert run.gateway.recorder.sides == {POD_IDS[side]: side for side in Side}
            await run.start("Bo")  # the next session begins with what was found
            await run.play(15.0)
            assert {stored.side for stored in run.store.strides(run.session_id)} == set(Side)
            await run.stop()

    play(scenario())


def test_swapped_pods_are_told(tmp_path: Path) -> None:
    _, signals = sent(worn(duration_s=55.0))

    async def scenario() -> None:
        told = {POD_IDS[side]: side.other for side in Side}
        async with gateway_run(tmp_path, signals=signals, sides=told) as run:
            await streaming(run)
            await run.start()
            await run.play(RUN_S)
            books = await run.stop()
            said = run.store.session(books.session_id).settings[PLACEMENT]
            assert said.startswith(f"The pods are swapped: {run.right.pod_id} was to be on the left leg")
            board = run.gateway.view.snapshot(asyncio.get_running_loop().time())
            assert said in board["warnings"]
            data = report_data(run.store, books.session_id, run.gateway.config.symmetry, version="test")
            assert data.notices == (said,)
            assert PLACEMENT not in data.settings
            assert data.legs_in_doubt == tuple(Side)
            page = render_html(data)
            assert f"<code>evenstride pods swap --session {books.session_id}</code>" in page
            ended.append(books.session_id)

    ended: list[str] = []
    play(scenario())
    (session_id,) = ended
    assert evenstride("pods", "swap", "--session", session_id, "--data", tmp_path).code == 0
    with Store.open(tmp_path, readonly=True) as store:
        data = report_data(store, session_id, load_config(tmp_path).symmetry, version="test")
        assert (data.legs_in_doubt, data.notices) == ((), ())
        assert "swapped" not in render_html(data)
    assert evenstride("pods", "swap", "--session", session_id, "--data", tmp_path).code == 0  # they were right before
    with Store.open(tmp_path, readonly=True) as store:
        data = report_data(store, session_id, load_config(tmp_path).symmetry, version="test")
        assert data.legs_in_doubt == tuple(Side)
        assert data.notices[0].startswith("The pods are swapped")


def test_a_pod_that_turns_in_the_last_minute_is_told_with_its_minute(tmp_path: Path) -> None:
    slip = Slip(turn_rad=(0.0, math.radians(25.0), 0.0), from_s=64.0, until_s=66.0)
    scenario = replace(even(95.0), sensor=replace(real_pod(), slip_right=slip))
    _, signals = sent(scenario, 100.0)

    async def session() -> None:
        async with gateway_run(tmp_path, signals=signals) as run:
            await streaming(run)
            await run.start()
            await run.play(62.0)
            assert "turned by" not in run.page_now()
            await run.play(30.0)
            books = await run.stop()
            said = run.store.session(books.session_id).settings[PLACEMENT]
            assert re.search(r"^The pod on the right leg turned by 2\d° where it sits, from minute 2 on: tighten", said)
            assert "The pod on the right leg turned by" in run.page_now()
            data = report_data(run.store, books.session_id, run.gateway.config.symmetry, version="test")
            assert data.notices == (said,)
            told.append(books.session_id)

    told: list[str] = []
    play(session())
    shown = evenstride("sessions", "show", told[0], "--data", tmp_path)
    assert "The pod on the right leg turned by" in shown.out


def test_pods_that_sit_as_they_are_taken_to_change_nothing_until_asked(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            await run.start()
            await run.play(RUN_S)
            with pytest.raises(StoreError, match="is not ended"):
                settle_seats(
                    run.store, run.session_id, system_error(run.gateway.config.symmetry), made_at=datetime.now(UTC)
                )
            books = balanced(await run.stop())
            assert {a.rotation_version for a in run.store.assignments(books.session_id)} == {0}
            assert PLACEMENT not in run.store.session(books.session_id).settings
            assert run.store.calibrations(CalibrationKind.SEAT) == []
            found = find_seats(run.store, books.session_id)
            assert all(seat.turn_rad is not None and seat.turn_rad < GROSS_RAD for seat in found)
            play_id.append(books.session_id)

    play_id: list[str] = []
    play(scenario())
    (session_id,) = play_id
    done = evenstride("calibrate", "--session", session_id, "--data", tmp_path)
    assert done.code == 0, done
    assert "degrees" in done.out
    with Store.open(tmp_path, readonly=True) as store:
        assert {a.rotation_version for a in store.assignments(session_id)} == {1}
        assert {a.rotation_version for a in store.assignment_history(session_id)} == {0, 1}


def test_exchanged_pods_take_each_others_seats() -> None:
    left, right = Seat(rotation=(1.0,) * 9, version=3), Seat(rotation=(2.0,) * 9, version=4)
    seats = {("A", Side.LEFT): left, ("B", Side.RIGHT): right}
    assert exchanged(seats, {"A": Side.LEFT, "B": Side.RIGHT}) == {("A", Side.RIGHT): right, ("B", Side.LEFT): left}
    assert exchanged(seats, {"A": Side.LEFT}) == {}
    assert exchanged({}, {"A": Side.LEFT, "B": Side.RIGHT}) == {}
