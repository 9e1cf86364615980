"""How pods are worn on the virtual runner: mounting, loose straps, slipping, swapped legs, and the truth of each."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.simulate import (
    LooseStrap,
    Scenario,
    SensorPlan,
    Slip,
    VirtualRunner,
    even,
    loose,
    mounted,
    real_pod,
    slipping,
    swap_test,
    worn,
)
from evenstride_analysis.simulate.score import detect
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2 as G

QUIET = SensorPlan(
    accel_noise_mps2=0, gyro_noise_radps=0, accel_bias_mps2=0, gyro_bias_radps=0, accel_drift_mps2=0, gyro_drift_radps=0
)
FAULTY = SensorPlan(
    strap_left=LooseStrap(hertz=11.0, damping=0.1, from_s=6.0),
    slip_left=Slip(turn_rad=(0.1, 0.4, 0.0), from_s=5.0, until_s=20.0),
    counted=True,
)


def quiet(scenario: Scenario, seed: int = 1) -> VirtualRunner:
    silence = dict.fromkeys(("accel_noise_mps2", "gyro_noise_radps", "accel_bias_mps2", "gyro_bias_radps"), 0.0)
    silence |= {"accel_drift_mps2": 0.0, "gyro_drift_radps": 0.0}
    return VirtualRunner(scenario.plan, replace(scenario.sensor, **silence), seed)


def both(runner: VirtualRunner, side: Side, first: int, n: int) -> FloatArray:
    return np.hstack(runner.signals(side, first, n))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=10), st.integers(0, 4000))
def test_any_chunking_gives_the_same_bits_whatever_is_worn(sizes: list[int], start: int) -> None:
    plan = even(10.0).plan
    expected = both(VirtualRunner(plan, FAULTY, 7), Side.LEFT, 0, start + sum(sizes))[start:]
    runner, at, pieces = VirtualRunner(plan, FAULTY, 7), start, list[FloatArray]()
    for size in sizes:
        pieces.append(both(runner, Side.LEFT, at, size))
        at += size
    assert np.array_equal(np.vstack(pieces), expected)


@pytest.mark.parametrize("medial", [True, False])
def test_the_logo_looks_outward_and_up_is_up(medial: bool) -> None:
    runner = quiet(worn(medial=medial, upside_down=(Side.RIGHT,)))
    straight = VirtualRunner(runner.plan, QUIET, 1)
    for side in Side:
        accel, _ = runner.signals(side, 100, 50)
        up = -G if side is Side.RIGHT else G
        assert np.allclose(accel[:, 1], up, atol=0.01)
        to_shank = np.array(runner.rotation(side)).reshape(3, 3)
        logo = to_shank @ [0.0, 0.0, 1.0]
        outward = 1.0 if (side is Side.LEFT) == medial else -1.0
        assert np.allclose(logo, [0.0, 0.0, outward], atol=1e-12)
        turned = both(runner, side, 4000, 200) @ np.kron(np.eye(2), to_shank).T
        assert np.allclose(turned, both(straight, side, 4000, 200), atol=0.01)  # within the counts


def test_a_strap_rings_at_its_own_pitch_and_only_when_loose() -> None:
    firm = quiet(replace(loose(hertz=20.0), sensor=SensorPlan()))
    strap = LooseStrap(hertz=20.0, damping=0.1, from_s=30.0)
    slack = VirtualRunner(firm.plan, replace(firm.sensor, strap_left=strap), 1)
    early = both(slack, Side.LEFT, 4160, 2000) - both(firm, Side.LEFT, 4160, 2000)
    assert np.abs(early).max() == 0.0
    assert np.abs(both(slack, Side.RIGHT, 20_000, 2000) - both(firm, Side.RIGHT, 20_000, 2000)).max() == 0.0
    late = both(slack, Side.LEFT, 20_000, 8192) - both(firm, Side.LEFT, 20_000, 8192)
    power = np.abs(np.fft.rfft(late[:, 1])) ** 2
    hertz = np.fft.rfftfreq(8192, 1 / 416)
    assert power[(hertz > 14) & (hertz < 26)].sum() > 0.6 * power.sum()
    standing = both(slack, Side.LEFT, 416 * 110, 300)
    assert np.allclose(standing, [0, G, 0, 0, 0, 0], atol=1e-3)


@pytest.mark.parametrize(("hertz", "damping"), [(10.0, 0.1), (15.0, 0.2), (30.0, 0.4)])
def test_the_wobble_is_that_of_a_spring_moved_at_its_foot(hertz: float, damping: float) -> None:
    rate_hz = 1000.0
    kernel = LooseStrap(hertz=hertz, damping=damping).kernel(rate_hz)
    assert kernel.sum() == pytest.approx(1.0)
    f = np.array([3.0, hertz, 2.5 * hertz])
    gain = np.abs(np.exp(-2j * np.pi * f[:, None] * np.arange(len(kernel)) / rate_hz) @ kernel)
    r = f / hertz
    expected = np.sqrt((1 + (2 * damping * r) ** 2) / ((1 - r**2) ** 2 + (2 * damping * r) ** 2))
    assert gain == pytest.approx(expected, rel=0.03)


def test_a_slip_turns_the_axes_evenly_and_says_so() -> None:
    runner = quiet(slipping(20.0, 120.0))
    straight = VirtualRunner(runner.plan, QUIET, 1)
    for t_s, degrees in ((10.0, 0.0), (75.0, 10.0), (120.0, 20.0)):
        rotation = np.array(runner.rotation(Side.LEFT, t_s)).reshape(3, 3)
        assert np.degrees(np.arccos((np.trace(rotation) - 1) / 2)) == pytest.approx(degrees, abs=1e-6)
        at = round(t_s * 416)
        pieces = [part @ rotation.T for part in runner.signals(Side.LEFT, at, 10)]
        assert np.allclose(np.hstack(pieces), both(straight, Side.LEFT, at, 10), atol=0.2)
    assert runner.rotation(Side.RIGHT, 100.0) == pytest.approx(np.eye(3).ravel())


def test_swapped_pods_bring_their_errors_to_the_other_leg() -> None:
    scenario = swap_test(0.06, 0.008)
    sensor = replace(scenario.sensor, misalignment_left_rad=mounted(Side.LEFT), accel_gain_left=1.1)
    sensor = replace(sensor, misalignment_right_rad=mounted(Side.RIGHT))
    runner = quiet(Scenario(name="swap", plan=scenario.plan, sensor=sensor))
    swap_s = sensor.swap_at_s
    assert swap_s is not None
    before, after = (round((swap_s + step_s) * 416) for step_s in (-5.0, 5.0))
    for at, heavy in ((before, Side.LEFT), (after, Side.LEFT)):
        assert np.allclose(runner.signals(heavy, at, 20)[0][:, 1], 1.1 * G, atol=0.02)
        assert np.allclose(runner.signals(heavy.other, at, 20)[0][:, 1], G, atol=0.02)
    for side in Side:
        truth = runner.truth(side)
        assert sum(s.end_s < swap_s for s in truth) >= 60
        assert sum(s.strike_s > swap_s for s in truth) >= 60
        one, two = (np.mean([s.stance_s for s in truth if (s.strike_s < swap_s) is first]) for first in (True, False))
        assert one == pytest.approx(two, rel=0.01)  # the body does not know about pods
    first_left, second_left = (
        runner.signals(pod, at + 2000, 4000)[1][:, 2] for pod, at in ((Side.LEFT, before), (Side.RIGHT, after))
    )
    assert np.abs(first_left).max() > 1.0 or np.abs(second_left).max() > 1.0
    assert runner.sensor.leg_of(Side.LEFT, swap_s + 1.0) is Side.RIGHT


def test_a_swap_while_running_is_refused() -> None:
    with pytest.raises(InputError, match="stood"):
        VirtualRunner(even(30.0).plan, replace(real_pod(), swap_at_s=20.0))


@pytest.mark.parametrize(
    "build",
    [
        lambda: LooseStrap(hertz=400.0),
        lambda: LooseStrap(damping=1.5),
        lambda: Slip(turn_rad=(0.1, 0.0, 0.0), from_s=5.0, until_s=5.0),
        lambda: SensorPlan(stance_error_left_s=3.0),
    ],
)
def test_impossible_wearing_is_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(InputError):
        build()


def test_a_pods_error_is_in_its_signal_and_not_in_the_truth() -> None:
    plan = replace(even(20.0).plan, variation=0.0, style=0)
    plain, erring = (VirtualRunner(plan, replace(QUIET, stance_error_left_s=error_s), 1) for error_s in (0.0, 0.010))
    assert plain.truth(Side.LEFT) == erring.truth(Side.LEFT)
    assert np.array_equal(both(plain, Side.RIGHT, 0, 6000), both(erring, Side.RIGHT, 0, 6000))
    found = [{round(s.strike_s, 1): s for s in detect(r, Side.LEFT, StrideDetector)} for r in (plain, erring)]
    common = sorted(found[0].keys() & found[1].keys())
    assert len(common) > 15
    longer_s = [found[1][at].stance_s - found[0][at].stance_s for at in common]
    assert np.mean(longer_s) == pytest.approx(0.010, abs=0.001)
