"""Questions that several dashboards ask."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from evenstride_analysis.model import Measure, PartKind, Side
from evenstride_dashboards import look
from evenstride_dashboards.panels import PALE, Frame, Styles, coloured, figure, joined, reshape, rows, steps, style
from evenstride_dashboards.queries import Column, Part, Query
from evenstride_gateway.sinks.schema import STRIDE, SYMMETRY

LEGS: Styles = {Side.LEFT.value: [coloured(look.LEFT)], Side.RIGHT.value: [coloured(look.RIGHT)]}
BAND: Styles = {
    "balance": [coloured(look.INK)],
    "low": [coloured(look.EVEN_SOFT), style("custom.lineWidth", 0), style("custom.hideFrom", {"legend": True})],
    "high": [
        coloured(look.EVEN_SOFT),
        style("custom.lineWidth", 0),
        style("custom.fillBelowTo", "low"),
        style("custom.fillOpacity", 2 * PALE),
        style("custom.hideFrom", {"legend": True}),
    ],
}
CLEAN_RUN: dict[str, str | bool] = {"clean": True, "gait": "run"}
SURFACES = (PartKind.STRAIGHT, PartKind.BEND_LEFT, PartKind.BEND_RIGHT)
ON_TRACK = {"lap": 0}
EVEN_LINE = steps((None, look.INK), (50.0, look.EVEN))  # of a balance, %
TEXT_COLOUR = [style("custom.cellOptions", {"type": "color-text"})]


def balance(*chosen: str) -> tuple[Query, ...]:
    """Balance of stance with the ends of its 95 % interval: the points of the 10 s grid, never averaged."""
    return tuple(
        Query(
            measurement=SYMMETRY,
            columns=(Column(field=field, label=label),),
            chosen=chosen,
            where={"measure": "stance"},
            alias=label,
        )
        for field, label in (
            ("balance_percent", "balance"),
            ("balance_low_percent", "low"),
            ("balance_high_percent", "high"),
        )
    )


def verdict_now(measure: Measure, *chosen: str) -> Query:
    """What is said at the newest point of the 10 s grid."""
    return Query(
        measurement=SYMMETRY,
        columns=(Column(field="verdict", label="verdict", function="last"),),
        chosen=chosen,
        where={"measure": measure.value},
        fresh=True,
    )


def balance_now(measure: Measure, *chosen: str, share: str = "", ends: tuple[str, str] | None = None) -> Query:
    """Balance at the newest point, the ends of its interval, or both, by these names; nothing where it has none."""
    low, high = ends or ("", "")
    named = {"balance_percent": share, "balance_low_percent": low, "balance_high_percent": high}
    return Query(
        measurement=SYMMETRY,
        columns=tuple(Column(field=field, label=label) for field, label in named.items() if label),
        chosen=chosen,
        where={"measure": measure.value},
        fresh=True,
        newest=True,
        alias="$col",
    )


def legs(
    field: str,
    *chosen: str,
    function: str = "mean",
    every: bool = True,
    part: Part | None = None,
    surface: PartKind | None = None,
) -> tuple[Query, ...]:
    """A number of clean running strides, one series a leg. Impact wants strides that did not clip either."""
    clean = _clean(field) if surface is None else _clean(field) | {"surface": surface.value}
    among = f", {part.name.lower()} third" if part is not None else "" if surface is None else f", {surface.value}"
    return tuple(
        Query(
            measurement=STRIDE,
            columns=(Column(field=field, label=side.value, function=function),),
            chosen=chosen,
            where=clean | {"side": side.value},
            every=every,
            part=part,
            alias=f"{side.value}{among}",
        )
        for side in Side
    )


def cadence(*chosen: str) -> Query:
    """Steps per minute from the strides of both legs: two steps a stride."""
    return Query(
        measurement=STRIDE,
        columns=(Column(field="stride_ms", label="cadence", function="mean", over=120_000),),
        chosen=chosen,
        where=CLEAN_RUN,
        every=True,
        alias="cadence",
    )


def _clean(field: str) -> dict[str, str | bool]:
    return CLEAN_RUN | {"doubt": ""} if field.startswith("impact") else CLEAN_RUN


def by_surface(title: str, field: str, unit: str, *chosen: str) -> Builder[model.Panel]:
    """Means of both legs on straights and in bends; what was not run is not there."""
    return figure(
        Frame(
            title=f"{title}, straights and bends",
            says="Means of clean running strides by leg. Legs are compared on straights: in a bend they differ.",
            unit=look.UNITS[unit],
            w=12,
            h=5,
            decimals=1,
            none="no straight or bend was recognised",
            queries=[query for surface in SURFACES for query in legs(field, *chosen, every=False, surface=surface)],
            styles={f"{side.value}, {surface.value}": LEGS[side.value] for side in Side for surface in SURFACES},
        )
    )


def lap(*chosen: str, fresh: bool) -> Query:
    """The lap of the newest stride."""
    return Query(
        measurement=STRIDE,
        columns=(Column(field="lap", label="lap", function="last"),),
        chosen=chosen,
        above=ON_TRACK,
        fresh=fresh,
    )


def by_lap(impact: str, *chosen: str, w: int, h: int) -> Builder[model.Panel]:
    """Every lap with the means of both legs. InfluxQL cannot group by a field: Grafana takes the means."""
    wanted = [("stance", "stance_ms", "ms", 0), ("impact", impact, "g", 1)]
    named = [
        (f"{word} {side.value}", field, unit, digits, side) for word, field, unit, digits in wanted for side in Side
    ]
    return rows(
        Frame(
            title="Laps",
            says="Means of clean running strides of each lap of a track, by leg; the present lap is not whole yet. "
            "They have no interval: whether the legs differ is for the verdicts to say.",
            unit=look.UNITS[""],
            w=w,
            h=h,
            none="–",
            queries=[
                Query(
                    measurement=STRIDE,
                    columns=(Column(field="lap", label="lap"), Column(field=field, label=name)),
                    chosen=chosen,
                    where=_clean(field) | {"side": side.value},
                    above=ON_TRACK,
                    table=True,
                )
                for name, field, _, _, side in named
            ],
            styles={
                name: [style("unit", look.UNITS[unit]), style("decimals", digits), *LEGS[side.value], *TEXT_COLOUR]
                for name, _, unit, digits, side in named
            },
        ),
        changes=[
            reshape(
                "groupBy",
                fields={
                    "lap": {"operation": "groupby", "aggregations": []},
                    **{name: {"operation": "aggregate", "aggregations": ["mean"]} for name, *_ in named},
                },
            ),
            *joined("lap", {f"{name} (mean)": name for name, *_ in named}, STRIDE.name),
            reshape("sortBy", sort=[{"field": "lap"}]),
        ],
    )
