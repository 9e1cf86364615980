"""What is read afterwards: one session, and a runner's season."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from evenstride_analysis.model import Doubt, Side
from evenstride_dashboards import look
from evenstride_dashboards.asks import BAND, EVEN_LINE, LEGS, ON_TRACK, balance, by_lap, by_surface, legs
from evenstride_dashboards.panels import (
    PALE,
    Frame,
    Styles,
    bars,
    coloured,
    figure,
    lines,
    reshape,
    rows,
    spread,
    states,
    style,
)
from evenstride_dashboards.queries import Column, Part, Query
from evenstride_dashboards.track import CHANGE_WORDS
from evenstride_gateway.sinks.schema import BASELINE, SESSION, STRIDE, SYMMETRY

Panels = list[Builder[model.Panel]]
DAY_MS = 86_400_000
ONE = ("runner", "session")
SESSION_LINK = {
    "title": "Session",
    "url": "/d/evenstride-session?${datasource:queryparam}&var-runner=${__data.fields.runner:percentencode}"
    "&var-session=${__data.fields.session:percentencode}"
    "&from=${__data.fields.Time.numeric}&to=${__data.fields.ended.numeric}",
}
# The measures that are followed from run to run: title, unit, colour, in the order of the page.
NORMALS: dict[str, tuple[str, str, str]] = {
    "stance_symmetry": ("Symmetry index of stance", "%", look.INK),
    "cadence": ("Cadence", "steps/min", look.INK),
    "stance_left": ("Stance left", "ms", look.LEFT),
    "stance_right": ("Stance right", "ms", look.RIGHT),
    "impact_left": ("Impact left", "g", look.LEFT),
    "impact_right": ("Impact right", "g", look.RIGHT),
}


def session() -> Panels:
    """One session: how it went, its first against its last third, and what is doubted."""
    return [
        figure(_counted("strides", "Strides", "Strides of both legs that are in force."), fields="/strides/"),
        figure(
            _counted("clean", "Clean strides", "Strides without any doubt; only these enter a verdict."),
            fields="/clean/",
        ),
        figure(
            Frame(
                title="Duration",
                says="Start to stop; 0 while it runs.",
                unit="dthms",
                w=6,
                h=4,
                queries=[
                    Query(
                        measurement=SESSION,
                        columns=(Column(field="duration_s", label="duration", function="last"),),
                        chosen=ONE,
                    )
                ],
            )
        ),
        figure(
            Frame(
                title="Laps begun",
                says="The number of the last lap of a track; nothing where no track was recognised.",
                unit=look.UNITS[""],
                w=6,
                h=4,
                decimals=0,
                none="no track",
                queries=[
                    Query(
                        measurement=STRIDE,
                        columns=(Column(field="lap", label="laps", function="max"),),
                        chosen=ONE,
                        above=ON_TRACK,
                    )
                ],
            )
        ),
        lines(
            Frame(
                title="Balance of stance with its 95 % interval",
                says="The left leg's share of ground contact time on the 10 s grid; 50 % is even.",
                unit=look.UNITS["%"],
                w=24,
                h=8,
                decimals=1,
                queries=balance(*ONE),
                styles=BAND,
            ),
            levels=EVEN_LINE,
        ),
        states(
            Frame(
                title="Verdicts",
                says="What could be said at each point of the 10 s grid, for stance and for impact.",
                unit=look.TEXT,
                w=24,
                h=5,
                queries=[
                    Query(
                        measurement=SYMMETRY,
                        columns=(Column(field="verdict", label="verdict"),),
                        chosen=ONE,
                        by=("measure",),
                        alias="$tag_measure",
                    )
                ],
                colours=look.VERDICT_COLOURS,
            )
        ),
        by_surface("Stance", "stance_ms", "ms", *ONE),
        by_surface("Impact", "impact_g", "g", *ONE),
        *_thirds(),
        by_lap("impact_g", *ONE, w=24, h=9),
        *(
            lines(
                Frame(
                    title=title,
                    says=f"{title}: mean of clean running strides, by leg.",
                    unit=look.UNITS[unit],
                    w=12,
                    h=8,
                    decimals=1,
                    queries=legs(field, *ONE),
                    styles=LEGS,
                )
            )
            for title, field, unit in (("Stance", "stance_ms", "ms"), ("Impact", "impact_g", "g"))
        ),
        *(
            spread(
                Frame(
                    title=title,
                    says=f"{title} of every clean running stride: how often each value occurs, by leg.",
                    unit=look.UNITS[unit],
                    w=12,
                    h=8,
                    queries=legs(field, *ONE, function="", every=False),
                    styles=LEGS,
                ),
                bucket=bucket,
            )
            for title, field, unit, bucket in (
                ("Spread of stance", "stance_ms", "ms", 5),
                ("Spread of impact", "impact_g", "g", 1),
            )
        ),
        bars(
            Frame(
                title="Doubts",
                says="How many strides carry each doubt; one stride can carry several. They are kept, not judged.",
                unit=look.UNITS[""],
                w=24,
                h=8,
                none="none",
                queries=[
                    Query(
                        measurement=STRIDE,
                        columns=(Column(field="stride_id", label=name, function="count"),),
                        chosen=ONE,
                        matches={"doubt": rf"\b{name}\b"},
                        alias=name.replace("_", " "),
                    )
                    for name in (~Doubt(0)).names
                ],
            )
        ),
    ]


def _counted(field: str, title: str, says: str) -> Frame:
    column = Column(field=field, label=field, function="last")
    return Frame(
        title=title,
        says=says,
        unit=look.UNITS[""],
        w=6,
        h=4,
        queries=[Query(measurement=SESSION, columns=(column,), chosen=ONE)],
    )


def _thirds() -> Panels:
    said = "of the shown time: the table of sessions in Season opens a session with its own start and end."
    return [
        figure(
            Frame(
                title=f"{title}, first against last third",
                says=f"Means of clean running strides by leg, in the first and in the last third {said}",
                unit=look.UNITS[unit],
                w=12,
                h=5,
                decimals=1,
                queries=[query for part in Part for query in legs(field, *ONE, every=False, part=part)],
                styles={f"{side.value}, {part.name.lower()} third": LEGS[side.value] for side in Side for part in Part},
            )
        )
        for title, field, unit in (("Stance", "stance_ms", "ms"), ("Impact", "impact_g", "g"))
    ]


def season() -> Panels:
    """A runner's sessions against the own normal."""
    trends: Panels = [
        lines(
            Frame(
                title=title,
                says=f"{title} of each session (points), with the band where it was expected from the runner's "
                "earlier sessions at the same pace.",
                unit=look.UNITS[unit],
                w=24 if measure == "stance_symmetry" else 12,
                h=8,
                decimals=1,
                queries=_against_band(measure),
                styles=_band_styles(colour),
            ),
            points=True,
            gap_ms=28 * DAY_MS,
        )
        for measure, (title, unit, colour) in NORMALS.items()
        if measure != "cadence"
    ]
    title, unit, colour = NORMALS["cadence"]
    cadence = lines(
        Frame(
            title=title,
            says="Steps per minute of each session (points), with the band where it was expected.",
            unit=look.UNITS[unit],
            w=24,
            h=7,
            decimals=0,
            queries=_against_band("cadence"),
            styles=_band_styles(colour),
        ),
        points=True,
        gap_ms=28 * DAY_MS,
    )
    return [*trends, cadence, _by_shoes(), _judged(), _sessions()]


def _by_shoes() -> Builder[model.Panel]:
    return lines(
        Frame(
            title="Symmetry index of stance by shoes",
            says="The same sessions, one series for each pair of shoes that was entered.",
            unit=look.UNITS["%"],
            w=24,
            h=8,
            decimals=1,
            none="no shoes were entered",
            queries=[
                Query(
                    measurement=BASELINE,
                    columns=(Column(field="value", label="session"), Column(field="shoes", label="shoes")),
                    chosen=("runner",),
                    where={"measure": "stance_symmetry"},
                    matches={"shoes": "."},
                    table=True,
                )
            ],
        ),
        points=True,
        gap_ms=28 * DAY_MS,
        changes=[reshape("partitionByValues", fields=["shoes"], keepFields=False, naming={"asLabels": True})],
    )


def _against_band(measure: str) -> list[Query]:
    return [
        Query(
            measurement=BASELINE,
            columns=(Column(field=field, label=label),),
            chosen=("runner",),
            where={"measure": measure},
            alias=label,
        )
        for field, label in (("value", "session"), ("low", "low"), ("centre", "own normal"), ("high", "high"))
    ]


def _band_styles(colour: str) -> Styles:
    return {
        "session": [coloured(colour)],
        "own normal": [coloured(look.EVEN), style("custom.lineStyle", {"fill": "dash", "dash": [6, 6]})],
        "low": BAND["low"],
        "high": [*BAND["high"][:3], style("custom.fillOpacity", PALE), BAND["high"][4]],
    }


def _judged() -> Builder[model.Panel]:
    return rows(
        Frame(
            title="Verdicts against the own normal",
            says="What was said of the symmetry of stance of each session, on how many earlier ones, in which shoes.",
            unit=look.UNITS[""],
            w=24,
            h=9,
            none="–",
            queries=[
                Query(
                    measurement=BASELINE,
                    columns=tuple(Column(field=name, label=name) for name in ("verdict", "reason", "runs", "shoes")),
                    chosen=("runner",),
                    where={"measure": "stance_symmetry"},
                    by=("runner", "session"),
                    table=True,
                )
            ],
            styles={"verdict": [style("mappings", CHANGE_WORDS)]},
        ),
        sort="Time",
        changes=[reshape("merge")],
    )


def _sessions() -> Builder[model.Panel]:
    return rows(
        Frame(
            title="Sessions",
            says="Every session; a click on its id opens it with its own time range.",
            unit=look.UNITS[""],
            w=24,
            h=10,
            none="–",
            queries=[
                Query(
                    measurement=SESSION,
                    columns=tuple(
                        Column(field=name, label=label)
                        for name, label in (
                            ("duration_s", "duration"),
                            ("ended_ms", "ended"),
                            ("strides", "strides"),
                            ("clean", "clean"),
                        )
                    ),
                    chosen=("runner",),
                    by=("runner", "session"),
                    table=True,
                )
            ],
            styles={
                "session": [style("links", [SESSION_LINK])],
                "duration": [style("unit", "dthms")],
                "ended": [style("unit", "dateTimeAsIso")],
            },
        ),
        sort="Time",
        changes=[reshape("merge")],
    )
