"""The swap-legs test as it is done: two short sessions with the pods exchanged in between, and what they say."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime

from evenstride_analysis.model import Measure, Side, Verdict
from evenstride_analysis.swap import TARGET_PAIRS, SwapTest, pairs_so_far, swap_test
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.calibrating import exchanged
from evenstride_gateway.errors import LegTakenError, StoreError, StoreTroubleError
from evenstride_gateway.intake import Intake
from evenstride_gateway.legs import Legs
from evenstride_gateway.recorder import Recorder
from evenstride_gateway.results import session_steps
from evenstride_gateway.sessions import Sessions
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.web.port import SessionConflictError
from evenstride_gateway.web.swap import SwapPhase, SwapState, swap_words
from evenstride_gateway.writing import StoreQueue

MEASURES = (Measure.STANCE, Measure.IMPACT_AXIAL)
_RUNNING = (SwapPhase.FIRST, SwapPhase.SECOND)


def swap_result(store: Store, first: str, second: str, system: SystematicError) -> list[SwapTest]:
    """What two stored sessions say as a swap-legs test, by measure. Raises StoreError when one is unknown."""
    runs = [(store.session(session_id), session_steps(store, session_id)) for session_id in (first, second)]
    tests = [swap_test(runs[0][1], runs[1][1], measure, system=system) for measure in MEASURES]
    one, other = (session.runner_id for session, _ in runs)
    if one != other:
        reason = f"two runners: {one} in the first session, {other} in the second"
        return [replace(test, body=None, sensor=None, reason=reason) for test in tests]
    return tests


def keep_result(store: Store, first: str, second: str, tests: list[SwapTest], made_at: datetime) -> None:
    """Store what a test said with its runner; it goes when the second session is deleted."""
    said = [line.headline for line in swap_words(tests) if line.verdict is not Verdict.NOT_MEASURABLE]
    content = {"first": first, "second": second, "tests": [asdict(test) for test in tests], "said": said}
    runner_id = store.session(second).runner_id
    store.put_calibration(CalibrationKind.SWAP, runner_id, content, made_at=made_at, session_id=second)


class SwapGuide:
    """Leads through one test at a time; implements SwapPort. `tend` is called once a second."""

    def __init__(
        self,
        *,
        queue: StoreQueue,
        recorder: Recorder,
        intake: Intake,
        sessions: Sessions,
        legs: Legs,
        system: SystematicError,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._queue, self._recorder, self._intake = queue, recorder, intake
        self._sessions, self._legs, self._system, self._utc = sessions, legs, system, utc
        self._state: SwapState = SwapState()
        self._exchanged = False  # the legs are said anew, and the second run could not begin yet
        self._step = asyncio.Lock()  # one action, or one look at the strides, at a time

    def state(self) -> SwapState:
        return replace(self._state, left_pod=self._pod_on(Side.LEFT), right_pod=self._pod_on(Side.RIGHT))

    async def begin(self, runner: str) -> None:
        async with self._step:
            if self._state.phase not in (SwapPhase.IDLE, SwapPhase.DONE):
                raise SessionConflictError(f"a swap-legs test of {self._state.runner} goes on: finish or stop it first")
            self._check_both()
            session_id = await self._sessions.start(runner)
            self._state = SwapState(phase=SwapPhase.FIRST, runner=runner, sessions=(session_id,))

    async def swapped(self) -> None:
        async with self._step:
            if self._state.phase is not SwapPhase.SWAP:
                raise SessionConflictError("there is nothing to swap now: begin the test first")
            self._check_both()
            if not self._exchanged:
                now = {self._pod_on(side): side for side in Side}
                await self._legs.swap()
                self._recorder.seats |= exchanged(self._recorder.seats, now)
                self._exchanged = True
            try:
                session_id = await self._sessions.start(self._state.runner)
            except (SessionConflictError, StoreError):
                await self._legs.swap()  # nothing has begun: the button can be pressed again
                self._exchanged = False
                raise
            self._exchanged = False
            self._state = replace(
                self._state,
                phase=SwapPhase.SECOND,
                to_go=TARGET_PAIRS,
                problem="",
                sessions=(*self._state.sessions, session_id),
            )

    async def cancel(self) -> None:
        async with self._step:
            if self._state.phase in _RUNNING and self._ours_runs():
                with suppress(StoreTroubleError):  # it ends when the store can be written, and the page says so
                    await self._sessions.stop()
            self._state, self._exchanged = SwapState(), False

    async def tend(self) -> None:
        """Count the strides of the run that goes on; end it when there are enough. What the store cannot do is told
        and tried again."""
        if self._state.phase not in _RUNNING or self._step.locked():
            return
        async with self._step:
            try:
                await self._look()
            except (StoreError, SessionConflictError) as error:
                self._state = replace(self._state, problem=f"The test goes on by itself: {error}.")

    async def _look(self) -> None:
        state = self._state
        session_id = state.sessions[-1]
        steps = await asyncio.to_thread(session_steps, self._queue.store, session_id)
        pairs = pairs_so_far(steps)
        problem = "" if self._both_stream() else "A pod is silent: bring it near, the count goes on by itself."
        state = replace(state, to_go=max(0, TARGET_PAIRS - pairs), problem=problem)
        self._state = state
        if state.to_go > 0 and self._ours_runs():
            return
        if self._ours_runs():
            await self._sessions.stop()
        elif state.to_go > 0:  # somebody stopped the session on the live board
            what = f"The run was stopped {state.to_go} strides too early. Begin the test again."
            self._state = replace(state, phase=SwapPhase.IDLE, problem=what)
            return
        if state.phase is SwapPhase.FIRST:
            self._state = replace(state, phase=SwapPhase.SWAP)
        else:
            await self._finish(state)

    async def _finish(self, state: SwapState) -> None:
        first, second = state.sessions
        made_at = self._utc()

        def work(store: Store) -> list[SwapTest]:
            tests = swap_result(store, first, second, self._system)
            keep_result(store, first, second, tests, made_at)
            return tests

        tests = await self._queue.call(work)
        self._state = replace(state, phase=SwapPhase.DONE, result=swap_words(tests))

    def _ours_runs(self) -> bool:
        recording = self._recorder.recording
        return recording is not None and recording.session.session_id == self._state.sessions[-1]

    def _pod_on(self, side: Side) -> str:
        held = [p for p, own in self._recorder.sides.items() if own is side]
        streaming = [p for p in held if self._intake.is_streaming(p)]
        return (streaming or held or [""])[0]

    def _both_stream(self) -> bool:
        return all(self._intake.is_streaming(self._pod_on(side)) for side in Side)

    def _check_both(self) -> None:
        for side in Side:
            pod_id = self._pod_on(side)
            if not pod_id:
                raise LegTakenError(f"the test needs a pod on each leg: no pod sits on the {side.value} one")
            if not self._intake.is_streaming(pod_id):
                raise SessionConflictError(f"pod {pod_id} is silent: bring it near and wait for its tile")
