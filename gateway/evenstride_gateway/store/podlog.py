"""What pods logged without a gateway: records and anchors as they came, and the session that each record stands in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from evenstride_gateway.air import StrideRecord, StrideRecords
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import rows
from evenstride_gateway.store.feeding import Feeding
from evenstride_gateway.store.types import ChangeKind, Entity, PublishedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """A record with the head it came under; (pod_id, boot_id, number) is its identity."""

    pod_id: str
    boot_id: int
    number: int
    rules: int
    coefficients_version: int
    rotation_version: int
    record: StrideRecord

    @property
    def key(self) -> tuple[str, int, int]:
        return self.pod_id, self.boot_id, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnchor:
    """At this tick of this boot it was `utc_ns`, wrong by at most `error_ns` (how long the anchor travelled)."""

    pod_id: str
    boot_id: int
    tick: int
    utc_ns: int
    error_ns: int


class PodLogs(Feeding):
    """The store with what pods logged. A record is known by pod, boot and number, for ever: a second one is nothing."""

    def put_records(self, pod_id: str, messages: Iterable[StrideRecords]) -> int:
        """Keep what came; returns how many records are new. All of it is on the disk then."""
        rows.checked_id(pod_id, "pod id")
        new = 0
        with self._transaction() as db:
            for message in messages:
                for k, record in enumerate(message.records):
                    number = message.first_record + k
                    single = bytes(
                        StrideRecords(
                            boot_id=message.boot_id,
                            first_record=number,
                            rules=message.rules,
                            coefficients_version=message.coefficients_version,
                            rotation_version=message.rotation_version,
                            records=(record,),
                        )
                    )
                    new += db.execute(
                        "INSERT OR IGNORE INTO pod_records VALUES (?, ?, ?, ?, NULL)",
                        (pod_id, message.boot_id, number, single),
                    ).rowcount
        return new

    def put_anchors(self, anchors: Iterable[KeptAnchor]) -> None:
        """Keep the dates of boots; of one that is known the smaller error holds."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO pod_anchors VALUES (?, ?, ?, ?, ?) ON CONFLICT (pod_id, boot_id, tick)"
                " DO UPDATE SET error_ns = min(error_ns, excluded.error_ns)",
                [(a.pod_id, a.boot_id, a.tick, a.utc_ns, a.error_ns) for a in anchors],
            )

    def anchors(self, pod_id: str) -> list[KeptAnchor]:
        """The anchors of a pod, by boot and tick."""
        found = self._rows("SELECT * FROM pod_anchors WHERE pod_id = ? ORDER BY boot_id, tick", pod_id)
        return [KeptAnchor(**dict(row)) for row in found]

    def held_records(self, pod_id: str, boot_id: int) -> list[tuple[int, int]]:
        """The numbers of a boot's records that are kept here, as half-open ranges."""
        found = self._rows(
            "SELECT number FROM pod_records WHERE pod_id = ? AND boot_id = ? ORDER BY number", pod_id, boot_id
        )
        return _ranges(row["number"] for row in found)

    def record_ticks(self, pod_id: str) -> dict[int, tuple[int, int]]:
        """Boot -> the strike ticks of its first and its last record here; those of deleted sessions have none."""
        found = self._rows(
            "SELECT boot_id, message FROM pod_records JOIN (SELECT boot_id, min(number) AS first, max(number) AS last"
            " FROM pod_records WHERE pod_id = ?1 AND length(message) > 0 GROUP BY boot_id) USING (boot_id)"
            " WHERE pod_id = ?1 AND number IN (first, last) ORDER BY boot_id, number",
            pod_id,
        )
        boots = groupby(found, key=lambda row: row["boot_id"])
        ticks = {
            boot: [StrideRecords.from_bytes(row["message"]).records[0].strike_tick for row in mine]
            for boot, mine in boots
        }
        return {boot: (mine[0], mine[-1]) for boot, mine in ticks.items()}

    def settled_records(self) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """(Pod, boot) -> the numbers of the records that stand in sessions, deleted ones included."""
        found = self._rows(
            "SELECT pod_id, boot_id, number FROM pod_records WHERE session_id IS NOT NULL"
            " ORDER BY pod_id, boot_id, number"
        )
        boots = groupby(found, key=lambda row: (row["pod_id"], row["boot_id"]))
        return {key: _ranges(row["number"] for row in mine) for key, mine in boots}

    def waiting_records(self) -> list[KeptRecord]:
        """The records that stand in no session, by pod, boot and number."""
        found = self._rows("SELECT * FROM pod_records WHERE session_id IS NULL ORDER BY pod_id, boot_id, number")
        kept: list[KeptRecord] = []
        for row in found:
            message = StrideRecords.from_bytes(row["message"])
            kept.append(
                KeptRecord(
                    pod_id=row["pod_id"],
                    boot_id=row["boot_id"],
                    number=row["number"],
                    rules=message.rules,
                    coefficients_version=message.coefficients_version,
                    rotation_version=message.rotation_version,
                    record=message.records[0],
                )
            )
        return kept

    def settle_records(self, session_id: str, records: Iterable[tuple[str, int, int]]) -> None:
        """These records (pod, boot, number) stand in that session now."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE pod_records SET session_id = ? WHERE pod_id = ? AND boot_id = ? AND number = ?",
                [(session_id, *key) for key in records],
            )

    def count_records(self, session_id: str) -> int:
        """How many records of pods a session was made of."""
        return self._rows("SELECT count(*) FROM pod_records WHERE session_id = ?", session_id)[0][0]

    def sessions_of_boot(self, pod_id: str, boot_id: int) -> list[str]:
        """The sessions that hold anything of a boot."""
        found = self._rows(
            "SELECT session_id FROM clock_fits WHERE pod_id = ? AND boot_id = ?"
            " UNION SELECT session_id FROM strides WHERE pod_id = ? AND boot_id = ?",
            *(pod_id, boot_id, pod_id, boot_id),
        )
        return sorted(row["session_id"] for row in found)

    def put_date(self, session_id: str, started_at: datetime, settings: dict[str, str | None]) -> None:
        """Say when a session was. Everything that sinks know of it, under whatever date, is published anew.

        Raises StoreError for a session that is not ended.
        """
        session = self.session(session_id)
        if session.stopped_at is None:
            raise StoreError(f"session {session_id} is not ended: its date is that of its recording")
        later_s = (started_at - session.started_at).total_seconds()
        stopped_at = started_at + (session.stopped_at - session.started_at)

        def before(pod_id: str, t_s: float, runner_id: str = session.runner_id) -> PublishedKey | None:
            """Where it stood, counted from the new start; nowhere while there was no date."""
            return PublishedKey(runner_id=runner_id, pod_id=pod_id, t_s=t_s - later_s) if session.dated else None

        with self.atomically():
            self.put_settings(session_id, settings)
            if session.dated and later_s == 0.0:
                return
            self._db.execute(
                "UPDATE sessions SET started_at = ?, stopped_at = ?, undated = 0 WHERE session_id = ?",
                (rows.time_text(started_at), rows.time_text(stopped_at), session_id),
            )
            self._log(ChangeKind.UPDATE, Entity.SESSION, session_id, session_id, before("", 0.0))
            for stored in self.strides(session_id):
                key = before(stored.stride.pod_id, stored.published_t_s, stored.runner_id)
                change = self._log(ChangeKind.UPDATE, Entity.STRIDE, stored.stride_id, session_id, key)
                self._db.execute("UPDATE strides SET change = ? WHERE stride_id = ?", (change.change, stored.stride_id))
            for point in self.symmetry(session_id):
                name = f"{point.symmetry.measure}/{point.grid_index}"
                self._log(ChangeKind.UPDATE, Entity.SYMMETRY, name, session_id, before("", point.symmetry.t_s))
            for pod_id in self._accounted_pods(session_id):
                self._log(ChangeKind.UPDATE, Entity.GAPS, session_id, session_id, before(pod_id, 0.0))


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Rising numbers as half-open ranges."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number:
            ranges[-1] = (ranges[-1][0], number + 1)
        else:
            ranges.append((number, number + 1))
    return ranges


def numbers_missing(held: Sequence[tuple[int, int]], first: int, end: int) -> list[tuple[int, int]]:
    """The half-open ranges of [first, end) that none of `held` (sorted, disjoint) covers."""
    missing: list[tuple[int, int]] = []
    at = first
    for low, high in held:
        if high <= at or low >= end:
            continue
        if low > at:
            missing.append((at, low))
        at = max(at, high)
    if at < end:
        missing.append((at, end))
    return missing
