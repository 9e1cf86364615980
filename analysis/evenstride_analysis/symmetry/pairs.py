"""Which steps are compared: a left step and the right step that answers it, both clean."""

from collections.abc import Iterable

from evenstride_analysis.model import Doubt, Gait, Measure, Side, Step

Pair = tuple[Step, Step]
_PAIR_S = 1.2  # a right strike later than this after the left one is not its partner


def value_of(step: Step, measure: Measure) -> float | None:
    """The step's value of a measure, SI; None where it was not measured."""
    stride = step.stride
    if measure is Measure.STANCE:
        return stride.stance_s
    return stride.impact_mps2 if measure is Measure.IMPACT else stride.impact_axial_mps2


def is_clean(step: Step, measure: Measure) -> bool:
    """Running, alternating and without a doubt that touches this measure: what may enter a verdict.

    A shock beyond the accelerometer's range leaves the contact rule (1 g on the way up) and the gyro's toe-off as they
    are, so a clipped stride still has its stance. (A clipped gyro is OUT_OF_RANGE as well.)
    """
    spared = Doubt.CLIPPED if measure is Measure.STANCE else Doubt(0)
    return step.gait is Gait.RUN and step.alternates and not step.stride.doubt & ~spared


def pairs_of(steps: Iterable[Step], measure: Measure) -> list[Pair]:
    """(left, right) of every left step that the next step answers, both clean; steps in order of strike."""
    found: list[Pair] = []
    before: Step | None = None
    for step in steps:
        if before is not None and belong(before, step, measure):
            found.append((before, step))
        before = step
    return found


def belong(first: Step, second: Step, measure: Measure) -> bool:
    """Whether these two consecutive steps are a pair of this measure."""
    return (
        first.side is Side.LEFT
        and second.side is Side.RIGHT
        and 0.0 < second.t_s - first.t_s < _PAIR_S
        and is_clean(first, measure)
        and is_clean(second, measure)
    )
