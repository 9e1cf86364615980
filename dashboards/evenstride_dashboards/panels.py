"""The few kinds of panel that the dashboards are made of, each with the habits of this house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    histogram,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    TableCellHeight,
    VisibilityMode,
    VizOrientation,
)

from evenstride_dashboards import look
from evenstride_dashboards.queries import SOURCE, InfluxTarget, Query

P = TypeVar("P", stat.Panel, timeseries.Panel, table.Panel, histogram.Panel, bargauge.Panel, statetimeline.Panel)
Styles = Mapping[str, Sequence[model.DynamicConfigValue]]
WIDTH = 24  # of Grafana's grid; on a phone every panel takes the whole width, one below the other
PALE = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every panel has. `unit` is Grafana's; `none` is shown where there is no value."""

    title: str
    says: str
    unit: str
    w: int
    h: int
    queries: Sequence[Query]
    decimals: float | None = None
    none: str = "no data"
    back: str = ""  # a time range of its own, for what is rarer than the dashboard's range
    styles: Styles | None = None
    colours: Mapping[str, str] | None = None  # of texts


def style(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=value)


def coloured(colour: str) -> model.DynamicConfigValue:
    return style("color", {"mode": "fixed", "fixedColor": colour})


def words(colours: Mapping[str, str]) -> list[model.ValueMapping]:
    """Texts in their colours."""
    results = {
        word: model.ValueMappingResult(text=word, color=colour, index=n)
        for n, (word, colour) in enumerate(colours.items())
    }
    return [model.ValueMap(options=results)]


def steps(*levels: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Colours by level; the first level is None."""
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=colour) for value, colour in levels])
    )


def framed(panel: P, frame: Frame) -> P:
    """Give a panel its frame."""
    panel.title(frame.title).description(frame.says).unit(frame.unit).datasource(SOURCE).no_value(frame.none)
    panel.grid_pos(model.GridPos(h=frame.h, w=frame.w, x=0, y=0))
    for n, query in enumerate(frame.queries):
        panel.with_target(InfluxTarget(query, chr(ord("A") + n)))
    if frame.decimals is not None:
        panel.decimals(frame.decimals)
    if frame.back:
        panel.time_from(frame.back)
    if frame.colours is not None:
        panel.mappings(words(frame.colours))
    if frame.styles is None and frame.colours is None:  # series with names of their own differ in lightness
        panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.SHADES).fixed_color(look.LEFT))
    for name, properties in (frame.styles or {}).items():
        panel.override_by_name(name, list(properties))
    return panel


def figure(frame: Frame, *, fields: str = "", levels: dashboard.ThresholdsConfig | None = None) -> stat.Panel:
    """Numbers or a word, large enough for ten metres."""
    panel = framed(stat.Panel(), frame).graph_mode(BigValueGraphMode.NONE).orientation(VizOrientation.AUTO)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields(fields).values(False))
    panel.color_mode(BigValueColorMode.VALUE)
    return panel.thresholds(levels or steps((None, look.INK)))


def lines(
    frame: Frame,
    *,
    points: bool = False,
    levels: dashboard.ThresholdsConfig | None = None,
    gap_ms: float = 30_000,
    changes: Sequence[model.DataTransformerConfig] = (),
) -> timeseries.Panel:
    """Values over time, the levels as dashed lines.

    A hole longer than `gap_ms` stays a hole: nothing is drawn where nothing was measured.
    """
    panel = framed(timeseries.Panel(), frame)
    for change in changes:
        panel.with_transformation(change)
    panel.line_width(2).fill_opacity(0).span_nulls(gap_ms)
    panel.line_interpolation(LineInterpolation.LINEAR).insert_nulls(round(gap_ms))
    panel.show_points(VisibilityMode.ALWAYS if points else VisibilityMode.AUTO).point_size(7 if points else 4)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull"])
    )
    if levels is None:
        return panel
    style_of = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(levels).thresholds_style(style_of)


def rows(frame: Frame, *, sort: str = "", changes: Sequence[model.DataTransformerConfig] = ()) -> table.Panel:
    """A table; the queries must be `table` ones."""
    panel = framed(table.Panel(), frame).show_header(True).cell_height(TableCellHeight.MD)
    for change in changes:
        panel.with_transformation(change)
    return panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)]) if sort else panel


def spread(frame: Frame, *, bucket: int) -> histogram.Panel:
    """How often each value occurs."""
    return framed(histogram.Panel(), frame).bucket_size(bucket).combine(False).fill_opacity(45).line_width(1)


def bars(frame: Frame, *, levels: dashboard.ThresholdsConfig | None = None) -> bargauge.Panel:
    """One horizontal bar per series."""
    panel = framed(bargauge.Panel(), frame).orientation(VizOrientation.HORIZONTAL)
    panel.display_mode(BarGaugeDisplayMode.BASIC).show_unfilled(True).min(0)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return panel.thresholds(levels or steps((None, look.EVEN)))


def states(frame: Frame) -> statetimeline.Panel:
    """Words over time."""
    return framed(statetimeline.Panel(), frame).show_value(VisibilityMode.AUTO).merge_values(True).fill_opacity(60)


def reshape(name: str, *, only: str = "", **options: object) -> model.DataTransformerConfig:
    """A transformation; `only`: of the queries with these letters."""
    chosen = model.MatcherConfig(id_val="byRefId", options=f"/^[{only}]$/") if only else None
    return model.DataTransformerConfig(id_val=name, options=options, filter_val=chosen)


def joined(by: str, names: Mapping[str, str], measurement: str, **options: object) -> list[model.DataTransformerConfig]:
    """One row for each value of `by`; fields are then called by `names`.

    Where a field has no name of its own the join puts its frame's behind it, which is the measurement's.
    """
    both = {**names, **{f"{name} {measurement}": new for name, new in names.items()}}
    arranged: dict[str, object] = {"renameByName": both, **options}
    tidy = model.DataTransformerConfig(id_val="organize", options=arranged)
    return [reshape("joinByField", byField=by, mode="outer"), tidy]


def placed(panels: Sequence[Builder[model.Panel]]) -> list[model.Panel]:
    """The panels in reading order, each row as high as its highest panel."""
    x = y = height = 0
    found: list[model.Panel] = []
    for number, builder in enumerate(panels, start=1):
        panel = builder.build()
        place = panel.grid_pos
        assert place is not None
        if x + place.w > WIDTH:
            x, y, height = 0, y + height, 0
        panel.grid_pos = model.GridPos(h=place.h, w=place.w, x=x, y=y)
        panel.id_val = number
        x, height = x + place.w, max(height, place.h)
        found.append(panel)
    return found
