"""One backfill: a cursor through the pod's log (PROTOCOL.md section 9)."""

from dataclasses import dataclass, field

from evenstride_gateway.air import BackfillDone, BackfillResult, LogKind, RawFrame, StrideRecord
from evenstride_gateway.air.records import MAX_RECORDS
from evenstride_gateway.virtual.flash_log import Flash


@dataclass(slots=True, kw_only=True)
class BackfillJob:
    """`count` entries of one boot's log from `first` on. What the log does not hold is stepped over."""

    what: LogKind
    boot_id: int
    first: int
    count: int
    cursor: int = field(init=False)
    sent: int = 0
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.cursor = self.first

    @property
    def _end(self) -> int:
        return self.first + self.count

    def next_frame(self, flash: Flash, most: int, *, seq: int, mask: int) -> RawFrame | None:
        """The next raw frame, None at the end."""
        found = None if self.cancelled else flash.raw.read(self.boot_id, self.cursor, self._end, most)
        if found is None:
            return self._finish()
        clock, first, counts = found
        self._step(first, len(counts))
        tick = clock.tick(first)
        return RawFrame(
            boot_id=self.boot_id, seq=seq, first_index=first, tick=tick, backfill=True, counts=counts, mask=mask
        )

    def next_records(self, flash: Flash) -> tuple[int, list[StrideRecord]] | None:
        """The next records and the number of their first, None at the end."""
        found = None if self.cancelled else flash.records.read(self.boot_id, self.cursor, self._end, MAX_RECORDS)
        if found is None:
            return self._finish()
        self._step(found[0], len(found[1]))
        return found

    def _step(self, first: int, n: int) -> None:
        self.cursor, self.sent = first + n, self.sent + n

    def _finish(self) -> None:
        if not self.cancelled:
            self.cursor = self._end

    def done(self) -> BackfillDone:
        """The message that ends this backfill."""
        result = BackfillResult.COMPLETE if self.sent == self.count else BackfillResult.PARTIAL
        return BackfillDone(
            result=BackfillResult.CANCELLED if self.cancelled else result,
            boot_id=self.boot_id,
            first_index=self.first,
            count=self.count,
            sent=self.sent,
            next_index=self.cursor,
            what=self.what,
        )
