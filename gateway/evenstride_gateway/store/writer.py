"""Everything that changes the database, each call one transaction: all of it is stored, or nothing."""

import json
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from evenstride_analysis.model import Assignment, ClockFit, PodInfo, Session, Symmetry
from evenstride_gateway.errors import StoreError
from evenstride_gateway.ledger import Loss
from evenstride_gateway.store import rows
from evenstride_gateway.store.assigning import clash, overlay
from evenstride_gateway.store.reader import Reader, plain_errors
from evenstride_gateway.store.types import Change, ChangeKind, Entity, Mass, Person, Placement, PublishedKey


class Writer(Reader):
    """The reader that may also write. Raises StoreError; then nothing of the call was stored."""

    def __init__(self, database: sqlite3.Connection, folder: Path, *, readonly: bool) -> None:
        super().__init__(database, folder)
        self._readonly = readonly

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        if self._readonly:
            raise StoreError(f"the data at {self.folder} were opened for reading only")
        with self._lock, plain_errors(self.folder):
            if self._db.in_transaction:  # part of a larger one, which is this thread's: it holds the lock
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has already rolled back
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def atomically(self) -> Generator[None]:
        """All calls inside are one transaction: stored together at the end, or not at all."""
        with self._transaction():
            yield

    def _log(
        self,
        kind: ChangeKind,
        entity: Entity,
        entity_id: object,
        session_id: str,
        previous: PublishedKey | None = None,
    ) -> Change:
        """Take the next change number. Only inside a transaction."""
        cursor = self._db.execute(
            "INSERT INTO changes (kind, entity, entity_id, session_id, previous) VALUES (?, ?, ?, ?, ?)",
            (kind.value, entity.value, str(entity_id), session_id, rows.key_text(previous)),
        )
        return Change(
            change=cursor.lastrowid or 0,
            kind=kind,
            entity=entity,
            entity_id=str(entity_id),
            session_id=session_id,
            previous=previous,
        )

    def put_person(self, person: Person) -> None:
        rows.checked_id(person.runner_id, "runner id")
        with self._transaction() as db:
            db.execute(
                "INSERT INTO people VALUES (?, ?) ON CONFLICT (runner_id) DO UPDATE SET name = excluded.name",
                (person.runner_id, person.name),
            )

    def put_pod(self, info: PodInfo) -> None:
        rows.checked_id(info.pod_id, "pod id")
        with self._transaction() as db:
            db.execute(
                "INSERT INTO pods VALUES (?, ?) ON CONFLICT (pod_id) DO UPDATE SET info = excluded.info",
                (info.pod_id, rows.pod_json(info)),
            )

    def put_placement(self, placement: Placement) -> None:
        """Say where a pod usually sits; sessions that exist keep their assignments."""
        rows.checked_id(placement.pod_id, "pod id")
        with self._transaction() as db:
            if placement.runner_id:
                self._enter_runner(placement.runner_id)
            db.execute(
                "INSERT OR REPLACE INTO placements VALUES (?, ?, ?)",
                (placement.pod_id, placement.side.value, placement.runner_id),
            )

    def put_mass(self, runner_id: str, mass: Mass) -> None:
        """Enter how heavy a known runner is."""
        self.person(runner_id)
        values = (rows.finite(mass.mass_kg, "mass"), rows.finite(mass.mass_sd_kg, "error of the mass"))
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO masses VALUES (?, ?, ?)", (runner_id, *values))

    def put_settings(self, session_id: str, settings: Mapping[str, str | None]) -> dict[str, str]:
        """Lay these over a session's settings (None takes one away); returns them all. Equal ones write nothing."""
        with self._transaction() as db:
            held = self.session(session_id).settings
            new = {key: value for key, value in {**held, **settings}.items() if value is not None}
            if new != held:
                db.execute("UPDATE sessions SET settings = ? WHERE session_id = ?", (json.dumps(new), session_id))
                self._log(ChangeKind.UPDATE, Entity.SESSION, session_id, session_id)
            return new

    def put_run_values(self, session_id: str, key: str, content: str) -> None:
        """Keep what a session says for the baseline. Not in the feed: it follows from what is there."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO run_values VALUES (?, ?, ?)", (session_id, key, content))

    def create_session(self, session: Session, assignments: Sequence[Assignment] = ()) -> None:
        """Begin a session. An unknown runner is entered without a name. A session id is used once."""
        rows.checked_id(session.session_id, "session id")
        with self._transaction() as db:
            if session.session_id in self.session_ids():
                raise StoreError(f"session {session.session_id} exists already: a session id is used once")
            self._enter_runner(session.runner_id)
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    session.session_id,
                    session.runner_id,
                    rows.time_text(session.started_at),
                    None if session.stopped_at is None else rows.time_text(session.stopped_at),
                    session.note,
                    json.dumps(session.settings),
                    int(not session.dated),
                ),
            )
            self._log(ChangeKind.INSERT, Entity.SESSION, session.session_id, session.session_id)
            self._assign(session, assignments)

    def end_session(self, session_id: str, stopped_at: datetime) -> None:
        self.session(session_id)
        with self._transaction() as db:
            db.execute(
                "UPDATE sessions SET stopped_at = ? WHERE session_id = ?", (rows.time_text(stopped_at), session_id)
            )
            self._log(ChangeKind.UPDATE, Entity.SESSION, session_id, session_id)

    def put_assignment(self, *assignments: Assignment) -> list[Change]:
        """Correct who wore what, in one step: each one holds for its time, earlier rows give way there.

        Strides whose runner or side changes get a change with the key they had. When the whole session turns out to be
        another runner's, it becomes that runner's. Raises StoreError when two pods then claim one side.
        """
        sessions = {a.session_id for a in assignments}
        if len(sessions) != 1:
            raise StoreError(f"assignments of {len(sessions)} sessions at once: one was expected")
        session = self.session(sessions.pop())
        with self._transaction():
            return self._assign(session, assignments)

    def put_clock(self, session_id: str, fit: ClockFit) -> ClockFit:
        """Keep a clock fit; returns it as stored. A version is never overwritten: another fit gets the next number."""
        history = [f for f in self.clock_history(session_id) if (f.pod_id, f.boot_id) == (fit.pod_id, fit.boot_id)]
        if fit in history:
            return fit
        latest = max((f.version for f in history), default=0)
        version = fit.version if fit.version > latest else latest + 1
        numbers = (fit.offset_s, fit.skew_ppm, fit.bound_s)
        with self._transaction() as db:
            db.execute(
                "INSERT INTO clock_fits (session_id, pod_id, boot_id, version, offset_s, skew_ppm, bound_s)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (session_id, fit.pod_id, fit.boot_id, version, *(rows.finite(v, "clock fit") for v in numbers)),
            )
        return ClockFit(
            pod_id=fit.pod_id,
            boot_id=fit.boot_id,
            offset_s=fit.offset_s,
            skew_ppm=fit.skew_ppm,
            bound_s=fit.bound_s,
            version=version,
        )

    def put_symmetry(self, session_id: str, points: Sequence[Symmetry], *, replace: bool = False) -> list[Change]:
        """Enter points of the 10 s grid; equal ones write nothing. `replace`: the session's other points retire."""
        session = self.session(session_id)
        held = {(p.symmetry.measure, p.grid_index): p for p in self.symmetry(session_id, include_retired=True)}
        changes: list[Change] = []
        seen: set[tuple[object, int]] = set()
        with self._transaction() as db:
            for point in points:
                where = (point.measure, rows.grid_index(point))
                seen.add(where)
                old = held.get(where)
                if old is not None and old.symmetry == point and not old.retired:
                    continue
                key = PublishedKey(runner_id=session.runner_id, pod_id="", t_s=point.t_s)
                kind, previous = (ChangeKind.INSERT, None) if old is None else (ChangeKind.UPDATE, key)
                change = self._log(kind, Entity.SYMMETRY, f"{point.measure}/{where[1]}", session_id, previous)
                db.execute(
                    "INSERT OR REPLACE INTO symmetry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                    (session_id, point.measure.value, where[1], *rows.symmetry_values(point), change.change),
                )
                changes.append(change)
            for where, old in held.items() if replace else ():
                if where in seen or old.retired:
                    continue
                key = PublishedKey(runner_id=session.runner_id, pod_id="", t_s=old.symmetry.t_s)
                name = f"{where[0]}/{where[1]}"
                change = self._log(ChangeKind.RETIRE, Entity.SYMMETRY, name, session_id, key)
                db.execute(
                    "UPDATE symmetry SET retired = 1, change = ?"
                    " WHERE session_id = ? AND measure = ? AND grid_index = ?",
                    (change.change, session_id, where[0].value, where[1]),
                )
                changes.append(change)
        return changes

    def put_gaps(self, session_id: str, losses: Sequence[Loss]) -> None:
        """Replace what is known to be missing from the session; an equal account writes nothing."""
        self.session(session_id)
        wanted = sorted(losses, key=lambda loss: (loss.pod_id, loss.boot_id, loss.first_index))
        if wanted == self.gaps(session_id):
            return
        with self._transaction() as db:
            db.execute("DELETE FROM gaps WHERE session_id = ?", (session_id,))
            db.executemany(
                "INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?)",
                [(session_id, g.pod_id, g.boot_id, g.first_index, g.missing, g.cause.value) for g in wanted],
            )
            self._log(ChangeKind.UPDATE, Entity.GAPS, session_id, session_id)

    def _delete_rows(self, session_id: str) -> None:
        """Take a session out; the feed gets one retirement for each published point and one for the session."""
        wearers = self._wearers(session_id)
        runner_id = self.session(session_id).runner_id
        with self._transaction() as db:
            for row in db.execute(
                "SELECT * FROM strides WHERE session_id = ? AND retired = 0", (session_id,)
            ).fetchall():
                self._log(ChangeKind.RETIRE, Entity.STRIDE, row["stride_id"], session_id, wearers.key(row))
            for point in self.symmetry(session_id):
                key = PublishedKey(runner_id=runner_id, pod_id="", t_s=point.symmetry.t_s)
                name = f"{point.symmetry.measure}/{point.grid_index}"
                self._log(ChangeKind.RETIRE, Entity.SYMMETRY, name, session_id, key)
            for pod_id in self._accounted_pods(session_id):
                key = PublishedKey(runner_id=runner_id, pod_id=pod_id, t_s=0.0)
                self._log(ChangeKind.RETIRE, Entity.GAPS, session_id, session_id, key)
            db.execute(
                "INSERT OR REPLACE INTO deleted_sessions SELECT session_id, runner_id, started_at, undated"
                " FROM sessions WHERE session_id = ?",
                (session_id,),
            )
            db.execute("UPDATE pod_records SET message = x'' WHERE session_id = ?", (session_id,))
            db.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))
            self._log(ChangeKind.RETIRE, Entity.SESSION, session_id, session_id, _session_key(runner_id))

    def _accounted_pods(self, session_id: str) -> list[str]:
        """The pods of which a sink may hold an account of gaps."""
        worn = {assignment.pod_id for assignment in self.assignments(session_id)}
        return sorted(worn | {gap.pod_id for gap in self.gaps(session_id)})

    def _enter_runner(self, runner_id: str) -> None:
        rows.checked_id(runner_id, "runner id")
        self._db.execute("INSERT OR IGNORE INTO people VALUES (?, '')", (runner_id,))

    def _assign(self, session: Session, assignments: Sequence[Assignment]) -> list[Change]:
        """Lay assignments over those in force and tell the feed whose strides moved. Only inside a transaction."""
        old = self.assignments(session.session_id)
        new = old
        for assignment in assignments:
            if assignment.session_id != session.session_id:
                raise StoreError(f"assignment of session {assignment.session_id} in session {session.session_id}")
            rows.checked_id(assignment.pod_id, "pod id")
            self._enter_runner(assignment.runner_id)
            new = overlay(new, assignment)
        if message := clash(new):
            raise StoreError(message)
        self._store_assignments(session.session_id, old, new)
        if set(old) == set(new):
            return []
        changes = [self._log(ChangeKind.UPDATE, Entity.ASSIGNMENT, session.session_id, session.session_id)]
        runners = {a.runner_id for a in new}
        runner_id = runners.pop() if len(runners) == 1 else session.runner_id
        if runner_id != session.runner_id:
            changes += self._move_session(session, runner_id)
        before, after = rows.Wearers(session.runner_id, old), rows.Wearers(runner_id, new)
        for row in self._rows("SELECT * FROM strides WHERE session_id = ?", session.session_id):
            at = (row["pod_id"], row["published_t_s"])
            if before.at(*at) == after.at(*at):
                continue
            change = self._log(ChangeKind.UPDATE, Entity.STRIDE, row["stride_id"], session.session_id, before.key(row))
            self._db.execute("UPDATE strides SET change = ? WHERE stride_id = ?", (change.change, row["stride_id"]))
            changes.append(change)
        return changes

    def _store_assignments(self, session_id: str, old: Sequence[Assignment], new: Sequence[Assignment]) -> None:
        for gone in set(old) - set(new):
            self._db.execute(
                "UPDATE assignments SET superseded = 1"
                " WHERE session_id = ? AND pod_id = ? AND from_s = ? AND superseded = 0",
                (session_id, gone.pod_id, gone.from_s),
            )
        for a in new:
            if a in old:
                continue
            self._db.execute(
                "INSERT INTO assignments"
                " (session_id, pod_id, runner_id, side, rotation, rotation_version, from_s, to_s)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session_id,
                    a.pod_id,
                    a.runner_id,
                    a.side.value,
                    json.dumps(a.rotation),
                    a.rotation_version,
                    a.from_s,
                    a.to_s,
                ),
            )

    def _move_session(self, session: Session, runner_id: str) -> list[Change]:
        """Another runner's session: the row and every symmetry point are published anew under that runner."""
        session_id = session.session_id
        self._db.execute("UPDATE sessions SET runner_id = ? WHERE session_id = ?", (runner_id, session_id))
        before = _session_key(session.runner_id)
        changes = [self._log(ChangeKind.UPDATE, Entity.SESSION, session_id, session_id, before)]
        for pod_id in self._accounted_pods(session_id):
            key = PublishedKey(runner_id=session.runner_id, pod_id=pod_id, t_s=0.0)
            changes.append(self._log(ChangeKind.UPDATE, Entity.GAPS, session_id, session_id, key))
        for point in self.symmetry(session_id, include_retired=True):
            key = PublishedKey(runner_id=session.runner_id, pod_id="", t_s=point.symmetry.t_s)
            name = f"{point.symmetry.measure}/{point.grid_index}"
            changes.append(self._log(ChangeKind.UPDATE, Entity.SYMMETRY, name, session_id, key))
        return changes


def _session_key(runner_id: str) -> PublishedKey:
    return PublishedKey(runner_id=runner_id, pod_id="", t_s=0.0)
