"""What was measured about pods and their seats: versions that are added and never changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from evenstride_gateway.store import rows
from evenstride_gateway.store.strides import StrideWriter


class CalibrationKind(StrEnum):
    SEAT = "seat"  # the axes of a pod on a leg; named `pod/side`
    HARDWARE = "hardware"  # the offsets of a hardware; named as the user calls it
    SWAP = "swap"  # a swap-legs test; named by its runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One version of one name. `session_id`: what it was found in; it goes when that session is deleted.

    `content` is JSON, its shape that of the kind (calibrating.py, swapping.py).
    """

    kind: CalibrationKind
    name: str
    version: int
    made_at: datetime
    session_id: str | None
    content: Mapping[str, Any]


class Calibrating(StrideWriter):
    """The writer with calibrations."""

    def put_calibration(
        self,
        kind: CalibrationKind,
        name: str,
        content: Mapping[str, Any],
        *,
        made_at: datetime,
        session_id: str | None = None,
    ) -> int:
        """Add the next version under this name and return its number. Raises StoreError."""
        if session_id is not None:
            self.session(session_id)
        with self._transaction() as db:
            latest: int = db.execute(
                "SELECT coalesce(max(version), 0) FROM calibrations WHERE kind = ? AND name = ?", (kind.value, name)
            ).fetchone()[0]
            db.execute(
                "INSERT INTO calibrations (kind, name, version, made_at, session_id, content)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (kind.value, name, latest + 1, rows.time_text(made_at), session_id, json.dumps(content)),
            )
        return latest + 1

    def calibrations(self, kind: CalibrationKind, name: str | None = None) -> list[Calibration]:
        """All versions of one kind, or of one name, in order of making."""
        found = self._rows(
            "SELECT * FROM calibrations WHERE kind = ? AND name = coalesce(?, name) ORDER BY calibration_id",
            kind.value,
            name,
        )
        return [
            Calibration(
                kind=kind,
                name=row["name"],
                version=row["version"],
                made_at=datetime.fromisoformat(row["made_at"]),
                session_id=row["session_id"],
                content=json.loads(row["content"]),
            )
            for row in found
        ]

    def latest_calibration(self, kind: CalibrationKind, name: str) -> Calibration | None:
        """The newest version under this name."""
        found = self.calibrations(kind, name)
        return found[-1] if found else None
