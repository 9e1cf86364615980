"""One pod's time in the other's from the strikes alone: simulated legs, whose truth is known."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenstride_analysis.alternation import LEAST_STRIKES, Alternation, Strikes, align
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray

STRIDE_S = 0.7


@dataclass(frozen=True, kw_only=True)
class Legs:
    """Strikes of a run: each leg in its own pod's seconds; true time = `shift_s` + second's seconds * (1 + `drift`)."""

    first: Strikes
    second: Strikes
    shift_s: float
    drift: float

    def errors_s(self, found: Alternation) -> FloatArray:
        at_s = self.second.strike_s[[0, len(self.second.strike_s) // 2, -1]]
        return np.array([found.first_s(float(t)) for t in at_s]) - (self.shift_s + at_s * (1.0 + self.drift))


def legs(
    seed: int,
    *,
    minutes: float = 10.0,
    ppm: float = 40.0,
    missing: float = 0.02,
    phase: float = 0.0,
    late_s: float = 0.0,
    tempo: float = 0.012,
    scatter_s: float = 0.004,
    pause: bool = False,
) -> Legs:
    """Stride lengths as people have them: half of their spread (`tempo`) wanders slowly, half is new each time.

    A step is half a stride and `phase` of it more; every strike scatters; strides are missing; one pod began `late_s`
    later.
    """
    rng = np.random.default_rng(seed)
    n = int(60.0 * minutes / STRIDE_S)
    length_s = STRIDE_S * (1.0 + tempo * np.sqrt(0.5) * (_pink(rng, n) + rng.normal(size=n)))
    if pause:
        length_s[n // 3] += 120.0
    begins_s = np.concatenate([[0.0], np.cumsum(length_s)[:-1]])
    steady_s = np.minimum(length_s, 2.0 * STRIDE_S)
    strikes = (
        begins_s + rng.normal(0.0, scatter_s, n),
        begins_s + (0.5 + phase) * steady_s + rng.normal(0.0, scatter_s, n),
    )
    shift_s, drift = float(rng.uniform(-5e4, 5e4)), 1e-6 * ppm

    def leg(strike_s: FloatArray, *, from_s: float, shift_s: float, drift: float) -> Strikes:
        kept = (rng.random(n) >= missing) & (strike_s >= from_s)
        return Strikes(strike_s=((strike_s - shift_s) / (1.0 + drift))[kept], stride_s=steady_s[kept] / (1.0 + drift))

    return Legs(
        first=leg(strikes[0], from_s=0.0, shift_s=0.0, drift=0.0),
        second=leg(strikes[1], from_s=late_s, shift_s=shift_s, drift=drift),
        shift_s=shift_s,
        drift=drift,
    )


def _pink(rng: np.random.Generator, n: int) -> FloatArray:
    frequency = np.fft.rfftfreq(n)
    frequency[0] = 1.0
    half = (rng.normal(size=len(frequency)) + 1j * rng.normal(size=len(frequency))) / np.sqrt(frequency)
    wave = np.fft.irfft(half, n)
    return wave / wave.std()


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
