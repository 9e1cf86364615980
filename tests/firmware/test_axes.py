"""The axes that a pod finds by itself, beside those that the gateway finds in the same recording."""

from dataclasses import replace

import numpy as np
import pytest
from support.data import data_dir
from support.firmware import built

from evenstride_analysis import simulate
from evenstride_analysis.model import Gait
from evenstride_analysis.simulate import Part, RunnerPlan, Scenario

from .agreement import GOAL, LIMIT_S, SEED, Agreement, trials
from .on_pod import Signal, axes_on_pod, on_gateway, own_on_pod
from .own_axes import OwnAxes, degrees_apart, measured, on_the_gateway, since
from .signals import scenario_signals, trial_signals

RUN = Part(duration_s=20.0, speed_mps=3.0)
STAND = Part(duration_s=8.0, gait=None, speed_mps=0.0)
WALK = Part(duration_s=30.0, gait=Gait.WALK, speed_mps=1.2)


def runs(*parts: Part) -> list[Signal]:
    worn = simulate.worn().sensor
    return list(scenario_signals(Scenario(name="axes", plan=RunnerPlan(parts=parts), sensor=worn)))


def check(own: OwnAxes) -> None:
    """Every leg's forward is forward (a wrong sign is 180 degrees off); axes and strides are the gateway's."""
    assert own.without == 0
    assert max(own.apart_deg) < 2.5
    # nobody stands in these trials: pod and gateway lean the long axis by the same angle for everybody
    assert max(own.pod_deg) < 20.0
    assert np.median(own.pod_deg) < np.median(own.gateway_deg) + 1.0
    for strides in (own.strides, own.truth):
        assert strides.share >= GOAL
        assert strides.doubts + strides.unlike <= strides.strides / 100
    assert np.quantile(np.abs(own.strides.axial_mps2), 0.99) < 2.0
    assert abs(np.mean(own.strides.axial_mps2)) < 0.2


def test_strides_in_its_own_axes_are_the_gateways_in_its_own() -> None:
    check(measured(built("evenstride-agree"), trials(data_dir("rbds"), 9)))


@pytest.mark.slow
def test_more_trials_of_runners_in_axes_that_were_found() -> None:
    own = measured(built("evenstride-agree"), trials(data_dir("rbds"), 3))
    assert own.strides.strides > 900
    check(own)


def test_axes_come_after_ten_seconds_of_running_and_once_more_after_sixty() -> None:
    program = built("evenstride-agree")
    for signal in runs(STAND, replace(RUN, duration_s=75.0)):
        axes, strides = own_on_pod(program, signal)
        assert [found.running_s for found in axes] == [10, 60]
        assert all(degrees_apart(found.rotation, on_the_gateway(signal)) < 2.0 for found in axes)
        own = Agreement()
        own.add(since(strides, on_gateway(replace(signal, rotation=on_the_gateway(signal)))), strides)
        assert 1 <= own.missing <= 3  # those that straddle the second turn
        assert own.extra == 0
        assert max(own.event_s) < LIMIT_S


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
