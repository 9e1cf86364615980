"""What can be asked of the store; safe beside a writing process."""

import errno
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from evenstride_analysis.model import Assignment, ClockFit, LossCause, PodInfo, Session, Side
from evenstride_gateway.errors import StoreError, StoreTroubleError, UnknownError
from evenstride_gateway.ledger import Loss
from evenstride_gateway.store import rows
from evenstride_gateway.store.types import Change, Mass, Person, Placement, StoredStride, StoredSymmetry

_STORED = ", ".join(rows.STORED_COLUMNS)
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_PASSING = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.EBUSY,
}


@contextmanager
def plain_errors(folder: Path) -> Generator[None]:
    """Turn what SQLite and the file system say into a StoreError that a runner can act on.

    StoreTroubleError where the same may work later: a full disk, a locked database.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _FULL:
            raise StoreTroubleError(
                f"the disk under {folder} is full or failing ({error}): free some space; what was stored before is safe"
            ) from error
        if code in _LOCKED:
            raise StoreTroubleError(
                f"another program holds the database in {folder} ({error}): end it; what was stored before is safe"
            ) from error
        raise StoreError(f"the store at {folder} cannot be used: {error}; what was stored before is safe") from error
    except OSError as error:
        kind = StoreTroubleError if error.errno in _PASSING else StoreError
        raise kind(
            f"the data at {folder} cannot be written or read ({error.strerror or error}): "
            "check free space and permissions; what was stored before is safe"
        ) from error


class Reader:
    """Queries over one connection; every method may be called from any thread. Raises StoreError."""

    def __init__(self, database: sqlite3.Connection, folder: Path) -> None:
        self._db = database
        self.folder = folder
        self._lock = RLock()

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock, plain_errors(self.folder):
            return self._db.execute(sql, values).fetchall()

    def meta(self) -> dict[str, str]:
        """Facts about the data: `created` (UTC), `format` (number of the schema)."""
        facts = {row["name"]: row["value"] for row in self._rows("SELECT name, value FROM meta")}
        return facts | {"format": str(self._rows("PRAGMA user_version")[0][0])}

    def pods(self) -> list[PodInfo]:
        return [rows.pod_from_json(row["info"]) for row in self._rows("SELECT info FROM pods ORDER BY pod_id")]

    def pod(self, pod_id: str) -> PodInfo:
        found = self._rows("SELECT info FROM pods WHERE pod_id = ?", pod_id)
        if not found:
            raise StoreError(f"pod {pod_id} is not known here: `evenstride pods` lists those that are")
        return rows.pod_from_json(found[0]["info"])

    def people(self) -> list[Person]:
        found = self._rows("SELECT runner_id, name FROM people ORDER BY runner_id")
        return [Person(runner_id=row["runner_id"], name=row["name"]) for row in found]

    def person(self, runner_id: str) -> Person:
        found = next((p for p in self.people() if p.runner_id == runner_id), None)
        if found is None:
            raise UnknownError(f"runner {runner_id} is not known here")
        return found

    def mass(self, runner_id: str) -> Mass | None:
        """How heavy a runner is; None where nobody has said so."""
        found = self._rows("SELECT mass_kg, mass_sd_kg FROM masses WHERE runner_id = ?", runner_id)
        return Mass(mass_kg=found[0]["mass_kg"], mass_sd_kg=found[0]["mass_sd_kg"]) if found else None

    def sessions(self) -> list[Session]:
        """All sessions, the latest first."""
        found = self._rows("SELECT * FROM sessions ORDER BY started_at DESC, session_id DESC")
        return [rows.session_of(row) for row in found]

    def session_ids(self) -> set[str]:
        """Every id that was ever used, those of deleted sessions included."""
        found = self._rows("SELECT session_id FROM sessions UNION SELECT session_id FROM deleted_sessions")
        return {row["session_id"] for row in found}

    def session(self, session_id: str) -> Session:
        found = self._rows("SELECT * FROM sessions WHERE session_id = ?", session_id)
        if not found:
            latest = [s.session_id for s in self.sessions()[:3]]
            hint = f"the latest are {', '.join(latest)}" if latest else "there is none yet"
            raise UnknownError(f"no session {session_id!r} at {self.folder}: {hint}; see `evenstride sessions list`")
        return rows.session_of(found[0])

    def assignments(self, session_id: str) -> list[Assignment]:
        """Those in force, by pod and time."""
        found = self._rows(
            "SELECT * FROM assignments WHERE session_id = ? AND superseded = 0 ORDER BY pod_id, from_s", session_id
        )
        return [rows.assignment_of(row) for row in found]

    def assignment_history(self, session_id: str) -> list[Assignment]:
        """Every row ever written, in order of writing, superseded ones included."""
        found = self._rows("SELECT * FROM assignments WHERE session_id = ? ORDER BY assignment_id", session_id)
        return [rows.assignment_of(row) for row in found]

    def clocks(self, session_id: str) -> list[ClockFit]:
        """The latest fit of each (pod, boot)."""
        latest = {(fit.pod_id, fit.boot_id): fit for fit in self.clock_history(session_id)}
        return list(latest.values())

    def clock_history(self, session_id: str) -> list[ClockFit]:
        found = self._rows(
            "SELECT * FROM clock_fits WHERE session_id = ? ORDER BY pod_id, boot_id, version", session_id
        )
        return [rows.clock_of(row) for row in found]

    def strides(self, session_id: str, *, include_retired: bool = False) -> list[StoredStride]:
        """The strides of a session in order of publication time."""
        wearers = self._wearers(session_id)
        found = self._rows(
            f"SELECT {_STORED} FROM strides WHERE session_id = ? AND retired <= ? ORDER BY published_t_s, stride_id",
            session_id,
            int(include_retired),
        )
        return [wearers.stored_fast(row) for row in found]

    def count_strides(self, session_id: str) -> int:
        """How many strides of a session are in force."""
        return self._rows("SELECT count(*) FROM strides WHERE session_id = ? AND retired = 0", session_id)[0][0]

    def methods(self, session_id: str) -> list[str]:
        """The methods by which the strides of a session in force were found."""
        found = self._rows("SELECT DISTINCT method FROM strides WHERE session_id = ? AND retired = 0", session_id)
        return sorted(row["method"] for row in found)

    def run_values(self, session_id: str) -> tuple[str, str] | None:
        """What was kept of a session for the baseline: its key and content."""
        found = self._rows("SELECT key, content FROM run_values WHERE session_id = ?", session_id)
        return (found[0]["key"], found[0]["content"]) if found else None

    def last_change_of(self, session_id: str) -> int:
        """The number of the last change of a session's strides; a stride changes with its leg and its runner."""
        return self._rows("SELECT coalesce(max(change), 0) FROM strides WHERE session_id = ?", session_id)[0][0]

    def placements(self) -> list[Placement]:
        """Where each pod usually sits, by pod."""
        found = self._rows("SELECT pod_id, side, runner_id FROM placements ORDER BY pod_id")
        return [Placement(pod_id=row["pod_id"], side=Side(row["side"]), runner_id=row["runner_id"]) for row in found]

    def stride(self, stride_id: int) -> StoredStride | None:
        """One stride, retired or not; None when its session was deleted. For those who follow the changes."""
        found = self._rows("SELECT * FROM strides WHERE stride_id = ?", stride_id)
        return self._wearers(found[0]["session_id"]).stored(found[0]) if found else None

    def symmetry(self, session_id: str, *, include_retired: bool = False) -> list[StoredSymmetry]:
        """Grid points by measure and time."""
        found = self._rows(
            "SELECT * FROM symmetry WHERE session_id = ? AND retired <= ? ORDER BY measure, grid_index",
            session_id,
            int(include_retired),
        )
        return [rows.symmetry_of(row) for row in found]

    def gaps(self, session_id: str) -> list[Loss]:
        """Samples that were taken and are not stored, with the cause."""
        found = self._rows("SELECT * FROM gaps WHERE session_id = ? ORDER BY pod_id, boot_id, first_index", session_id)
        return [
            Loss(
                pod_id=row["pod_id"],
                boot_id=row["boot_id"],
                first_index=row["first_index"],
                missing=row["missing"],
                cause=LossCause(row["cause"]),
            )
            for row in found
        ]

    def changes(self, after: int = 0, limit: int = 1000) -> list[Change]:
        """The feed from the change behind `after` on, oldest first, at most `limit`."""
        found = self._rows("SELECT * FROM changes WHERE change > ? ORDER BY change LIMIT ?", after, limit)
        return [rows.change_of(row) for row in found]

    def last_change(self) -> int:
        return self._rows("SELECT coalesce(max(change), 0) FROM changes")[0][0]

    def _wearers(self, session_id: str) -> rows.Wearers:
        return rows.Wearers(self.session(session_id).runner_id, self.assignments(session_id))
