"""The one way into the store: jobs in order, one thread, and a failure that ends the run loudly."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from evenstride_gateway.channel import Channel, Overflow
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import Store

T = TypeVar("T")
CAPACITY = 4096  # jobs; a runner makes about five a second, so a disk may stall for minutes


class _Job(Generic[T]):
    __slots__ = ("answer", "error", "result", "work")

    def __init__(self, work: Callable[[Store], T], answer: "asyncio.Future[T] | None") -> None:
        self.work = work
        self.answer = answer
        self.result: T | None = None
        self.error: StoreError | None = None

    def do(self, store: Store) -> None:
        """In the writer's thread. Only a refusal that somebody waits for is handed back; all else ends the run."""
        try:
            self.result = self.work(store)
        except StoreError as error:
            if self.answer is None:
                raise
            self.error = error

    def settle(self) -> None:
        """In the loop."""
        if self.answer is None or self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(cast("T", self.result))


class StoreQueue:
    """Jobs for the store. `put` hands one over (waiting when the queue is full), `call` waits for its result."""

    def __init__(self, store: Store, *, capacity: int = CAPACITY) -> None:
        self.store = store
        self.channel: Channel[_Job[Any]] = Channel(capacity, Overflow.WAIT, name="store")
        self.last_commit_s: float | None = None

    async def put(self, work: Callable[[Store], object]) -> None:
        await self.channel.send(_Job(work, None))

    async def call(self, work: Callable[[Store], T]) -> T:
        """The result of `work(store)`, done after everything that was put before. Raises what the store raises."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self.channel.send(_Job(work, answer))
        return await answer

    def close(self) -> None:
        """No more jobs; `run` does what waits and ends."""
        self.channel.close()

    async def run(self) -> None:
        """The only task that writes. Raises StoreError when something could not be stored."""
        batch: list[_Job[Any]] = []
        async for job in self.channel:
            batch.append(job)
            if len(self.channel):
                continue
            await asyncio.to_thread(self._do, batch)
            self.last_commit_s = asyncio.get_running_loop().time()
            for done in batch:
                done.settle()
            batch = []

    def _do(self, batch: list[_Job[Any]]) -> None:
        for job in batch:
            job.do(self.store)
