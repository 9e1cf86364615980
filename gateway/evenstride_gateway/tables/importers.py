"""Published recordings in their authors' formats -> the recording table, licence named beside it."""

import gzip
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.units import mps2_from_g
from evenstride_gateway.errors import InputError
from evenstride_gateway.tables.reading import parquet_library
from evenstride_gateway.tables.recording import COLUMNS, LegSamples, Recording, checked
from evenstride_gateway.tables.strides import atomic

Progress = Callable[[int, int], None]
"""Called with (rows written, rows in all)."""

_CHUNK_ROWS = 20_000

RBDS = (
    "RBDS: Fukuchi RK, Fukuchi CA, Duarte M (2017), A public dataset of running biomechanics and the effects of "
    "running speed on lower extremity kinematics and kinetics, PeerJ 5:e3298, doi 10.7717/peerj.3298. "
    "Licence CC BY 4.0. "
    "Changed: virtual shank sensors were computed from the markers, then converted to this table."
)
JDX = (
    "demo-force-processing by johnjdavisiv (subject S999). Licence MIT. "
    "Changed: virtual shank sensors were computed from the markers, then converted to this table."
)
TRIPOD = (
    "TRIPOD: Trautmann J et al. (2021), Data 6:95, doi 10.3390/data6090095. Licence MIT (repository). "
    "Changed: units converted; left sensor turned so that z points to the runner's right."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A recording with the words that its licence asks for."""

    recording: Recording
    credit: str


def read_foreign(path: Path) -> Imported:
    """The recording in a data set's own file: RBDS or JDX `.npz`, TRIPOD `*_Lshank.csv.gz` (its right leg beside it).

    Raises InputError that names the file and the formats that are known.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.name.endswith(".csv.gz"):
        return _tripod(path)
    try:
        with np.load(path, allow_pickle=False) as data:
            if isinstance(data, np.lib.npyio.NpzFile):
                arrays = {name: np.asarray(data[name], dtype=np.float64) for name in data.files}
                return _npz(path.name, arrays)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise _unknown(path.name) from error
    raise _unknown(path.name)


def _silent(done: int, rows: int) -> None:
    del done, rows


def write_recording(imported: Imported, out: Path, progress: Progress = _silent) -> int:
    """Writes the recording table (`.parquet` or CSV) and `<out>.source.txt` with the credit; returns the rows."""
    legs = imported.recording.legs
    rows = sum(len(leg) for leg in legs.values())
    with atomic(out) as part:
        if out.suffix.lower() == ".parquet":
            _write_parquet(legs, part, out.name, imported.credit)
        else:
            _write_csv(legs, part, rows, progress)
        with atomic(out.with_name(out.name + ".source.txt")) as note:
            note.write_text(imported.credit + "\n", encoding="utf-8")
    progress(rows, rows)
    return rows


def _npz(name: str, arrays: Mapping[str, FloatArray]) -> Imported:
    legs: dict[Side, LegSamples] = {}
    for side, letter in ((Side.LEFT, "L"), (Side.RIGHT, "R")):
        if f"{letter}_acc_mg" in arrays:
            accel_g, gyro_dps, credit = arrays[f"{letter}_acc_mg"] / 1000, arrays[f"{letter}_gyr_ddps"] / 10, RBDS
        elif f"{letter}_acc_g" in arrays:
            accel_g, gyro_dps, credit = arrays[f"{letter}_acc_g"], arrays[f"{letter}_gyr_dps"], JDX
        else:
            raise _unknown(name)
        legs[side] = LegSamples(
            t_s=np.arange(len(accel_g)) / float(arrays["fs_imu"]),
            accel_mps2=accel_g * mps2_from_g(1.0),
            gyro_radps=np.deg2rad(gyro_dps),
        )
    return Imported(recording=checked(name, legs, _row), credit=credit)


def _tripod(path: Path) -> Imported:
    stem = path.name.removesuffix("shank.csv.gz")[:-1]
    legs: dict[Side, LegSamples] = {}
    for side, letter, turn in ((Side.LEFT, "L", (-1, 1, -1)), (Side.RIGHT, "R", (1, 1, 1))):
        file = path.with_name(f"{stem}{letter}shank.csv.gz")
        if not file.is_file():
            raise InputError(f"{path.name}: its other leg {file.name} was expected beside it")
        try:
            with gzip.open(file, "rt", encoding="utf-8") as text:
                if text.readline().strip() != "t_s,gx_dps,gy_dps,gz_dps,ax_g,ay_g,az_g":
                    raise _unknown(file.name)
                values = np.loadtxt(text, delimiter=",", ndmin=2)
        except (ValueError, OSError, EOFError) as error:
            if isinstance(error, InputError):
                raise
            raise _unknown(file.name) from error
        legs[side] = LegSamples(
            t_s=values[:, 0],
            accel_mps2=values[:, 4:7] * turn * mps2_from_g(1.0),
            gyro_radps=np.deg2rad(values[:, 1:4]) * turn,
        )
    return Imported(recording=checked(path.name, legs, _row), credit=TRIPOD)


def _row(side: Side, row: int) -> str:
    return f"{side.value} row {row + 1}"


def _unknown(name: str) -> InputError:
    return InputError(
        f"{name}: not a known data set's file; RBDS or JDX .npz, or TRIPOD *_Lshank.csv.gz with its *_Rshank.csv.gz, "
        "were expected"
    )


def _table(leg: LegSamples) -> FloatArray:
    return np.column_stack([leg.t_s, leg.accel_mps2, leg.gyro_radps])


def _write_csv(legs: Mapping[Side, LegSamples], part: Path, rows: int, progress: Progress) -> None:
    done = 0
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for side, leg in legs.items():
            values = _table(leg)
            for start in range(0, len(values), _CHUNK_ROWS):
                chunk = values[start : start + _CHUNK_ROWS]
                np.savetxt(file, chunk, fmt=[f"{side.value},%.9g", *(["%.7g"] * 6)], delimiter=",")
                done += len(chunk)
                progress(done, rows)


def _write_parquet(legs: Mapping[Side, LegSamples], part: Path, name: str, credit: str) -> None:
    arrow = parquet_library("pyarrow", name)
    parquet = parquet_library("pyarrow.parquet", name)
    values = np.concatenate([_table(leg) for leg in legs.values()])
    sides: Any = arrow.array([side.value for side, leg in legs.items() for _ in range(len(leg))]).dictionary_encode()
    table = arrow.table([sides, *(arrow.array(column) for column in values.T)], names=list(COLUMNS))
    parquet.write_table(table.replace_schema_metadata({"source": credit}), part, compression="zstd")
