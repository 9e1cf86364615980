"""The raw log: every frame of one pod in one session, appended in blocks, synced once a second.

A file is a sequence of blocks (rawblock.py), the first of which is an info block. Blocks stand for themselves: a torn
tail is cut at the next open for writing, a damaged block is skipped, and everything else is read.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from evenstride_analysis.model import Frame, PodInfo
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import rows
from evenstride_gateway.store.rawblock import (
    HEADER_SIZE,
    MAGIC,
    MAX_FRAMES,
    MAX_VALUES,
    BlockError,
    Header,
    Kind,
    pack_frames,
    pack_info,
    unpack_frames,
    unpack_heads,
    unpack_info,
)
from evenstride_gateway.store.rawcodec import Int64s
from evenstride_gateway.store.reader import plain_errors
from evenstride_gateway.store.types import TailCut

FORMAT = 1
SUFFIX = ".esr"
_SEARCH = 1 << 16


@dataclass(slots=True)
class RawReport:
    """What reading a log met: `torn_bytes` at its end are an unfinished block, `damaged_bytes` lie before one."""

    blocks: int = 0
    frames: int = 0
    damaged_regions: int = 0
    damaged_bytes: int = 0
    torn_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    offset: int
    header: Header
    body: bytes

    @property
    def end(self) -> int:
        return self.offset + HEADER_SIZE + len(self.body)


def _blocks(file: BinaryIO, report: RawReport) -> Iterator[_Found]:
    """The intact blocks of a log in order; what lies between and behind them goes into `report`."""
    offset = good = 0
    while True:
        file.seek(offset)
        data = file.read(HEADER_SIZE)
        if not data:
            break
        try:
            header = Header.from_bytes(data)
            body = file.read(header.body_length)
            header.check(body)
        except BlockError:
            found = _next_magic(file, offset + 1)
            if found is None:
                break
            offset = found
            continue
        if offset > good:
            report.damaged_regions += 1
            report.damaged_bytes += offset - good
        report.blocks += 1
        report.frames += header.frames
        block = _Found(offset, header, body)
        offset = good = block.end
        yield block
    report.torn_bytes = file.seek(0, os.SEEK_END) - good


def _next_magic(file: BinaryIO, offset: int) -> int | None:
    while True:
        file.seek(offset)
        data = file.read(_SEARCH)
        at = data.find(MAGIC)
        if at >= 0:
            return offset + at
        if len(data) < _SEARCH:
            return None
        offset += len(data) - len(MAGIC) + 1


def _info(path: Path, block: _Found) -> PodInfo:
    values = cast("dict[str, Any]", json.loads(unpack_info(block.header, block.body)))
    if values.get("format") != FORMAT:
        raise StoreError(f"{path} has raw format {values.get('format')}, this evenstride reads {FORMAT}")
    return rows.pod_from_json(json.dumps(values["pod"]))


def read_entries(path: Path, report: RawReport | None = None) -> Iterator[PodInfo | Frame]:
    """What a log holds in the order of writing: a PodInfo where it begins or changes, and the frames.

    Streams: one block in memory at a time. A torn tail and damaged blocks are skipped and counted in `report`.
    Raises StoreError when the file cannot be read or is of another format.
    """
    report = report or RawReport()
    pod_id = path.name.removesuffix(SUFFIX)
    with plain_errors(path.parent), path.open("rb") as file:
        for block in _blocks(file, report):
            try:
                if block.header.kind is Kind.INFO:
                    yield _info(path, block)
                else:
                    yield from unpack_frames(block.header, block.body, pod_id)
            except BlockError:  # its checksum is right: written wrongly, not damaged; still never fatal
                report.damaged_regions += 1
                report.damaged_bytes += block.end - block.offset


def read_frames(path: Path, report: RawReport | None = None) -> Iterator[Frame]:
    """The frames of a log in the order of writing."""
    return (entry for entry in read_entries(path, report) if isinstance(entry, Frame))


def read_blocks(path: Path) -> list[tuple[Header, bytes]]:
    """The intact frames blocks of a log in the order of writing, still packed, in memory. Raises StoreError."""
    with plain_errors(path.parent):
        file = BytesIO(path.read_bytes())
    return [(b.header, b.body) for b in _blocks(file, RawReport()) if b.header.kind is Kind.FRAMES]


def read_heads(path: Path) -> Int64s:
    """Boot, seq, first index, tick and length of every frame of a log, (n, 5) in no order, without its samples.

    Torn and damaged blocks are left out, as in `read_entries`. Raises StoreError.
    """
    with plain_errors(path.parent), path.open("rb") as file:
        blocks = (b for b in _blocks(file, RawReport()) if b.header.kind is Kind.FRAMES)
        return unpack_heads((block.header, block.body) for block in blocks)


def cut_tail(path: Path) -> TailCut | None:
    """Cut an unfinished block off the end of a log. Returns what was cut, None when the log ends cleanly."""
    report = RawReport()
    last: _Found | None = None
    good = 0
    with plain_errors(path.parent), path.open("r+b") as file:
        for block in _blocks(file, report):
            good = block.end
            last = block if block.header.kind is Kind.FRAMES else last
        if report.torn_bytes == 0:
            return None
        file.truncate(good)
        os.fsync(file.fileno())
    pod_id = path.name.removesuffix(SUFFIX)
    frames = unpack_frames(last.header, last.body, pod_id) if last else []
    return TailCut(
        session_id=path.parent.name,
        pod_id=pod_id,
        cut_bytes=report.torn_bytes,
        boot_id=frames[-1].boot_id if frames else None,
        last_index=max(f.end_index for f in frames) - 1 if frames else None,
    )


class RawWriter:
    """Appends to one log. `append` keeps frames in memory, `sync` makes them safe; one thread at a time.

    `append` is called for every frame, `sync` once a second: a crash costs what was appended since. After a failed
    `sync` (StoreError) the file ends cleanly and the frames are still held for another try.
    """

    def __init__(self, path: Path, info: PodInfo, on_cut: Callable[[TailCut], None] | None = None) -> None:
        self.path = path
        self._held: list[Frame] = []
        self._held_samples = 0
        with plain_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            cut = None if new else cut_tail(path)
            if cut is not None and on_cut is not None:
                on_cut(cut)
            last_info = None if new else self._last_info()
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._size = os.fstat(self._file).st_size
        try:
            if last_info != info:
                self._write(pack_info(json.dumps({"format": FORMAT, "pod": json.loads(rows.pod_json(info))})))
            if new:
                _sync_folders(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            self._release()

    def append(self, frame: Frame) -> None:
        """Take a frame in; it is safe after the next `sync`."""
        if frame.counts.size > MAX_VALUES:
            raise StoreError(f"frame of {frame.counts.size} values: at most {MAX_VALUES} are allowed")
        self._held.append(frame)
        self._held_samples += len(frame.counts)

    def sync(self) -> int:
        """Write what is held and wait until the disk has it. Returns the number of frames made safe."""
        frames = list(self._held)
        blocks: list[bytes] = []
        batch: list[Frame] = []
        values = 0
        for frame in frames:
            other = batch and frame.counts.shape[1] != batch[0].counts.shape[1]
            if other or len(batch) == MAX_FRAMES or values + frame.counts.size > MAX_VALUES:
                blocks.append(pack_frames(batch))
                batch, values = [], 0
            batch.append(frame)
            values += frame.counts.size
        if batch:
            blocks.append(pack_frames(batch))
        if blocks:
            self._write(b"".join(blocks))
            del self._held[: len(frames)]
            self._held_samples -= sum(len(frame.counts) for frame in frames)
        return len(frames)

    @property
    def unsynced_samples(self) -> int:
        return self._held_samples

    def close(self) -> None:
        """Sync and close. Closing twice does nothing; what failed (StoreError) leaves it open for another try."""
        if self._file < 0:
            return
        self.sync()
        self._release()

    def _release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _last_info(self) -> PodInfo | None:
        last: PodInfo | None = None
        with self.path.open("rb") as file:
            for block in _blocks(file, RawReport()):
                if block.header.kind is Kind.INFO:
                    last = _info(self.path, block)
        return last

    def _write(self, data: bytes) -> None:
        """All of `data` on the disk, or none of it in the file and a StoreError."""
        if self._file < 0:
            raise StoreError(f"raw log {self.path} is closed")
        done = False
        with plain_errors(self.path.parent):
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._file, view) :]
                os.fsync(self._file)
                self._size += len(data)
                done = True
            finally:
                if not done:
                    os.ftruncate(self._file, self._size)


def _sync_folders(folder: Path) -> None:
    """A new file is safe only when its folder, and a new folder's parents, are on the disk too."""
    for place in (folder, folder.parent, folder.parent.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
