"""Recordings of other laboratories with a reference: another treadmill, a real gyro's mean stride, real walking."""

import csv
import math
from pathlib import Path

import numpy as np

from evenstride_analysis.accuracy import Leg, Trial
from evenstride_analysis.model import FloatArray, Side
from evenstride_gateway.errors import InputError
from evenstride_gateway.tables.importers import read_foreign

WALKS = ("PWS-20", "PWS", "PWS+20")
_THRESHOLD_BW = 0.05
_CYCLES = 14
_RATE_HZ = 200.0


def read_jdx(folder: Path) -> Trial:
    """One runner of another laboratory, 240 Hz, 50 N reference. Its speed is not known: 0. Raises InputError."""
    path = folder / "jdx_s999_run21.npz"
    legs = read_foreign(path).recording.legs
    with np.load(path, allow_pickle=False) as data:
        events = {
            side: (data[f"{letter}_ic_s"], data[f"{letter}_tc_s"]) for side, letter in zip(Side, "LR", strict=True)
        }
        rate_hz = float(data["fs_imu"])
    return Trial(
        runner="JDX",
        speed_mps=0.0,
        legs={
            side: Leg(
                rate_hz=rate_hz,
                accel_mps2=leg.accel_mps2,
                gyro_radps=leg.gyro_radps,
                ic_s=events[side][0],
                tc_s=events[side][1],
            )
            for side, leg in legs.items()
        },
        from_s=1.0,
        to_s=9.0,
    )


def read_mean_stride(folder: Path) -> Trial:
    """The mean running stride of real shank sensors, repeated into a train of strides at 200 Hz; right leg only.

    Reference: vertical force of the right leg through 0.05 body weights. Raises InputError where a column is missing.
    """
    path = folder / "P01_normrunning.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
        step_s = float(columns["t_s"][1])
        force = columns["GRF_y_r_BW_mean"]
        accel = np.stack([columns[f"tibia_r_acc{axis}_mean"] for axis in "xyz"], axis=1)
        gyro = np.stack([columns[f"tibia_r_gyro{axis}_mean"] for axis in "xyz"], axis=1)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path}: not the mean running stride: {error}") from error
    n = len(force)
    cycle_s = n * step_s
    above = np.flatnonzero(force >= _THRESHOLD_BW)
    contact_s = _crossing(force, int(above[0]) - 1) * step_s
    toe_off_s = _crossing(force, int(above[-1])) * step_s
    at_s = np.arange(math.floor(_CYCLES * cycle_s * _RATE_HZ)) / _RATE_HZ
    starts_s = [k * cycle_s for k in range(_CYCLES)]
    leg = Leg(
        rate_hz=_RATE_HZ,
        accel_mps2=_repeated(accel, at_s, step_s),
        gyro_radps=_repeated(gyro, at_s, step_s),
        ic_s=np.array([start_s + contact_s for start_s in starts_s]),
        tc_s=np.array([start_s + toe_off_s for start_s in starts_s]),
    )
    return Trial(
        runner="BioMAC", speed_mps=3.47, legs={Side.RIGHT: leg}, from_s=1.5 * cycle_s, to_s=(_CYCLES - 1.5) * cycle_s
    )


def _crossing(force: FloatArray, k: int) -> float:
    """Where the straight line from sample k to k + 1 passes the threshold."""
    return k + (_THRESHOLD_BW - float(force[k])) / float(force[k + 1] - force[k])


def _repeated(cycle: FloatArray, at_s: FloatArray, step_s: float) -> FloatArray:
    """`cycle` (n, 3), one period, read linearly at the times `at_s`."""
    n = len(cycle)
    place = at_s / step_s % n
    whole = np.vstack([cycle, cycle[:1]])
    return np.stack([np.interp(place, np.arange(n + 1), whole[:, axis]) for axis in range(3)], axis=1)


def read_walk(folder: Path, name: str) -> Trial:
    """Both shanks of one walking speed (`WALKS`), real sensors in shank axes; no reference events."""
    recording = read_foreign(folder / f"{name}_Lshank.csv.gz").recording
    return Trial(
        runner=name,
        speed_mps=0.0,
        legs={
            side: Leg(
                rate_hz=(len(leg.t_s) - 1) / float(leg.t_s[-1] - leg.t_s[0]),
                accel_mps2=leg.accel_mps2,
                gyro_radps=leg.gyro_radps,
                ic_s=np.empty(0),
                tc_s=np.empty(0),
            )
            for side, leg in recording.legs.items()
        },
    )
