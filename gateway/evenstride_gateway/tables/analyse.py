"""A recording table through the same detector and pairing as a live run."""

from collections.abc import Callable, Mapping, Sequence
from heapq import merge

from evenstride_analysis.frames import IDENTITY
from evenstride_analysis.model import Doubt, Gait, SampleBlock, Side, Step, Stride
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_gateway.tables.recording import Recording, blocks, pod_id
from evenstride_gateway.tables.strides import StrideRow, in_time_order

Progress = Callable[[int, int], None]
"""Called with (samples done, samples in all)."""


def _silent(done: int, samples: int) -> None:
    del done, samples


def strides_of(
    recording: Recording,
    *,
    rotations: Mapping[Side, Sequence[float]] | None = None,
    progress: Progress = _silent,
) -> dict[Side, list[Stride]]:
    """The strides of each recorded leg, in the table's time. `rotations` turns sensor axes into shank axes.

    Raises InputError when a leg's rate is not one that strides can be found at.
    """
    samples, done = sum(len(leg) for leg in recording.legs.values()), 0
    found: dict[Side, list[Stride]] = {}
    for side in recording.legs:
        rate_hz, pieces = blocks(recording, side)
        detector = StrideDetector(pod_id=pod_id(side), rate_hz=rate_hz, rotation=(rotations or {}).get(side, IDENTITY))
        strides: list[Stride] = []
        for piece in pieces:
            strides += detector.push(piece)
            if isinstance(piece, SampleBlock):
                done += len(piece.accel_mps2)
                progress(done, samples)
        found[side] = strides + detector.flush()
    return found


def steps_of(strides: Mapping[Side, Sequence[Stride]]) -> list[Step]:
    """Both legs' strides as steps, in order of strike. The legs of one table share one clock: its bound is 0."""
    pairing = Pairing()
    steps: list[Step] = []
    sided = [[(stride.strike_s, side.value, stride) for stride in own] for side, own in strides.items()]
    for strike_s, side, stride in merge(*sided, key=lambda item: item[:2]):
        steps += pairing.push(Side(side), stride, strike_s, 0.0)
    return steps + pairing.flush()


def stride_rows(steps: Sequence[Step]) -> list[StrideRow]:
    """Steps as rows of the stride table, in time order; with both legs recorded, running out of turn is a doubt."""
    both = len({step.side for step in steps}) == 2
    return in_time_order(stride_row(step, both_legs=both) for step in steps)


def analyse_recording(
    recording: Recording,
    *,
    rotations: Mapping[Side, Sequence[float]] | None = None,
    progress: Progress = _silent,
) -> list[StrideRow]:
    """Every stride of the recording as a row, in time order: doubted and walking ones too. Raises InputError."""
    return stride_rows(steps_of(strides_of(recording, rotations=rotations, progress=progress)))


def stride_row(step: Step, *, both_legs: bool) -> StrideRow:
    """One step as a row; `both_legs`: strides of both legs are known, so that running out of turn is a doubt."""
    out_of_turn = both_legs and step.gait is Gait.RUN and not step.alternates
    doubt = step.stride.doubt | (Doubt.ALTERNATION if out_of_turn else Doubt(0))
    return StrideRow(step.side, step.stride, step.gait, doubt)
