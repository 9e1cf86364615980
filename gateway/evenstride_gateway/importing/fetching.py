"""What pods logged, over the radio into the store: asked for range by range, stored before it is acknowledged."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from evenstride_analysis.model import Frame, PodInfo
from evenstride_gateway.air import (
    AckLog,
    Anchor,
    AnchorList,
    Backfill,
    BackfillCancel,
    BackfillDone,
    BackfillResult,
    CommandReply,
    LogKind,
    LogRange,
    LogRanges,
    LogStatus,
    RawFrame,
    Status,
    StrideRecords,
    UtcAnchors,
)
from evenstride_gateway.air.command_base import Command
from evenstride_gateway.decode import decode, decode_info
from evenstride_gateway.errors import LinkError, ProtocolError
from evenstride_gateway.ledger import IndexSet
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState, Source
from evenstride_gateway.store import KeptAnchor, Store
from evenstride_gateway.store.podlog import numbers_missing

T = TypeVar("T")

RECORDS_AT_ONCE = 250  # one request, one commit: what a broken link costs at most
SAMPLES_AT_ONCE = 8_000
UNTIMED_NS = 250_000_000  # how long an anchor that nobody timed may have travelled: eight slow connection events
PATIENCE_S = 10.0  # without a message of an answer
RETURN_S = 30.0  # a pod whose link broke is waited for
TRIES = 3
MOST_PAGES = 64  # of a list of ranges or anchors: one without an end is no list
MOST_RECORDS = 1_000_000  # of one boot; the flash of a pod holds some 16,000

Tell = Callable[[int, int], None]  # strides that are here, and in all


class RefusedLogError(LinkError):
    """The pod does not give its log, and asking again does not change that."""


class StoreCall(Protocol):
    """Work on the store beside the loop."""

    def __call__(self, work: Callable[[Store], T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a pod's log holds of one boot and nobody has acknowledged, as half-open ranges; `new`: records of it that
    are not kept here."""

    boot_id: int
    records: tuple[int, int] = (0, 0)
    raw: tuple[int, int] = (0, 0)
    new: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodLog:
    """A pod and its log, oldest boot first. `boot_id` is the boot that runs."""

    info: PodInfo
    boot_id: int
    holdings: tuple[Holding, ...]

    @property
    def new(self) -> int:
        return sum(holding.new for holding in self.holdings)


@dataclass(slots=True)
class _Pod:
    info: PodInfo | None = None
    boot_id: int = 0
    up: bool = False
    asked: Backfill | None = None
    records: list[StrideRecords] = field(default_factory=list[StrideRecords])
    frames: list[RawFrame] = field(default_factory=list[RawFrame])
    done: BackfillDone | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)


class LogReader:
    """Reads pods' logs over a source; the source's owner hands every item to `take`."""

    def __init__(self, source: Source, call: StoreCall, *, utc_ns: Callable[[], int] = time.time_ns) -> None:
        self._source, self._call, self._utc_ns = source, call, utc_ns
        self._pods: dict[str, _Pod] = {}
        self._news = asyncio.Event()

    def take(self, item: Chunk | LinkChange) -> None:
        """One arrival. What is no answer to a question of ours is somebody else's."""
        pod = self._pods.setdefault(item.pod_id, _Pod())
        if isinstance(item, LinkChange):
            self._on_link(pod, item)
            return
        try:
            message = decode(item.data)
        except ProtocolError:
            return  # what it held is asked for again
        asked = pod.asked
        if asked is None:
            return
        match message:
            case StrideRecords() if message.backfill and asked.what is LogKind.RECORDS:
                if _inside(asked, message.boot_id, message.first_record, len(message.records)):
                    pod.records.append(message)
            case RawFrame() if message.backfill and asked.what is LogKind.RAW:
                if _inside(asked, message.boot_id, message.first_index, len(message.counts)):
                    pod.frames.append(message)
            case BackfillDone() if (message.what, message.boot_id) == (asked.what, asked.boot_id):
                pod.done = message
            case _:
                return
        pod.news.set()

    def _on_link(self, pod: _Pod, change: LinkChange) -> None:
        pod.up = False
        if change.state is LinkState.STREAMING:
            try:
                pod.info, said = decode_info(change.info)
            except ProtocolError:
                return
            pod.boot_id, pod.up = said.boot_id, True
        pod.news.set()
        self._news.set()

    async def gather(self, seconds: float, *, wanted: Collection[str] = ()) -> list[str]:
        """The pods that are connected after so long, or as soon as all that are wanted are."""
        try:
            async with asyncio.timeout(seconds):
                while not (wanted and set(wanted) <= set(self.connected)):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass  # those that are not here by now are not near
        return self.connected

    @property
    def connected(self) -> list[str]:
        return sorted(pod_id for pod_id, pod in self._pods.items() if pod.up and pod.info is not None)

    async def look(self, pod_id: str) -> PodLog:
        """Give the boot that runs a date, keep all dates, and say what the log holds. Raises LinkError."""
        await self._back(pod_id)
        pod = self._pods[pod_id]
        assert pod.info is not None
        await self._date(pod_id)
        ranges = await self._ranges(pod_id)
        boots = sorted({entry.boot_id for entry in ranges})
        found: list[Holding] = []
        for boot_id in boots:
            records, raw = (
                next(((e.first_index, e.end_index) for e in ranges if (e.boot_id, e.what) == (boot_id, what)), (0, 0))
                for what in (LogKind.RECORDS, LogKind.RAW)
            )
            if records[1] - records[0] > MOST_RECORDS:
                raise LinkError(
                    f"pod {pod_id} says that its log holds {records[1] - records[0]} strides of one boot,"
                    f" more than {MOST_RECORDS}: its log is damaged"
                )
            held = await self._call(lambda store, b=boot_id: store.held_records(pod_id, b))
            new = sum(end - start for start, end in numbers_missing(held, *records))
            found.append(Holding(boot_id=boot_id, records=records, raw=raw, new=new))
        info = pod.info
        await self._call(lambda store: store.put_pod(info))
        return PodLog(info=info, boot_id=pod.boot_id, holdings=tuple(found))

    async def peek(self, pod_id: str, log: PodLog) -> None:
        """Bring the first and the last record of each boot: they say from when to when it ran."""
        for holding in log.holdings:
            first, end = holding.records
            for at in sorted({first, end - 1}) if holding.new else ():
                await self._bring(pod_id, holding.boot_id, at, at + 1)

    async def fetch_records(self, pod_id: str, log: PodLog, tell: Tell) -> None:
        """Bring every record that is not kept here into the store. A link that breaks is waited for.

        Raises LinkError when the pod does not come back; what came until then is stored, and the next call goes on.
        """
        total = log.new
        for holding in log.holdings:
            (at, end), boot_id = holding.records, holding.boot_id
            later = sum(h.new for h in log.holdings if h.boot_id > boot_id)
            tries, held = 0, IndexSet()
            for low, high in await self._call(lambda store, b=boot_id: store.held_records(pod_id, b)):
                held.add(low, high)
            while missing := held.absent(at, end):
                tell(total - later - sum(stop - start for start, stop in missing), total)
                start, stop = missing[0][0], min(missing[0][1], missing[0][0] + RECORDS_AT_ONCE)
                came, complete, ended = await self._bring(pod_id, boot_id, start, stop)
                new = [held.add(m.first_record, m.first_record + len(m.records)) for m in came]
                tries = 0 if any(new) else tries + 1
                if complete or (ended and tries == TRIES):  # not in the log, or in flash that it cannot read
                    at = stop
                elif tries == TRIES:
                    raise LinkError(f"pod {pod_id} does not give strides {start} to {stop - 1} of boot {boot_id}")
            tell(total - later, total)

    async def fetch_raw(self, pod_id: str, log: PodLog, wanted: Sequence[tuple[int, int, int]], tell: Tell) -> None:
        """Bring what the log holds of these samples (boot, first, end) onto the disk. Raises LinkError as before."""
        parts = [
            (boot_id, max(first, holding.raw[0]), min(end, holding.raw[1]))
            for boot_id, first, end in wanted
            for holding in log.holdings
            if holding.boot_id == boot_id
        ]
        total = sum(max(0, end - first) for _, first, end in parts)
        done = 0
        for boot_id, first, end in parts:
            at, tries = first, 0
            while at < end:
                held = (await self._call(lambda store: store.incoming_ranges(pod_id))).get(boot_id, [])
                missing = numbers_missing(held, at, end)
                tell(done + (end - first) - sum(stop - start for start, stop in missing), total)
                if not missing:
                    break
                start, stop = missing[0][0], min(missing[0][1], missing[0][0] + SAMPLES_AT_ONCE)
                came, complete = await self._bring_raw(log.info, boot_id, start, stop)
                tries = 0 if came else tries + 1
                if complete or tries == TRIES:  # the ring has moved on: what is missing is a gap of the raw
                    at = stop
            done += max(0, end - first)

    async def _bring_raw(self, info: PodInfo, boot_id: int, start: int, end: int) -> tuple[int, bool]:
        """Samples [start, end): how many came, and whether the pod has no more of them."""
        pod, came, done = self._pods[info.pod_id], IndexSet(), None
        try:
            ask = Backfill(boot_id=boot_id, first_index=start, what=LogKind.RAW, count=end - start)
            done = await self._answer(info.pod_id, ask)
        finally:
            messages, pod.frames = pod.frames, []
            whole = [m for m in messages if m.mask == (1 << len(info.channels)) - 1]
            frames = [m.frame(info.pod_id) for m in whole if came.add(m.first_index, m.first_index + len(m.counts))]
            await asyncio.shield(_as_task(self._call(lambda store: _keep_raw(store, info, frames))))
        return came.size, done is not None and came.size >= done.sent

    async def _bring(self, pod_id: str, boot_id: int, start: int, end: int) -> tuple[list[StrideRecords], bool, bool]:
        """Records [start, end): what came and is stored now, whether the pod has no more, whether it ended at all."""
        pod, done = self._pods[pod_id], None
        ask = Backfill(boot_id=boot_id, first_index=start, what=LogKind.RECORDS, count=end - start)
        finished = False
        try:
            done = await self._answer(pod_id, ask)
            numbers = {m.first_record + k for m in pod.records for k in range(len(m.records))}
            whole = done is not None and done.result in (BackfillResult.COMPLETE, BackfillResult.PARTIAL)
            finished = done is not None and whole and len(numbers) >= done.sent  # a radio may say things twice
        finally:
            messages, pod.records = pod.records, []
            await asyncio.shield(_as_task(self._call(lambda store: store.put_records(pod_id, messages))))
        return messages, finished, done is not None

    async def _answer(self, pod_id: str, ask: Backfill) -> BackfillDone | None:
        """Ask, and wait for the end of the answer; None where it did not come: the link broke and is back, or silence.

        Raises LinkError when the pod refuses, or does not come back.
        """
        pod = self._pods[pod_id]
        pod.asked, pod.done, pod.records, pod.frames = ask, None, [], []
        try:
            await self._begin(pod_id, ask)
            return await self._end(pod_id)
        except TimeoutError:
            return None
        except RefusedLogError:
            raise
        except LinkError:  # a reply that stayed away, or the link: the same is asked again
            await self._back(pod_id)
            return None
        finally:
            pod.asked = None

    async def _begin(self, pod_id: str, ask: Backfill) -> None:
        reply = await self._command(pod_id, ask)
        if reply.status is Status.BUSY:  # with what somebody asked for who is gone
            await self._command(pod_id, BackfillCancel())
            raise TimeoutError
        if reply.status is not Status.OK:
            words = reply.status.name.lower().replace("_", " ")
            raise RefusedLogError(f"pod {pod_id} does not give its log: {words}")

    async def _end(self, pod_id: str) -> BackfillDone:
        """The message that ends the answer. Raises LinkError with the link, TimeoutError after a long silence."""
        pod = self._pods[pod_id]
        while pod.done is None:
            pod.news.clear()
            if not pod.up:
                raise LinkError(f"pod {pod_id} went out of range")
            async with asyncio.timeout(PATIENCE_S):
                await pod.news.wait()
        return pod.done

    async def acknowledge(self, pod_id: str, log: PodLog, *, raw: bool = False) -> None:
        """Tell the pod what is on the disk here, so that it may forget it. Nothing is lost when that fails."""
        for holding in log.holdings:
            start, end = holding.records
            held = await self._call(lambda store, b=holding.boot_id: store.held_records(pod_id, b))
            safe = next((high for low, high in held if low <= start < high), start)
            commands = [AckLog(boot_id=holding.boot_id, up_to_index=min(safe, end), what=LogKind.RECORDS)]
            if raw and holding.boot_id != log.boot_id and holding.raw[1]:
                commands.append(AckLog(boot_id=holding.boot_id, up_to_index=holding.raw[1], what=LogKind.RAW))
            for command in commands:
                if command.up_to_index > 0:
                    await self._command(pod_id, command)

    async def _back(self, pod_id: str) -> None:
        """Wait until the pod is connected. Raises LinkError."""
        pod = self._pods.setdefault(pod_id, _Pod())
        try:
            async with asyncio.timeout(RETURN_S):
                while not pod.up:
                    pod.news.clear()
                    await pod.news.wait()
        except TimeoutError:
            raise LinkError(
                f"pod {pod_id} went away and did not come back within {RETURN_S:.0f} s: what it gave is stored,"
                " the next import goes on from there"
            ) from None

    async def _date(self, pod_id: str) -> None:
        """An anchor of now, timed; and those that other hosts wrote."""
        pod = self._pods[pod_id]
        sent_ns, began_s = self._utc_ns(), time.monotonic()
        reply = await self._command(pod_id, Anchor(utc_ns=sent_ns))
        took_ns = max(self._utc_ns() - sent_ns, round((time.monotonic() - began_s) * 1e9))
        kept: list[KeptAnchor] = []
        if reply.status is Status.OK:
            (mine,) = UtcAnchors.from_bytes(reply.payload).anchors
            half_ns = took_ns // 2  # it arrived somewhere in between
            kept.append(_kept(pod_id, mine.boot_id, mine.tick, mine.utc_ns + half_ns, took_ns - half_ns))
        count = 0
        for _ in range(MOST_PAGES):
            reply = await self._command(pod_id, AnchorList(first=count))
            if reply.status is not Status.OK:
                break
            page = UtcAnchors.from_bytes(reply.payload)
            kept += [
                _kept(pod_id, a.boot_id, a.tick, a.utc_ns, UNTIMED_NS) for a in page.anchors if a.boot_id <= pod.boot_id
            ]
            count += len(page.anchors)
            if not page.anchors or count >= page.total:
                break
        await self._call(lambda store: store.put_anchors(kept))

    async def _ranges(self, pod_id: str) -> list[LogRange]:
        found: list[LogRange] = []
        for _ in range(MOST_PAGES):
            reply = await self._command(pod_id, LogStatus(first=len(found)))
            if reply.status is not Status.OK:
                raise LinkError(f"pod {pod_id} does not say what its log holds: {reply.status.name.lower()}")
            page = LogRanges.from_bytes(reply.payload)
            found += page.ranges
            if not page.ranges or len(found) >= page.total:
                break
        return found

    async def _command(self, pod_id: str, command: Command) -> CommandReply:
        try:
            return CommandReply.from_bytes(await self._source.command(pod_id, bytes(command)))
        except ProtocolError as error:
            raise LinkError(f"pod {pod_id}: an answer that cannot be read: {error}") from error


def _keep_raw(store: Store, info: PodInfo, frames: Sequence[Frame]) -> None:
    if frames:
        with store.incoming_writer(info) as writer:
            for frame in frames:
                writer.append(frame)


def _inside(asked: Backfill, boot_id: int, first: int, count: int) -> bool:
    """Whether what came is of what was asked for."""
    end = asked.first_index + asked.count
    return boot_id == asked.boot_id and asked.first_index <= first and first + count <= end


def _kept(pod_id: str, boot_id: int, tick: int, utc_ns: int, error_ns: int) -> KeptAnchor:
    return KeptAnchor(pod_id=pod_id, boot_id=boot_id, tick=tick, utc_ns=utc_ns, error_ns=error_ns)


def _as_task(work: Awaitable[T]) -> "asyncio.Task[T]":
    async def do() -> T:
        return await work

    return asyncio.ensure_future(do())
