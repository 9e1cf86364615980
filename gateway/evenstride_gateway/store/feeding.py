"""The store as the sinks use it: bulk reads behind the change feed, cursors, and what was refused for good."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from evenstride_gateway.store import rows
from evenstride_gateway.store.strides import StrideWriter
from evenstride_gateway.store.types import Dated, Parked, StoredStride

_AT_ONCE = 500  # SQLite's limit of variables is far above
_STORED = ", ".join(rows.STORED_COLUMNS)
MOST_PARKED = 10_000


class Feeding(StrideWriter):
    """The writer with what sinks ask for."""

    def strides_by_id(self, stride_ids: Iterable[int]) -> dict[int, StoredStride]:
        """Those of the strides that still exist, retired ones included."""
        found: dict[int, StoredStride] = {}
        wearers: dict[str, rows.Wearers] = {}
        wanted = list(stride_ids)
        for start in range(0, len(wanted), _AT_ONCE):
            ids = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(ids))
            for row in self._rows(f"SELECT {_STORED} FROM strides WHERE stride_id IN ({marks})", *ids):
                session_id: str = row["session_id"]
                if session_id not in wearers:
                    wearers[session_id] = self._wearers(session_id)
                found[row["stride_id"]] = wearers[session_id].stored_fast(row)
        return found

    def strides_between(self, session_id: str, from_s: float, to_s: float) -> list[StoredStride]:
        """The strides published in [from_s, to_s), retired ones first: of two under one key the last one holds."""
        wearers = self._wearers(session_id)
        found = self._rows(
            f"SELECT {_STORED} FROM strides WHERE session_id = ? AND published_t_s >= ? AND published_t_s < ?"
            " ORDER BY retired DESC, published_t_s, stride_id",
            *(session_id, from_s, to_s),
        )
        return [wearers.stored_fast(row) for row in found]

    def last_published_s(self, session_id: str) -> float:
        """When the session's last stride was published, retired or not; 0 without one."""
        return self._rows("SELECT coalesce(max(published_t_s), 0.0) FROM strides WHERE session_id = ?", session_id)[0][
            0
        ]

    def dated_sessions(self) -> dict[str, Dated]:
        """Start and runner of every session that exists or existed, by id; one without a date is nothing to a sink."""
        found = self._rows(
            "SELECT session_id, runner_id, started_at, 1 AS deleted FROM deleted_sessions WHERE undated = 0"
            " UNION ALL SELECT session_id, runner_id, started_at, 0 FROM sessions WHERE undated = 0"
        )
        return {
            row["session_id"]: Dated(
                session_id=row["session_id"],
                runner_id=row["runner_id"],
                started_at=datetime.fromisoformat(row["started_at"]),
                deleted=bool(row["deleted"]),
            )
            for row in found
        }

    def count_clean(self, session_id: str) -> int:
        """How many strides in force carry no doubt."""
        return self._rows(
            "SELECT count(*) FROM strides WHERE session_id = ? AND retired = 0 AND doubt = 0", session_id
        )[0][0]

    def sink_cursor(self, sink: str) -> int | None:
        """The last change that this sink has delivered; None for a new one."""
        found = self._rows("SELECT delivered FROM sinks WHERE name = ?", sink)
        return found[0]["delivered"] if found else None

    def put_sink_cursor(self, sink: str, delivered: int) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO sinks VALUES (?, ?)", (sink, delivered))

    def park(self, parked: Sequence[Parked]) -> None:
        """Keep what a server refused for good; beyond 10,000 the oldest go."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO parked (sink, at, reason, content) VALUES (?, ?, ?, ?)",
                [(p.sink, rows.time_text(p.at), p.reason, p.content) for p in parked],
            )
            db.execute("DELETE FROM parked WHERE parked_id <= (SELECT max(parked_id) FROM parked) - ?", (MOST_PARKED,))

    def parked(self, sink: str) -> list[Parked]:
        """What a sink could not deliver, oldest first."""
        found = self._rows("SELECT * FROM parked WHERE sink = ? ORDER BY parked_id", sink)
        return [
            Parked(sink=row["sink"], at=datetime.fromisoformat(row["at"]), reason=row["reason"], content=row["content"])
            for row in found
        ]
