"""`evenstride calibrate`: how pods sat, and the offset of their hardware from a reference session."""

import csv
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from evenstride_analysis.calibration import Estimate, OffsetFit, ReferenceEvents, pooled
from evenstride_analysis.model import Side
from evenstride_analysis.units import ms_from_s
from evenstride_gateway.calibrating import settle_seats
from evenstride_gateway.cli.common import data_dir, err, out, print_json
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import InputError
from evenstride_gateway.offsets import hardware_name
from evenstride_gateway.references import keep_offset, recording_fit, session_fit, stored_fits
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Store
from evenstride_gateway.tables.reading import read_recording

_COLUMNS = ("side", "strike_s", "toe_off_s")


def calibrate_seats(session: str | None, *, data: Path | None, as_json: bool) -> None:
    """The axes of a session's pods; they are kept, and the session runs again."""
    if session is None:
        raise InputError("say which: --session ID, or a reference table with --session or --recording")
    folder = data_dir(data)
    system = system_error(load_config(folder).symmetry)
    with Store.open(folder, readonly=True) as store:
        store.session(session)  # a mistyped folder or id must not make a new store
    with Store.open(folder) as store:
        report = settle_seats(store, session, system, made_at=datetime.now(UTC), always=True)
    if as_json:
        seats = [
            {
                "pod": seat.pod_id,
                "side": None if seat.side is None else seat.side.value,
                "rotation": None if seat.alignment is None else seat.alignment.rotation,
                "error_deg": None if seat.alignment is None else round(math.degrees(seat.alignment.error_rad), 1),
                "turned_deg": None if seat.turn_rad is None else round(math.degrees(seat.turn_rad), 1),
                "version": seat.version,
                "problem": seat.problem,
            }
            for seat in report.seats
        ]
        print_json({"session": session, "pods": seats, "words": report.words, "changes": report.changes})
        return
    for seat in report.seats:
        where = "no leg" if seat.side is None else f"{seat.side.value} leg"
        if seat.alignment is None:
            out.print(f"pod {seat.pod_id}, {where}: {seat.problem}")
            continue
        moved = "" if seat.turn_rad is None else f"{math.degrees(seat.turn_rad):.0f} degrees from the one used before, "
        kept = "not kept: it has no leg" if seat.version is None else f"kept as version {seat.version}"
        out.print(
            f"pod {seat.pod_id}, {where}: axes found, {moved}sure to about"
            f" {math.degrees(seat.alignment.error_rad):.0f} degrees; {kept}"
        )
        for note in seat.alignment.notes:
            out.print(f"  {note}", style="dim")
    for sentence in report.words:
        out.print(sentence)
    out.print(f"the session ran again: {report.changes} strides changed")


def calibrate_hardware(
    reference: Path,
    *,
    session: str | None,
    recording: Path | None,
    hardware: str | None,
    shared_clock: bool,
    anew: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """The offset of a hardware from one more reference session, as the next version."""
    if (session is None) == (recording is None):
        raise InputError("say which run the reference belongs to: either --session ID or --recording FILE")
    events = read_reference(reference)
    folder = data_dir(data)
    if session is not None:
        with Store.open(folder, readonly=True) as store:
            found_in, fit = session_fit(store, session, events, shared_clock=shared_clock)
        name = hardware_name(hardware or found_in)
    else:
        if hardware is None:
            raise InputError("a recording does not name its hardware: say --hardware NAME")
        assert recording is not None
        fit = recording_fit(read_recording(recording), events, shared_clock=shared_clock)
        name = hardware_name(hardware)
    with Store.open(folder) as store:
        fits = [fit] if anew else [*stored_fits(store, name, fit), fit]
        whole = pooled(fits)
        offset = keep_offset(store, name, fits, made_at=datetime.now(UTC))
    if as_json:
        print_json({"offset": asdict(offset), "fit": asdict(whole), "references": len(fits)})
        return
    _tell(whole, references=len(fits))
    out.print(f"kept as {offset.label}; sessions from now on: {offset.method_of(fit.method)}")
    if whole.stance.total_low_s <= 0.0 <= whole.stance.total_high_s:
        err.print(
            "evenstride: one more runner may differ by as much as this offset: reference sessions of more runners make"
            " it sure"
        )
    out.print("Earlier sessions: `evenstride sessions rerun ID` makes them comparable.")


def _tell(fit: OffsetFit, *, references: int) -> None:
    rows: list[tuple[str, Estimate | None]] = [("stance", fit.stance), ("contact", fit.ic), ("toe-off", fit.tc)]
    for what, estimate in rows:
        if estimate is None:
            out.print(f"{what:8} not known: the reference has a clock of its own (--shared-clock if it has not)")
            continue
        value, low, high, total_low, total_high = (
            ms_from_s(v)
            for v in (estimate.value_s, estimate.low_s, estimate.high_s, estimate.total_low_s, estimate.total_high_s)
        )
        out.print(
            f"{what:8} {value:+.1f} ms (95 % of this session {low:+.1f} to {high:+.1f},"
            f" of any runner {total_low:+.1f} to {total_high:+.1f})"
        )
    legs = ", ".join(f"{side.value} {ms_from_s(value):+.1f} ms" for side, value in fit.legs_s.items())
    out.print(
        f"{fit.stances} stances in {references} reference sessions; {fit.missed} not found, {fit.gross} far off and"
        f" left out; last one: {legs}"
    )


def read_reference(path: Path) -> dict[Side, ReferenceEvents]:
    """The events of a reference table. Raises InputError that names the line and what was expected."""
    sides = {side.value: side for side in Side}
    rows: dict[Side, list[tuple[float, float]]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise InputError(f"{path.name}, line 1: column {', '.join(missing)} is missing")
            for row in table:
                side = sides.get((row["side"] or "").strip().lower())
                if side is None:
                    raise InputError(f"{path.name}, line {table.line_num}: side is {row['side']!r}; left or right")
                rows.setdefault(side, []).append(_times(row, path.name, table.line_num))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: not a text file; a CSV was expected") from error
    if not rows:
        raise InputError(f"{path.name}: no rows; side, strike_s, toe_off_s of each stance were expected")
    found: dict[Side, ReferenceEvents] = {}
    for side, own in rows.items():
        times = np.array(sorted(own), dtype=np.float64)
        try:
            found[side] = ReferenceEvents(strike_s=times[:, 0], toe_off_s=times[:, 1])
        except InputError as error:
            raise InputError(f"{path.name}, {side.value} leg: {error}") from error
    return found


def _times(row: Mapping[str, str | None], name: str, line: int) -> tuple[float, float]:
    values: list[float] = []
    for column in _COLUMNS[1:]:
        try:
            value = float(row[column] or "")
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f"{name}, line {line}: {column} is {row[column]!r}; seconds were expected")
        values.append(value)
    return values[0], values[1]
