"""RBDS trials as the science takes them: legs, blocks with stamps, other sampling rates."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from evenstride_analysis.accuracy import Leg, LegMatch, Trial, match_trials
from evenstride_analysis.model import FloatArray, SampleBlock
from evenstride_gateway.tables.trials import read_trial
from support.data import data_dir


@cache
def rbds_trial(name: str) -> Trial:
    return read_trial(data_dir("rbds") / f"{name}.npz")


@cache
def rbds_trials() -> tuple[Trial, ...]:
    return tuple(rbds_trial(path.stem) for path in sorted(data_dir("rbds").glob("*.npz")))


@cache
def rbds_matches() -> tuple[LegMatch, ...]:
    return tuple(match_trials(rbds_trials()))


def resampled(leg: Leg, rate_hz: float) -> Leg:
    """The same movement, linearly interpolated to another rate."""
    n = int((len(leg.accel_mps2) - 1) / leg.rate_hz * rate_hz)
    old, new = np.arange(len(leg.accel_mps2)) / leg.rate_hz, np.arange(n) / rate_hz

    def columns(values: FloatArray) -> FloatArray:
        return np.stack([np.interp(new, old, values[:, axis]) for axis in range(3)], axis=1)

    return Leg(
        rate_hz=rate_hz,
        accel_mps2=columns(leg.accel_mps2),
        gyro_radps=columns(leg.gyro_radps),
        ic_s=leg.ic_s,
        tc_s=leg.tc_s,
    )


def block(leg: Leg, start: int, stop: int, *, boot_id: int = 1, stamp_every: int = 17) -> SampleBlock:
    """Samples [start, stop) of a leg; every `stamp_every`-th sample of the recording has its time."""
    index = np.arange(-(-start // stamp_every) * stamp_every, stop, stamp_every)
    return SampleBlock(
        pod_id="pod",
        boot_id=boot_id,
        first_index=start,
        stamp_index=index,
        stamp_s=index / leg.rate_hz,
        accel_mps2=leg.accel_mps2[start:stop],
        gyro_radps=leg.gyro_radps[start:stop],
    )


def blocks(leg: Leg, cuts: Sequence[int]) -> Iterator[SampleBlock]:
    for start, stop in pairwise(cuts):
        yield block(leg, start, stop)
