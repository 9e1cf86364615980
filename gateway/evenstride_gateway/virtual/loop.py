"""An event loop whose clock jumps over idle time: minutes of radio in a second, the same bytes every time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH_S = 1000.0  # not 0: code that takes a time for a truth value must not pass by luck
OUTSIDE_S = 30.0  # real seconds that another process may take to answer


class VirtualTimeError(RuntimeError):
    """Virtual time cannot go on: nothing is scheduled (a deadlock), or the scenario outlived its limit."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: what the loop would have slept is added to its clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = EPOCH_S
        self.limit_s = float("inf")
        self.outside = 0  # who waits for another process

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.outside:
            ready = super().select(OUTSIDE_S)
            if not ready:
                raise VirtualTimeError(f"no other process answered in {OUTSIDE_S:.0f} real seconds")
            return ready
        if timeout is None:
            raise VirtualTimeError(
                f"deadlock at virtual {self.now_s - EPOCH_S:.3f} s: every task waits and nothing is scheduled "
                "(other processes and threads are waited for inside `outside()` only)"
            )
        if timeout > 0:
            self.now_s += timeout
            if self.now_s > self.limit_s:
                raise VirtualTimeError(f"virtual time passed its limit of {self.limit_s - EPOCH_S:.0f} s")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on which `time()` is virtual and executors run inline, so a scenario in one process is deterministic.

    Whatever measures time must ask `loop.time()`. Bumble's host, device and controller do; its only `datetime.now()`
    stamps a cache entry that nobody reads.
    """

    def __init__(self, *, limit_s: float = 24 * 3600) -> None:
        self._jumping = _JumpingSelector()
        self._jumping.limit_s = EPOCH_S + limit_s
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9  # of the base loop: timers of one instant run together, later ones do not

    def time(self) -> float:
        return self._jumping.now_s

    @contextmanager
    def outside(self) -> Generator[None]:
        """Inside the block another process is waited for in real time; virtual time stands still meanwhile."""
        self._jumping.outside += 1
        try:
            yield
        finally:
            self._jumping.outside -= 1

    def run_in_executor(  # pyright: ignore[reportIncompatibleMethodOverride]  # typeshed's TypeVarTuple is not nameable here
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run `func` here and now; its result arrives on the loop's next turn, as a thread's would."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # it belongs to whoever awaits the future, as in a thread
            self.call_soon(_settle, future, None, error)
        else:
            self.call_soon(_settle, future, result, None)
        return future


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile: the result of a thread would be lost too
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def run_virtual(scenario: Coroutine[Any, Any, T], *, limit_s: float = 3600) -> T:
    """Run `scenario` to its end in virtual time. VirtualTimeError: deadlock, or more than `limit_s` virtual seconds."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit_s=limit_s)) as runner:
        return runner.run(scenario)
