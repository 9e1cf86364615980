"""The pod's detector as a program: counts in, strides out."""

import math
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evenstride_analysis.model import CountArray, Doubt, Gait, SampleBlock, Stride
from evenstride_analysis.strides.detector import StrideDetector

TICK_HZ = 32_768
FRAME_SAMPLES = 18
_POD = "pod"
_AXES_COLUMNS = 11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """What one pod's sensor measured: counts (n, 6) in sensor axes, taken at `tick` (n,); `lost` marks what never came.

    Scales are SI per count as on the air (32-bit floats), full scales SI; `rate_hz` is nominal.
    """

    name: str
    counts: CountArray
    tick: np.ndarray[tuple[int], np.dtype[np.int64]]
    rate_hz: float
    accel_scale: float
    gyro_scale: float
    accel_full: float
    gyro_full: float
    rotation: tuple[float, ...]
    lost: tuple[tuple[int, int], ...] = ()

    def frames(self) -> list[tuple[int, int]]:
        """Half-open ranges of samples that came, 18 at most each."""
        edges = [0, *(edge for hole in self.lost for edge in hole), len(self.counts)]
        parts = zip(edges[::2], edges[1::2], strict=True)
        return [
            (start, min(start + FRAME_SAMPLES, stop))
            for first, stop in parts
            for start in range(first, stop, FRAME_SAMPLES)
        ]


def on_gateway(signal: Signal) -> list[Stride]:
    """What the gateway finds."""
    detector = StrideDetector(
        pod_id=_POD,
        rate_hz=signal.rate_hz,
        accel_range_mps2=signal.accel_full,
        gyro_range_radps=signal.gyro_full,
        rotation=signal.rotation,
    )
    strides: list[Stride] = []
    for start, stop in signal.frames():
        counts = signal.counts[start:stop].astype(np.float64)
        block = SampleBlock(
            pod_id=_POD,
            boot_id=1,
            first_index=start,
            stamp_index=np.array([start]),
            stamp_s=np.array([signal.tick[start] / TICK_HZ]),
            accel_mps2=counts[:, :3] * signal.accel_scale,
            gyro_radps=counts[:, 3:] * signal.gyro_scale,
        )
        strides += detector.push(block)
    return strides + detector.flush()


def as_input(signal: Signal) -> bytes:
    """What the program reads."""
    scales = (signal.rate_hz, signal.accel_scale, signal.gyro_scale, signal.accel_full, signal.gyro_full)
    parts = [struct.pack("<14f", *scales, *signal.rotation)]
    for start, stop in signal.frames():
        parts.append(struct.pack("<IQH", start, int(signal.tick[start]), stop - start))
        parts.append(signal.counts[start:stop].astype("<i2").tobytes())
    return b"".join(parts)


def on_pod(program: Path, signal: Signal, arguments: Sequence[str] = ()) -> list[Stride]:
    """What the pod's detector finds."""
    done = subprocess.run([program, *arguments], input=as_input(signal), capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return [_stride(line) for line in done.stdout.decode().splitlines()]


def _stride(line: str) -> Stride:
    strike_index, end_index, strike, toe_off, length, *measures, gait, doubt = line.split(",")
    sd, axial, resultant, loading, swing, heading = (float(text) for text in measures)
    strike_tick = int(strike)
    return Stride(
        pod_id=_POD,
        boot_id=1,
        strike_index=int(strike_index),
        end_index=int(end_index),
        strike_s=strike_tick / TICK_HZ,
        toe_off_s=(strike_tick + int(toe_off)) / TICK_HZ,
        end_s=(strike_tick + int(length)) / TICK_HZ,
        stance_sd_s=sd,
        impact_axial_mps2=_known(axial),
        impact_mps2=_known(resultant),
        loading_mps3=_known(loading),
        swing_peak_radps=swing,
        heading_rad=_known(heading),
        gait=(Gait.WALK, Gait.RUN)[int(gait)],
        method="pod",
        doubt=Doubt(int(doubt)),
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What the pod says of its own axes."""

    rotation: tuple[float, ...]
    running_s: int
    stood: bool


def axes_on_pod(program: Path, signal: Signal) -> Axes | None:
    """The axes that the pod finds by itself in all of a signal, or None."""
    return next(iter(_axes(_lines(program, signal, "align"))), None)


def own_on_pod(program: Path, signal: Signal) -> tuple[list[Axes], list[Stride]]:
    """The axes that the pod turns to while a signal comes, and the strides after the first of them."""
    nothing = tuple(float(number) for number in np.eye(3).reshape(9))
    lines = _lines(program, replace(signal, rotation=nothing), "own")
    first = next((k for k, line in enumerate(lines) if _is_axes(line)), len(lines))
    return _axes(lines), [_stride(line) for line in lines[first:] if not _is_axes(line)]


def _lines(program: Path, signal: Signal, work: str) -> list[str]:
    done = subprocess.run([program, work], input=as_input(signal), capture_output=True, check=True)
    return done.stdout.decode().splitlines()


def _is_axes(line: str) -> bool:
    return line.count(",") == _AXES_COLUMNS - 1


def _axes(lines: Sequence[str]) -> list[Axes]:
    found: list[Axes] = []
    for line in lines:
        *numbers, running_s, stood = line.split(",")
        if _is_axes(line):
            rotation = tuple(float(number) for number in numbers)
            found.append(Axes(rotation=rotation, running_s=int(running_s), stood=stood == "1"))
    return found
