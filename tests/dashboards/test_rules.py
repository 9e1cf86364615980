"""Rules of our own for dashboards: said once, checked on every generated file."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models import units

from evenstride_dashboards import look
from evenstride_dashboards.alerts import rules
from evenstride_dashboards.build import ALERTS, BOARDS, GENERATED, files, stale, write
from evenstride_dashboards.queries import Column, Query
from evenstride_gateway.sinks.schema import STRIDE

NAMES = [f"dashboards/{board.uid}.json" for board in BOARDS]
KINDS = {"bargauge", "histogram", "stat", "state-timeline", "table", "timeseries"}  # all part of Grafana 11 and 12
UNITS = {getattr(units, name) for name in dir(units) if not name.startswith("_")} | {"dateTimeFromNow"}
SOURCE = {"type": "influxdb", "uid": "${datasource}"}


def page(name: str) -> dict[str, Any]:
    return json.loads((GENERATED / name).read_text(encoding="utf-8"))


def panels(name: str) -> list[dict[str, Any]]:
    return page(name)["panels"]


def test_what_is_committed_is_what_the_source_says(tmp_path: Path) -> None:
    assert stale() == [], "run: python -m evenstride_dashboards"
    assert sorted(write(tmp_path)) == sorted(files())
    (tmp_path / NAMES[0]).write_text("{}")
    (tmp_path / "foreign.json").write_text("{}")
    assert stale(tmp_path) == sorted([NAMES[0], "foreign.json"])
    assert write(tmp_path) == sorted([NAMES[0], "foreign.json"])
    assert stale(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_is(name: str) -> None:
    for panel in panels(name):
        assert panel["title"], panel
        assert panel["description"], panel["title"]
        assert panel["type"] in KINDS, panel["title"]
        other = [
            p["value"] for one in panel["fieldConfig"]["overrides"] for p in one["properties"] if p["id"] == "unit"
        ]
        for unit in [panel["fieldConfig"]["defaults"]["unit"], *other]:
            assert unit in UNITS or re.fullmatch(r"suffix:\S+", unit), f"{panel['title']}: {unit!r}"
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
        assert panel["datasource"] == SOURCE, panel["title"]
        assert panel["targets"], panel["title"]
        assert [target["datasource"] for target in panel["targets"]] == [SOURCE] * len(panel["targets"])
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_lies_on_another(name: str) -> None:
    places = [panel["gridPos"] for panel in panels(name)]
    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        assert place["w"] >= 6  # the narrowest that is readable on a laptop; a phone gives each the whole width
    for a, b in combinations(places, 2):
        apart_x = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart_y = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart_x or apart_y, (a, b)
    ids = [panel["id"] for panel in panels(name)]
    assert len(set(ids)) == len(ids)


def texts(name: str) -> list[str]:
    """Every query of a dashboard: panels, variables, annotations."""
    held = page(name)
    found = [target["query"] for panel in held["panels"] for target in panel.get("targets", ())]
    found += [one["query"] for one in held["templating"]["list"] if one["type"] == "query"]
    return found + [one["query"] for one in held["annotations"]["list"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_query_is_bounded_and_skips_what_was_withdrawn(name: str) -> None:
    for text in texts(name):
        assert "WHERE $timeFilter" in text, text
        if not re.search('"(pod|sink)" WHERE', text):  # states of a moment are never withdrawn
            assert '"retired" = false' in text, text
        variables = {one["name"] for one in page(name)["templating"]["list"]}
        used = set(re.findall(r"\$\{(\w+):regex\}", text))
        assert used <= variables, text


def test_alert_queries_are_bounded_and_uids_are_stable() -> None:
    held = json.loads((GENERATED / ALERTS).read_text(encoding="utf-8"))["groups"][0]
    assert [rule["uid"] for rule in held["rules"]] == [
        "evenstride-pod-silent",
        "evenstride-battery-low",
        "evenstride-own-normal",
    ]
    for rule in held["rules"]:
        assert "$timeFilter" in rule["data"][0]["model"]["query"]
        assert [part["refId"] for part in rule["data"]] == ["A", "B", "C"]
        assert rule["condition"] == "C"
        assert rule["noDataState"] == "OK"  # no pods is no alarm
        assert "$" not in json.dumps(rule["annotations"])  # file provisioning would take it for a variable
        assert (rule["dashboardUid"], str(rule["panelId"])) == (
            rule["annotations"]["__dashboardUid__"],
            rule["annotations"]["__panelId__"],
        )
        linked = {panel["id"]: panel for panel in panels(f"dashboards/{rule['dashboardUid']}.json")}[rule["panelId"]]
        asked = json.dumps(linked["targets"])
        subject = {"evenstride-pod-silent": "data_age_s", "evenstride-battery-low": "battery_percent"}
        assert subject.get(rule["uid"], "stance_symmetry") in asked
    assert len(rules()) == 3


def test_uids_and_links_hold_together() -> None:
    uids = [board.uid for board in BOARDS]
    assert uids == ["evenstride-live", "evenstride-squad", "evenstride-session", "evenstride-season", "evenstride-pods"]
    for name in NAMES:
        text = (GENERATED / name).read_text(encoding="utf-8")
        assert set(re.findall(r"/d/([\w-]+)", text)) <= set(uids)
        assert page(name)["links"][0]["type"] == "dashboards"
        assert page(name)["tags"] == ["evenstride"]
        assert page(name)["templating"]["list"][0]["name"] == "datasource"


def test_colours_are_those_of_the_live_page() -> None:
    style = Path(__file__).parents[2] / "gateway/evenstride_gateway/web/static/style.css"
    css = style.read_text(encoding="utf-8")
    for colour in look.COLOURS:
        assert colour in css, colour
    for name in NAMES:
        used = set(re.findall(r"#[0-9a-f]{6}", (GENERATED / name).read_text(encoding="utf-8")))
        assert used <= set(look.COLOURS), name


@pytest.mark.parametrize("name", NAMES)
def test_no_series_takes_a_colour_of_grafanas_own(name: str) -> None:
    """Named series have the live page's colours; those of pods, shoes and sessions differ in lightness alone."""
    for panel in panels(name):
        if panel["type"] not in ("timeseries", "histogram"):
            continue
        held = panel["fieldConfig"]
        fixed = {
            one["matcher"]["options"] for one in held["overrides"] for p in one["properties"] if p["id"] == "color"
        }
        names = {target.get("alias", "") for target in panel["targets"]}
        assert names <= fixed or held["defaults"]["color"]["mode"] == "shades", panel["title"]


def test_a_name_that_the_schema_does_not_know_fails_the_build() -> None:
    with pytest.raises(KeyError, match="no field stance_s"):
        Query(measurement=STRIDE, columns=(Column(field="stance_s", label="stance"),))
    with pytest.raises(KeyError, match="no tag side"):
        Query(measurement=STRIDE, columns=(Column(field="stance_ms", label="stance"),), by=("side",))
    with pytest.raises(ValueError, match="one flag"):
        Query(measurement=STRIDE, columns=(Column(field="stance_ms", label="stance"),), newest=True)


def test_live_every_measure_of_both_legs_has_its_verdict_and_interval() -> None:
    held = [target["query"] for panel in panels(NAMES[0]) for target in panel["targets"]]
    for field, measure in (("stance_ms", "stance"), ("impact_axial_g", "impact_axial")):
        assert any(f'mean("{field}")' in text for text in held)
        of = [text for text in held if f"\"measure\" = '{measure}'" in text and "now() - " in text]
        assert any('last("verdict")' in text for text in of)
        for end in ("low", "high"):
            assert any(f'"balance_{end}_percent"' in text for text in of)


@pytest.mark.parametrize("name", NAMES)
def test_a_balance_of_now_follows_the_newest_point(name: str) -> None:
    for text in texts(name):
        if '"balance_percent"' in text and "now() - " in text:
            assert 'SELECT last("known") AS "known", "balance_percent"' in text


def test_no_word_predicts_an_injury() -> None:
    for text in files().values():
        assert "risk" not in text
