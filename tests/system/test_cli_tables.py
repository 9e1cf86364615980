"""`import` and `analyze` as a user calls them: published recordings, the exact header, and every kind of bad table."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.cli import evenstride
from support.data import data_dir

from evenstride_analysis.model import Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.tables.importers import Imported, write_recording
from evenstride_gateway.tables.recording import LegSamples, Recording

HEADER = "side,strike_s,toe_off_s,stance_ms,stride_ms,impact_axial_g,impact_g,gait,method,doubt"
_RATE_HZ, _SECONDS = 416.0, 14


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the virtual runner."""
    runner = uneven(0.12, duration_s=_SECONDS).runner(1)
    legs: dict[Side, LegSamples] = {}
    for side in Side:
        accel, gyro = runner.signals(side, 0, round(_RATE_HZ * _SECONDS))
        legs[side] = LegSamples(t_s=np.arange(len(accel)) / _RATE_HZ, accel_mps2=accel, gyro_radps=gyro)
    out = tmp_path_factory.mktemp("table") / "run.csv"
    write_recording(Imported(recording=Recording(source="virtual", legs=legs), credit="virtual"), out)
    return out


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_header_is_exactly_the_designs(table: Path, tmp_path: Path) -> None:
    printed = evenstride("analyze", table, "--out", "-")
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.splitlines()[0] == HEADER
    written = evenstride("analyze", table, "--out", tmp_path / "strides.csv")
    assert written.code == 0
    assert (tmp_path / "strides.csv").read_text() == printed.out
    found = json.loads(evenstride("analyze", table, "--json").out)
    assert len(found) == len(rows(printed.out)) >= 18
    assert ",".join(found[0]) == HEADER
    strikes = [float(row["strike_s"]) for row in rows(printed.out)]
    assert strikes == sorted(strikes)
    assert all(float(row["impact_g"]) > 1 for row in rows(printed.out) if not row["doubt"])


def test_without_out_it_says_that_nothing_was_written(table: Path) -> None:
    told = evenstride("analyze", table)
    assert (told.code, "--out" in told.out) == (0, True)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_real_runner_is_imported_and_analyzed(tmp_path: Path, ending: str) -> None:
    recording = tmp_path / f"run.{ending}"
    done = evenstride("import", data_dir("rbds") / "RBDS001_T35.npz", "--out", recording, "--json")
    assert json.loads(done.out)["rows"] == 9000
    assert "CC BY 4.0" in json.loads(done.out)["credit"]
    found = rows(evenstride("analyze", recording, "--out", "-").out)
    assert {row["gait"] for row in found} == {"run"}
    assert {row["impact_g"] for row in found} == {""}  # 150 Hz is below what impact needs: an empty cell
    assert 70 < len(found) < 100


def test_jdx_runs_and_tripod_walks(tmp_path: Path) -> None:
    for source, gait in (
        (data_dir("jdx_run") / "jdx_s999_run21.npz", "run"),
        (data_dir("tripod_walk") / "PWS_Lshank.csv.gz", "walk"),
    ):
        recording = tmp_path / f"{gait}.csv"
        assert evenstride("import", source, "--out", recording).code == 0
        found = rows(evenstride("analyze", recording, "--out", "-").out)
        assert sum(row["gait"] == gait for row in found) >= 0.98 * len(found) > 0


Change = Callable[[list[str]], list[str]]


def without_last_column(lines: list[str]) -> list[str]:
    return [line.rpartition(",")[0] for line in lines]


def with_nan(lines: list[str]) -> list[str]:
    cells = lines[100].split(",")
    return [*lines[:100], ",".join([*cells[:3], "nan", *cells[4:]]), *lines[101:]]


def in_g(lines: list[str]) -> list[str]:
    parts = [line.split(",") for line in lines[1:]]
    return [lines[0], *(",".join([*p[:2], *(f"{float(a) / 9.80665:.6f}" for a in p[2:5]), *p[5:]]) for p in parts)]


def header_alone(lines: list[str]) -> list[str]:
    return lines[:1]


def nothing(lines: list[str]) -> list[str]:
    return lines[:0]


def backwards(lines: list[str]) -> list[str]:
    return [*lines[:50], lines[51], lines[50], *lines[52:]]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (without_last_column, ["bad.csv, line 1", "gyro_z_radps is missing", "found: side, t_s"]),
        (with_nan, ["bad.csv, line 101", "accel_y_mps2 is 'nan'", "a number was expected"]),
        (in_g, ["bad.csv", "in g", "9.80665"]),
        (backwards, ["bad.csv, line 52", "t_s of the left leg goes back"]),
        (header_alone, ["bad.csv", "no rows"]),
        (nothing, ["bad.csv", "header"]),
    ],
    ids=["missing column", "NaN", "in g", "backwards", "zero rows", "empty"],
)
def test_a_bad_table_is_one_line_and_writes_nothing(
    table: Path, tmp_path: Path, change: Change, parts: list[str]
) -> None:
    bad, out = tmp_path / "bad.csv", tmp_path / "strides.csv"
    bad.write_text("\n".join(change(table.read_text().splitlines())) + "\n")
    out.write_text("of an earlier run")
    line = evenstride("analyze", bad, "--out", out).error_line(Exit.INPUT)
    for part in parts:
        assert part in line
    assert out.read_text() == "of an earlier run"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.csv", "strides.csv"]


def test_one_leg_alone_is_told_and_analyzed(table: Path, tmp_path: Path) -> None:
    left = tmp_path / "left.csv"
    left.write_text("\n".join(line for line in table.read_text().splitlines() if not line.startswith("right")) + "\n")
    done = evenstride("analyze", left, "--out", "-")
    assert done.code == 0
    assert done.err == "evenstride: only the left leg is in left.csv: symmetry is not measurable\n"
    both = rows(evenstride("analyze", table, "--out", "-").out)
    assert [row["strike_s"] for row in rows(done.out)] == [row["strike_s"] for row in both if row["side"] == "left"]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["analyze"], Exit.INPUT, "either recording files, or --session"),
        (["analyze", "absent.csv"], Exit.INPUT, "absent.csv"),
        (["analyze", "{table}", "--sensor-axes", "x=q"], Exit.INPUT, "x=-y,y=x,z=z"),
        (["analyze", "{table}", "--out", "absent/strides.csv"], Exit.OTHER, "cannot be written"),
        (["import", "{table}", "--out", "out.csv"], Exit.INPUT, "RBDS or JDX"),
        (["accuracy", "--recordings", "absent"], Exit.INPUT, "--recordings DIR"),
        (["demo", "--recording", "absent.csv", "--no-browser"], Exit.INPUT, "absent.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(table: Path, words: list[str], code: Exit, part: str) -> None:
    assert part in evenstride(*(word.format(table=table) for word in words)).error_line(code)
