"""The account of one pod's samples: what came, what is missing, and whose loss it is (pure).

Arithmetic (firmware/PROTOCOL.md): `first_index` counts every sample the pod took since boot, `seq` every live frame it
handed to the radio. Between two live frames that are neighbours in index, `k` sequence numbers and `m` samples are
missing; a frame carries `n` samples, so min(k n, m) were lost by the host and the rest was never sent by the pod.

Exact: every index of [first, end) is received or missing, and each missing one has one cause.
Limits, by the nature of the numbers:
(1) where host and pod both lost in one hole, the counts are exact and the places are not: the host's part is put first
    (it matters only when a backfill closes such a hole in part);
(2) `n` is the length of the frames beside the hole; a host loss of a frame of another length (the last before STOP, the
    first after another MTU) is wrong by the difference;
(3) numbers that the pod takes back at a link loss and uses again hide as many host losses in that one hole: they count
    as the pod's. The sum stays exact;
(4) samples that waited in the pod's queue when `expect` was told, and never came, count as the pod's: less than a frame
    while its radio keeps up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from evenstride_analysis.model import CountArray, Frame, Gap, IntArray, LossCause
from evenstride_gateway.errors import InputError

Range = tuple[int, int]  # half-open sample indices
SEQ_MODULUS = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Samples first_index ... first_index + missing - 1 were taken and are not here, by this cause."""

    pod_id: str
    boot_id: int
    first_index: int
    missing: int
    cause: LossCause

    @property
    def gap(self) -> Gap:
        return Gap(pod_id=self.pod_id, boot_id=self.boot_id, first_index=self.first_index, missing=self.missing)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Consecutive samples out of one frame: counts (n, channels). `tick` is None when the frame's first sample, the
    only one that was stamped, is not among them."""

    pod_id: str
    boot_id: int
    first_index: int
    tick: int | None
    counts: CountArray

    @property
    def end_index(self) -> int:
        return self.first_index + len(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """Consecutive samples out of many frames of one boot: counts (n, channels), and the ticks (k,) of those samples
    (k,) that were the first of their frame, the only ones that are stamped."""

    pod_id: str
    boot_id: int
    first_index: int
    stamp_index: IntArray
    stamp_tick: IntArray
    counts: CountArray


def pieces(frame: Frame, ranges: Sequence[Range]) -> list[Piece]:
    """The parts of `frame` that `ranges` (as `SampleLedger.take` returns them) cover."""
    return [
        Piece(
            pod_id=frame.pod_id,
            boot_id=frame.boot_id,
            first_index=start,
            tick=frame.tick if start == frame.first_index else None,
            counts=frame.counts[start - frame.first_index : stop - frame.first_index],
        )
        for start, stop in ranges
    ]


class IndexSet:
    """A set of sample indices as sorted, disjoint, non-touching ranges."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._starts)

    def ranges(self) -> list[Range]:
        return list(zip(self._starts, self._stops, strict=True))

    @property
    def first(self) -> int:
        return self._starts[0]

    @property
    def end(self) -> int:
        return self._stops[-1]

    def absent(self, start: int, stop: int) -> list[Range]:
        """The parts of [start, stop) that are not in the set."""
        found: list[Range] = []
        at = start
        for n in range(bisect_right(self._stops, start), bisect_left(self._starts, stop)):
            if self._starts[n] > at:
                found.append((at, self._starts[n]))
            at = max(at, self._stops[n])
        if at < stop:
            found.append((at, stop))
        return found

    def add(self, start: int, stop: int) -> list[Range]:
        """Put [start, stop) in; returns the parts that are new."""
        new = self.absent(start, stop)
        if not new:
            return new
        low = bisect_left(self._stops, start)  # touching ranges merge
        high = bisect_right(self._starts, stop)
        if low < high:
            start, stop = min(start, self._starts[low]), max(stop, self._stops[high - 1])
        self._starts[low:high], self._stops[low:high] = [start], [stop]
        self.size += sum(b - a for a, b in new)
        return new


@dataclass(slots=True)
class _Run:
    """Live frames without a hole between them, in index and in sequence."""

    start: int
    stop: int
    first_seq: int
    last_seq: int
    frame_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """All in samples but `frames` and `reordered`. received + missing_pod + missing_host == end_index - first_index."""

    first_index: int
    end_index: int
    frames: int
    received: int
    backfilled: int
    duplicates: int
    reordered: int  # live frames that came behind a later one
    missing_pod: int
    missing_host: int


class SampleLedger:
    """The account of one (pod, boot). It begins at the first sample it sees, or at `expect_from` if given."""

    def __init__(self, *, pod_id: str, boot_id: int, expect_from: int | None = None, expect_seq: int = 0) -> None:
        self.pod_id, self.boot_id = pod_id, boot_id
        self._have = IndexSet()
        self._runs: list[_Run] = []
        self._from = expect_from
        self._end = expect_from or 0
        if expect_from is not None:  # an empty run: what the pod handed over before it is known, nothing is missing
            self._runs.append(_Run(expect_from, expect_from, expect_seq, expect_seq - 1, 0))
        self._frames = self._duplicates = self._backfilled = self._reordered = 0
        self._live_end = 0

    def take(self, frame: Frame, *, backfill: bool = False) -> list[Range]:
        """Enter a frame; returns the index ranges that are new, in order. Raises InputError for another pod or boot."""
        if (frame.pod_id, frame.boot_id) != (self.pod_id, self.boot_id):
            raise InputError(
                f"frame of pod {frame.pod_id} boot {frame.boot_id} in the account of {self.pod_id} boot {self.boot_id}"
            )
        self._frames += 1
        start, stop = frame.first_index, frame.end_index
        if start == stop:
            return []
        behind = not backfill and start < self._live_end
        if not backfill:
            self._enter_live(start, stop, frame.seq)
            self._live_end = max(self._live_end, stop)
        new = self._have.add(start, stop)
        count = sum(b - a for a, b in new)
        self._duplicates += (stop - start) - count
        self._backfilled += count if backfill else 0
        self._reordered += behind and count > 0
        self._end = max(self._end, stop)
        return new

    def expect(self, end_index: int, next_seq: int | None = None) -> None:
        """The pod says that it has taken samples up to `end_index` (exclusive): what is not here is missing.

        With `next_seq`, the number of its next live frame, the tail of the account has a cause too.
        """
        if not self._have and self._from is None:
            return
        if next_seq is not None and end_index >= max((run.stop for run in self._runs), default=0):
            self._insert(_Run(end_index, end_index, next_seq, next_seq - 1, 0))
        self._end = max(self._end, end_index)

    @property
    def first_index(self) -> int:
        """Where the account begins; what came from before the expected beginning extends it."""
        if not self._have:
            return self._from or 0
        return self._have.first if self._from is None else min(self._from, self._have.first)

    @property
    def end_index(self) -> int:
        return self._end

    def lacks(self, start: int, stop: int) -> bool:
        """Whether anything of [start, stop) belongs to the account and is not here."""
        return bool(self._have.absent(max(start, self.first_index), min(stop, self._end)))

    def missing(self) -> list[Gap]:
        """What is not here, in order of index, whoever lost it."""
        return [
            Gap(pod_id=self.pod_id, boot_id=self.boot_id, first_index=a, missing=b - a)
            for a, b in self._have.absent(self.first_index, self._end)
        ]

    def losses(self) -> list[Loss]:
        """What is not here, in order of index, split by cause."""
        if not self._have.absent(self.first_index, self._end):
            return []
        host = self._host_part()
        found: list[tuple[int, int, LossCause]] = []
        for a, b in self._have.absent(self.first_index, self._end):
            pod = host.absent(a, b)
            at = a
            for start, stop in [*pod, (b, b)]:
                if at < start:
                    found.append((at, start, LossCause.HOST))
                if start < stop:
                    found.append((start, stop, LossCause.POD))
                at = stop
        return [
            Loss(pod_id=self.pod_id, boot_id=self.boot_id, first_index=a, missing=b - a, cause=cause)
            for a, b, cause in found
        ]

    def snapshot(self) -> LedgerCounts:
        by_cause = dict.fromkeys(LossCause, 0)
        for loss in self.losses():
            by_cause[loss.cause] += loss.missing
        return LedgerCounts(
            first_index=self.first_index,
            end_index=self._end,
            frames=self._frames,
            received=self._have.size,
            backfilled=self._backfilled,
            duplicates=self._duplicates,
            reordered=self._reordered,
            missing_pod=by_cause[LossCause.POD],
            missing_host=by_cause[LossCause.HOST],
        )

    def _host_part(self) -> IndexSet:
        host = IndexSet()
        for before, after in zip(self._runs, self._runs[1:], strict=False):
            frames = (after.first_seq - before.last_seq - 1) % SEQ_MODULUS
            if frames >= SEQ_MODULUS // 2:  # a number used again: see limit (3)
                continue
            lost = min(frames * max(before.frame_length, after.frame_length), after.start - before.stop)
            if lost > 0:
                host.add(before.stop, before.stop + lost)
        return host

    def _enter_live(self, start: int, stop: int, seq: int) -> None:
        """Put the parts of a live frame that no live frame brought yet among the runs."""
        length = stop - start
        at = bisect_right(self._runs, start, key=lambda run: run.start)
        covered = IndexSet()
        for run in self._runs[max(0, at - 1) : bisect_left(self._runs, stop, key=lambda run: run.start)]:
            if run.start < run.stop:
                covered.add(run.start, run.stop)
        for a, b in covered.absent(start, stop):
            self._insert(_Run(a, b, seq, seq, length))

    def _insert(self, run: _Run) -> None:
        at = bisect_right(self._runs, run.start, key=lambda other: other.start)
        before = self._runs[at - 1] if at > 0 else None
        if before is not None and before.stop == run.start and before.last_seq == run.first_seq - 1:
            before.stop, before.last_seq = run.stop, run.last_seq
            before.frame_length = max(before.frame_length, run.frame_length)
            run, at = before, at - 1
        else:
            self._runs.insert(at, run)
        after = self._runs[at + 1] if at + 1 < len(self._runs) else None
        if after is not None and run.stop == after.start and run.last_seq == after.first_seq - 1:
            run.stop, run.last_seq = after.stop, after.last_seq
            run.frame_length = max(run.frame_length, after.frame_length)
            del self._runs[at + 1]
