"""The axes that a pod finds by itself, beside those that the gateway finds in the same recording."""

import math
from dataclasses import replace

import numpy as np
from support.data import data_dir
from support.firmware import built

from evenstride_analysis import simulate
from evenstride_analysis.frames import checked_rotation, turn_between_rad
from evenstride_analysis.model import Gait
from evenstride_analysis.placement.alignment import align
from evenstride_analysis.simulate import Part, RunnerPlan, Scenario

from .agreement import SEED, Agreement, trials
from .on_pod import Signal, axes_on_pod, on_gateway, on_pod
from .signals import scenario_signals, trial_signals

RUN = Part(duration_s=20.0, speed_mps=3.0)
STAND = Part(duration_s=8.0, gait=None, speed_mps=0.0)
WALK = Part(duration_s=30.0, gait=Gait.WALK, speed_mps=1.2)


def runs(*parts: Part) -> list[Signal]:
    worn = simulate.worn().sensor
    return list(scenario_signals(Scenario(name="axes", plan=RunnerPlan(parts=parts), sensor=worn)))


def on_the_gateway(signal: Signal) -> tuple[float, ...]:
    counts = signal.counts.astype(np.float64)
    accel, gyro = counts[:, :3] * signal.accel_scale, counts[:, 3:] * signal.gyro_scale
    return align(accel, gyro, signal.rate_hz).rotation


def degrees_apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return math.degrees(turn_between_rad(checked_rotation(one), checked_rotation(other)))


def test_runners_whose_sensors_are_turned_at_random() -> None:
    """Every leg's forward is forward (a wrong sign is 180 degrees off), and the axes are those of the gateway."""
    program = built("evenstride-agree")
    for path in trials(data_dir("rbds"), 6):
        for signal in trial_signals(path, SEED):
            found = axes_on_pod(program, signal)
            assert found is not None, signal.name
            assert not found.stood
            assert degrees_apart(found.rotation, on_the_gateway(signal)) < 2.0, signal.name


def test_strides_in_its_own_axes_are_those_in_the_true_ones() -> None:
    program = built("evenstride-agree")
    whole = Agreement()
    for path in trials(data_dir("rbds"), 13):
        for signal in trial_signals(path, SEED):
            found = axes_on_pod(program, signal)
            assert found is not None
            whole.add(on_gateway(signal), on_pod(program, replace(signal, rotation=found.rotation)))
    # the networks work in axes of their own: another rotation moves their start only
    assert whole.share >= 0.99


def test_who_stood_before_running_gives_the_long_axis() -> None:
    program = built("evenstride-agree")
    for signal in runs(STAND, RUN):
        found = axes_on_pod(program, signal)
        assert found is not None
        assert found.stood
        assert 15 <= found.running_s <= 21
        assert degrees_apart(found.rotation, on_the_gateway(signal)) < 2.0


def test_a_pod_that_lay_on_a_table_did_not_stand() -> None:
    program = built("evenstride-agree")
    path = trials(data_dir("rbds"), 1)[0]
    for signal in trial_signals(path, SEED):
        alone = axes_on_pod(program, signal)
        assert alone is not None
        forward, up, right = np.array(signal.rotation).reshape(3, 3)
        for lay in (right, -right, forward, -up, up - forward):
            level = np.rint(9.81 / signal.accel_scale * lay / np.linalg.norm(lay)).astype(np.int16)
            flat = np.tile(np.concatenate([level, np.zeros(3, dtype=np.int16)]), (3000, 1))
            counts = np.concatenate([flat, signal.counts])
            tick = np.concatenate([signal.tick, signal.tick[-1] + 1 + np.arange(1, 3001) * 79])
            found = axes_on_pod(program, replace(signal, counts=counts, tick=tick))
            assert found is not None
            assert not found.stood
            assert degrees_apart(found.rotation, alone.rotation) < 1.0


def test_walking_and_short_runs_give_no_axes() -> None:
    program = built("evenstride-agree")
    for signal in (*runs(STAND, WALK), *runs(replace(RUN, duration_s=6.0))):
        assert axes_on_pod(program, signal) is None
