"""`evenstride analyze` and `evenstride import`: recordings in, strides out."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from evenstride_analysis.frames import Rotation
from evenstride_analysis.model import Side
from evenstride_analysis.placement.alignment import align
from evenstride_gateway.cli.common import Exit, data_dir, err, out, print_json, progress, say
from evenstride_gateway.errors import InputError
from evenstride_gateway.season import analyse_many, process_pool, recording_jobs, session_jobs, session_rows
from evenstride_gateway.tables.analyse import analyse_recording
from evenstride_gateway.tables.axes import parse_sensor_axes
from evenstride_gateway.tables.importers import read_foreign, write_recording
from evenstride_gateway.tables.reading import read_recording
from evenstride_gateway.tables.recording import Recording
from evenstride_gateway.tables.strides import HEADER, StrideRow, cells, in_time_order, write_stride_table


def analyze(
    recordings: Sequence[Path],
    *,
    sessions: Sequence[str],
    every_session: bool,
    table: str | None,
    sensor_axes: str | None,
    calibrate: bool,
    jobs: int | None,
    data: Path | None,
    as_json: bool,
) -> Exit:
    """The strides of files or of stored sessions. One: to a table, to the screen as JSON, or counted. Many: in as many
    processes as asked for, a table each."""
    if bool(recordings) == bool(sessions or every_session):
        raise InputError("say either recording files, or --session ID, or --all-sessions")
    if calibrate and (len(recordings) != 1 or sensor_axes is not None):
        raise InputError(
            "--calibrate finds the axes of one recording, instead of --sensor-axes; for a stored session:"
            " evenstride calibrate --session ID"
        )
    if every_session or (jobs is not None and not calibrate) or len(recordings) + len(sessions) > 1:
        given = recordings or (None if every_session else sessions)
        return _many(given, folder=data_dir(data), tables=table, sensor_axes=sensor_axes, jobs=jobs, as_json=as_json)
    if recordings:
        rows = _of_file(recordings[0], sensor_axes, calibrate=calibrate, quiet=as_json)
    else:
        rows = session_rows(data_dir(data), sessions[0])
    if table is not None:
        write_stride_table(rows, table)
    if as_json:
        ordered = in_time_order(rows)
        print_json([dict(zip(HEADER, cells(row), strict=True)) for row in ordered])
    elif table != "-":
        _tell(rows, table)
    return Exit.OK


def _many(
    given: Sequence[Path] | Sequence[str] | None,
    *,
    folder: Path,
    tables: str | None,
    sensor_axes: str | None,
    jobs: int | None,
    as_json: bool,
) -> Exit:
    if tables is not None and (tables == "-" or Path(tables).suffix.lower() in {".csv", ".parquet"}):
        raise InputError(f"--out {tables}: with many inputs say a folder; each gets a table of its own in it")
    out_dir = None if tables is None else Path(tables)
    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
    paths = [path for path in given or () if isinstance(path, Path)]
    names = None if given is None else [name for name in given if isinstance(name, str)]
    if paths:
        rotations = None if sensor_axes is None else parse_sensor_axes(sensor_axes)
        work = recording_jobs(paths, rotations=rotations, tables=out_dir)
    else:
        work = session_jobs(folder, names, tables=out_dir)
    with process_pool(jobs, len(work)) as pool, progress("finding strides", quiet=as_json) as tell:
        outcomes = analyse_many(work, pool, progress=tell)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            for notice in outcome.notices:
                err.print(f"evenstride: {notice}")
            if outcome.error is None:
                legs = ", ".join(f"{side} {n}" for side, n in outcome.strides.items())
                out.print(f"{outcome.name}  strides: {legs}; {outcome.doubted} of them doubted")
        out.print(
            f"{len(outcomes) - len(failed)} of {len(outcomes)} done" + (f", tables in {tables}" if tables else "")
        )
    for outcome in failed:
        say(outcome.error or "")
    return Exit.SOME_FAILED if failed else Exit.OK


def _of_file(path: Path, sensor_axes: str | None, *, calibrate: bool, quiet: bool) -> list[StrideRow]:
    rotations = None if sensor_axes is None else parse_sensor_axes(sensor_axes)
    read = read_recording(path)
    for notice in read.notices:
        err.print(f"evenstride: {notice}")
    if calibrate:
        rotations = _found_axes(read)
    with progress("finding strides", quiet=quiet) as tell:
        return analyse_recording(read, rotations=rotations, progress=tell)


def _found_axes(recording: Recording) -> dict[Side, Rotation]:
    """The rotation of each leg, from the recording itself; how sure it is goes to standard error."""
    rotations: dict[Side, Rotation] = {}
    for side, leg in recording.legs.items():
        try:
            found = align(leg.accel_mps2, leg.gyro_radps, leg.rate_hz)
        except InputError as error:
            raise InputError(f"{recording.source}, {side.value} leg: {error}") from error
        stood = f"{found.standing_s:.0f} s of standing" if found.standing_s else "no standing"
        err.print(
            f"evenstride: {side.value} leg: axes found, sure to about {math.degrees(found.error_rad):.0f} degrees"
            f" ({stood}, {found.running_s:.0f} s of movement)"
        )
        for note in found.notes:
            err.print(f"evenstride: {side.value} leg: {note}")
        rotations[side] = found.rotation
    return rotations


def _tell(rows: list[StrideRow], table: str | None) -> None:
    for side in Side:
        own = [row for row in rows if row.side is side]
        doubted = sum(bool(row.doubt) for row in own)
        out.print(f"{side.value:5}  {len(own)} strides, {doubted} of them doubted")
    if table is None:
        out.print("Nothing was written: --out strides.csv writes the table, --json prints it.")
    else:
        out.print(f"written: {table}")


def import_recording(source: Path, table: Path, *, as_json: bool) -> None:
    """A data set's own file as a recording table, its credit beside it."""
    imported = read_foreign(source)
    with progress("writing", quiet=as_json) as tell:
        rows = write_recording(imported, table, tell)
    if as_json:
        print_json({"rows": rows, "out": str(table), "credit": imported.credit})
    else:
        out.print(f"{rows} samples written to {table}")
        out.print(imported.credit, style="dim")
