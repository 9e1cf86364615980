"""The stride table that `analyze` writes: one row per stride in time order, CSV or Parquet by the file's ending."""

import csv
import io
import os
import sys
import tempfile
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from evenstride_analysis.model import Doubt, Gait, Side, Stride
from evenstride_analysis.units import g_from_mps2, ms_from_s
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.tables.reading import parquet_library

HEADER = (
    "side",
    "strike_s",
    "toe_off_s",
    "stance_ms",
    "stride_ms",
    "impact_axial_g",
    "impact_g",
    "gait",
    "method",
    "doubt",
)
_NUMBERS = frozenset(HEADER[1:7])


class StrideRow(NamedTuple):
    """A stride with what both legs say of it. Its times are the input's: t_s of a table, pod time of a session."""

    side: Side
    stride: Stride
    gait: Gait
    doubt: Doubt  # the stride's own and what pairing added


Cell = str | float | None


def cells(row: StrideRow) -> tuple[Cell, ...]:
    """The row's values in the order of HEADER; None = not measurable."""
    stride = row.stride
    return (
        row.side.value,
        stride.strike_s,
        stride.toe_off_s,
        ms_from_s(stride.stance_s),
        ms_from_s(stride.stride_s),
        _g(stride.impact_axial_mps2),
        _g(stride.impact_mps2),
        row.gait.value,
        stride.method,
        "|".join(row.doubt.names),
    )


def in_time_order(rows: Iterable[StrideRow]) -> list[StrideRow]:
    return sorted(rows, key=lambda row: (row.stride.strike_s, row.side.value))


def write_stride_table(rows: Iterable[StrideRow], out: Path | str) -> int:
    """Writes the table to `out` (`-` = standard output; `.parquet` = Parquet; else CSV); returns the rows written.

    A file appears whole or not at all. Raises EvenstrideError when it cannot be written.
    """
    ordered = [cells(row) for row in in_time_order(rows)]
    if str(out) == "-":
        _write_csv(ordered, sys.stdout)
        return len(ordered)
    path = Path(out)
    with atomic(path) as part:
        if path.suffix.lower() == ".parquet":
            _write_parquet(ordered, part, path.name)
        else:
            with part.open("w", encoding="utf-8", newline="") as file:
                _write_csv(ordered, file)
    return len(ordered)


def stride_table_csv(rows: Iterable[StrideRow]) -> str:
    text = io.StringIO()
    _write_csv([cells(row) for row in in_time_order(rows)], text)
    return text.getvalue()


@contextmanager
def atomic(path: Path) -> Generator[Path, None, None]:
    """A temporary file beside `path` that takes its place when the body ends well, and is removed when it does not."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise EvenstrideError(f"{path}: cannot be written: {error.strerror or error}") from error
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise EvenstrideError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _write_csv(ordered: Sequence[tuple[Cell, ...]], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([_text(name, cell) for name, cell in zip(HEADER, row, strict=True)] for row in ordered)


def _text(name: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    # Times as the shortest text that reads back to the same bits; what is derived from them to 0.1 us and 0.1 mg.
    return repr(float(cell)) if name.endswith("_s") else f"{cell:.4f}"


def _write_parquet(ordered: Sequence[tuple[Cell, ...]], part: Path, name: str) -> None:
    arrow = parquet_library("pyarrow", name)
    parquet = parquet_library("pyarrow.parquet", name)
    schema = arrow.schema(
        [arrow.field(column, arrow.float64() if column in _NUMBERS else arrow.string()) for column in HEADER]
    )
    columns = [[row[n] for row in ordered] for n in range(len(HEADER))]
    parquet.write_table(arrow.table(columns, schema=schema), part)


def _g(value_mps2: float | None) -> float | None:
    return None if value_mps2 is None else g_from_mps2(value_mps2)
