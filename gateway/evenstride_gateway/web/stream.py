"""The event stream of one open page, from joining the hub to the moment the page goes away."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from evenstride_gateway.web.hub import Hub, Viewer

RETRY_MS = 1000


class EventStream(Response):
    """Server-sent events from the hub. Ends when the page leaves or the hub disconnects everyone."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI names it
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": f"retry: {RETRY_MS}\n\n".encode(), "more_body": True})
        with self._hub.join() as viewer:
            async with asyncio.TaskGroup() as tasks:
                leaving = tasks.create_task(_leave(receive, viewer), name="web: a page leaves")
                while (piece := await viewer.next()) is not None:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                leaving.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _leave(receive: Receive, viewer: Viewer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    viewer.close()
