"""The whole gateway in virtual time: virtual pods, virtual radio, real bleak, wired parts and a store on disk.

`started` yields a `Run` with a session going; `Run.stop` ends it and returns its `Books`: what the pods took against
what the store holds, sample by sample, with the simulator's truth saying where each missing one went.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from evenstride_analysis.model import LossCause, Side, Stride
from evenstride_analysis.simulate import uneven
from evenstride_gateway.app import Gateway, running, wire
from evenstride_gateway.config import Config
from evenstride_gateway.health import Health
from evenstride_gateway.ledger import Loss
from evenstride_gateway.link.backend import LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.pipeline import PodPipeline
from evenstride_gateway.results import stored_strides
from evenstride_gateway.store import Store, read_frames
from evenstride_gateway.virtual.flash_log import Ranges
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.pod import Bends, VirtualPod
from evenstride_gateway.virtual.pod_plan import BootTruth, PodPlan
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource, SignalSource
from evenstride_gateway.virtual.radio import RadioLink
from evenstride_gateway.virtual.world import World, virtual_world

SECONDS_OF_FLASH = NOMINAL_RATE_HZ * 12 + 64  # bytes: samples of six axes, and two page headers
_SIGNAL_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """One boot of one pod from the session's first sample to its end. `taken` is the sum of the other four, exactly."""

    pod_id: str
    boot_id: int
    first_index: int
    end_index: int
    stored: int
    dropped: int  # by the pod, and never backfilled
    host_lost: int
    died: int

    @property
    def taken(self) -> int:
        return self.end_index - self.first_index

    @property
    def adds_up(self) -> bool:
        return self.taken == self.stored + self.dropped + self.host_lost + self.died


@dataclass(frozen=True, kw_only=True)
class Books:
    """What a session left behind."""

    session_id: str
    accounts: dict[tuple[str, int], Account]
    gaps: list[Loss]
    live: list[Stride]  # as they stood in the store when the session was asked to stop
    final: list[Stride]
    again: list[Stride]  # a fresh detection over the stored raw

    def of(self, pod: VirtualPod) -> list[Account]:
        return [account for (pod_id, _), account in self.accounts.items() if pod_id == pod.pod_id]

    def lost(self, cause: LossCause) -> int:
        return sum(gap.missing for gap in self.gaps if gap.cause is cause)


@dataclass(kw_only=True)
class Run:
    """A gateway that runs, and the world it runs in."""

    world: World
    gateway: Gateway
    source: BleSource
    store: Store
    health: Health
    session_id: str = ""

    @property
    def left(self) -> VirtualPod:
        return self.world.pods[Side.LEFT]

    @property
    def right(self) -> VirtualPod:
        return self.world.pods[Side.RIGHT]

    def away(self, pod: VirtualPod, away: bool = True) -> None:
        """Out of range, or back."""
        radio: Any = pod.radio
        self.world.link.set_away(radio.controller, away)

    def stall(self, pod: VirtualPod, duration_s: float) -> None:
        radio: Any = pod.radio
        self.world.link.stall(radio.controller, duration_s)

    def streams(self, pod: VirtualPod) -> bool:
        return self.gateway.intake.is_streaming(pod.pod_id)

    async def until(self, condition: Callable[[], bool], *, within_s: float = 30.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - a state of the world, which has no event
                await asyncio.sleep(0.01)

    async def play(self, seconds: float) -> None:
        """The runner runs on."""
        await asyncio.sleep(seconds)

    async def start(self, runner: str = "Ada") -> None:
        self.session_id = await self.gateway.sessions.start(runner)

    def health_now(self) -> dict[str, dict[str, Any]]:
        """The rows of the pods in the health JSON, after a look at everything."""
        return {row["pod_id"]: row for row in self._look()["pods"]}

    def warnings_now(self) -> list[str]:
        return [warning["text"] for warning in self._look()["warnings"]]

    def page_now(self) -> str:
        """What the live page is told, as JSON."""
        self._look()
        return json.dumps(self.gateway.view.snapshot(asyncio.get_running_loop().time()))

    def _look(self) -> dict[str, Any]:
        now_s = asyncio.get_running_loop().time()
        self.gateway.status.refresh(now_s)
        return json.loads(json.dumps(self.health.snapshot(now_s)))

    async def stop(self, *, absent: Collection[str] = (), open_tail: int = 0) -> Books:
        """End the session and do the sums. `absent`: pods that cannot answer although the gateway thinks so;
        `open_tail`: samples at the end whose cause the ledger cannot know (its limit 4)."""
        now_s = asyncio.get_running_loop().time()
        pipelines = dict(self.gateway.recorder.pipelines)
        present = {pod.pod_id for pod in self.world.pods.values() if self.streams(pod)} - set(absent)
        taken: dict[tuple[str, int], int] = {}
        for pod in self.world.pods.values():
            pod.core.advance(now_s)
            taken |= {(pod.pod_id, boot): truth.taken for boot, truth in pod.core.truth.items()}
        await self.gateway.queue.call(lambda _: None)
        live = [stored.stride for stored in self.store.strides(self.session_id)]
        await self.gateway.sessions.stop()
        accounts = dict(self._accounts(pipelines, taken, present, open_tail))
        gaps = self.store.gaps(self.session_id)
        assert gaps == _losses(pipelines)
        return Books(
            session_id=self.session_id,
            accounts=accounts,
            gaps=gaps,
            live=in_order(live),
            final=in_order(stored.stride for stored in self.store.strides(self.session_id)),
            again=in_order(stored_strides(self.store, self.session_id)),
        )

    def _accounts(
        self,
        pipelines: Mapping[str, PodPipeline],
        taken: Mapping[tuple[str, int], int],
        present: set[str],
        open_tail: int,
    ) -> list[tuple[tuple[str, int], Account]]:
        found: list[tuple[tuple[str, int], Account]] = []
        for pod in self.world.pods.values():
            pipeline = pipelines.get(pod.pod_id)
            if pipeline is None or not pipeline.ledgers:
                continue
            stored = _stored(self.store, self.session_id, pod.pod_id)
            assert stored.keys() <= pipeline.ledgers.keys()
            for boot_id, ledger in pipeline.ledgers.items():
                ends = boot_id != max(pipeline.ledgers)
                if pod.pod_id in present and not ends:
                    assert ledger.end_index >= taken[pod.pod_id, boot_id], (
                        "the tail of the session is not accounted for"
                    )
                end = max(ledger.end_index, taken[pod.pod_id, boot_id]) if ends or pod.pod_id in present else None
                account = _account(
                    pod.pod_id,
                    pod.core.truth[boot_id],
                    first=ledger.first_index,
                    end=ledger.end_index if end is None else end,
                    stored=stored.get(boot_id, Ranges()),
                    gaps=[gap for gap in self.store.gaps(self.session_id) if gap.pod_id == pod.pod_id],
                    open_tail=open_tail,
                    in_flash=Ranges(
                        (entry.first_index, entry.end_index)
                        for entry in pod.core.flash.raw.ranges()
                        if entry.boot_id == boot_id
                    ),
                )
                found.append(((pod.pod_id, boot_id), account))
        return found


def _account(
    pod_id: str,
    truth: BootTruth,
    *,
    first: int,
    end: int,
    stored: Ranges,
    gaps: Sequence[Loss],
    open_tail: int,
    in_flash: Ranges,
) -> Account:
    """Every index of [first, end) gets exactly one fate; what the gateway says of it must be that."""
    window = Ranges([(first, end)])
    assert len(stored.minus(window)) == 0
    missing = window.minus(stored)
    died = common(missing, truth.died)
    host = common(missing, truth.confirmed)
    dropped = missing.minus(died).minus(host)
    assert len(common(died, host)) == 0
    unsaid = dropped.minus(truth.dropped).minus(truth.skipped)
    assert len(unsaid) == 0, f"pod {pod_id} boot {truth.boot_id} says nothing of {unsaid}"
    mine = [gap for gap in gaps if gap.boot_id == truth.boot_id]
    said = {c: Ranges((g.first_index, g.first_index + g.missing) for g in mine if g.cause is c) for c in LossCause}
    both = said[LossCause.POD], said[LossCause.HOST]
    assert len(common(*both)) == 0
    unsaid = missing.minus(died).minus(both[0]).minus(both[1])
    # How far a boot went is known from frames and log only: an end that the ring overwrote unseen is not known.
    assert not unsaid or end_of(stored) <= next(iter(unsaid))[0], f"nobody counts {unsaid}"
    assert len(common(unsaid, in_flash)) == 0, f"the pod still holds {unsaid}"
    tail = Ranges([(end - open_tail, end)])
    said_host, said_pod = both[1].minus(tail), both[0].minus(tail)
    assert said_host == host.minus(tail), f"host: {said_host}, truth {host}"
    assert said_pod.minus(died) == dropped.minus(tail).minus(unsaid), f"pod: {said_pod}, truth {dropped}"
    return Account(
        pod_id=pod_id,
        boot_id=truth.boot_id,
        first_index=first,
        end_index=end,
        stored=len(stored),
        dropped=len(dropped),
        host_lost=len(host),
        died=len(died),
    )


def _stored(store: Store, session_id: str, pod_id: str) -> dict[int, Ranges]:
    found: dict[int, Ranges] = {}
    written = 0
    for frame in read_frames(store.raw_path(session_id, pod_id)):
        found.setdefault(frame.boot_id, Ranges()).add(frame.first_index, frame.end_index)
        written += len(frame.counts)
    assert written == sum(len(ranges) for ranges in found.values()), "a sample was stored twice"
    assert written == sum(len(piece.counts) for piece in store.raw_frames(session_id, pod_id))
    return found


def _losses(pipelines: Mapping[str, PodPipeline]) -> list[Loss]:
    losses = [loss for p in pipelines.values() for ledger in p.ledgers.values() for loss in ledger.losses()]
    return sorted(losses, key=lambda loss: (loss.pod_id, loss.boot_id, loss.first_index))


def end_of(ranges: Ranges) -> int:
    return max((end for _, end in ranges), default=0)


def common(a: Ranges, b: Ranges) -> Ranges:
    return a.minus(a.minus(b))


def in_order(strides: Any) -> list[Stride]:
    return sorted(strides, key=lambda stride: (stride.pod_id, stride.boot_id, stride.strike_index))


def balanced(books: Books, *, boots: int = 2) -> Books:
    """The books add up, and what the store calls strides is what its raw says."""
    assert len(books.accounts) == boots
    assert all(account.adds_up for account in books.accounts.values())
    assert len(books.final) >= 5, len(books.final)
    assert books.final == books.again
    return books


def complete(books: Books) -> None:
    """Nothing is missing."""
    assert books.gaps == []
    assert all(account.stored == account.taken for account in books.accounts.values())


@cache
def _runner_table() -> dict[Side, tuple[Any, Any]]:
    runner = uneven(0.12, duration_s=_SIGNAL_S + 5).runner(1)
    return {side: runner.signals(side, 0, round(_SIGNAL_S * NOMINAL_RATE_HZ)) for side in Side}


def runner_signals() -> dict[Side, SignalSource]:
    """A minute of the virtual runner, again and again: rendered once for all tests of a process."""
    return {
        side: RecordingSource(accel, gyro, NOMINAL_RATE_HZ, repeat=True)
        for side, (accel, gyro) in _runner_table().items()
    }


@asynccontextmanager
async def gateway_run(
    folder: Path,
    *,
    signals: Mapping[Side, SignalSource] | None = None,
    link: RadioLink | None = None,
    plans: Mapping[Side, PodPlan] | None = None,
    flash_s: float | None = None,
    mtu: Mapping[Side, int] | None = None,
    bends: Mapping[Side, Bends] | None = None,
    sides: Mapping[str, Side] | None = None,
    records: bool = False,
    settings: Config | None = None,
    utc: Callable[[], datetime] | None = None,
) -> AsyncGenerator[Run, None]:
    """The gateway runs; nothing streams yet and no session is on. `flash_s`: seconds of raw that a pod's log holds."""
    async with virtual_world(
        signals or runner_signals(),
        link=link,
        plans=plans,
        flash_bytes=None if flash_s is None else round(flash_s * SECONDS_OF_FLASH),
        mtu=mtu,
        bends=bends,
        records=records,
    ) as world:
        with Store.open(folder) as store:
            config = LinkConfig(utc_ns=lambda: 1_790_000_000_000_000_000)
            async with BleSource(world.backend, config=config, rng=random.Random(1)) as source:
                health = Health()
                gateway = wire(
                    store=store,
                    source=source,
                    config=settings or Config(),
                    sides=world.sides if sides is None else sides,
                    version="test",
                    health=health,
                    utc=utc or (lambda: datetime.now(UTC)),
                    rng=random.Random(2),
                )
                async with running(gateway):
                    yield Run(world=world, gateway=gateway, source=source, store=store, health=health)


@asynccontextmanager
async def started(folder: Path, **options: Any) -> AsyncGenerator[Run, None]:
    """`gateway_run` with both pods streaming and a session going."""
    async with gateway_run(folder, **options) as run:
        await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
        await run.start()
        yield run


def play(scenario: Coroutine[Any, Any, None]) -> None:
    """The scenario in virtual time."""
    run_virtual(scenario)
