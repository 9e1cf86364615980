"""Changed copies of the training legs: what other pods, straps and styles would have shown."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import interpolate, ndimage, signal

from evenstride_analysis.model import FloatArray
from evenstride_analysis.training.legs import Leg

PLAIN = "plain"
_LEVER_SD_M = (0.015, 0.04, 0.015)
_UPSAMPLING = 4
_HARMONICS = 4


def distorted(leg: Leg, random: np.random.Generator) -> Leg:
    """The pod elsewhere on the shank (4 cm SD along it) and, often, on soft tissue that rings at 12-40 Hz."""
    gyro, rate_hz = leg.gyro_radps, leg.rate_hz
    lever = random.normal(0.0, _LEVER_SD_M)
    turning = np.cross(np.gradient(gyro, axis=0) * rate_hz, lever)
    accel = leg.accel_mps2 + turning + np.cross(gyro, np.cross(gyro, lever))
    if random.random() < 0.6:
        accel = on_tissue(accel, rate_hz, random.uniform(12.0, 35.0), random.uniform(0.2, 0.6))
    if random.random() < 0.4:
        gyro = on_tissue(gyro, rate_hz, random.uniform(18.0, 40.0), random.uniform(0.3, 0.7))
    return replace(leg, accel_mps2=accel, gyro_radps=gyro)


def on_tissue(moved: FloatArray, rate_hz: float, resonance_hz: float, damping: float) -> FloatArray:
    """What a pod on a damped spring shows of `moved` (n, c): a base-excited resonance."""
    w = 2.0 * np.pi * resonance_hz
    b, a = signal.bilinear([2.0 * damping * w, w * w], [1.0, 2.0 * damping * w, w * w], rate_hz * _UPSAMPLING)
    n = len(moved)
    fine = interpolate.CubicSpline(np.arange(n), moved)(np.arange((n - 1) * _UPSAMPLING + 1) / _UPSAMPLING)
    ringing: Any = signal.lfilter(b, a, fine - fine[0], axis=0)
    return np.asarray((ringing + fine[0])[::_UPSAMPLING], dtype=np.float64)


def restyled(leg: Leg, random: np.random.Generator, *, gain: float = 0.0, stretch: float = 0.0) -> Leg:
    """Another style: stance and swing stretched separately (SD `stretch`, smoothed over 30 ms, the reference moves
    along), each channel multiplied by a gain (SD `gain`) that varies smoothly over the gait cycle.
    """
    rate_hz, n = leg.rate_hz, len(leg.accel_mps2)
    t = np.arange(n) / rate_hz
    events = np.sort(np.concatenate([leg.contact_s, leg.toe_off_s]))
    first = 0 if np.isin(events[0], leg.contact_s) else 1
    standing = (np.searchsorted(events, t) - 1) % 2 == first
    in_stance, in_swing = (float(v) for v in np.exp(random.normal(0.0, stretch, 2)))
    speed = _blurred(np.where(standing, in_stance, in_swing), 0.03 * rate_hz)
    warped = np.concatenate([[0.0], np.cumsum(speed[:-1])]) / rate_hz  # the new time of every old sample
    phase = 2.0 * np.pi * np.interp(t, events, 0.5 * np.arange(len(events)) + 0.5 * first)
    gains = np.stack([_periodic_gain(phase, random, gain) for _ in range(6)], axis=1)
    seen = np.concatenate([leg.accel_mps2, leg.gyro_radps], axis=1) * _blurred(gains, 0.02 * rate_hz)
    new_t = np.arange(int(warped[-1] * rate_hz)) / rate_hz
    moved = np.asarray(interpolate.CubicSpline(t, seen)(np.interp(new_t, warped, t)), dtype=np.float64)

    def new(times_s: FloatArray) -> FloatArray:
        return np.interp(times_s, t, warped)

    low, high = (float(v) for v in new(np.array(leg.span_s)))
    return replace(
        leg,
        accel_mps2=moved[:, :3],
        gyro_radps=moved[:, 3:],
        contact_s=new(leg.contact_s),
        toe_off_s=new(leg.toe_off_s),
        span_s=(low, high),
    )


def _blurred(values: FloatArray, sd: float) -> FloatArray:
    filtered: Any = ndimage.gaussian_filter1d  # pyright: ignore[reportUnknownVariableType]
    return np.asarray(filtered(values, sd, axis=0), dtype=np.float64)


def _periodic_gain(phase: FloatArray, random: np.random.Generator, sd: float) -> FloatArray:
    order = np.arange(_HARMONICS)
    share = 1.0 / (1.0 + order)
    share /= np.sqrt((share**2).sum())
    cosines, sines = random.normal(0.0, sd, (2, _HARMONICS)) * share
    log_gain = np.zeros(len(phase))
    for k in range(_HARMONICS):
        log_gain += cosines[k] * np.cos(k * phase) + sines[k] * np.sin(k * phase)
    return np.exp(log_gain)


def copies(legs: Sequence[Leg], seed: int) -> dict[str, list[list[Leg]]]:
    """Sets of copies by kind: `plain` (the legs), three `distorted`, two `stretched`, two with `gains`."""

    def each(kind: int, k: int, leg: int) -> np.random.Generator:
        return np.random.default_rng([seed, kind, k, leg])

    def styled(kind: int, k: int, *, gain: float, stretch: float) -> list[Leg]:
        return [
            restyled(distorted(leg, random), random, gain=gain, stretch=stretch)
            for i, leg in enumerate(legs)
            for random in [each(kind, k, i)]
        ]

    return {
        PLAIN: [list(legs)],
        "distorted": [[distorted(leg, each(1, k, i)) for i, leg in enumerate(legs)] for k in range(3)],
        "stretched": [styled(2, k, gain=0.0, stretch=0.10) for k in range(2)],
        "gains": [styled(3, k, gain=0.15, stretch=0.0) for k in range(2)],
    }
