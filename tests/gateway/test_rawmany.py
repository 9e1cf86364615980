"""Many blocks unpacked together are what one after the other gives, and what is unusual is left to the slow way."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_data import START, pod

from evenstride_analysis.model import Frame, Session
from evenstride_gateway.ledger import Stretch
from evenstride_gateway.store import Store, ordered_pieces
from evenstride_gateway.store.rawblock import HEADER_SIZE, BlockError, Header, pack_frames, unpack_frames
from evenstride_gateway.store.rawmany import Block, stretches, unpack_many


def framed(first: int, n: int, seed: int, *, boot: int = 1, kind: int = 0) -> Frame:
    """A frame of `n` samples from index `first` on, of a signal that all frames share (so that overlaps agree)."""
    signal = np.random.default_rng(seed).integers(-(2 ** (3 * kind + 3)), 2 ** (3 * kind + 3), (4000, 6))
    if kind == 3:
        signal = np.cumsum(signal, axis=0)
    counts = signal[first : first + n].astype(np.int16)
    return Frame(pod_id="p", boot_id=boot, seq=first // 3, first_index=first, tick=2500 * first + 7, counts=counts)


def block(frames: list[Frame]) -> Block:
    data = pack_frames(frames)
    return Header.from_bytes(data), data[HEADER_SIZE:]


def samples(found: list[Stretch]) -> list[tuple[int, int, bytes]]:
    return [(each.boot_id, each.first_index + k, row.tobytes()) for each in found for k, row in enumerate(each.counts)]


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 900), st.integers(1, 25), st.integers(1, 2)), min_size=1, max_size=5),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 3),
)
def test_any_blocks_give_the_same_samples_and_stamps(batches: list[list[tuple[int, int, int]]], kind: int) -> None:
    frames = [[framed(first, n, 5, boot=boot, kind=kind) for first, n, boot in batch] for batch in batches]
    blocks = [block(batch) for batch in frames]
    heads, counts = unpack_many(blocks)
    one_by_one = [frame for header, body in blocks for frame in unpack_frames(header, body, "p")]
    assert heads.tolist() == [[f.boot_id, f.seq, f.first_index, f.tick, len(f.counts)] for f in one_by_one]
    assert np.array_equal(counts, np.concatenate([f.counts for f in one_by_one]))
    pieces = list(ordered_pieces(one_by_one))
    found = list(stretches("p", heads, counts))
    assert samples(found) == [
        (p.boot_id, p.first_index + k, row.tobytes()) for p in pieces for k, row in enumerate(p.counts)
    ]
    assert [
        stamp for each in found for stamp in zip(each.stamp_index.tolist(), each.stamp_tick.tolist(), strict=True)
    ] == [(p.first_index, p.tick) for p in pieces if p.tick is not None]


def test_a_long_log_comes_in_stretches_that_follow_each_other() -> None:
    frames = [framed(first, 17, 1) for first in range(0, 3400, 17)] * 2
    many = [block(frames[k : k + 12]) for k in range(0, len(frames), 12)] * 3
    found = list(stretches("p", *unpack_many(many)))
    assert [each.first_index for each in found] == [0]
    assert len(found[0].counts) == 3400
    longer = [
        Frame(pod_id="p", boot_id=1, seq=k, first_index=17 * k, tick=k, counts=np.zeros((17, 6), np.int16))
        for k in range(1000)
    ]
    found = list(stretches("p", *unpack_many([block(longer)])))
    assert [each.first_index for each in found][:2] == [0, 4080]
    assert sum(len(each.counts) for each in found) == 17_000


def test_what_is_unusual_is_refused_whole() -> None:
    good = block([framed(0, 17, 1)])
    other = block([Frame(pod_id="p", boot_id=1, seq=0, first_index=0, tick=0, counts=np.zeros((4, 3), np.int16))])
    with pytest.raises(BlockError, match="channels"):
        unpack_many([good, other])
    for body in (good[1][:-1], good[1][:3], good[1][:4]):
        with pytest.raises(BlockError):
            unpack_many([good, (good[0], body)])
    lying = Header(kind=good[0].kind, channels=6, frames=1, samples=16, body_length=good[0].body_length, crc=0)
    with pytest.raises(BlockError):
        unpack_many([(lying, good[1])])


def test_a_store_hands_out_stretches_or_says_that_it_cannot(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.create_session(Session(session_id="s", runner_id="anna", started_at=START), [])
        with store.raw_writer("s", pod()) as raw:
            for first in range(0, 340, 17):
                raw.append(framed(first, 17, 1))
        found = store.raw_stretches("s", pod().pod_id)
        assert found is not None
        assert [len(each.counts) for each in found] == [340]
        with store.raw_writer("s", pod()) as raw:
            raw.append(Frame(pod_id="p", boot_id=1, seq=0, first_index=340, tick=0, counts=np.zeros((4, 3), np.int16)))
        assert store.raw_stretches("s", pod().pod_id) is None
        assert sum(len(piece.counts) for piece in store.raw_frames("s", pod().pod_id)) == 344
