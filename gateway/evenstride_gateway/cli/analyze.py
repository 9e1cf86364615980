"""`evenstride analyze` and `evenstride import`: recordings in, strides out."""

from pathlib import Path

from evenstride_analysis.model import Side, Stride
from evenstride_gateway.cli.common import data_dir, err, out, print_json, progress
from evenstride_gateway.errors import InputError
from evenstride_gateway.results import session_steps, sides_of, stored_strides
from evenstride_gateway.store import Store
from evenstride_gateway.tables.analyse import analyse_recording, stride_row
from evenstride_gateway.tables.axes import parse_sensor_axes
from evenstride_gateway.tables.importers import read_foreign, write_recording
from evenstride_gateway.tables.reading import read_recording
from evenstride_gateway.tables.strides import HEADER, StrideRow, cells, in_time_order, write_stride_table


def analyze(
    recording: Path | None,
    *,
    session: str | None,
    table: str | None,
    sensor_axes: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """The strides of a file or of a stored session: to a table, to the screen as JSON, or counted."""
    if (recording is None) == (session is None):
        raise InputError("say either a recording file or --session ID")
    if recording is not None:
        rows = _of_file(recording, sensor_axes, quiet=as_json)
    else:
        rows = _of_session(data_dir(data), session or "")
    if table is not None:
        write_stride_table(rows, table)
    if as_json:
        ordered = in_time_order(rows)
        print_json([dict(zip(HEADER, cells(row), strict=True)) for row in ordered])
    elif table != "-":
        _tell(rows, table)


def _of_file(path: Path, sensor_axes: str | None, *, quiet: bool) -> list[StrideRow]:
    rotations = None if sensor_axes is None else parse_sensor_axes(sensor_axes)
    read = read_recording(path)
    for notice in read.notices:
        err.print(f"evenstride: {notice}")
    with progress("finding strides", quiet=quiet) as tell:
        return analyse_recording(read, rotations=rotations, progress=tell)


def _of_session(folder: Path, session_id: str) -> list[StrideRow]:
    """Strides of the raw log in pod time; gait and alternation as both legs say in session time."""
    with Store.open(folder, readonly=True) as store:
        store.session(session_id)
        sides = sides_of(store, session_id)
        steps = session_steps(store, session_id)
        both = len({step.side for step in steps}) == 2
        seen = {_key(step.stride): stride_row(step, both_legs=both) for step in steps}
        return [
            row
            if (row := seen.get(_key(stride))) is not None and row.stride == stride
            else StrideRow(sides[stride.pod_id], stride, stride.gait, stride.doubt)
            for stride in stored_strides(store, session_id)
        ]


def _key(stride: Stride) -> tuple[str, int, int]:
    return (stride.pod_id, stride.boot_id, stride.strike_index)


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
