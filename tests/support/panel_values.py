"""What a panel must show, computed from the store alone: the rows of each measurement, and a query's answer on them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

from evenstride_analysis.baseline import RunMeasure
from evenstride_analysis.context import Placed
from evenstride_analysis.model import Doubt, Gait, LossCause, Surface
from evenstride_analysis.symmetry import SystematicError
from evenstride_dashboards.queries import FRESH_S, Part, Query
from evenstride_gateway.baselines import standing
from evenstride_gateway.health import PodHealth, SinkHealth
from evenstride_gateway.store import Store

Row = dict[str, Any]
G_MPS2, DEG = 9.80665, 57.29577951308232
PARTS: dict[RunMeasure, tuple[float, str]] = {
    RunMeasure.SYMMETRY: (100.0, "%"),
    RunMeasure.STANCE_LEFT: (1000.0, "ms"),
    RunMeasure.STANCE_RIGHT: (1000.0, "ms"),
    RunMeasure.IMPACT_LEFT: (1 / G_MPS2, "g"),
    RunMeasure.IMPACT_RIGHT: (1 / G_MPS2, "g"),
    RunMeasure.CADENCE: (1.0, "steps/min"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What Grafana fills in: the time range (ms), the present, the interval and the chosen tags."""

    from_ms: int
    to_ms: int
    now_ms: int
    interval_s: int
    chosen: Mapping[str, Sequence[str]]

    def filled(self, text: str) -> str:
        """The query as Grafana sends it."""
        text = text.replace("$timeFilter", f"time >= {self.from_ms}ms and time <= {self.to_ms}ms")
        text = text.replace("$__interval", f"{self.interval_s}s").replace("now()", f"{self.now_ms}ms")
        text = text.replace("${__from}", str(self.from_ms)).replace("${__to}", str(self.to_ms))
        for name, values in self.chosen.items():
            escaped = [re.escape(value) for value in values]
            text = text.replace(f"${{{name}:regex}}", escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})")
        assert "$" not in text.replace("$/", ""), text
        return text


def ns(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def store_rows(store: Store, system: SystematicError) -> dict[str, list[Row]]:
    """The store's content in the units of the schema; withdrawn things are not there."""
    found: dict[str, list[Row]] = {name: [] for name in ("stride", "symmetry", "session", "gap", "baseline")}
    for session in store.sessions():
        name, start = session.session_id, ns(session.started_at)
        mine: Row = {"session": name, "runner": session.runner_id, "time": start}
        strides = store.strides(name)
        for one in strides:
            s = one.stride
            known = s.impact_mps2 is not None
            found["stride"].append(
                {
                    "time": start + round(one.published_t_s * 1e9),
                    "session": name,
                    "runner": one.runner_id,
                    "pod": s.pod_id,
                    "stride_id": one.stride_id,
                    "side": one.side.value if one.side else "unknown",
                    "gait": "run" if s.gait is Gait.RUN else "walk",
                    "stance_ms": 1000 * (s.toe_off_s - s.strike_s),
                    "stride_ms": 1000 * (s.end_s - s.strike_s),
                    "impact_known": known,
                    "impact_g": s.impact_mps2 / G_MPS2 if s.impact_mps2 is not None else None,
                    "impact_axial_g": s.impact_axial_mps2 / G_MPS2 if s.impact_axial_mps2 is not None else None,
                    "surface": _surface(one.place),
                    "lap": one.place.lap or 0,
                    "clean": s.doubt in (Doubt(0), Doubt.CLIPPED),
                    "doubt": "|".join(flag.name.lower() for flag in Doubt if flag in s.doubt and flag.name),
                }
            )
        for point in store.symmetry(name):
            p = point.symmetry
            balance = {
                f"balance{end}_percent": None if value is None else 50 + 25 * value
                for end, value in (("", p.index), ("_low", p.low), ("_high", p.high))
            }
            found["symmetry"].append(
                {"session": name, "runner": session.runner_id, "time": start + round(p.t_s * 1e9)}
                | {"measure": p.measure.value, "known": p.index is not None, "verdict": p.verdict.value}
                | {"reason": p.reason}
                | balance
            )
        stopped = session.stopped_at
        found["session"].append(
            mine
            | {
                "running": stopped is None,
                "duration_s": 0.0 if stopped is None else (stopped - session.started_at).total_seconds(),
                "ended_ms": 0 if stopped is None else ns(stopped) // 1_000_000,
                "strides": len(strides),
                "clean": sum(1 for one in strides if not one.stride.doubt),
            }
        )
        for pod in sorted({a.pod_id for a in store.assignments(name)}):
            losses = [loss for loss in store.gaps(name) if loss.pod_id == pod]
            missing = {
                f"missing_{word}": sum(loss.missing for loss in losses if loss.cause is cause)
                for word, cause in (("pod", LossCause.POD), ("host", LossCause.HOST))
            }
            found["gap"].append(mine | {"pod": pod, "gaps": len(losses)} | missing)
        if stopped is not None and strides:
            found["baseline"] += [mine | row for row in _standing(store, name, system)]
    return found


def _surface(place: Placed) -> str:
    if place.surface is not Surface.BEND:
        return {Surface.STRAIGHT: "straight", Surface.UNKNOWN: "unknown"}[place.surface]
    return "bend to the left" if place.direction == 1 else "bend to the right"


def _standing(store: Store, session_id: str, system: SystematicError) -> list[Row]:
    rows: list[Row] = []
    for change in standing(store, session_id, system).changes:
        scale, unit = PARTS[change.measure]
        band = change.band if change.value is not None else None
        row: Row = {
            "measure": change.measure.value,
            "verdict": change.verdict.value,
            "reason": change.reason,
            "unit": unit,
            "known": change.value is not None,
            "value": None if change.value is None else scale * change.value,
            "band_known": band is not None,
            "runs": 0 if change.band is None else change.band.runs,
            "shoes": store.session(session_id).settings.get("shoes", ""),
        }
        if band is not None and change.value is not None:
            row |= {"low": scale * band.low, "centre": scale * band.centre, "high": scale * band.high}
            half = (band.high - band.low) / 2
            row["off"] = abs(change.value - band.centre) / half if half else 0.0
        rows.append(row)
    return rows


def pod_rows(states: Iterable[tuple[datetime, float, PodHealth]]) -> list[Row]:
    """The pods' states at (time, host seconds)."""
    return [
        {
            "time": ns(at),
            "pod": row.pod_id,
            "state": row.state,
            "rssi_known": row.rssi_dbm is not None,
            "rssi_dbm": row.rssi_dbm,
            "battery_known": row.battery_fraction is not None,
            "battery_percent": None if row.battery_fraction is None else 100 * row.battery_fraction,
            "bound_known": row.clock_bound_s is not None,
            "clock_bound_ms": None if row.clock_bound_s is None else 1000 * row.clock_bound_s,
            "missing_pod": row.missing["pod"],
            "missing_host": row.missing["host"],
            "backfilled": row.backfilled,
            "age_known": row.last_arrival_s is not None,
            "data_age_s": None if row.last_arrival_s is None else now_s - row.last_arrival_s,
        }
        for at, now_s, row in states
    ]


def sink_rows(states: Iterable[tuple[datetime, str, SinkHealth]]) -> list[Row]:
    """The sinks' states at (time, gateway)."""
    return [
        {"time": ns(at), "gateway": gateway, "sink": row.name, "behind": row.behind, "refused": row.refused}
        for at, gateway, row in states
    ]


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {"mean": fmean, "count": len, "max": max}


def answer(query: Query, rows: Sequence[Row], window: Window) -> list[Row]:
    """What the query must return on these rows: labels, tags, and `time` where the answer has a time of its own."""
    kept = sorted((row for row in rows if _wanted(query, row, window)), key=lambda row: row["time"])
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in kept:
        bucket = row["time"] // (window.interval_s * 10**9) * window.interval_s * 10**9 if query.every else 0
        groups.setdefault((bucket, *(row[tag] for tag in query.by)), []).append(row)
    found: list[Row] = []
    for (bucket, *tags), members in groups.items():
        about = dict(zip(query.by, tags, strict=True))
        function = query.columns[0].function
        if query.newest:
            newest = [row for row in members[-1:] if all(row[flag] for flag in query.known_by)]
            found += [about | {"time": row["time"]} | _labelled(query, row) for row in newest]
        elif not function:
            found += [about | {"time": row["time"]} | _labelled(query, row) for row in members]
        elif function == "last":
            time = bucket if query.every else members[-1]["time"]
            found.append(about | {"time": time} | _labelled(query, members[-1]))
        else:
            column = query.columns[0]
            value = _AGGREGATES[function]([row[column.field] for row in members])
            shown = value if column.over is None else column.over / value
            found.append(about | ({"time": bucket} if query.every else {}) | {column.label: shown})
    return found


def _labelled(query: Query, row: Row) -> Row:
    return {column.label: row[column.field] for column in query.columns}


def _wanted(query: Query, row: Row, window: Window) -> bool:
    ms = 10**6
    third = (window.to_ms - window.from_ms) * ms // 3
    time = row["time"]
    return (
        window.from_ms * ms <= time <= window.to_ms * ms
        and (not query.fresh or time > (window.now_ms - 1000 * FRESH_S) * ms)
        and (query.part is not Part.FIRST or time < window.from_ms * ms + third)
        and (query.part is not Part.LAST or time >= window.to_ms * ms - third)
        and (query.newest or all(row[flag] for flag in query.known_by))
        and all(row[tag] in window.chosen[tag] for tag in query.chosen)
        and all(row[name] == value for name, value in query.where.items())
        and all(re.search(pattern, row[name]) for name, pattern in query.matches.items())
        and all(row[name] > limit for name, limit in query.above.items())
    )
