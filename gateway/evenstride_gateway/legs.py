"""Which pod sits on which leg: from now on, in the session that runs, and in those that are stored."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from evenstride_analysis.frames import IDENTITY
from evenstride_analysis.model import Assignment, Session, Side
from evenstride_analysis.placement.mounting import placement_words
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.closing import regrid
from evenstride_gateway.errors import LegTakenError, UnknownError
from evenstride_gateway.intake import Intake
from evenstride_gateway.recorder import Recorder
from evenstride_gateway.results import PLACEMENT, seats_in_use
from evenstride_gateway.store import Placement, Store
from evenstride_gateway.writing import StoreQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What a change came to: `session_id` is the session that it corrected, if any."""

    sides: dict[str, Side]
    session_id: str | None


def correct(store: Store, session_id: str, sides: Mapping[str, Side], system: SystematicError) -> list[Assignment]:
    """These pods sat on these legs for the whole session; the symmetry points that follow are computed again.

    Raises UnknownError, LegTakenError or another StoreError; then nothing was changed.
    """
    session = store.session(session_id)
    held = {a.pod_id: a for a in store.assignments(session_id)}
    took_part = sorted({*store.raw_pods(session_id), *held})
    new: list[Assignment] = []
    for pod_id, side in sides.items():
        if pod_id not in took_part:
            those = ", ".join(took_part) or "none"
            raise UnknownError(f"pod {pod_id} took no part in session {session_id}; those that did: {those}")
        old = held.get(pod_id)
        runner_id = session.runner_id if old is None else old.runner_id
        for rival in held.values():
            if rival.pod_id not in sides and (rival.runner_id, rival.side) == (runner_id, side):
                swappable = old is not None and old.side is side.other
                raise _taken(pod_id, side, rival.pod_id, swappable=swappable, session_id=session_id)
        new.append(
            Assignment(
                session_id=session_id,
                pod_id=pod_id,
                runner_id=runner_id,
                side=side,
                rotation=IDENTITY if old is None else old.rotation,
                rotation_version=0 if old is None else old.rotation_version,
            )
        )
    with store.atomically():  # half of it, and whoever tries again would swap back
        store.put_assignment(*new)
        if session.stopped_at is not None:
            _say_again(store, session, held.values())
        regrid(store, session_id, system)
    return new


def _say_again(store: Store, session: Session, before: Iterable[Assignment]) -> None:
    """What was said of the pods' seats in a stored session, after other legs were said."""
    now = store.assignments(session.session_id)
    old, new = (placement_words(seats_in_use(them), {a.pod_id: a.side for a in them}) for them in (tuple(before), now))
    text = session.settings.get(PLACEMENT, "")
    for sentence in old:
        text = text.replace(sentence, "")
    said = " ".join([*text.split(), *(sentence for sentence in new if sentence not in text)])
    store.put_settings(session.session_id, {PLACEMENT: said or None})


def swapped(store: Store, session_id: str) -> dict[str, Side]:
    """The pods of a stored session, each on its other leg. Raises UnknownError or LegTakenError."""
    store.session(session_id)
    return other_legs({a.pod_id: a.side for a in store.assignments(session_id)})


def other_legs(sides: Mapping[str, Side]) -> dict[str, Side]:
    """Every pod on its other leg. Raises LegTakenError when one leg has none."""
    if set(sides.values()) != set(Side):
        now = ", ".join(f"{pod_id} on the {side.value}" for pod_id, side in sides.items()) or "no pod has a leg"
        raise LegTakenError(f"a swap needs a pod on each leg; now: {now}")
    return {pod_id: side.other for pod_id, side in sides.items()}


def _taken(pod_id: str, side: Side, rival: str, *, swappable: bool, session_id: str | None) -> LegTakenError:
    where = f" --session {session_id}" if session_id else ""
    remedy = (
        f"exchange the two with `evenstride pods swap{where}`"
        if swappable
        else f"choose the {side.other.value} leg, or give pod {rival} another one first"
    )
    return LegTakenError(f"pod {rival} sits on the {side.value} leg, so pod {pod_id} cannot: {remedy}")


class Legs:
    """Changes legs while the gateway runs: what is stored, what is recorded and what the page shows, together."""

    def __init__(
        self,
        *,
        queue: StoreQueue,
        recorder: Recorder,
        intake: Intake,
        system: SystematicError,
        changing: asyncio.Lock,
    ) -> None:
        self._queue, self._recorder, self._intake, self._system = queue, recorder, intake, system
        self._changing = changing  # no session starts or stops meanwhile
        # Set where the source takes only pods that have a leg: it hears of each new one, which nobody can have met.
        self.welcome: Callable[[str], None] | None = None

    async def assign(self, pod_id: str, side: Side, *, session_id: str | None = None) -> Placed:
        """The pod sits there from now on, and did so all through the session that runs. `session_id` of a stored
        session corrects that one, and nothing else.

        Raises UnknownError or LegTakenError. A pod that does not stream gives its leg away, unless recorded.
        """
        async with self._changing:
            if session_id is not None and not self._runs(session_id):
                return await self._correct(session_id, {pod_id: side})
            if self.welcome is None:
                await self._check_known(pod_id)
            return await self._change({pod_id: side}, self._giving_way(pod_id, side))

    async def swap(self, *, session_id: str | None = None) -> Placed:
        """Both pods exchange their legs, as with `assign`."""
        async with self._changing:
            if session_id is not None and not self._runs(session_id):
                return await self._correct(session_id, await self._queue.call(lambda store: swapped(store, session_id)))
            recording, sides = self._recorder.recording, self._recorder.sides
            taking_part = self._recorder.pipelines if recording is None else {a.pod_id for a in recording.assignments}
            return await self._change(other_legs({p: s for p, s in sides.items() if p in taking_part}), [])

    def _runs(self, session_id: str) -> bool:
        recording = self._recorder.recording
        return recording is not None and recording.session.session_id == session_id

    async def _correct(self, session_id: str, sides: dict[str, Side]) -> Placed:
        await self._queue.call(lambda store: correct(store, session_id, sides, self._system))
        return Placed(sides=sides, session_id=session_id)

    async def _check_known(self, pod_id: str) -> None:
        met = {info.pod_id for info in await asyncio.to_thread(self._queue.store.pods)}
        known = sorted(met | self._recorder.pipelines.keys() | self._recorder.sides.keys())
        if pod_id not in known:
            raise UnknownError(f"pod {pod_id} was never met; those that were: {', '.join(known) or 'none'}")

    def _giving_way(self, pod_id: str, side: Side) -> list[str]:
        """Who holds the leg now and lets go of it. Raises LegTakenError when one of them does not."""
        recording, sides = self._recorder.recording, self._recorder.sides
        recorded = {a.pod_id for a in recording.assignments} if recording is not None else set[str]()
        rivals = [p for p, s in sides.items() if s is side and p != pod_id]
        for rival in rivals:
            if rival in recorded or self._intake.is_streaming(rival):
                raise _taken(pod_id, side, rival, swappable=sides.get(pod_id) is side.other, session_id=None)
        return rivals

    async def _change(self, changed: dict[str, Side], gone: list[str]) -> Placed:
        recording = self._recorder.recording
        session_id = None if recording is None else recording.session.session_id
        recorded = {} if recording is None else {p: s for p, s in changed.items() if p in recording.raw}

        def write(store: Store) -> list[Assignment]:
            with store.atomically():
                made = correct(store, session_id, recorded, self._system) if session_id and recorded else []
                for pod_id, side in changed.items():
                    store.put_placement(Placement(pod_id=pod_id, side=side))
            return made

        made = await self._queue.call(write)
        if recording is not None:
            recording.assignments = (*(a for a in recording.assignments if a.pod_id not in recorded), *made)
        self._recorder.on_legs(changed, gone)
        if self.welcome is not None:
            for pod_id in changed:
                self.welcome(pod_id)
        await self._intake.try_again()
        return Placed(sides=changed, session_id=session_id if recorded else None)
