"""Virtual sessions on a track, as strides, and what was planted beside them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from evenstride_analysis.model import Step
from evenstride_analysis.simulate import Scenario, TrueStride
from evenstride_analysis.study.turns import RATE_HZ, right_share, steps_of

__all__ = ["RATE_HZ", "only_bends", "right_share", "session"]


@cache
def session(scenario: Scenario, seed: int = 1) -> tuple[tuple[Step, ...], tuple[TrueStride, ...]]:
    """Detected steps with the scatter of real foot placement, and the planted stride of each."""
    steps, planted = steps_of(scenario, seed)
    return tuple(steps), tuple(planted)


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
