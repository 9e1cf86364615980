"""Virtual sessions on a track, as strides, and what was planted beside them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from evenstride_analysis.model import Side, Step, Surface
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.simulate import Scenario, TrueStride, VirtualRunner, detect
from evenstride_analysis.strides.detector import StrideDetector

RATE_HZ = 104.0  # the lowest that pods have: turning needs no more, and tests are quick
PLACEMENT_SD_RAD = 0.026  # of the shank's direction at contact: 53 RBDS runs, the virtual runner has less


@cache
def session(scenario: Scenario, seed: int = 1) -> tuple[tuple[Step, ...], tuple[TrueStride, ...]]:
    """Detected steps with the scatter of real foot placement, and the planted stride of each."""
    runner = VirtualRunner(scenario.plan, replace(scenario.sensor, rate_hz=RATE_HZ), seed)
    steps = paired(runner)
    truth = {side: runner.truth(side) for side in Side}
    strikes = {side: np.array([stride.strike_s for stride in truth[side]]) for side in Side}
    planted = [truth[step.side][int(np.argmin(np.abs(strikes[step.side] - step.t_s)))] for step in steps]
    return tuple(placed(steps, seed)), tuple(planted)


def paired(runner: VirtualRunner) -> list[Step]:
    """Both legs' strides as steps, clocks known to 1 ms."""
    strides = sorted(
        ((stride.strike_s, side, stride) for side in Side for stride in detect(runner, side, StrideDetector)),
        key=lambda entry: entry[0],
    )
    pairing = Pairing()
    steps = [step for t_s, side, stride in strides for step in pairing.push(side, stride, t_s, 0.001)]
    return steps + pairing.flush()


def placed(steps: Sequence[Step], seed: int) -> list[Step]:
    """Every foot points a little elsewhere at each contact: neighbouring turns err in opposite directions."""
    rng = np.random.default_rng(seed)
    last = dict.fromkeys(Side, 0.0)
    out: list[Step] = []
    for step in steps:
        now = float(rng.normal(0.0, PLACEMENT_SD_RAD))
        turn = step.stride.heading_rad
        if turn is not None:
            turn += now - last[step.side]
        last[step.side] = now
        out.append(replace(step, stride=replace(step.stride, heading_rad=turn)))
    return out


def right_share(steps: Sequence[Step], planted: Sequence[TrueStride]) -> float:
    """Share of the steps whose surface is the planted one; off the track all is straight."""
    wanted = [Surface.STRAIGHT if stride.surface is Surface.UNKNOWN else stride.surface for stride in planted]
    return float(np.mean([step.surface is surface for step, surface in zip(steps, wanted, strict=True)]))


def only_bends(steps: Sequence[Step], planted: Sequence[TrueStride]) -> list[Step]:
    """The strides that lie wholly in bends, put end to end: half a minute of bend, and again, never a straight."""
    kept: list[Step] = []
    gone_s, last_s = 0.0, None
    for step, stride in zip(steps, planted, strict=True):
        if stride.bend_share < 1.0:
            continue
        if last_s is not None and step.t_s - last_s > 2.0:
            gone_s += step.t_s - last_s - 0.5 * step.stride.stride_s
        last_s = step.t_s
        kept.append(replace(step, t_s=step.t_s - gone_s))
    return kept
