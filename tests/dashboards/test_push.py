"""`evenstride stack grafana` against a stand-in for Grafana: what it writes, what it leaves alone, what it says."""

import json
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from support.standin_grafana import TOKEN, StandIn, stand_in_grafana

from evenstride_dashboards.build import BOARDS
from evenstride_gateway.cli import invoke
from evenstride_gateway.grafana import FOLDER_UID, SOURCE_UID, InfluxSource, alert_rules, dashboards, push

READ_TOKEN = "influx-reads-only-0123456789"
V2 = InfluxSource(url="http://influxdb:8086", version="2", bucket="evenstride", secret=READ_TOKEN)
RULES = ("evenstride-pod-silent", "evenstride-battery-low", "evenstride-own-normal")


@pytest.fixture
def grafana() -> Generator[StandIn]:
    with stand_in_grafana() as known:
        yield known
        assert known.unexpected == []


def without_versions(state: dict[str, Any]) -> dict[str, Any]:
    for source in state["sources"].values():
        source.pop("version")
    return state


def test_an_empty_grafana_gets_everything(grafana: StandIn) -> None:
    done = push(grafana.url, TOKEN, V2)
    assert not done.changed
    assert not done.kept
    assert len(done.made) == 1 + 1 + len(BOARDS) + len(RULES)
    source = grafana.sources[SOURCE_UID]
    assert (source["type"], source["access"], source["url"]) == ("influxdb", "proxy", "http://influxdb:8086")
    assert source["jsonData"] == {"dbName": "evenstride", "httpMode": "POST", "httpHeaderName1": "Authorization"}
    assert grafana.secrets[SOURCE_UID] == {"httpHeaderValue1": f"Token {READ_TOKEN}"}
    assert READ_TOKEN not in json.dumps(grafana.state())
    assert grafana.folders[FOLDER_UID]["title"] == "evenstride"
    assert {held["dashboard"]["uid"] for held in grafana.dashboards.values()} == {board.uid for board in BOARDS}
    for page in dashboards():
        held = grafana.dashboards[page["uid"]]
        assert held["meta"]["folderUid"] == FOLDER_UID
        assert {key: held["dashboard"][key] for key in page if key not in ("id", "version")} == {
            key: value for key, value in page.items() if key not in ("id", "version")
        }
    assert set(grafana.rules) == set(RULES) == {rule["uid"] for rule in alert_rules()}
    assert {rule["folderUID"] for rule in grafana.rules.values()} == {FOLDER_UID}
    assert {query["datasourceUid"] for rule in grafana.rules.values() for query in rule["data"]} == {
        SOURCE_UID,
        "__expr__",
    }


def test_a_second_time_changes_nothing(grafana: StandIn) -> None:
    push(grafana.url, TOKEN, V2)
    before = without_versions(grafana.state())
    asked = len(grafana.asked)
    done = push(grafana.url, TOKEN, V2)
    assert (done.made, done.changed) == ([], [])
    assert len(done.kept) == 1 + 1 + len(BOARDS) + len(RULES)
    assert without_versions(grafana.state()) == before
    writes = [one for one in grafana.asked[asked:] if one[0] != "GET"]
    assert writes == [("PUT", f"/api/datasources/uid/{SOURCE_UID}")]  # its secret cannot be read, only written


def test_what_was_changed_comes_back_under_the_names_it_has(grafana: StandIn) -> None:
    push(grafana.url, TOKEN, V2)
    grafana.sources[SOURCE_UID] |= {"name": "Track", "isDefault": True, "url": "http://old:8086"}
    grafana.sources[SOURCE_UID]["jsonData"]["timeInterval"] = "5s"
    grafana.folders[FOLDER_UID]["title"] = "Athletics"
    grafana.folders["coaches"] = {"uid": "coaches", "title": "Coaches"}
    live = grafana.dashboards["evenstride-live"]
    live["dashboard"] |= {"title": "Now", "panels": live["dashboard"]["panels"][:2]}
    live["meta"]["folderUid"] = "coaches"
    rule = grafana.rules["evenstride-battery-low"]
    rule |= {"title": "Charge!", "isPaused": True, "folderUID": "coaches", "ruleGroup": "mine", "for": "9m"}
    done = push(grafana.url, TOKEN, V2)
    assert done.made == []
    assert done.changed == ["data source Track", "dashboard Now", "alert rule Charge!"]
    source = grafana.sources[SOURCE_UID]
    assert (source["name"], source["isDefault"], source["url"]) == ("Track", True, "http://influxdb:8086")
    assert source["jsonData"]["timeInterval"] == "5s"
    assert "folder Athletics" in done.kept
    live = grafana.dashboards["evenstride-live"]
    assert (live["dashboard"]["title"], live["meta"]["folderUid"]) == ("Now", "coaches")
    assert live["dashboard"]["version"] == 2
    assert len(live["dashboard"]["panels"]) > 2
    rule = grafana.rules["evenstride-battery-low"]
    assert (rule["title"], rule["isPaused"], rule["folderUID"], rule["ruleGroup"]) == (
        "Charge!",
        True,
        "coaches",
        "mine",
    )
    assert rule["for"] != "9m"
    assert push(grafana.url, TOKEN, V2).changed == []


def test_nothing_foreign_is_touched(grafana: StandIn) -> None:
    grafana.titles_once = True
    grafana.folders["theirs"] = {"uid": "theirs", "title": "evenstride", "id": 1}
    grafana.sources["theirs"] = {"uid": "theirs", "name": "evenstride", "type": "mysql", "id": 1}
    page = {"uid": "evenstride-squad", "title": "Our squad", "tags": ["football"], "id": 7, "version": 3}
    grafana.dashboards["evenstride-squad"] = {"dashboard": page, "meta": {"folderUid": "theirs"}}
    grafana.dashboards["other"] = {"dashboard": {"uid": "other", "title": "Live track"}, "meta": {}}
    grafana.rules["evenstride-pod-silent"] = {"uid": "evenstride-pod-silent", "title": "Doorbell", "labels": None}
    before = grafana.state()
    done = push(grafana.url, TOKEN, V2)
    after = grafana.state()
    for kind, uid in (("sources", "theirs"), ("folders", "theirs"), ("dashboards", "other")):
        assert after[kind][uid] == before[kind][uid]
    assert after["dashboards"]["evenstride-squad"] == before["dashboards"]["evenstride-squad"]
    assert after["rules"]["evenstride-pod-silent"] == before["rules"]["evenstride-pod-silent"]
    assert {"data source evenstride 2", "folder evenstride 2"} <= set(done.made)
    assert [line for line in done.kept if "not ours" in line] == [
        "dashboard Our squad: has our uid evenstride-squad without our tag, so it is not ours",
        "alert rule Doorbell: has our uid evenstride-pod-silent without our label, so it is not ours",
    ]
    assert done.changed == []


def test_what_came_from_files_is_kept(grafana: StandIn) -> None:
    push(grafana.url, TOKEN, V2)
    grafana.sources[SOURCE_UID] |= {"readOnly": True, "url": "http://file:8086"}
    for held in grafana.dashboards.values():
        held["meta"]["provisioned"] = True
        held["dashboard"]["panels"] = []
    for rule in grafana.rules.values():
        rule |= {"provenance": "file", "for": "1h"}
    before, asked = grafana.state(), len(grafana.writes())
    done = push(grafana.url, TOKEN, V2)
    assert grafana.state() == before
    assert len(grafana.writes()) == asked
    assert len([line for line in done.kept if line.endswith("provisioned from a file")]) == 1 + len(BOARDS) + len(RULES)


def test_a_data_source_of_another_kind_under_our_uid_is_said(grafana: StandIn) -> None:
    grafana.sources[SOURCE_UID] = {"uid": SOURCE_UID, "name": "theirs", "type": "prometheus", "id": 1}
    with pytest.raises(Exception, match="is of type prometheus: not touched"):
        push(grafana.url, TOKEN, V2)
    assert grafana.writes() == []


def test_influxdb_1_reads_with_user_and_password(grafana: StandIn) -> None:
    push(grafana.url, TOKEN, InfluxSource(url="http://db:8086", version="1", bucket="run", user="viewer", secret="pw1"))
    assert grafana.sources[SOURCE_UID]["user"] == "viewer"
    assert grafana.sources[SOURCE_UID]["jsonData"] == {"dbName": "run", "httpMode": "POST"}
    assert grafana.secrets[SOURCE_UID] == {"password": "pw1"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_grafana_behind_a_proxy_has_a_path(slash: str) -> None:
    with stand_in_grafana(prefix="/track/grafana") as known:
        assert push(known.url + slash, TOKEN, V2).made
        assert known.unexpected == []


# --- the command ------------------------------------------------------------------------------------------------------


def told(capsys: pytest.CaptureFixture[str], folder: Path, url: str, *more: str, token: str = TOKEN) -> tuple[int, str]:
    """Exit code and output of `evenstride stack grafana`; the secrets must not be in it."""
    (folder / "token").write_text(token + "\n")
    (folder / "reads").write_text(READ_TOKEN + "\n")
    files = ["--token-file", str(folder / "token"), "--influx-token-file", str(folder / "reads")]
    code = invoke(["stack", "grafana", "--url", url, *files, *more])
    said = capsys.readouterr()
    everything = said.out + said.err
    assert token not in everything
    assert READ_TOKEN not in everything
    return code, everything


def test_the_command_tells_what_it_did(grafana: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(capsys, tmp_path, grafana.url)
    assert code == 0
    assert said.splitlines()[0] == "made    data source evenstride"
    assert "made    dashboard Live track" in said
    assert "made    alert rule A pod is silent" in said
    code, said = told(capsys, tmp_path, grafana.url, "--json")
    assert code == 0
    assert json.loads(said)["changed"] == []
    code, said = told(capsys, tmp_path, grafana.url, "--verbose")
    assert code == 0
    assert {line.split()[0] for line in said.splitlines()} == {"kept"}


@pytest.mark.parametrize(
    ("failing", "wanted"),
    [
        ((500, "application/json", '{"message": "database is locked"}'), "cannot be used now: Server Error 500"),
        ((503, "text/plain", "upstream\nis away"), "cannot be used now: Server Error 503: upstream is away"),
        ((403, "application/json", '{"message": "Access denied"}'), "refuses the token (403)"),
        ((400, "application/json", '{"message": "bad request data"}'), "refuses: "),
        ((200, "text/html", "<html>a router</html>"), "no Grafana"),
        ((200, "application/json", "{cut off"), "cannot be used now"),
        ((200, "application/json", "[]"), "no Grafana"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(
    failing: tuple[int, str, str],
    wanted: str,
    grafana: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    grafana.failing = failing
    code, said = told(capsys, tmp_path, grafana.url)
    assert code != 0
    assert wanted in said
    assert len(said.splitlines()) == 1


def test_a_wrong_token_is_told(grafana: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(capsys, tmp_path, grafana.url, token="glsa_wrong_987654321")
    assert code == 4
    assert "refuses the token (401)" in said
    assert "service account" in said
    assert len(said.splitlines()) == 1
    assert grafana.writes() == []


def test_an_absent_grafana_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evenstride_gateway.grafana.TIMEOUT_S", 0.2)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused
        code, said = told(capsys, tmp_path, f"http://127.0.0.1:{held.getsockname()[1]}")
        assert code != 0
        assert "cannot be reached" in said
        assert len(said.splitlines()) == 1
        held.listen()
        code, said = told(capsys, tmp_path, f"https://127.0.0.1:{held.getsockname()[1]}")  # accepts and stalls
    assert code != 0
    assert "does not answer" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("127.0.0.1:3000", "http://HOST:PORT"),
        ("ftp://grafana", "http://HOST:PORT"),
        ("http://coach:secret@grafana:3000", "without user and password"),
    ],
)
def test_an_address_that_is_none_is_told(
    url: str, wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, tmp_path, url)
    assert (code, wanted in said, len(said.splitlines())) == (4, True, 1)
    assert "secret" not in said


@pytest.mark.parametrize("token", ["", "two\nlines", "tökén", "x" * 5000])
def test_a_token_file_holds_one_line(token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text(token, encoding="utf-8")
    (tmp_path / "reads").write_text(READ_TOKEN)
    files = ["--token-file", str(tmp_path / "token"), "--influx-token-file", str(tmp_path / "reads")]
    assert invoke(["stack", "grafana", *files]) == 4
    said = capsys.readouterr().err
    assert "one line with the secret was expected" in said
    assert invoke(["stack", "grafana", "--token-file", str(tmp_path / "none"), *files[2:]]) == 4
    assert "cannot be read" in capsys.readouterr().err
    assert invoke(["stack", "grafana", *files[:2]]) == 4
    assert "--influx-token-file is needed" in capsys.readouterr().err
