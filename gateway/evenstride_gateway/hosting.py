"""A gateway with its page: what `run` and `demo` share. The only difference between them is the source."""

import asyncio
import os
import random
import secrets
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from evenstride_analysis.model import Side
from evenstride_gateway.app import Gateway, running, wire
from evenstride_gateway.calling import TOKEN_FILE, announced
from evenstride_gateway.closing import recover
from evenstride_gateway.config import Config
from evenstride_gateway.errors import StoreError
from evenstride_gateway.health import Health
from evenstride_gateway.link.source import Source
from evenstride_gateway.rendering import ReportProcess
from evenstride_gateway.results import system_error
from evenstride_gateway.service import Service
from evenstride_gateway.store import Store, TailCut
from evenstride_gateway.web.app import create_app
from evenstride_gateway.web.server import serve


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A running gateway, and where its page is. `url` is for everyone on this machine, `coach_url` may also act."""

    gateway: Gateway
    url: str
    coach_url: str


def coach_token(folder: Path) -> str:
    """The coach's token of this data directory: made once, readable by its owner only."""
    path = folder / TOKEN_FILE
    try:
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(secrets.token_urlsafe(18))
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read or made: {error.strerror or error}") from error
    if len(token) < 16:
        raise StoreError(f"{path}: {len(token)} characters are no token: delete the file, a new one is made")
    return token


@asynccontextmanager
async def open_store(folder: Path, config: Config, tell: Callable[[str], None]) -> AsyncGenerator[Store, None]:
    """The store for writing; says what a crash cost and ends the sessions that it left open."""

    def cut(tail: TailCut) -> None:
        tell(str(tail))

    with Store.open(folder, on_cut=cut) as store:
        for sentence in await asyncio.to_thread(recover, store, system_error(config.symmetry)):
            tell(sentence)
        yield store


@asynccontextmanager
async def hosted(
    *,
    store: Store,
    source: Source,
    config: Config,
    sides: Mapping[str, Side],
    version: str,
    cut_at_start: str = "",
    rng: random.Random | None = None,
) -> AsyncGenerator[Hosted, None]:
    """Gateway and page until the context ends; the running session is stopped and stored then."""
    health = Health()
    health.store.cut_at_start = cut_at_start
    gateway = wire(store=store, source=source, config=config, sides=sides, version=version, health=health, rng=rng)
    token = coach_token(store.folder)
    loop = asyncio.get_running_loop()

    def tell(text: str) -> None:
        health.event(text, loop.time())

    async with ReportProcess(store.folder, config.symmetry, version=version, tell=tell) as reports:
        app = create_app(Service(gateway, reports, version=version), token=token, hosts=(config.page.host,))
        async with (
            running(gateway) as tasks,
            serve(app, tasks=tasks, host=config.page.host, port=config.page.port) as page,
        ):
            with announced(store.folder, page.url):
                yield Hosted(gateway=gateway, url=page.url, coach_url=f"{page.url}?token={token}")


@asynccontextmanager
async def until_interrupted() -> AsyncGenerator[asyncio.Event, None]:
    """An event that Ctrl-C and SIGTERM set, so that a run ends by stopping and storing; the second one aborts."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked, number)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
