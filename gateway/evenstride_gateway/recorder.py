"""One recording: who wears what, strides to store and page, symmetry on its grid. Holds no formula of the science."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.frames import IDENTITY
from evenstride_analysis.model import (
    Assignment,
    ClockFit,
    Frame,
    Measure,
    PodInfo,
    ProvisionalStride,
    Session,
    Side,
    Step,
    Stride,
)
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.summary import LiveSession
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.air import RawFrame, StrideRecords
from evenstride_gateway.clock import shifted
from evenstride_gateway.errors import InputError, StoreError
from evenstride_gateway.offsets import SETTING, fitting, offset_for
from evenstride_gateway.pipeline import PodPipeline
from evenstride_gateway.store import RawWriter, Store
from evenstride_gateway.web.view import LiveView
from evenstride_gateway.writing import StoreQueue

SHOWN = (Measure.STANCE, Measure.IMPACT_AXIAL)
RECORD_SLACK_S = 1.0
_WAITING = 200  # strides of one pod that wait for its first clock fit: two minutes of running

FitOf = Callable[[str, int], "ClockFit | None"]  # pod, boot -> the fit now, in host monotonic seconds


@dataclass(slots=True)
class Recording:
    """A session that runs: `start_s` is its zero in host monotonic seconds."""

    session: Session
    start_s: float
    assignments: tuple[Assignment, ...]
    raw: dict[str, RawWriter] = field(default_factory=dict[str, RawWriter])
    unwritten: list[Frame] = field(default_factory=list[Frame])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """How a pod sits on a leg: the rotation that was last found there, and its version (0 = nothing was found)."""

    rotation: tuple[float, ...] = IDENTITY
    version: int = 0


class LiveLegs:
    """Both legs together as strides come in, in seconds since `start_s`."""

    def __init__(self, start_s: float, system: SystematicError) -> None:
        self.start_s = start_s
        self.pairing = Pairing()
        self.session = LiveSession(SHOWN, system=system)
        self.latest_s: dict[Side, float] = {}

    def push(self, side: Side, stride: Stride, t_s: float, bound_s: float) -> list[Step]:
        """The steps that this stride settles. What comes behind the live edge is left to the end of the session."""
        if t_s <= self.latest_s.get(side, float("-inf")):
            return []
        self.latest_s[side] = t_s
        return self.pairing.push(side, stride, t_s, bound_s)


class Recorder:
    """Takes the frames of all pods; knows whether they are recorded, and what the page is told."""

    def __init__(
        self, *, queue: StoreQueue, view: LiveView, system: SystematicError, fit_of: FitOf, now_s: float
    ) -> None:
        self.recording: Recording | None = None
        self.sealed = False  # the account of the recording is final: nothing more is taken for now
        self.pipelines: dict[str, PodPipeline] = {}
        self.sides: dict[str, Side] = {}
        self.seats: dict[tuple[str, Side], Seat] = {}  # how a pod was found to sit on a leg
        self.offset: HardwareOffset | None = None  # of the recording that runs
        self.shown = 0  # strides that the page was told of: each when it is provisional, and when it is complete
        self.complete = 0  # of these the complete ones
        self._queue, self._view, self._system, self._fit_of = queue, view, system, fit_of
        self._legs = LiveLegs(now_s, system)
        self._infos: dict[str, PodInfo] = {}  # what each pod said last
        self._waiting: dict[str, deque[Stride]] = {}
        self._outside: set[str] = set()  # pods that the store had no place for when they came
        self._admitting: set[str] = set()

    async def on_pod(self, info: PodInfo) -> None:
        """A pod streams: it gets a pipeline, and a place in the store when a session runs.

        Raises InputError when it changed its rate or ranges during a recording: one session has one of each per pod;
        and when another pod that is recorded sits on its leg.
        """
        held = self.pipelines.get(info.pod_id)
        fresh = PodPipeline(
            info, offset=fitting(self.offset, info)
        )  # raises for a pod that cannot be read, before anything is changed
        self._infos[info.pod_id] = info
        if held is not None and held.info == info:
            if not self._takes_part(info.pod_id) and self.recording is not None:  # it was turned away before
                await self._try_to_admit(self.recording, info)
            return
        if held is not None and self.recording is not None:
            held.closed = True
            raise InputError(
                f"pod {info.pod_id} changed from {held.info.rate_hz:g} to {info.rate_hz:g} Hz, or its ranges, while it"
                " was recorded: its samples count again from the next session on"
            )
        self.pipelines[info.pod_id] = fresh
        self._waiting.setdefault(info.pod_id, deque(maxlen=_WAITING))
        if self.recording is not None:
            await self._try_to_admit(self.recording, info)

    async def admit_waiting(self) -> None:
        """Pods that the store had no place for get another chance."""
        for pod_id in list(self._outside):
            recording = self.recording
            self._outside.discard(pod_id)
            if recording is None or pod_id in recording.raw or pod_id not in self._infos:
                continue
            try:
                await self._try_to_admit(recording, self._infos[pod_id])
            except InputError as error:  # another one has taken its leg
                self._view.on_warning(f"pod {pod_id}", f"{error}.")

    async def _try_to_admit(self, recording: Recording, info: PodInfo) -> None:
        """As `_admit`; where the store has no place for the pod now it stays outside and is tried again."""
        pod_id = info.pod_id
        if pod_id in self._admitting:
            return
        self._admitting.add(pod_id)
        try:
            await self._admit(recording, info)
        except StoreError as error:
            self._outside.add(pod_id)
            self._view.on_warning(f"pod {pod_id}", f"Pod {pod_id} is not recorded yet, it is tried again: {error}.")
        else:
            self._view.on_warning(f"pod {pod_id}", "")
        finally:
            self._admitting.discard(pod_id)

    async def _admit(self, recording: Recording, info: PodInfo) -> None:
        """A pod comes while a session runs. Raises InputError when another one sits on its side already."""
        pod_id, side = info.pod_id, self.sides.get(info.pod_id)
        fresh = all(a.pod_id != pod_id for a in recording.assignments)
        rival = next((a.pod_id for a in recording.assignments if a.side is side), None)
        if fresh and side is not None and rival is not None:
            raise InputError(
                f"pods {rival} and {pod_id} both claim the {side.value} leg:"
                f" say `evenstride pods assign {pod_id} {side.other.value}`"
            )
        await self._open_raw(recording, [info])
        if fresh and side is not None:
            session = recording.session
            new = assign_sides(
                [pod_id], self.sides, session_id=session.session_id, runner_id=session.runner_id, seats=self.seats
            )
            recording.assignments += new
            await self._queue.put(lambda store: store.put_assignment(*new))

    async def on_frame(self, pod_id: str, message: RawFrame) -> None:
        """Count, store and detect. A pod that never said what it is cannot be read and is left to the ledger's gap."""
        pipeline = self.pipelines.get(pod_id)
        if pipeline is None or self.sealed or not self._takes_part(pod_id):
            return
        taken = pipeline.take(message)
        if taken.frame is not None and self.recording is not None:
            self.recording.unwritten.append(taken.frame)
        for early in taken.provisional:
            self._show_early(pod_id, early)
        if taken.strides:
            await self.on_strides(pod_id, taken.strides)

    def _show_early(self, pod_id: str, early: ProvisionalStride) -> None:
        """To the page and nowhere else; a pod without a leg or without a clock fit has no place there yet."""
        side, fit = self.sides.get(pod_id), self._fit_of(pod_id, early.boot_id)
        if side is not None and fit is not None:
            self._view.on_provisional(side, early, fit.session_s(early.strike_s))
            self.shown += 1

    async def on_records(self, pod_id: str, message: StrideRecords, *, arrival_s: float) -> None:
        """What the pod computed itself; where raw of the same stride is known, the store lets raw win.

        Raises InputError for a stride that ended after it was told: it would hold up all that follows.
        """
        pipeline = self.pipelines.get(pod_id)
        if pipeline is None or self.sealed or pipeline.closed or not self._takes_part(pod_id):
            return
        strides = [
            record.stride(pod_id=pod_id, boot_id=message.boot_id, method=message.method, tick_hz=pipeline.info.tick_hz)
            for record in message.records
        ]
        fit = self._fit_of(pod_id, message.boot_id)
        if fit is not None:
            latest_s = arrival_s + fit.bound_s + RECORD_SLACK_S
            for stride in strides:
                if fit.session_s(stride.end_s) > latest_s:
                    raise InputError(f"pod {pod_id}: a stride record of the future, strike at {stride.strike_s:.1f} s")
        await self.on_strides(pod_id, strides)

    def _takes_part(self, pod_id: str) -> bool:
        """Whether the pod may speak now: during a recording only those that it has admitted."""
        return self.recording is None or pod_id in self.recording.raw

    async def on_strides(self, pod_id: str, strides: Sequence[Stride]) -> None:
        """Strides of one pod: to the store, to the page, and to the other leg."""
        waiting = self._waiting[pod_id]
        waiting.extend(strides)
        timed = [(stride, fit) for stride in waiting if (fit := self._fit_of(pod_id, stride.boot_id)) is not None]
        untimed = [stride for stride in waiting if self._fit_of(pod_id, stride.boot_id) is None]
        waiting.clear()
        waiting.extend(untimed)
        if not timed:
            return
        if self.recording is not None:
            session_id, start_s = self.recording.session.session_id, self.recording.start_s
            t_s = {stride: shifted(fit, start_s).session_s(stride.strike_s) for stride, fit in timed}
            await self._queue.put(
                lambda store: store.apply_strides(session_id, list(t_s), published_t_s=t_s.__getitem__)
            )
        side = self.sides.get(pod_id)
        if side is not None:
            for stride, fit in timed:
                await self._show(side, stride, fit)

    def on_legs(self, changed: Mapping[str, Side], gone: Sequence[str] = ()) -> None:
        """Pods sit elsewhere from now on, `gone` ones nowhere. Pairs begin anew: none may mix what was with what is."""
        for pod_id in gone:
            self.sides.pop(pod_id, None)
        self.sides.update(changed)
        self._legs = LiveLegs(self._legs.start_s, self._system)
        self._view.on_legs(self.sides)

    async def _show(self, side: Side, stride: Stride, fit: ClockFit) -> None:
        legs = self._legs
        host_s = fit.session_s(stride.strike_s)
        self._view.on_stride(side, stride, host_s)
        self.shown += 1
        self.complete += 1
        await self._enter(legs.push(side, stride, host_s - legs.start_s, fit.bound_s))

    async def _enter(self, steps: Sequence[Step]) -> None:
        if not steps:
            return
        legs = self._legs
        for step in steps:
            self._view.on_step(step, step.t_s + legs.start_s)
        legs.session.push(steps)
        await self._tell(steps[-1].t_s)

    async def _tell(self, t_s: float) -> None:
        """What has settled until `t_s`: points to the store, the newest values and the place to the page."""
        session = self._legs.session
        points = session.grid_points()
        if points and self.recording is not None:
            session_id = self.recording.session.session_id
            await self._queue.put(lambda store: store.put_symmetry(session_id, points))
        settled = session.places()
        if settled and self.recording is not None:
            session_id = self.recording.session.session_id
            places = {(s.stride.pod_id, s.stride.boot_id, s.stride.strike_index): place for s, place in settled}
            await self._queue.put(lambda store: store.put_places(session_id, places))
        for symmetry in session.at(t_s):
            self._view.on_symmetry(symmetry)
        self._view.on_place(session.place)

    async def start(self, session: Session, assignments: Sequence[Assignment], *, start_s: float) -> None:
        """Begin to record. Raises StoreError; then nothing was begun."""
        infos = [self._infos[pod_id] for pod_id in self.pipelines]

        def begin(store: Store) -> HardwareOffset | None:
            for info in infos:
                store.put_pod(info)
            offset = offset_for(store, infos)
            settings = {} if offset is None else {SETTING: offset.label}
            store.create_session(replace(session, settings=session.settings | settings), assignments)
            return offset

        self.offset = await self._queue.call(begin)
        recording = Recording(session=session, start_s=start_s, assignments=tuple(assignments))
        try:
            await self._open_raw(recording, infos)
        except StoreError:
            await self._queue.put(lambda store: store.delete_session(session.session_id))
            raise
        self.renew(start_s, assignments)
        self.recording = recording
        for pod_id, pipeline in list(self.pipelines.items()):
            if pod_id not in recording.raw:  # it came while the store was busy with the beginning
                try:
                    await self._try_to_admit(recording, pipeline.info)
                except InputError as error:  # it stays out; the session has begun
                    self._view.on_warning(f"pod {pod_id}", f"{error}.")

    def renew(self, start_s: float, assignments: Sequence[Assignment] = ()) -> None:
        """Detectors, accounts and pairs begin anew, so that they see what the raw log sees and nothing before it."""
        self.sealed = False
        rotations = {a.pod_id: a.rotation for a in assignments}
        for pod_id in self.pipelines:
            info = self._infos[pod_id]
            self.pipelines[pod_id] = PodPipeline(
                info, rotation=rotations.get(pod_id, IDENTITY), offset=fitting(self.offset, info)
            )
            self._waiting[pod_id] = deque(maxlen=_WAITING)
        self._legs = LiveLegs(start_s, self._system)

    async def _open_raw(self, recording: Recording, infos: Sequence[PodInfo]) -> None:
        session_id = recording.session.session_id

        def open_all(store: Store) -> dict[str, RawWriter]:
            for info in infos:
                store.put_pod(info)
            with ExitStack() as opened:  # all of them, or none stays open
                raw = {info.pod_id: opened.enter_context(store.raw_writer(session_id, info)) for info in infos}
                opened.pop_all()
            return raw

        recording.raw |= await self._queue.call(open_all)

    async def sync(self) -> None:
        """Hand what came since the last call to the raw logs, and have them on the disk."""
        recording = self.recording
        if recording is None or not recording.unwritten:
            return
        frames, recording.unwritten = recording.unwritten, []
        writers = dict(recording.raw)
        pods = {frame.pod_id for frame in frames}
        waiting = deque(frames)

        def write(_: Store) -> None:
            while waiting:  # tried again, it goes on where it was
                writers[waiting[0].pod_id].append(waiting[0])
                waiting.popleft()
            for pod_id in pods:
                writers[pod_id].sync()

        await self._queue.put(write)

    async def settle(self) -> None:
        """The account is final. What the detectors and the pairing still hold comes out, and to the disk."""
        self.sealed = True
        for pod_id, pipeline in list(self.pipelines.items()):
            await self.on_strides(pod_id, pipeline.flush())
        await self._enter(self._legs.pairing.flush())
        self._legs.session.flush()
        if self._legs.latest_s:
            await self._tell(max(self._legs.latest_s.values()))
        await self.sync()

    def release(self) -> list[RawWriter]:
        """The recording ends: frames from now on belong to no session. Returns its raw logs, for the caller to close
        behind everything that was put."""
        recording, self.recording = self.recording, None
        self._outside.clear()
        return [] if recording is None else list(recording.raw.values())


def assign_sides(
    pods: Sequence[str],
    sides: Mapping[str, Side],
    *,
    session_id: str,
    runner_id: str,
    seats: Mapping[tuple[str, Side], Seat],
) -> tuple[Assignment, ...]:
    """An assignment for every pod that has a side; pods without one are recorded, and assigned later."""
    return tuple(
        Assignment(
            session_id=session_id,
            pod_id=pod_id,
            runner_id=runner_id,
            side=sides[pod_id],
            rotation=seat.rotation,
            rotation_version=seat.version,
        )
        for pod_id in pods
        if pod_id in sides
        for seat in [seats.get((pod_id, sides[pod_id]), Seat())]
    )
