"""Derive the line that estimates running speed from stance and swing, and its error on runners left out.

python tools/derive_speed.py    reads ../shared/data/rbds, or EVENSTRIDE_DATA/rbds; prints what context/speed.py holds
"""

import os
import sys
from pathlib import Path

import numpy as np

from evenstride_analysis.model import Doubt, FloatArray, Gait, SampleBlock, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_gateway.tables.trials import read_trials

ROOT = Path(__file__).resolve().parents[1]


def strides_of(rate_hz: float, accel_mps2: FloatArray, gyro_radps: FloatArray) -> list[Stride]:
    """Clean running strides of one leg."""
    index = np.arange(len(accel_mps2))
    detector = StrideDetector(pod_id="leg", rate_hz=rate_hz)
    block = SampleBlock(
        pod_id="leg",
        boot_id=1,
        first_index=0,
        stamp_index=index,
        stamp_s=index / rate_hz,
        accel_mps2=accel_mps2,
        gyro_radps=gyro_radps,
    )
    found = detector.push(block) + detector.flush()
    return [stride for stride in found if stride.gait is Gait.RUN and not stride.doubt & ~Doubt.CLIPPED]


def fit(features: FloatArray, speeds: FloatArray) -> FloatArray:
    columns = np.column_stack([np.ones(len(features)), features])
    line: FloatArray = np.linalg.lstsq(columns, speeds, rcond=None)[0].astype(np.float64)
    return line


def main() -> int:
    folder = Path(os.environ.get("EVENSTRIDE_DATA", ROOT.parent / "shared" / "data")) / "rbds"
    trials = read_trials(folder)
    rows: list[list[float]] = []
    for trial in trials:
        legs = [strides_of(leg.rate_hz, leg.accel_mps2, leg.gyro_radps) for leg in trial.legs.values()]
        used = [stride for leg in legs for stride in leg]
        rows.append(
            [
                float(np.log(np.median([stride.stance_s for stride in used]))),
                float(np.log(np.median([stride.swing_peak_radps for stride in used]))),
            ]
        )
    features, speeds = np.array(rows), np.array([trial.speed_mps for trial in trials])
    runners = np.array([trial.runner for trial in trials])
    error = np.zeros(len(trials))
    for runner in sorted(set(runners.tolist())):
        test = runners == runner
        line = fit(features[~test], speeds[~test])
        error[test] = line[0] + features[test] @ line[1:] - speeds[test]
    print("speed = {:.3f} {:+.3f} ln(stance / s) {:+.3f} ln(swing peak / (rad/s))".format(*fit(features, speeds)))
    print(
        f"out-of-fold over {len(trials)} runs: RMSE {np.sqrt((error**2).mean()):.2f} m/s, worst {abs(error).max():.2f}"
    )
    for speed in sorted(set(speeds.tolist())):
        mine = error[speeds == speed]
        print(f"  at {speed:g} m/s: bias {mine.mean():+.2f}, RMSE {np.sqrt((mine**2).mean()):.2f} m/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
