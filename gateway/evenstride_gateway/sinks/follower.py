"""One sink's walk along the change feed: collect, deliver, remember how far; whatever the server does.

The store is the truth and the feed is on the disk, so nothing is queued here: a server that is away for ten minutes
costs nothing but a longer walk. A point is delivered at least once; written twice it says the same.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from evenstride_gateway.errors import SinkError, StoreError, UnknownError
from evenstride_gateway.health import SinkHealth, SinkState
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.store import Parked, Store

LOOK_S = 0.5
BATCH = 1000  # changes a walk's step
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
SAVE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A point that the server will never take, and what it said."""

    content: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one look at the feed asks for. `points` may be empty: nothing of it concerns this sink."""

    upto: int
    points: Sequence[Point] = field(default_factory=list[Point])


Collect = Callable[[Store, int, int], Step]
Deliver = Callable[[Sequence[Point]], Awaitable[Sequence[Refused]]]
Write = Callable[[Callable[[Store], object]], Awaitable[object]]


class Follower:
    """Delivers every change of the store in order. `run` ends only when it is cancelled."""

    def __init__(
        self,
        *,
        name: str,
        store: Store,
        write: Write,
        collect: Collect,
        deliver: Deliver,
        rng: random.Random,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
        history: bool = True,
    ) -> None:
        """`write` hands a job to the store's one writer; `deliver` raises SinkError when it is to be tried again.

        Without `history` a sink that was never used begins with the present: nobody wants last year as messages.
        """
        self.health = SinkHealth(name=name)
        self._store, self._write = store, write
        self._collect, self._deliver = collect, deliver
        self._rng, self._utc, self._history = rng, utc, history
        self._cursor: int | None = None
        self._saved: int | None = None
        self._saved_s = float("-inf")

    async def run(self) -> None:
        """Follow the feed for ever."""
        while True:
            if not await self.step():
                await asyncio.sleep(LOOK_S)

    async def drain(self) -> None:
        """Deliver what is there now, waiting for the server if need be: for the end of a run, under a deadline."""
        while await self.step():
            pass
        with suppress(StoreError):  # the next start delivers that much again
            await self._save(0.0)

    async def step(self) -> bool:
        """Deliver the next part of the feed; False when there is none. Trouble of the store is told and waited for."""
        try:
            return await self._step()
        except StoreError as error:
            self.health.trouble, self.health.state = str(error), SinkState.TROUBLE
            await asyncio.sleep(LOOK_S)
            return True

    async def _step(self) -> bool:
        if self._cursor is None:
            self._cursor = self._saved = await asyncio.to_thread(self._first)
        try:
            found = await asyncio.to_thread(self._collect, self._store, self._cursor, BATCH)
        except UnknownError:  # a session was deleted while its points were made: the next look knows that
            await asyncio.sleep(LOOK_S)
            return True
        if found.upto == self._cursor:
            self.health.behind, self.health.trouble = 0, ""
            self.health.state = SinkState.WAITING
            await self._save(SAVE_S)
            return False
        self.health.behind = await asyncio.to_thread(self._store.last_change) - self._cursor
        refused = await self._persist(found.points) if found.points else ()
        if refused:
            await self._park(refused)
        self.health.delivered += len(found.points) - len(refused)
        self._cursor = found.upto
        await self._save(SAVE_S)
        return True

    def _first(self) -> int:
        known = self._store.sink_cursor(self.health.name)
        if known is not None:
            return known
        return 0 if self._history else self._store.last_change()

    async def _persist(self, points: Sequence[Point]) -> Sequence[Refused]:
        """Deliver, as often as it takes; the wait doubles up to a minute, with jitter."""
        wait_s = FIRST_WAIT_S
        while True:
            self.health.state = SinkState.DELIVERING if not self.health.trouble else SinkState.TROUBLE
            try:
                refused = await self._deliver(points)
            except SinkError as error:
                self.health.trouble, self.health.state = str(error), SinkState.TROUBLE
                self.health.retries += 1
                pause_s = max(wait_s, error.retry_after_s or 0.0)
                await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.0) if error.retry_after_s is None else pause_s)
                wait_s = min(2.0 * wait_s, LONGEST_WAIT_S)
            else:
                self.health.trouble = ""
                self.health.last_delivery_s = asyncio.get_running_loop().time()
                return refused

    async def _park(self, refused: Sequence[Refused]) -> None:
        at, name = self._utc(), self.health.name
        parked = [Parked(sink=name, at=at, reason=one.reason, content=one.content) for one in refused]
        await self._write(lambda store: store.park(parked))
        self.health.refused += len(refused)

    async def _save(self, every_s: float) -> None:
        """Remember the cursor, not more often than `every_s`: what a crash repeats is only overwritten."""
        now_s = asyncio.get_running_loop().time()
        if self._cursor is None or self._cursor == self._saved or now_s - self._saved_s < every_s:
            return
        name, cursor = self.health.name, self._cursor
        await self._write(lambda store: store.put_sink_cursor(name, cursor))
        self._saved, self._saved_s = cursor, now_s
