"""The swap-legs test finds what was planted in legs and pods; its intervals hold it as often as they say."""

from dataclasses import replace

import numpy as np
import pytest
from support.steps import made_step, made_stride

from evenstride_analysis.model import FloatArray, Measure, SampleBlock, Side, Step, Stride, Verdict
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.simulate import VirtualRunner
from evenstride_analysis.simulate import swap_test as planted_swap
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.swap import SwapTest, pairs_so_far, swap_test
from evenstride_analysis.symmetry import SystematicError

NONE = SystematicError(estimator=0.0, allowance=0.0, source="none")
USUAL = SystematicError(estimator=0.014, allowance=0.02, source="test")
STANCE_S = 0.25


def run(
    index: float, pods: tuple[str, str], rng: np.random.Generator, *, n: int = 60, sd_s: float = 0.005
) -> list[Step]:
    """n pairs at 0.25 s with this index; the differences of neighbours resemble each other (r = 0.3)."""
    noise = _ar1(rng, n, 0.3) * sd_s
    steps: list[Step] = []
    for k in range(n):
        for side, pod, sign, at in ((Side.LEFT, pods[0], 0.5, 0.0), (Side.RIGHT, pods[1], -0.5, 0.35)):
            stance_s = STANCE_S * (1.0 + sign * index) + sign * float(noise[k])
            steps.append(made_step(side, replace(made_stride(0.7 * k + at, stance_s=stance_s), pod_id=pod)))
    return steps


def _ar1(rng: np.random.Generator, n: int, r: float) -> FloatArray:
    values = rng.standard_normal(n)
    for k in range(1, n):
        values[k] = r * values[k - 1] + np.sqrt(1 - r * r) * values[k]
    return values


def both_runs(
    body: float, sensor: float, rng: np.random.Generator, *, seats: tuple[float, float] = (0.0, 0.0)
) -> tuple[list[Step], list[Step]]:
    return run(body + sensor + seats[0], ("A", "B"), rng), run(body - sensor + seats[1], ("B", "A"), rng)


def test_what_is_planted_comes_out() -> None:
    first, second = both_runs(0.05, -0.03, np.random.default_rng(1))
    found = swap_test(first, second, system=NONE)
    assert found.body is not None
    assert found.sensor is not None
    assert found.body.index == pytest.approx(0.05, abs=0.004)
    assert found.sensor.index == pytest.approx(-0.03, abs=0.004)
    assert (found.first_left, found.first_right, found.first_pairs) == ("A", "B", 60)
    assert found.body.verdict is found.sensor.verdict is Verdict.REAL
    assert pairs_so_far(first) == 60


def test_the_scatter_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    held = np.zeros(2)
    seeds = 500
    for _ in range(seeds):
        body, sensor = rng.uniform(-0.08, 0.08), rng.uniform(-0.04, 0.04)
        found = swap_test(*both_runs(body, sensor, rng), system=NONE)
        assert found.body is not None
        assert found.sensor is not None
        held += [
            part.scatter_low <= truth <= part.scatter_high
            for part, truth in ((found.body, body), (found.sensor, sensor))
        ]
    assert np.all(held / seeds > 0.925)
    assert np.all(held / seeds < 0.975)


def test_the_total_interval_holds_body_and_pod_with_seats_and_method_drawn() -> None:
    rng = np.random.default_rng(3)
    held = np.zeros(2)
    real_at_zero = 0
    seeds = 500
    for _ in range(seeds):
        body, sensor = float(rng.choice([0.0, 0.04, 0.1])), 0.02
        seats = tuple(rng.normal(0.0, USUAL.allowance, 2).tolist())
        style = rng.normal(0.0, USUAL.estimator)
        found = swap_test(*both_runs(body + style, sensor, rng, seats=seats), system=USUAL)
        assert found.body is not None
        assert found.sensor is not None
        held += [found.body.low <= body <= found.body.high, found.sensor.low <= sensor <= found.sensor.high]
        real_at_zero += body == 0.0 and found.body.verdict is Verdict.REAL
    assert np.all(held / seeds > 0.925)
    assert np.all(held / seeds < 0.975)
    assert real_at_zero <= 0.025 * seeds / 3


def test_the_swap_narrows_what_the_seat_leaves_open() -> None:
    found = swap_test(*both_runs(0.05, 0.0, np.random.default_rng(1)), system=USUAL)
    assert found.body is not None
    half = 0.5 * (found.body.high - found.body.low)
    assert half < 1.96 * np.hypot(0.014, 0.02)
    assert found.body.low < found.body.scatter_low < found.body.scatter_high < found.body.high


def refused(first: list[Step], second: list[Step]) -> str:
    found = swap_test(first, second, system=USUAL)
    assert found.body is None
    assert found.sensor is None
    return found.reason


def test_what_cannot_be_compared_is_refused() -> None:
    rng = np.random.default_rng(5)
    first, second = both_runs(0.0, 0.0, rng)
    assert "were not swapped" in refused(first, run(0.0, ("A", "B"), rng))
    assert "not the same two pods" in refused(first, run(0.0, ("C", "A"), rng))
    assert "too few strides in the second run: 19 clean pairs" in refused(first, second[:38])
    other = [replace(step, stride=replace(step.stride, method="learned-1")) for step in second]
    assert "mixed methods: learned-1, rules-1" in refused(first, other)
    faster = [replace(s, stride=replace(s.stride, toe_off_s=s.stride.toe_off_s - 0.03)) for s in second]
    assert "stance time changed by -12 %" in refused(first, faster)
    assert "too few" in refused([], [])


def test_impacts_are_split_as_well() -> None:
    rng = np.random.default_rng(6)

    def shocks(steps: list[Step], gain: dict[str, float]) -> list[Step]:
        return [
            replace(s, stride=replace(s.stride, impact_axial_mps2=80.0 * gain[s.stride.pod_id] * rng.normal(1, 0.05)))
            for s in steps
        ]

    first, second = (shocks(steps, {"A": 1.05, "B": 0.95}) for steps in both_runs(0.0, 0.0, rng))
    found = swap_test(first, second, Measure.IMPACT_AXIAL, system=USUAL)
    assert found.sensor is not None
    assert found.body is not None
    assert found.sensor.index == pytest.approx(0.10, abs=0.02)
    assert found.body.index == pytest.approx(0.0, abs=0.02)


def simulated(body: float, pod_s: float, seed: int) -> SwapTest:
    """Both runs through the detector: each pod's own samples, the legs exchanged where the plan says so."""
    scenario = planted_swap(body, pod_s)
    runner = VirtualRunner(scenario.plan, scenario.sensor, seed)
    swap_s, rate_hz = scenario.sensor.swap_at_s, scenario.sensor.rate_hz
    assert swap_s is not None
    found: list[tuple[float, Side, Stride, bool]] = []
    for pod in Side:
        detector = StrideDetector(pod_id=f"pod-{pod.value}", rate_hz=rate_hz)
        n = round(runner.duration_s * rate_hz)
        accel, gyro = runner.signals(pod, 0, n)
        index = np.arange(n, dtype=np.int64)
        block = SampleBlock(
            pod_id=f"pod-{pod.value}",
            boot_id=1,
            first_index=0,
            stamp_index=index,
            stamp_s=np.asarray(index * runner.period_s, dtype=np.float64),
            accel_mps2=accel,
            gyro_radps=gyro,
        )
        for stride in detector.push(block) + detector.flush():
            after = stride.strike_s > swap_s
            found.append((stride.strike_s, pod.other if after else pod, stride, after))
    runs: list[list[Step]] = []
    for part in (False, True):
        pairing = Pairing()
        own = sorted((entry for entry in found if entry[3] is part), key=lambda entry: entry[0])
        steps = [step for t_s, side, stride, _ in own for step in pairing.push(side, stride, t_s, 0.0)]
        runs.append(steps + pairing.flush())
    return swap_test(runs[0], runs[1], system=USUAL)


@pytest.mark.parametrize(("body", "pod_s", "seed"), [(0.06, 0.010, 1), (0.0, -0.012, 2), (-0.08, 0.0, 3)])
def test_a_simulated_test_through_the_detector(body: float, pod_s: float, seed: int) -> None:
    found = simulated(body, pod_s, seed)
    assert found.body is not None
    assert found.sensor is not None
    assert found.first_pairs >= 50
    assert found.second_pairs >= 50
    assert found.body.index == pytest.approx(body, abs=0.012)
    assert found.sensor.index == pytest.approx(pod_s / 0.25, abs=0.016)  # the styles' stances are 0.22 to 0.29 s
    assert found.body.low <= body <= found.body.high
