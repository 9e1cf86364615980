"""NOT InfluxDB: a stand-in for a 2.x server, or for the write path of 3 Core; Debian carries neither.

It knows what the server's documentation says of POST /api/v2/write and of the few calls of the set-up, checks every
header and parameter, and keeps every byte. What it does not know it answers with 404 and notes in `unexpected`.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.standin_http import served

ORG, ORG_ID, TOKEN = "track", "0000000000000001", "operator-token"


@dataclass(slots=True)
class StandIn:
    """What the stand-in was asked. `answers` are given to the next writes instead of 204: (status, headers, body)."""

    url: str = ""
    core3: bool = False
    writes: list[bytes] = field(default_factory=list[bytes])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list[tuple[int, dict[str, str], str]])
    unexpected: list[str] = field(default_factory=list[str])
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    dbrps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tokens: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: StandIn

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        return

    def do_POST(self) -> None:
        self._serve("POST")

    def do_GET(self) -> None:
        self._serve("GET")

    def _serve(self, method: str) -> None:
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme = "Bearer" if self.stand_in.core3 else "Token"
        if (self.headers.get("Authorization") or "") != f"{scheme} {TOKEN}":
            self._answer(401, {"code": "unauthorized", "message": "unauthorized access"})
        elif (method, split.path) == ("POST", "/api/v2/write"):
            self._write(query, body)
        else:
            status, answer = self._administer(method, split.path, query, json.loads(body) if body else {})
            if status == 404:
                self.stand_in.unexpected.append(f"{method} {self.path}")
            self._answer(status, answer)

    def _write(self, query: dict[str, str], body: bytes) -> None:
        known = self.stand_in
        if self.headers.get("Content-Type") != "text/plain; charset=utf-8" or query.get("precision") != "ns":
            known.unexpected.append(f"write with {dict(self.headers)} {query}")
        if known.core3:
            self._write_to_core3(query, body)
            return
        if query.get("org") != ORG or query.get("bucket") not in known.buckets:
            self._answer(404, {"code": "not found", "message": f"bucket {query.get('bucket')!r} not found"})
            return
        if known.answers:
            status, headers, text = known.answers.pop(0)
            self._answer(status, json.loads(text) if text else {}, headers)
            return
        for n, line in enumerate(body.decode().split("\n"), 1):
            if b"\xff" in body or line.count(" ") < 2:
                message = f"unable to parse '{line}': missing fields; line {n}"
                self._answer(400, {"code": "invalid", "message": message})
                return
        known.writes.append(body)
        known.headers.append(dict(self.headers))
        self.send_response(204)
        self.end_headers()

    def _write_to_core3(self, query: dict[str, str], body: bytes) -> None:
        """Partial writes: good lines are kept, the bad ones told by number, the database made when it is new."""
        known = self.stand_in
        if query.keys() != {"bucket", "precision"}:
            known.unexpected.append(f"write with {query}")
        known.buckets.setdefault(query.get("bucket", ""), {})
        lines = body.decode().split("\n")
        bad = [
            {"original_line": line, "line_number": n, "error_message": "No fields were provided"}
            for n, line in enumerate(lines, 1)
            if line.count(" ") < 2
        ]
        good = [line for line in lines if line.count(" ") >= 2]
        if good:
            known.writes.append("\n".join(good).encode())
        if bad:
            self._answer(400, {"error": "partial write of line protocol occurred", "data": bad})
            return
        self.send_response(204)
        self.end_headers()

    def _administer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        known = self.stand_in
        match method, path:
            case "GET", "/api/v2/orgs":
                return 200, {"orgs": [{"id": ORG_ID, "name": ORG}] if query.get("org") == ORG else []}
            case "GET", "/api/v2/buckets":
                found = [b for name, b in known.buckets.items() if query.get("name") in (None, name)]
                return 200, {"buckets": found}
            case "POST", "/api/v2/buckets":
                known.buckets[body["name"]] = body | {"id": f"{len(known.buckets) + 16:016x}"}
                return 201, known.buckets[body["name"]]
            case "GET", "/api/v2/dbrps":
                return 200, {"content": [d for d in known.dbrps if d["database"] == query.get("db")]}
            case "POST", "/api/v2/dbrps":
                known.dbrps.append(_camel(body) | {"id": f"{len(known.dbrps) + 32:016x}"})
                return 201, known.dbrps[-1]
            case "GET", "/api/v2/authorizations":
                return 200, {"authorizations": known.tokens}
            case "POST", "/api/v2/authorizations":
                n = len(known.tokens)
                known.tokens.append(body | {"id": f"{n + 48:016x}", "token": f"token-{n}", "status": "active"})
                return 201, known.tokens[-1]
            case _:
                return 404, {"code": "not found", "message": "path not found"}

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _camel(body: dict[str, Any]) -> dict[str, Any]:
    return {"orgID": body.get("orgID"), "bucketID": body.get("bucketID"), **body}


@contextmanager
def stand_in_influx2(*, core3: bool = False) -> Generator[StandIn]:
    """A stand-in for InfluxDB 2 on loopback; organisation `track`, token `operator-token`, no bucket yet.

    `core3`: for the write path of 3 Core instead.
    """
    known = StandIn(core3=core3)
    with served(_Handler, known, "stand-in influx 2") as address:
        known.url = address
        yield known
