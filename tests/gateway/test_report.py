"""The report: a reader of the first lines answers rightly, names are text, the file stands alone and stays small."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import weasyprint

from evenstride_analysis.model import (
    SIX_AXES,
    Doubt,
    Gait,
    Measure,
    PodInfo,
    Session,
    Side,
    Step,
    Stride,
    Surface,
    Verdict,
)
from evenstride_analysis.summary import summarise
from evenstride_analysis.symmetry import system_of
from evenstride_gateway.report import PodFigures, ReportData, render_html, render_pdf
from evenstride_gateway.report.words import front_page

START = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
SYSTEM = system_of()


def step(side: Side, t_s: float, stance_s: float, impact_mps2: float, *, doubt: Doubt) -> Step:
    stride = Stride(
        pod_id=side.value,
        boot_id=1,
        strike_index=round(t_s * 416),
        end_index=round((t_s + 0.7) * 416),
        strike_s=t_s,
        toe_off_s=t_s + stance_s,
        end_s=t_s + 0.7,
        stance_sd_s=0.004,
        impact_axial_mps2=0.8 * impact_mps2,
        impact_mps2=impact_mps2,
        loading_mps3=None,
        swing_peak_radps=9.0,
        heading_rad=None,
        gait=Gait.RUN,
        method="rules-1",
        doubt=doubt,
    )
    return Step(
        stride=stride, t_s=t_s, side=side, gait=Gait.RUN, surface=Surface.UNKNOWN, flight_s=0.1, alternates=True
    )


def report(*, si: float = 0.0, duration_s: float = 90.0, clipped: bool = False, name: str = "Ada") -> ReportData:
    rng = np.random.default_rng(4)
    doubt = Doubt.CLIPPED if clipped else Doubt(0)
    steps: list[Step] = []
    for k in range(int((duration_s - 1) / 0.35)):
        side = (Side.LEFT, Side.RIGHT)[k % 2]
        stance_s = 0.25 * (1 + (si / 2 if side is Side.LEFT else -si / 2)) + rng.normal(0, 0.004)
        steps.append(step(side, k * 0.35, stance_s, 90 + rng.normal(0, 8), doubt=doubt))
    pods = tuple(
        PodFigures(
            info=PodInfo(
                pod_id=f"ES-{side.value}",
                firmware="1.0.0",
                hardware="virtual",
                channels=SIX_AXES,
                scales=(1.0,) * 6,
                rate_hz=416.0,
                tick_hz=32768.0,
                accel_range_mps2=156.9,
                gyro_range_radps=34.9,
            ),
            side=side,
            stored=int(duration_s * 416),
            lost_by_host=17,
            gaps=1,
            clock_bound_s=0.001,
        )
        for side in Side
    )
    return ReportData(
        session=Session(session_id="s1", runner_id="r1", started_at=START),
        runner_name=name,
        summary=summarise(steps, duration_s=duration_s, system=SYSTEM),
        steps=tuple(steps),
        pods=pods,
        system=SYSTEM,
        software="0.1.0",
        made_at=START + timedelta(hours=2),
    )


CASES = {
    "even": (report(), "even", "No unevenness found", "No difference found", "Nothing to correct", "four to six weeks"),
    "uneven": (report(si=0.12), "real", "Uneven: your left foot", "Yes: longer on the left, 53", "repeat it", "a week"),
    "right": (report(si=-0.12), "real", "Uneven: your right foot", "Yes: longer on the right, 53", "repeat", "a week"),
    "perhaps": (report(si=0.05), "possible", "Perhaps uneven", "Perhaps: longer on the left", "Repeat", "two weeks"),
    "clipped": (
        report(clipped=True),
        "partly",
        "No unevenness found in the time on the ground",
        "No difference found",
        "wider range",
        "four to six weeks",
    ),
    "short": (
        report(duration_s=5.0),
        "unknown",
        "No verdict: the run was too short",
        "cannot tell",
        "again",
        "As soon",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_page_answers_the_four_questions(name: str) -> None:
    data, tone, headline, uneven, now, again = CASES[name]
    front = front_page(data.summary, accel_range_g=16.0)
    assert front.tone == tone
    assert front.headline.startswith(headline)
    assert uneven in front.findings[0].uneven
    assert now in " ".join(front.now)
    assert again in front.again
    page = render_html(data)
    assert front.headline in page
    assert "not been shown to predict injury" in page


def test_every_figure_stands_beside_its_error() -> None:
    front = front_page(CASES["uneven"][0].summary)
    symmetry = CASES["uneven"][0].summary.symmetry[Measure.STANCE]
    assert symmetry.low is not None
    assert f"{50 + 25 * symmetry.low:.1f} and" in front.findings[0].real
    assert "±" in front.rule


def test_the_52_percent_rule_is_held_against_the_interval() -> None:
    assert "inside the line, error included" in front_page(report().summary).rule
    assert "line lies within the error" in front_page(report(si=0.08).summary).rule
    assert "beyond the line" in front_page(report(si=0.25).summary).rule


def test_an_impact_that_is_refused_does_not_hide_an_even_stance() -> None:
    summary = report().summary
    refused = replace(
        summary.symmetry[Measure.IMPACT],
        index=None,
        low=None,
        high=None,
        verdict=Verdict.NOT_MEASURABLE,
        reason="clipped: 9 of 99 left strides reach the sensor's range",
    )
    front = front_page(replace(summary, symmetry={**summary.symmetry, Measure.IMPACT: refused}), accel_range_g=16.0)
    assert front.tone == "partly"
    assert "Impact could not be judged" in front.subline
    assert any("wider range (these end at ±16 g)" in line for line in front.now)


def test_an_even_stance_that_only_a_large_difference_would_have_moved_says_so() -> None:
    summary = report().summary
    assert front_page(summary).headline == "No unevenness found in the time on the ground."
    wide = replace(summary.symmetry[Measure.STANCE], low=-0.10, high=0.09)
    front = front_page(replace(summary, symmetry={**summary.symmetry, Measure.STANCE: wide}))
    assert front.headline.endswith("but only a large one could be seen.")
    assert front.tone == "partly"
    assert "points cannot be seen here" in front.findings[0].real


def test_pods_that_look_swapped_are_said_under_the_headline() -> None:
    data = CASES["uneven"][0]
    assert "swapped" not in render_html(data)
    page = render_html(replace(data, legs_in_doubt=tuple(Side)))
    places = [page.index(text) for text in ("your left foot", "The pods look swapped", "Am I uneven?")]
    assert places == sorted(places)
    assert "where this page says left, right may be meant" in page
    assert "<code>evenstride pods swap --session s1</code>" in page
    assert "press Swap legs on the live page" in page
    document: Any = weasyprint.HTML(string=page)
    assert len(document.render().pages) == 1


def test_one_pod_that_sits_like_the_other_leg_s_is_named() -> None:
    page = render_html(replace(report(si=0.12), legs_in_doubt=(Side.RIGHT,)))
    assert "The pods may be swapped" in page
    assert "The right pod sat the way one sits on the left leg; the other pod did not." in page
    assert "If that pod sat on the outer side" in page


def test_names_are_text_and_nothing_is_fetched() -> None:
    page = render_html(report(name="<script>alert(1)</script>"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for mark in ('src="', "@import", "url(http", "<link"):
        assert mark not in page


def test_a_pdf_is_one_page() -> None:
    for name in ("uneven", "clipped"):
        html = render_html(CASES[name][0])
        document: Any = weasyprint.HTML(string=html)
        assert len(document.render().pages) == 1
        assert render_pdf(html).startswith(b"%PDF")


def test_an_hour_stays_small() -> None:
    assert len(render_html(report(duration_s=3600.0)).encode()) <= 400_000
