"""Stored frames in the order of samples, each sample once (pure)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.model import Frame
from evenstride_gateway.ledger import Piece, pieces
from evenstride_gateway.store.rawcodec import Int64s


def ordered_pieces(frames: Iterable[Frame]) -> Iterator[Piece]:
    """Boots by id, in each the samples by index, each once; the same frames give the same pieces in whatever order.

    Where frames overlap, the one that begins first gives the samples (of two that begin together the longer one), and
    the other one keeps the rest; a rest that begins after its frame's first sample has no stamp.
    """
    boot_id: int | None = None
    end = 0
    in_order = sorted(frames, key=lambda f: (f.boot_id, f.first_index, -f.end_index, f.tick, f.seq))
    for frame in in_order:
        if frame.boot_id != boot_id:
            boot_id, end = frame.boot_id, 0
        start = max(frame.first_index, end)
        if start < frame.end_index:
            yield from pieces(frame, [(start, frame.end_index)])
            end = frame.end_index


def boot_ranges(heads: Int64s) -> dict[int, list[tuple[int, int]]]:
    """The sample ranges that frames cover, by boot: half-open, disjoint, in order. `heads` as for `boot_spans`."""
    found: dict[int, list[tuple[int, int]]] = {}
    for boot_id, _, first, _, length in sorted(heads.tolist(), key=lambda head: (head[0], head[2])):
        ranges = found.setdefault(boot_id, [])
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], first + length))
        else:
            ranges.append((first, first + length))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BootSpan:
    """One boot's stored samples, each counted once. `stamped` are (index, tick) of its first and last known stamps."""

    boot_id: int
    samples: int
    gaps: int
    stamped: tuple[tuple[int, int], tuple[int, int]] | None


def boot_spans(heads: Int64s) -> list[BootSpan]:
    """What `ordered_pieces` would hand out, counted. `heads` (n, 5): boot, seq, index, tick, length of each."""
    boot, seq, first, tick, length = heads.T
    order = np.lexsort((seq, tick, -(first + length), first, boot))
    spans: list[BootSpan] = []
    for boot_id in np.unique(boot).tolist():
        mine = order[boot[order] == boot_id]
        begin, end = first[mine], first[mine] + length[mine]
        held = np.concatenate([[0], np.maximum.accumulate(end)[:-1]])  # samples before this index are handed out
        fresh = np.maximum(begin, held) < end
        mine, begin, end, held = mine[fresh], begin[fresh], end[fresh], held[fresh]
        if not len(mine):
            continue
        stamps = mine[begin >= held]  # of the others the first sample, the only one stamped, was handed out before
        ends = [(int(first[k]), int(tick[k])) for k in (stamps[0], stamps[-1])] if len(stamps) else []
        spans.append(
            BootSpan(
                boot_id=boot_id,
                samples=int((end - np.maximum(begin, held)).sum()),
                gaps=int((begin[1:] > held[1:]).sum()),
                stamped=(ends[0], ends[1]) if ends else None,
            )
        )
    return spans
