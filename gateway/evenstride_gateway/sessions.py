"""Sessions as a person sees them: start, stop, list. Everything that is stored goes through the queue."""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from evenstride_analysis.model import Session, Side
from evenstride_analysis.placement.drift import DriftPoint
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.backfill import Backfiller
from evenstride_gateway.clock import shifted
from evenstride_gateway.closing import Ending, late_words, run_again
from evenstride_gateway.config import Config, MqttConfig
from evenstride_gateway.errors import StoreError, StoreTroubleError
from evenstride_gateway.intake import Intake
from evenstride_gateway.pipeline import Late, PodPipeline
from evenstride_gateway.recorder import Recorder, Recording, Seat, assign_sides
from evenstride_gateway.results import AFTER_S, CONTEXT_S, error_settings
from evenstride_gateway.store import Person, Store
from evenstride_gateway.web.board import Recording as BoardState
from evenstride_gateway.web.port import SessionConflictError
from evenstride_gateway.web.view import LiveView
from evenstride_gateway.writing import StoreQueue

_POLL_S = 0.25
ANSWER_S = 10.0  # of trouble, before whoever asked for the stop is told that it is stored later
RERUN_S = 15.0  # a run again reads the whole raw log of the pod: many small holes share one
CLOCKS_S = 10.0  # a crash costs at most so much of what was learned of the clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stopped:
    """A session that was stopped: its end waits in the queue."""

    ending: Ending
    answer: asyncio.Future[None]
    drift: dict[str, list[DriftPoint]]


class Sessions:
    """Starts and stops recordings. One at a time."""

    def __init__(
        self,
        *,
        queue: StoreQueue,
        recorder: Recorder,
        intake: Intake,
        backfiller: Backfiller,
        view: LiveView,
        config: Config,
        system: SystematicError,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._queue, self._recorder, self._intake, self._backfiller = queue, recorder, intake, backfiller
        self._view, self._config, self._system, self._utc = view, config, system, utc
        # What a stored session says of its pods' seats: in the store's thread, with the drift that was seen live.
        self.on_stored: (
            Callable[[Store, str, Mapping[str, Sequence[DriftPoint]]], tuple[dict[tuple[str, Side], Seat], str]] | None
        ) = None
        self.changing = asyncio.Lock()  # held while a session starts or stops
        self._clocks_due_s = self._rerun_due_s = 0.0
        self._clocks_of: set[tuple[str, int]] = set()  # the boots whose fits are stored
        self._stopped: list[_Stopped] = []  # sessions whose end the store has not taken yet

    async def start(self, runner: str) -> str:
        """Begin to record everything that streams. Returns the session's id.

        Raises SessionConflictError when one runs already, when no pod streams, or when two claim one side.
        """
        async with self.changing:
            if self._recorder.recording is not None:
                running = self._recorder.recording.session.session_id
                raise SessionConflictError(f"session {running} is running: stop it first")
            pods = list(self._recorder.pipelines)
            if not any(self._intake.is_streaming(pod_id) for pod_id in pods):
                raise SessionConflictError("no pod sends data now: switch the pods on and wait for their tiles")
            started_at = self._utc()
            start_s = asyncio.get_running_loop().time()
            person = await self._person(runner)
            session_id = await self._free_id(started_at)
            session = Session(
                session_id=session_id,
                runner_id=person.runner_id,
                started_at=started_at,
                settings=error_settings(self._system, [DEFAULT_TABLE.method]),
            )
            pods = list(self._recorder.pipelines)  # more may have come while the store was asked
            self._check_sides(pods)
            sides = assign_sides(
                pods,
                self._recorder.sides,
                session_id=session_id,
                runner_id=person.runner_id,
                seats=self._recorder.seats,
            )
            self._backfiller.renew()
            self._view.on_warning("seats", "")
            self._view.on_warning("late", "")
            self._view.on_warning("end", "")
            self._clocks_of = set()
            await self._recorder.start(session, sides, start_s=start_s)
            self._view.on_session(
                BoardState.RECORDING,
                session_id=session_id,
                runner=person.name,
                started_at=started_at,
                started_s=start_s,
            )
            return session_id

    async def start_when_streaming(self, runner: str, *, pods: int, stop: asyncio.Event) -> str | None:
        """Begin to record as soon as so many pods stream; None when `stop` is set before.

        A session that somebody else started meanwhile is as good. What stands in the way is said on the page.
        """
        while not stop.is_set():
            if self._recorder.recording is not None:
                return self._recorder.recording.session.session_id
            streaming = [pod_id for pod_id in self._recorder.pipelines if self._intake.is_streaming(pod_id)]
            if len(streaming) >= pods:
                try:
                    session_id = await self.start(runner)
                except (SessionConflictError, StoreError) as error:
                    self._view.on_warning("start", f"Not recording yet: {error}.")
                else:
                    self._view.on_warning("start", "")
                    return session_id
            await asyncio.sleep(_POLL_S)
        return None

    async def stop(self) -> str:
        """End the recording: wait for what the pods still hold, run late parts again, store. Returns its id."""
        async with self.changing:
            recording = self._recorder.recording
            if recording is None:
                raise SessionConflictError("no session is running")
            lasted_s = asyncio.get_running_loop().time() - recording.start_s
            stopped_at = recording.session.started_at + timedelta(seconds=lasted_s)
            await self._mark_ends()
            await self._wait_for_backfill()
            await self._recorder.settle()
            await self.store_clocks(recording)
            pipelines = dict(self._recorder.pipelines)
            ending = Ending(
                session_id=recording.session.session_id,
                raw=self._recorder.release(),
                late={pod_id: list(pipeline.late) for pod_id, pipeline in pipelines.items() if pipeline.late},
                losses=[loss for p in pipelines.values() for led in p.ledgers.values() for loss in led.losses()],
                system=self._system,
                stopped_at=stopped_at,
            )
            drift = {pod_id: pipeline.drift_to_the_end() for pod_id, pipeline in pipelines.items()}
            answer = await self._queue.submit(ending)
            self._recorder.renew(asyncio.get_running_loop().time())
            self._view.on_session(BoardState.IDLE)
            await self._intake.try_again()
            return await self._ended(_Stopped(ending=ending, answer=answer, drift=drift))

    async def _ended(self, stopped: "_Stopped") -> str:
        """Wait for the end of a session to be stored. Raises StoreTroubleError when the store does not take it: it
        stays in the queue, and `tend` does the rest. StoreError: it is ended, but something of it is lacking."""
        session_id = stopped.ending.session_id
        while not stopped.answer.done():
            await asyncio.wait([stopped.answer], timeout=_POLL_S)
            trouble, now_s = self._queue.trouble, asyncio.get_running_loop().time()
            if not stopped.answer.done() and trouble is not None and now_s - trouble.since_s >= ANSWER_S:
                self._stopped.append(stopped)
                raise StoreTroubleError(
                    f"session {session_id} is stopped and will be stored as soon as possible: {trouble.text}"
                )
        await self._after(stopped)
        if stopped.ending.problems:
            raise StoreError("; ".join(stopped.ending.problems))
        return session_id

    async def _after(self, stopped: "_Stopped") -> None:
        """The end is stored, or refused: what is lacking is told, and how the pods sat is looked at."""
        ending, error = stopped.ending, stopped.answer.exception()
        if error is not None:
            ending.problems.append(f"session {ending.session_id} is ended by the next start: {error}")
        self._view.on_warning("late", " ".join(ending.lacking))
        self._view.on_warning("end", "".join(f"{_sentence(problem)} " for problem in ending.problems).strip())
        if error is None:
            await self._look_at_seats(ending.session_id, stopped.drift)

    async def _look_at_seats(self, session_id: str, drift: Mapping[str, Sequence[DriftPoint]]) -> None:
        look = self.on_stored
        if look is None:
            return
        try:
            seats, words = await self._queue.call(lambda store: look(store, session_id, drift))
            self._recorder.seats |= seats
            legs = {pod_id: side for pod_id, side in seats if pod_id not in self._recorder.sides}
            if legs:
                self._recorder.on_legs(legs)
            self._view.on_warning("seats", words)
        except StoreError as error:  # the session is stored; what could not be read of it is said
            self._view.on_warning("seats", f"How the pods sat was not looked at: {error}.")

    async def stop_if_running(self) -> None:
        """Stop what runs; a stop that somebody else asked for is waited for. What the store does not take now waits in
        the queue."""
        async with self.changing:
            running = self._recorder.recording is not None
        if running:
            with suppress(SessionConflictError, StoreTroubleError):  # somebody else's stop came first
                await self.stop()

    async def delete(self, session_id: str) -> None:
        """Delete a stored session with its raw. Raises SessionConflictError for the one that runs, or UnknownError."""
        async with self.changing:
            recording = self._recorder.recording
            if recording is not None and recording.session.session_id == session_id:
                raise SessionConflictError(f"session {session_id} is running: stop it first")

            def delete(store: Store) -> None:
                store.session(session_id)
                store.delete_session(session_id)

            await self._queue.call(delete)

    async def tend(self) -> None:
        """During a recording: keep the clocks; run again what backfill has completed and the live edge left behind.

        At any time: what a session's end left to do while the store could not be written. In trouble nothing is done.
        """
        if self.changing.locked() or self._queue.trouble is not None:
            return
        for stopped in [one for one in self._stopped if one.answer.done()]:
            self._stopped.remove(stopped)
            await self._after(stopped)
        recording = self._recorder.recording
        if recording is None:
            return
        await self._recorder.admit_waiting()
        session_id = recording.session.session_id
        boots = {(pod_id, boot_id) for pod_id, p in self._recorder.pipelines.items() for boot_id in p.ledgers}
        fitted = boots & self._intake.fits.keys()
        if fitted != self._clocks_of or asyncio.get_running_loop().time() >= self._clocks_due_s:
            self._clocks_of, self._clocks_due_s = fitted, asyncio.get_running_loop().time() + CLOCKS_S
            await self.store_clocks(recording)
        for pod_id, pipeline in list(self._recorder.pipelines.items()):
            edge = pipeline.fed_end - round((CONTEXT_S + 2 * AFTER_S) * pipeline.info.rate_hz)
            ready: list[Late] = []
            later: list[Late] = []
            for entry in pipeline.late:
                settled = entry.boot_id != pipeline.live_boot or entry.end_index <= edge
                (ready if settled else later).append(entry)
            now_s = asyncio.get_running_loop().time()
            if not ready or self._backfiller.is_waiting(pod_id) or now_s < self._rerun_due_s:
                continue
            self._rerun_due_s = now_s + RERUN_S
            pipeline.late[:] = later
            await self._recorder.sync()
            await self.store_clocks(recording)
            try:
                await self._queue.call(lambda store, p=pod_id, r=ready: run_again(store, session_id, p, r))
            except StoreError as error:  # with the next ones, or when the session stops
                pipeline.late[:0] = ready
                self._view.on_warning("late", late_words(pod_id, session_id, error))
            else:
                self._view.on_warning("late", "")

    async def store_clocks(self, recording: Recording) -> None:
        """The clock fits as they are now, in session seconds."""
        fits = [
            shifted(fit, recording.start_s)
            for (pod_id, boot_id), fit in self._intake.fits.items()
            if (pipeline := self._recorder.pipelines.get(pod_id)) is not None and boot_id in pipeline.ledgers
        ]
        session_id = recording.session.session_id

        def put(store: Store) -> None:
            for fit in fits:
                store.put_clock(session_id, fit)

        await self._queue.put(put)

    async def _mark_ends(self) -> None:
        """Every pod that can answer says how far it is: what it has taken until now belongs to the recording."""
        async with asyncio.TaskGroup() as tasks:
            for pod_id, pipeline in self._recorder.pipelines.items():
                tasks.create_task(self._mark_end(pod_id, pipeline), name=f"end of {pod_id}")

    async def _mark_end(self, pod_id: str, pipeline: PodPipeline) -> None:
        status = await self._backfiller.status(pod_id) if self._intake.is_streaming(pod_id) else None
        if status is not None:
            pipeline.expect(status.boot_id, status.taken, status.next_seq)
        pipeline.closed = True

    async def _wait_for_backfill(self) -> None:
        try:
            async with asyncio.timeout(self._config.session.backfill_wait_s):
                while self._open():  # noqa: ASYNC110 - frames, replies and losses all change the answer
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return

    def _open(self) -> bool:
        """Whether a pod that can answer still has something that is missing here."""
        return any(
            self._backfiller.open_ranges(pod_id, pipeline)
            for pod_id, pipeline in self._recorder.pipelines.items()
            if self._intake.is_streaming(pod_id)
        )

    def _check_sides(self, pods: list[str]) -> None:
        for side in Side:
            claim = [pod_id for pod_id in pods if self._recorder.sides.get(pod_id) is side]
            if len(claim) > 1:
                raise SessionConflictError(
                    f"pods {' and '.join(claim)} both claim the {side.value} leg:"
                    f" say `evenstride pods assign {claim[-1]} {side.other.value}`"
                )

    async def _person(self, name: str) -> Person:
        """The runner of that name; a new one gets an id from the name."""
        plain = " ".join(name.split()) or "Runner"
        people = await asyncio.to_thread(self._queue.store.people)
        known = next((person for person in people if person.name.casefold() == plain.casefold()), None)
        if known is not None:
            return known
        taken = {person.runner_id for person in people}
        stem = runner_slug(plain)
        runner_id = next(c for n in count(1) if (c := stem if n == 1 else f"{stem}-{n}") not in taken)
        person = Person(runner_id=runner_id, name=plain)
        await self._queue.call(lambda store: store.put_person(person))
        return person

    async def _free_id(self, started_at: datetime) -> str:
        taken = await asyncio.to_thread(self._queue.store.session_ids)
        stem = started_at.strftime("%Y%m%d-%H%M%S") + self._squad_suffix()
        return next(c for n in count(1) if (c := stem if n == 1 else f"{stem}-{n}") not in taken)

    def _squad_suffix(self) -> str:
        """Several gateways that meet in one database may start a session in the same second."""
        name = self._config.mqtt.gateway_id
        return "" if name == MqttConfig().gateway_id else f"-{name}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def runner_slug(name: str) -> str:
    """A runner id from a name: lower-case letters, digits and `-`."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40] or "runner"
