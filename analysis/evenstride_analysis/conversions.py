"""The same left-right comparison as other tools state it, and where they draw their lines (docs/symmetry.md).

All from the one index (L - R) / (0.5 (L + R)), a fraction. Every formula rises or falls all the way with the index, so
the ends of an interval convert like the value itself. A line of another tool is nobody's verdict here: it is shown
beside the error, never instead of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evenstride_analysis.model import FloatArray, Symmetry
from evenstride_analysis.units import balance_percent, percent_from_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One formula: `convert` takes the index (a fraction, -2 to 2) to what the tool shows, `back` the other way."""

    name: str
    formula: str
    even: float
    convert: Callable[[float], float]
    back: Callable[[float], float]
    used_by: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A value in another tool's terms with its 95 % total interval, `low` <= `high`."""

    conversion: Conversion
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """A tool's zones of the larger side's share, percent: `names[k]` up to `limits[k]`, the last name beyond."""

    tool: str
    limits: tuple[float, ...]
    names: tuple[str, ...]
    source: str
    note: str = ""

    def zone(self, balance: float) -> str:
        """The zone of a balance (left share, percent); a limit itself still belongs to the zone below it."""
        larger = max(balance, 100.0 - balance)
        above = sum(larger > limit + 1e-9 for limit in self.limits)
        return self.names[above]

    def zones_within(self, low: float, high: float) -> tuple[str, ...]:
        """All zones that an interval of the balance touches, the most even first."""
        ends = sorted((max(low, 100.0 - low), max(high, 100.0 - high)))
        nearest = 50.0 if low <= 50.0 <= high else ends[0]
        first, last = self.names.index(self.zone(nearest)), self.names.index(self.zone(ends[1]))
        return self.names[first : last + 1]


def _ratio(index: float) -> float:
    """L / R."""
    return (2.0 + index) / (2.0 - index)


def _of_ratio(ratio: float) -> float:
    return 2.0 * (ratio - 1.0) / (ratio + 1.0)


def limb_symmetry_percent(index: float) -> float:
    """100 R / L: 100 = even, below 100 = left larger. With an injured leg: that leg over the other one."""
    return 100.0 / _ratio(index)


def symmetry_angle_percent(index: float) -> float:
    """Zifchock's symmetry angle, 100 (45 deg - atan(L/R)) / 90 deg: 0 = even, negative = left larger."""
    return 100.0 * (math.pi / 4.0 - math.atan(_ratio(index))) / (math.pi / 2.0)


def over_larger_percent(index: float) -> float:
    """100 (L - R) / max(L, R), with its sign. Without it: the asymmetry index."""
    return 100.0 * index / (1.0 + abs(index) / 2.0)


def normalised_index_percent(lefts: FloatArray, rights: FloatArray) -> float:
    """Queen's normalised symmetry index of the means, percent: the difference over the range of all strides and 0.

    lefts (n,), rights (m,): one measure, SI. It needs the strides, so it is no conversion of the index: for values
    above 0 the range is the largest single stride, and scatter alone makes the answer smaller.
    """
    every = [*lefts.tolist(), *rights.tolist(), 0.0]
    return 100.0 * float(lefts.mean() - rights.mean()) / (max(every) - min(every))


CONVERSIONS: tuple[Conversion, ...] = (
    Conversion(
        name="symmetry index, %",
        formula="100 (L − R) / (0.5 (L + R))",
        even=0.0,
        convert=percent_from_fraction,
        back=lambda percent: percent / 100.0,
        used_by="evenstride, research",
        source="Robinson, Herzog & Nigg 1987, J Manipulative Physiol Ther 10:172-176",
    ),
    Conversion(
        name="balance, left share, %",
        formula="100 L / (L + R) = 50 + SI/4",
        even=50.0,
        convert=balance_percent,
        back=lambda percent: (percent - 50.0) / 25.0,
        used_by="Garmin (ground contact time balance), COROS, Stryd, running guides",
        source="the makers' help pages",
    ),
    Conversion(
        name="limb symmetry index, R/L, %",
        formula="100 R / L",
        even=100.0,
        convert=limb_symmetry_percent,
        back=lambda percent: _of_ratio(100.0 / percent),
        used_by="physiotherapy (injured over sound leg)",
        source="common clinical use; swap L and R when the left leg is the injured one",
    ),
    Conversion(
        name="symmetry angle, %",
        formula="100 (45° − atan(L/R)) / 90°",
        even=0.0,
        convert=symmetry_angle_percent,
        back=lambda percent: _of_ratio(math.tan(math.pi / 4.0 - percent / 100.0 * math.pi / 2.0)),
        used_by="research; no leg need be the reference",
        source="Zifchock, Davis, Higginson & Royer 2008, Gait Posture 27:622-627",
    ),
    Conversion(
        name="difference over the larger, %",
        formula="100 (L − R) / max(L, R)",
        even=0.0,
        convert=over_larger_percent,
        back=lambda percent: percent / (100.0 - abs(percent) / 2.0),
        used_by="asymmetry index (without sign); strength testing; Plantiga as (R − L)",
        source="Bishop, Read, Chavda & Turner 2016, doi 10.1519/SSC.0000000000000264",
    ),
)

RULE = Zones(
    tool="running guides",
    limits=(52.0,),
    names=("inside", "beyond"),
    source="training articles: no more than 52 % of contact time on one leg",
)
GARMIN = Zones(
    tool="Garmin",
    limits=(50.7, 52.2),
    names=("green", "orange", "red"),
    source="Garmin's manual (enduro 3, ground contact time balance)",
    note="Garmin counts 40 % of runners green, 25 % a side orange, 5 % a side red",
)
COROS = Zones(
    tool="COROS",
    limits=(50.5, 51.5),
    names=("green", "yellow", "orange"),
    source="COROS's help centre, article 360040531051",
    note="COROS itself says that running on a track may move the reading",
)
ZONES: tuple[Zones, ...] = (RULE, GARMIN, COROS)


def sees_well(low: float | None, high: float | None) -> bool:
    """Whether the interval of an index is so narrow that "no difference found" is good news: half its width, as a
    share of the balance, is within the 52 % rule. None = there is no interval."""
    return low is not None and high is not None and balance_percent((high - low) / 2) <= RULE.limits[0]


def converted(symmetry: Symmetry) -> list[Converted]:
    """The symmetry in every tool's terms, with its interval; empty when it has none."""
    if symmetry.index is None or symmetry.low is None or symmetry.high is None:
        return []
    found: list[Converted] = []
    for conversion in CONVERSIONS:
        low, high = sorted((conversion.convert(symmetry.low), conversion.convert(symmetry.high)))
        found.append(Converted(conversion=conversion, value=conversion.convert(symmetry.index), low=low, high=high))
    return found


def zones_of(symmetry: Symmetry) -> list[tuple[Zones, str, tuple[str, ...]]]:
    """Per tool: its zone for the value, and all zones that the 95 % interval touches; empty without an interval.

    The lines are about contact time: asking them about an impact is meaningless.
    """
    if symmetry.index is None or symmetry.low is None or symmetry.high is None:
        return []
    value, low, high = (balance_percent(x) for x in (symmetry.index, symmetry.low, symmetry.high))
    return [(zones, zones.zone(value), zones.zones_within(low, high)) for zones in ZONES]


def conversions_markdown(indices: Sequence[float] = (0.02, 0.04, 0.065, 0.08, 0.10, 0.15)) -> str:
    """The tables of docs/symmetry.md: formulas, the same runner in every tool's terms, and the tools' zones."""
    formulas = "".join(f"| {c.name} | `{c.formula}` | {c.even:g} | {c.used_by} | {c.source} |\n" for c in CONVERSIONS)
    head = " | ".join(f"SI {percent_from_fraction(index):g} %" for index in indices)
    same = "".join(
        f"| {c.name} | " + " | ".join(f"{c.convert(index):.2f}" for index in indices) + " |\n" for c in CONVERSIONS
    )
    zones = "".join(f"| {z.tool} | {_zones_text(z)} | {_zones_as_index(z)} | {_remark(z)} |\n" for z in ZONES)
    return (
        "| name | formula | even | used by | source |\n|---|---|---|---|---|\n"
        f"{formulas}\n"
        f"| the same runner, left longer | {head} |\n|---|{'---|' * len(indices)}\n{same}\n"
        f"| tool | larger side's share | the lines as symmetry index | source, remark |\n|---|---|---|---|\n{zones}"
    )


def _zones_text(zones: Zones) -> str:
    parts = [f"{name} to {limit:g} %" for name, limit in zip(zones.names, zones.limits, strict=False)]
    return ", ".join([*parts, f"{zones.names[-1]} above"])


def _zones_as_index(zones: Zones) -> str:
    return ", ".join(f"{4.0 * (limit - 50.0):g} %" for limit in zones.limits)


def _remark(zones: Zones) -> str:
    return f"{zones.source}. {zones.note}" if zones.note else zones.source
