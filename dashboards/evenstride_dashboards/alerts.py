"""Alert rules: a pod fell silent, a battery is low, a runner has changed against the own normal."""

from typing import Literal

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.models import alerting as model
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from evenstride_dashboards.pods import LOW_PERCENT
from evenstride_dashboards.queries import Column, InfluxTarget, Query
from evenstride_gateway.sinks.schema import BASELINE, POD

FOLDER_UID = "evenstride"
SOURCE_UID = "evenstride-influx"
Compare = Literal["gt", "lt", "within_range"]
GROUP = "evenstride"
FOLDER = "evenstride alerts"  # of the rules that come from a file: a folder of their own, with its own uid
EVERY_S = 30
SILENT_S, GIVEN_UP_S = 15.0, 600.0
_DAY_S = 86_400
VALUE = '{{ printf "%.0f" .Values.B.Value }}'

SILENT = Query(
    measurement=POD,
    columns=(Column(field="data_age_s", label="data_age_s", function="last"),),
    by=("pod",),
)
BATTERY = Query(
    measurement=POD,
    columns=(Column(field="battery_percent", label="battery_percent", function="last"),),
    by=("pod",),
)
CHANGED = Query(
    measurement=BASELINE,
    columns=(Column(field="off", label="off", function="last"),),
    where={"measure": "stance_symmetry", "verdict": "changed"},
    by=("runner", "session"),
)


def rules() -> list[model.Rule]:
    """The rules with their stable uids, as Grafana's provisioning API takes them."""
    return [
        _rule(
            "pod-silent",
            "A pod is silent",
            SILENT,
            seconds=60,
            when=("within_range", [SILENT_S, GIVEN_UP_S]),
            lasts="0s",
            says=f"No data of pod {{{{ .Labels.pod }}}} for {VALUE} s: look at its light and its distance.",
            board="evenstride-pods",
            panel=4,
        ),
        _rule(
            "battery-low",
            "A pod's battery is low",
            BATTERY,
            seconds=120,
            when=("lt", [LOW_PERCENT]),
            lasts="1m",
            says=f"Pod {{{{ .Labels.pod }}}} has {VALUE} % left: charge it before the next run.",
            board="evenstride-pods",
            panel=3,
        ),
        _rule(
            "own-normal",
            "A runner has changed against the own normal",
            CHANGED,
            seconds=_DAY_S,
            when=("gt", [0.0]),
            lasts="0s",
            says="Session {{ .Labels.session }} of {{ .Labels.runner }}: the symmetry of stance lies outside the band "
            "of the runner's own sessions, beyond the error of measurement. That is a change, not an injury.",
            board="evenstride-season",
            panel=1,
        ),
    ]


def file() -> dict[str, object]:
    """The rules as Grafana's file provisioning takes them; texts hold no `$`, a variable there."""
    found: list[dict[str, object]] = []
    for rule in rules():
        held = {key: value for key, value in rule.to_json().items() if key not in ("orgID", "folderUID", "ruleGroup")}
        notes = rule.annotations or {}
        where = {"dashboardUid": notes["__dashboardUid__"], "panelId": int(notes["__panelId__"])}
        found.append(held | where)
    group = {"orgId": 1, "name": GROUP, "folder": FOLDER, "interval": f"{EVERY_S}s", "rules": found}
    return {"apiVersion": 1, "groups": [group]}


def _rule(
    name: str,
    title: str,
    query: Query,
    *,
    seconds: int,
    when: tuple[Compare, list[float]],
    lasts: str,
    says: str,
    board: str,
    panel: int,
) -> model.Rule:
    expression = DataSourceRef(type_val="__expr__", uid="__expr__")
    source = DataSourceRef(type_val="influxdb", uid=SOURCE_UID)
    window = model.RelativeTimeRange(from_val=seconds, to=0)
    compare, limits = when
    reduce = expr.TypeReduce().ref_id("B").datasource(expression).expression("A").reducer("last")
    threshold = (
        expr.TypeThreshold()
        .ref_id("C")
        .datasource(expression)
        .expression("B")
        .conditions(
            [
                expr.ExprTypeThresholdConditions().evaluator(
                    expr.ExprTypeThresholdConditionsEvaluator().type(compare).params(limits)
                )
            ]
        )
    )
    return (
        alerting.Rule(title)
        .uid(f"evenstride-{name}")
        .folder_uid(FOLDER_UID)
        .rule_group(GROUP)
        .org_id(1)
        .condition("C")
        .with_query(
            alerting.Query("A")
            .datasource_uid(SOURCE_UID)
            .relative_time_range(window)
            .model(InfluxTarget(query, "A", source))
        )
        .with_query(alerting.Query("B").datasource_uid("__expr__").relative_time_range(window).model(reduce))
        .with_query(alerting.Query("C").datasource_uid("__expr__").relative_time_range(window).model(threshold))
        .for_val(lasts)
        .no_data_state("OK")
        .exec_err_state("Error")
        .annotations({"summary": says, "__dashboardUid__": board, "__panelId__": str(panel)})
        .labels({"app": "evenstride"})
        .build()
    )
