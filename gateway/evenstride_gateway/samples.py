"""Counts to SI: a piece of a frame becomes a block of samples in sensor axes (pure)."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from evenstride_analysis.model import SIX_AXES, Frame, PodInfo, SampleBlock
from evenstride_gateway.errors import InputError
from evenstride_gateway.ledger import Piece, Stretch

_SLACK_S = 0.1
_RATE_DOUBT = 0.5  # no crystal is so wrong: a frame beyond it has another's index or tick


class StampOrder:
    """The ticks of one boot's frames by index. A frame that contradicts its neighbours would make all that is stored
    of the boot unreadable, so it is refused before it is counted."""

    def __init__(self, info: PodInfo) -> None:
        self._info = info
        self._indices = array("q")
        self._ticks = array("Q")

    def check(self, frame: Frame) -> None:
        """Raises InputError when time and index of the frame do not fit those beside it."""
        at = bisect_left(self._indices, frame.first_index)
        for k in range(max(0, at - 1), min(len(self._indices), at + 1)):
            samples, ticks = frame.first_index - self._indices[k], frame.tick - self._ticks[k]
            taken_s, passed_s = samples / self._info.rate_hz, ticks / self._info.tick_hz
            ordered = (samples > 0) - (samples < 0) == (ticks > 0) - (ticks < 0)
            if not ordered or abs(passed_s - taken_s) > _SLACK_S + _RATE_DOUBT * abs(taken_s):
                raise InputError(
                    f"pod {frame.pod_id}: sample {frame.first_index} at tick {frame.tick} does not fit"
                    f" sample {self._indices[k]} at tick {self._ticks[k]}"
                )

    def add(self, frame: Frame) -> None:
        at = bisect_left(self._indices, frame.first_index)
        if at == len(self._indices) or self._indices[at] != frame.first_index:
            self._indices.insert(at, frame.first_index)
            self._ticks.insert(at, frame.tick)


class SampleReader:
    """Turns what came of one pod into blocks; the scales are the pod's own, from Info."""

    def __init__(self, info: PodInfo) -> None:
        """Raises InputError when the pod has no six axes."""
        missing = [name for name in SIX_AXES if name not in info.channels]
        if missing:
            raise InputError(f"pod {info.pod_id} has no channel {', '.join(missing)}: six axes are needed")
        self.info = info
        self._columns = [info.channels.index(name) for name in SIX_AXES]
        self._plain = self._columns == list(range(len(info.channels)))
        self._scales = np.array([info.scales[column] for column in self._columns])

    def check(self, piece: Frame | Piece | Stretch) -> None:
        """Raises InputError when it has another number of channels than Info says."""
        found, named = piece.counts.shape[1], len(self.info.channels)
        if found != named:
            raise InputError(f"pod {piece.pod_id}: a frame of {found} channels where Info names {named}")

    def block(self, piece: Piece) -> SampleBlock:
        """The piece in SI. Raises InputError as `check` does."""
        self.check(piece)
        return self._joined([piece])

    def blocks(self, pieces: Iterable[Piece], *, longest_s: float = 1.0) -> Iterator[SampleBlock]:
        """Pieces that follow each other without a gap as blocks of about `longest_s`: stored samples are read many at a
        time. The same samples and stamps as `block` gives one by one. Raises InputError as `check` does."""
        most = longest_s * self.info.rate_hz
        held: list[Piece] = []
        for piece in pieces:
            self.check(piece)
            last = held[-1] if held else piece
            apart = held and (piece.boot_id != last.boot_id or piece.first_index != last.end_index)
            if apart or (held and last.end_index - held[0].first_index >= most):
                yield self._joined(held)
                held = []
            held.append(piece)
        if held:
            yield self._joined(held)

    def _joined(self, held: Sequence[Piece]) -> SampleBlock:
        stamps = [(piece.first_index, piece.tick) for piece in held if piece.tick is not None]
        return self._si(
            Stretch(
                pod_id=held[0].pod_id,
                boot_id=held[0].boot_id,
                first_index=held[0].first_index,
                stamp_index=np.array([index for index, _ in stamps], dtype=np.int64),
                stamp_tick=np.array([tick for _, tick in stamps], dtype=np.int64),
                counts=held[0].counts if len(held) == 1 else np.concatenate([piece.counts for piece in held]),
            )
        )

    def stretch(self, stretch: Stretch) -> SampleBlock:
        """The same of a stretch. Raises InputError as `check` does."""
        self.check(stretch)
        return self._si(stretch)

    def _si(self, stretch: Stretch) -> SampleBlock:
        counts = stretch.counts if self._plain else stretch.counts[:, self._columns]
        si = counts.astype(np.float64) * self._scales
        return SampleBlock(
            pod_id=stretch.pod_id,
            boot_id=stretch.boot_id,
            first_index=stretch.first_index,
            stamp_index=stretch.stamp_index,
            stamp_s=stretch.stamp_tick / self.info.tick_hz,
            accel_mps2=si[:, :3],
            gyro_radps=si[:, 3:],
        )
