"""Store against database, point by point: what is missing, what is too many, what differs."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

import httpx

from evenstride_gateway.errors import SinkError
from evenstride_gateway.sinks.collect import Page, session_pages
from evenstride_gateway.sinks.lines import plain_tag, plain_text
from evenstride_gateway.sinks.schema import BASELINE, GAP, SESSION, STRIDE, SYMMETRY, Measurement, Point, Value
from evenstride_gateway.sinks.targets import InfluxTarget, Version, tls_context
from evenstride_gateway.store import Store

TIMEOUT_S = 60.0
_EXAMPLES = 5
_COMPARED = (STRIDE, SYMMETRY, GAP, SESSION)
Key = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Verification:
    """What a comparison of one session found. `examples` names the first few differences."""

    session_id: str
    deleted: bool = False  # from the store: nothing of it may be in force in the database
    baseline: bool = False  # its standing against the own normal was compared as well
    equal: int = 0
    missing: int = 0
    surplus: int = 0  # in force in the database, not in the store
    different: int = 0
    due: int = 0  # points of its standing that are missing or older: a gateway judges only a runner's latest session
    examples: list[str] = field(default_factory=list[str])

    @property
    def holds(self) -> bool:
        return not (self.missing or self.surplus or self.different)

    def note(self, what: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(what)


class InfluxReader:
    """InfluxQL over HTTP: 1.x, and 2.x through its DBRP mapping. `async with InfluxReader(target) as reader`."""

    def __init__(self, target: InfluxTarget) -> None:
        if target.version is Version.V3:
            raise SinkError("InfluxDB 3 is experimental here: results are written there, not read back")
        self._target = target
        self._client = httpx.AsyncClient(
            base_url=target.url,
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={"Authorization": f"Token {target.token}"} if target.token else {},
            auth=httpx.BasicAuth(target.user, target.password) if target.user else None,
            verify=tls_context(target.ca_file, "influx.ca_file") if target.url.startswith("https:") else False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries, times in epoch nanoseconds. Raises SinkError."""
        parameters = {"db": self._target.bucket, "q": query, "epoch": "ns"}
        try:
            answer = await self._client.get("/query", params=parameters)
            body = cast("dict[str, Any]", answer.json())
        except (httpx.HTTPError, ValueError) as error:
            raise SinkError(f"InfluxDB at {self._target.url} cannot be asked: {error}") from error
        results = cast("Sequence[dict[str, Any]]", body.get("results", ()))
        wrong = body.get("error") or body.get("message") or next((r["error"] for r in results if "error" in r), None)
        if answer.status_code != 200 or wrong:
            raise SinkError(
                f"InfluxDB at {self._target.url} answers {answer.status_code}: {wrong or answer.text[:200]}"
            )
        found: list[dict[str, Any]] = []
        for result in results:
            for series in result.get("series", ()):
                tags, columns = series.get("tags", {}), series["columns"]
                found += [tags | dict(zip(columns, values, strict=True)) for values in series.get("values", ())]
        return found


async def verify_session(
    store: Store,
    reader: InfluxReader,
    session_id: str,
    *,
    baseline: Sequence[Point] | None = None,
    page_done: Callable[[], None] = lambda: None,
) -> Verification:
    """Every stride, symmetry point, account and the session itself: exactly once, with equal values. Raises SinkError.

    Of `baseline`, its standing against the own normal as it is judged now (None = not compared), what the database
    lacks or has from an earlier judgement is `due`; what it has too many is surplus as everywhere. Half an hour of the
    session is in memory at a time; `page_done` is called after each.
    """
    found = Verification(session_id=session_id, baseline=baseline is not None)
    pages = session_pages(store, session_id)
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        for measurement in _COMPARED:
            expected = {_key(point): point for point in page.points if point.measurement == measurement.name}
            _compare(measurement, expected, await reader.rows(_query(measurement, session_id, page)), found)
        page_done()
    if baseline is not None:
        expected = {_key(point): point for point in baseline}
        standing = Verification(session_id=session_id, examples=found.examples)
        _compare(BASELINE, expected, await reader.rows(f"SELECT * {_of(BASELINE, session_id)}"), standing)
        found.equal += standing.equal
        found.surplus += standing.surplus
        found.due = standing.missing + standing.different
    return found


async def verify_deleted(reader: InfluxReader, session_id: str) -> Verification:
    """What is still in force of a session that the store has deleted. Raises SinkError."""
    found = Verification(session_id=session_id, deleted=True, baseline=True)
    for measurement in (*_COMPARED, BASELINE):
        query = f'SELECT count("retired") AS "points" {_of(measurement, session_id)} AND "retired" = false'
        for row in await reader.rows(query):
            found.surplus += row["points"]
            found.note(f"{measurement.name}: {row['points']} points of a session that was deleted are in force there")
    return found


def _of(measurement: Measurement, session_id: str) -> str:
    quoted = session_id.replace("\\", "\\\\").replace("'", "\\'")
    return f"FROM \"{measurement.name}\" WHERE session = '{quoted}'"


def _query(measurement: Measurement, session_id: str, page: Page) -> str:
    after = "" if page.from_ns is None else f" AND time >= {page.from_ns}"
    before = "" if page.to_ns is None else f" AND time < {page.to_ns}"
    return f"SELECT * {_of(measurement, session_id)}{after}{before}"


def _compare(
    measurement: Measurement, expected: dict[Key, Point], rows: Iterable[dict[str, Any]], found: Verification
) -> None:
    seen: set[Key] = set()
    for row in rows:
        key = (*(str(row.get(tag.name)) for tag in measurement.tags), str(row["time"]))
        point = expected.get(key)
        if point is None:
            if row.get("retired") is not True:
                found.surplus += 1
                found.note(f"{measurement.name} {' '.join(key)}: in the database, not in the store")
            continue
        seen.add(key)
        wrong = _difference(measurement, point, row)
        if wrong:
            found.different += 1
            found.note(f"{measurement.name} {' '.join(key)}: {wrong}")
        else:
            found.equal += 1
    for key in expected.keys() - seen:
        found.missing += 1
        found.note(f"{measurement.name} {' '.join(key)}: in the store, not in the database")


def _key(point: Point) -> Key:
    return (*map(plain_tag, point.tags), str(point.time_ns))


def _difference(measurement: Measurement, point: Point, row: dict[str, Any]) -> str:
    for one, value in zip(measurement.fields, point.values, strict=True):
        theirs: Value | None = row.get(one.name)
        ours = plain_text(value) if isinstance(value, str) else value
        if theirs != ours:
            return f"{one.name} is {theirs!r} there and {ours!r} here"
    return ""
