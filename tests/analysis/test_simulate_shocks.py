"""The impact path against shocks whose size is known before any sensor: rates, sharpness, and the end of the range.

Bounds are stated for shocks that ring at 25 Hz (a quarter period of 10 ms to the peak) and, sharper than any published
tibial shock that we know of, at 40 Hz. Nothing here says what a real shank's shock looks like.
"""

from dataclasses import replace

import numpy as np
import pytest

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Doubt, FloatArray, Side, Stride
from evenstride_analysis.simulate import Part, RunnerPlan, TrueShock, VirtualRunner, real_pod
from evenstride_analysis.simulate.score import detect
from evenstride_analysis.simulate.shocks import low_passed, pulse, true_shock
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2 as G


def measured(rate_hz: float, *, impact_g: float, impact_hz: float, style: int) -> list[tuple[TrueShock, Stride]]:
    """(truth, what was found) of every stride of 15 s with a pod whose noise is real and whose bias was taken off."""
    parts = (Part(duration_s=15.0, speed_mps=3.3, impact_g=impact_g, impact_hz=impact_hz),)
    sensor = replace(real_pod(rate_hz), gyro_bias_radps=0.0, accel_bias_mps2=0.0, accel_drift_mps2=0.0)
    runner = VirtualRunner(RunnerPlan(parts=parts, style=style), sensor, 2)
    pairs: list[tuple[TrueShock, Stride]] = []
    for side in Side:
        found = detect(runner, side, StrideDetector, block=1024)
        for shock in runner.shocks(side):
            near = [s for s in found if abs(s.strike_s - shock.strike_s) < 0.1 and s.impact_mps2 is not None]
            pairs += [(shock, stride) for stride in near]
    assert len(pairs) > 30
    return pairs


def errors(pairs: list[tuple[TrueShock, Stride]]) -> FloatArray:
    """(n, 2): axial and resultant, found over true, minus one."""
    return np.array(
        [
            [s.impact_axial_mps2 / t.axial_mps2 - 1, s.impact_mps2 / t.resultant_mps2 - 1]
            for t, s in pairs
            if s.impact_axial_mps2 is not None and s.impact_mps2 is not None
        ]
    )


@pytest.mark.parametrize(
    ("rate_hz", "impact_hz", "mean", "worst"),
    [
        (1000.0, 25.0, 0.005, 0.010),
        (416.0, 25.0, 0.005, 0.015),
        (208.0, 25.0, 0.010, 0.055),
        (1000.0, 40.0, 0.005, 0.010),
        (416.0, 40.0, 0.010, 0.030),
        (208.0, 40.0, 0.045, 0.090),
    ],
)
def test_peaks_are_right_within_a_stated_share(rate_hz: float, impact_hz: float, mean: float, worst: float) -> None:
    pairs = measured(rate_hz, impact_g=9.0, impact_hz=impact_hz, style=1)
    assert not any(Doubt.CLIPPED in stride.doubt for _, stride in pairs)
    share = errors(pairs)
    assert np.abs(share.mean(axis=0)).max() < mean
    assert np.abs(share).max() < worst


@pytest.mark.parametrize("rate_hz", [208.0, 416.0, 1000.0])
def test_beyond_16_g_every_shock_is_clipped_and_reads_too_low(rate_hz: float) -> None:
    pairs = measured(rate_hz, impact_g=21.0, impact_hz=25.0, style=0)
    assert all(shock.raw_mps2 > 16 * G and shock.axial_mps2 > 16 * G for shock, _ in pairs)
    assert all(Doubt.CLIPPED in stride.doubt for _, stride in pairs)
    assert errors(pairs)[:, 0].max() < 0.0


def test_a_shock_shorter_than_a_sample_can_hide_its_clipping_at_208_hz() -> None:
    """A limit, kept in view: the flag sees samples, and at 60 Hz of ringing the peak may lie between two of them."""
    slow, fast = (measured(rate_hz, impact_g=14.0, impact_hz=60.0, style=0) for rate_hz in (208.0, 416.0))
    assert all(shock.raw_mps2 > 16 * G for shock, _ in slow)
    unseen = [pair for pair in slow if Doubt.CLIPPED not in pair[1].doubt]
    assert 0 < len(unseen) < 0.4 * len(slow)
    assert errors(unseen)[:, 0].min() < -0.1
    assert all(Doubt.CLIPPED in stride.doubt for _, stride in fast)


def test_the_truth_of_a_shock_is_that_of_a_formula() -> None:
    """A pulse that is a whole cosine passes the filter with a known gain: 1 / (1 + (f / 60 Hz)^4)."""

    def shank(t_s: FloatArray) -> FloatArray:
        out = np.zeros((len(t_s), 6))
        out[:, 1] = G + 30.0 * np.cos(2 * np.pi * 50.0 * (t_s - 1.04))
        return out

    shock = true_shock(1.0, shank)
    assert shock.axial_mps2 == pytest.approx(G + 30.0 / (1 + (50 / 60) ** 4), rel=0.002)
    assert shock.resultant_mps2 == shock.axial_mps2
    assert shock.raw_mps2 == pytest.approx(G + 30.0, rel=1e-3)


def test_a_pulse_starts_flat_and_scales_with_its_pitch() -> None:
    tau_s = np.linspace(-0.01, 0.1, 1101)
    assert np.all(pulse(tau_s, 25.0)[tau_s <= 0] == 0.0)
    assert pulse(tau_s, 50.0) == pytest.approx(pulse(2 * tau_s, 25.0), abs=1e-12)
    top = tau_s[np.argmax(pulse(tau_s, 25.0))]
    assert 0.006 < top < 0.012
    assert low_passed(np.ones(64)) == pytest.approx(np.ones(64))


def test_the_planted_peak_is_what_the_shank_takes() -> None:
    parts = (Part(duration_s=20.0, speed_mps=3.3, impact_g=10.0),)
    runner = VirtualRunner(RunnerPlan(parts=parts), seed=5)
    for side in Side:
        shocks, truth = runner.shocks(side), runner.truth(side)
        assert len(shocks) == len(truth)
        planted = np.array([s.impact_axial_mps2 for s in truth if s.impact_axial_mps2 is not None])
        found = np.array([shock.axial_mps2 for shock in shocks])
        assert np.abs(found / planted - 1).max() < 0.01
        assert all(shock.resultant_mps2 >= shock.axial_mps2 for shock in shocks)


def test_impossible_shocks_are_refused() -> None:
    with pytest.raises(InputError, match="ring"):
        Part(duration_s=5.0, impact_hz=500.0)
