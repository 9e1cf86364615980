"""Asks the pods for what is missing, one range at a time, until it is here or the pod no longer has it."""

from dataclasses import dataclass, field

from evenstride_analysis.model import Gap
from evenstride_gateway.air import (
    AckLog,
    Backfill,
    BackfillDone,
    CommandReply,
    LogKind,
    LogRange,
    LogRanges,
    LogStatus,
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
    """Holds what was asked of whom. `step` is called about once a second for each pod that streams."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pods: dict[str, _PodBackfill] = {}

    def renew(self) -> None:
        """A new recording: earlier answers belong to another account."""
        self._pods.clear()

    def on_lost(self, pod_id: str) -> None:
        """The link is gone, and with it the answer; what the log holds is asked anew."""
        held = self._pods.get(pod_id)
        if held is not None:
            held.asked, held.log = None, None

    def on_done(self, pod_id: str, done: BackfillDone) -> None:
        """The pod has sent what it had of the range."""
        held = self._pods.get(pod_id)
        if held is not None and done.what is LogKind.RAW and held.asked is not None and held.asked[0] == done.boot_id:
            held.asked = None

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
            wanted = next(iter(self.open_ranges(pod_id, pipeline)), None)
            if wanted is None:
                return
            held.tries[_key(wanted)] = held.tries.get(_key(wanted), 0) + 1
            held.asked, held.asked_at_s = _key(wanted), now_s
            command = Backfill(
                boot_id=wanted.boot_id, first_index=wanted.first_index, count=min(wanted.missing, MAX_COUNT)
            )
            reply = CommandReply.from_bytes(await self._source.command(pod_id, bytes(command)))
            if reply.status is Status.BUSY:
                held.tries[_key(wanted)] -= 1
            if reply.status is not Status.OK:
                held.asked = None
        except (LinkError, ProtocolError):
            held.asked = None

    async def acknowledge(self, pod_id: str, pipeline: PodPipeline) -> None:
        """Tell the pod what is safe here; only where nothing older waits in its log that this host does not hold."""
        held = self._pods.get(pod_id)
        for entry in (held.log or ()) if held is not None else ():
            ledger = pipeline.ledgers.get(entry.boot_id)
            if entry.what is not LogKind.RAW or ledger is None or ledger.first_index > entry.first_index:
                continue
            waiting = [gap for gap in self.open_ranges(pod_id, pipeline) if gap.boot_id == entry.boot_id]
            up_to = min((gap.first_index for gap in waiting), default=ledger.end_index)
            try:
                await self._source.command(pod_id, bytes(AckLog(boot_id=entry.boot_id, up_to_index=up_to)))
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
        """Boots that ended: their account reaches as far as their log does, which no live frame can tell any more."""
        for entry in log:
            ledger = pipeline.ledgers.get(entry.boot_id)
            if entry.what is LogKind.RAW and ledger is not None and entry.boot_id != pipeline.live_boot:
                ledger.expect(entry.end_index)


def _key(gap: Gap) -> Wanted:
    return (gap.boot_id, gap.first_index, gap.missing)
