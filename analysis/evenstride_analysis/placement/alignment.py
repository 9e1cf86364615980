"""Sensor axes -> shank axes without a magnetometer: the long axis from standing, the flexion axis from running."""

import math
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.frames import Rotation, rotation_from_axes
from evenstride_analysis.model import FloatArray
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

STAND_S = 3.0
MIN_RUN_S = 5.0
_FLEXION_HZ = 10.0
_PEAK_SHARE = 0.03  # of the time spent beyond what counts as the peak: single artefacts do not
_MOVING_RADPS = 1.5  # root mean square of one second: slow walking has 1.7, running 3 and more
_STILL_RADPS, _STILL_MPS2, _GRAVITY_SLACK_MPS2 = 0.12, 0.35, 0.6
_SIGN_MARGIN = 1.03  # RBDS: the forward peak of 106 legs is at least 1.10 times the backward one, median 1.41
_RUNNING_RADPS = 3.8  # RBDS: 4.3 and more; walking up to 4.4 km/h: 3.5 and less
# The mean specific force of a running shank lies behind the tibia, in the sagittal plane: 106 legs of RBDS.
_LEAN_RAD, _LEAN_SD_RAD = math.radians(28.0), math.radians(2.0)
_LEAN_LIMITS_RAD = (math.radians(12.0), math.radians(44.0))  # a standing part that disagrees was another wearing
# Errors that no length of recording removes (68 %): the tibia of who stands upright is not vertical (an assumption),
# and the first principal component of the gyro is not the knee's axis (RBDS: SD about the long axis 3.9 degrees).
_POSTURE_RAD, _FUNCTIONAL_RAD = math.radians(5.0), math.radians(4.0)
_UNSTOOD_RAD = math.radians(6.0)  # the same without standing: the flexion axis tilts about x as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What a recording of one pod says of its axes, all (3,) in sensor axes.

    `rotation` turns sensor into shank axes; `error_rad` is its typical (68 %) error as one turn, from the scatter of
    this recording and from what standing and running cannot tell. `standing_s` 0 = nobody stood still: the long axis
    then follows from the mean acceleration of running. `sign_margin`: forward over backward swing, well above 1.
    """

    rotation: Rotation
    error_rad: float
    up: tuple[float, float, float]
    right: tuple[float, float, float]
    standing_s: float
    running_s: float
    sign_margin: float
    notes: tuple[str, ...] = ()


def align(accel_mps2: FloatArray, gyro_radps: FloatArray, rate_hz: float) -> Alignment:
    """The axes of one pod, worn the same way throughout. accel_mps2, gyro_radps (n, 3) in sensor axes.

    Long axis: specific force while standing still for 3 s or more (Kong 2016, Sensors 16:1; the stillest such stretch
    nearest to running). Flexion axis: first principal component of the gyro, 10 Hz low-pass, over the seconds of
    movement (Seel 2014, Sensors 14:6891). Sign: forward swing has the larger peak (106 of 106 legs of RBDS).
    z is the flexion axis made orthogonal to the long axis. Differences: (1) standing must lie 12-44 degrees from the
    mean acceleration of running, ahead of it, as in every reference leg (28, SD 2): a pod that lay on a table did not
    stand; (2) without standing the long axis is that mean acceleration turned forward by 28 degrees about z.
    Not validated: real pods; bow legs (the tibia is taken for vertical in the frontal plane). Raises InputError when
    fewer than 5 s move, or the sign cannot be told.
    """
    moving = _moving_seconds(gyro_radps, rate_hz)
    if len(moving) < MIN_RUN_S:
        raise InputError(f"only {len(moving)} s of movement: axes need {MIN_RUN_S:.0f} s of running or walking")
    right, right_sd, margin = _flexion_axis(gyro_radps, moving, rate_hz)
    mean_force = np.mean([accel_mps2[part].mean(axis=0) for part in moving], axis=0)
    runs = math.sqrt(float(np.mean([(gyro_radps[part] ** 2).sum(axis=1).mean() for part in moving]))) >= _RUNNING_RADPS
    stood = _standing(accel_mps2, gyro_radps, moving, rate_hz)
    notes: list[str] = []
    if stood is not None and runs:
        lean = _lean_rad(stood[0], mean_force, right)
        if not _LEAN_LIMITS_RAD[0] <= lean <= _LEAN_LIMITS_RAD[1]:
            notes.append(
                f"the pod was still for {stood[2]:.0f} s, but not as on a standing leg"
                f" ({math.degrees(lean):.0f} degrees ahead of the run's mean force, 12 to 44 were expected): not used"
            )
            stood = None
    if stood is None and not runs:
        raise InputError("nobody ran, and nobody stood still for 3 s: the shank's long axis cannot be found")
    if stood is not None:
        up, up_sd, standing_s = stood
        error = math.sqrt(up_sd**2 + right_sd**2 + _POSTURE_RAD**2 + _FUNCTIONAL_RAD**2)
    else:
        notes.append("nobody stood still for 3 s: the long axis follows from the mean acceleration while running")
        up, standing_s = _up_from_running(mean_force, right), 0.0
        error = math.sqrt(right_sd**2 + _LEAN_SD_RAD**2 + _UNSTOOD_RAD**2 + _FUNCTIONAL_RAD**2)
    return Alignment(
        rotation=rotation_from_axes(up.tolist(), right.tolist()),
        error_rad=error,
        up=_triple(up),
        right=_triple(right),
        standing_s=standing_s,
        running_s=float(len(moving)),
        sign_margin=margin,
        notes=tuple(notes),
    )


def flexion_axis(covariance: FloatArray) -> FloatArray:
    """The first principal component (3,) of a gyro's second moments (3, 3); its sign is open."""
    return np.linalg.eigh(covariance)[1][:, -1]


def _moving_seconds(gyro_radps: FloatArray, rate_hz: float) -> list[slice]:
    """The seconds that move as the run does: at least 60 % of the strongest tenth's turning."""
    n = round(rate_hz)
    parts = [slice(start, start + n) for start in range(0, len(gyro_radps) - n + 1, n)]
    if not parts:
        return []
    strength = np.array([math.sqrt(float((gyro_radps[part] ** 2).sum()) / n) for part in parts])
    least = max(_MOVING_RADPS, 0.6 * float(np.quantile(strength, 0.9)))
    return [part for part, own in zip(parts, strength.tolist(), strict=True) if own >= least]


def _flexion_axis(gyro_radps: FloatArray, moving: list[slice], rate_hz: float) -> tuple[FloatArray, float, float]:
    """(axis (3,) with forward swing positive, standard error in rad, sign margin)."""
    smooth = _low_passed(gyro_radps, _FLEXION_HZ, rate_hz)
    moments = np.array([smooth[part].T @ smooth[part] for part in moving])
    axis = flexion_axis(moments.sum(axis=0))
    fifths = [flexion_axis(group.sum(axis=0)) for group in np.array_split(moments, 5)]
    scatter = math.sqrt(sum(_angle(axis, own * math.copysign(1.0, float(axis @ own))) ** 2 for own in fifths) / 20.0)
    turning = np.concatenate([smooth[part] for part in moving]) @ axis
    highest, lowest = float(np.quantile(turning, 1.0 - _PEAK_SHARE)), -float(np.quantile(turning, _PEAK_SHARE))
    margin = max(highest, lowest) / max(min(highest, lowest), 1e-9)
    if margin < _SIGN_MARGIN:
        raise InputError("forward and backward swing look alike: was this running, with the pod on the shank?")
    return (axis if highest > lowest else -axis), scatter, margin


def _standing(
    accel_mps2: FloatArray, gyro_radps: FloatArray, moving: list[slice], rate_hz: float
) -> tuple[FloatArray, float, float] | None:
    """(up (3,), its standard error in rad, seconds) of the still stretch that lies nearest to the movement."""
    n = round(rate_hz / 2)
    halves = len(gyro_radps) // n
    if halves == 0:
        return None
    gyro = gyro_radps[: halves * n].reshape(halves, n, 3)
    accel = accel_mps2[: halves * n].reshape(halves, n, 3)
    level = accel.mean(axis=1)
    still = (
        (gyro.std(axis=1).max(axis=1) < _STILL_RADPS)
        & (accel.std(axis=1).max(axis=1) < _STILL_MPS2)
        & (np.abs(np.linalg.norm(level, axis=1) - STANDARD_GRAVITY_MPS2) < _GRAVITY_SLACK_MPS2)
    )
    begin_s, end_s = moving[0].start / rate_hz, moving[-1].stop / rate_hz
    found: list[tuple[float, int, int]] = []
    start = 0
    for k in range(halves + 1):
        if k < halves and still[k]:
            continue
        if (k - start) * 0.5 >= STAND_S:
            distance_s = max(begin_s - k * 0.5, start * 0.5 - end_s, 0.0)
            found.append((distance_s, start, k))
        start = k + 1
    if not found:
        return None
    _, start, stop = min(found)
    longest = round(20.0)  # 10 s next to the movement are enough: who waits long shifts the weight
    if stop - start > longest:
        start, stop = (stop - longest, stop) if stop * 0.5 <= begin_s else (start, start + longest)
    own = level[start:stop]
    up = np.median(own, axis=0)
    sway = math.sqrt(sum(_angle(up, each) ** 2 for each in own) / len(own))
    return up / np.linalg.norm(up), sway / math.sqrt(len(own)), (stop - start) * 0.5


def _up_from_running(mean_force: FloatArray, right: FloatArray) -> FloatArray:
    """The long axis from the mean acceleration of running, which lies 28 degrees behind it."""
    across = mean_force - right * float(right @ mean_force)
    y = across / np.linalg.norm(across)
    return math.cos(_LEAN_RAD) * y + math.sin(_LEAN_RAD) * np.cross(y, right)


def _lean_rad(up: FloatArray, mean_force: FloatArray, right: FloatArray) -> float:
    """How far `up` lies ahead of the mean force, seen from the side (about the flexion axis), -pi to pi."""
    forward = np.cross(up, right)
    return -math.atan2(float(forward @ mean_force) / float(np.linalg.norm(forward)), float(up @ mean_force))


def _low_passed(gyro_radps: FloatArray, cutoff_hz: float, rate_hz: float) -> FloatArray:
    kernel = low_pass_kernel(cutoff_hz, rate_hz)
    half = half_length(kernel)
    padded = np.pad(gyro_radps, ((half, half), (0, 0)), mode="edge")
    return np.stack([low_pass(np.ascontiguousarray(padded[:, axis]), kernel) for axis in range(3)], axis=1)


def _angle(one: FloatArray, other: FloatArray) -> float:
    cosine = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return math.acos(min(1.0, max(-1.0, cosine)))


def _triple(vector: FloatArray) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return (x, y, z)
