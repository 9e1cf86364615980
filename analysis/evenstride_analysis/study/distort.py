"""Recordings as a worse world would have made them: rate, clock, mounting, strap, noise, counts."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# scipy.signal is only partly typed

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import bilinear, lfilter

from evenstride_analysis.accuracy import Leg
from evenstride_analysis.model import FloatArray
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

_UP = 4  # the strap's resonance is computed at four times the rate: the bilinear transform bends its frequency
_COUNTS = 32768
DAMPING = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One distortion of the tested recordings. Fields left at None or zero change nothing.

    `clock` is the true rate over the nominal one; `turn_deg` the mounting error about x, y, z of the shank;
    `wobble_hz` the resonance of the strap (damping ratio 0.3; `wobble_gyro`: the pod rocks too); noise is white, SD per
    sample; ranges quantise to int16 counts and clip.
    """

    group: str
    name: str
    rate_hz: float | None = None
    clock: float = 1.0
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wobble_hz: float | None = None
    wobble_gyro: bool = False
    accel_noise_mps2: float = 0.0
    gyro_noise_radps: float = 0.0
    accel_bias_mps2: float = 0.0
    gyro_bias_radps: float = 0.0
    accel_range_mps2: float | None = None
    gyro_range_radps: float | None = None


PLAIN = Condition(group="as recorded", name="150 Hz")


def conditions() -> list[Condition]:
    """Everything that issue 4 asks for, in the order of the document."""
    g = STANDARD_GRAVITY_MPS2
    found = [PLAIN]
    found += [Condition(group="sampling", name=f"{hz} Hz", rate_hz=hz) for hz in (100, 208, 416, 1000)]
    found += [Condition(group="clock", name=f"{off:+.0%} off nominal", clock=1.0 + off) for off in (-0.03, 0.03)]
    for axis, name in enumerate("xyz"):
        for degrees in (-20, -10, 10, 20):
            turn = tuple(float(degrees) if k == axis else 0.0 for k in range(3))
            found.append(
                Condition(group="mounting", name=f"{degrees:+d}° about {name}", turn_deg=(turn[0], turn[1], turn[2]))
            )
    for gyro in (False, True):
        for hz in (10, 15, 20, 30):
            what = "shifts and rocks" if gyro else "shifts"
            found.append(Condition(group="strap", name=f"{hz} Hz, pod {what}", wobble_hz=float(hz), wobble_gyro=gyro))
    for times in (1, 10):
        found.append(
            Condition(
                group="noise",
                name=f"{2 * times} mg and {0.1 * times:g}°/s a sample"
                + (", offsets 20 mg and 1°/s" if times > 1 else ""),
                accel_noise_mps2=0.002 * times * g,
                gyro_noise_radps=math.radians(0.1 * times),
                accel_bias_mps2=0.020 * g if times > 1 else 0.0,
                gyro_bias_radps=math.radians(1.0) if times > 1 else 0.0,
            )
        )
    found.append(
        Condition(
            group="pod",
            name="208 Hz, noise, ±32 g and ±2000°/s counts",
            rate_hz=208.0,
            accel_noise_mps2=0.002 * g,
            gyro_noise_radps=math.radians(0.1),
            accel_range_mps2=32.0 * g,
            gyro_range_radps=math.radians(2000.0),
        )
    )
    return found


def distorted(leg: Leg, condition: Condition, *, seed: int = 0) -> Leg:
    """The leg under this condition; the reference events stay where they are. The same seed gives the same noise."""
    rng = np.random.default_rng(seed)
    accel, gyro, rate_hz = leg.accel_mps2, leg.gyro_radps, leg.rate_hz
    if condition.wobble_hz is not None:
        accel = _wobbling(accel, rate_hz, condition.wobble_hz)
        gyro = _wobbling(gyro, rate_hz, condition.wobble_hz) if condition.wobble_gyro else gyro
    if any(condition.turn_deg):
        turn = _rotation(condition.turn_deg)
        accel, gyro = accel @ turn.T, gyro @ turn.T
    nominal_hz = rate_hz if condition.rate_hz is None else condition.rate_hz
    true_hz = nominal_hz * condition.clock
    if true_hz != rate_hz:
        accel, gyro = (_resampled(values, rate_hz, true_hz) for values in (accel, gyro))
    accel = accel + rng.normal(0.0, 1.0, accel.shape) * condition.accel_noise_mps2
    gyro = gyro + rng.normal(0.0, 1.0, gyro.shape) * condition.gyro_noise_radps
    accel = accel + rng.choice([-1.0, 1.0], 3) * condition.accel_bias_mps2
    gyro = gyro + rng.choice([-1.0, 1.0], 3) * condition.gyro_bias_radps
    return replace(
        leg,
        rate_hz=true_hz,
        nominal_hz=nominal_hz if condition.clock != 1.0 else None,
        accel_mps2=_counted(accel, condition.accel_range_mps2),
        gyro_radps=_counted(gyro, condition.gyro_range_radps),
    )


def _wobbling(values: FloatArray, rate_hz: float, hz: float) -> FloatArray:
    """What a pod on an elastic strap feels: the leg's movement through a damped resonance (base excitation)."""
    w = 2.0 * math.pi * hz
    damping = 2.0 * DAMPING * w
    forward, back = bilinear([damping, w * w], [1.0, damping, w * w], rate_hz * _UP)
    n = len(values)
    fine = CubicSpline(np.arange(n), values)(np.arange((n - 1) * _UP + 1) / _UP)
    return (lfilter(forward, back, fine - fine[0], axis=0) + fine[0])[::_UP]


def _resampled(values: FloatArray, from_hz: float, to_hz: float) -> FloatArray:
    at_s = np.arange(len(values)) / from_hz
    n = math.floor(at_s[-1] * to_hz) + 1
    return CubicSpline(at_s, values)(np.arange(n) / to_hz)


def _rotation(turn_deg: tuple[float, float, float]) -> FloatArray:
    """(3, 3) of a turn about one axis or several (rotation vector, Rodrigues)."""
    vector = np.radians(np.array(turn_deg))
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * cross @ cross


def _counted(values: FloatArray, full: float | None) -> FloatArray:
    if full is None:
        return values
    step = full / _COUNTS
    return np.clip(np.round(values / step), -_COUNTS, _COUNTS - 1) * step
