"""Puts the dashboards together and writes what Grafana reads."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from evenstride_dashboards import alerts, look
from evenstride_dashboards.over_time import season, session
from evenstride_dashboards.panels import placed
from evenstride_dashboards.pods import pods
from evenstride_dashboards.queries import SOURCE, Column, Query, values_of
from evenstride_dashboards.track import live, squad
from evenstride_gateway.sinks.schema import POD, SESSION, SYMMETRY, Measurement

GENERATED = Path(__file__).parent / "generated"
TAG = "evenstride"
DASHBOARDS = GENERATED / "dashboards"
ALERTS = "alerting/evenstride.json"
SESSIONS = Query(
    measurement=SESSION,
    columns=tuple(
        Column(field=field, label=label)
        for field, label in (("strides", "strides"), ("ended_ms", "ended"), ("session", "id"), ("runner", "who"))
    ),
    where={"running": False},  # a span needs its end
    table=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard: its panels and what chooses among the data. `chosen`: the tags with a variable, `many`: several.

    `lists`: whose points in the time range name what can be chosen. A session's own point lies at its start: what runs
    is named by the points of the grid.
    """

    uid: str
    title: str
    says: str
    panels: Callable[[], Sequence[Builder[model.Panel]]]
    chosen: tuple[str, ...]
    many: bool
    lists: Measurement
    back: str
    refresh: str


BOARDS = (
    Board(
        uid="evenstride-live",
        title="Live track",
        says="One runner, live: balance with its band and verdict, stance and impact of both legs, cadence.",
        panels=live,
        chosen=("runner",),
        many=False,
        lists=SYMMETRY,
        back="now-10m",
        refresh="5s",
    ),
    Board(
        uid="evenstride-squad",
        title="Squad",
        says="All runners: who is off the own normal, and whose data are stale.",
        panels=squad,
        chosen=("runner",),
        many=True,
        lists=SYMMETRY,
        back="now-3h",
        refresh="10s",
    ),
    Board(
        uid="evenstride-session",
        title="Session",
        says="One session: how it went, first against last third, spread, doubts.",
        panels=session,
        chosen=("runner", "session"),
        many=False,
        lists=SESSION,
        back="now-24h",
        refresh="",
    ),
    Board(
        uid="evenstride-season",
        title="Season",
        says="A runner's sessions against the own normal.",
        panels=season,
        chosen=("runner",),
        many=False,
        lists=SESSION,
        back="now-6M",
        refresh="",
    ),
    Board(
        uid="evenstride-pods",
        title="Pods and gateway",
        says="Radio, battery, clock and what is missing, by pod.",
        panels=pods,
        chosen=("pod",),
        many=True,
        lists=POD,
        back="now-3h",
        refresh="10s",
    ),
)


class _SessionMarks(model.AnnotationQuery):
    """Sessions as marked spans. The SDK's annotation has no place for an InfluxQL query."""

    def to_json(self) -> dict[str, object]:
        text = {"query": SESSIONS.text, "tagsColumn": "who", "textColumn": "id", "timeEndColumn": "ended"}
        target = text | {"refId": "Anno", "rawQuery": True, "resultFormat": "table"}
        return super().to_json() | text | {"target": target}


class _Marks(Builder[model.AnnotationQuery]):
    def build(self) -> model.AnnotationQuery:
        return _SessionMarks(name="Sessions", datasource=SOURCE, enable=True, icon_color=look.EVEN)


def build(board: Board) -> model.Dashboard:
    """One dashboard."""
    page = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.says)
        .tags([TAG])
        .timezone("browser")
        .time(board.back, "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .refresh(board.refresh)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("influxdb"))
        .annotation(_Marks())
        .link(
            dashboard.DashboardLink("evenstride")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(False)
            .include_vars(True)
            .keep_time(False)
        )
    )
    for tag in board.chosen:
        page.with_variable(_variable(board, tag))
    built = page.build()
    built.panels = [*placed(board.panels())]
    return built


def _variable(board: Board, tag: str) -> dashboard.QueryVariable:
    chosen = "runner" if tag == "session" else ""
    variable = (
        dashboard.QueryVariable(tag)
        .label(tag.capitalize())
        .datasource(SOURCE)
        .query(values_of(board.lists, tag, chosen=chosen))
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_DESC if tag == "session" else model.VariableSort.ALPHABETICAL_ASC)
    )
    if board.many:
        everything = model.VariableOption(selected=True, text="All", value="$__all")
        variable.multi(True).include_all(True).current(everything)
    return variable


def files() -> dict[str, str]:
    """What `generated/` must hold: name -> JSON."""
    made: dict[str, object] = {f"dashboards/{board.uid}.json": build(board) for board in BOARDS}
    made[ALERTS] = alerts.file()
    return {
        name: json.dumps(value, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for name, value in made.items()
    }


def stale(folder: Path = GENERATED) -> list[str]:
    """The files that do not say what the source says, missing and surplus ones included."""
    wanted = files()
    held = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.json")}
    return sorted(name for name in wanted.keys() | held.keys() if wanted.get(name) != held.get(name))


def write(folder: Path = GENERATED) -> list[str]:
    """Write all files; returns the names of those that changed."""
    changed = stale(folder)
    wanted = files()
    for name in changed:
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return changed
