"""From one publisher to every open page: encoded once, bounded per viewer, a snapshot after every loss."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

Payload = Mapping[str, Any]
QUEUE_FRAMES = 64
HEARTBEAT_S = 1.0
VIEWERS_MAX = 100


def encode(event: str, seq: int, payload: Payload) -> bytes:
    """One server-sent event; `seq` is its id. Raises ValueError for NaN and infinity, which JSON does not know."""
    data = json.dumps(payload, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return f"id: {seq}\nevent: {event}\ndata: {data}\n\n".encode()


class Viewer:
    """One open page. Single reader; what it could not take is dropped, counted, and made good by a snapshot."""

    def __init__(self, capacity: int, snapshot: Callable[[], bytes]) -> None:
        self._frames: deque[bytes] = deque()
        self._capacity, self._snapshot = capacity, snapshot
        self._wake = asyncio.Event()
        self._closed = False
        self._behind = True  # a new viewer has everything to catch up with
        self.dropped = 0
        self._wake.set()

    def offer(self, frame: bytes) -> int:
        """Queue one frame; returns how many were dropped for it (0 or 1)."""
        dropped = 0
        if len(self._frames) == self._capacity:
            self._frames.popleft()
            dropped = 1
            self.dropped += 1
            self._behind = True
        self._frames.append(frame)
        self._wake.set()
        return dropped

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def next(self) -> bytes | None:
        """Everything that waits, as one piece of the stream; None when the viewer was closed."""
        await self._wake.wait()
        self._wake.clear()
        if self._closed:
            return None
        if self._behind:
            self._behind = False
            self._frames.clear()  # the snapshot holds all of it
            return self._snapshot()
        piece = b"".join(self._frames)
        self._frames.clear()
        return piece


class Hub:
    """Sends what the live view says to all viewers.

    `snapshot()` is the whole state, `delta()` what changed since it was last called. `dropped` counts frames that a
    slow viewer never got, over all viewers; `published` is the sequence number of the last frame.
    """

    def __init__(
        self,
        *,
        snapshot: Callable[[], Payload],
        delta: Callable[[], Payload],
        capacity: int = QUEUE_FRAMES,
        viewers_max: int = VIEWERS_MAX,
    ) -> None:
        self._snapshot, self._delta = snapshot, delta
        self._capacity, self._viewers_max = capacity, viewers_max
        self._viewers: set[Viewer] = set()
        self._spoken = asyncio.Event()
        self.published = 0
        self.dropped = 0

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    @property
    def full(self) -> bool:
        return len(self._viewers) >= self._viewers_max

    def publish(self) -> None:
        """Send what changed to everyone, now. Never waits."""
        payload = self._delta()
        self.published += 1
        self._spoken.set()
        if not self._viewers:
            return
        frame = encode("board", self.published, payload)
        for viewer in self._viewers:
            self.dropped += viewer.offer(frame)

    async def run(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        """Speak at least once every `heartbeat_s`, so that silence on the page means trouble. Runs until cancelled."""
        while True:
            self._spoken.clear()
            try:
                async with asyncio.timeout(heartbeat_s):
                    await self._spoken.wait()
            except TimeoutError:
                self.publish()

    @contextmanager
    def join(self) -> Generator[Viewer, None, None]:
        """A viewer for as long as the context lasts."""
        viewer = Viewer(self._capacity, lambda: encode("snapshot", self.published, self._snapshot()))
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    def disconnect_all(self) -> None:
        """End every open stream; the pages come back by themselves if there is somebody to come back to."""
        for viewer in self._viewers:
            viewer.close()
