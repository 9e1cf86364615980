"""Many blocks of a raw log unpacked together: a season is read a thousand frames at a time, not one by one (pure).

The same samples as `unpack_frames` and `ordered_pieces` give, to the bit. Blocks with equally many frames and samples
share every operation. A block that does not hold what it announces is the old way's to leave out: BlockError here.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import zstandard

from evenstride_analysis.model import CountArray
from evenstride_gateway.ledger import Stretch
from evenstride_gateway.store.rawblock import COLUMNS, BlockError, Header, content_of, noise_of
from evenstride_gateway.store.rawcodec import ESCAPE, Int64s, from_planes

_TOGETHER = 512  # blocks: their working arrays stay within a few megabytes
_LONGEST = 4096  # samples of a stretch: what is made of them stays in the cache
_WORDS = ((8, "<u1"), (16, "<u2"), (32, "<u4"))

Block = tuple[Header, bytes]


def unpack_many(blocks: Sequence[Block]) -> tuple[Int64s, CountArray]:
    """Boot, seq, first index, tick and length of every frame (n, 5), and all their samples (m, channels), both in the
    order of the blocks. Raises BlockError when a block is unusual in any way or has other channels than the rest."""
    one = zstandard.ZstdDecompressor()
    heads, counts = (
        [np.empty((0, COLUMNS), np.int64)],
        [np.empty((0, blocks[0][0].channels if blocks else 6), np.int16)],
    )
    for first in range(0, len(blocks), _TOGETHER):
        some = blocks[first : first + _TOGETHER]
        if any(header.channels != blocks[0][0].channels for header, _ in some):
            raise BlockError("blocks of different channels")
        found = _unpack(some, [content_of(body, one) for _, body in some])
        heads.append(found[0])
        counts.append(found[1])
    return np.concatenate(heads), np.concatenate(counts)


def _unpack(blocks: Sequence[Block], contents: Sequence[bytes]) -> tuple[Int64s, CountArray]:
    frames = np.array([header.frames for header, _ in blocks])
    samples = np.array([header.samples for header, _ in blocks])
    first_frame, first_sample = np.cumsum(frames) - frames, np.cumsum(samples) - samples
    channels = blocks[0][0].channels
    heads = np.empty((int(frames.sum()), COLUMNS), np.int64)
    counts = np.empty((int(samples.sum()), channels), np.int16)
    for f, n in set(zip(frames.tolist(), samples.tolist(), strict=True)):
        alike = np.flatnonzero((frames == f) & (samples == n))
        if not (f and n and channels):
            raise BlockError("an empty block")
        size = 8 * COLUMNS * f
        which: list[int] = alike.tolist()
        parts = [contents[k] for k in which]
        if any(len(part) < size for part in parts):
            raise BlockError("block ends within its heads")
        table = _heads([part[:size] for part in parts], f)
        if (table[:, :, 4].sum(axis=1) != n).any() or (table[:, :, 4] < 0).any():
            raise BlockError("lengths of the frames do not add up")
        heads[first_frame[alike, np.newaxis] + np.arange(f)] = table
        coded, noise = [part[size:] for part in parts], [noise_of(blocks[k][1]) for k in which]
        counts[first_sample[alike, np.newaxis] + np.arange(n)] = _counts(coded, noise, n, channels)
    return heads, counts


def _heads(parts: Sequence[bytes], frames: int) -> Int64s:
    """(blocks, frames, 5) from byte planes of differences."""
    raw = np.frombuffer(b"".join(parts), np.uint8).reshape(len(parts), 8, -1)
    delta = np.ascontiguousarray(raw.transpose(0, 2, 1)).view("<i8").reshape(len(parts), COLUMNS, frames)
    return np.cumsum(delta, axis=2, dtype=np.int64).transpose(0, 2, 1)


def _counts(coded: Sequence[bytes], noise: Sequence[bytes], n: int, channels: int) -> CountArray:
    """(blocks, n, channels): `unpack_counts` of many blocks."""
    head = 2 * channels + 4
    if any(len(part) < head for part in coded):
        raise BlockError("block ends within its parameters")
    table = np.frombuffer(b"".join(part[:head] for part in coded), np.uint8).reshape(-1, head)
    orders, shifts = table[:, 0 : 2 * channels : 2], table[:, 1 : 2 * channels : 2]
    full = np.ascontiguousarray(table[:, 2 * channels :]).view("<u4")[:, 0].tolist()
    if any(len(part) != head + 4 * k + n * channels for part, k in zip(coded, full, strict=True)):
        raise BlockError("coded counts of another length")
    joined = b"".join(part[len(part) - n * channels :] for part in coded)
    values = np.frombuffer(joined, np.int8).reshape(-1, channels, n).astype(np.int64)
    written = [from_planes(part[head : head + 4 * k], "<i4") for part, k in zip(coded, full, strict=True) if k]
    escaped = values == ESCAPE
    if written:
        values[escaped] = np.concatenate(written)
    elif escaped.any():
        raise BlockError("a count is announced and not written")
    begin = [0] * len(coded)
    for c in range(channels):
        for shift in np.unique(shifts[:, c]).tolist():
            alike = np.flatnonzero(shifts[:, c] == shift)
            size = (n * shift + 7) // 8
            which: list[int] = alike.tolist()
            parts = [noise[k][begin[k] : begin[k] + size] for k in which]
            if shift:
                values[alike, c] = (values[alike, c] << shift) | _low_bits(parts, n, shift)
            for k in which:
                begin[k] += size
        for order in range(1, int(orders[:, c].max(initial=0)) + 1):
            alike = np.flatnonzero(orders[:, c] >= order)
            values[alike, c] = np.cumsum(values[alike, c], axis=1)
    return values.transpose(0, 2, 1).astype(np.int16)


def _low_bits(parts: Sequence[bytes], n: int, shift: int) -> npt.NDArray[np.unsignedinteger]:
    """(blocks, n): numbers of `shift` bits, the lowest bit first."""
    size = (n * shift + 7) // 8
    word = next((each for each in _WORDS if shift <= each[0]), None)
    if word is None or any(len(part) != size for part in parts):
        raise BlockError("noise bits of another length")
    raw = np.frombuffer(b"".join(parts), np.uint8).reshape(len(parts), size)
    bits = np.zeros((len(parts), n, word[0]), np.uint8)
    bits[:, :, :shift] = np.unpackbits(raw, axis=1, count=n * shift).reshape(len(parts), n, shift)
    return np.packbits(bits, axis=2, bitorder="little").view(word[1])[:, :, 0]


def stretches(pod_id: str, heads: Int64s, counts: CountArray) -> Iterator[Stretch]:
    """`ordered_pieces` of these frames, joined where one follows the other, at most some ten seconds long."""
    boot, seq, first, tick, length = heads.T
    row = np.cumsum(length) - length  # where a frame's samples begin in `counts`
    order = np.lexsort((seq, tick, -(first + length), first, boot))
    for boot_id in np.unique(boot).tolist():
        mine = order[boot[order] == boot_id]
        begin, end = first[mine], first[mine] + length[mine]
        held = np.concatenate([[0], np.maximum.accumulate(end)[:-1]])  # samples before this index are handed out
        start = np.maximum(begin, held)
        fresh = start < end
        mine, begin, end, start = mine[fresh], begin[fresh], end[fresh], start[fresh]
        low, stop = row[mine] + start - begin, row[mine] + end - begin
        cuts = np.flatnonzero(start[1:] != end[:-1]) + 1
        for a, b in zip([0, *cuts.tolist()], [*cuts.tolist(), len(mine)], strict=True):
            at = a
            while at < b:
                past = max(at + 1, int(np.searchsorted(end[at:b], start[at] + _LONGEST, "right")) + at)
                stamped = start[at:past] == begin[at:past]
                yield Stretch(
                    pod_id=pod_id,
                    boot_id=boot_id,
                    first_index=int(start[at]),
                    stamp_index=start[at:past][stamped],
                    stamp_tick=tick[mine[at:past]][stamped],
                    counts=_rows(counts, low[at:past], stop[at:past]),
                )
                at = past


def _rows(counts: CountArray, low: Int64s, stop: Int64s) -> CountArray:
    """The rows [low, stop) one after another; nothing is copied where they are."""
    if (low[1:] == stop[:-1]).all():
        return counts[low[0] : stop[-1]]
    return np.concatenate([counts[a:b] for a, b in zip(low.tolist(), stop.tolist(), strict=True)])
