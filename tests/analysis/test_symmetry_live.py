"""The live value is that of the report over the same strides, whatever came and went before."""

from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recordings import rbds_trial
from support.steps import made_run

from evenstride_analysis.accuracy import detect
from evenstride_analysis.model import Doubt, Gait, Measure, Side, Step, Symmetry
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.symmetry import (
    LIVE_PAIRS,
    LiveSymmetry,
    MethodError,
    SystematicError,
    pairs_of,
    symmetry,
    system_of,
)

SYSTEM = SystematicError(
    estimator=0.02,
    allowance=0.02,
    source="test",
    methods={"rules-1": MethodError(si_error_sd=0.015, leg_sd_s=0.004)},
)


def rescanned(steps: list[Step], measure: Measure, t_s: float) -> Symmetry:
    """The contract of `LiveSymmetry.at`, the slow way: pairs of the last 120 s, 30 at most, and the steps since."""
    since_s = t_s - 120.0
    pairs = [p for p in deque(pairs_of(steps, measure), maxlen=LIVE_PAIRS) if p[0].t_s >= since_s]
    if len(pairs) == LIVE_PAIRS:
        since_s = pairs[0][0].t_s
    return symmetry([s for s in steps if s.t_s >= since_s], measure, t_s=t_s, system=SYSTEM)


def changed(step: Step, what: int) -> Step:
    stride = step.stride
    return {
        1: replace(step, gait=Gait.WALK),
        2: replace(step, stride=replace(stride, doubt=Doubt.CLIPPED)),
        3: replace(step, stride=replace(stride, impact_mps2=None)),
        4: replace(step, alternates=False),
        5: replace(step, stride=replace(stride, method="tte-2")),
        6: replace(step, stride=replace(stride, stance_system_sd_s=0.0072)),
        7: replace(step, stride=replace(stride, stance_system_sd_s=0.0041)),
    }.get(what, step)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    kind=st.integers(0, 7),
    share=st.floats(0.0, 1.0),
    silence_s=st.sampled_from([0.0, 30.0, 100.0, 119.0, 121.0, 400.0]),
    measure=st.sampled_from([Measure.STANCE, Measure.IMPACT]),
)
def test_running_sums_say_what_a_rescan_says(
    seed: int, kind: int, share: float, silence_s: float, measure: Measure
) -> None:
    chance = np.random.default_rng(seed)
    lefts, rights = 0.25 + chance.normal(0.0, 0.004, (2, 70))
    made = made_run(lefts.tolist(), rights.tolist())
    steps: list[Step] = []
    live = LiveSymmetry(system=SYSTEM, measure=measure)
    for k, step in enumerate(made):
        moved = replace(step, t_s=step.t_s + (silence_s if k >= 80 else 0.0))
        steps.append(changed(moved, kind if chance.random() < share else 0))
        live.push(steps[-1])
        if k % 7 == 0 or k in (79, 80, 81):
            for later_s in (0.0, 15.0, 118.0, 130.0):
                t_s = steps[-1].t_s + later_s
                assert live.at(t_s) == rescanned(steps, measure, t_s)


def recorded_steps(name: str) -> list[Step]:
    recorded = rbds_trial(name)
    strides = {side: detect(recorded.legs[side], pod_id=side.value) for side in Side}
    pairing = Pairing()
    timed = sorted(((s.strike_s, side, s) for side in Side for s in strides[side]), key=lambda entry: entry[0])
    steps = [step for t_s, side, stride in timed for step in pairing.push(side, stride, t_s, 0.001)]
    return steps + pairing.flush()


@pytest.mark.parametrize("name", ["RBDS001_T35", "RBDS010_T25", "RBDS012_T25"])
def test_live_and_report_agree_on_recorded_strides(name: str) -> None:
    steps = recorded_steps(name)
    live = LiveSymmetry(system=system_of())
    for step in steps:
        live.push(step)
    now = live.at(steps[-1].t_s)
    equal = pairs_of(steps, Measure.STANCE)[-LIVE_PAIRS:]
    report = symmetry([step for pair in equal for step in pair], Measure.STANCE, t_s=now.t_s, system=system_of())
    assert now.n_pairs == LIVE_PAIRS
    assert now.index is not None
    assert report.index is not None
    assert now.index == pytest.approx(report.index, abs=1e-12)  # the target is 0.2 points, 0.002
    assert (now.low, now.high, now.verdict) == (report.low, report.high, report.verdict)
