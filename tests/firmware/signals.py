"""Signals for pod and gateway alike: RBDS trials in a randomly turned sensor, and runs of the simulator."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from evenstride_analysis import simulate
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.simulate import Scenario, quantise
from evenstride_gateway.tables.trials import read_trial

from .on_pod import TICK_HZ, Signal

NOMINAL_HZ = 416.0
CLOCK_TOLERANCE = 0.01  # an IMU's own oscillator is off by so much, and the pod clock tells
_AFTER_S = 1.0


def random_rotation(rng: np.random.Generator) -> FloatArray:
    """A proper rotation (3, 3), all alike probable."""
    quaternion = rng.standard_normal(4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _scales(accel_full: float, gyro_full: float) -> tuple[float, float]:
    return float(np.float32(accel_full / 32768)), float(np.float32(gyro_full / 32768))


def trial_signals(path: Path, seed: int) -> Iterator[Signal]:
    """Both legs of a trial at about 416 Hz (the sensor's clock is up to 1 % off) in axes turned at random."""
    trial = read_trial(path)
    sensor = simulate.real_pod()
    scales = _scales(sensor.accel_range_mps2, sensor.gyro_range_radps)
    for side, leg in trial.legs.items():
        rng = np.random.default_rng([seed, *path.stem.encode(), len(side.value)])
        rotation = random_rotation(rng)
        rate_hz = NOMINAL_HZ * (1 + CLOCK_TOLERANCE * rng.uniform(-1, 1))
        n = int((len(leg.accel_mps2) - 1) / leg.rate_hz * rate_hz)
        old, new = np.arange(len(leg.accel_mps2)) / leg.rate_hz, np.arange(n) / rate_hz
        accel, gyro = (
            np.stack([np.interp(new, old, values[:, axis]) for axis in range(3)], axis=1) @ rotation
            for values in (leg.accel_mps2, leg.gyro_radps)
        )
        yield Signal(
            name=f"{path.stem} {side}",
            counts=quantise(accel, gyro, (scales[0],) * 3 + (scales[1],) * 3),
            tick=np.rint(new * TICK_HZ).astype(np.int64),
            rate_hz=NOMINAL_HZ,
            accel_scale=scales[0],
            gyro_scale=scales[1],
            accel_full=sensor.accel_range_mps2,
            gyro_full=sensor.gyro_range_radps,
            rotation=tuple(float(number) for number in rotation.reshape(9)),
        )


def scenario_signals(scenario: Scenario, seed: int = 1) -> Iterator[Signal]:
    """Both pods of a simulated run."""
    runner = scenario.runner(seed)
    sensor = runner.sensor
    scales = _scales(sensor.accel_range_mps2, sensor.gyro_range_radps)
    for side in Side:
        n = int((runner.duration_s + _AFTER_S) / runner.period_s)
        accel, gyro = runner.signals(side, 0, n)
        yield Signal(
            name=f"{scenario.name} {sensor.rate_hz:g} Hz {side}",
            counts=quantise(accel, gyro, (scales[0],) * 3 + (scales[1],) * 3),
            tick=np.rint(np.arange(n) * runner.period_s * TICK_HZ).astype(np.int64),
            rate_hz=sensor.rate_hz,
            accel_scale=scales[0],
            gyro_scale=scales[1],
            accel_full=sensor.accel_range_mps2,
            gyro_full=sensor.gyro_range_radps,
            rotation=tuple(float(number) for number in runner.rotation(side)),
        )


def with_holes(signal: Signal, seed: int = 1) -> Signal:
    """The same, but every 4 s or so up to 40 ms are missing, and once in a while a whole second."""
    rng = np.random.default_rng(seed)
    lost: list[tuple[int, int]] = []
    at = 1000
    while at < len(signal.counts) - 2000:
        n = round(signal.rate_hz) if rng.random() < 0.15 else int(rng.integers(1, 17))
        lost.append((at, at + n))
        at += n + int(rng.integers(800, 2400))
    return replace(signal, name=f"{signal.name} with holes", lost=tuple(lost))


def simulated(duration_s: float = 60.0) -> Iterator[Signal]:
    """Runs of the simulator: even, uneven at 208 Hz, hard heels, a loose pod, laps with walking, upside down, holes."""
    pod, slow = simulate.real_pod(), simulate.real_pod(208.0)
    scenarios = (
        replace(simulate.even(duration_s), sensor=pod),
        replace(simulate.uneven(duration_s=duration_s), sensor=slow),
        replace(simulate.clipped(duration_s), sensor=pod),
        replace(simulate.loose(duration_s=duration_s), sensor=replace(pod, strap_left=simulate.LooseStrap(hertz=12.0))),
        replace(simulate.track_session(2.0 * duration_s / 60.0), sensor=pod),
        simulate.worn(upside_down=(Side.LEFT,), duration_s=duration_s),
    )
    for scenario in scenarios:
        yield from scenario_signals(scenario)
    for signal in scenario_signals(replace(simulate.even(duration_s, 3.6), sensor=pod), seed=2):
        yield with_holes(signal)
