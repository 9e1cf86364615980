"""Real walking (Trautmann et al. 2021, Data 6:95, MIT licence): recognised as walking."""

import csv
import gzip
from statistics import median

import numpy as np
import pytest
from support.data import data_dir

from evenstride_analysis.frames import axis_map
from evenstride_analysis.model import Gait, SampleBlock, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

RATE_HZ = 128.2
# y points up the tibia; forward swing is negative about z on the left, positive on the right
ROTATIONS = {"L": axis_map("-x", "y", "-z"), "R": axis_map("x", "y", "z")}


def walked(speed: str, leg: str) -> list[Stride]:
    with gzip.open(data_dir("tripod_walk") / f"{speed}_{leg}shank.csv.gz", "rt", encoding="utf-8") as file:
        columns = next(csv.reader(file))
        table = np.loadtxt(file, delimiter=",")
    index = np.arange(len(table))
    gyro = table[:, [columns.index(f"g{axis}_dps") for axis in "xyz"]]
    accel = table[:, [columns.index(f"a{axis}_g") for axis in "xyz"]]
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ, rotation=ROTATIONS[leg])
    piece = SampleBlock(
        pod_id="pod",
        boot_id=1,
        first_index=0,
        stamp_index=index,
        stamp_s=table[:, columns.index("t_s")],
        accel_mps2=accel * STANDARD_GRAVITY_MPS2,
        gyro_radps=np.deg2rad(gyro),
    )
    return detector.push(piece) + detector.flush()


@pytest.mark.parametrize("leg", ["L", "R"])
@pytest.mark.parametrize(("speed", "stride_s"), [("PWS-20", 1.45), ("PWS", 1.24), ("PWS+20", 1.09)])
def test_walking_is_walking(speed: str, leg: str, stride_s: float) -> None:
    strides = walked(speed, leg)
    assert len(strides) > 80
    assert sum(stride.gait is Gait.WALK for stride in strides) >= 0.98 * len(strides)
    assert median(stride.stride_s for stride in strides) == pytest.approx(stride_s, abs=0.05)


@pytest.mark.parametrize(("speed", "share"), [("PWS-20", 0.60), ("PWS", 0.61), ("PWS+20", 0.62)])
def test_walking_stance_is_six_tenths_of_a_stride_and_shorter_than_the_optogaits(speed: str, share: float) -> None:
    with (data_dir("tripod_walk") / f"{speed}_optogait.csv").open(encoding="utf-8") as file:
        contacts = [float(row["TContact"]) for row in csv.DictReader(file) if row["TContact"]]
    reference_s = median(contact for contact in contacts if 0.4 < contact < 1.5)
    strides = [stride for leg in "LR" for stride in walked(speed, leg)]
    assert median(stride.stance_s / stride.stride_s for stride in strides) == pytest.approx(share, abs=0.02)
    assert -0.17 < median(stride.stance_s for stride in strides) - reference_s < 0.0
    assert {stride.stance_sd_s for stride in strides} == {0.1}  # nothing better is claimed for walking
