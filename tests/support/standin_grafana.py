"""NOT Grafana: a stand-in for one, which no package of this machine's registries carries.

It knows what Grafana's HTTP API documents of data sources, folders, dashboards and provisioned alert rules, refuses
what that API refuses, adds to a rule what Grafana adds, and shows no secret. What it does not know, or what a client
must not send, it notes in `unexpected`.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from support.standin_http import served

TOKEN = "glsa_standin_0123456789"
Json = dict[str, Any]
Answer = tuple[int, Json]
NOT_FOUND: Answer = (404, {"message": "Not found"})
_RULE_NEEDS = ("title", "folderUID", "ruleGroup", "condition", "data", "noDataState", "execErrState", "for", "orgID")


@dataclass(slots=True)
class StandIn:
    """What the stand-in holds and was asked. `prefix`: the path it is served under ("" = none).

    `failing` is answered to everything when set; `titles_once`: like older ones it wants every folder's title once.
    """

    url: str = ""
    prefix: str = ""
    failing: tuple[int, str, str] | None = None  # status, content type, body
    titles_once: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    unexpected: list[str] = field(default_factory=list[str])
    sources: dict[str, Json] = field(default_factory=dict[str, Json])
    secrets: dict[str, Json] = field(default_factory=dict[str, Json])
    folders: dict[str, Json] = field(default_factory=dict[str, Json])
    dashboards: dict[str, Json] = field(default_factory=dict[str, Json])  # uid -> {"dashboard", "meta"}
    rules: dict[str, Json] = field(default_factory=dict[str, Json])

    def state(self) -> Json:
        """Everything that is held, for a comparison."""
        return deepcopy(
            {"sources": self.sources, "folders": self.folders, "dashboards": self.dashboards, "rules": self.rules}
        )

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.asked if method != "GET"]

    def answer(self, method: str, path: str, body: Json) -> Answer:
        self.asked.append((method, path))
        parts = [unquote(part) for part in path.removeprefix("/api/").split("/")]
        match method, parts:
            case "GET", ["datasources", "uid", uid]:
                return self._shown(self.sources.get(uid))
            case "GET", ["datasources", "name", name]:
                return self._shown(next((one for one in self.sources.values() if one["name"] == name), None))
            case "POST", ["datasources"]:
                return self._put_source(body, new=True)
            case "PUT", ["datasources", "uid", uid]:
                return self._put_source(body | {"uid": uid}, new=False)
            case "GET", ["folders", uid]:
                return (200, self.folders[uid]) if uid in self.folders else NOT_FOUND
            case "POST", ["folders"]:
                return self._make_folder(body)
            case "GET", ["dashboards", "uid", uid]:
                return (200, self.dashboards[uid]) if uid in self.dashboards else NOT_FOUND
            case "POST", ["dashboards", "db"]:
                return self._put_dashboard(body)
            case "GET", ["v1", "provisioning", "alert-rules", uid]:
                return (200, self.rules[uid]) if uid in self.rules else NOT_FOUND
            case "POST", ["v1", "provisioning", "alert-rules"]:
                return self._put_rule(body, new=True)
            case "PUT", ["v1", "provisioning", "alert-rules", uid]:
                return self._put_rule(body | {"uid": uid}, new=False)
            case _:
                self.unexpected.append(f"{method} {path}")
                return NOT_FOUND

    def _shown(self, source: Json | None) -> Answer:
        if source is None:
            return NOT_FOUND
        known = dict.fromkeys(self.secrets.get(source["uid"], {}), True)
        return 200, source | {"secureJsonFields": known}

    def _put_source(self, body: Json, *, new: bool) -> Answer:
        uid, name = body["uid"], body.get("name")
        if not name or not body.get("type") or body.get("access") != "proxy":
            return 400, {"message": "bad request data"}
        others = [one for one in self.sources.values() if one["uid"] != uid]
        if any(one["name"] == name for one in others) or (new and uid in self.sources):
            return 409, {"message": "data source with the same name already exists"}
        held = self.sources.get(uid, {"id": len(self.sources) + 1, "orgId": 1, "version": 0, "readOnly": False})
        if held["readOnly"]:
            return 403, {"message": "Cannot update read-only data source"}
        plain = {"basicAuth": False, "basicAuthUser": "", "user": "", "isDefault": False, "withCredentials": False}
        sent = {key: value for key, value in body.items() if key != "secureJsonData"}
        keep = {key: held[key] for key in ("id", "orgId", "readOnly")}
        self.sources[uid] = plain | sent | keep | {"version": held["version"] + 1}
        self.secrets.setdefault(uid, {}).update(body.get("secureJsonData", {}))
        return 200, {"id": held["id"], "message": "Datasource added" if new else "Datasource updated", "name": name}

    def _make_folder(self, body: Json) -> Answer:
        taken = self.titles_once and any(one["title"] == body["title"] for one in self.folders.values())
        if taken or body["uid"] in self.folders:
            return 409, {"message": "a folder with the same name already exists in the current location"}
        self.folders[body["uid"]] = body | {"id": len(self.folders) + 1, "version": 1}
        return 200, self.folders[body["uid"]]

    def _put_dashboard(self, body: Json) -> Answer:
        page: Json = dict(body["dashboard"])
        if set(body) - {"dashboard", "folderUid", "overwrite", "message"} or not page.get("title"):
            return 400, {"message": "bad request data"}
        if body["folderUid"] and body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        held = self.dashboards.get(page["uid"])
        if held is not None and held["meta"].get("provisioned"):
            return 400, {"message": "Cannot save provisioned dashboard"}
        if held is not None and not body["overwrite"] and page.get("version") != held["dashboard"]["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        version = 1 if held is None else held["dashboard"]["version"] + 1
        number = len(self.dashboards) + 1 if held is None else held["dashboard"]["id"]
        meta = {"folderUid": body["folderUid"], "provisioned": False, "isStarred": False}
        self.dashboards[page["uid"]] = {"dashboard": page | {"id": number, "version": version}, "meta": meta}
        return 200, {"id": number, "uid": page["uid"], "status": "success", "version": version}

    def _put_rule(self, body: Json, *, new: bool) -> Answer:
        missing = [name for name in _RULE_NEEDS if name not in body]
        if missing or body["folderUID"] not in self.folders or body["condition"] not in _refs(body):
            return 400, {"message": f"invalid alert rule: {missing}"}
        if new and body["uid"] in self.rules:
            return 409, {"message": "conflicting alert rule found"}
        if not new and body["uid"] not in self.rules:
            return NOT_FOUND
        if self.rules.get(body["uid"], {}).get("provenance"):
            return 409, {"message": "cannot change provenance"}
        rule = deepcopy(body)
        for query in rule["data"]:
            query.setdefault("queryType", "")
            query["model"] = {"intervalMs": 1000, "maxDataPoints": 43200} | query["model"]
        filled: Json = {"id": len(self.rules) + 1, "isPaused": False, "notification_settings": None, "record": None}
        self.rules[body["uid"]] = filled | rule
        return (201 if new else 200), self.rules[body["uid"]]


def _refs(rule: Json) -> list[str]:
    return [query["refId"] for query in rule["data"]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    stand_in: StandIn

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        return

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def _serve(self, method: str) -> None:
        known = self.stand_in
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if known.failing is not None:
            status, kind, text = known.failing
            self._send(status, kind, text)
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, {"message": "Invalid API key"})
            return
        if not self.path.startswith(f"{known.prefix}/api/"):
            known.unexpected.append(f"{method} {self.path}")
            self._send(200, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Grafana</title>")
            return
        path = self.path.removeprefix(known.prefix)
        if raw and self.headers.get_content_type() != "application/json":
            known.unexpected.append(f"{method} {path} as {self.headers.get('Content-Type')}")
        if "alert-rules" in path and raw and self.headers.get("X-Disable-Provenance") != "true":
            known.unexpected.append(f"{method} {path} without X-Disable-Provenance: nobody could edit it")
        self._say(*known.answer(method, path, json.loads(raw) if raw else {}))

    def _say(self, status: int, body: Json) -> None:
        self._send(status, "application/json; charset=UTF-8", json.dumps(body))

    def _send(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def stand_in_grafana(prefix: str = "") -> Generator[StandIn]:
    """A stand-in for Grafana on loopback; its only token is TOKEN."""
    known = StandIn(prefix=prefix)
    with served(_Handler, known, "stand-in grafana") as address:
        known.url = f"{address}{prefix}"
        yield known
