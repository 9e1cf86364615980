"""One block of the raw log: a batch of frames as checked, compressed bytes, and back (pure).

Layout, little-endian: magic (4) | kind (1) | channels (1) | frames (u16) | samples (u32) | body length (u32) |
CRC-32 (u32) of the header before it and the body | body. An info block's body is JSON in a zstd frame, `samples` its
length. A frames block's body is: length of the zstd frame (u32) | zstd frame | noise bits. The zstd frame holds five
columns of int64 (boot, seq, first index, tick, length; each as differences, in byte planes) and the coded counts of
rawcodec.py, whose noise bits follow as they are. Reasons: docs/decisions/0003-raw-log-format.md.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import zstandard

from evenstride_analysis.model import Frame
from evenstride_gateway.store.rawcodec import Int64s, from_planes, pack_counts, planes, unpack_counts

MAGIC = b"\xe5ESb"
_HEAD = struct.Struct("<4sBBHII")
_CRC = _LENGTH = struct.Struct("<I")
HEADER_SIZE = _HEAD.size + _CRC.size
MAX_FRAMES = 4096
MAX_SAMPLES = 65_536
MAX_VALUES = 1 << 18  # counts in a block
MAX_BODY = 1 << 20
_MAX_PLAIN = 1 << 22
COLUMNS = 5
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


def _block(kind: Kind, channels: int, frames: int, samples: int, body: bytes) -> bytes:
    if len(body) > MAX_BODY:
        raise ValueError(f"block of {len(body)} bytes: at most {MAX_BODY} are allowed")
    head = _HEAD.pack(MAGIC, kind, channels, frames, samples, len(body))
    return head + _CRC.pack(zlib.crc32(body, zlib.crc32(head))) + body


def _compressed(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(plain)


def _plain(data: bytes, decompressor: zstandard.ZstdDecompressor | None = None) -> bytes:
    """`decompressor`: one for many blocks, never shared between threads."""
    try:
        if not 0 <= zstandard.frame_content_size(data) <= _MAX_PLAIN:
            raise BlockError("block unpacks to more than any that is written")
        return (decompressor or zstandard.ZstdDecompressor()).decompress(data)
    except zstandard.ZstdError as error:
        raise BlockError(f"block cannot be unpacked: {error}") from error


def pack_info(text: str) -> bytes:
    """An info block with JSON text; `samples` carries its length."""
    plain = text.encode("utf-8")
    return _block(Kind.INFO, 0, 0, len(plain), _compressed(plain))


def unpack_info(header: Header, body: bytes) -> str:
    plain = _plain(body)
    if len(plain) != header.samples:
        raise BlockError(f"info of {len(plain)} bytes, {header.samples} were announced")
    return plain.decode("utf-8")


def pack_frames(frames: Sequence[Frame]) -> bytes:
    """A frames block. All frames of one pod with the same number of channels; raises ValueError beyond the caps."""
    channels = frames[0].counts.shape[1]
    counts = np.concatenate([frame.counts for frame in frames])
    if len(frames) > MAX_FRAMES or len(counts) > MAX_SAMPLES or channels > 255 or counts.size > MAX_VALUES:
        raise ValueError(f"{len(frames)} frames with {len(counts)} samples are too many for a block")
    table = np.array([(f.boot_id, f.seq, f.first_index, f.tick, len(f.counts)) for f in frames], np.int64).T
    delta = np.diff(table, axis=1, prepend=0).astype("<i8")
    coded, noise = pack_counts(counts)
    packed = _compressed(planes(delta) + coded)
    return _block(Kind.FRAMES, channels, len(frames), len(counts), _LENGTH.pack(len(packed)) + packed + noise)


def unpack_heads(blocks: Iterable[tuple[Header, bytes]]) -> Int64s:
    """Boot, seq, first index, tick and length of every frame of checked blocks, (n, 5) in no order.

    Counts stay packed: a twentieth of the work of `unpack_frames`. Blocks whose content disagrees are left out.
    """
    one = zstandard.ZstdDecompressor()
    alike: dict[int, list[tuple[Header, bytes]]] = {}  # blocks of equally many frames are unpacked together
    for header, body in blocks:
        size = 8 * COLUMNS * header.frames
        with suppress(BlockError):
            content = content_of(body, one)[:size]
            if size and len(content) == size:
                alike.setdefault(header.frames, []).append((header, content))
    tables = [np.empty((0, COLUMNS), np.int64)]
    for frames, group in alike.items():
        parts = np.frombuffer(b"".join(content for _, content in group), np.uint8).reshape(len(group), 8, -1)
        delta = np.ascontiguousarray(parts.transpose(0, 2, 1)).view("<i8").reshape(len(group), COLUMNS, frames)
        table = np.cumsum(delta, axis=2, dtype=np.int64)
        announced = np.array([header.samples for header, _ in group])
        whole = (table[:, 4].sum(axis=1) == announced) & (table[:, 4] >= 0).all(axis=1)
        tables.append(table[whole].transpose(0, 2, 1).reshape(-1, COLUMNS))
    return np.concatenate(tables)


def unpack_frames(header: Header, body: bytes, pod_id: str) -> list[Frame]:
    """The frames of a checked block. Raises BlockError when header and content disagree."""
    content, head_size = content_of(body), 8 * COLUMNS * header.frames
    try:
        delta = from_planes(content[:head_size], "<i8").reshape(COLUMNS, header.frames)
        counts = unpack_counts(content[head_size:], noise_of(body), header.samples, header.channels)
    except ValueError as error:
        raise BlockError(f"block does not hold what it announces: {error}") from error
    table = np.cumsum(delta, axis=1, dtype=np.int64)
    ends = np.cumsum(table[4])
    if (header.frames and int(ends[-1]) != header.samples) or np.any(table[4] < 0):
        raise BlockError("lengths of the frames do not add up")
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


def content_of(body: bytes, decompressor: zstandard.ZstdDecompressor | None = None) -> bytes:
    """What the zstd frame of a frames block holds."""
    try:
        (packed,) = _LENGTH.unpack_from(body)
    except struct.error as error:
        raise BlockError(f"block does not hold what it announces: {error}") from error
    return _plain(body[_LENGTH.size : _LENGTH.size + packed], decompressor)


def noise_of(body: bytes) -> bytes:
    """The noise bits of a frames block, behind its zstd frame."""
    (packed,) = _LENGTH.unpack_from(body)
    return body[_LENGTH.size + packed :]
