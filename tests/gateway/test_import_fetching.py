"""Logs over the virtual radio into the store, in virtual time: lost and doubled notifications, absence, a full ring."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from support.whole_gateway import runner_signals

from evenstride_analysis.model import Side
from evenstride_gateway.air import BackfillDone, BackfillResult, LogKind, Mode, StrideRecord, StrideRecords
from evenstride_gateway.air.frames import KIND as RAW_KIND
from evenstride_gateway.air.records import KIND as RECORDS_KIND
from evenstride_gateway.decode import decode
from evenstride_gateway.errors import LinkError
from evenstride_gateway.importing import fetching
from evenstride_gateway.importing.fetching import Holding, LogReader, PodLog
from evenstride_gateway.link.backend import LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Chunk, LinkChange
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.pod import Bends, VirtualPod
from evenstride_gateway.virtual.world import POD_IDS, World, virtual_world

T = TypeVar("T")
POD = POD_IDS[Side.LEFT]
RAN_S = 60.0


@dataclass(kw_only=True)
class Fetch:
    """A pod that ran a minute alone, and a reader of its log; `lose` says of a notification whether it is lost."""

    world: World
    store: Store
    reader: LogReader
    told: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    lose: Callable[[Chunk], bool] = lambda _: False

    @property
    def pod(self) -> VirtualPod:
        return self.world.pods[Side.LEFT]

    def tell(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def away(self, away: bool) -> None:
        radio: Any = self.pod.radio
        self.world.link.set_away(radio.controller, away)

    def logged(self) -> list[tuple[int, int]]:
        return [(r.first_index, r.end_index) for r in self.pod.core.flash.ranges() if r.what is LogKind.RECORDS]


@asynccontextmanager
async def fetch(folder: Path, *, bends: Bends | None = None) -> AsyncGenerator[Fetch, None]:
    signals = {Side.LEFT: runner_signals()[Side.LEFT]}
    with Store.open(folder) as store:

        async def call(work: Callable[[Store], T]) -> T:
            return work(store)

        async with virtual_world(signals, records=True, bends={Side.LEFT: bends} if bends else None) as world:
            await asyncio.sleep(RAN_S)
            config = LinkConfig(mode=Mode.SQUAD, watchdog_s=12.0)
            async with BleSource(world.backend, config=config, rng=random.Random(1)) as source:
                reader = LogReader(source, call, utc_ns=lambda: round(asyncio.get_running_loop().time() * 1e9))
                fetched = Fetch(world=world, store=store, reader=reader)

                async def take() -> None:
                    async for item in source:
                        if not (isinstance(item, Chunk) and fetched.lose(item)):
                            reader.take(item)

                taking = asyncio.create_task(take())
                assert await reader.gather(20.0, wanted=[POD]) == [POD]
                yield fetched
                taking.cancel()


def in_store(fetched: Fetch, log: PodLog) -> list[tuple[int, int]]:
    return [r for holding in log.holdings for r in fetched.store.held_records(POD, holding.boot_id)]


def on_flash(fetched: Fetch) -> list[StrideRecord]:
    """The records in the pod's own memory."""
    boot_id = fetched.pod.core.clock.boot_id
    found = fetched.pod.core.flash.records.read(boot_id, 0, 1 << 32, 1 << 32)
    assert found is not None
    return found[1]


def scenario(folder: Path, work: Callable[[Fetch], Awaitable[None]], *, bends: Bends | None = None) -> None:
    async def play() -> None:
        async with fetch(folder, bends=bends) as fetched:
            await work(fetched)

    run_virtual(play())


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute has few strides: so that they take several requests, and patience is short."""
    monkeypatch.setattr(fetching, "RECORDS_AT_ONCE", 20)


def test_every_record_comes_once_whatever_the_radio_loses_and_doubles(tmp_path: Path) -> None:
    async def work(fetched: Fetch) -> None:
        rng = random.Random(3)
        fetched.lose = lambda chunk: chunk.data[0] == RECORDS_KIND and rng.random() < 0.3
        log = await fetched.reader.look(POD)
        assert log.new > 60
        await fetched.reader.fetch_records(POD, log, fetched.tell)
        assert in_store(fetched, log) == [log.holdings[0].records] == fetched.logged()
        assert fetched.told[-1] == (log.new, log.new)
        assert [done for done, _ in fetched.told] == sorted(done for done, _ in fetched.told)
        ticks = [r.record.strike_tick for r in fetched.store.waiting_records()]
        assert ticks == [r.strike_tick for r in on_flash(fetched)][: len(ticks)]
        again = await fetched.reader.look(POD)
        assert again.new <= 3  # it runs on

    scenario(tmp_path, work, bends=Bends(duplicate_every=3))


def test_a_pod_that_goes_away_and_comes_back_is_read_on(tmp_path: Path) -> None:
    async def work(fetched: Fetch) -> None:
        log = await fetched.reader.look(POD)
        loop = asyncio.get_running_loop()

        def go(chunk: Chunk) -> bool:
            if chunk.data[0] == RECORDS_KIND and len(in_store(fetched, log)) and not gone:
                gone.append(loop.time())
                fetched.away(True)
                loop.call_later(8.0, fetched.away, False)
            return False

        gone: list[float] = []
        fetched.lose = go
        await fetched.reader.fetch_records(POD, log, fetched.tell)
        assert gone
        assert in_store(fetched, log)[0][1] >= log.holdings[0].records[1]

    scenario(tmp_path, work)


def test_a_pod_that_stays_away_leaves_what_it_gave(tmp_path: Path) -> None:
    async def work(fetched: Fetch) -> None:
        log = await fetched.reader.look(POD)

        def go(chunk: Chunk) -> bool:
            if chunk.data[0] == RECORDS_KIND and in_store(fetched, log):
                fetched.away(True)
            return False

        fetched.lose = go
        with pytest.raises(LinkError, match="did not come back within 30 s: what it gave is stored"):
            await fetched.reader.fetch_records(POD, log, fetched.tell)
        ((first, end),) = in_store(fetched, log)
        assert (first, end % 5) == (0, 0)
        assert 20 <= end < log.new
        assert fetched.logged()[0][0] == 0  # nothing was acknowledged

    scenario(tmp_path, work)


def test_what_is_stored_is_acknowledged_and_what_is_not_is_not(tmp_path: Path) -> None:
    async def work(fetched: Fetch) -> None:
        log = await fetched.reader.look(POD)
        messages = [
            StrideRecords(
                boot_id=log.boot_id,
                first_record=n,
                rules=1,
                coefficients_version=0,
                rotation_version=0,
                records=(record,),
            )
            for n, record in enumerate(on_flash(fetched))
            if n != 40
        ]
        fetched.store.put_records(POD, messages)  # all but one are here: from another time
        await fetched.reader.acknowledge(POD, log)
        assert fetched.logged()[0][0] == 40

    scenario(tmp_path, work)


def test_what_the_ring_has_overwritten_meanwhile_is_not_waited_for(tmp_path: Path) -> None:
    async def work(fetched: Fetch) -> None:
        log = await fetched.reader.look(POD)
        fetched.pod.core.flash.records.acknowledge(log.boot_id, 30)  # as if it had gone on for hours
        await fetched.reader.fetch_records(POD, log, fetched.tell)
        assert in_store(fetched, log) == [(30, log.holdings[0].records[1])]

    scenario(tmp_path, work)


def test_an_answer_that_the_pod_breaks_off_is_asked_for_again(tmp_path: Path) -> None:
    """Broken off by its flash or by another host's word: what is missing is in the log and comes the next time."""

    async def work(fetched: Fetch) -> None:
        log = await fetched.reader.look(POD)
        take, broken = fetched.reader.take, [BackfillResult.FLASH_ERROR, BackfillResult.CANCELLED]

        def cut(item: Chunk | LinkChange) -> None:
            message = decode(item.data) if isinstance(item, Chunk) else None
            if isinstance(message, StrideRecords) and message.backfill and broken and message.first_record % 20 > 7:
                return
            if isinstance(message, BackfillDone) and broken:
                said = replace(message, result=broken.pop(), sent=10, next_index=message.first_index + 10)
                item = replace(item, data=bytes(said))
            take(item)

        fetched.reader.take = cut
        await fetched.reader.fetch_records(POD, log, fetched.tell)
        assert not broken
        assert in_store(fetched, log) == [log.holdings[0].records]
        # Flash that stays unreadable costs what it holds, not the import; the pod is not told to forget it.
        far = Holding(boot_id=log.boot_id, records=(0, 200), new=100)
        broken += 9 * [BackfillResult.FLASH_ERROR]
        await fetched.reader.fetch_records(POD, replace(log, holdings=(far,)), fetched.tell)
        assert not broken

    scenario(tmp_path, work)


def test_raw_samples_of_a_stretch_come_bit_for_bit_and_go_on_where_they_were_broken_off(tmp_path: Path) -> None:
    async def work(fetched: Fetch) -> None:
        log = await fetched.reader.look(POD)
        rng = random.Random(5)
        fetched.lose = lambda chunk: chunk.data[0] == RAW_KIND and rng.random() < 0.05
        wanted = [(log.boot_id, 2_000, 9_000)]
        await fetched.reader.fetch_raw(POD, log, [(log.boot_id, 4_000, 5_000)], fetched.tell)
        await fetched.reader.fetch_raw(POD, log, wanted, fetched.tell)
        ((start, end),) = fetched.store.incoming_ranges(POD)[log.boot_id]
        assert (start, end) == (2_000, 9_000)
        frames = sorted(fetched.store.incoming_frames(POD), key=lambda frame: frame.first_index)
        assert sum(len(frame.counts) for frame in frames) == 7_000  # none came twice
        counts = np.concatenate([frame.counts for frame in frames])
        assert np.array_equal(counts, runner_signals()[Side.LEFT].counts(2_000, 7_000))

    scenario(tmp_path, work)
