"""The virtual runner: same seed same bits, signals that look like a runner's, truth that is what was planted."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data_dir

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Gait, Side, Surface
from evenstride_analysis.simulate import (
    Part,
    RunnerPlan,
    SensorPlan,
    VirtualRunner,
    clipped,
    even,
    quantise,
    too_short,
    track_session,
    uneven,
)
from evenstride_analysis.simulate.shocks import low_passed
from evenstride_analysis.simulate.track import LAP_M
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2 as G

QUIET = SensorPlan(
    accel_noise_mps2=0, gyro_noise_radps=0, accel_bias_mps2=0, gyro_bias_radps=0, accel_drift_mps2=0, gyro_drift_radps=0
)


def whole(runner: VirtualRunner, side: Side, n: int) -> FloatArray:
    return np.hstack(runner.signals(side, 0, n))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 256), min_size=1, max_size=40), st.integers(0, 3000))
def test_any_chunking_and_order_gives_the_same_bits(sizes: list[int], start: int) -> None:
    plan = replace(even(10.0).plan, track=True)
    expected = whole(VirtualRunner(plan, SensorPlan(), 7), Side.LEFT, start + sum(sizes))[start:]
    runner = VirtualRunner(plan, SensorPlan(), 7)
    runner.signals(Side.LEFT, 5000, 300)  # the future first
    at = start
    pieces: list[FloatArray] = []
    for size in sizes:
        pieces.append(np.hstack(runner.signals(Side.LEFT, at, size)))
        runner.signals(Side.RIGHT, at, size)
        at += size
    assert np.array_equal(np.vstack(pieces), expected)


def test_the_seed_is_the_only_chance() -> None:
    one, same, other = (whole(even(5.0).runner(seed), Side.RIGHT, 4000) for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_standing_before_and_after() -> None:
    runner = VirtualRunner(even(10.0).plan, QUIET, 1)
    for first_s in (1.0, 20.0, 500.0):
        accel, gyro = runner.signals(Side.LEFT, round(first_s * 416), 416)
        assert np.allclose(accel, [0, G, 0], atol=1e-9)
        assert np.allclose(gyro, 0, atol=1e-9)


@pytest.mark.parametrize("si", [-0.12, 0.0, 0.08])
def test_truth_carries_the_planted_asymmetry(si: float) -> None:
    runner = uneven(si, 120.0).runner(3)
    left, right = (np.mean([stride.stance_s for stride in runner.truth(side)]) for side in Side)
    assert (left - right) / (0.5 * (left + right)) == pytest.approx(si, abs=0.006)


def test_legs_alternate_with_flight() -> None:
    runner = uneven(0.12, 60.0).runner(2)
    events = sorted((s.strike_s, s.toe_off_s, side) for side in Side for s in runner.truth(side))
    for (_, toe_off_s, side), (next_s, _, next_side) in pairwise(events):
        assert side is not next_side
        assert 0.03 < next_s - toe_off_s < 0.25


def test_strides_join_and_lie_in_the_run() -> None:
    runner = even(30.0).runner(2)
    for side in Side:
        truth = runner.truth(side)
        assert len(truth) > 35
        assert all(a.end_s == b.strike_s for a, b in pairwise(truth))
        assert truth[0].strike_s > 5.0
        assert truth[-1].end_s < runner.duration_s + 1.0


def test_stance_without_flight_is_refused() -> None:
    with pytest.raises(InputError, match="no flight"):
        VirtualRunner(RunnerPlan(parts=(Part(duration_s=20, speed_mps=3.0, stance_s=0.36),)))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Part(duration_s=0.0),
        lambda: Part(duration_s=5.0, speed_mps=9.0),
        lambda: Part(duration_s=5.0, gait=Gait.WALK, speed_mps=3.0),
        lambda: RunnerPlan(parts=()),
        lambda: RunnerPlan(parts=(Part(duration_s=5.0),), stance_asymmetry=12.0),
        lambda: SensorPlan(rate_error=3.0),
        lambda: VirtualRunner(even().plan, SensorPlan(), -1),
        lambda: VirtualRunner(replace(even().plan, style=99)),
    ],
)
def test_impossible_plans_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(InputError):
        build()


def test_rate_error_stretches_the_sampling_only() -> None:
    plan = even(20.0).plan
    slow, fast = (VirtualRunner(plan, replace(QUIET, rate_error=e), 1) for e in (-0.03, 0.03))
    assert slow.truth(Side.LEFT) == fast.truth(Side.LEFT)
    a, b = whole(slow, Side.LEFT, 8000), whole(fast, Side.LEFT, 9000)
    t_slow, t_fast = np.arange(8000) * slow.period_s, np.arange(9000) * fast.period_s
    inside = t_slow < t_fast[-1]
    assert np.abs(a[inside, 5] - np.interp(t_slow[inside], t_fast, b[:, 5])).max() < 0.1


def test_misalignment_is_undone_by_the_runners_rotation() -> None:
    plan = even(8.0).plan
    straight = VirtualRunner(plan, QUIET, 1)
    tilted = VirtualRunner(plan, replace(QUIET, misalignment_left_rad=(0.1, -0.3, 0.2)), 1)
    rotation = np.array(tilted.rotation(Side.LEFT)).reshape(3, 3)
    for a, b in zip(straight.signals(Side.LEFT, 3000, 500), tilted.signals(Side.LEFT, 3000, 500), strict=True):
        assert np.abs(a - b).max() > 0.5
        assert np.allclose(b @ rotation.T, a)


def test_range_ends_the_signal() -> None:
    runner = clipped(20.0).runner(1)
    accel, _ = runner.signals(Side.LEFT, 0, 10_000)
    assert accel.max() == pytest.approx(16 * G)
    assert np.count_nonzero(accel[:, 1] == accel.max()) > 20
    wide = VirtualRunner(runner.plan, replace(runner.sensor, accel_range_mps2=32 * G), 1)
    assert wide.signals(Side.LEFT, 0, 10_000)[0].max() > 18 * G


def test_noise_and_bias_have_the_planted_size() -> None:
    plan, noisy = even(20.0).plan, SensorPlan(accel_drift_mps2=0, gyro_drift_radps=0)
    difference = whole(VirtualRunner(plan, noisy, 1), Side.LEFT, 9000) - whole(
        VirtualRunner(plan, QUIET, 1), Side.LEFT, 9000
    )
    assert difference.std(axis=0) == pytest.approx(np.repeat([0.02, 0.0015], 3), rel=0.05)
    assert np.all(np.abs(difference.mean(axis=0)) < np.repeat([0.31, 0.017], 3))


def test_impact_hits_the_planted_peak() -> None:
    parts = (Part(duration_s=20.0, speed_mps=3.0, impact_g=8.0),)
    runner = VirtualRunner(RunnerPlan(parts=parts, impact_asymmetry=0.2), replace(QUIET, rate_hz=1000.0), 1)
    means: dict[Side, float] = {}
    for side in Side:
        accel, _ = runner.signals(side, 0, 25_000)
        axial = low_passed(accel[:, 1])
        truth = runner.truth(side)[:-1]
        peaks = [axial[round(s.strike_s * 1000) : round(s.strike_s * 1000) + 80].max() for s in truth]
        planted = [s.impact_axial_mps2 for s in truth if s.impact_axial_mps2]
        assert np.abs(np.array(peaks) - planted).mean() < 0.15 * G
        means[side] = float(np.mean(planted)) / G
    assert means[Side.LEFT] == pytest.approx(8.8, abs=0.4)
    assert means[Side.RIGHT] == pytest.approx(7.2, abs=0.4)


def test_the_track_turns_left_and_closes() -> None:
    plan = RunnerPlan(parts=(Part(duration_s=2.2 * LAP_M / 4.0, speed_mps=4.0),), track=True)
    runner = VirtualRunner(plan, QUIET, 1)
    t_s = np.array([5.0, 5.0 + LAP_M / 4.0])
    assert runner.heading_rad(t_s) == pytest.approx([0.0, 2 * np.pi])
    truth = runner.truth(Side.LEFT)
    assert {s.lap for s in truth} == {1, 2, 3}
    share = np.mean([s.surface is Surface.BEND for s in truth])
    assert 0.45 < share < 0.65
    flat = VirtualRunner(replace(plan, track=False), QUIET, 1)
    turned = runner.signals(Side.LEFT, 0, 60_000)[1] - flat.signals(Side.LEFT, 0, 60_000)[1]
    assert np.linalg.norm(turned, axis=1).max() == pytest.approx(4.0 / 36.8, rel=1e-6)
    assert {s.surface for s in flat.truth(Side.LEFT)} == {Surface.UNKNOWN}


def test_bends_and_fatigue_reach_the_truth() -> None:
    plan = replace(track_session(4.0).plan, bend_asymmetry=0.1, asymmetry_per_min=0.0, variation=0.0)
    runner = VirtualRunner(plan, QUIET, 1)
    stance = {
        (side, surface): np.mean(
            [s.stance_s for s in runner.truth(side) if s.gait is Gait.RUN and s.surface is surface and s.strike_s < 130]
        )
        for side in Side
        for surface in (Surface.STRAIGHT, Surface.BEND)
    }
    assert stance[Side.LEFT, Surface.BEND] / stance[Side.LEFT, Surface.STRAIGHT] == pytest.approx(1.05, abs=0.005)
    assert stance[Side.RIGHT, Surface.BEND] / stance[Side.RIGHT, Surface.STRAIGHT] == pytest.approx(0.95, abs=0.005)
    tiring = VirtualRunner(replace(even(120.0).plan, stance_per_min=0.05, variation=0.0), QUIET, 1).truth(Side.LEFT)
    assert tiring[-1].stance_s / tiring[0].stance_s == pytest.approx(1.1, abs=0.01)


def test_walking_looks_like_walking() -> None:
    parts = (Part(duration_s=30.0, gait=Gait.WALK, speed_mps=1.3), Part(duration_s=10.0, speed_mps=3.0))
    runner = VirtualRunner(RunnerPlan(parts=parts), QUIET, 1)
    for side in Side:
        walk = [s for s in runner.truth(side) if s.gait is Gait.WALK and s.settled]
        assert len(walk) >= 22
        assert all(s.impact_axial_mps2 is None for s in walk)
        _, gyro = runner.signals(side, 0, 416 * 37)
        peaks = [gyro[round(s.toe_off_s * 416) : round(s.end_s * 416), 2].max() for s in walk[1:]]
        assert 200 < np.degrees(np.median(peaks)) < 380
        assert np.mean([s.end_s - s.strike_s for s in walk]) == pytest.approx(1.2, abs=0.1)
        lows = [
            (first + np.argmin(gyro[first : first + 166, 2])) / 416 - s.toe_off_s
            for s in walk[1:]
            for first in [round((s.toe_off_s - 0.2) * 416)]
        ]
        assert abs(float(np.mean(lows))) < 0.02
        assert np.abs(runner.signals(side, 0, 416 * 45)[1]).max() < 17  # no whip where walking turns into running


def test_spectrum_and_peaks_are_those_of_the_recordings() -> None:
    with np.load(data_dir("rbds") / "RBDS021_T35.npz") as raw:
        real = np.hstack([raw["R_acc_mg"] * G * 1e-3, np.deg2rad(raw["R_gyr_ddps"] / 10.0)])[300:4200]
    plan = RunnerPlan(parts=(Part(duration_s=40.0, speed_mps=3.5),), style=7)
    made = whole(VirtualRunner(plan, replace(QUIET, rate_hz=150.0), 1), Side.RIGHT, 5000)[1000:4900]
    for channel in range(6):
        assert made[:, channel].std() == pytest.approx(real[:, channel].std(), rel=0.25)
        real_power, made_power = (np.abs(np.fft.rfft(x[:, channel])) ** 2 for x in (real, made))
        low = np.fft.rfftfreq(len(real), 1 / 150) < 12
        assert made_power[low].sum() / made_power.sum() == pytest.approx(
            real_power[low].sum() / real_power.sum(), abs=0.15
        )


def test_presets_are_what_they_say() -> None:
    assert too_short().plan.duration_s < 20
    assert uneven(0.1).plan.stance_asymmetry == 0.1
    session = track_session(5.0)
    assert session.plan.track
    assert 280 < session.plan.duration_s < 320
    gaits = {s.gait for s in session.runner(1).truth(Side.RIGHT)}
    assert gaits == {Gait.WALK, Gait.RUN}


def test_counts_saturate() -> None:
    counts = quantise(np.array([[1.0, -1.0, 1e6]]), np.array([[0.5, 0.0, -1e6]]), (0.01,) * 3 + (0.001,) * 3)
    assert counts.dtype == np.int16
    assert counts.tolist() == [[100, -100, 32767, 500, 0, -32768]]
