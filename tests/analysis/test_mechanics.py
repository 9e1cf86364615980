"""Flight, duty factor, stiffness and cumulative impact: the formulas, their errors, and when they are withheld."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.steps import made_run, made_step, made_stride

from evenstride_analysis.mechanics import (
    cumulative_impact,
    duty_factor,
    mechanics,
    stiffness_with_error,
    vertical_stiffness,
)
from evenstride_analysis.model import Doubt, Gait, Side, Step

times = st.floats(0.15, 0.35)
flights = st.floats(0.04, 0.2)


def a_run(n: int = 60, *, flight_s: float | None = 0.10, system_s: float | None = 0.004) -> list[Step]:
    rng = np.random.default_rng(1)
    steps = made_run(rng.normal(0.25, 0.004, n).tolist(), rng.normal(0.25, 0.004, n).tolist())
    return [
        replace(s, flight_s=flight_s, stride=replace(s.stride, stance_system_sd_s=system_s, stance_sd_s=0.006))
        for s in steps
    ]


def test_the_published_formulas() -> None:
    mass, stance, flight = 70.0, 0.25, 0.10
    force = mass * 9.80665 * math.pi / 2 * (flight / stance + 1)
    dip = force * stance**2 / (mass * math.pi**2) - 9.80665 * stance**2 / 8
    assert vertical_stiffness(stance, flight, mass) == pytest.approx(force / dip)
    assert duty_factor(stance, flight) == pytest.approx(0.25 / 0.70)


@given(times, flights, st.floats(40, 110))
def test_the_error_is_that_of_small_changes(stance: float, flight: float, mass: float) -> None:
    h = 1e-6
    by_event = (vertical_stiffness(stance + h, flight - h, mass) - vertical_stiffness(stance - h, flight + h, mass)) / (
        2 * h
    )
    by_flight = (vertical_stiffness(stance, flight + h, mass) - vertical_stiffness(stance, flight - h, mass)) / (2 * h)
    found = stiffness_with_error(stance, flight, mass, event_sd_s=0.004, mass_sd_kg=1.0, other_sd_s=0.002)
    wanted = math.hypot(by_event * 0.004, by_flight * 0.002, found.value / mass)
    assert found.sd == pytest.approx(wanted, rel=1e-4)


def test_the_error_is_that_of_simulated_errors() -> None:
    rng = np.random.default_rng(3)
    events, masses = rng.normal(0, 0.004, 20000), rng.normal(70, 1.5, 20000)
    spread = np.std([vertical_stiffness(0.25 + e, 0.10 - e, m) for e, m in zip(events, masses, strict=True)])
    found = stiffness_with_error(0.25, 0.10, 70.0, event_sd_s=0.004, mass_sd_kg=1.5)
    assert found.sd == pytest.approx(float(spread), rel=0.05)


def test_a_session_gives_all_with_errors() -> None:
    found = mechanics(a_run(), mass_kg=70.0, mass_sd_kg=1.0)
    assert found.withheld == ""
    assert found.stance_s is not None
    assert found.flight_s is not None
    assert found.duty_factor is not None
    assert found.stiffness_npm is not None
    assert found.flight_s.sd == pytest.approx(0.004, abs=2e-4)
    assert found.duty_factor.value == pytest.approx(0.357, abs=0.003)
    assert found.stiffness_npm.value == pytest.approx(vertical_stiffness(0.25, 0.10, 70), rel=0.02)
    assert 0.015 < found.stiffness_npm.sd / found.stiffness_npm.value < 0.08


def test_without_a_system_error_the_strides_own_error_stands() -> None:
    found = mechanics(a_run(system_s=None), mass_kg=70.0)
    assert found.flight_s is not None
    assert found.flight_s.sd == pytest.approx(0.006, abs=2e-4)


def test_what_cannot_be_said_is_withheld_with_its_reason() -> None:
    assert "clocks" in mechanics(a_run(flight_s=None)).withheld
    assert "too few flights" in mechanics(a_run(10)).withheld
    assert "mass" in mechanics(a_run()).withheld
    assert mechanics(a_run()).duty_factor is not None
    short = mechanics(a_run(flight_s=0.006), mass_kg=70.0)
    assert "not clear of its error" in short.withheld
    assert short.stiffness_npm is None
    with pytest.raises(ValueError, match="must be positive"):
        vertical_stiffness(0.25, 0.0, 70.0)


def test_cumulative_impact_counts_what_it_lacks() -> None:
    strides = [
        made_stride(0.0),
        made_stride(0.7, doubt=Doubt.CLIPPED),
        made_stride(1.4, impact_mps2=None),
        made_stride(2.1, gait=Gait.WALK),
    ]
    steps = [made_step(Side.LEFT, stride) for stride in strides] + [made_step(Side.RIGHT, made_stride(2.4))]
    left, right = cumulative_impact(steps, Side.LEFT), cumulative_impact(steps, Side.RIGHT)
    assert (left.n_steps, left.n_unmeasured, left.n_clipped, left.at_least) == (3, 1, 1, True)
    assert (left.resultant_mps2, left.axial_mps2) == pytest.approx((200.0, 140.0))
    assert (right.n_steps, right.at_least) == (1, False)
