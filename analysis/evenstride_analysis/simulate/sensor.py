"""What the pod makes of the motion that it feels: gain, bias, drift, noise, the end of its range, and counts."""

import numpy as np

from evenstride_analysis.model import CountArray, FloatArray, Side
from evenstride_analysis.simulate.plan import SensorPlan

NOISE_BLOCK = 1024
COUNTS = 32768
_DRIFT_WAVES = 3


class PodSensor:
    """The IMU of the pod that starts on `side`. Noise is a function of (seed, side, sample index) alone."""

    def __init__(self, side: Side, plan: SensorPlan, seed: int) -> None:
        self._plan = plan
        self._key = np.array([seed, 1 if side is Side.LEFT else 2], np.uint64)
        gain = plan.accel_gain_left if side is Side.LEFT else plan.accel_gain_right
        self._gain = np.array([gain] * 3 + [1.0] * 3)
        rng = self._generator(0xFFFF_FFFF)
        scale = np.repeat([plan.accel_bias_mps2, plan.gyro_bias_radps], 3)
        self._bias = scale * np.clip(rng.standard_normal(6), -2, 2)
        drift = np.repeat([plan.accel_drift_mps2, plan.gyro_drift_radps], 3)
        self._drift = drift * rng.standard_normal((_DRIFT_WAVES, 6)) * np.sqrt(2 / _DRIFT_WAVES)
        self._drift_hz = 1 / rng.uniform(60, 600, (_DRIFT_WAVES, 6))
        self._drift_phase = rng.uniform(0, 2 * np.pi, (_DRIFT_WAVES, 6))
        self._noise = np.repeat([plan.accel_noise_mps2, plan.gyro_noise_radps], 3)
        self._range = np.repeat([plan.accel_range_mps2, plan.gyro_range_radps], 3)

    def _generator(self, block: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self._key, counter=np.array([0, 0, 0, block], np.uint64)))

    def measure(self, block: int, t_s: FloatArray, felt: FloatArray) -> FloatArray:
        """Block number `block` (NOISE_BLOCK samples at times t_s) of what it feels (n, 6), as it is sent."""
        out = felt * self._gain + self._bias
        for size, hertz, phase in zip(self._drift, self._drift_hz, self._drift_phase, strict=True):
            out += size * np.sin(2 * np.pi * hertz * t_s[:, None] + phase)
        out += self._noise * self._generator(block).standard_normal((NOISE_BLOCK, 6))
        out = np.clip(out, -self._range, self._range)
        if self._plan.counted:
            count = self._range / COUNTS
            out = np.clip(np.rint(out / count), -COUNTS, COUNTS - 1) * count
        return out


def quantise(accel_mps2: FloatArray, gyro_radps: FloatArray, scales: tuple[float, ...]) -> CountArray:
    """Counts (n, 6) int16 of signals (n, 3) each; `scales` (6) is SI per count. Saturates at the ends of int16."""
    counts = np.rint(np.hstack([accel_mps2, gyro_radps]) / np.array(scales))
    return np.clip(counts, -32768, 32767).astype(np.int16)
