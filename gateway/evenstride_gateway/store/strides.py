"""Strides into the store by rule 2 (identity.py says which is which; this module writes it down)."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from evenstride_analysis.context import Placed
from evenstride_analysis.model import ClockFit, Stride
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import rows
from evenstride_gateway.store.identity import Known, Plan, plan, rank
from evenstride_gateway.store.types import Change, ChangeKind, Entity, PublishedKey
from evenstride_gateway.store.writer import Writer

SessionTime = Callable[[Stride], float]  # session seconds of a stride, asked once, at first sight
Strike = tuple[str, int, int]  # pod, boot, sample index of the initial contact

_INSERT = (
    f"INSERT INTO strides (session_id, published_t_s, {', '.join(rows.STRIDE_COLUMNS)})"
    f" VALUES ({', '.join('?' * (len(rows.STRIDE_COLUMNS) + 2))})"
)
_UPDATE = (
    f"UPDATE strides SET retired = 0, change = ?, {', '.join(f'{name} = ?' for name in rows.STRIDE_COLUMNS)}"
    " WHERE stride_id = ?"
)
# By end, as the index is: the first stride that ends behind its own strike.
_AT_STRIKE = (
    "SELECT * FROM strides WHERE session_id = ? AND pod_id = ? AND boot_id = ? AND end_index > ? AND strike_index = ?"
    " AND retired = 0 ORDER BY end_index LIMIT 1"
)
_PLACE = "UPDATE strides SET surface = ?, direction = ?, lap = ?, change = ? WHERE stride_id = ?"


class StrideWriter(Writer):
    """The writer with strides."""

    def apply_strides(
        self, session_id: str, strides: Iterable[Stride], *, published_t_s: SessionTime | None = None
    ) -> list[Change]:
        """Enter detections, live or late, of any pods and boots; returns what changed, oldest first.

        `published_t_s` gives a new stride its session time; without it the latest stored clock fit does. What is stored
        already, bit for bit, writes nothing. Raises StoreError; then none of them was stored.
        """
        clock = published_t_s or self._by_clock(session_id)
        self.session(session_id)
        by_boot = sorted(strides, key=lambda s: (s.pod_id, s.boot_id))
        changes: list[Change] = []
        with self._transaction():
            for (pod_id, boot_id), group in groupby(by_boot, key=lambda s: (s.pod_id, s.boot_id)):
                found = list(group)
                window = (min(s.strike_index for s in found), max(s.end_index for s in found))
                known = self._known(session_id, pod_id, boot_id, window)
                changes += self._carry_out(session_id, plan(known, found), clock)
        return changes

    def replace_strides(
        self,
        session_id: str,
        pod_id: str,
        boot_id: int,
        strides: Sequence[Stride],
        *,
        index_range: tuple[int, int] | None = None,
        published_t_s: SessionTime | None = None,
    ) -> list[Change]:
        """Enter the result of a new run over the raw of one boot, or over `index_range` (half-open sample indices).

        Stored strides that begin in the range and that the new run does not find are retired. Records of the pod stay
        where the raw shows nothing. Complete raw is not replaced by raw with a gap of the same method.
        """
        if any((s.pod_id, s.boot_id) != (pod_id, boot_id) for s in strides):
            raise StoreError(f"strides of another pod or boot in a run over pod {pod_id} boot {boot_id}")
        clock = published_t_s or self._by_clock(session_id)
        self.session(session_id)
        with self._transaction():
            known = self._known(session_id, pod_id, boot_id, None)
            decided = plan(known, strides, rerun=True)
            low, high = index_range or (0, 1 << 62)
            touched = decided.touched
            decided.retires += [
                k
                for k in known
                if not k.retired
                and k.stride_id not in touched
                and rank(k.stride) > 0
                and low <= k.stride.strike_index < high
            ]
            return self._carry_out(session_id, decided, clock)

    def put_places(self, session_id: str, places: Mapping[Strike, Placed]) -> list[Change]:
        """Say where strides in force were run. What is said already writes nothing; unknown strides are passed over."""
        wearers = self._wearers(session_id)
        changes: list[Change] = []
        with self._transaction() as db:
            for (pod_id, boot_id, strike_index), place in places.items():
                row = db.execute(_AT_STRIKE, (session_id, pod_id, boot_id, strike_index, strike_index)).fetchone()
                if row is None or rows.place_of(row) == place:
                    continue
                key, stride_id = wearers.key(row), row["stride_id"]
                change = self._log(ChangeKind.UPDATE, Entity.STRIDE, stride_id, session_id, key)
                db.execute(_PLACE, (place.surface.value, place.direction, place.lap, change.change, stride_id))
                changes.append(change)
        return changes

    def _by_clock(self, session_id: str) -> SessionTime:
        fits: dict[tuple[str, int], ClockFit] = {(f.pod_id, f.boot_id): f for f in self.clocks(session_id)}

        def t_s(stride: Stride) -> float:
            fit = fits.get((stride.pod_id, stride.boot_id))
            if fit is None:
                raise StoreError(
                    f"session {session_id} holds no clock fit for pod {stride.pod_id} boot {stride.boot_id}: "
                    "its strides have no session time yet"
                )
            return fit.session_s(stride.strike_s)

        return t_s

    def _known(self, session_id: str, pod_id: str, boot_id: int, window: tuple[int, int] | None) -> list[Known]:
        low, high = window or (-(1 << 62), 1 << 62)
        found = self._rows(
            "SELECT * FROM strides WHERE session_id = ? AND pod_id = ? AND boot_id = ?"
            " AND end_index > ? AND strike_index < ?",
            *(session_id, pod_id, boot_id, low, high),
        )
        return [
            Known(stride_id=row["stride_id"], stride=rows.stride_of(row), retired=bool(row["retired"])) for row in found
        ]

    def _carry_out(self, session_id: str, decided: Plan, clock: SessionTime) -> list[Change]:
        changes: list[Change] = []
        wearers = self._wearers(session_id) if decided.updates or decided.retires else None
        for stride in decided.inserts:
            t_s = rows.finite(clock(stride), "session time")
            cursor = self._db.execute(_INSERT, (session_id, t_s, *rows.stride_values(stride)))
            change = self._log(ChangeKind.INSERT, Entity.STRIDE, cursor.lastrowid, session_id)
            self._db.execute("UPDATE strides SET change = ? WHERE stride_id = ?", (change.change, cursor.lastrowid))
            changes.append(change)
        for known, stride in decided.updates:
            key = self._key(known, wearers)
            change = self._log(ChangeKind.UPDATE, Entity.STRIDE, known.stride_id, session_id, key)
            self._db.execute(_UPDATE, (change.change, *rows.stride_values(stride), known.stride_id))
            changes.append(change)
        for known in decided.retires:
            key = self._key(known, wearers)
            change = self._log(ChangeKind.RETIRE, Entity.STRIDE, known.stride_id, session_id, key)
            self._db.execute(
                "UPDATE strides SET retired = 1, change = ? WHERE stride_id = ?", (change.change, known.stride_id)
            )
            changes.append(change)
        return changes

    def _key(self, known: Known, wearers: rows.Wearers | None) -> PublishedKey | None:
        row: sqlite3.Row = self._db.execute(
            "SELECT pod_id, published_t_s FROM strides WHERE stride_id = ?", (known.stride_id,)
        ).fetchone()
        return None if wearers is None else wearers.key(row)
