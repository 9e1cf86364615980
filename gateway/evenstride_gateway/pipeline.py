"""One pod during one recording: every sample is counted once, the detector gets them in order, late ones are noted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.frames import IDENTITY
from evenstride_analysis.model import Frame, PodInfo, ProvisionalStride, Stride
from evenstride_analysis.placement.drift import DriftPoint, DriftWatch
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.offset import OffsetEstimator
from evenstride_analysis.strides.provisional import LiveMethod
from evenstride_gateway.air import RawFrame
from evenstride_gateway.errors import InputError
from evenstride_gateway.ledger import Piece, SampleLedger, pieces
from evenstride_gateway.samples import SampleReader, StampOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Samples that came after the live detector had passed them: the detector must run again around them."""

    boot_id: int
    first_index: int
    end_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a frame brought. `frame` is None when every sample of it was already known.

    `provisional` stances are for the page alone: their strides follow when they are complete.
    """

    frame: Frame | None
    strides: list[Stride]
    provisional: list[ProvisionalStride]


class PodPipeline:
    """Frames of one pod -> strides in pod time. Owns the ledgers; holds no clock and no scientific constant."""

    def __init__(
        self, info: PodInfo, *, rotation: Sequence[float] = IDENTITY, offset: HardwareOffset | None = None
    ) -> None:
        self.info = info
        self.rotation = rotation
        self.ledgers: dict[int, SampleLedger] = {}
        self.late: list[Late] = []
        self.drift: list[DriftPoint] = []  # the pod's turn on the leg, minute by minute of what was fed
        self._watch = DriftWatch(info.rate_hz)
        self._watch_from: tuple[int, int] | None = None  # boot and index at which minutes begin
        self._stamps: dict[int, StampOrder] = {}
        self._reader = SampleReader(info)
        self._detector = detector_for(info, rotation, offset, live=True)
        self.live_boot: int | None = None
        self.fed_end = 0
        self.closed = False  # the recording ends: live frames beyond the end of the account no longer count

    def take(self, message: RawFrame) -> Taken:
        """Count the frame's samples; hand the new ones that are in order to the detector.

        Raises InputError for a frame that cannot be true; then it was not counted either.
        """
        if message.mask != (1 << len(self.info.channels)) - 1:
            named = len(self.info.channels)
            raise InputError(
                f"pod {self.info.pod_id}: a frame of the channels {message.mask:#06x} where Info names {named};"
                " only frames with all of them are taken"
            )
        frame = message.frame(self.info.pod_id)
        self._reader.check(frame)
        if not self._counts(message):
            return Taken(frame=None, strides=[], provisional=[])
        stamps = self._stamps.setdefault(frame.boot_id, StampOrder(self.info))
        stamps.check(frame)
        fresh = self._ledger(frame.boot_id).take(frame, backfill=message.backfill)
        if not fresh:
            return Taken(frame=None, strides=[], provisional=[])
        stamps.add(frame)
        if not message.backfill and (self.live_boot is None or frame.boot_id > self.live_boot):  # ids only grow
            self.live_boot = frame.boot_id
            self.fed_end = frame.first_index
        strides: list[Stride] = []
        for piece in pieces(frame, fresh):
            if message.backfill or piece.boot_id != self.live_boot or piece.first_index < self.fed_end:
                self._note_late(piece)
            else:
                strides += self._feed(piece)
        return Taken(frame=frame, strides=strides, provisional=self._detector.provisional())

    def expect(self, boot_id: int, end_index: int, next_seq: int | None = None) -> None:
        """The pod says how far it is, or was, in that boot; a pod of which nothing came yet has no account."""
        if self.ledgers:
            self._ledger(boot_id).expect(end_index, next_seq)

    def _note_late(self, piece: Piece) -> None:
        """A backfill comes frame by frame: what continues the newest late range makes it longer."""
        last = self.late[-1] if self.late else None
        if last is not None and (last.boot_id, last.end_index) == (piece.boot_id, piece.first_index):
            self.late[-1] = replace(last, end_index=piece.end_index)
        else:
            self.late.append(Late(boot_id=piece.boot_id, first_index=piece.first_index, end_index=piece.end_index))

    def _counts(self, message: RawFrame) -> bool:
        """Whether the frame is of this recording: an answer to an earlier one's question, or a frame behind the end
        of this one, is not."""
        ledger = self.ledgers.get(message.boot_id)
        if message.backfill:
            return ledger is not None and message.first_index >= ledger.first_index
        return not self.closed or (ledger is not None and ledger.lacks(message.first_index, message.end_index))

    def _ledger(self, boot_id: int) -> SampleLedger:
        ledger = self.ledgers.get(boot_id)
        if ledger is None:
            # The first boot is met in mid-stream; a later one began during the recording, so all of it is expected.
            start = 0 if self.ledgers else None
            ledger = self.ledgers[boot_id] = SampleLedger(pod_id=self.info.pod_id, boot_id=boot_id, expect_from=start)
        return ledger

    def _feed(self, piece: Piece) -> list[Stride]:
        # A jump forward is a gap to the detector: it needs no word of ours.
        self.fed_end = piece.end_index
        block = self._reader.block(piece)
        if self._watch_from is None or self._watch_from[0] != piece.boot_id:
            self._watch_from = (piece.boot_id, piece.first_index)
        since_s = (piece.first_index - self._watch_from[1]) / self.info.rate_hz
        self.drift += self._watch.push(block.accel_mps2, block.gyro_radps, since_s)
        return self._detector.push(block)

    def drift_to_the_end(self) -> list[DriftPoint]:
        """The pod's turn minute by minute, the last one included; nothing more will be fed."""
        self.drift += self._watch.flush()
        return self.drift

    def flush(self) -> list[Stride]:
        """What the samples so far still settle; frames may go on coming."""
        return self._detector.flush()


def detector_for(
    info: PodInfo, rotation: Sequence[float], offset: HardwareOffset | None = None, *, live: bool = False
) -> StrideDetector:
    """The detector of this pod, with the ranges and the nominal rate that its Info names; `live`: provisional strides,
    too."""
    return StrideDetector(
        pod_id=info.pod_id,
        rate_hz=info.rate_hz,
        accel_range_mps2=info.accel_range_mps2,
        gyro_range_radps=info.gyro_range_radps,
        rotation=rotation,
        estimator=None if offset is None else OffsetEstimator(LearnedEstimator(), offset),
        live=LiveMethod(offset=offset) if live else None,
    )
