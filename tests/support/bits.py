"""Strides down to the last bit, so that two processes can be compared: `python -m support.bits` prints them."""

import sys

from evenstride_analysis.compiled import COMPILES
from evenstride_analysis.frames import checked_rotation
from evenstride_analysis.model import ProvisionalStride, Side, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.provisional import LiveMethod
from evenstride_analysis.strides.rules import DEFAULT_RULES
from support.recordings import block, rbds_trial, resampled

_TURNED = checked_rotation([0.96, -0.28, 0.0, 0.28, 0.96, 0.0, 0.0, 0.0, 1.0])
_CASES = (("RBDS001_T25", Side.LEFT, 416.0), ("RBDS04_T45", Side.RIGHT, 208.0), ("RBDS018_T35", Side.LEFT, 100.0))


def lines() -> list[str]:
    """One line for each stride of three legs at three rates, by the estimator of the product and by the rules."""
    found: list[str] = []
    for name, side, rate_hz in _CASES:
        leg = resampled(rbds_trial(name).legs[side], rate_hz)
        for estimator in (None, RulesEstimator(DEFAULT_RULES)):
            detector = StrideDetector(
                pod_id="pod",
                rate_hz=rate_hz,
                rotation=_TURNED,
                accel_range_mps2=100.0,
                gyro_range_radps=30.0,
                estimator=estimator,
                live=LiveMethod() if estimator is None else None,
            )
            n = len(leg.accel_mps2)
            strides = [s for k in range(0, n, 17) for s in detector.push(block(leg, k, min(k + 17, n)))]
            every: list[Stride | ProvisionalStride] = [*strides, *detector.flush(), *detector.provisional()]
            found += [f"{name} {rate_hz:g} {bits(stride)}" for stride in every]
    return found


def bits(stride: Stride | ProvisionalStride) -> str:
    values = (getattr(stride, name) for name in type(stride).__slots__)
    return " ".join(float(value).hex() if isinstance(value, float) else str(value) for value in values)


if __name__ == "__main__":
    sys.stdout.write("\n".join([f"compiled: {COMPILES}", *lines()]))
