"""Planted runners from their samples through detector, store and summary to the report: it ends in the right words."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.cli import evenstride
from support.kept import CONFIG, keep
from support.turns import only_bends, session

from evenstride_analysis.context import Ground
from evenstride_analysis.model import Doubt, Measure, Side, Verdict
from evenstride_analysis.simulate import Part, RunnerPlan, Scenario, SensorPlan, even, laps, uneven
from evenstride_analysis.simulate.presets import bend_only
from evenstride_analysis.simulate.wearing import LooseStrap
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.closing import put_ground
from evenstride_gateway.report import render_html
from evenstride_gateway.reporting import report_data
from evenstride_gateway.results import session_summary, system_error
from evenstride_gateway.store import Store

TRACK = laps(2.2, 3.4)


def report_of(store: Store) -> str:
    """What a reader sees, in reading order."""
    page = render_html(report_data(store, "s1", CONFIG, version="test"))
    body = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def test_an_even_runner(store: Store) -> None:
    keep(store, session(even())[0])
    text = report_of(store)
    assert "No unevenness found" in text
    assert "Nothing to correct" in text


def test_an_uneven_runner(store: Store) -> None:
    keep(store, session(uneven(0.12))[0])
    text = report_of(store)
    assert "Uneven: your left foot stays on the ground longer." in text
    assert "even (50 %) is clearly outside" in text


def test_a_runner_in_bends_only(store: Store) -> None:
    keep(store, only_bends(*session(TRACK)))
    text = report_of(store)
    assert "No verdict: this was run in bends." in text
    assert "neither even nor uneven" in text
    assert "the inner and the outer leg do different work" in text
    assert "not measurable" in text
    assert "in bends to the left" in text  # what was measured there stands by itself


def test_a_runner_who_is_uneven_in_bends_only(store: Store) -> None:
    keep(store, session(bend_only(laps=1.5))[0])
    text = report_of(store)
    assert "No unevenness found" in text
    bends = re.search(r"in bends to the left .{20,140}? (5\d\.\d) \(", text)
    assert bends is not None
    assert float(bends[1]) > 52.0  # shown, and not mixed in


def test_a_loose_strap(store: Store) -> None:
    strap = LooseStrap(hertz=16.0, damping=0.1)
    plan = RunnerPlan(parts=(Part(duration_s=60.0, speed_mps=3.5),))
    keep(store, session(Scenario(name="loose", plan=plan, sensor=SensorPlan(strap_right=strap)))[0])
    text = report_of(store)
    assert "No verdict: a pod sat loose on the leg." in text
    assert "the right pod moved on the leg" in text


@pytest.mark.parametrize("side", list(Side))
def test_a_loose_strap_at_an_easy_pace(store: Store, side: Side) -> None:
    """The gentler the run, the less a strap has to ring with."""
    strap = LooseStrap(hertz=12.0, damping=0.15)
    sensor = SensorPlan(strap_left=strap) if side is Side.LEFT else SensorPlan(strap_right=strap)
    keep(store, session(replace(even(60.0, 3.0), sensor=sensor), 3)[0])
    text = report_of(store)
    assert "No verdict: a pod sat loose on the leg." in text
    assert f"the {side.value} pod moved on the leg" in text
    last = [p.symmetry for p in store.symmetry("s1") if p.symmetry.measure is Measure.STANCE][-1]
    assert last.verdict is Verdict.NOT_MEASURABLE  # what page, MQTT and InfluxDB were told while it happened
    assert last.reason.startswith("loose: ")
    folder = store.folder
    store.close()
    shown = evenstride("sessions", "show", "s1", "--data", folder).out
    assert "stance balance: not measurable (loose: " in shown
    assert re.search(rf"{side.value.capitalize()} leg: \d+ % of \d+ running strides doubted \(the pod moves on", shown)
    assert "too many for a verdict" in shown


def test_a_pod_that_is_loose_now_and_then(store: Store) -> None:
    """Planted in every third stride of one leg: the others are not to be trusted either."""
    steps = [
        replace(step, stride=replace(step.stride, doubt=step.stride.doubt | Doubt.LOOSE))
        if step.side is Side.RIGHT and k % 6 in (0, 1)
        else step
        for k, step in enumerate(session(even())[0])
    ]
    keep(store, steps)
    text = report_of(store)
    assert "No verdict: a pod sat loose on the leg." in text
    assert "the right pod moved on the leg in 3" in text
    assert "Fasten the loose pod" in text


def test_a_track_session_in_parts(store: Store) -> None:
    keep(store, session(TRACK)[0])
    put_ground(store, "s1", Ground(track_m=400.0), system_error(CONFIG))
    text = report_of(store)
    assert "2.2 laps of a track, bends to the left (counter-clockwise)" in text
    assert "in bends (reported apart)" in text
    for part in ("on the straights", "in bends to the left", "lap 1", "lap 2"):
        assert part in text
    assert re.search(r"Speed 3\.[34]\d ± 0\.0\d m/s: laps of 400 m", text)


def test_a_bend_does_not_lean_the_stored_symmetry(store: Store) -> None:
    keep(store, session(TRACK)[0])
    last = [p.symmetry for p in store.symmetry("s1") if p.symmetry.measure is Measure.STANCE]
    assert any(point.index is not None for point in last)
    summary = session_summary(store, "s1", system_error(CONFIG))
    assert summary.symmetry[Measure.STANCE].verdict is not Verdict.REAL


def test_the_command_makes_a_speed_comparable(store: Store) -> None:
    keep(store, session(TRACK)[0])
    folder = store.folder
    store.close()
    shown = json.loads(evenstride("sessions", "show", "s1", "--data", folder, "--json").out)
    assert [part["kind"] for part in shown["parts"]] == ["straight", "bend to the left", "lap", "lap"]
    assert (shown["direction"], shown["speed"]["source"]) == ("left", "estimate")
    told = evenstride("sessions", "ground", "s1", "--track", "400", "--data", folder, "--json")
    said = json.loads(told.out)
    assert (said["track_m"], said["speed_source"]) == (400.0, "lap")
    assert said["speed_mps"] == pytest.approx(3.4, abs=2 * said["speed_sd_mps"])
    belt = evenstride("sessions", "ground", "s1", "--treadmill", "3.4", "--data", folder)
    assert "a treadmill at 3.4 m/s" in belt.out
    assert "no laps were found; 3.40 ± 0.07 m/s" in belt.out
    assert evenstride("sessions", "ground", "s1", "--data", folder).code == Exit.INPUT
    assert "expected" in evenstride("sessions", "ground", "s1", "--track", "5", "--data", folder).error_line(Exit.INPUT)
