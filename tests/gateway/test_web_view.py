"""The live view: SI in, ms and g and % out; means over clean running strides; ages by the caller's clock."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.fake_gateway import POD, STRIDE_S, stride, symmetry

from evenstride_analysis.model import Doubt, Gait, Measure, Side, Step, Surface, Verdict
from evenstride_gateway.link.source import LinkState
from evenstride_gateway.web.board import Recording
from evenstride_gateway.web.view import LiveView, PodReading
from evenstride_gateway.web.words import finding


def put(view: LiveView, n: int, *, side: Side = Side.LEFT, stance_s: float = 0.24, **other: Any) -> float:
    strike_s = n * STRIDE_S
    view.on_stride(side, stride(side, n, strike_s, stance_s=stance_s, impact_g=8.0, **other), strike_s)
    return strike_s + STRIDE_S


def test_units_and_the_mean_of_clean_running_strides() -> None:
    view = LiveView()
    for n in range(40):
        put(view, n, stance_s=0.200 if n < 10 else 0.240)
    put(view, 40, stance_s=0.9, doubt=Doubt.CLIPPED | Doubt.GAP)
    end_s = put(view, 41, stance_s=0.5, gait=Gait.WALK)
    board = view.snapshot(end_s + 2.0)
    leg = board["legs"][Side.LEFT]
    assert leg["stance_ms"] == 500.0
    assert leg["stance_mean_ms"] == 240.0
    assert leg["impact_axial_mean_g"] == 8.0
    assert (leg["n_mean"], leg["n_strides"], leg["age_s"]) == (30, 42, 2.0)
    assert board["gait"] == Gait.WALK
    assert board["cadence_spm"] == pytest.approx(120 / STRIDE_S, abs=0.1)
    strip = board["strips"][Side.LEFT]
    assert strip["doubted"][-3:] == [False, True, False]
    assert strip["walking"] == [False] * (len(strip["walking"]) - 1) + [True]
    assert strip["stance_mean_ms"][0] == 200.0
    json.dumps(board, allow_nan=False)


def test_a_delta_holds_each_change_once_and_the_snapshot_everything() -> None:
    view = LiveView()
    put(view, 1)
    put(view, 2)
    assert view.delta(3.0)["strips"][Side.LEFT]["n"] == [1, 2]
    put(view, 2, stance_s=0.25)  # its second version
    again = view.delta(3.0)["strips"][Side.LEFT]
    assert (again["n"], again["stance_ms"]) == ([2], [250.0])
    assert view.delta(3.0)["strips"][Side.LEFT]["n"] == []
    assert view.snapshot(3.0)["strips"][Side.LEFT]["stance_ms"] == [240.0, 250.0]
    assert view.snapshot(3.0)["legs"][Side.LEFT]["n_strides"] == 2


def test_a_late_stride_takes_its_place_and_old_ones_leave() -> None:
    view = LiveView()
    for n in (1, 3, 2, 200):
        put(view, n)
    times = view.snapshot(200 * STRIDE_S)["strips"][Side.LEFT]["t_s"]
    assert times == sorted(times)
    assert len(times) == 1  # 120 s later the first ones are history
    assert view.delta(200 * STRIDE_S)["strips"][Side.LEFT]["n"] == [4]


def test_both_legs_may_doubt_what_one_did_not() -> None:
    view = LiveView()
    put(view, 1)
    made = stride(Side.LEFT, 1, STRIDE_S, stance_s=0.24, impact_g=None)
    step = Step(
        stride=made,
        t_s=STRIDE_S,
        side=Side.LEFT,
        gait=Gait.RUN,
        surface=Surface.UNKNOWN,
        flight_s=None,
        alternates=False,
    )
    view.on_step(step)
    leg = view.snapshot(2.0)["legs"][Side.LEFT]
    assert (leg["doubt"], leg["stance_mean_ms"], leg["impact_axial_g"]) == (("alternation",), None, None)


def test_the_words_of_each_verdict() -> None:
    real = finding(symmetry(Verdict.REAL, -0.06), age_s=None)
    assert (real.headline, real.shown, real.interval) == ("Longer on the right", "51.5", "50.9 to 52.1 %")
    assert real.detail == "95 % interval 50.9 to 52.1 % on the right · 30 pairs"
    assert real.left_percent == 48.5
    possible = finding(symmetry(Verdict.POSSIBLE, 0.1, measure=Measure.IMPACT_AXIAL), age_s=None)
    assert possible.headline == "Possibly harder on the left"
    assert finding(symmetry(Verdict.WITHIN_NOISE, 0.01), age_s=None).headline == "Even, within noise"
    wide = finding(symmetry(Verdict.WITHIN_NOISE, 0.01, half=0.09), age_s=None)
    assert wide.headline == "No difference seen (only a large one could be)"
    assert wide.shown == "50.2"
    unknown = finding(symmetry(Verdict.NOT_MEASURABLE, reason="12 of 20 strides yet"), age_s=None)
    assert (unknown.headline, unknown.detail) == ("Not measurable", "12 of 20 strides yet")
    assert (unknown.shown, unknown.left_percent) == ("", None)
    assert (finding(None, age_s=None).verdict, finding(None, age_s=None).headline) == (
        Verdict.NOT_MEASURABLE,
        "Not measurable yet",
    )


def test_a_new_session_begins_with_an_empty_board() -> None:
    view = LiveView()
    put(view, 1)
    view.on_symmetry(symmetry(Verdict.REAL, 0.1))
    before = view.snapshot(2.0)["epoch"]
    at = datetime(2026, 5, 3, 8, 0, tzinfo=UTC)
    view.on_session(Recording.RECORDING, session_id="s1", runner="Ana", started_at=at, started_s=10.0)
    board = view.snapshot(72.5)
    assert board["epoch"] == before + 1
    assert board["legs"][Side.LEFT]["n_strides"] == 0
    assert board["balance"]["detail"] == "no strides yet"
    assert board["session"] == {
        "state": "recording",
        "session_id": "s1",
        "runner": "Ana",
        "started_at": "2026-05-03T08:00:00+00:00",
        "elapsed_s": 62.5,
    }
    view.on_session(Recording.IDLE, session_id="s1", runner="Ana")
    assert view.snapshot(80.0)["epoch"] == before + 1


def reading(side: Side, **other: Any) -> PodReading:
    values: dict[str, Any] = {"pod_id": POD[side], "side": side, "state": LinkState.STREAMING, "received": 1000}
    return PodReading(**(values | other))


def test_pods_and_what_is_said_about_them() -> None:
    view = LiveView()
    view.on_pod(reading(Side.RIGHT, battery_percent=12.0, rssi_dbm=-74, last_arrival_s=8.0, clock_bound_s=0.02))
    view.on_pod(reading(Side.LEFT, missing=250, backfilled=40, refused="it speaks protocol 2"))
    view.on_warning("disk", "The disk is nearly full.")
    board = view.snapshot(10.0)
    left, right = board["pods"]
    assert (left["side"], left["missing_percent"], left["backfilled"], left["age_s"]) == (Side.LEFT, 20.0, 40, None)
    assert (right["signal_bars"], right["age_s"], right["clock_bound_ms"]) == (3, 2.0, 20.0)
    assert board["data_age_s"] == 2.0
    assert board["warnings"] == [
        "Left pod E4A1-07 is not used: it speaks protocol 2.",
        "Left pod E4A1-07: 20 % of the samples are missing so far.",
        "Right pod E4A1-12: battery at 12 %. Charge it soon.",
        "Right pod E4A1-12: its clock is known only to ±20 ms. Flight time is withheld.",
        "The disk is nearly full.",
    ]
    view.on_warning("disk", "")
    view.on_pod_gone(POD[Side.LEFT])
    assert len(view.snapshot(10.0)["warnings"]) == 2


def test_two_pods_on_one_leg_are_named() -> None:
    view = LiveView()
    view.on_pod(reading(Side.LEFT))
    view.on_pod(reading(Side.LEFT, pod_id="E4A1-99"))
    expected = "Pods E4A1-07 and E4A1-99 both claim the left leg: assign one to the other leg."
    assert view.snapshot(1.0)["warnings"] == [expected]


def test_nothing_is_running_when_nothing_comes() -> None:
    view = LiveView()
    end_s = put(view, 1)
    put(view, 1, side=Side.RIGHT)
    assert view.snapshot(end_s + 1.0)["cadence_spm"] is not None
    later = view.snapshot(end_s + 20.0)
    assert (later["cadence_spm"], later["gait"]) == (None, None)
    assert later["balance"]["age_s"] == 20.0


def test_numbers_that_are_none_stay_none() -> None:
    view = LiveView()
    put(view, 1, stance_s=float("nan"))
    json.dumps(view.snapshot(2.0), allow_nan=False)
    assert view.snapshot(2.0)["legs"][Side.LEFT]["stance_ms"] is None
    assert asdict(finding(None, age_s=None))["left_percent"] is None


def test_strides_go_with_their_pod_to_the_other_leg() -> None:
    view = LiveView()
    end_s = 0.0
    for n in range(3):
        put(view, n, stance_s=0.20)
        end_s = put(view, n, side=Side.RIGHT, stance_s=0.30)
    view.on_symmetry(symmetry(Verdict.REAL, 0.09))
    before = view.delta(end_s)
    view.on_legs({POD[Side.LEFT]: Side.RIGHT, POD[Side.RIGHT]: Side.LEFT})
    board = view.delta(end_s)
    assert board["epoch"] > before["epoch"]
    assert board["balance"]["verdict"] == Verdict.NOT_MEASURABLE
    assert board["strips"][Side.LEFT]["stance_ms"] == [300.0] * 3
    assert board["legs"][Side.RIGHT]["stance_mean_ms"] == 200.0
    view.on_legs({POD[Side.LEFT]: Side.LEFT})  # the other one sits nowhere
    board = view.delta(end_s)
    assert [board["legs"][side]["n_strides"] for side in Side] == [3, 0]


def test_a_pod_that_streams_without_a_leg_is_a_warning() -> None:
    view = LiveView()
    view.on_pod(PodReading(pod_id="E4A1-07", state=LinkState.STREAMING))
    view.on_pod(PodReading(pod_id="E4A1-12", state=LinkState.CONNECTING))
    (said,) = view.snapshot(1.0)["warnings"]
    assert said.startswith("Pod E4A1-07 streams, but on which leg?")
