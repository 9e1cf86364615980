"""The load: a virtual runner's raw signal, computed once and played again and again, so that playing costs little."""

from functools import cache

import numpy as np

from evenstride_analysis.model import SIX_AXES, CountArray, FloatArray, Frame, PodInfo, SampleBlock, Side
from evenstride_analysis.simulate import uneven
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource, Sensor

FRAME_SAMPLES = 17  # one notification
BOOT = 1
SENSOR = Sensor()
PODS = {Side.LEFT: "e5e50000000000a1", Side.RIGHT: "e5e50000000000b2"}


@cache
def signal(side: Side, seconds: int, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    """Accelerations and turn rates, (n, 3) SI in sensor axes: running at 3 m/s, left stance longer by 4 %."""
    n = int(seconds * NOMINAL_RATE_HZ) // FRAME_SAMPLES * FRAME_SAMPLES
    return uneven(0.04, duration_s=seconds + 5.0).runner(seed).signals(side, 0, n)


def sources(seconds: int, seed: int = 1) -> dict[Side, RecordingSource]:
    """Both legs for virtual pods: the runner's signal, from the start again after `seconds`."""
    return {side: RecordingSource(*signal(side, seconds, seed), NOMINAL_RATE_HZ, repeat=True) for side in Side}


def counts(side: Side, seconds: int) -> CountArray:
    return SENSOR.counts(*signal(side, seconds))


def blocks(side: Side, seconds: int) -> list[SampleBlock]:
    """The detector's input at one push per notification; every block's first sample is stamped."""
    accel, gyro = signal(side, seconds)
    return [
        SampleBlock(
            pod_id=PODS[side],
            boot_id=BOOT,
            first_index=first,
            stamp_index=np.array([first]),
            stamp_s=np.array([first / NOMINAL_RATE_HZ]),
            accel_mps2=accel[first : first + FRAME_SAMPLES],
            gyro_radps=gyro[first : first + FRAME_SAMPLES],
        )
        for first in range(0, len(accel), FRAME_SAMPLES)
    ]


def frames(side: Side, seconds: int, repeats: int = 1) -> list[Frame]:
    """The same as frames off the air, `repeats` times in a row; the seams are jumps of the signal, not of the index."""
    table = counts(side, seconds)
    pieces = [
        (first + n * len(table), table[first : first + FRAME_SAMPLES])
        for n in range(repeats)
        for first in range(0, len(table), FRAME_SAMPLES)
    ]
    return [
        Frame(
            pod_id=PODS[side],
            boot_id=BOOT,
            seq=seq,
            first_index=first,
            tick=round(first * TICK_HZ / NOMINAL_RATE_HZ),
            counts=piece,
        )
        for seq, (first, piece) in enumerate(pieces)
    ]


def pod_info(side: Side) -> PodInfo:
    return PodInfo(
        pod_id=PODS[side],
        firmware="benchmark",
        hardware="virtual pod",
        channels=SIX_AXES,
        scales=tuple(channel.scale for channel in SENSOR.channels),
        rate_hz=NOMINAL_RATE_HZ,
        tick_hz=TICK_HZ,
        accel_range_mps2=16 * STANDARD_GRAVITY_MPS2,
        gyro_range_radps=SENSOR.gyro_range_radps,
    )
