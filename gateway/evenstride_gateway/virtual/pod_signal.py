"""What a virtual pod's sensor sees: a recording or the virtual runner, as counts."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evenstride_analysis.model import SIX_AXES, CountArray, FloatArray, Side
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2, radps_from_dps
from evenstride_gateway.air import Channel

FULL_COUNT = 32_767
NOMINAL_RATE_HZ = 416.0
ACCEL_RANGE_MPS2 = 16 * STANDARD_GRAVITY_MPS2
GYRO_RANGE_RADPS = radps_from_dps(2000)
_BLOCK = 512  # samples made at once: small enough not to stall the loop, large enough to be cheap


class SignalSource(Protocol):
    """Counts of a sensor that was switched on at sample 0 and runs at its own, true rate."""

    @property
    def rate_hz(self) -> float:
        """The true rate; the nominal one stands in `nominal_rate_hz`."""
        ...

    @property
    def nominal_rate_hz(self) -> float: ...

    @property
    def channels(self) -> tuple[Channel, ...]: ...

    def counts(self, first_index: int, n: int) -> CountArray:
        """Samples first_index ... first_index + n - 1, shape (n, len(channels)), int16; any index >= 0 is allowed."""
        ...


class Runner(Protocol):
    """The virtual runner of the analysis room, as far as a pod needs it."""

    def signals(self, side: Side, first_index: int, n: int) -> tuple[FloatArray, FloatArray]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """Ranges of a 6-axis sensor, and its counts: full scale is 32,767."""

    accel_range_mps2: float = ACCEL_RANGE_MPS2
    gyro_range_radps: float = GYRO_RANGE_RADPS

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Scales and ranges as they stand in Info (float32 on the air, so rounded here already)."""
        ranges = [self.accel_range_mps2] * 3 + [self.gyro_range_radps] * 3
        return tuple(
            Channel(name=name, scale=float(np.float32(full / FULL_COUNT)), full_scale=float(np.float32(full)))
            for name, full in zip(SIX_AXES, ranges, strict=True)
        )

    def counts(self, accel_mps2: FloatArray, gyro_radps: FloatArray) -> CountArray:
        """Quantise and clip (n, 3) + (n, 3) SI values to (n, 6) int16."""
        scales = np.array([channel.scale for channel in self.channels])
        counts = np.rint(np.hstack([accel_mps2, gyro_radps]) / scales)
        return np.clip(counts, -FULL_COUNT, FULL_COUNT).astype(np.int16)


class RecordingSource:
    """A recording played at its own rate; after its end the last sample stands still (`repeat`: from the start again).

    accel_mps2 and gyro_radps are (n, 3) in sensor axes. `rate_hz` is the recording's rate, also the nominal one unless
    told otherwise.
    """

    def __init__(
        self,
        accel_mps2: FloatArray,
        gyro_radps: FloatArray,
        rate_hz: float,
        *,
        nominal_rate_hz: float | None = None,
        sensor: Sensor | None = None,
        repeat: bool = False,
    ) -> None:
        if len(accel_mps2) == 0 or len(accel_mps2) != len(gyro_radps) or not rate_hz > 0:
            raise ValueError(f"a recording of {len(accel_mps2)} and {len(gyro_radps)} samples at {rate_hz} Hz")
        sensor = sensor or Sensor()
        self._table = sensor.counts(accel_mps2, gyro_radps)
        self._repeat = repeat
        self.rate_hz = rate_hz
        self.nominal_rate_hz = nominal_rate_hz or rate_hz
        self.channels = sensor.channels

    @property
    def duration_s(self) -> float:
        return len(self._table) / self.rate_hz

    def counts(self, first_index: int, n: int) -> CountArray:
        if first_index + n <= len(self._table):
            return self._table[first_index : first_index + n]
        index = np.arange(first_index, first_index + n)
        length = len(self._table)
        return self._table[index % length if self._repeat else np.minimum(index, length - 1)]


class RunnerSource:
    """One leg of the virtual runner, whose sensor runs off its nominal rate by `rate_error` (a fraction)."""

    def __init__(
        self,
        runner: Runner,
        side: Side,
        *,
        nominal_rate_hz: float = NOMINAL_RATE_HZ,
        rate_error: float = 0.0,
        sensor: Sensor | None = None,
    ) -> None:
        self._runner, self._side = runner, side
        self._sensor = sensor or Sensor()
        self._block = -1
        self._counts: CountArray = np.empty((0, 6), np.int16)
        self.nominal_rate_hz = nominal_rate_hz
        self.rate_hz = nominal_rate_hz * (1 + rate_error)
        self.channels = self._sensor.channels

    def counts(self, first_index: int, n: int) -> CountArray:
        pieces = list[CountArray]()
        at, end = first_index, first_index + n
        while at < end:
            block, inside = divmod(at, _BLOCK)
            if block != self._block:
                accel, gyro = self._runner.signals(self._side, block * _BLOCK, _BLOCK)
                self._block, self._counts = block, self._sensor.counts(accel, gyro)
            take = min(_BLOCK - inside, end - at)
            pieces.append(self._counts[inside : inside + take])
            at += take
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.empty((0, 6), np.int16)
