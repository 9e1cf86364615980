"""Counting a raw log without unpacking it says the same as unpacking it."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evenstride_analysis.model import Frame
from evenstride_gateway.store.ordering import boot_spans, ordered_pieces

_HEADS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 50), st.integers(0, 120), st.integers(0, 9999), st.integers(0, 20)),
    max_size=25,
)


@given(_HEADS)
def test_spans_count_what_the_pieces_hold(heads: list[tuple[int, int, int, int, int]]) -> None:
    frames = [
        Frame(pod_id="a", boot_id=boot, seq=seq, first_index=first, tick=tick, counts=np.zeros((n, 6), np.int16))
        for boot, seq, first, tick, n in heads
    ]
    pieces = list(ordered_pieces(frames))
    spans = boot_spans(np.array(heads, np.int64).reshape(-1, 5))
    assert [span.boot_id for span in spans] == sorted({piece.boot_id for piece in pieces})
    for span in spans:
        mine = [piece for piece in pieces if piece.boot_id == span.boot_id]
        stamps = [(piece.first_index, piece.tick) for piece in mine if piece.tick is not None]
        assert span.samples == sum(len(piece.counts) for piece in mine)
        assert span.gaps == sum(a.end_index < b.first_index for a, b in pairwise(mine))
        assert span.stamped == ((stamps[0], stamps[-1]) if stamps else None)
