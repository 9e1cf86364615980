"""The report's balance in other tools' terms, each with its error and with all zones that the error allows."""

from dataclasses import dataclass

from evenstride_analysis.conversions import Zones, converted, zones_of
from evenstride_analysis.model import Symmetry


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTools:
    """`numbers`: (name, formula, value, 95 % interval); `zones`: a sentence a tool. Both empty without an interval."""

    numbers: tuple[tuple[str, str, str, str], ...]
    zones: tuple[str, ...]


def other_tools(stance: Symmetry) -> OtherTools:
    """Words and figures of the section; `stance` is the report's primary symmetry."""
    numbers = tuple(
        (c.conversion.name, c.conversion.formula, f"{c.value:.1f}", f"{c.low:.1f} to {c.high:.1f}")
        for c in converted(stance)
    )
    return OtherTools(numbers=numbers, zones=tuple(_sentence(*found) for found in zones_of(stance)))


def _sentence(zones: Zones, zone: str, within: tuple[str, ...]) -> str:
    lines = " and ".join(f"{limit:g} %" for limit in zones.limits)
    where = f"{zones.tool} (lines at {lines}): {zone}"
    return (
        f"{where}, error included." if len(within) == 1 else f"{where}; with its error anything from {_span(within)}."
    )


def _span(within: tuple[str, ...]) -> str:
    return f"{within[0]} to {within[-1]}"
