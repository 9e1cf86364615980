"""What is said of impact beyond its symmetry, and of flight, duty factor and stiffness. Shared by page and command."""

from collections.abc import Sequence
from typing import Any

from evenstride_analysis.mechanics import CumulativeImpact, Mechanics, Value
from evenstride_analysis.model import PodInfo, Side, Summary
from evenstride_analysis.strides.impact import LOWEST_RATE_HZ
from evenstride_analysis.units import g_from_mps2

DEFINITION = (
    "highest specific force (gravity included) in the first 80 ms of contact, 60 Hz low-pass without lag,"
    " along the shin and in all directions"
)
MODEL = "Morin 2005, which reads 0.7 to 6.9 % below a force plate"


def impact_lines(summary: Summary, pods: Sequence[PodInfo], sums: Sequence[CumulativeImpact]) -> list[str]:
    """How impact was measured, what was clipped, and the sum of the shocks."""
    if not pods:
        return []
    if any(pod.rate_hz < LOWEST_RATE_HZ for pod in pods):
        return [f"Impact: not measurable; it needs {LOWEST_RATE_HZ:g} Hz or more, and {_sensor(pods)} was used."]
    lines = [f"Impact: {DEFINITION}; {_sensor(pods)}."]
    clipped = [
        f"{leg.n_clipped} of {leg.n_strides} {side.value}" for side, leg in summary.legs.items() if leg.n_clipped
    ]
    if clipped:
        lines.append(
            f"Clipped (harder than the sensor's range): {', '.join(clipped)} strides; their peaks read too low."
        )
    known = [one for one in sums if one.n_steps > one.n_unmeasured]
    if known:
        said = "; ".join(_sum(one) for one in known)
        lines.append(
            f"Cumulative impact (sum of the steps' peaks, all directions; not the load of a bone): {said}. These sums"
            " have no error of their own: the impact's verdict compares the legs."
        )
    return lines


def mechanics_line(found: Mechanics) -> str:
    """Flight, duty factor and stiffness with their errors (SD), or why there is none."""
    said: list[str] = []
    if found.flight_s is not None:
        said.append(f"flight {_figure(found.flight_s, 1e3, 0)} ms")
    if found.duty_factor is not None:
        said.append(f"duty factor {_figure(found.duty_factor, 1.0, 3)}")
    if found.stiffness_npm is not None:
        said.append(f"vertical stiffness {_figure(found.stiffness_npm, 1e-3, 1)} kN/m ({MODEL})")
    text = f"{', '.join(said)} (± SD)" if said else ""
    why = f"vertical stiffness is not given: {found.withheld}" if said and found.withheld else found.withheld
    joined = "; ".join(part for part in (text, why) if part)
    return f"{joined[:1].upper()}{joined[1:]}."


def impact_json(summary: Summary, pods: Sequence[PodInfo], sums: Sequence[CumulativeImpact]) -> dict[str, Any]:
    """The same for other programs."""
    return {
        "definition": DEFINITION,
        "measurable": bool(pods) and all(pod.rate_hz >= LOWEST_RATE_HZ for pod in pods),
        "lowest_rate_hz": LOWEST_RATE_HZ,
        "pods": [
            {"pod": pod.pod_id, "rate_hz": pod.rate_hz, "range_g": round(g_from_mps2(pod.accel_range_mps2), 1)}
            for pod in pods
        ],
        "clipped": {side.value: summary.legs[side].n_clipped for side in Side},
        "cumulative": {
            one.side.value: {
                "impact_g": g_from_mps2(one.resultant_mps2),
                "impact_axial_g": g_from_mps2(one.axial_mps2),
                "steps": one.n_steps,
                "not_measured": one.n_unmeasured,
                "clipped": one.n_clipped,
                "at_least": one.at_least,
            }
            for one in sums
        },
    }


def mechanics_json(found: Mechanics) -> dict[str, Any]:
    """Values with their SD, or null; `withheld` says why."""

    def pair(value: Value | None, scale: float) -> dict[str, float] | None:
        return None if value is None else {"value": value.value * scale, "sd": value.sd * scale}

    return {
        "flight_ms": pair(found.flight_s, 1e3),
        "duty_factor": pair(found.duty_factor, 1.0),
        "vertical_stiffness_knpm": pair(found.stiffness_npm, 1e-3),
        "steps": found.n_steps,
        "withheld": found.withheld,
        "model": MODEL,
    }


def _sensor(pods: Sequence[PodInfo]) -> str:
    kinds = {(pod.rate_hz, round(g_from_mps2(pod.accel_range_mps2))) for pod in pods}
    return " and ".join(f"{rate_hz:g} Hz, range ±{range_g} g" for rate_hz, range_g in sorted(kinds))


def _sum(one: CumulativeImpact) -> str:
    least = "at least " if one.at_least else ""
    return f"{one.side.value} {least}{g_from_mps2(one.resultant_mps2):,.0f} g over {one.n_steps:,} steps"


def _figure(value: Value, scale: float, digits: int) -> str:
    return f"{value.value * scale:.{digits}f} ± {value.sd * scale:.{digits}f}"
