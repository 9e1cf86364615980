"""Reports drawn in a process of their own: the renderer makes every thread of its process wait for up to a second."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Self

from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.store import Store


class ReportProcess:
    """`async with ReportProcess(folder, config, version=..., tell=...) as reports`; `await reports.html(session_id)`.

    The process starts with the first report and lives until the context ends. `tell` hears one line when it died.
    """

    def __init__(self, folder: Path, config: SymmetryConfig, *, version: str, tell: Callable[[str], None]) -> None:
        self._folder, self._config, self._version, self._tell = folder, config, version, tell
        self._pool: ProcessPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    async def html(self, session_id: str) -> str | None:
        """The report of a stored session as one page; None when there is no such session. Raises EvenstrideError."""
        try:
            return await self._drawn(session_id)
        except BrokenProcessPool:
            self._tell("the process that draws reports died: a new one draws the report")
        try:
            return await self._drawn(session_id)
        except BrokenProcessPool as error:
            raise EvenstrideError(
                f"the report of session {session_id} cannot be drawn: its process died twice (is memory short?)"
            ) from error

    async def _drawn(self, session_id: str) -> str | None:
        pool = self._pool
        if pool is None:
            # spawned: a fork would copy the locks of the gateway's threads, and its writer's lock on the store
            pool = self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                pool, draw, self._folder, session_id, self._config, self._version
            )
        except BrokenProcessPool:
            if self._pool is pool:  # of several who waited, the first one takes it away
                self._pool = None
            raise


def draw(folder: Path, session_id: str, config: SymmetryConfig, version: str) -> str | None:
    """The report from the store at `folder`, opened for reading beside its writer; None for an unknown session."""
    try:
        # a heavy extra, wanted only here
        from evenstride_gateway.report import render_html  # noqa: PLC0415
        from evenstride_gateway.reporting import report_data  # noqa: PLC0415
    except ImportError as error:
        raise EvenstrideError(f"reports need `pip install evenstride[report]`: {error}") from error
    with Store.open(folder, readonly=True) as store:
        if all(session.session_id != session_id for session in store.sessions()):
            return None
        return render_html(report_data(store, session_id, config, version=version))


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the gateway ends us
    Thread(target=_end_with_gateway, name="until the gateway ends", daemon=True).start()


def _end_with_gateway() -> None:
    """A gateway that is killed cannot end its process, which would wait for work for ever."""
    gateway = parent_process()
    if gateway is not None:
        gateway.join()
        os._exit(0)
