"""What the sinks call things: every measurement, tag and field once, with unit and meaning.

Line protocol, MQTT messages, dashboards and docs/stack.md are made from this page and from nothing else. Tags are the
identity of a series and never change; everything that a correction can change is a field, and every point writes all
of its fields. InfluxDB knows no empty value: a number that was not measured is written as 0 with its `..._known`
field false, and readers ask for `..._known = true`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

Value = float | int | bool | str


class Kind(StrEnum):
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    name: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`unit` as a person reads it ("" = none). `known_by` names the boolean field that says whether it was measured."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    known_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    name: str
    meaning: str
    at: str  # what the point's time is
    tags: tuple[Tag, ...]
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The field of this name. Raises KeyError: a panel that asks for it is wrong."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"measurement {self.name} has no field {name}; it has {', '.join(f.name for f in self.fields)}")


class Point(NamedTuple):
    """What is known of one thing at one time: tags and fields in the order of the schema, nothing escaped."""

    measurement: str
    tags: tuple[str, ...]
    values: tuple[Value, ...]
    time_ns: int


_SESSION = Tag(name="session", meaning="session id")
_RUNNER = Tag(name="runner", meaning="runner id, never a name")
_POD = Tag(name="pod", meaning="pod id")
_MEASURE = Tag(name="measure", meaning="stance, impact or impact_axial")


def _number(name: str, unit: str, meaning: str, known_by: str = "") -> Field:
    return Field(name=name, kind=Kind.FLOAT, unit=unit, meaning=meaning, known_by=known_by)


def _count(name: str, meaning: str) -> Field:
    return Field(name=name, kind=Kind.INTEGER, unit="", meaning=meaning)


def _flag(name: str, meaning: str) -> Field:
    return Field(name=name, kind=Kind.BOOLEAN, unit="", meaning=meaning)


def _text(name: str, meaning: str) -> Field:
    return Field(name=name, kind=Kind.TEXT, unit="", meaning=meaning)


_RETIRED = _flag("retired", "withdrawn by a later run or a correction: readers skip it")

STRIDE = Measurement(
    name="stride",
    meaning="one stride of one leg",
    at="initial contact, as first published; it stays the point's time for ever",
    tags=(_SESSION, _RUNNER, _POD),
    fields=(
        _RETIRED,
        _count("stride_id", "the store's number of the stride"),
        _text("side", "left, right, or unknown where no leg was assigned"),
        _text("gait", "run or walk"),
        _number("stance_ms", "ms", "ground contact time: initial contact to toe-off"),
        _number("stance_sd_ms", "ms", "error SD of this one stance"),
        _number("stride_ms", "ms", "initial contact to the next one of the same leg"),
        _number("swing_ms", "ms", "toe-off to the next initial contact"),
        _flag("impact_known", "the impact could be measured"),
        _number("impact_g", "g", "peak tibial acceleration, all directions, gravity included", "impact_known"),
        _number("impact_axial_g", "g", "peak tibial acceleration along the shin, gravity included", "impact_known"),
        _number("swing_peak_dps", "deg/s", "fastest forward swing of the shank"),
        _flag("heading_known", "the turn of this stride could be measured"),
        _number("turn_deg", "deg", "turn of this stride about the vertical, left positive", "heading_known"),
        _text("surface", "straight, bend to the left, bend to the right or unknown; judged anew at the session's end"),
        _count("lap", "lap of a track, from 1; 0 = no track was recognised"),
        _flag("clean", "without a doubt that touches stance"),
        _text("doubt", "why the stride is not clean: names joined by |"),
        _text("method", "rule, coefficients and hardware offset that computed it"),
    ),
)

SYMMETRY = Measurement(
    name="symmetry",
    meaning="left against right over the last strides, on a fixed grid of 10 s",
    at="the grid point",
    tags=(_SESSION, _RUNNER, _MEASURE),
    fields=(
        _RETIRED,
        _flag("known", "an index could be given"),
        _number("si_percent", "%", "symmetry index, positive = left longer or harder", "known"),
        _number("si_low_percent", "%", "lower end of the 95 % total interval", "known"),
        _number("si_high_percent", "%", "upper end of the 95 % total interval", "known"),
        _number("balance_percent", "%", "share of the left leg: 50 + SI/4", "known"),
        _number("balance_low_percent", "%", "lower end of the 95 % total interval, as balance", "known"),
        _number("balance_high_percent", "%", "upper end of the 95 % total interval, as balance", "known"),
        _count("pairs", "clean pairs of strides behind it"),
        _text("verdict", "real, possible, within noise or not measurable"),
        _text("reason", "what limits the verdict, or why there is none"),
        _text("method", "method of the strides behind it"),
    ),
)

POD = Measurement(
    name="pod",
    meaning="state of a pod, every 10 s while the gateway runs",
    at="when it was read, by the gateway's clock",
    tags=(_POD,),
    fields=(
        _text("state", "what the radio link does"),
        _text("side", "left, right or unknown"),
        _flag("rssi_known", "the radio told its strength"),
        _number("rssi_dbm", "dBm", "received radio strength", "rssi_known"),
        _flag("battery_known", "the pod told its battery"),
        _number("battery_percent", "%", "charge of the battery", "battery_known"),
        _flag("bound_known", "the clock was fitted"),
        _number("clock_bound_ms", "ms", "how far the pod's time may be off", "bound_known"),
        _count("missing_pod", "samples that the pod dropped, this recording"),
        _count("missing_host", "samples that the host lost, this recording"),
        _count("backfilled", "samples that came later from the pod's log"),
        _flag("age_known", "data came since the gateway started"),
        _number("data_age_s", "s", "age of the newest data", "age_known"),
    ),
)

SINK = Measurement(
    name="sink",
    meaning="how far a server is behind the store, every 10 s while the gateway runs",
    at="when it was read, by the gateway's clock; while InfluxDB is away an hour of them waits",
    tags=(Tag(name="gateway", meaning="gateway_id of the settings"), Tag(name="sink", meaning="influx or mqtt")),
    fields=(
        _text("state", "nothing new, delivering or retrying"),
        _count("behind", "changes of the store that were not delivered when the last delivery began"),
        _count("refused", "points or messages refused for good since the gateway started"),
        _count("retries", "deliveries tried again since the gateway started"),
    ),
)

GAP = Measurement(
    name="gap",
    meaning="samples that a pod took and that the store does not hold, per pod of a session",
    at="start of the session",
    tags=(_SESSION, _RUNNER, _POD),
    fields=(
        _RETIRED,
        _count("gaps", "holes in the account"),
        _count("missing_pod", "samples that the pod dropped"),
        _count("missing_host", "samples that the host lost"),
    ),
)

SESSION = Measurement(
    name="session",
    meaning="one runner from start to stop",
    at="start of the session",
    tags=(_SESSION, _RUNNER),
    fields=(
        _RETIRED,
        _flag("running", "not yet stopped"),
        _number("duration_s", "s", "start to stop; 0 while it runs"),
        _count("ended_ms", "when it stopped, milliseconds since 1970 UTC; 0 while it runs"),
        _count("strides", "strides in force when this point was written"),
        _count("clean", "those of them without a doubt"),
    ),
)

BASELINE = Measurement(
    name="baseline",
    meaning="an ended session against its runner's own normal, one point per measure",
    at="start of the session",
    tags=(
        _SESSION,
        _RUNNER,
        Tag(name="measure", meaning="stance_symmetry, stance_left, stance_right, impact_left, impact_right or cadence"),
    ),
    fields=(
        _RETIRED,
        _text("verdict", "changed, not changed or not comparable"),
        _text("reason", "what the verdict stands on, or why there is none"),
        _text("unit", "of value and band: %, ms, g or steps/min"),
        _flag("known", "the session has a value"),
        _number("value", "", "the session's value, in `unit`", "known"),
        _flag("band_known", "there are sessions to compare with"),
        _number("low", "", "lower end of where this session was expected, in `unit`", "band_known"),
        _number("centre", "", "the runner's own normal, in `unit`", "band_known"),
        _number("high", "", "upper end of where this session was expected, in `unit`", "band_known"),
        _number("off", "", "distance from the own normal: 1 = at the edge of the band", "band_known"),
        _count("runs", "earlier sessions behind the band"),
        _text("shoes", "the shoes worn, where they were entered"),
    ),
)

MEASUREMENTS = (STRIDE, SYMMETRY, POD, SINK, GAP, SESSION, BASELINE)


def markdown(measurements: Iterable[Measurement] = MEASUREMENTS) -> str:
    """The tables of docs/stack.md."""
    parts: list[str] = []
    for measurement in measurements:
        tags = ", ".join(f"`{tag.name}` ({tag.meaning})" for tag in measurement.tags)
        parts += [
            f"### `{measurement.name}`: {measurement.meaning}",
            "",
            f"Time: {measurement.at}. Tags: {tags}.",
            "",
            "| field | type | unit | meaning |",
            "|---|---|---|---|",
        ]
        for field in measurement.fields:
            known = f"; only where `{field.known_by}` is true" if field.known_by else ""
            parts.append(f"| `{field.name}` | {field.kind} | {field.unit} | {field.meaning}{known} |")
        parts.append("")
    return "\n".join(parts)
