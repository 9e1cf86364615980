"""Rule 2: which stored stride a detection is. Pure: rows and detections of one (pod, boot) in, a plan out.

Two strides of one leg are the same when they overlap by more than half of the shorter one. Raw complete beats raw with
a gap, raw beats the pod's own record, and between equals the later detection holds.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from evenstride_analysis.model import Doubt, Stride
from evenstride_gateway.air.records import POD_METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A stored stride as far as identity needs it."""

    stride_id: int
    stride: Stride
    retired: bool


@dataclass(slots=True)
class Plan:
    """What to write; `kept` are the active rows that were found again as they are, or that beat what was found."""

    inserts: list[Stride] = field(default_factory=list[Stride])
    updates: list[tuple[Known, Stride]] = field(default_factory=list[tuple[Known, Stride]])
    retires: list[Known] = field(default_factory=list[Known])
    kept: set[int] = field(default_factory=set[int])

    @property
    def touched(self) -> set[int]:
        return self.kept | {k.stride_id for k, _ in self.updates} | {k.stride_id for k in self.retires}


def rank(stride: Stride) -> int:
    """How much a detection is worth: 0 the pod's record, 1 raw with a gap, 2 complete raw."""
    if Doubt.ON_POD in stride.doubt or stride.method.startswith(POD_METHOD):
        return 0
    return 1 if Doubt.GAP in stride.doubt else 2


def overlap(a: Stride, b: Stride) -> int:
    """Samples that two strides of one boot share."""
    return max(0, min(a.end_index, b.end_index) - max(a.strike_index, b.strike_index))


def same_leg_same_time(a: Stride, b: Stride) -> bool:
    shorter = min(a.end_index - a.strike_index, b.end_index - b.strike_index)
    return 2 * overlap(a, b) > shorter


def settle(found: Sequence[Stride]) -> list[Stride]:
    """The detections of one batch in order of time, without two that are the same stride (the better one stays)."""
    kept: list[Stride] = []
    for stride in sorted(found, key=lambda s: (s.strike_index, s.end_index)):
        rivals = [k for k in kept[-8:] if same_leg_same_time(k, stride)]
        if any(rank(rival) > rank(stride) for rival in rivals):
            continue
        kept = [k for k in kept if k not in rivals] if rivals else kept
        kept.append(stride)
    return kept


class _Shelf:
    """Stored strides by start, searched by overlap."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._known = sorted(known, key=lambda k: k.stride.strike_index)
        self._starts = [k.stride.strike_index for k in self._known]
        self._longest = max((k.stride.end_index - k.stride.strike_index for k in self._known), default=0)

    def rivals(self, stride: Stride) -> list[Known]:
        first = bisect_left(self._starts, stride.strike_index - self._longest)
        last = bisect_left(self._starts, stride.end_index)
        return [k for k in self._known[first:last] if same_leg_same_time(k.stride, stride)]


def plan(known: Sequence[Known], found: Sequence[Stride], *, rerun: bool = False) -> Plan:
    """Match detections to stored strides; `rerun`: a new method replaces an old one whatever their ranks.

    After the plan no two active strides are the same one, provided that none were before.
    """
    result = Plan()
    active = _Shelf([k for k in known if not k.retired])
    retired = _Shelf([k for k in known if k.retired])
    taken: set[int] = set()  # rows whose fate is decided: they are no rivals any more
    rest: list[Stride] = []
    for stride in settle(found):  # exact matches first: nothing else may take their row
        exact = next((k for k in active.rivals(stride) if k.stride == stride), None)
        if exact is None:
            rest.append(stride)
        else:
            taken.add(exact.stride_id)
            result.kept.add(exact.stride_id)
    for worth in (2, 1, 0):  # the best first, so that a weaker one meets what they leave
        accepted: list[Stride] = []
        for stride in (s for s in rest if rank(s) == worth):
            rivals = [k for k in active.rivals(stride) if k.stride_id not in taken]
            stronger = {k.stride_id for k in rivals if _holds_against(k.stride, stride, rerun=rerun)}
            if stronger:
                result.kept |= stronger
                continue
            accepted.append(stride)
            pool = rivals or [k for k in retired.rivals(stride) if k.stride_id not in taken]
            if pool:
                best = max(pool, key=lambda k: (overlap(k.stride, stride), -k.stride_id))
                taken.add(best.stride_id)
                result.updates.append((best, stride))
            else:
                result.inserts.append(stride)
        for stride in accepted:
            for rival in active.rivals(stride):
                if rival.stride_id not in taken:
                    taken.add(rival.stride_id)
                    result.kept.discard(rival.stride_id)
                    result.retires.append(rival)
    result.inserts.sort(key=lambda s: s.strike_index)
    return result


def _holds_against(stored: Stride, stride: Stride, *, rerun: bool) -> bool:
    if rerun and stored.method != stride.method and rank(stride) > 0:
        return False
    return rank(stored) > rank(stride)
