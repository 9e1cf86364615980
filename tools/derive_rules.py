"""Derive the table of constants of `rules-1` from the RBDS recordings and write it into the package.

python tools/derive_rules.py    reads ../shared/data/rbds, or EVENSTRIDE_DATA/rbds; the same data give the same bytes
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from evenstride_analysis.accuracy import Leg, Trial, derive_rules
from evenstride_analysis.model import Side
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "analysis" / "evenstride_analysis" / "strides" / "rules_1.json"
SOURCE = (
    "Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298 (CC BY 4.0), virtual shank sensors of 18 treadmill runners at"
    " 2.5/3.5/4.5 m/s, 50 N force reference; offsets from all runners, SDs with the tested runner left out"
)


def load_trial(path: Path) -> Trial:
    with np.load(path) as data:
        legs = {
            side: Leg(
                rate_hz=float(data["fs_imu"]),
                accel_mps2=data[f"{letter}_acc_mg"] * (STANDARD_GRAVITY_MPS2 * 1e-3),
                gyro_radps=np.deg2rad(data[f"{letter}_gyr_ddps"] / 10.0),
                ic_s=data[f"{letter}_ic_s"],
                tc_s=data[f"{letter}_tc_s"],
            )
            for side, letter in ((Side.LEFT, "L"), (Side.RIGHT, "R"))
        }
        return Trial(runner=path.stem.split("_")[0], speed_mps=float(data["speed_mps"]), legs=legs)


def main() -> int:
    folder = Path(os.environ.get("EVENSTRIDE_DATA", ROOT.parent / "shared" / "data")) / "rbds"
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        print(f"no recordings in {folder}: set EVENSTRIDE_DATA to the folder that holds rbds/", file=sys.stderr)
        return 1
    rules = asdict(derive_rules([load_trial(path) for path in paths], source=SOURCE))
    for name in ("ic_offset_s", "tc_offset_s", "stance_sd_s", "si_error_sd"):
        rules[name] = round(rules[name], 5)
    TABLE.write_text(json.dumps(rules, indent=2) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
