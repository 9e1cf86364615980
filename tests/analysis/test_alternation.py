"""One pod's time in the other's from the strikes alone: simulated legs, whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.two_legs import Legs, legs

from evenstride_analysis.alternation import LEAST_STRIKES, Strikes, align
from evenstride_analysis.errors import InputError


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    ppm=st.floats(-80, 80),
    missing=st.floats(0, 0.2),
    phase=st.floats(-0.03, 0.03),
    late_s=st.floats(0, 60),
    pause=st.booleans(),
)
def test_the_error_stays_within_what_is_stated(
    seed: int, ppm: float, missing: float, phase: float, late_s: float, pause: bool
) -> None:
    run = legs(seed, ppm=ppm, missing=missing, phase=phase, late_s=late_s, pause=pause)
    found = align(run.first, run.second)
    assert found is not None
    assert np.abs(run.errors_s(found)).max() <= found.bound_s
    assert found.share > 0.9
    if found.certain:
        assert found.bound_s < 0.05


@pytest.mark.parametrize("minutes", [1.0, 2.0, 20.0])
def test_the_right_stride_is_found_or_the_doubt_is_stated(minutes: float) -> None:
    for seed in range(6):
        run = legs(seed, minutes=minutes, tempo=0.006, scatter_s=0.008)
        found = align(run.first, run.second)
        assert found is not None
        assert np.abs(run.errors_s(found)).max() <= found.bound_s
    if minutes >= 20.0:
        steady = align(*_both(legs(1, minutes=minutes)))
        assert steady is not None
        assert steady.certain


def test_a_date_that_is_right_within_a_second_settles_the_stride() -> None:
    run = legs(3, minutes=1.0, tempo=0.004)
    middle_s = float(run.second.strike_s[0] + run.second.strike_s[-1]) / 2.0
    true_s = run.shift_s + middle_s * run.drift
    loose, told = align(*_both(run)), align(*_both(run), shift_s=(true_s - 0.2, true_s + 0.2))
    assert loose is not None
    assert told is not None
    assert not loose.certain
    assert told.certain
    assert np.abs(run.errors_s(told)).max() <= told.bound_s < 0.06
    assert align(*_both(run), shift_s=(true_s + 5000.0, true_s + 5001.0)) is None  # then they never ran together


def test_strangers_are_not_put_together() -> None:
    one, other = legs(1), legs(2, tempo=0.03)
    found = align(one.first, other.second)
    assert found is None or not found.certain


def test_too_few_strikes_tell_nothing() -> None:
    run = legs(1, minutes=5.0)
    few = Strikes(strike_s=run.second.strike_s[: LEAST_STRIKES - 1], stride_s=run.second.stride_s[: LEAST_STRIKES - 1])
    assert align(run.first, few) is None


@pytest.mark.parametrize(
    ("strike_s", "stride_s"),
    [([1.0, 1.0], [0.7, 0.7]), ([1.0, 2.0], [0.7]), ([1.0, 2.0], [0.7, 0.0]), ([1.0, float("nan")], [0.7, 0.7])],
)
def test_what_is_no_series_of_strikes_is_refused(strike_s: list[float], stride_s: list[float]) -> None:
    with pytest.raises(InputError, match="times in order"):
        Strikes(strike_s=np.array(strike_s), stride_s=np.array(stride_s))


def _both(run: Legs) -> tuple[Strikes, Strikes]:
    return run.first, run.second
