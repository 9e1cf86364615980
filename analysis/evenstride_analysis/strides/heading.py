"""How far the shank turned about the vertical in one stride, from gyro and accelerometer alone."""

import math

import numpy as np

from evenstride_analysis.model import FloatArray

Quaternion = tuple[float, float, float, float]
_STEP_S = 0.010


def turn_rad(accel_mps2: FloatArray, gyro_radps: FloatArray, period_s: float) -> float | None:
    """Turn over one stride, rad, positive to the left (counter-clockwise seen from above).

    accel_mps2, gyro_radps (n, 3): the samples from contact to next contact. The gyro is integrated in steps of 10 ms
    to the orientation relative to the stride's start. Over a whole stride the leg's mean acceleration in the world is
    nearly zero, so the mean specific force in that frame points up; the answer is the twist of the stride's total
    rotation about it. Limits: gyro bias (1 deg/s gives 0.7 deg a stride), speed changes, drift of one stride.
    """
    starts = np.arange(0, len(gyro_radps), max(1, round(_STEP_S / period_s)))
    if len(starts) < 10:
        return None
    # the last step may be shorter: left out, it would cost the fastest turning of the stride, just before contact
    rates = np.add.reduceat(gyro_radps, starts, axis=0) * period_s
    forces = np.add.reduceat(accel_mps2, starts, axis=0)
    w, x, y, z = 1.0, 0.0, 0.0, 0.0
    up_x = up_y = up_z = 0.0
    for (a, b, c), (fx, fy, fz) in zip(rates.tolist(), forces.tolist(), strict=True):
        # half the step's rotation before its force, half after: the force belongs to the middle of the step
        angle = math.sqrt(a * a + b * b + c * c)
        k = math.sin(0.25 * angle) / angle if angle > 1e-12 else 0.25
        half = (math.cos(0.25 * angle), k * a, k * b, k * c)
        w, x, y, z = _times((w, x, y, z), half)
        tx, ty, tz = 2.0 * (y * fz - z * fy), 2.0 * (z * fx - x * fz), 2.0 * (x * fy - y * fx)
        up_x += fx + w * tx + y * tz - z * ty
        up_y += fy + w * ty + z * tx - x * tz
        up_z += fz + w * tz + x * ty - y * tx
        w, x, y, z = _times((w, x, y, z), half)
    norm = math.sqrt(up_x * up_x + up_y * up_y + up_z * up_z)
    if norm == 0.0:
        return None
    turn = 2.0 * math.atan2((x * up_x + y * up_y + z * up_z) / norm, w)
    return math.remainder(turn, 2.0 * math.pi)


def _times(left: Quaternion, right: Quaternion) -> Quaternion:
    w, x, y, z = left
    p, q, r, s = right
    return (
        w * p - x * q - y * r - z * s,
        w * q + x * p + y * s - z * r,
        w * r - x * s + y * p + z * q,
        w * s + x * r - y * q + z * p,
    )
