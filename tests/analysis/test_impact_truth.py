"""Shocks of known size: how large the impact path says they are, at every rate, and what a short range does."""

import numpy as np
import pytest
from support.steps import made_run

from evenstride_analysis.model import Doubt, Measure, Verdict
from evenstride_analysis.strides.impact import LOWEST_RATE_HZ
from evenstride_analysis.study.impact import (
    Shock,
    ShockRow,
    clipped_index,
    impact_markdown,
    sampled_peaks,
    shock_rows,
    true_peaks,
    virtual_rows,
)
from evenstride_analysis.symmetry import symmetry, system_of
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2


@pytest.fixture(scope="module")
def rows() -> list[ShockRow]:
    return shock_rows(shocks=80)


def test_the_truth_holds_gravity_and_knows_its_filter() -> None:
    slow = Shock(width_s=0.060, axial_mps2=50.0, forward_share=0.0)
    axial, resultant = true_peaks(slow)
    assert axial == pytest.approx(50.0 + STANDARD_GRAVITY_MPS2, rel=0.02)  # so slow that the filter leaves it
    assert resultant == pytest.approx(axial)
    fast = Shock(width_s=0.005, axial_mps2=50.0, forward_share=0.5)
    axial, resultant = true_peaks(fast)
    assert axial < 0.7 * 50.0 + STANDARD_GRAVITY_MPS2
    assert resultant > axial


def test_peaks_are_right_where_the_product_calls_them_measured(rows: list[ShockRow]) -> None:
    for row in rows:
        if row.rate_hz >= 416.0:
            assert abs(row.axial_bias) < 0.025
            assert abs(row.resultant_bias) < 0.025
            assert row.axial_worst < 0.04
        elif row.rate_hz >= LOWEST_RATE_HZ:
            assert abs(row.axial_bias) < 0.08  # a shock of 10 ms is at the end of what 208 Hz can tell
            assert row.axial_worst < 0.13


def test_a_hundred_hertz_would_be_a_third_wrong(rows: list[ShockRow]) -> None:
    slow = next(row for row in rows if (row.rate_hz, row.width_s) == (100.0, 0.010))
    assert slow.axial_worst > 0.3


def test_a_clipped_shock_reads_low_and_is_known() -> None:
    shock = Shock(width_s=0.015, axial_mps2=25.0 * STANDARD_GRAVITY_MPS2, forward_share=0.0)
    rng = np.random.default_rng(1)
    axial, _, clipped = sampled_peaks(shock, rate_hz=416.0, range_g=16.0, phase=0.3, rng=rng)
    whole, _, free = sampled_peaks(shock, rate_hz=416.0, range_g=32.0, phase=0.3, rng=rng)
    assert (clipped, free) == (True, False)
    assert axial < 0.8 * true_peaks(shock)[0]
    assert whole == pytest.approx(true_peaks(shock)[0], rel=0.02)


def test_an_index_from_clipped_peaks_would_hide_the_harder_leg() -> None:
    short, wide = clipped_index(range_g=16.0), clipped_index(range_g=32.0)
    assert abs(short.found) < 0.6 * abs(short.planted)
    assert wide.found == pytest.approx(wide.planted, abs=0.01)
    page = impact_markdown(shock_rows(shocks=20, rates_hz=(208.0,)), [short, wide])
    assert "not measurable: clipped" in page
    assert page.count("| measured |") == 4


def test_the_whole_detector_on_a_virtual_runner() -> None:
    rows = virtual_rows(rates_hz=(208.0, 416.0), impacts_hz=(25.0,), seconds=12.0)
    assert all(row.shocks > 30 and abs(row.axial_bias) < 0.02 and row.axial_worst < 0.06 for row in rows)
    page = impact_markdown(shock_rows(shocks=5, rates_hz=(416.0,)), [], rows)
    assert "| 25 Hz | 416 Hz |" in page


def test_the_product_refuses_that_index() -> None:
    steps = made_run([0.25] * 60, [0.25] * 60)
    hard = [s for s in steps if s.side == "left"][::5]
    for step in hard:
        object.__setattr__(step.stride, "doubt", Doubt.CLIPPED)
    found = symmetry(steps, Measure.IMPACT, t_s=50.0, system=system_of())
    assert found.verdict is Verdict.NOT_MEASURABLE
    assert "12 of 60 left strides reach the sensor's range" in found.reason
    assert symmetry(steps, Measure.STANCE, t_s=50.0, system=system_of()).verdict is not Verdict.NOT_MEASURABLE
