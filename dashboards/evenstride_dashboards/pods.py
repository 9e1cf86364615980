"""What the one who looks after the machinery reads: radio, battery, clock, what is missing."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from evenstride_dashboards import look
from evenstride_dashboards.panels import Frame, lines, reshape, rows, states, steps, style
from evenstride_dashboards.queries import Column, Query
from evenstride_gateway.sinks.schema import GAP, POD, SINK

LOW_PERCENT = 20.0  # as on the live page


def pods() -> list[Builder[model.Panel]]:
    """Every pod by its id; where a curve ends the gateway was not told."""
    low = steps((None, look.BAD), (LOW_PERCENT, look.GOOD))
    return [
        states(
            Frame(
                title="Radio link",
                says="What the link to each pod does: seen, connecting, checking, streaming or lost.",
                unit=look.TEXT,
                w=24,
                h=6,
                queries=[_of("state", function="", every=False)],
                colours=look.LINK_COLOURS,
            )
        ),
        _curve(
            "Radio strength", "rssi_dbm", "dBm", "Received strength of each pod's radio; below -90 dBm it gets thin."
        ),
        lines(
            Frame(
                title="Battery",
                says=f"Charge of each pod's battery; low below {LOW_PERCENT:.0f} %.",
                unit=look.UNITS["%"],
                w=12,
                h=8,
                decimals=0,
                queries=[_of("battery_percent", function="last")],
            ),
            levels=low,
        )
        .min(0)
        .max(100),
        _curve(
            "Age of the data", "data_age_s", "s", "How old the newest data of each pod were when the gateway looked."
        ),
        _curve("Clock bound", "clock_bound_ms", "ms", "How far each pod's time may be off; from 10 ms no flight time."),
        *(
            lines(
                Frame(
                    title=title,
                    says=says,
                    unit=look.UNITS[""],
                    w=8,
                    h=7,
                    decimals=0,
                    queries=[_of(field, function="max")],
                )
            )
            for title, field, says in (
                ("Dropped by the pod", "missing_pod", "Samples that the pod itself dropped in the present recording."),
                ("Lost by the host", "missing_host", "Samples that the gateway lost in the present recording."),
                ("Came later", "backfilled", "Samples that came later, from the pod's log."),
            )
        ),
        rows(
            Frame(
                title="Gaps by session",
                says="What is missing of each pod in each session, after everything that came later was merged.",
                unit=look.UNITS[""],
                w=24,
                h=8,
                none="–",
                queries=[
                    Query(
                        measurement=GAP,
                        columns=(
                            Column(field="gaps", label="gaps"),
                            Column(field="missing_pod", label="dropped by the pod"),
                            Column(field="missing_host", label="lost by the host"),
                        ),
                        chosen=("pod",),
                        by=("session", "runner", "pod"),
                        table=True,
                    )
                ],
                styles={"gaps": [style("custom.align", "right")]},
            ),
            sort="Time",
            changes=[reshape("merge")],
        ),
        _of_sinks(
            "How far the sinks are behind",
            "behind",
            "Changes of the store that wait for InfluxDB or MQTT, by gateway: nothing is lost, they come later. While "
            "InfluxDB itself is away nothing is drawn; the gateway's own page shows it then.",
        ),
        _of_sinks(
            "Refused for good",
            "refused",
            "Points or messages that a server will never take, since the gateway started: `evenstride stack parked` "
            "tells why.",
        ),
    ]


def _of(field: str, *, function: str, every: bool = True) -> Query:
    return Query(
        measurement=POD,
        columns=(Column(field=field, label=field, function=function),),
        chosen=("pod",),
        by=("pod",),
        every=every,
        alias="$tag_pod",
    )


def _of_sinks(title: str, field: str, says: str) -> Builder[model.Panel]:
    query = Query(
        measurement=SINK,
        columns=(Column(field=field, label=field, function="max"),),
        by=("gateway", "sink"),
        every=True,
        alias="$tag_gateway: $tag_sink",
    )
    return lines(Frame(title=title, says=says, unit=look.UNITS[""], w=12, h=7, decimals=0, queries=[query]))


def _curve(title: str, field: str, unit: str, says: str) -> Builder[model.Panel]:
    return lines(
        Frame(
            title=title, says=says, unit=look.UNITS[unit], w=12, h=8, decimals=0, queries=[_of(field, function="max")]
        )
    )
