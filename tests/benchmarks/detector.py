"""The stride detector alone: one push for each notification, as the gateway feeds it."""

from evenstride_analysis.model import Side
from evenstride_analysis.strides.detector import StrideDetector

from .figures import Figure, spending, spread
from .material import FRAME_SAMPLES, NOMINAL_RATE_HZ, PODS, SENSOR, blocks

GOAL = 300.0


def run(*, seconds: int = 300, rounds: int = 5) -> list[Figure]:
    items = blocks(Side.LEFT, seconds)
    lasts_s = len(items) * FRAME_SAMPLES / NOMINAL_RATE_HZ
    times_real: list[float] = []
    strides = 0
    for _ in range(rounds):
        detector = StrideDetector(
            pod_id=PODS[Side.LEFT],
            rate_hz=NOMINAL_RATE_HZ,
            accel_range_mps2=SENSOR.accel_range_mps2,
            gyro_range_radps=SENSOR.gyro_range_radps,
        )
        with spending() as spent:
            strides = sum(len(detector.push(item)) for item in items)
        times_real.append(lasts_s / spent.cpu_s)
    return [
        Figure(
            what="stride detector, Python and numpy, one core",
            goal=f">= {GOAL:g} x real time",
            measured=spread(times_real, 0, "x"),
            holds=sorted(times_real)[len(times_real) // 2] >= GOAL,
            how=f"pushes of 17 samples at 416 Hz, {lasts_s:.0f} s of one pod ({strides} strides); CPU time",
        )
    ]
