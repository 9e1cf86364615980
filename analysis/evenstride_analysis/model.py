"""The nouns of evenstride: what crosses from one room to the next. SI units, axes of docs/units-and-frames.md."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from evenstride_analysis.doubt import Doubt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.int16]


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> "Side":
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Gait(StrEnum):
    WALK = "walk"
    RUN = "run"


class Surface(StrEnum):
    STRAIGHT = "straight"
    BEND = "bend"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    REAL = "real"
    POSSIBLE = "possible"
    WITHIN_NOISE = "within noise"
    NOT_MEASURABLE = "not measurable"


class SpeedSource(StrEnum):
    LAP = "lap"
    TREADMILL = "treadmill"
    WATCH = "watch"
    ESTIMATE = "estimate"


class PartKind(StrEnum):
    STRAIGHT = "straight"
    BEND_LEFT = "bend to the left"
    BEND_RIGHT = "bend to the right"
    LAP = "lap"
    REPETITION = "repetition"
    PACE = "pace"  # a stretch at one speed
    FIRST = "first half"
    LAST = "second half"


class Measure(StrEnum):
    STANCE = "stance"
    IMPACT_AXIAL = "impact_axial"
    IMPACT = "impact"


class LossCause(StrEnum):
    """Where samples went that a pod took and the store does not hold."""

    POD = "pod"  # the pod says so: its queue was full or the radio was away
    HOST = "host"  # the radio delivered them, the host did not hand them on


def frozen(
    array: npt.ArrayLike, shape: tuple[int | None, ...], dtype: npt.DTypeLike = np.float64
) -> npt.NDArray[np.generic]:
    """A read-only copy-free view of `array`, checked against `shape` (None = any length).

    Raises ValueError that names both shapes.
    """
    checked = np.asarray(array, dtype=dtype)
    if checked.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, checked.shape, strict=True)):
        raise ValueError(f"array of shape {checked.shape} where {shape} was expected")
    view = checked.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, slots=True, kw_only=True)
class PodInfo:
    """What a pod says of itself. `pod_id` comes from the chip, never from the BLE address.

    `channels` names each column of `Frame.counts` (`accel_x` ... `gyro_z`, in sensor axes); `scales` turns one count
    into SI (m/s2, rad/s). `rate_hz` is nominal: it sizes filters and never yields a duration. A tick is 1/`tick_hz` s.
    """

    pod_id: str
    firmware: str
    hardware: str
    channels: tuple[str, ...]
    scales: tuple[float, ...]
    rate_hz: float
    tick_hz: float
    accel_range_mps2: float
    gyro_range_radps: float


SIX_AXES = ("accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """What the air said, nothing more: `counts` (n, channels) int16 of samples first_index ... first_index + n - 1.

    `tick` is the pod's counter at the first sample. `seq` counts frames handed to the radio in this boot.
    """

    pod_id: str
    boot_id: int
    seq: int
    first_index: int
    tick: int
    counts: CountArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", frozen(self.counts, (None, None), np.int16))

    @property
    def end_index(self) -> int:
        return self.first_index + len(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleBlock:
    """Consecutive samples of one pod in sensor axes, SI.

    accel_mps2 (n, 3) is specific force (gravity included), gyro_radps (n, 3). `stamp_s` (k,) are the measured pod
    times of the samples `stamp_index` (k,) and of no others: a split keeps stamps with their samples.
    """

    pod_id: str
    boot_id: int
    first_index: int
    stamp_index: IntArray
    stamp_s: FloatArray
    accel_mps2: FloatArray
    gyro_radps: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "accel_mps2", frozen(self.accel_mps2, (None, 3)))
        object.__setattr__(self, "gyro_radps", frozen(self.gyro_radps, (len(self.accel_mps2), 3)))
        object.__setattr__(self, "stamp_index", frozen(self.stamp_index, (None,), np.int64))
        object.__setattr__(self, "stamp_s", frozen(self.stamp_s, (len(self.stamp_index),)))

    @property
    def end_index(self) -> int:
        return self.first_index + len(self.accel_mps2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Samples first_index ... first_index + missing - 1 of this boot are not there (not yet, or never)."""

    pod_id: str
    boot_id: int
    first_index: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stride:
    """One leg's initial contact to its next initial contact, in pod time; it knows its own leg only.

    `strike_index` is the sample at or just before initial contact: with pod and boot, the stride's identity.
    Impacts are None where they cannot be measured (rate below 199 Hz, gap in the impact window).
    `gait` is this leg's own answer, which chose the toe-off rule; `Step.gait` is what both legs say.
    `stance_sd_s` is the error SD of this one stance; `stance_system_sd_s` the part of it that no averaging over this
    leg's strides removes (None where the method does not know it).
    """

    pod_id: str
    boot_id: int
    strike_index: int
    end_index: int
    strike_s: float
    toe_off_s: float
    end_s: float
    stance_sd_s: float
    impact_axial_mps2: float | None
    impact_mps2: float | None
    loading_mps3: float | None
    swing_peak_radps: float
    heading_rad: float | None
    gait: Gait
    method: str
    doubt: Doubt
    stance_system_sd_s: float | None = None

    @property
    def stance_s(self) -> float:
        return self.toe_off_s - self.strike_s

    @property
    def stride_s(self) -> float:
        return self.end_s - self.strike_s

    @property
    def swing_s(self) -> float:
        return self.end_s - self.toe_off_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalStride:
    """A stance as soon as its toe-off can be timed; the `Stride` with the same `strike_index` (a few samples more or
    less) replaces it once the stride is complete. Pod time; never enters a verdict.
    """

    pod_id: str
    boot_id: int
    strike_index: int
    strike_s: float
    toe_off_s: float
    decided_s: float  # pod time of the last sample that was needed
    method: str
    doubt: Doubt

    @property
    def stance_s(self) -> float:
        return self.toe_off_s - self.strike_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFit:
    """Pod time to session time: t_s = offset_s + pod_s * (1 + skew_ppm * 1e-6), wrong by at most `bound_s`."""

    pod_id: str
    boot_id: int
    offset_s: float
    skew_ppm: float
    bound_s: float
    version: int

    def session_s(self, pod_s: float) -> float:
        return self.offset_s + pod_s * (1.0 + self.skew_ppm * 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stride seen with both legs: session time, side, gait, and the flight after its toe-off.

    `flight_s` is None where the other leg's next contact is unknown or the clocks' bound is too wide for it.
    """

    stride: Stride
    t_s: float
    side: Side
    gait: Gait
    surface: Surface
    flight_s: float | None
    alternates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """Symmetry index of one measure: (L - R) / (0.5 (L + R)), a fraction; positive = left longer or harder.

    `low` and `high` are the 95 % total interval (sampling and system error). `reason` says why when the verdict is
    NOT_MEASURABLE (then index, low and high may be None), or names what limits it.
    """

    measure: Measure
    t_s: float
    index: float | None
    low: float | None
    high: float | None
    n_pairs: int
    verdict: Verdict
    reason: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One runner from start to stop. `started_at` and `stopped_at` are aware UTC; stopped_at is None while it runs."""

    session_id: str
    runner_id: str
    started_at: datetime
    stopped_at: datetime | None = None
    note: str = ""
    settings: dict[str, str] = field(default_factory=dict[str, str])
    dated: bool = True  # False: from a pod's log, nobody knows when; `started_at` only sorts it and is never shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """This pod sat on this side of this runner. Correctable: a stride's side and runner are derived from it.

    `rotation` (9 numbers, row-major) turns sensor axes into shank axes; `from_s`/`to_s` are session seconds
    (to_s None = until the end). The stored rotation has a version: a new one runs the session again.
    """

    session_id: str
    pod_id: str
    runner_id: str
    side: Side
    rotation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    rotation_version: int = 0
    from_s: float = 0.0
    to_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSummary:
    """One leg over the clean running strides of a session. Means with 95 % intervals of the mean (sampling only)."""

    side: Side
    n_strides: int  # all strides found, walking and doubted ones included
    n_used: int  # clean running strides that entered the statistics
    stance_mean_s: float | None
    stance_low_s: float | None
    stance_high_s: float | None
    stance_sd_s: float | None
    impact_axial_mean_mps2: float | None
    impact_axial_low_mps2: float | None
    impact_axial_high_mps2: float | None
    impact_mean_mps2: float | None
    n_clipped: int
    n_walk: int
    doubts: dict[str, int]  # name of the doubt -> strides that carry it


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """A mean speed, its error SD and where it comes from; `detail` says so in words."""

    mps: float
    sd_mps: float
    source: SpeedSource
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """All of one kind (`number` 0), or the `number`-th; `symmetry` is of stance, on straights but for kinds of bend."""

    kind: PartKind
    number: int
    start_s: float
    end_s: float
    speed: Speed | None
    legs: dict[Side, LegSummary]
    symmetry: Symmetry


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtShare:
    """What share (a fraction) of a leg's running strides is doubted, mostly why, and what that did to the verdicts."""

    side: Side
    running: int
    share: float
    worst: str  # name of the doubt; "" = none
    effect: str  # "" = none


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a session says, ready to be written down by the report, the command line or an export."""

    duration_s: float
    legs: dict[Side, LegSummary]
    cadence_spm: float | None  # median over running, both feet
    flight_mean_s: float | None
    symmetry: dict[Measure, Symmetry]  # over the whole session
    balance_series: tuple[Symmetry, ...]  # stance symmetry on the fixed 10 s grid, for the picture over time
    method: str
    excluded: dict[str, int]  # why strides did not enter -> how many
    parts: tuple[Part, ...] = ()
    speed: Speed | None = None  # of the strides behind the primary verdict
    laps: float | None = None  # run on a closed track; None = no track was recognised
    direction: int = 0  # of the track: +1 bends turn left, -1 right
    doubts: tuple[DoubtShare, ...] = ()
