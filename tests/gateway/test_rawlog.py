"""The raw log gives back what it was given, whatever happened to its end or its middle."""

import os
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data_dir
from support.store_data import BOOT, begin, frame, pod

from evenstride_analysis.model import Frame, PodInfo
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import RawReport, RawWriter, Store, TailCut, ordered_pieces, read_entries, read_frames
from evenstride_gateway.store.rawblock import HEADER_SIZE, BlockError, Header, pack_frames, unpack_frames
from evenstride_gateway.store.rawcodec import pack_counts, unpack_counts


def _same(a: Frame, b: Frame) -> bool:
    head = all(getattr(a, name) == getattr(b, name) for name in ("pod_id", "boot_id", "seq", "first_index", "tick"))
    return head and np.array_equal(a.counts, b.counts)


def _log(folder: Path, seconds: int = 5) -> tuple[Path, list[Frame], list[int]]:
    """A log of `seconds` blocks of ten frames: path, frames, file size after each block."""
    path = folder / "s1" / f"{pod().pod_id}.esr"
    frames = [frame(n * 17, seq=n) for n in range(10 * seconds)]
    sizes: list[int] = []
    with RawWriter(path, pod()) as writer:
        sizes.append(path.stat().st_size)
        for n, item in enumerate(frames, start=1):
            writer.append(item)
            if n % 10 == 0:
                assert writer.sync() == 10
                sizes.append(path.stat().st_size)
    return path, frames, sizes


@given(
    st.integers(0, 300),
    st.integers(1, 9),
    st.sampled_from(["noise", "smooth", "extreme"]),
    st.integers(0, 2**32 - 1),
)
def test_counts_survive_the_codec(n: int, channels: int, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    if kind == "noise":
        values = rng.integers(-32_768, 32_768, (n, channels))
    elif kind == "smooth":
        values = np.cumsum(rng.integers(-40, 41, (n, channels)), axis=0)
    else:
        values = rng.choice([-32_768, 32_767, 0], (n, channels))
    wanted = values.astype(np.int16)
    assert np.array_equal(unpack_counts(*pack_counts(wanted), n, channels), wanted)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**62), st.integers(0, 30)),
        min_size=1,
        max_size=20,
    )
)
def test_frames_survive_a_block(heads: list[tuple[int, int, int, int]]) -> None:
    frames = [
        Frame(pod_id="p", boot_id=b, seq=s, first_index=s, tick=t, counts=np.full((n, 6), n - 15, np.int16))
        for b, s, t, n in heads
    ]
    data = pack_frames(frames)
    header = Header.from_bytes(data)
    header.check(data[HEADER_SIZE:])
    assert all(map(_same, unpack_frames(header, data[HEADER_SIZE:], "p"), frames))


@given(st.data())
def test_a_damaged_block_is_always_noticed(data: st.DataObject) -> None:
    block = bytearray(pack_frames([frame(0), frame(17, seq=1)]))
    block[data.draw(st.integers(0, len(block) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BlockError):
        Header.from_bytes(bytes(block)).check(bytes(block[HEADER_SIZE:]))


def test_a_log_is_read_back_and_continued(tmp_path: Path) -> None:
    path, frames, _ = _log(tmp_path)
    with RawWriter(path, pod()) as writer:
        writer.append(frame(9000, seq=99))
    assert all(map(_same, read_frames(path), [*frames, frame(9000, seq=99)]))
    assert sum(isinstance(entry, PodInfo) for entry in read_entries(path)) == 1


def test_a_pod_that_changed_is_told_in_the_log(tmp_path: Path) -> None:
    path, _, _ = _log(tmp_path, 1)
    with RawWriter(path, pod(rate_hz=208.0)) as writer:
        writer.append(frame(9000))
    entries = list(read_entries(path))
    assert [entries[0], entries[-2]] == [pod(), pod(rate_hz=208.0)]


@settings(max_examples=40)
@given(st.data())
def test_any_torn_tail_is_cut_told_and_never_fatal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path, frames, sizes = _log(tmp_path_factory.mktemp("log"))
    length = data.draw(st.integers(sizes[0], sizes[-1]))
    os.truncate(path, length)
    whole = max(n for n, size in enumerate(sizes) if size <= length)
    report = RawReport()
    assert all(map(_same, read_frames(path, report), frames[: 10 * whole]))
    assert report.torn_bytes == length - sizes[whole]
    cuts: list[TailCut] = []
    with RawWriter(path, pod(), cuts.append) as writer:
        writer.append(frame(9000))
    assert [c.cut_bytes for c in cuts] == ([length - sizes[whole]] if length > sizes[whole] else [])
    if cuts:
        assert cuts[0].last_index == (170 * whole - 1 if whole else None)
        assert str(length - sizes[whole]) in str(cuts[0])
    assert all(map(_same, read_frames(path), [*frames[: 10 * whole], frame(9000)]))


def test_a_tail_of_zeros_is_cut(tmp_path: Path) -> None:
    path, frames, sizes = _log(tmp_path)  # what a power cut leaves on some file systems
    os.truncate(path, sizes[-1] + 5000)
    cuts: list[TailCut] = []
    RawWriter(path, pod(), cuts.append).close()
    assert [c.cut_bytes for c in cuts] == [5000]
    assert all(map(_same, read_frames(path), frames))


@settings(max_examples=30)
@given(st.data())
def test_damage_in_the_middle_costs_its_block_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path, frames, sizes = _log(tmp_path_factory.mktemp("log"))
    hit = data.draw(st.integers(0, 3))
    at = data.draw(st.integers(sizes[hit], sizes[hit + 1] - 1))
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    report = RawReport()
    kept = frames[: 10 * hit] + frames[10 * hit + 10 :]
    assert [f.seq for f in read_frames(path, report)] == [f.seq for f in kept]
    assert (report.damaged_regions, report.damaged_bytes) == (1, sizes[hit + 1] - sizes[hit])
    assert report.torn_bytes == 0


def test_stored_samples_come_once_and_in_order_whatever_the_arrival() -> None:
    arrived = [frame(0), frame(17), frame(10, 40), frame(34), frame(60), frame(0, boot_id=7), frame(17)]
    wanted = [(p.boot_id, p.first_index, p.end_index, p.tick) for p in ordered_pieces(arrived)]
    assert [w[1:3] for w in wanted] == [(0, 17), (0, 17), (17, 50), (50, 51), (60, 77)]
    assert [w[3] is None for w in wanted] == [False, False, True, True, False]
    for order in list(permutations(arrived))[::97]:
        assert [(p.boot_id, p.first_index, p.end_index, p.tick) for p in ordered_pieces(order)] == wanted


def test_the_store_keeps_the_raw_of_a_session(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        with store.raw_writer("s1", pod()) as writer:
            for item in (frame(17, seq=1), frame(0, seq=0), frame(17, seq=1)):
                writer.append(item)
            assert writer.unsynced_samples == 51
        assert store.raw_pods("s1") == [pod().pod_id]
        assert store.raw_info("s1", pod().pod_id) == pod()
        assert [p.first_index for p in store.raw_frames("s1", pod().pod_id)] == [0, 17]
        assert {p.boot_id for p in store.raw_frames("s1", pod().pod_id)} == {BOOT}
        with pytest.raises(StoreError, match="no raw of pod 0f"):
            store.raw_frames("s1", "0f")


def test_an_hour_of_two_pods_stays_below_24_mb(tmp_path: Path) -> None:
    """Running at 3.5 m/s (RBDS), brought to 416 Hz and to the counts and the noise floor of an LSM6DS3TR-C."""
    recording = np.load(data_dir("rbds") / "RBDS001_T35.npz")
    seconds, size = 20, 0
    rng = np.random.default_rng(1)
    at = np.arange(seconds * 416) / 416
    for side in "LR":
        channels = (*recording[f"{side}_acc_mg"].T / 1e3, *recording[f"{side}_gyr_ddps"].T / 10.0)
        signal = np.empty((len(at), 6))
        for n, channel in enumerate(channels):
            signal[:, n] = np.interp(at, np.arange(len(channel)) / 150.0, channel)
        signal += rng.normal(size=signal.shape) * ([0.002] * 3 + [0.1] * 3)
        counts = np.round(signal / ([0.000488] * 3 + [0.07] * 3)).clip(-32_768, 32_767).astype(np.int16)
        path = tmp_path / side / "pod.esr"
        with RawWriter(path, pod()) as writer:
            for n, first in enumerate(range(0, len(counts) - 16, 17)):
                part = counts[first : first + 17]
                writer.append(Frame(pod_id="pod", boot_id=1, seq=n, first_index=first, tick=first * 79, counts=part))
                if n % 24 == 0:
                    writer.sync()
        size += path.stat().st_size
    assert size * 3600 / seconds <= 24e6
