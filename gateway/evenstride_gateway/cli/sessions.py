"""`evenstride sessions`: list, show, delete."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import typer
from rich.table import Table

from evenstride_analysis.mechanics import cumulative_impact
from evenstride_analysis.model import LegSummary, Measure, Part, Side, Speed, Summary, Symmetry
from evenstride_analysis.units import balance_percent, g_from_mps2, ms_from_s, percent_from_fraction
from evenstride_gateway.calling import ask_gateway
from evenstride_gateway.cli.common import data_dir, out, print_json
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import InputError, StoreBusyError, StoreError
from evenstride_gateway.importing.forming import check_date, limits_of
from evenstride_gateway.report.moving import impact_json, impact_lines, mechanics_json, mechanics_line
from evenstride_gateway.report.parts import doubt_lines
from evenstride_gateway.reporting import moved, pods_said, pods_worn
from evenstride_gateway.results import DATE, paired_steps, summary_of, system_error
from evenstride_gateway.store import Store


class _Row(NamedTuple):
    session: str
    runner: str
    started_at: str | None
    dated: bool
    duration_s: float | None
    strides: int


def list_sessions(*, data: Path | None, as_json: bool) -> None:
    """All sessions, the newest first."""
    with Store.open(data_dir(data), readonly=True) as store:
        names = {person.runner_id: person.name for person in store.people()}
        rows = [
            _Row(
                dated=session.dated,
                session=session.session_id,
                runner=names.get(session.runner_id) or session.runner_id,
                started_at=session.started_at.isoformat(timespec="seconds") if session.dated else None,
                duration_s=None
                if session.stopped_at is None
                else round((session.stopped_at - session.started_at).total_seconds(), 1),
                strides=store.count_strides(session.session_id),
            )
            for session in store.sessions()
        ]
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    table = Table("session", "runner", "started (UTC)", "duration", "strides", box=None)
    for row in rows:
        lasted = "runs, or was cut off" if row.duration_s is None else f"{row.duration_s:.0f} s"
        table.add_row(row.session, row.runner, (row.started_at or "undated")[:19], lasted, str(row.strides))
    out.print(table if rows else "No sessions yet: `evenstride demo` makes one.")


def show(session: str, *, data: Path | None, as_json: bool) -> None:
    """What one session says, with its errors."""
    folder = data_dir(data)
    config = load_config(folder)
    with Store.open(folder, readonly=True) as store:
        steps = paired_steps(store, session)
        summary = summary_of(store.session(session), steps, system_error(config.symmetry))
        pods = pods_worn(store, session)
        said = pods_said(store, store.session(session))
        motion = moved(steps, store.mass(store.session(session).runner_id))
    sums = [cumulative_impact(steps, side) for side in Side]
    if as_json:
        shocks = {"impact": impact_json(summary, pods, sums), "mechanics": mechanics_json(motion)}
        print_json(summary_json(summary) | shocks | {"notices": said})
        return
    for measure in (Measure.STANCE, Measure.IMPACT_AXIAL):
        out.print(symmetry_line(summary, measure))
    out.print("Each leg by itself, 95 % interval of the mean by the strides' scatter alone:")
    for side in Side:
        out.print(_leg_line(summary.legs[side]))
    for line in (*doubt_lines(summary), *said):
        out.print(line)
    for line in (*impact_lines(summary, pods, sums), mechanics_line(motion)):
        out.print(line)


def put_date(session: str, began: datetime, *, data: Path | None, as_json: bool) -> None:
    """Say when a session from pods' logs was."""
    folder = data_dir(data)
    with Store.open(folder, readonly=True) as store:
        known = store.session(session)  # a mistyped folder or id must not make a new store
    if known.dated and known.settings.get(DATE, "").startswith("by "):
        raise InputError(f"session {session} has its date from its pods: {known.settings[DATE]}")
    if DATE not in known.settings:
        raise InputError(f"session {session} was recorded by a gateway, which knew the date")
    with Store.open(folder) as store:
        boots = sorted({(fit.pod_id, fit.boot_id) for fit in store.clocks(session)})
        limits = limits_of(store, boots, now_s=datetime.now(UTC).timestamp())
        lasts_s = 0.0 if known.stopped_at is None else (known.stopped_at - known.started_at).total_seconds()
        check_date(began, lasts_s, limits)
        store.put_date(session, began.astimezone(UTC), {DATE: "as its runner said"})
    if as_json:
        print_json({"session": session, "started_at": began.astimezone(UTC).isoformat(timespec="seconds")})
    else:
        out.print(f"session {session} began on {began.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def delete(session: str, *, yes: bool, data: Path | None, as_json: bool) -> None:
    """Delete a session with its raw samples, for good."""
    folder = data_dir(data)
    with Store.open(folder, readonly=True) as store:
        store.session(session)  # a mistyped folder or id must not make a new store
    question = f"Delete session {session} with its raw samples?"
    try:
        with Store.open(folder) as store:
            known = store.session(session)
            if known.stopped_at is None:
                raise StoreError(
                    f"session {session} is not ended: start the gateway once, it ends what a crash left open"
                )
            if not yes:
                typer.confirm(question, abort=True)
            store.delete_session(session)
    except StoreBusyError as busy:
        if not yes:
            typer.confirm(question, abort=True)
        ask_gateway(folder, busy, "DELETE", f"/api/sessions/{quote(session, safe='')}")
    if as_json:
        print_json({"deleted": session})
    else:
        out.print(f"deleted: {session}")


def symmetry_line(summary: Summary, measure: Measure) -> str:
    """One symmetry in words, never without its interval or the reason why there is none."""
    found = summary.symmetry[measure]
    name = "stance balance" if measure is Measure.STANCE else "impact balance"
    if found.index is None or found.low is None or found.high is None:
        return f"{name}: {found.verdict.value} ({found.reason})"
    left, low, high = balance_percent(found.index), balance_percent(found.low), balance_percent(found.high)
    return (
        f"{name}: {found.verdict.value}, {left:.1f} % left (95 % interval {low:.1f} to {high:.1f}),"
        f" SI {percent_from_fraction(found.index):+.1f} %, {found.n_pairs} pairs; {found.reason}"
    )


def _leg_line(leg: LegSummary) -> str:
    if leg.stance_mean_s is None:
        return f"{leg.side.value:5}  {leg.n_strides} strides, none clean and running"
    interval = _interval(leg.stance_low_s, leg.stance_high_s, ms_from_s)
    impact = "impact not measurable"
    if leg.impact_axial_mean_mps2 is not None:
        shock = _interval(leg.impact_axial_low_mps2, leg.impact_axial_high_mps2, g_from_mps2)
        impact = f"impact {g_from_mps2(leg.impact_axial_mean_mps2):.1f} g{shock}"
    return f"{leg.side.value:5}  stance {ms_from_s(leg.stance_mean_s):.1f} ms{interval}, {impact}, {leg.n_used} strides"


def _interval(low: float | None, high: float | None, shown: Callable[[float], float]) -> str:
    return "" if low is None or high is None else f" ({shown(low):.1f} to {shown(high):.1f})"


def _maybe(value: float | None, shown: Callable[[float], float]) -> float | None:
    return None if value is None else shown(value)


def summary_json(summary: Summary) -> dict[str, Any]:
    """The summary in the units of a reader, units in the names."""
    return {
        "duration_s": round(summary.duration_s, 1),
        "method": summary.method,
        "cadence_spm": summary.cadence_spm,
        "legs": {
            side.value: {
                "strides": leg.n_strides,
                "used": leg.n_used,
                "stance_ms": _maybe(leg.stance_mean_s, ms_from_s),
                "stance_low_ms": _maybe(leg.stance_low_s, ms_from_s),
                "stance_high_ms": _maybe(leg.stance_high_s, ms_from_s),
                "impact_axial_g": _maybe(leg.impact_axial_mean_mps2, g_from_mps2),
                "impact_axial_low_g": _maybe(leg.impact_axial_low_mps2, g_from_mps2),
                "impact_axial_high_g": _maybe(leg.impact_axial_high_mps2, g_from_mps2),
                "clipped": leg.n_clipped,
                "walking": leg.n_walk,
                "doubts": leg.doubts,
            }
            for side, leg in summary.legs.items()
        },
        "symmetry": {
            measure.value: {
                "verdict": found.verdict.value,
                "reason": found.reason,
                "primary": measure is Measure.STANCE,
                **_interval_json(found),
            }
            for measure, found in summary.symmetry.items()
        },
        "excluded": summary.excluded,
        "doubted": {
            share.side.value: {"share": share.share, "mostly": share.worst, "effect": share.effect}
            for share in summary.doubts
        },
        "laps": summary.laps,
        "direction": {1: "left", -1: "right"}.get(summary.direction),
        "speed": _speed_json(summary.speed),
        "parts": [_part_json(part) for part in summary.parts],
    }


def _part_json(part: Part) -> dict[str, Any]:
    """A part has an interval and no verdict."""
    return {
        "kind": part.kind.value,
        "number": part.number,
        "start_s": round(part.start_s, 2),
        "end_s": round(part.end_s, 2),
        "speed": _speed_json(part.speed),
        "stance_ms": {side.value: _maybe(leg.stance_mean_s, ms_from_s) for side, leg in part.legs.items()},
        **_interval_json(part.symmetry),
    }


def _interval_json(found: Symmetry) -> dict[str, Any]:
    return {
        "index_percent": _maybe(found.index, percent_from_fraction),
        "low_percent": _maybe(found.low, percent_from_fraction),
        "high_percent": _maybe(found.high, percent_from_fraction),
        "left_share_percent": _maybe(found.index, balance_percent),
        "left_share_low_percent": _maybe(found.low, balance_percent),
        "left_share_high_percent": _maybe(found.high, balance_percent),
        "pairs": found.n_pairs,
    }


def _speed_json(speed: Speed | None) -> dict[str, Any] | None:
    return None if speed is None else {"mps": speed.mps, "sd_mps": speed.sd_mps, "source": speed.source.value}
