"""The store: one folder with the database, the writer's lock and the raw logs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from evenstride_analysis.model import Frame, PodInfo
from evenstride_gateway.errors import StoreError
from evenstride_gateway.ledger import Piece, Stretch
from evenstride_gateway.store import schema
from evenstride_gateway.store.calibrations import Calibrating
from evenstride_gateway.store.lock import WriterLock
from evenstride_gateway.store.ordering import BootSpan, boot_ranges, boot_spans, ordered_pieces
from evenstride_gateway.store.podlog import PodLogs
from evenstride_gateway.store.rawblock import BlockError
from evenstride_gateway.store.rawlog import (
    SUFFIX,
    RawReport,
    RawWriter,
    cut_tail,
    read_blocks,
    read_entries,
    read_frames,
    read_heads,
)
from evenstride_gateway.store.rawmany import stretches, unpack_many
from evenstride_gateway.store.reader import plain_errors
from evenstride_gateway.store.rows import checked_id
from evenstride_gateway.store.types import TailCut

DATABASE = "evenstride.db"
LOCK = "writer.lock"
RAW = "raw"
INCOMING = "incoming"


class Store(PodLogs, Calibrating):
    """`with Store.open(folder) as store`. Layout: evenstride.db, writer.lock, raw/<session id>/<pod id>.esr.

    Synchronous; methods may be called from any thread, and wait for each other.
    """

    _writer_lock: WriterLock | None = None
    _on_cut: Callable[[TailCut], None] | None = None

    @classmethod
    def open(
        cls, data_dir: Path, *, readonly: bool = False, on_cut: Callable[[TailCut], None] | None = None
    ) -> "Store":
        """Open or create the store at `data_dir`. `on_cut` hears of every raw log that ended in a torn block.

        Raises StoreBusyError (another process writes), StoreNewerError (nothing was touched) or StoreError.
        """
        lock: WriterLock | None = None
        try:
            with plain_errors(data_dir):
                if not readonly:
                    data_dir.mkdir(parents=True, exist_ok=True)
                    lock = WriterLock(data_dir / LOCK)
                store = cls(schema.connect(data_dir / DATABASE, readonly=readonly), data_dir, readonly=readonly)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        store._writer_lock, store._on_cut = lock, on_cut
        try:
            if not readonly:
                store._repair()
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and let others write. Raw writers are closed by whoever opened them, before."""
        with self._lock, plain_errors(self.folder):
            self._db.close()
        if self._writer_lock is not None:
            self._writer_lock.release()
            self._writer_lock = None

    def raw_writer(self, session_id: str, pod: PodInfo) -> RawWriter:
        """The raw log of a pod in a session, for appending. One writer per log at a time."""
        if self._readonly:
            raise StoreError(f"the data at {self.folder} were opened for reading only")
        self.session(session_id)
        return RawWriter(self.raw_path(session_id, pod.pod_id), pod, self._on_cut)

    def raw_pods(self, session_id: str) -> list[str]:
        """The pods that have a raw log in a session."""
        folder = self.folder / RAW / checked_id(session_id, "session id")
        return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))

    def raw_info(self, session_id: str, pod_id: str) -> PodInfo:
        """What the pod said of itself when its log began."""
        path = self._existing(session_id, pod_id)
        info = next((entry for entry in read_entries(path) if isinstance(entry, PodInfo)), None)
        if info is None:
            raise StoreError(f"{path} names no pod: its beginning is damaged")
        return info

    def raw_frames(self, session_id: str, pod_id: str, report: RawReport | None = None) -> Iterator[Piece]:
        """The stored samples of a pod: boots by id, in each the samples by index, each once (ordering.py)."""
        return ordered_pieces(read_frames(self._existing(session_id, pod_id), report))

    def raw_stretches(self, session_id: str, pod_id: str) -> Iterator[Stretch] | None:
        """The same samples and stamps as `raw_frames`, many frames at a time; None where the log must be read frame by
        frame, because a block of it is unusual."""
        try:
            heads, counts = unpack_many(read_blocks(self._existing(session_id, pod_id)))
        except BlockError:
            return None
        return stretches(pod_id, heads, counts)

    def raw_spans(self, session_id: str, pod_id: str) -> list[BootSpan]:
        """What `raw_frames` holds, counted boot by boot without unpacking a sample."""
        return boot_spans(read_heads(self._existing(session_id, pod_id)))

    def raw_ranges(self, session_id: str, pod_id: str) -> dict[int, list[tuple[int, int]]]:
        """The half-open sample ranges that are stored of a pod, by boot."""
        return boot_ranges(read_heads(self._existing(session_id, pod_id)))

    def incoming_writer(self, pod: PodInfo) -> RawWriter:
        """Raw samples from a pod's log on their way into sessions, for appending."""
        if self._readonly:
            raise StoreError(f"the data at {self.folder} were opened for reading only")
        return RawWriter(self._incoming(pod.pod_id), pod, self._on_cut)

    def incoming_ranges(self, pod_id: str) -> dict[int, list[tuple[int, int]]]:
        """The half-open sample ranges that have come from a pod's log, by boot."""
        path = self._incoming(pod_id)
        return boot_ranges(read_heads(path)) if path.exists() else {}

    def incoming_frames(self, pod_id: str) -> Iterator[Frame]:
        """What has come, in the order of writing."""
        path = self._incoming(pod_id)
        return read_frames(path) if path.exists() else iter(())

    def drop_incoming(self, pod_id: str) -> None:
        """Everything that was wanted of it stands in sessions."""
        with plain_errors(self.folder):
            self._incoming(pod_id).unlink(missing_ok=True)

    def _incoming(self, pod_id: str) -> Path:
        return self.folder / INCOMING / f"{checked_id(pod_id, 'pod id')}{SUFFIX}"

    def raw_bytes(self, session_id: str) -> int:
        """How much room the raw of a session takes on the disk."""
        return sum(self.raw_path(session_id, pod_id).stat().st_size for pod_id in self.raw_pods(session_id))

    def delete_session(self, session_id: str) -> None:
        """Take a session out with its raw. The feed keeps a retirement for all that was published."""
        checked_id(session_id, "session id")
        self._delete_rows(session_id)
        with plain_errors(self.folder), suppress(FileNotFoundError):
            shutil.rmtree(self.folder / RAW / session_id)

    def raw_path(self, session_id: str, pod_id: str) -> Path:
        """Where the raw log of a pod lies, whether it exists or not. Raises StoreError for an id that is none."""
        session_name, pod_name = checked_id(session_id, "session id"), checked_id(pod_id, "pod id")
        return self.folder / RAW / session_name / f"{pod_name}{SUFFIX}"

    def _existing(self, session_id: str, pod_id: str) -> Path:
        path = self.raw_path(session_id, pod_id)
        if not path.exists():
            held = ", ".join(self.raw_pods(session_id)) or "none"
            raise StoreError(f"no raw of pod {pod_id} in session {session_id}; pods with raw: {held}")
        return path

    def _repair(self) -> None:
        """Cut torn tails of sessions that never ended, and sweep the raw of deleted ones that a crash left behind."""
        deleted = self._rows("SELECT session_id FROM changes WHERE entity = 'session' AND kind = 'retire'")
        for session_id in {row["session_id"] for row in deleted}:
            shutil.rmtree(self.folder / RAW / checked_id(session_id, "session id"), ignore_errors=True)
        for session in self.sessions():
            for pod_id in () if session.stopped_at else self.raw_pods(session.session_id):
                cut = cut_tail(self.raw_path(session.session_id, pod_id))
                if cut is not None and self._on_cut is not None:
                    self._on_cut(cut)
