"""The web server inside the gateway's own loop: no signal handlers, no second process, quick to stop."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from evenstride_gateway.errors import ConfigError
from evenstride_gateway.web.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the page is. `port` is the real one when 0 was asked for."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to the gateway and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket. Raises ConfigError that names the port and the remedy."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, OverflowError, UnicodeError) as error:
        raise ConfigError(f"the page cannot listen on {host!r}, port {port}: {error}") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)  # a second gateway is refused here, before anything is started
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            what = f"port {port} on {host} is in use: stop the program that holds it (another gateway?)"
            raise ConfigError(f"{what}, or choose another with --port (0 = any free one)") from error
        what = f"the page cannot listen on {host}, port {port}: {error.strerror}"
        raise ConfigError(f"{what}; choose a port above 1023 and an address of this machine") from error
    return bound


@asynccontextmanager
async def serve(
    app: FastAPI, *, tasks: asyncio.TaskGroup, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[Address, None]:
    """Serve `app` while the context lasts, the hub's heartbeat included; a failing server fails `tasks`.

    Raises ConfigError when the port is taken, before anything is started.
    """
    hub: Hub = app.state.hub
    with contextlib.closing(_bind(host, port)) as bound:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16 * 1024,
        )
        server = _Server(config)
        real_port = int(bound.getsockname()[1])
        serving = tasks.create_task(server.serve(sockets=[bound]), name="web: server")
        heart = tasks.create_task(hub.run(), name="web: heartbeat")
        try:
            await server.listening.wait()
            yield Address(host=host, port=real_port)
        finally:
            heart.cancel()
            server.should_exit = True
            hub.disconnect_all()
            await asyncio.wait([serving])
