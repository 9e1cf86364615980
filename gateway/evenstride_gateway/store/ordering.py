"""Stored frames in the order of samples, each sample once (pure)."""

from collections.abc import Iterable, Iterator

from evenstride_analysis.model import Frame
from evenstride_gateway.ledger import Piece, pieces


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
