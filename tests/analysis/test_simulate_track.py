"""The virtual 400 m track: both directions, laps, bends, changes of pace, and what a real pod adds to the gyro."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Gait, Side, Surface
from evenstride_analysis.simulate import (
    Part,
    RunnerPlan,
    SensorPlan,
    VirtualRunner,
    change_of_pace,
    intervals,
    laps,
    real_pod,
)
from evenstride_analysis.simulate.track import LAP_M, STRAIGHT_M, lap_m


@pytest.mark.parametrize("clockwise", [False, True])
def test_both_directions_turn_once_a_lap(clockwise: bool) -> None:
    runner = laps(2.0, 4.0, clockwise=clockwise).runner(1)
    sign = -1 if clockwise else 1
    lap_s = LAP_M / 4.0
    assert runner.heading_rad(np.array([5.0 + lap_s])) == pytest.approx([sign * 2 * np.pi])
    truth = runner.truth(Side.RIGHT)
    assert {stride.direction for stride in truth} == {sign}
    assert {stride.lap for stride in truth} == {1, 2}
    mirrored = laps(2.0, 4.0, clockwise=not clockwise).runner(1)
    straight = 5.0 + STRAIGHT_M / 4.0
    at = round((straight + 3.0) * 416)
    difference = runner.signals(Side.LEFT, at, 400)[1] - mirrored.signals(Side.LEFT, at, 400)[1]
    assert np.linalg.norm(difference, axis=1) == pytest.approx(2 * 4.0 / 36.8, abs=0.01)


def test_surface_is_what_holds_at_the_middle_of_the_stride() -> None:
    truth = laps(3.0).runner(2).truth(Side.LEFT)
    assert all((stride.surface is Surface.BEND) == (stride.bend_share > 0.5) for stride in truth)
    split = [stride for stride in truth if 0 < stride.bend_share < 1]
    assert 8 <= len(split) <= 12  # four a lap
    assert 0.5 < np.mean([stride.surface is Surface.BEND for stride in truth]) < 0.64


def test_outer_lanes_are_longer() -> None:
    assert lap_m(1) == LAP_M == pytest.approx(400.0, abs=0.1)
    assert lap_m(2) - lap_m(1) == pytest.approx(7.04, abs=0.01)
    with pytest.raises(InputError):
        RunnerPlan(parts=(Part(duration_s=5.0),), lane=0)


@pytest.mark.parametrize("style", [0, 3])
def test_an_interval_session_names_its_parts_and_speeds(style: int) -> None:
    session = intervals(3)
    runner = VirtualRunner(replace(session.plan, style=style), session.sensor, 4)
    truth = runner.truth(Side.LEFT)
    parts = session.plan.parts
    inside = [a for a, b in pairwise(truth) if a.part == b.part]
    for stride in inside:
        assert stride.speed_mps == pytest.approx(parts[stride.part].speed_mps)
        assert stride.gait is parts[stride.part].gait
    fast = {stride.part for stride in inside if stride.speed_mps > 4.45}
    assert len(fast) == 3
    assert truth[-1].gait is Gait.WALK
    assert truth[-1].speed_mps == pytest.approx(1.3)


def test_the_same_part_object_twice_is_two_parts() -> None:
    part, rest = Part(duration_s=10.0), Part(duration_s=4.0, gait=None, speed_mps=0.0)
    truth = VirtualRunner(RunnerPlan(parts=(part, rest, part))).truth(Side.LEFT)
    assert sorted({stride.part for stride in truth}) == [0, 2]


def test_change_of_pace_is_steady() -> None:
    speeds = [part.speed_mps for part in change_of_pace(2.6, 4.4)]
    assert np.allclose(np.diff(speeds), 0.3)
    assert sum(part.duration_s for part in change_of_pace(2.6, 4.4)) == pytest.approx(3.0)


def test_a_real_pod_has_the_noise_and_the_bias_of_its_data_sheet() -> None:
    plan = RunnerPlan(parts=(Part(duration_s=1.0),), standing_s=100.0)
    quiet = replace(
        real_pod(), accel_noise_mps2=0.0, gyro_noise_radps=0.0, accel_bias_mps2=0.0, gyro_bias_radps=0.0, counted=False
    )
    quiet = replace(quiet, gyro_drift_radps=0.0, accel_drift_mps2=0.0)
    biases: list[float] = []
    for seed in range(6):
        noisy, clean = (
            np.hstack(VirtualRunner(plan, s, seed).signals(Side.LEFT, 0, 8000)) for s in (real_pod(), quiet)
        )
        error = noisy - clean
        assert np.diff(error[:, :3], axis=0).std() / np.sqrt(2) == pytest.approx(90e-6 * 9.81 * 208**0.5, rel=0.1)
        assert np.diff(error[:, 3:], axis=0).std() / np.sqrt(2) == pytest.approx(np.radians(5e-3) * 208**0.5, rel=0.1)
        biases += np.degrees(error[:, 3:].mean(axis=0)).tolist()
    assert 0.4 < np.std(biases) < 1.2


def test_counts_are_whole() -> None:
    sensor = SensorPlan(counted=True)
    accel, gyro = VirtualRunner(RunnerPlan(parts=(Part(duration_s=5.0),)), sensor, 1).signals(Side.LEFT, 2000, 500)
    for values, range_ in ((accel, sensor.accel_range_mps2), (gyro, sensor.gyro_range_radps)):
        counts = values / range_ * 32768
        assert np.abs(counts - np.rint(counts)).max() < 1e-6
        assert counts.max() <= 32767
