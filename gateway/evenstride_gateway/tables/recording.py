"""A recording table in memory: one or two legs' samples with their times, checked, and cut into blocks and gaps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenstride_analysis.model import CountArray, FloatArray, Gap, SampleBlock, Side, frozen  # pyright: ignore[reportUnknownVariableType] - its dtype follows its argument
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2
from evenstride_gateway.errors import InputError

VALUE_COLUMNS = ("accel_x_mps2", "accel_y_mps2", "accel_z_mps2", "gyro_x_radps", "gyro_y_radps", "gyro_z_radps")
COLUMNS = ("side", "t_s", *VALUE_COLUMNS)

BOOT_ID = 1  # a file is one boot of its pods
HOLE_PERIODS = 1.5  # a longer step between two rows is missing samples, not jitter

# Limits that tell units apart: a leg in motion lies far from each of them.
_G_BELOW_MPS2, _MG_ABOVE_MPS2 = 4.0, 80.0
_DPS_ABOVE_RADPS = 75.0  # no gyroscope of the trade reaches beyond 4,000 deg/s = 70 rad/s
_MS_ABOVE_S = 0.25  # 4 Hz: slower than any recording of running

Place = Callable[[Side, int], str]
"""Turns a leg's row number into words that a person can find: `line 4812`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LegSamples:
    """One leg's rows in the table's own axes: t_s (n,), accel_mps2 (n, 3), gyro_radps (n, 3)."""

    t_s: FloatArray
    accel_mps2: FloatArray
    gyro_radps: FloatArray

    def __post_init__(self) -> None:
        n = len(self.t_s)
        object.__setattr__(self, "t_s", frozen(self.t_s, (n,)))
        object.__setattr__(self, "accel_mps2", frozen(self.accel_mps2, (n, 3)))
        object.__setattr__(self, "gyro_radps", frozen(self.gyro_radps, (n, 3)))

    def __len__(self) -> int:
        return len(self.t_s)

    @property
    def period_s(self) -> float:
        """The sample period: mean step without the holes (stamps rounded to 1 ms would bias a median)."""
        steps = np.diff(self.t_s)
        usual = steps[steps < 1.75 * float(np.median(steps))]
        return float(np.mean(usual))

    @property
    def rate_hz(self) -> float:
        return 1.0 / self.period_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """A checked recording. `source` names it to people; a leg that was not recorded is absent from `legs`."""

    source: str
    legs: Mapping[Side, LegSamples]
    notices: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        first = min(float(leg.t_s[0]) for leg in self.legs.values())
        return max(float(leg.t_s[-1]) for leg in self.legs.values()) - first

    @property
    def start_s(self) -> float:
        return min(float(leg.t_s[0]) for leg in self.legs.values())


def pod_id(side: Side) -> str:
    """The name under which a recording's leg passes as a pod."""
    return f"recording-{side.value}"


def checked(source: str, legs: Mapping[Side, LegSamples], place: Place) -> Recording:
    """A Recording of `legs`, or one InputError that names the place and what was expected."""
    if not legs:
        raise InputError(f"{source}: no rows: at least one leg's samples were expected after the header")
    notices: list[str] = []
    for side, leg in legs.items():
        _check_time(source, side, leg, place)
        _check_units(source, side, leg)
        if missing := sum(hole for _, hole in _holes(leg)):
            notices.append(f"{side.value} leg: {missing} samples are missing in {len(_holes(leg))} gaps")
    if len(legs) == 1:
        side = next(iter(legs))
        notices.append(f"only the {side.value} leg is in {source}: symmetry is not measurable")
    return Recording(source=source, legs=dict(legs), notices=tuple(notices))


def blocks(recording: Recording, side: Side, *, block_rows: int = 8192) -> tuple[float, list[SampleBlock | Gap]]:
    """This leg's samples as (rate_hz, blocks and gaps in index order); every row is a stamp.

    Index 0 is the leg's first row; a hole in time moves the index on by the number of samples that fit into it.
    Raises InputError when the leg is not in the recording.
    """
    leg = recording.legs.get(side)
    if leg is None:
        raise InputError(f"{recording.source}: the {side.value} leg is not in this recording")
    pieces: list[SampleBlock | Gap] = []
    index = row = 0
    for hole_row, missing in [*_holes(leg), (len(leg), 0)]:
        while row < hole_row:
            end = min(row + block_rows, hole_row)
            stamps = np.arange(index, index + end - row, dtype=np.int64)
            pieces.append(
                SampleBlock(
                    pod_id=pod_id(side),
                    boot_id=BOOT_ID,
                    first_index=index,
                    stamp_index=stamps,
                    stamp_s=leg.t_s[row:end],
                    accel_mps2=leg.accel_mps2[row:end],
                    gyro_radps=leg.gyro_radps[row:end],
                )
            )
            index, row = index + end - row, end
        if missing:
            pieces.append(Gap(pod_id=pod_id(side), boot_id=BOOT_ID, first_index=index, missing=missing))
            index += missing
    return leg.rate_hz, pieces


def to_counts(recording: Recording, side: Side, scales: tuple[float, ...]) -> CountArray:
    """This leg as int16 counts (n, 6) of a pod with `scales` (SI per count); it clips as a pod does."""
    leg = recording.legs[side]
    values = np.hstack([leg.accel_mps2, leg.gyro_radps]) / np.asarray(scales)
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(values), limits.min, limits.max).astype(np.int16)


def _holes(leg: LegSamples) -> list[tuple[int, int]]:
    """(row after the hole, samples missing before it), in order."""
    steps = np.diff(leg.t_s)
    period_s = leg.period_s
    rows = np.flatnonzero(steps > HOLE_PERIODS * period_s)
    return [(int(row) + 1, max(1, round(float(steps[row]) / period_s) - 1)) for row in rows]


def _check_time(source: str, side: Side, leg: LegSamples, place: Place) -> None:
    if len(leg) < 2:
        raise InputError(f"{source}, {place(side, 0)}: the {side.value} leg has one row; a run of samples was expected")
    steps = np.diff(leg.t_s)
    wrong = np.flatnonzero(steps <= 0)
    if len(wrong):
        row = int(wrong[0]) + 1
        before, now = float(leg.t_s[row - 1]), float(leg.t_s[row])
        what = "goes back from" if now < before else "stands still at"
        told = f"{before:g} to {now:g}" if now < before else f"{now:g}"
        raise InputError(
            f"{source}, {place(side, row)}: t_s of the {side.value} leg {what} {told}; "
            "rows of one leg in rising time were expected"
        )
    if float(np.median(steps)) > _MS_ABOVE_S:
        raise InputError(
            f"{source}, {place(side, 1)}: t_s of the {side.value} leg rises by {float(np.median(steps)):g} a row; "
            "seconds were expected. If the times are in milliseconds, divide them by 1000"
        )


def _check_units(source: str, side: Side, leg: LegSamples) -> None:
    accel = _median_length(leg.accel_mps2)
    seen = f"{source}: the median acceleration of the {side.value} leg is {accel:.3g}; "
    expected = f"about {STANDARD_GRAVITY_MPS2:.2f} or more m/s2 was expected, gravity included. "
    if accel < 1e-3:
        raise InputError(f"{seen}{expected}The sensor seems to be silent, or gravity was taken out")
    if accel < _G_BELOW_MPS2:
        raise InputError(f"{seen}{expected}The file seems to be in g: multiply the accel columns by 9.80665")
    if accel > _MG_ABOVE_MPS2:
        raise InputError(
            f"{seen}{expected}The file seems to be in milli-g or raw counts: convert the accel columns to m/s2"
        )
    rate = float(np.percentile(np.abs(leg.gyro_radps).max(axis=1), 99))
    if rate > _DPS_ABOVE_RADPS:
        raise InputError(
            f"{source}: the gyroscope of the {side.value} leg reaches {rate:.4g}; rad/s below "
            f"{_DPS_ABOVE_RADPS:g} were expected. The file seems to be in deg/s: multiply the gyro columns by 0.0174533"
        )


def _median_length(vectors: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.sqrt(np.einsum("ij,ij->i", vectors, vectors))))
