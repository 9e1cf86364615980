"""What the page is told: the shapes of the live state, in the units a person reads."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from evenstride_analysis.model import Gait, Side, Surface, Verdict

# A field's description is its documentation in the OpenAPI schema.
Age = Annotated[float | None, Field(description="seconds since then, at the moment of sending; null = never")]


class Recording(StrEnum):
    IDLE = "idle"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From which age on a value is no longer live, in seconds."""

    server_s: Annotated[float, Field(description="silence of the event stream")] = 2.5
    pod_s: Annotated[float, Field(description="silence of a pod")] = 3.0
    stride_s: Annotated[float, Field(description="age of a leg's last stride")] = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    state: Recording = Recording.IDLE
    session_id: str | None = None
    runner: str = ""
    started_at: Annotated[str | None, Field(description="start, ISO 8601 in UTC")] = None
    elapsed_s: Annotated[float | None, Field(description="seconds since the start")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg now. Means are over its last clean running strides, at most 30 of the last two minutes."""

    stance_ms: Annotated[float | None, Field(description="stance time of the last stride, ms")] = None
    stance_mean_ms: Annotated[float | None, Field(description="mean stance time, ms")] = None
    stance_sd_ms: Annotated[float | None, Field(description="stride-to-stride standard deviation, ms")] = None
    impact_axial_g: Annotated[float | None, Field(description="axial impact of the last stride, g")] = None
    impact_axial_mean_g: Annotated[float | None, Field(description="mean axial impact, g")] = None
    n_mean: Annotated[int, Field(description="strides in the means")] = 0
    n_strides: Annotated[int, Field(description="strides since the session began")] = 0
    provisional: Annotated[
        bool, Field(description="whether the last stride is not complete yet: its stance may still change a little")
    ] = False
    doubt: Annotated[tuple[str, ...], Field(description="why the last stride is not clean; empty = clean")] = ()
    age_s: Age = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A symmetry with its error, ready to be read out. Never show the number without `verdict` and interval."""

    verdict: Verdict = Verdict.NOT_MEASURABLE
    headline: Annotated[str, Field(description="the finding in words")] = "Not measurable yet"
    detail: Annotated[str, Field(description="interval and number of pairs, or why it is not measurable")] = ""
    side: Annotated[Side | None, Field(description="the leg with the larger value; null = neither")] = None
    shown: Annotated[str, Field(description="the larger leg's share as written on the gauge, percent")] = ""
    interval: Annotated[str, Field(description="95 % interval of that share as written, percent")] = ""
    left_percent: Annotated[float | None, Field(description="share of the left leg, percent; 50 = even")] = None
    low_percent: Annotated[float | None, Field(description="left share, lower end of the 95 % interval")] = None
    high_percent: Annotated[float | None, Field(description="left share, upper end of the 95 % interval")] = None
    index_percent: Annotated[float | None, Field(description="symmetry index, percent; + = left larger")] = None
    n_pairs: int = 0
    age_s: Age = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    pod_id: str
    side: Side | None
    state: Annotated[str, Field(description="seen, connecting, checking, streaming or lost")]
    rssi_dbm: Annotated[int | None, Field(description="signal strength, dBm")]
    signal_bars: Annotated[int, Field(description="signal strength in words of a phone, 0 to 4")]
    battery_percent: Annotated[float | None, Field(description="charge, percent")]
    age_s: Age
    received: Annotated[int, Field(description="samples that are stored")]
    missing: Annotated[int, Field(description="samples known to be lost or not there yet")]
    missing_percent: Annotated[float, Field(description="missing, percent of all samples taken")]
    backfilled: Annotated[int, Field(description="samples that came later from the pod's log")]
    clock_bound_ms: Annotated[float | None, Field(description="bound of the clock's error, ms; null = no fit yet")]
    refused: Annotated[str, Field(description="why this pod is not used; empty = it is")]


@dataclass(slots=True, kw_only=True)
class Strip:
    """Strides of one leg as columns of equal length, for the chart. A number `n` seen before replaces its stride.

    A provisional stride is shown before it is complete; it is replaced by its final one, or, where none comes, by one
    without values.
    """

    n: list[int] = field(default_factory=list[int])
    t_s: Annotated[list[float], Field(description="initial contact, seconds on the scale of Board.t_s")] = field(
        default_factory=list[float]
    )
    stance_ms: list[float | None] = field(default_factory=list[float | None])
    stance_mean_ms: list[float | None] = field(default_factory=list[float | None])
    impact_axial_g: list[float | None] = field(default_factory=list[float | None])
    impact_axial_mean_g: list[float | None] = field(default_factory=list[float | None])
    doubted: list[bool] = field(default_factory=list[bool])
    walking: list[bool] = field(default_factory=list[bool])
    provisional: list[bool] = field(default_factory=list[bool])


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One event of the live stream.

    A `snapshot` carries the strips of the last two minutes, a `board` only the strides that are new or changed. When
    `epoch` changes, what was drawn before belongs to another session.
    """

    version: Annotated[str, Field(description="of the gateway")]
    epoch: int
    t_s: Annotated[float, Field(description="the moment of sending, seconds on the gateway's own scale")]
    limits: Limits
    session: SessionState
    data_age_s: Annotated[float | None, Field(description="seconds since any pod was heard; null = none yet")]
    legs: dict[Side, Leg]
    balance: Annotated[Finding, Field(description="symmetry of stance time")]
    impact: Annotated[Finding, Field(description="symmetry of the axial impact")]
    cadence_spm: Annotated[float | None, Field(description="steps per minute, both feet")]
    gait: Gait | None
    surface: Annotated[Surface | None, Field(description="straight or bend now; null or unknown = not told yet")]
    direction: Annotated[int, Field(description="+1 in a bend to the left, -1 to the right, 0 on the straight")]
    lap: Annotated[int | None, Field(description="lap of a track, from 1; null before the first whole bend")]
    pods: list[Pod]
    warnings: list[str]
    strips: dict[Side, Strip]
