"""The leg's own axes, found from one stride's running: no standing calibration, no body side, no memory."""

import math

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import multiplied, total
from evenstride_analysis.model import FloatArray

_LEAN_RAD = math.radians(28.0)  # the mean specific force of running leans so far behind the tibia
_COS, _SIN = math.cos(_LEAN_RAD), math.sin(_LEAN_RAD)
_SQUARINGS = 6


@compiled
def functional_frame(accel: FloatArray, gyro: FloatArray, swing0: int, swing1: int) -> FloatArray:
    """Rows (3, 3): x forward, y up the tibia, z the flexion axis (forward swing positive), in the axes of the inputs.

    z is the first principal axis of the gyro between the mid-swings, signed by the gyro at the two; y the mean specific
    force of that one cycle without its part along z, turned by 28 degrees (28.0 +- 2.0 over all legs of the training
    data). Source: signals.md 3.3 and 8. Difference: one cycle instead of the whole run, so that a stride stays a
    function of its own window. Not validated: walking, strong bends.
    """
    n = swing1 - swing0
    mean = np.empty(12)
    for axis in range(3):
        mean[axis] = total(accel.T[axis, swing0:swing1].copy()) / n
        mean[3 + axis] = total(gyro.T[axis, swing0:swing1].copy()) / n
    product = np.empty(n)
    at = 6
    for one in range(3):
        for other in range(one, 3):
            multiplied(product, gyro.T[one, swing0:swing1], gyro.T[other, swing0:swing1])
            mean[at] = total(product) / n - mean[3 + one] * mean[3 + other]
            at += 1
    moments = mean[6:]
    z0, z1, z2 = principal_axis(moments)
    swing = 0.0
    for axis, part in ((0, z0), (1, z1), (2, z2)):
        swing += part * (gyro[swing0, axis] + gyro[swing1, axis])
    if swing < 0.0:
        z0, z1, z2 = -z0, -z1, -z2
    along = mean[0] * z0 + mean[1] * z1 + mean[2] * z2
    y0, y1, y2 = mean[0] - along * z0, mean[1] - along * z1, mean[2] - along * z2
    norm = math.sqrt(y0 * y0 + y1 * y1 + y2 * y2) + 1e-12
    y0, y1, y2 = y0 / norm, y1 / norm, y2 / norm
    x0, x1, x2 = y1 * z2 - y2 * z1, y2 * z0 - y0 * z2, y0 * z1 - y1 * z0
    frame = np.empty((3, 3))
    frame[0, 0], frame[0, 1], frame[0, 2] = _COS * x0 - _SIN * y0, _COS * x1 - _SIN * y1, _COS * x2 - _SIN * y2
    frame[1, 0], frame[1, 1], frame[1, 2] = _SIN * x0 + _COS * y0, _SIN * x1 + _COS * y1, _SIN * x2 + _COS * y2
    frame[2, 0], frame[2, 1], frame[2, 2] = z0, z1, z2
    return frame


@compiled
def principal_axis(moments: FloatArray) -> tuple[float, float, float]:
    """Unit vector of the largest eigenvalue of the symmetric matrix (xx, xy, xz, yy, yz, zz): its 64th power."""
    xx, xy, xz, yy, yz, zz = moments[0], moments[1], moments[2], moments[3], moments[4], moments[5]
    for _ in range(_SQUARINGS):
        scale = 1.0 / (xx + yy + zz + 1e-300)
        xx, xy, xz, yy, yz, zz = xx * scale, xy * scale, xz * scale, yy * scale, yz * scale, zz * scale
        xx, xy, xz, yy, yz, zz = (
            xx * xx + xy * xy + xz * xz,
            xx * xy + xy * yy + xz * yz,
            xx * xz + xy * yz + xz * zz,
            xy * xy + yy * yy + yz * yz,
            xy * xz + yy * yz + yz * zz,
            xz * xz + yz * yz + zz * zz,
        )
    if xx >= yy and xx >= zz:
        a, b, c = xx, xy, xz
    elif yy >= zz:
        a, b, c = xy, yy, yz
    else:
        a, b, c = xz, yz, zz
    norm = math.sqrt(a * a + b * b + c * c) + 1e-300
    return a / norm, b / norm, c / norm
