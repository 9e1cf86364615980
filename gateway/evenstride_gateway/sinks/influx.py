"""Line protocol over HTTP to InfluxDB 1.x, 2.x and (writes only, experimental) 3 Core.

1.x: POST /write?db=...&precision=n (precision=ns is unknown to some 1.x servers, and an unknown word is taken for
nanoseconds), user and password as Basic authentication. 2.x: POST /api/v2/write?org=...&bucket=...&precision=ns,
Authorization: Token. 3 Core: the path of 2.x, the bucket is the database, no organisation, Authorization:
Bearer; it makes the database itself and tells in `data` what is wrong with a line.
"""

import asyncio
import email.utils
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, cast

import httpx

from evenstride_gateway.errors import ConfigError, SinkError
from evenstride_gateway.health import SinkHealth
from evenstride_gateway.sinks.follower import Refused
from evenstride_gateway.sinks.lines import lines_of
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.sinks.targets import InfluxTarget, Version, tls_context

TIMEOUT_S = 10.0
AT_ONCE = 2  # requests: while the server puts one on its disk it can read the other
MINUTE_S = 60.0  # what only a person can put right is tried again once a minute
_LONGEST_ANSWER = 2_000
_PATIENCE = {"timeout": httpx.Timeout(TIMEOUT_S).as_dict()}


class InfluxWriter:
    """`async with InfluxWriter(target) as writer: await writer.write(lines)`. Raises ConfigError for a bad target."""

    def __init__(self, target: InfluxTarget, *, utc: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.health: SinkHealth | None = None  # where the server's clock is told
        self._target, self._utc = target, utc
        auth = httpx.BasicAuth(target.user, target.password) if target.user else None
        encryption = tls_context(target.ca_file, "influx.ca_file") if target.url.startswith("https:") else False
        first = target.version is Version.V1
        query = {"db": target.bucket, "precision": "n"} if first else {"bucket": target.bucket, "precision": "ns"}
        if target.version is Version.V2:
            query["org"] = target.org
        try:
            self._url = httpx.URL(f"{target.url}{'/write' if first else '/api/v2/write'}", params=query)
            self._headers = httpx.Headers(_headers(target))
            self._client = httpx.AsyncClient(
                limits=httpx.Limits(max_connections=AT_ONCE), trust_env=False, auth=auth, verify=encryption
            )
        except (ValueError, httpx.InvalidURL) as error:  # never the text itself: it may be the token
            raise ConfigError(
                f"[influx] url {target.url!r} with its token: an address and one line of plain ASCII were expected "
                f"({type(error).__name__})"
            ) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def deliver(self, points: Sequence[Point]) -> list[Refused]:
        """Write all points, as `write`. A point that is no line is refused like one that the server refuses."""
        lines, refused = _lines(points)
        return refused + await self.write(lines)

    async def deliver_many(
        self, batches: Iterable[Sequence[Point]], *, written: Callable[[int], None] = lambda _: None
    ) -> list[Refused]:
        """Write batches whose order does not matter: the next one is made, in a thread, while two are under way.

        `written` hears of each batch how many points it had. Raises SinkError, as `write`.
        """
        waiting, making = iter(batches), asyncio.Lock()
        refused: list[Refused] = []

        def make() -> tuple[int, list[str], list[Refused]] | None:
            batch = next(waiting, None)
            return None if batch is None else (len(batch), *_lines(batch))

        async def carry() -> None:
            while True:
                async with making:
                    made = await asyncio.to_thread(make)
                if made is None:
                    return
                n, lines, unfit = made
                refused.extend(unfit + await self.write(lines))
                written(n)

        failed: SinkError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                for n in range(AT_ONCE + 1):
                    tasks.create_task(carry(), name=f"influx: writer {n}")
        except* SinkError as errors:
            (failed, *_) = [error for error in errors.exceptions if isinstance(error, SinkError)]
        if failed is not None:
            raise failed
        return refused

    async def write(self, lines: Sequence[str]) -> list[Refused]:
        """Write all lines; returns those that the server will never take, with its reason.

        A batch that is refused for its content is halved until the bad line stands alone, so that one bad point never
        holds up the others. Raises SinkError when trying later may help.
        """
        if not lines:
            return []
        answer = await self._post("\n".join(lines))
        self._compare_clocks(answer)
        if answer.status_code in (200, 204):
            return []
        said = _said(answer)
        if _is_about_content(answer.status_code, said):
            if len(lines) == 1:
                return [Refused(content=lines[0], reason=said)]
            half = len(lines) // 2
            return await self.write(lines[:half]) + await self.write(lines[half:])
        raise self._trouble(answer, said)

    async def _post(self, body: str) -> httpx.Response:
        try:
            # Made by hand: what the client does for any request is a third of the cost of this one.
            request = httpx.Request(
                "POST", self._url, headers=self._headers, content=body.encode(errors="replace"), extensions=_PATIENCE
            )
            return await self._client.send(request)
        except httpx.TimeoutException as error:
            raise SinkError(
                f"InfluxDB at {self._target.url} takes the data and does not answer: tried again"
            ) from error
        except httpx.HTTPError as error:
            if "certificate" in str(error):
                raise SinkError(
                    f"InfluxDB at {self._target.url} shows a certificate that is not trusted here: check the address "
                    f"and `[influx] ca_file` ({error})",
                    retry_after_s=MINUTE_S,
                ) from error
            raise SinkError(f"InfluxDB at {self._target.url} cannot be reached ({error}): tried again") from error

    def _trouble(self, answer: httpx.Response, said: str) -> SinkError:
        url, status = self._target.url, answer.status_code
        theirs = answer.headers.get("X-Influxdb-Version", "")
        major = re.match(r"v?(\d)", theirs)
        if status in (401, 403, 404, 405) and major is not None and major[1] != self._target.version:
            return SinkError(
                f"InfluxDB at {url} is version {theirs}, `[influx] version` says {self._target.version}: correct it",
                retry_after_s=MINUTE_S,
            )
        if status in (401, 403):
            what = "user and password" if self._target.version is Version.V1 else "the token"
            return SinkError(
                f"InfluxDB at {url} refuses {what}: check `[influx]` and the secret", retry_after_s=MINUTE_S
            )
        if status == 404:
            what = "database" if self._target.version is Version.V1 else "bucket or organisation"
            return SinkError(
                f"InfluxDB at {url} has no {what} {self._target.bucket!r}: `evenstride stack influx` makes it",
                retry_after_s=30.0,
            )
        if status in (429, 503):
            return SinkError(f"InfluxDB at {url} is overloaded: tried again", retry_after_s=_retry_after_s(answer))
        if "no space left" in said or status == 507:
            return SinkError(f"InfluxDB at {url} has no disk space left: tried again", retry_after_s=MINUTE_S)
        return SinkError(f"InfluxDB at {url} answers {status}: {said}")

    def _compare_clocks(self, answer: httpx.Response) -> None:
        try:
            theirs = email.utils.parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            return
        if theirs.tzinfo is not None and self.health is not None:
            self.health.clock_off_s = (theirs - self._utc()).total_seconds()


def _lines(points: Sequence[Point]) -> tuple[list[str], list[Refused]]:
    lines, unfit = lines_of(points)
    return lines, [Refused(content=str(point), reason=reason) for point, reason in unfit]


def _headers(target: InfluxTarget) -> dict[str, str]:
    """Raises ValueError for a token that fits in none: the library would print it."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    if not (target.token.isascii() and target.token.isprintable()):
        raise ValueError("token")
    if target.version is Version.V2:
        headers["Authorization"] = f"Token {target.token}"
    elif target.version is Version.V3:
        headers["Authorization"] = f"Bearer {target.token}"
    return headers


def _is_about_content(status: int, said: str) -> bool:
    """A bad line (400, also 1.x's partial writes), a type conflict (422) or a batch that is too large (413)."""
    if status == 400 and "retention policy not found" in said:
        return False
    return status in (400, 413, 422)


def _said(answer: httpx.Response) -> str:
    text = answer.text[:_LONGEST_ANSWER]
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        return text.strip() or answer.reason_phrase
    if isinstance(parsed, dict):
        told = cast("dict[str, Any]", parsed)
        message = told.get("message") or told.get("error")
        if isinstance(message, str):
            lines = told.get("data")
            first: Any = cast("list[Any]", lines)[0] if isinstance(lines, list) and lines else None
            more = cast("dict[str, Any]", first).get("error_message") if isinstance(first, dict) else None
            return f"{message}: {more}" if more else message
    return text.strip()


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return min(300.0, max(1.0, float(answer.headers.get("Retry-After", ""))))
    except ValueError:
        return 5.0
