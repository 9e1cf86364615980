"""Asks the pods for what is missing, one range at a time, until it is here or the pod no longer has it."""

from dataclasses import dataclass, field

from evenstride_analysis.model import Gap
from evenstride_gateway.air import (
    AckLog,
    Backfill,
    BackfillDone,
    BackfillResult,
    CommandReply,
    GetStatus,
    LogKind,
    LogRange,
    LogRanges,
    LogStatus,
    PodStatus,
    Status,
)
from evenstride_gateway.errors import LinkError, ProtocolError
from evenstride_gateway.link.source import Source
from evenstride_gateway.pipeline import PodPipeline

MAX_COUNT = 20_000  # samples in one request: 48 s at 416 Hz, so that live frames are never far behind an answer
TRIES = 3
PATIENCE_S = 20.0  # an answer that stays away this long is asked for again
_PAGES = 8  # pages of log ranges that are read at most: 112 ranges

Wanted = tuple[int, int, int]  # boot, first index, missing


@dataclass(slots=True)
class _PodBackfill:
    asked: Wanted | None = None
    asked_at_s: float = 0.0
    tries: dict[Wanted, int] = field(default_factory=dict[Wanted, int])
    log: tuple[LogRange, ...] | None = None


class Backfiller:
    """Holds what was asked of whom. `step` is called a few times a second for each pod that streams."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pods: dict[str, _PodBackfill] = {}

    def renew(self) -> None:
        """A new recording: earlier answers belong to another account."""
        self._pods.clear()

    def on_lost(self, pod_id: str) -> None:
        """The link is gone, and with it the answer; everything is asked anew."""
        self._pods.pop(pod_id, None)

    def on_done(self, pod_id: str, done: BackfillDone) -> None:
        """The pod has sent what it had of the range."""
        held = self._pods.get(pod_id)
        if held is not None and done.what is LogKind.RAW and held.asked is not None and held.asked[0] == done.boot_id:
            held.asked = None
            if done.result is not BackfillResult.COMPLETE:
                held.log = None  # the ring has moved on: what does it hold now?

    def is_waiting(self, pod_id: str) -> bool:
        """Whether an answer of this pod is under way."""
        held = self._pods.get(pod_id)
        return held is not None and held.asked is not None

    def open_ranges(self, pod_id: str, pipeline: PodPipeline) -> list[Gap]:
        """What is missing and may still come."""
        tries = self._pods.setdefault(pod_id, _PodBackfill()).tries
        gaps = (gap for ledger in pipeline.ledgers.values() for gap in ledger.missing())
        return [gap for gap in gaps if tries.get(_key(gap), 0) < TRIES]

    async def step(self, pod_id: str, pipeline: PodPipeline, now_s: float) -> None:
        """Ask for the first range that is missing. A pod that is away or busy is asked again later."""
        held = self._pods.setdefault(pod_id, _PodBackfill())
        if held.asked is not None and now_s - held.asked_at_s < PATIENCE_S:
            return
        held.asked = None
        try:
            if held.log is None:
                held.log = await self._log_ranges(pod_id)
                self._expect(held.log, pipeline)
            command = self._next(held, self.open_ranges(pod_id, pipeline), now_s)
            if command is None:
                return
            reply = CommandReply.from_bytes(await self._source.command(pod_id, bytes(command)))
            if reply.status is Status.BUSY and held.asked is not None:
                held.tries[held.asked] -= 1
            if reply.status is not Status.OK:
                held.asked = None
        except (LinkError, ProtocolError):
            held.asked = None

    def _next(self, held: _PodBackfill, gaps: list[Gap], now_s: float) -> Backfill | None:
        """Ask for the first gap that the log holds a part of; what it does not hold will never come."""
        for gap in gaps:
            start, end = _part_in(held.log or (), gap)
            if start >= end:
                held.tries[_key(gap)] = TRIES
                continue
            held.tries[_key(gap)] = held.tries.get(_key(gap), 0) + 1
            held.asked, held.asked_at_s = _key(gap), now_s
            return Backfill(boot_id=gap.boot_id, first_index=start, count=min(end - start, MAX_COUNT))
        return None

    async def status(self, pod_id: str) -> PodStatus | None:
        """What the pod says of itself now; None when it is away."""
        try:
            reply = CommandReply.from_bytes(await self._source.command(pod_id, bytes(GetStatus())))
            return PodStatus.from_bytes(reply.payload) if reply.status is Status.OK else None
        except (LinkError, ProtocolError):
            return None

    def acknowledgements(self, pod_id: str, pipeline: PodPipeline) -> list[AckLog]:
        """What has come, so that the pod may forget it once it is safe here; only where nothing older waits in its log
        that this host does not hold."""
        held = self._pods.get(pod_id)
        found: list[AckLog] = []
        for entry in (held.log or ()) if held is not None else ():
            ledger = pipeline.ledgers.get(entry.boot_id)
            if entry.what is not LogKind.RAW or ledger is None or ledger.first_index > entry.first_index:
                continue
            waiting = [gap for gap in self.open_ranges(pod_id, pipeline) if gap.boot_id == entry.boot_id]
            up_to = min((gap.first_index for gap in waiting), default=ledger.end_index)
            found.append(AckLog(boot_id=entry.boot_id, up_to_index=up_to))
        return found

    async def acknowledge(self, pod_id: str, safe: list[AckLog]) -> None:
        """Tell the pod what is on the disk here."""
        for acknowledgement in safe:
            try:
                await self._source.command(pod_id, bytes(acknowledgement))
            except LinkError:
                return

    async def _log_ranges(self, pod_id: str) -> tuple[LogRange, ...]:
        found: list[LogRange] = []
        for _ in range(_PAGES):
            reply = CommandReply.from_bytes(await self._source.command(pod_id, bytes(LogStatus(first=len(found)))))
            if reply.status is not Status.OK:
                break
            page = LogRanges.from_bytes(reply.payload)
            found += page.ranges
            if not page.ranges or len(found) >= page.total:
                break
        return tuple(found)

    def _expect(self, log: tuple[LogRange, ...], pipeline: PodPipeline) -> None:
        """Boots that ended: their account reaches as far as their log does, which no live frame can tell any more.

        That holds for a boot that was never heard too, if it began during the recording.
        """
        newest, first = _newest_boot(log), min(pipeline.ledgers, default=None)
        for entry in log:
            if entry.what is LogKind.RAW and first is not None and first <= entry.boot_id < newest:
                pipeline.expect(entry.boot_id, entry.end_index)


def _newest_boot(log: tuple[LogRange, ...]) -> int:
    """The boot that still grows; the log of every other one is whole."""
    return max((entry.boot_id for entry in log if entry.what is LogKind.RAW), default=-1)


def _part_in(log: tuple[LogRange, ...], gap: Gap) -> tuple[int, int]:
    """The half-open part of a gap that the log holds: its ring may have overwritten the beginning."""
    entry = next((e for e in log if e.what is LogKind.RAW and e.boot_id == gap.boot_id), None)
    if entry is None:
        return 0, 0
    end = gap.first_index + gap.missing
    start = max(gap.first_index, entry.first_index)
    return start, end if gap.boot_id == _newest_boot(log) else min(end, entry.end_index)


def _key(gap: Gap) -> Wanted:
    return (gap.boot_id, gap.first_index, gap.missing)
