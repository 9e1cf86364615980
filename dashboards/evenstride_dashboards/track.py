"""What is read at the track: one runner live, and the whole squad."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from evenstride_analysis.model import Measure
from evenstride_dashboards import look
from evenstride_dashboards.asks import (
    BAND,
    CLEAN_RUN,
    EVEN_LINE,
    LEGS,
    balance,
    balance_now,
    by_lap,
    cadence,
    lap,
    legs,
    verdict_now,
)
from evenstride_dashboards.panels import Frame, coloured, figure, joined, lines, reshape, rows, steps, style
from evenstride_dashboards.queries import FRESH_S, Column, Query
from evenstride_gateway.sinks.schema import BASELINE, STRIDE, SYMMETRY

Panels = list[Builder[model.Panel]]
STANCE = {"measure": Measure.STANCE.value}
NO_BALANCE = "not measurable now"
FRESH, NEWEST = f"strides in {FRESH_S} s", "newest stride at"
LAST_STRIDE = Query(
    measurement=STRIDE,
    columns=(Column(field="stride_id", label="stride", function="last"),),
    chosen=("runner",),
    table=True,
)


def live() -> Panels:
    """One runner, readable from ten metres."""
    runner = "runner"
    return [
        _verdict("Verdict", Measure.STANCE, h=6),
        figure(
            Frame(
                title="Balance of stance, left leg",
                says="The left leg's share of ground contact time at the newest point; 50 % is even. Read it only with "
                "its verdict and its interval; where that point is not measurable there is no number.",
                unit=look.UNITS["%"],
                w=6,
                h=6,
                decimals=1,
                queries=[balance_now(Measure.STANCE, runner, share="left leg")],
                none=NO_BALANCE,
            )
        ),
        figure(
            Frame(
                title="Its 95 % interval",
                says="Where the left leg's share of ground contact time lies, at the newest point: with 50 % inside, "
                "noise explains the difference.",
                unit=look.UNITS["%"],
                w=6,
                h=6,
                decimals=1,
                queries=[balance_now(Measure.STANCE, runner, ends=("from", "to"))],
                none=NO_BALANCE,
            )
        ),
        figure(
            Frame(
                title="Newest stride",
                says="The age of the data: how long ago the newest stride began.",
                unit=look.AGO,
                w=6,
                h=6,
                queries=[LAST_STRIDE],
                none="no stride in this time",
            ),
            fields="/^Time$/",
        ),
        lines(
            Frame(
                title="Balance with its 95 % interval",
                says="Left leg's share of stance over the last strides. With 50 % inside the band, noise explains it.",
                unit=look.UNITS["%"],
                w=24,
                h=9,
                decimals=1,
                queries=balance(runner),
                styles=BAND,
            ),
            levels=EVEN_LINE,
        ),
        lines(
            Frame(
                title="Impact",
                says="Mean axial peak at the shin of clean running strides, by leg; clipped ones are left out. "
                "Whether the legs differ is said beside it.",
                unit=look.UNITS["g"],
                w=12,
                h=8,
                decimals=1,
                queries=legs("impact_axial_g", runner),
                styles=LEGS,
            )
        ),
        _verdict("Verdict on impact", Measure.IMPACT_AXIAL, h=8),
        figure(
            Frame(
                title="Balance of impact, left leg",
                says="The left leg's share of the axial peak at the newest point, and its 95 % interval; 50 % is even. "
                "With 50 % inside, noise explains the difference.",
                unit=look.UNITS["%"],
                w=6,
                h=8,
                decimals=1,
                queries=[balance_now(Measure.IMPACT_AXIAL, runner, share="left leg", ends=("from", "to"))],
                none=NO_BALANCE,
            )
        ),
        lines(
            Frame(
                title="Stance",
                says="Mean ground contact time of clean running strides, by leg.",
                unit=look.UNITS["ms"],
                w=12,
                h=8,
                decimals=0,
                queries=legs("stance_ms", runner),
                styles=LEGS,
            )
        ),
        lines(
            Frame(
                title="Cadence",
                says="Steps per minute of clean running strides, both legs.",
                unit=look.UNITS["steps/min"],
                w=12,
                h=8,
                decimals=0,
                queries=[cadence(runner)],
                styles={"cadence": [coloured(look.INK)]},
            )
        ),
        figure(
            Frame(
                title="Lap",
                says="The lap of a track that is being run, from 1; some seconds late, and counted anew at the end.",
                unit=look.UNITS[""],
                w=6,
                h=8,
                decimals=0,
                queries=[lap(runner, fresh=True)],
                none="no track yet",
            )
        ),
        by_lap("impact_axial_g", runner, w=18, h=8),
    ]


def _verdict(title: str, measure: Measure, *, h: int) -> Builder[model.Panel]:
    return figure(
        Frame(
            title=title,
            says=f"Whether the legs differ, at the newest point of the 10 s grid; gone after {FRESH_S} s.",
            unit=look.TEXT,
            w=6,
            h=h,
            queries=[verdict_now(measure, "runner")],
            none="no fresh data",
            colours=look.VERDICT_COLOURS,
        ),
        fields="/verdict/",
    )


def squad() -> Panels:
    """All runners: who is off the own normal, whose data are stale."""
    fresh = Query(
        measurement=STRIDE,
        columns=(Column(field="stride_id", label=FRESH, function="count"),),
        chosen=("runner",),
        by=("runner",),
        fresh=True,
        table=True,
    )
    newest = Query(
        measurement=STRIDE,
        columns=(Column(field="stride_id", label="newest stride", function="last"),),
        chosen=("runner",),
        by=("runner",),
        table=True,
    )
    verdict = Query(
        measurement=SYMMETRY,
        columns=(
            Column(field="verdict", label="verdict now", function="last"),
            Column(field="reason", label="because"),
        ),
        chosen=("runner",),
        where=STANCE,
        by=("runner",),
        fresh=True,
        table=True,
    )
    share = Query(
        measurement=SYMMETRY,
        columns=(
            Column(field="balance_percent", label="left leg"),
            Column(field="balance_low_percent", label="from"),
            Column(field="balance_high_percent", label="to"),
        ),
        chosen=("runner",),
        where=STANCE,
        by=("runner",),
        fresh=True,
        newest=True,
        table=True,
    )
    mean = Query(
        measurement=STRIDE,
        columns=(Column(field="stance_ms", label="stance", function="mean"),),
        chosen=("runner",),
        where=CLEAN_RUN,
        by=("runner",),
        fresh=True,
        table=True,
    )
    percent = [style("unit", look.UNITS["%"]), style("decimals", 1)]
    stale = {"type": "special", "options": {"match": "null+nan", "result": {"text": "stale", "color": look.BAD}}}
    live_range = {"type": "range", "options": {"from": 1, "to": None, "result": {"text": "live", "color": look.GOOD}}}
    return [
        rows(
            Frame(
                title="Now",
                says=f"Every runner of the time range. Stale = no stride for {FRESH_S} s: no values are shown.",
                unit=look.UNITS[""],
                w=24,
                h=11,
                queries=[newest, fresh, verdict, share, mean],
                none="–",
                styles={
                    NEWEST: [style("unit", look.AGO)],
                    "data": [
                        style("mappings", [stale, live_range]),
                        style("custom.cellOptions", {"type": "color-background"}),
                        style("noValue", "stale"),
                    ],
                    "left leg": percent,
                    "from": percent,
                    "to": percent,
                    "stance": [style("unit", look.UNITS["ms"]), style("decimals", 0)],
                    "runner": [style("links", [LIVE_LINK, SEASON_LINK])],
                },
            ),
            changes=[
                reshape("organize", only="BCDE", excludeByName={"Time": True}),
                *joined(
                    "runner",
                    {"Time": NEWEST, FRESH: "data"},
                    STRIDE.name,
                    excludeByName={"newest stride": True},
                    indexByName={"runner": 0, FRESH: 1, "Time": 2, f"Time {STRIDE.name}": 2},
                ),
            ],
        ),
        rows(
            Frame(
                title="Off the own normal: the latest judged session",
                says="Symmetry of stance against the runner's own earlier sessions at one pace. Off = 1 is the edge "
                "of the band; sorted by it. Judged when a session has ended, by `evenstride baseline`'s rules.",
                unit=look.UNITS[""],
                w=24,
                h=11,
                back="90d",
                queries=[
                    Query(
                        measurement=BASELINE,
                        columns=(
                            Column(field="off", label="off", function="last"),
                            Column(field="verdict", label="verdict"),
                            Column(field="value", label="symmetry index"),
                            Column(field="low", label="from"),
                            Column(field="high", label="to"),
                            Column(field="runs", label="sessions behind it"),
                        ),
                        chosen=("runner",),
                        where={"measure": "stance_symmetry"},
                        by=("runner",),
                        table=True,
                    )
                ],
                none="–",
                styles={
                    "Time": [style("displayName", "session of"), style("unit", look.AGO)],
                    "off": [style("decimals", 2)],
                    "verdict": [style("mappings", CHANGE_WORDS)],
                    "symmetry index": percent,
                    "from": percent,
                    "to": percent,
                    "runner": [style("links", [SEASON_LINK])],
                },
            ),
            sort="off",
        ).thresholds(steps((None, look.EVEN), (1.0, look.WARN))),
    ]


def _link(title: str, uid: str) -> dict[str, object]:
    return {
        "title": title,
        "url": f"/d/{uid}?${{datasource:queryparam}}&var-runner=${{__data.fields.runner:percentencode}}",
    }


LIVE_LINK, SEASON_LINK = _link("Live", "evenstride-live"), _link("Season", "evenstride-season")
CHANGE_WORDS = [
    {
        "type": "value",
        "options": {word: {"text": word, "color": colour} for word, colour in look.CHANGE_COLOURS.items()},
    }
]
