"""gaitmap on the same samples, run by the Python of an environment that has it: `peer_gaitmap.py SIGNAL.npz`.

Prints JSON: multiples of real time. SIGNAL.npz holds rate_hz, accel (n, 3) in m/s2 and gyro (n, 3) in rad/s (x forward,
y up, z to the right) and the sample numbers of contacts and toe-offs, which gaitmap is given as strides.
"""

# pyright: basic, reportMissingImports=false
# (its imports are in the peer's environment, not in ours)

import json
import logging
import sys
import time
import warnings

import numpy as np
import pandas as pd
from gaitmap.event_detection import RamppEventDetection
from gaitmap.stride_segmentation import BarthDtw


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    held = np.load(sys.argv[1])
    rate_hz, contacts = float(held["rate_hz"]), held["contacts"]
    accel, gyro = held["accel"], np.rad2deg(held["gyro"])
    body = pd.DataFrame(
        {
            "acc_pa": accel[:, 0],
            "acc_ml": accel[:, 2],
            "acc_si": accel[:, 1],
            "gyr_pa": gyro[:, 0],
            "gyr_ml": gyro[:, 2],
            "gyr_si": gyro[:, 1],
        }
    )
    strides = pd.DataFrame({"s_id": range(len(contacts) - 1), "start": contacts[:-1], "end": contacts[1:]})

    def rampp() -> int:
        found = RamppEventDetection(input_stride_type="ic").detect(body, strides, sampling_rate_hz=rate_hz)
        return len(found.segmented_event_list_)

    def complete() -> int:
        segmented = len(BarthDtw().segment(body, rate_hz).stride_list_)
        rampp()
        return segmented

    lasts_s = len(body) / rate_hz
    answers: dict[str, float] = {}
    for name, work in (("rampp", rampp), ("complete", complete)):
        work()
        best_s = float("inf")
        for _ in range(3):  # as ours: the best of three
            started_s = time.process_time()
            answers[f"{name} strides"] = work()
            best_s = min(best_s, time.process_time() - started_s)
        answers[name] = lasts_s / best_s
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
