"""Raw frames: samples as they come from the sensor (PROTOCOL.md section 6)."""

import struct
from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from evenstride_analysis.model import CountArray, Frame
from evenstride_gateway.air.uuids import ATT_HEADER
from evenstride_gateway.air.wire import check_kind, need, unpack
from evenstride_gateway.errors import ProtocolError

KIND = 0x01
HEADER = struct.Struct("<BBBBIIIQHH")
SIX_AXES_MASK = 0x003F
MAX_SAMPLES = 120  # one channel at MTU 247 would give 108: `n` is one byte


class FrameFlag(IntFlag):
    BACKFILL = 1
    CLIPPED = 2  # at least one count in this frame is at the end of its range


def samples_per_frame(mtu: int, channels: int = 6) -> int:
    """How many samples a frame holds at this ATT MTU: 18 of six axes at 247."""
    return max(0, min(MAX_SAMPLES, (mtu - ATT_HEADER - HEADER.size) // (2 * channels)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawFrame:
    """Samples first_index ... first_index + n - 1: `counts` (n, channels) int16, `tick` at the first of them.

    `mask` has a bit for each channel of Info that is present, lowest first. `backlog` is how many samples still wait
    in the pod's queue (65,535 = that many or more). Backfill frames count `seq` apart from live ones.
    """

    boot_id: int
    seq: int
    first_index: int
    tick: int
    backfill: bool
    counts: CountArray
    clipped: bool = False
    mask: int = SIX_AXES_MASK
    backlog: int = 0

    def __post_init__(self) -> None:
        counts = np.asarray(self.counts, dtype=np.int16).view()
        if counts.ndim != 2 or counts.shape[1] != self.mask.bit_count():
            raise ValueError(f"counts of shape {counts.shape} under mask {self.mask:#06x}")
        counts.setflags(write=False)
        object.__setattr__(self, "counts", counts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "RawFrame":
        """Raises ProtocolError that names the offset; the counts are a view of `data`."""
        check_kind(data, KIND, "raw frame")
        _, flags, n, _, boot_id, seq, first_index, tick, mask, backlog = unpack(HEADER, data, "raw frame")
        if n == 0 or n > MAX_SAMPLES:
            raise ProtocolError(f"raw frame of {n} samples", offset=2, data=data)
        if mask == 0:
            raise ProtocolError("raw frame without channels", offset=24, data=data)
        channels = mask.bit_count()
        need(data, HEADER.size + 2 * n * channels, "raw frame")
        counts = np.frombuffer(data, dtype="<i2", count=n * channels, offset=HEADER.size).reshape(n, channels)
        return cls(
            boot_id=boot_id,
            seq=seq,
            first_index=first_index,
            tick=tick,
            backfill=bool(flags & FrameFlag.BACKFILL),
            counts=counts,
            clipped=bool(flags & FrameFlag.CLIPPED),
            mask=mask,
            backlog=backlog,
        )

    def __bytes__(self) -> bytes:
        n = len(self.counts)
        if not 0 < n <= MAX_SAMPLES:
            raise ValueError(f"a raw frame holds 1 to {MAX_SAMPLES} samples, not {n}")
        flags = FrameFlag.BACKFILL * self.backfill | FrameFlag.CLIPPED * self.clipped
        header = HEADER.pack(
            KIND, flags, n, 0, self.boot_id, self.seq, self.first_index, self.tick, self.mask, self.backlog
        )
        return header + self.counts.astype("<i2", copy=False).tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawFrame) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash((self.boot_id, self.seq, self.first_index, self.backfill))

    @property
    def end_index(self) -> int:
        """One past the last sample."""
        return self.first_index + len(self.counts)

    def frame(self, pod_id: str) -> Frame:
        """The noun of the model."""
        return Frame(
            pod_id=pod_id,
            boot_id=self.boot_id,
            seq=self.seq,
            first_index=self.first_index,
            tick=self.tick,
            counts=self.counts,
        )
