"""The one way into the store: jobs in order, one thread, and trouble of the disk that is waited out in sight.

The policy for a StoreError stands in docs/decisions/0023.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from evenstride_gateway.channel import Channel, Overflow
from evenstride_gateway.errors import StoreError, StoreTroubleError
from evenstride_gateway.store import Store

T = TypeVar("T")
CAPACITY = 4096  # jobs; a runner makes about five a second, so a disk may stall for minutes
WAITS_S = (0.5, 1.0, 2.0, 5.0)  # between tries; the last one again and again
GIVE_UP_S = 30.0  # of a gateway that is asked to end


@dataclass(frozen=True, slots=True)
class Trouble:
    """Nothing can be stored now: since when on the loop's clock, and what the store said last."""

    since_s: float
    text: str


class _Job(Generic[T]):
    __slots__ = ("answer", "error", "patient", "refused", "result", "work")

    def __init__(self, work: Callable[[Store], T], answer: "asyncio.Future[T] | None", *, patient: bool) -> None:
        self.work = work
        self.answer = answer
        self.patient = patient  # trouble is waited out; otherwise it is handed back
        self.refused = False  # whoever asked was told already: it is not to be done any more
        self.result: T | None = None
        self.error: StoreError | None = None

    def do(self, store: Store) -> None:
        """In the writer's thread. Raises StoreTroubleError of a patient job; a refusal is kept for `settle`."""
        if self.refused:
            return
        try:
            self.result = self.work(store)
        except StoreError as error:
            if self.patient and isinstance(error, StoreTroubleError):
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
    """Jobs for the store. `put` and `submit` hand one over that is tried until it is done, `call` waits for a result.

    A job that is tried again must be one that may be done twice.
    """

    def __init__(self, store: Store, *, capacity: int = CAPACITY) -> None:
        self.store = store
        self.channel: Channel[_Job[Any]] = Channel(capacity, Overflow.WAIT, name="store")
        self.last_commit_s: float | None = None
        self.trouble: Trouble | None = None
        self.refusals = 0  # jobs that nobody waited for and that the store will never take
        self.last_refusal = ""
        self._impatient: set[_Job[Any]] = set()
        self._hurried_s: float | None = None

    async def put(self, work: Callable[[Store], object]) -> None:
        """Hand a job over, waiting when the queue is full. What the store refuses for good is counted."""
        await self.channel.send(_Job(work, None, patient=True))

    async def submit(self, work: Callable[[Store], T]) -> "asyncio.Future[T]":
        """As `put`; the future has the result, or what the store refused."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self.channel.send(_Job(work, answer, patient=True))
        return answer

    async def call(self, work: Callable[[Store], T]) -> T:
        """The result of `work(store)`, done after everything that was put before. Raises what the store raises.

        In trouble it is refused at once, with the trouble's words: then nothing of it was done.
        """
        if self.trouble is not None:
            raise StoreTroubleError(self.trouble.text)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = _Job(work, answer, patient=False)
        self._impatient.add(job)
        try:
            await self.channel.send(job)
            return await answer
        finally:
            self._impatient.discard(job)

    def hurry(self) -> None:
        """The gateway ends: trouble is waited out for half a minute, then it ends the run."""
        self._hurried_s = asyncio.get_running_loop().time()

    def close(self) -> None:
        """No more jobs; `run` does what waits and ends."""
        self.channel.close()

    async def run(self) -> None:
        """The only task that writes. Raises StoreTroubleError when the gateway ends and trouble does not."""
        batch: deque[_Job[Any]] = deque()
        async for job in self.channel:
            batch.append(job)
            if not len(self.channel):
                await self._write(batch)

    async def _write(self, batch: deque[_Job[Any]]) -> None:
        """Do the whole batch, in order, as often as it takes."""
        tries = 0
        while batch:
            done: list[_Job[Any]] = []
            error = await asyncio.to_thread(self._do, batch, done)
            now_s = asyncio.get_running_loop().time()
            for job in done:
                self._settle(job)
            if error is None:
                self.trouble, self.last_commit_s = None, now_s
                return
            tries = 0 if done else tries
            since_s = now_s if self.trouble is None or done else self.trouble.since_s
            self.trouble = Trouble(since_s, str(error))
            if self._hurried_s is not None and now_s - max(since_s, self._hurried_s) >= GIVE_UP_S:
                raise StoreTroubleError(
                    f"{error}; it was waited for {GIVE_UP_S:.0f} s, what had not reached the disk is lost: the next"
                    " start ends the session with the rest"
                ) from error
            self._refuse_waiting(str(error))
            await asyncio.sleep(WAITS_S[min(tries, len(WAITS_S) - 1)])
            tries += 1

    def _do(self, batch: deque[_Job[Any]], done: list[_Job[Any]]) -> StoreTroubleError | None:
        """In the writer's thread: what is done goes from `batch` to `done`; the trouble that stopped it, if any."""
        while batch:
            try:
                batch[0].do(self.store)
            except StoreTroubleError as error:
                return error
            done.append(batch.popleft())
        return None

    def _settle(self, job: _Job[Any]) -> None:
        if job.answer is None and job.error is not None:
            self.refusals += 1
            self.last_refusal = str(job.error)
        job.settle()

    def _refuse_waiting(self, text: str) -> None:
        """Nobody who can be told waits for a disk."""
        for job in self._impatient:
            job.refused, job.error = True, StoreTroubleError(text)
            job.settle()
