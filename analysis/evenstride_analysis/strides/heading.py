"""How far the shank turned about the vertical in one stride, from gyro and accelerometer alone."""

import math

import numpy as np

from evenstride_analysis.compiled import COMPILES, compiled
from evenstride_analysis.model import FloatArray

Quaternion = tuple[float, float, float, float]
_STEP_S = 0.010
_LEAST_STEPS = 10
_SERIES_BELOW = 0.03  # rad^2: there the series of sin(q) / 4q and cos(q) have all 53 bits
_S1, _S2, _S3, _S4, _S5 = -1.0 / 24.0, 1.0 / 480.0, -1.0 / 20160.0, 1.0 / 1451520.0, -1.0 / 159667200.0
_C2, _C3, _C4, _C5 = 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40320.0, -1.0 / 3628800.0


def turn_rad(accel_mps2: FloatArray, gyro_radps: FloatArray, period_s: float) -> float | None:
    """Turn over one stride, rad, positive to the left (counter-clockwise seen from above).

    accel_mps2, gyro_radps (n, 3): the samples from contact to next contact. The gyro is integrated in steps of 10 ms
    to the orientation relative to the stride's start. Over a whole stride the leg's mean acceleration in the world is
    nearly zero, so the mean specific force in that frame points up; the answer is the twist of the stride's total
    rotation about it. Limits: gyro bias (1 deg/s gives 0.7 deg a stride), speed changes, drift of one stride.
    """
    turn = turn_of_rows(np.ascontiguousarray(np.hstack([accel_mps2, gyro_radps]).T), period_s)
    return None if math.isnan(turn) else float(turn)


@compiled
def turn_of_rows(rows: FloatArray, period_s: float) -> float:
    """`turn_rad` of `rows` (6, n): accelerations x, y, z, turn rates x, y, z; NaN where there is no answer."""
    n = rows.shape[1]
    step = max(1, round(_STEP_S / period_s))
    # the last step may be shorter: left out, it would cost the fastest turning of the stride, just before contact
    count = (n + step - 1) // step
    if count < _LEAST_STEPS:
        return math.nan
    sums = np.zeros((6, count))
    if COMPILES:
        for j in range(count):
            for k in range(j * step, min((j + 1) * step, n)):
                for row in range(6):
                    sums[row, j] += rows[row, k]
    else:
        for k in range(step):
            sums[:, : (n - k + step - 1) // step] += rows[:, k::step]
    w, x, y, z = 1.0, 0.0, 0.0, 0.0
    up_x, up_y, up_z = 0.0, 0.0, 0.0
    for k in range(count):
        fx, fy, fz = float(sums[0, k]), float(sums[1, k]), float(sums[2, k])
        a, b, c = float(sums[3, k]) * period_s, float(sums[4, k]) * period_s, float(sums[5, k]) * period_s
        # half the step's rotation before its force, half after: the force belongs to the middle of the step
        half = half_turn(a, b, c)
        w, x, y, z = _times((w, x, y, z), half)
        tx, ty, tz = 2.0 * (y * fz - z * fy), 2.0 * (z * fx - x * fz), 2.0 * (x * fy - y * fx)
        up_x += fx + w * tx + y * tz - z * ty
        up_y += fy + w * ty + z * tx - x * tz
        up_z += fz + w * tz + x * ty - y * tx
        w, x, y, z = _times((w, x, y, z), half)
    norm = math.sqrt(up_x * up_x + up_y * up_y + up_z * up_z)
    if norm == 0.0:
        return math.nan
    turn = 2.0 * math.atan2((x * up_x + y * up_y + z * up_z) / norm, w)
    if turn > math.pi:
        return turn - 2.0 * math.pi
    return turn + 2.0 * math.pi if turn < -math.pi else turn


@compiled
def half_turn(a: float, b: float, c: float) -> Quaternion:
    """The rotation by half of the vector (a, b, c), rad."""
    square = (a * a + b * b + c * c) / 16.0  # of a quarter of the angle: the quaternion of the half has half its angle
    if square < _SERIES_BELOW:
        k = 0.25 + square * (_S1 + square * (_S2 + square * (_S3 + square * (_S4 + square * _S5))))
        real = 1.0 + square * (-0.5 + square * (_C2 + square * (_C3 + square * (_C4 + square * _C5))))
    else:
        quarter = math.sqrt(square)
        k, real = 0.25 * math.sin(quarter) / quarter, math.cos(quarter)
    return real, k * a, k * b, k * c


@compiled
def _times(left: Quaternion, right: Quaternion) -> Quaternion:
    w, x, y, z = left
    p, q, r, s = right
    return (
        w * p - x * q - y * r - z * s,
        w * q + x * p + y * s - z * r,
        w * r - x * s + y * p + z * q,
        w * s + x * r - y * q + z * p,
    )
