"""Debian's Chromium and a page server in a thread, for the tests of the live page."""

import asyncio
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fakes.fake_gateway import FakeGateway
from playwright.sync_api import Browser, Page, expect, sync_playwright

from evenstride_gateway.web.app import create_app
from evenstride_gateway.web.server import Address, serve

T = TypeVar("T")
CHROMIUM = Path("/usr/bin/chromium")
TOKEN = "only-for-tests"
_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Generator[Browser, None, None]:
    """Debian's Chromium, headless. Absent: skip and say why; with CI=true fail."""
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} is not installed: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=15_000)  # a deadline, not a speed: two busy cores must do
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_ARGS)
        try:
            yield browser
        finally:
            browser.close()


class PageServer:
    """A fake gateway behind the real application and the real server, in its own thread and loop."""

    def __init__(
        self, gateway: FakeGateway, loop: asyncio.AbstractEventLoop, address: Address, stopping: threading.Event
    ) -> None:
        self.gateway, self.address = gateway, address
        self._loop, self._stopping = loop, stopping
        self.thread = threading.current_thread()

    @property
    def url(self) -> str:
        return self.address.url

    def do(self, action: Callable[[FakeGateway], T]) -> T:
        """Run `action` in the server's loop and return what it returns."""
        done: Future[T] = Future()

        def run() -> None:
            done.set_result(action(self.gateway))

        self._loop.call_soon_threadsafe(run)
        return done.result(timeout=10)

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        self._stopping.set()
        self.thread.join(timeout=20)
        assert not self.thread.is_alive(), "the page server does not stop"


@contextmanager
def page_server(make: Callable[[], FakeGateway] = FakeGateway, *, port: int = 0) -> Generator[PageServer, None, None]:
    """Serve for as long as the context lasts; `port` 0 = any free one."""
    ready: Future[PageServer] = Future()
    stop = threading.Event()

    async def main() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                gateway = make()
                app = create_app(gateway, token=TOKEN)
                async with serve(app, tasks=tasks, port=port) as address:
                    ready.set_result(PageServer(gateway, asyncio.get_running_loop(), address, stop))
                    await asyncio.to_thread(stop.wait)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="page server")
    thread.start()
    try:
        yield ready.result(timeout=20)
    finally:
        stop.set()
        thread.join(timeout=20)


@contextmanager
def opened(
    browser: Browser, url: str, *, width: int, height: int, tolerate: str = "net::ERR", **context: Any
) -> Generator[Page, None, None]:
    """A page that must not complain: an error on the console or a policy violation fails the test.

    `tolerate` is part of the complaints that belong to the test; a server that is away belongs to some.
    """
    phone = width < 500
    made = browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=phone,
        has_touch=phone,
        reduced_motion="reduce",
        **context,
    )
    page = made.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(15_000)
    page.goto(url)
    yield page
    made.close()
    assert [line for line in complaints if tolerate not in line] == []
