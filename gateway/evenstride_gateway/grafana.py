"""Hands data source, folder, dashboards and alert rules to a running Grafana.

Only things with our own uids are written. What is there keeps its name and its place; what was provisioned from files,
or carries our uid without being ours, is left alone. Doing it twice changes nothing the second time.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaTimeoutError
from niquests.exceptions import ConnectionError, RequestException, SSLError  # noqa: A004 - the library's names

from evenstride_gateway.errors import ConfigError, SinkError

FOLDER_UID, FOLDER_TITLE = "evenstride", "evenstride"
SOURCE_UID, SOURCE_NAME = "evenstride-influx", "evenstride"
TAG = "evenstride"
TIMEOUT_S = 15.0
_THEIRS = ("id", "version", "title")  # of a dashboard: what Grafana or its reader decides
_OF_SOURCE = ("name", "isDefault", "basicAuth", "basicAuthUser", "withCredentials")
_MOST_NAMES = 20

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InfluxSource:
    """Where Grafana reads. `url` as Grafana sees it. No repr: secrets do not belong in logs."""

    url: str
    version: str  # "1" or "2"
    bucket: str
    user: str = ""
    secret: str = ""  # password of 1.x, token of 2.x


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was done, one sentence each."""

    made: list[str] = field(default_factory=list[str])
    changed: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])


def push(url: str, token: str, source: InfluxSource) -> Pushed:
    """Bring a Grafana up to date.

    Raises ConfigError when the token or the data source is refused, SinkError when Grafana cannot be reached.
    """
    api: Any = GrafanaApi.from_url(_with_slash(url), credential=token, timeout=TIMEOUT_S)  # its methods carry no types
    done = Pushed()
    try:
        _data_source(api, source, done)
        _folder(api, done)
        for page in dashboards():
            _dashboard(api, page, done)
        for rule in alert_rules():
            _rule(api, rule, done)
    except GrafanaClientError as error:
        if error.status_code in (401, 403):
            raise ConfigError(
                f"Grafana at {url} refuses the token ({error.status_code}): it needs a service account that may edit "
                "data sources, folders, dashboards and alert rules (role Admin)"
            ) from error
        raise ConfigError(f"Grafana at {url} refuses: {_said(error)}") from error
    except SSLError as error:
        raise ConfigError(f"Grafana at {url}: its certificate is not trusted by this machine") from error
    except ConnectionError as error:
        raise SinkError(f"Grafana at {url} cannot be reached: does it run, and is the address right?") from error
    except GrafanaTimeoutError as error:
        raise SinkError(f"Grafana at {url} does not answer") from error
    except (GrafanaException, RequestException) as error:
        raise SinkError(f"Grafana at {url} cannot be used now: {_said(error)}") from error
    finally:
        api.client.s.close()
    return done


def dashboards() -> list[Json]:
    """The generated dashboards, as Grafana takes them."""
    return _generated("dashboards")


def alert_rules() -> list[Json]:
    """The generated alert rules as the HTTP API takes them; the files are made for Grafana's file provisioning."""
    groups = [group for page in _generated("alerting") for group in page["groups"]]
    return [
        {key: value for key, value in rule.items() if key not in ("dashboardUid", "panelId")}
        | {"orgID": group["orgId"], "folderUID": FOLDER_UID, "ruleGroup": group["name"]}
        for group in groups
        for rule in group["rules"]
    ]


def _generated(kind: str) -> list[Json]:
    folder = resources.files("evenstride_dashboards") / "generated" / kind
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.iterdir(), key=lambda path: path.name)]


def _data_source(api: Any, source: InfluxSource, done: Pushed) -> None:
    wanted = _source_body(source)
    held = _held(api.datasource.get_datasource_by_uid, SOURCE_UID)
    if held is None:
        names = _names(SOURCE_NAME)  # somebody else's data source is not touched
        name = next(name for name in names if _held(api.datasource.get_datasource_by_name, name) is None)
        api.datasource.create_datasource(wanted | {"name": name})
        done.made.append(f"data source {name}")
        return
    what = f"data source {held['name']}"
    if held["type"] != "influxdb":
        raise ConfigError(f"Grafana's {what} has the uid {SOURCE_UID} and is of type {held['type']}: not touched")
    if held.get("readOnly"):
        done.kept.append(f"{what}: provisioned from a file")
        return
    theirs = {key: held[key] for key in _OF_SOURCE if key in held}
    options: Json = held.get("jsonData") or {}
    api.datasource.update_datasource_by_uid(SOURCE_UID, wanted | theirs | {"jsonData": options | wanted["jsonData"]})
    visible = {key: value for key, value in wanted.items() if key != "secureJsonData"}
    if _covers(held, visible):  # Grafana shows no secrets: whether this one is new cannot be seen
        done.kept.append(f"{what}; its secret was written again")
    else:
        done.changed.append(what)


def _source_body(source: InfluxSource) -> Json:
    body: Json = {
        "uid": SOURCE_UID,
        "type": "influxdb",
        "access": "proxy",
        "url": source.url,
        "jsonData": {"dbName": source.bucket, "httpMode": "POST"},
        "secureJsonData": {},
    }
    if source.version == "1":
        body["user"] = source.user
        body["secureJsonData"] = {"password": source.secret}
    else:  # InfluxQL on 2.x: the token stands in a header
        body["jsonData"]["httpHeaderName1"] = "Authorization"
        body["secureJsonData"] = {"httpHeaderValue1": f"Token {source.secret}"}
    return body


def _folder(api: Any, done: Pushed) -> None:
    held = _held(api.folder.get_folder, FOLDER_UID)
    if held is not None:
        done.kept.append(f"folder {held['title']}")
        return
    for title in _names(FOLDER_TITLE):
        try:
            api.folder.create_folder(title, uid=FOLDER_UID)
        except GrafanaClientError as error:
            if error.status_code not in (409, 412):  # an older Grafana wants titles that nobody else has
                raise
        else:
            done.made.append(f"folder {title}")
            return
    raise ConfigError(f"Grafana has {_MOST_NAMES} folders called {FOLDER_TITLE} already: none was made")


def _dashboard(api: Any, page: Json, done: Pushed) -> None:
    held = _held(api.dashboard.get_dashboard, page["uid"])
    if held is None:
        api.dashboard.update_dashboard(
            {"dashboard": page | {"id": None}, "folderUid": FOLDER_UID, "overwrite": False, "message": "evenstride"}
        )
        done.made.append(f"dashboard {page['title']}")
        return
    theirs, about = held["dashboard"], held["meta"]
    what = f"dashboard {theirs['title']}"
    if TAG not in (theirs.get("tags") or ()):
        done.kept.append(f"{what}: has our uid {page['uid']} without our tag, so it is not ours")
    elif about.get("provisioned"):
        done.kept.append(f"{what}: provisioned from a file")
    elif _covers(theirs, {key: value for key, value in page.items() if key not in _THEIRS}):
        done.kept.append(what)
    else:
        ours = page | {"id": theirs.get("id"), "version": theirs.get("version"), "title": theirs["title"]}
        api.dashboard.update_dashboard(
            {"dashboard": ours, "folderUid": about.get("folderUid", ""), "overwrite": True, "message": "evenstride"}
        )
        done.changed.append(what)


def _rule(api: Any, rule: Json, done: Pushed) -> None:
    held = _held(api.alertingprovisioning.get_alertrule, rule["uid"])
    if held is None:
        api.alertingprovisioning.create_alertrule(rule, disable_provenance=True)
        done.made.append(f"alert rule {rule['title']}")
        return
    what = f"alert rule {held['title']}"
    if (held.get("labels") or {}).get("app") != TAG:
        done.kept.append(f"{what}: has our uid {rule['uid']} without our label, so it is not ours")
        return
    if held.get("provenance"):
        how = "from a file" if held["provenance"] == "file" else f"by {held['provenance']}"
        done.kept.append(f"{what}: provisioned {how}")
        return
    places = ("title", "folderUID", "ruleGroup", "isPaused", "notification_settings", "orgID")
    theirs = {key: held[key] for key in places if held.get(key) is not None}
    if _covers(held, rule | theirs):
        done.kept.append(what)
        return
    api.alertingprovisioning.update_alertrule(rule["uid"], rule | theirs, disable_provenance=True)
    done.changed.append(what)


def _held(read: Callable[[str], Any], name: str) -> Json | None:
    """What Grafana holds under this name; None where there is nothing."""
    try:
        found: object = read(name)
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise
    if not isinstance(found, dict):
        raise GrafanaException(0, None, "what answers there is no Grafana")
    return cast("Json", found)


def _covers(held: object, wanted: object) -> bool:
    """Whether everything that is wanted is there. Grafana adds defaults of its own to what it is given."""
    if isinstance(wanted, dict):
        if not isinstance(held, dict):
            return False
        there, ours = cast("Json", held), cast("Json", wanted)
        return all(key in there and _covers(there[key], value) for key, value in ours.items())
    if isinstance(wanted, list):
        if not isinstance(held, list):
            return False
        rows, others = cast("list[object]", held), cast("list[object]", wanted)
        return len(rows) == len(others) and all(_covers(a, b) for a, b in zip(rows, others, strict=True))
    return held == wanted


def _names(name: str) -> list[str]:
    return [name, *(f"{name} {n}" for n in range(2, _MOST_NAMES + 1))]


def _with_slash(url: str) -> str:
    """Raises ConfigError for what is no address. A path is the prefix of a Grafana behind a proxy."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ConfigError("--url: an address without user and password was expected; the token stands in a file")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--url {url}: http://HOST:PORT or https://HOST was expected")
    path = parts.path if not parts.path.strip("/") or parts.path.endswith("/") else parts.path + "/"
    return urlunsplit(parts._replace(path="" if path == "/" else path))


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
