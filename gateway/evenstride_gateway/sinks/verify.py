"""Store against database, point by point: what is missing, what is too many, what differs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

import httpx

from evenstride_gateway.errors import SinkError
from evenstride_gateway.sinks.collect import session_points
from evenstride_gateway.sinks.schema import SESSION, STRIDE, SYMMETRY, Measurement, Point, Value
from evenstride_gateway.sinks.targets import InfluxTarget, Version
from evenstride_gateway.store import Store

TIMEOUT_S = 60.0
_EXAMPLES = 5
_COMPARED = (STRIDE, SYMMETRY, SESSION)
Key = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Verification:
    """What a comparison of one session found. `examples` names the first few differences."""

    session_id: str
    equal: int = 0
    missing: int = 0
    surplus: int = 0  # in force in the database, not in the store
    different: int = 0
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


async def verify_session(store: Store, reader: InfluxReader, session_id: str) -> Verification:
    """Every stride, symmetry point and the session itself: exactly once, with equal values. Raises SinkError."""
    found = Verification(session_id=session_id)
    points = session_points(store, session_id)
    quoted = session_id.replace("\\", "\\\\").replace("'", "\\'")
    for measurement in _COMPARED:
        expected = {_key(point): point for point in points if point.measurement == measurement.name}
        query = f"SELECT * FROM \"{measurement.name}\" WHERE session = '{quoted}'"
        _compare(measurement, expected, await reader.rows(query), found)
    return found


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
    return (*point.tags, str(point.time_ns))


def _difference(measurement: Measurement, point: Point, row: dict[str, Any]) -> str:
    for one, value in zip(measurement.fields, point.values, strict=True):
        theirs: Value | None = row.get(one.name)
        if theirs != value:
            return f"{one.name} is {theirs!r} there and {value!r} here"
    return ""
