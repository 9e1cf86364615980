"""The stride table: exactly its header, in time order, nothing lost in the digits, whole or not at all."""

import csv
from pathlib import Path

import numpy as np
import pytest

from evenstride_analysis.model import Doubt, Gait, Side, Stride
from evenstride_gateway.errors import EvenstrideError, InputError
from evenstride_gateway.tables.strides import StrideRow, atomic, stride_table_csv, write_stride_table

HEADER = "side,strike_s,toe_off_s,stance_ms,stride_ms,impact_axial_g,impact_g,gait,method,doubt"

CLEAN = Doubt(0)


def row(side: Side, strike_s: float, *, impact_mps2: float | None = 98.0665, doubt: Doubt = CLEAN) -> StrideRow:
    stride = Stride(
        pod_id="p",
        boot_id=1,
        strike_index=0,
        end_index=300,
        strike_s=strike_s,
        toe_off_s=strike_s + 0.25,
        end_s=strike_s + 0.7,
        stance_sd_s=0.004,
        impact_axial_mps2=impact_mps2,
        impact_mps2=impact_mps2,
        loading_mps3=None,
        swing_peak_radps=9.0,
        heading_rad=None,
        gait=Gait.RUN,
        method="rules-1",
        doubt=doubt,
    )
    return StrideRow(side, stride, Gait.RUN, doubt)


def test_rows_are_in_time_order_and_what_is_not_measurable_is_empty() -> None:
    rows = [
        row(Side.RIGHT, 1.5, doubt=Doubt.GAP | Doubt.CLIPPED),
        row(Side.LEFT, 1.125, impact_mps2=None),
    ]
    assert stride_table_csv(rows).splitlines() == [
        HEADER,
        "left,1.125,1.375,250.0000,700.0000,,,run,rules-1,",
        "right,1.5,1.75,250.0000,700.0000,10.0000,10.0000,run,rules-1,gap|clipped",
    ]


def test_times_read_back_to_the_same_bits(tmp_path: Path) -> None:
    strikes = np.random.default_rng(1).uniform(0, 4000, 50)
    out = tmp_path / "strides.csv"
    assert write_stride_table([row(Side.LEFT, float(strike)) for strike in strikes], out) == 50
    with out.open() as file:
        assert [float(cells["strike_s"]) for cells in csv.DictReader(file)] == sorted(strikes.tolist())


def test_parquet_has_the_same_columns_and_nulls(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "strides.parquet"
    write_stride_table([row(Side.LEFT, 1.0), row(Side.RIGHT, 1.4, impact_mps2=None)], out)
    table = parquet.read_table(out)
    assert ",".join(table.column_names) == HEADER
    assert table["strike_s"].to_pylist() == [1.0, 1.4]
    assert table["impact_g"].to_pylist() == [pytest.approx(10.0), None]


def test_an_empty_table_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert write_stride_table([], "-") == 0
    assert capsys.readouterr().out == HEADER + "\n"


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    out = tmp_path / "strides.csv"
    out.write_text("old")

    def half() -> None:
        with atomic(out) as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert [path.name for path in tmp_path.iterdir()] == ["strides.csv"]
    assert out.read_text() == "old"
    with pytest.raises(EvenstrideError, match="cannot be written"):
        write_stride_table([], tmp_path / "absent" / "strides.csv")


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install evenstride\[parquet\]"):
        write_stride_table([], tmp_path / "strides.parquet")
    assert not list(tmp_path.iterdir())
