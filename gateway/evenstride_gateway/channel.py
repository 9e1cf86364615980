"""The queue between two tasks: bounded, closable, and nothing leaves it uncounted."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Overflow(StrEnum):
    WAIT = "wait"  # the sender waits: for the store
    DROP_OLDEST = "drop oldest"  # the newest wins: for the page and the radio's inbox


class ChannelClosedError(RuntimeError):
    """Something was sent into a channel that is closed: the order of shutting down is wrong."""


class Channel(Generic[T]):
    """Many writers, one reader, one event loop. `received`, `dropped` and `len()` are what health shows.

    `keep(item)` names items that are never dropped: they may exceed the capacity, the oldest other item goes instead.
    `on_drop(item)` hears of every item that is lost. After `close()` the reader drains what is left and ends.
    """

    def __init__(
        self,
        capacity: int,
        overflow: Overflow,
        *,
        name: str = "",
        keep: Callable[[T], bool] | None = None,
        on_drop: Callable[[T], None] | None = None,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a channel holds at least one item, not {capacity}")
        self.name = name
        self.capacity = capacity
        self.overflow = overflow
        self.received = 0
        self.dropped = 0
        self._items: deque[T] = deque()
        self._keep = keep
        self._on_drop = on_drop
        self._closed = False
        self._reader: asyncio.Future[None] | None = None
        self._writers: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        return self._closed

    async def send(self, item: T) -> None:
        """Hand over `item`, waiting for room where the channel says WAIT. Raises ChannelClosedError."""
        if self.overflow is Overflow.WAIT:
            while not self._closed and (len(self._items) >= self.capacity or self._writers):
                await self._wait_for_room()
                if len(self._items) < self.capacity:
                    break
        if self._closed:
            raise ChannelClosedError(f"send on the closed channel {self.name!r}")
        self._take(item)
        if len(self._items) < self.capacity:
            self._wake_writer()

    def put_nowait(self, item: T) -> bool:
        """Hand over `item` from a callback; True when nothing was lost by it. Never waits, never raises.

        A full DROP_OLDEST channel loses its oldest item, a full WAIT channel and a closed one lose `item`; both count.
        """
        if self._closed:
            self._lose(item)
            return False
        if len(self._items) < self.capacity:
            self._take(item)
            return True
        if self.overflow is Overflow.WAIT:
            self._lose(item)
            return False
        return self._take(item)

    def close(self) -> None:
        """No more items: waiting writers get ChannelClosedError, the reader drains what is left and ends."""
        self._closed = True
        self._wake_reader()
        while self._writers:
            self._wake_writer()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            if self._reader is not None:
                raise RuntimeError(f"the channel {self.name!r} has a second reader")
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        item = self._items.popleft()
        self._wake_writer()
        return item

    def _take(self, item: T) -> bool:
        """Append `item`, at the cost of the oldest droppable one; True when nothing was lost."""
        self.received += 1
        self._items.append(item)
        whole = True
        if len(self._items) > self.capacity and self.overflow is Overflow.DROP_OLDEST:
            index = next((i for i, old in enumerate(self._items) if self._keep is None or not self._keep(old)), None)
            if index is not None:
                oldest = self._items[index]
                del self._items[index]
                self._lose(oldest)
                whole = False
        self._wake_reader()
        return whole

    def _lose(self, item: T) -> None:
        self.dropped += 1
        if self._on_drop is not None:
            self._on_drop(item)

    async def _wait_for_room(self) -> None:
        room = asyncio.get_running_loop().create_future()
        self._writers.append(room)
        try:
            await room
        except asyncio.CancelledError:
            if room in self._writers:
                self._writers.remove(room)
            else:
                self._wake_writer()  # the turn was given to a writer that no longer wants it
            raise

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake_writer(self) -> None:
        while self._writers:
            room = self._writers.popleft()
            if not room.done():
                room.set_result(None)
                return
