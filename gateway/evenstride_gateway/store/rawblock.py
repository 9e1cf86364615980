"""One block of the raw log: a batch of frames as checked, compressed bytes, and back (pure).

Layout, little-endian: magic (4) | kind (1) | channels (1) | frames (u16) | samples (u32) | body length (u32) |
CRC-32 (u32) of the header before it and the body | body. Bodies are zstd frames. A frames block holds five columns of
int64 (boot, seq, first index, tick, length; each as differences) and then the counts, channel by channel, each as
differences modulo 2^16, low bytes before high bytes. An info block holds JSON. docs/decisions/0003-raw-log-format.md.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import zstandard

from evenstride_analysis.model import Frame

MAGIC = b"\xe5ESb"
_HEAD = struct.Struct("<4sBBHII")
_CRC = struct.Struct("<I")
HEADER_SIZE = _HEAD.size + _CRC.size
MAX_FRAMES = 4096
MAX_SAMPLES = 65_536
MAX_BODY = 1 << 20
_COLUMNS = 5
_LEVEL = 3


class Kind(IntEnum):
    INFO = 0
    FRAMES = 1


class BlockError(ValueError):
    """These bytes are not a whole, intact block. `cut`: they may be the beginning of one."""

    def __init__(self, what: str, *, cut: bool = False) -> None:
        super().__init__(what)
        self.cut = cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    kind: Kind
    channels: int
    frames: int
    samples: int
    body_length: int
    crc: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Header":
        if len(data) < HEADER_SIZE:
            raise BlockError("block header cut short", cut=True)
        magic, kind, channels, frames, samples, length = _HEAD.unpack_from(data)
        (crc,) = _CRC.unpack_from(data, _HEAD.size)
        if magic != MAGIC or kind not in (Kind.INFO, Kind.FRAMES):
            raise BlockError("no block begins here")
        if frames > MAX_FRAMES or samples > MAX_SAMPLES or length > MAX_BODY:
            raise BlockError("block is larger than any that is written")
        return cls(kind=Kind(kind), channels=channels, frames=frames, samples=samples, body_length=length, crc=crc)

    def check(self, body: bytes) -> None:
        """Raises BlockError unless `body` is the one that was written under this header."""
        if len(body) < self.body_length:
            raise BlockError("block cut short", cut=True)
        head = _HEAD.pack(MAGIC, self.kind, self.channels, self.frames, self.samples, self.body_length)
        if zlib.crc32(body, zlib.crc32(head)) != self.crc:
            raise BlockError("block fails its checksum")


def _block(kind: Kind, channels: int, frames: int, samples: int, plain: bytes) -> bytes:
    body = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(plain)
    if len(body) > MAX_BODY:
        raise ValueError(f"block of {len(body)} bytes: at most {MAX_BODY} are allowed")
    head = _HEAD.pack(MAGIC, kind, channels, frames, samples, len(body))
    return head + _CRC.pack(zlib.crc32(body, zlib.crc32(head))) + body


def _plain(body: bytes, size: int) -> bytes:
    try:
        plain = zstandard.ZstdDecompressor().decompress(body, max_output_size=size)
    except zstandard.ZstdError as error:
        raise BlockError(f"block cannot be unpacked: {error}") from error
    if len(plain) != size:
        raise BlockError(f"block holds {len(plain)} bytes, {size} were announced")
    return plain


def pack_info(text: str) -> bytes:
    """An info block with JSON text; `samples` carries its length."""
    plain = text.encode("utf-8")
    return _block(Kind.INFO, 0, 0, len(plain), plain)


def unpack_info(header: Header, body: bytes) -> str:
    return _plain(body, header.samples).decode("utf-8")


def _shuffled(counts: npt.NDArray[np.int16]) -> bytes:
    """counts (n, channels) -> bytes: by channel, differences, low bytes then high bytes."""
    by_channel = np.ascontiguousarray(counts.T).view(np.uint16)
    delta = by_channel.copy()
    delta[:, 1:] -= by_channel[:, :-1]
    split = delta.astype("<u2").view(np.uint8).reshape(-1, 2)
    return split.T.tobytes()


def _unshuffled(data: bytes, n: int, channels: int) -> npt.NDArray[np.int16]:
    split = np.frombuffer(data, np.uint8).reshape(2, -1)
    delta = np.ascontiguousarray(split.T).view("<u2").reshape(channels, n).astype(np.uint16)
    values = np.cumsum(delta, axis=1, dtype=np.uint16)
    return np.ascontiguousarray(values.T).view(np.int16)


def pack_frames(frames: Sequence[Frame]) -> bytes:
    """A frames block. All frames of one pod with the same number of channels; raises ValueError beyond the caps."""
    channels = frames[0].counts.shape[1]
    counts = np.concatenate([frame.counts for frame in frames])
    if len(frames) > MAX_FRAMES or len(counts) > MAX_SAMPLES or channels > 255:
        raise ValueError(f"{len(frames)} frames with {len(counts)} samples are too many for a block")
    table = np.array([(f.boot_id, f.seq, f.first_index, f.tick, len(f.counts)) for f in frames], np.int64).T
    delta = np.diff(table, axis=1, prepend=0).astype("<i8")
    # Byte planes: the high bytes of all columns are runs of zeros.
    columns = delta.reshape(-1).view(np.uint8).reshape(-1, 8).T.tobytes()
    return _block(Kind.FRAMES, channels, len(frames), len(counts), columns + _shuffled(counts))


def unpack_frames(header: Header, body: bytes, pod_id: str) -> list[Frame]:
    """The frames of a checked block. Raises BlockError when header and content disagree."""
    head_size = 8 * _COLUMNS * header.frames
    plain = _plain(body, head_size + 2 * header.channels * header.samples)
    planes = np.frombuffer(plain[:head_size], np.uint8).reshape(8, -1)
    delta = np.ascontiguousarray(planes.T).view("<i8").reshape(_COLUMNS, header.frames)
    table = np.cumsum(delta, axis=1, dtype=np.int64)
    ends = np.cumsum(table[4])
    if (header.frames and int(ends[-1]) != header.samples) or np.any(table[4] < 0):
        raise BlockError("lengths of the frames do not add up")
    counts = _unshuffled(plain[head_size:], header.samples, header.channels)
    return [
        Frame(
            pod_id=pod_id,
            boot_id=boot_id,
            seq=seq,
            first_index=first_index,
            tick=tick,
            counts=counts[end - length : end],
        )
        for (boot_id, seq, first_index, tick, length), end in zip(table.T.tolist(), ends.tolist(), strict=True)
    ]
