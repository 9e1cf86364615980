"""The report's words on the runner's own normal, on impact, flight and stiffness; and they fit the page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import weasyprint
from support.seasons import add_session
from support.store_data import LEFT_POD, frame, pod

from evenstride_analysis.mechanics import cumulative_impact, mechanics
from evenstride_analysis.model import Doubt, Side
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.report import ReportData, render_html
from evenstride_gateway.report.moving import impact_json, impact_lines, mechanics_json, mechanics_line
from evenstride_gateway.reporting import moved, report_data
from evenstride_gateway.store import Mass, Store


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """The seventh session of a runner, clearly apart from the six before, one minute long."""
    folder: Path = tmp_path_factory.mktemp("season")
    with Store.open(folder) as store:
        for day, index in enumerate((0.010, 0.016, 0.004, 0.012, 0.020, 0.008)):
            add_session(store, day, index=index)
        session_id = add_session(store, 7, index=0.09, strides=90)
        with store.raw_writer(session_id, pod(LEFT_POD)) as raw:
            raw.append(frame(0))
        store.put_mass("anna", Mass(mass_kg=62.0, mass_sd_kg=1.0))
        return report_data(store, session_id, SymmetryConfig(), version="0")


def test_the_page_shows_the_change_with_its_band(data: ReportData) -> None:
    page = render_html(data)
    assert "Against your own normal" in page
    assert '<span class="badge c-changed">changed</span>' in page
    assert "6 earlier runs at this pace put your own 95 % band at" in page
    assert "Earlier runs, own band and this run: changed" in page
    assert "These are judged at 99 %" in page


def test_the_page_says_how_impact_was_measured(data: ReportData) -> None:
    page = render_html(data)
    assert "gravity included" in page
    assert "416 Hz, range ±16 g" in page
    assert "not the load of a bone" in page
    assert "vertical stiffness" in page


def test_the_sheet_with_the_verdicts_holds_it(data: ReportData) -> None:
    document: Any = weasyprint.HTML(string=render_html(replace(data, summary=replace(data.summary, parts=()))))
    assert len(document.render().pages) <= 2


def test_without_a_baseline_there_is_no_empty_card(data: ReportData) -> None:
    assert "Against your own normal" not in render_html(replace(data, changes=()))


def test_clipped_and_slow_pods_are_said(data: ReportData) -> None:
    steps = [
        replace(step, stride=replace(step.stride, doubt=Doubt.CLIPPED)) if k % 10 == 0 else step
        for k, step in enumerate(data.steps)
    ]
    sums = [cumulative_impact(steps, side) for side in Side]
    legs = {side: replace(leg, n_clipped=9) for side, leg in data.summary.legs.items()}
    lines = impact_lines(replace(data.summary, legs=legs), [pod()], sums)
    assert "9 of 90 left" in lines[1]
    assert "left at least" in lines[2]
    assert impact_lines(data.summary, [pod(rate_hz=104.0)], sums) == [
        "Impact: not measurable; it needs 199 Hz or more, and 104 Hz, range ±16 g was used."
    ]
    said = impact_json(data.summary, [pod()], sums)
    assert (said["measurable"], said["cumulative"]["left"]["at_least"]) == (True, True)
    assert said["pods"][0] == {"pod": LEFT_POD, "rate_hz": 416.0, "range_g": 16.0}


def test_stiffness_comes_with_its_error_or_with_the_reason(data: ReportData) -> None:
    assert data.mechanics is not None
    line = mechanics_line(data.mechanics)
    assert line.startswith("Flight ")
    assert "kN/m (Morin 2005" in line
    assert mechanics_json(data.mechanics)["vertical_stiffness_knpm"]["sd"] > 0
    without = mechanics_line(moved(data.steps, None))
    assert "vertical stiffness is not given: the runner's mass is not known" in without
    blind = mechanics([replace(step, flight_s=None) for step in data.steps])
    assert mechanics_line(blind) == "Flight withheld: the two pods' clocks are not known to agree within 10 ms."
