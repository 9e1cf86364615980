"""Reading a recording table, CSV or Parquet; a file that cannot be used gets one error that names the place."""

import csv
import importlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from evenstride_analysis.model import FloatArray, Side
from evenstride_gateway.errors import InputError
from evenstride_gateway.tables.recording import COLUMNS, VALUE_COLUMNS, LegSamples, Recording, checked

_PARQUET_MAGIC = b"PAR1"
_SIDES = {side.value: side for side in Side}


def read_recording(path: Path) -> Recording:
    """The recording in `path`: Parquet by its first bytes, else CSV.

    Extra columns are ignored; the rows of the two legs may be interleaved or follow each other.

    Raises InputError that names the file, the line (row for Parquet) and what was expected.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not head:
        raise InputError(f"{path.name}: the file is empty; a header with {', '.join(COLUMNS)} was expected")
    if head.startswith(_PARQUET_MAGIC):
        return _read_parquet(path)
    if b"\x00" in head:
        raise InputError(f"{path.name}: not a text file; a CSV or Parquet table of samples was expected")
    return _read_csv(path)


def parquet_library(module: str, doing: str) -> Any:
    """pyarrow's `module`, or the error that says how to get it. `doing` names the file."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(f"{doing}: Parquet needs pyarrow; install it with: pip install evenstride[parquet]") from error


def _read_csv(path: Path) -> Recording:
    try:
        header = next(_rows(path), None)
        if header is None:
            raise InputError(f"{path.name}: the file is blank; a header with {', '.join(COLUMNS)} was expected")
        names = [name.strip() for name in header[1]]
        where = _places(path.name, names)
        if next(islice(_rows(path), 1, None), None) is None:
            return checked(path.name, {}, lambda side, row: f"{side.value} row {row}")
        with path.open(encoding="utf-8-sig", newline="") as file:
            _skip_header(file, header[0])
            table = np.loadtxt(
                file,
                delimiter=",",
                quotechar='"',
                comments=None,
                usecols=where,
                ndmin=1,
                dtype=[("side", "U6"), *((name, "f8") for name in COLUMNS[1:])],  # U6: one longer than the longest word
            )
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name}: not a text file (byte {error.start} is not UTF-8); a CSV was expected"
        ) from error
    except (ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise _what_is_wrong(path, error) from error
    values = np.stack([table[name] for name in COLUMNS[1:]], axis=1)
    sides = np.char.lower(np.char.strip(table["side"]))
    if not np.isfinite(values).all() or not np.isin(sides, list(_SIDES)).all():
        raise _what_is_wrong(path, None)
    rows_of = {side: np.flatnonzero(sides == word) for word, side in _SIDES.items()}

    def place(side: Side, row: int) -> str:
        return f"line {_line_of(path, int(rows_of[side][row]))}"

    return checked(path.name, _legs(values, rows_of), place)


def _read_parquet(path: Path) -> Recording:
    parquet = parquet_library("pyarrow.parquet", path.name)
    arrow = parquet_library("pyarrow", path.name)
    try:
        _places(path.name, list(parquet.read_schema(path).names))
        table = parquet.read_table(path, columns=list(COLUMNS))
        words = table["side"].cast("string").combine_chunks()
        columns = [np.asarray(table[name].cast("float64").to_numpy()) for name in COLUMNS[1:]]
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{path.name}: not a usable Parquet table: {str(error).splitlines()[0]}") from error
    values = np.stack(columns, axis=1)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = (int(n) for n in bad[0])
        raise InputError(
            f"{path.name}, row {row + 1}: {COLUMNS[column + 1]} is empty or not finite; a number was expected"
        )
    codes = words.dictionary_encode()
    index = np.asarray(codes.indices.fill_null(-1).to_numpy(zero_copy_only=False))
    spelled = [str(word).strip().lower() for word in codes.dictionary.to_pylist()]
    rows_of: dict[Side, Any] = {}
    for word, side in _SIDES.items():
        rows_of[side] = np.flatnonzero(np.isin(index, [n for n, found in enumerate(spelled) if found == word]))
    if sum(len(rows) for rows in rows_of.values()) != len(values):
        wrong = int(np.setdiff1d(np.arange(len(values)), np.concatenate(list(rows_of.values())))[0])
        raise InputError(f"{path.name}, row {wrong + 1}: side is {words[wrong].as_py()!r}; left or right was expected")
    return checked(path.name, _legs(values, rows_of), lambda side, row: f"row {int(rows_of[side][row]) + 1}")


def _legs(values: FloatArray, rows_of: dict[Side, Any]) -> dict[Side, LegSamples]:
    legs: dict[Side, LegSamples] = {}
    for side, rows in rows_of.items():
        if len(rows):
            own = values[rows]
            legs[side] = LegSamples(t_s=own[:, 0], accel_mps2=own[:, 1:4], gyro_radps=own[:, 4:7])
    return legs


def _places(name: str, header: list[str]) -> list[int]:
    """Where each of COLUMNS stands in `header`."""
    missing = [column for column in COLUMNS if column not in header]
    if not missing:
        return [header.index(column) for column in COLUMNS]
    found = ", ".join(header)[:120]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise InputError(f"{name}, line 1: columns are not separated by commas ({found}); commas were expected")
    raise InputError(f"{name}, line 1: column {', '.join(missing)} is missing; found: {found}")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for cells in reader:
            if cells:
                yield reader.line_num, cells


def _skip_header(file: Any, header_line: int) -> None:
    for _ in range(header_line):
        file.readline()


def _line_of(path: Path, row: int) -> int:
    """The line of data row `row` (0 = the first after the header); only errors ask."""
    for n, (line, _) in enumerate(_rows(path)):
        if n == row + 1:
            return line
    return 0


def _what_is_wrong(path: Path, error: Exception | None) -> InputError:
    """Reads again, slowly, up to the first cell that cannot be used."""
    rows = _rows(path)
    names = [name.strip() for name in next(rows)[1]]
    for line, cells in rows:
        place = f"{path.name}, line {line}"
        if len(cells) < len(names):
            return InputError(f"{place}: {len(cells)} cells where the header has {len(names)}; is the file cut short?")
        cell_of = dict(zip(names, cells, strict=False))
        if cell_of["side"].strip().lower() not in _SIDES:
            return InputError(f"{place}: side is {cell_of['side']!r}; left or right was expected")
        for name in ("t_s", *VALUE_COLUMNS):
            text = cell_of[name].strip()
            try:
                fine = bool(np.isfinite(float(text)))
            except ValueError:
                fine = False
            if not fine:
                return InputError(
                    f"{place}: {name} is {text!r}; a number was expected"
                    if text
                    else f"{place}: {name} is empty; a number was expected"
                )
    return InputError(f"{path.name}: cannot be read as a table of samples: {error}")
