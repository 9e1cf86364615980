"""Recordings with a force reference, for scoring: the RBDS trials."""

from pathlib import Path

import numpy as np

from evenstride_analysis.accuracy import Leg, Trial
from evenstride_analysis.model import Side
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2
from evenstride_gateway.errors import InputError

_MILLI_G_MPS2 = STANDARD_GRAVITY_MPS2 * 1e-3


def read_trial(path: Path) -> Trial:
    """One RBDS trial (`RBDSnnn_Tvv.npz`), both legs in shank axes. Raises InputError for another file."""
    try:
        with np.load(path, allow_pickle=False) as data:
            legs = {
                side: Leg(
                    rate_hz=float(data["fs_imu"]),
                    accel_mps2=data[f"{letter}_acc_mg"] * _MILLI_G_MPS2,
                    gyro_radps=np.deg2rad(data[f"{letter}_gyr_ddps"] / 10.0),
                    ic_s=data[f"{letter}_ic_s"],
                    tc_s=data[f"{letter}_tc_s"],
                )
                for side, letter in ((Side.LEFT, "L"), (Side.RIGHT, "R"))
            }
            return Trial(runner=path.stem.partition("_")[0], speed_mps=float(data["speed_mps"]), legs=legs)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"{path}: not an RBDS trial: {error}") from error


def read_trials(folder: Path) -> list[Trial]:
    """All trials of a folder, by name. Raises InputError when there is none."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise InputError(f"no recordings at {folder}: say --recordings DIR or set EVENSTRIDE_DATA")
    return [read_trial(path) for path in paths]
