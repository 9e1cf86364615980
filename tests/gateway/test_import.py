"""Importing published recordings: the right leg, axes and units, and the credit beside the table."""

from pathlib import Path

import numpy as np
import pytest
from support.data import data_dir

from evenstride_analysis.model import Side
from evenstride_gateway.errors import InputError
from evenstride_gateway.tables.importers import read_foreign, write_recording
from evenstride_gateway.tables.reading import read_recording


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rbds_survives_the_table(tmp_path: Path, ending: str) -> None:
    source = data_dir("rbds") / "RBDS001_T35.npz"
    out = tmp_path / f"run.{ending}"
    seen: list[tuple[int, int]] = []
    assert write_recording(read_foreign(source), out, lambda done, rows: seen.append((done, rows))) == 9000
    assert seen[-1] == (9000, 9000)
    assert "CC BY 4.0" in (tmp_path / f"run.{ending}.source.txt").read_text()
    recording = read_recording(out)
    with np.load(source) as data:
        for side, letter in ((Side.LEFT, "L"), (Side.RIGHT, "R")):
            leg = recording.legs[side]
            assert leg.rate_hz == pytest.approx(150.0)
            assert leg.accel_mps2 == pytest.approx(data[f"{letter}_acc_mg"] * 9.80665e-3, rel=1e-6)
            assert leg.gyro_radps == pytest.approx(np.deg2rad(data[f"{letter}_gyr_ddps"] / 10), rel=1e-6)


def test_jdx_is_read() -> None:
    imported = read_foreign(data_dir("jdx_run") / "jdx_s999_run21.npz")
    assert "MIT" in imported.credit
    assert imported.recording.legs[Side.RIGHT].rate_hz == pytest.approx(240.0)


@pytest.mark.parametrize("name", ["PWS_Lshank", "PWS-20_Rshank"])
def test_tripod_brings_both_legs_with_forward_swing_positive(name: str) -> None:
    recording = read_foreign(data_dir("tripod_walk") / f"{name}.csv.gz").recording
    for side in Side:
        leg = recording.legs[side]
        swing = leg.gyro_radps[:, 2]
        assert np.percentile(swing, 99) > 1.3 * -np.percentile(swing, 1)
        assert np.median(leg.accel_mps2[:, 1]) > 8.0  # y is up
        assert leg.rate_hz == pytest.approx(128.2, abs=0.3)


@pytest.mark.parametrize("name", ["note.npz", "run_Lshank.csv.gz", "absent.npz"])
def test_what_is_not_known_is_refused_with_the_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name != "absent.npz":
        path.write_bytes(b"no data set")
        (tmp_path / "run_Rshank.csv.gz").write_bytes(b"nor this")
    with pytest.raises(InputError, match=r"absent.npz: no such file|not a known data set's file"):
        read_foreign(path)


def test_another_npz_and_a_lone_leg_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="not a known data set's file"):
        read_foreign(tmp_path / "other.npz")
    (tmp_path / "lone_Lshank.csv.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"its other leg|not a known"):
        read_foreign(tmp_path / "lone_Lshank.csv.gz")
