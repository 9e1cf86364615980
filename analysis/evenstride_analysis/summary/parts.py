"""A session in parts: straights and bends, laps, repetitions, paces, halves. They are shown without verdicts."""

from collections.abc import Sequence
from itertools import compress

from evenstride_analysis.context import Reading
from evenstride_analysis.model import Measure, Part, PartKind, Side, Step, Surface
from evenstride_analysis.summary.legs import leg_summary
from evenstride_analysis.symmetry import MIN_PAIRS, SystematicError, is_clean, symmetry

_LONG_BOUT_S = 20.0
_LONG_RUN_S = 300.0  # long enough to tire


def parts_of(reading: Reading, used: Sequence[Step], *, system: SystematicError) -> tuple[Part, ...]:
    """All parts in the order of a report; `used` are the steps behind the primary verdict."""
    settled = list(compress(reading.steps, reading.settled))
    straight = [step for step in settled if step.surface is not Surface.BEND]

    def part(kind: PartKind, steps: Sequence[Step], number: int = 0, span: tuple[float, float] | None = None) -> Part:
        start_s, end_s = span or (steps[0].t_s, steps[-1].t_s + steps[-1].stride.stride_s)
        clean = [step for step in steps if is_clean(step, Measure.STANCE)]
        return Part(
            kind=kind,
            number=number,
            start_s=start_s,
            end_s=end_s,
            speed=reading.speed(start_s, end_s),
            legs={side: leg_summary(side, steps, clean) for side in Side},
            symmetry=symmetry(steps, Measure.STANCE, t_s=end_s, system=system),
        )

    def spans(kind: PartKind, of: Sequence[tuple[float, float]]) -> list[Part]:
        return [
            part(kind, [step for step in straight if span[0] <= step.t_s < span[1]], number, span)
            for number, span in enumerate(of, start=1)
        ]

    return (
        *(part(kind, steps) for kind, steps in _by_surface(reading, settled, straight)),
        *spans(PartKind.LAP, reading.course.whole_laps() if reading.course else ()),
        *spans(PartKind.REPETITION, [(bout.start_s, bout.end_s) for bout in reading.repetitions]),
        *spans(PartKind.PACE, _paces(reading)),
        *(part(kind, steps) for kind, steps in _halves(used)),
    )


def _by_surface(
    reading: Reading, settled: Sequence[Step], straight: Sequence[Step]
) -> list[tuple[PartKind, Sequence[Step]]]:
    """Straights and bends beside each other, where there is enough of a bend."""
    of = {id(step): level for step, level in zip(reading.steps, reading.levels, strict=True)}
    bends = [
        (kind, [step for step in settled if step.surface is Surface.BEND and of[id(step)] == level])
        for kind, level in ((PartKind.BEND_LEFT, 1), (PartKind.BEND_RIGHT, -1))
    ]
    found = [(kind, steps) for kind, steps in bends if _clean(steps) >= MIN_PAIRS]
    if found and _clean(straight) >= MIN_PAIRS:
        return [(PartKind.STRAIGHT, straight), *found]
    return list(found)


def _clean(steps: Sequence[Step]) -> int:
    return sum(is_clean(step, Measure.STANCE) for step in steps)


def _paces(reading: Reading) -> list[tuple[float, float]]:
    """The longer bouts of a session with several paces that is no interval session."""
    spans = [(bout.start_s, bout.end_s) for bout in reading.bouts if bout.lasted_s >= _LONG_BOUT_S]
    return spans if len(spans) > 1 and not reading.repetitions else []


def _halves(used: Sequence[Step]) -> list[tuple[PartKind, Sequence[Step]]]:
    """The strides of the verdict, the first half of them and the second."""
    if len(used) < 8 * MIN_PAIRS or used[-1].t_s - used[0].t_s < _LONG_RUN_S:
        return []
    middle = len(used) // 2
    return [(PartKind.FIRST, used[:middle]), (PartKind.LAST, used[middle:])]
