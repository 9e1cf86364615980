"""The wiring diagram: source -> intake -> recorder -> store and page. One TaskGroup; stop = close and drain."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from evenstride_analysis.model import Side
from evenstride_gateway.air import TimePing
from evenstride_gateway.backfill import Backfiller
from evenstride_gateway.calibrating import after_stop, stored_seats
from evenstride_gateway.clock import ping_delay_s
from evenstride_gateway.config import Config
from evenstride_gateway.errors import LinkError, StoreTroubleError
from evenstride_gateway.health import Health
from evenstride_gateway.intake import Intake
from evenstride_gateway.legs import Legs
from evenstride_gateway.link.source import Source
from evenstride_gateway.normals import collect_with_normals
from evenstride_gateway.recorder import Recorder
from evenstride_gateway.results import system_error
from evenstride_gateway.sessions import Sessions
from evenstride_gateway.sinks.running import sinks_running
from evenstride_gateway.status import Status
from evenstride_gateway.store import Store
from evenstride_gateway.swapping import SwapGuide
from evenstride_gateway.web.hub import Hub
from evenstride_gateway.web.view import LiveView
from evenstride_gateway.writing import StoreQueue

SYNC_S = 0.5  # raw is on the disk at most this long, and one write, after it arrived
TEND_S = 1.0
BACKFILL_S = 0.2  # a host that loses a frame in ten leaves two holes a second
PING_CHECK_S = 0.05
ACKNOWLEDGE_S = 10.0


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The parts of one running gateway."""

    source: Source
    queue: StoreQueue
    recorder: Recorder
    backfiller: Backfiller
    intake: Intake
    sessions: Sessions
    legs: Legs
    swap: SwapGuide
    status: Status
    view: LiveView
    hub: Hub
    config: Config
    rng: random.Random = field(default_factory=random.Random)


def wire(
    *,
    store: Store,
    source: Source,
    config: Config,
    sides: Mapping[str, Side],
    version: str,
    health: Health,
    utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> Gateway:
    """Make the parts and connect them; nothing runs yet. Call inside a running loop."""
    loop = asyncio.get_running_loop()
    view = LiveView(version=version)
    hub = Hub(snapshot=lambda: view.snapshot(loop.time()), delta=lambda: view.delta(loop.time()))
    queue = StoreQueue(store)
    system = system_error(config.symmetry)
    backfiller = Backfiller(source)
    health.watch(queue.channel)
    intake: Intake
    recorder = Recorder(
        queue=queue,
        view=view,
        system=system,
        fit_of=lambda pod_id, boot_id: intake.fit_of(pod_id, boot_id),  # noqa: PLW0108 - made two lines below
        now_s=loop.time(),
    )
    recorder.sides.update(sides)
    intake = Intake(recorder=recorder, backfiller=backfiller, on_event=lambda text: health.event(text, loop.time()))
    sessions = Sessions(
        queue=queue,
        recorder=recorder,
        intake=intake,
        backfiller=backfiller,
        view=view,
        config=config,
        system=system,
        utc=utc,
    )
    sessions.on_stored = lambda store, session_id, drift: after_stop(store, session_id, drift, system, made_at=utc())
    recorder.seats |= stored_seats(store)
    legs = Legs(queue=queue, recorder=recorder, intake=intake, system=system, changing=sessions.changing)
    swap = SwapGuide(
        queue=queue, recorder=recorder, intake=intake, sessions=sessions, legs=legs, system=system, utc=utc
    )
    status = Status(source=source, queue=queue, recorder=recorder, intake=intake, view=view, health=health)
    return Gateway(
        source=source,
        queue=queue,
        recorder=recorder,
        backfiller=backfiller,
        intake=intake,
        sessions=sessions,
        legs=legs,
        swap=swap,
        status=status,
        view=view,
        hub=hub,
        config=config,
        rng=rng or random.Random(),
    )


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncGenerator[asyncio.TaskGroup, None]:
    """Run the gateway while the context lasts; yields its TaskGroup. At the end a running session is stored.

    The source must be entered already. What fails ends the run: as an exception group of what it was.
    """
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(gateway.queue.run(), name="store: writer")
        taking = tasks.create_task(_take(gateway), name="intake")
        chores = [
            tasks.create_task(_sync(gateway), name="store: sync"),
            tasks.create_task(_ping(gateway), name="clock: pings"),
            tasks.create_task(_backfill(gateway), name="backfill"),
            tasks.create_task(_tend(gateway), name="late strides and status"),
            tasks.create_task(_guide(gateway), name="swap-legs test"),
        ]
        async with sinks_running(
            gateway.config,
            gateway.queue,
            gateway.status.health,
            gateway.rng,
            tasks,
            collecting=collect_with_normals(system_error(gateway.config.symmetry)),
        ):
            yield tasks
            gateway.queue.hurry()
            await gateway.sessions.stop_if_running()
        for chore in chores:
            chore.cancel()
        await gateway.source.close()
        await taking
        gateway.queue.close()
        await writing


async def _take(gateway: Gateway) -> None:
    """Everything that arrives, then whatever the page should know of it."""
    strides = 0
    async for item in gateway.source:
        await gateway.intake.take(item)
        if gateway.recorder.shown != strides:
            strides = gateway.recorder.shown
            gateway.hub.publish()


async def _sync(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(SYNC_S)
        await gateway.recorder.sync()


async def _ping(gateway: Gateway) -> None:
    """Ask every streaming pod for its time, each on its own schedule."""
    loop = asyncio.get_running_loop()
    due_s: dict[str, float] = {}
    while True:
        await asyncio.sleep(PING_CHECK_S)
        for pod_id, pod in list(gateway.intake.pods.items()):
            if pod.streaming_since_s is None or due_s.get(pod_id, 0.0) > loop.time():
                continue
            now_s = loop.time()
            due_s[pod_id] = now_s + ping_delay_s(now_s - pod.streaming_since_s, gateway.rng)
            try:
                await gateway.source.ping(pod_id, bytes(TimePing(ping_id=pod.pings.sent(now_s))))
            except LinkError:
                continue  # the link is going: its loss arrives as a LinkChange


async def _backfill(gateway: Gateway) -> None:
    """During a recording: fetch what the pods still hold, one hole after the other."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(BACKFILL_S)
        if gateway.recorder.recording is None:
            continue
        for pod_id, pipeline in list(gateway.recorder.pipelines.items()):
            if gateway.intake.is_streaming(pod_id):
                await gateway.backfiller.step(pod_id, pipeline, loop.time())


async def _tend(gateway: Gateway) -> None:
    """Once a second: what came late, and the state that a person sees."""
    loop = asyncio.get_running_loop()
    acknowledged_s = loop.time()
    while True:
        await asyncio.sleep(TEND_S)
        await gateway.sessions.tend()
        if gateway.recorder.recording is not None and loop.time() - acknowledged_s >= ACKNOWLEDGE_S:
            acknowledged_s = loop.time()
            await _acknowledge(gateway)
        gateway.status.refresh(loop.time())


async def _guide(gateway: Gateway) -> None:
    """Once a second: how far the swap-legs test is, if there is one."""
    while True:
        await asyncio.sleep(TEND_S)
        await gateway.swap.tend()


async def _acknowledge(gateway: Gateway) -> None:
    held = {
        pod_id: gateway.backfiller.acknowledgements(pod_id, pipeline)
        for pod_id, pipeline in gateway.recorder.pipelines.items()
    }
    await gateway.recorder.sync()
    try:
        await gateway.queue.call(lambda _: None)  # all that was put before is on the disk now
    except StoreTroubleError:
        return  # it is not: the pods keep their samples
    for pod_id, safe in held.items():
        if gateway.intake.is_streaming(pod_id):
            await gateway.backfiller.acknowledge(pod_id, safe)
