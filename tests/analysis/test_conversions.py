from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenstride_analysis.conversions import (
    CONVERSIONS,
    COROS,
    GARMIN,
    RULE,
    ZONES,
    Conversion,
    conversions_markdown,
    converted,
    normalised_index_percent,
    sees_well,
    zones_of,
)
from evenstride_analysis.model import Measure, Symmetry, Verdict

PAGE = Path(__file__).resolve().parents[2] / "docs" / "symmetry.md"


def found(index: float | None, half: float = 0.05) -> Symmetry:
    return Symmetry(
        measure=Measure.STANCE,
        t_s=60.0,
        index=index,
        low=None if index is None else index - half,
        high=None if index is None else index + half,
        n_pairs=80,
        verdict=Verdict.NOT_MEASURABLE if index is None else Verdict.WITHIN_NOISE,
        reason="",
        method="rules-1",
    )


def test_the_page_holds_the_tables_of_the_code() -> None:
    assert conversions_markdown() in PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("left", "right", "shown"),
    [
        (
            260.0,
            240.0,
            (8.0, 52.0, 100 * 240 / 260, 100 * (45.0 - np.degrees(np.arctan(260 / 240))) / 90, 100 * 20 / 260),
        ),
        (200.0, 250.0, (-22.2222, 44.4444, 125.0, 100 * (45.0 - np.degrees(np.arctan(0.8))) / 90, -20.0)),
        (250.0, 250.0, (0.0, 50.0, 100.0, 0.0, 0.0)),
    ],
)
def test_every_formula_from_the_legs_themselves(left: float, right: float, shown: tuple[float, ...]) -> None:
    index = (left - right) / (0.5 * (left + right))
    assert [c.convert(index) for c in CONVERSIONS] == pytest.approx(shown, abs=1e-4)


@given(st.floats(-1.5, 1.5), st.sampled_from(CONVERSIONS))
def test_there_and_back(index: float, conversion: Conversion) -> None:
    assert conversion.back(conversion.convert(index)) == pytest.approx(index, abs=1e-9)
    assert conversion.convert(0.0) == pytest.approx(conversion.even)


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.2))
def test_an_interval_converts_with_its_value(index: float, half: float) -> None:
    for one in converted(found(index, half)):
        assert one.low <= one.value <= one.high


def test_zifchock_is_about_a_third_of_the_index() -> None:
    angle = next(c for c in CONVERSIONS if "angle" in c.name)
    assert angle.convert(0.04) == pytest.approx(-0.318 * 4.0, abs=0.01)


@pytest.mark.parametrize(
    ("balance", "names"),
    [
        (50.0, ("inside", "green", "green")),
        (50.7, ("inside", "green", "yellow")),
        (48.5, ("inside", "orange", "yellow")),
        (52.2, ("beyond", "orange", "orange")),
        (47.7, ("beyond", "red", "orange")),
    ],
)
def test_zones_are_the_same_on_both_sides(balance: float, names: tuple[str, ...]) -> None:
    assert tuple(zones.zone(balance) for zones in ZONES) == names
    assert tuple(zones.zone(100.0 - balance) for zones in ZONES) == names


def test_a_zone_is_never_said_without_those_that_the_error_allows() -> None:
    touched = {zones.tool: within for zones, _, within in zones_of(found(0.04, 0.05))}  # 51.0 %, 49.75 to 52.25
    assert touched[RULE.tool] == ("inside", "beyond")
    assert touched[GARMIN.tool] == ("green", "orange", "red")
    assert touched[COROS.tool] == ("green", "yellow", "orange")
    assert GARMIN.zones_within(51.0, 52.0) == ("orange",)
    assert GARMIN.zones_within(47.0, 49.5) == ("green", "orange", "red")
    assert zones_of(found(None)) == []
    assert converted(found(None)) == []


def test_the_normalised_index_is_held_down_by_scatter() -> None:
    lefts, rights = np.full(40, 0.26), np.full(40, 0.24)
    still = normalised_index_percent(lefts, rights)
    assert still == pytest.approx(100 * 0.02 / 0.26)
    lefts[::2] += 0.01
    lefts[1::2] -= 0.01
    assert 0.0 < normalised_index_percent(lefts, rights) < still


def test_no_difference_is_good_news_only_where_a_small_one_could_be_seen() -> None:
    assert sees_well(-0.07, 0.08)  # 1.9 points of the balance to either side
    assert not sees_well(-0.08, 0.09)
    assert not sees_well(None, None)
