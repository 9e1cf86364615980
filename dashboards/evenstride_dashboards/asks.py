"""Questions that several dashboards ask."""

from evenstride_analysis.model import Side
from evenstride_dashboards import look
from evenstride_dashboards.panels import PALE, Styles, coloured, style
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


def legs(
    field: str, *chosen: str, function: str = "mean", every: bool = True, fresh: bool = False, part: Part | None = None
) -> tuple[Query, ...]:
    """A number of clean running strides, one series a leg. Impact wants strides that did not clip either."""
    clean = CLEAN_RUN | {"doubt": ""} if field.startswith("impact") else CLEAN_RUN
    return tuple(
        Query(
            measurement=STRIDE,
            columns=(Column(field=field, label=side.value, function=function),),
            chosen=chosen,
            where=clean | {"side": side.value},
            every=every,
            fresh=fresh,
            part=part,
            alias=side.value if part is None else f"{side.value}, {part.name.lower()} third",
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
