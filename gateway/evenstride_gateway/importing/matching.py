"""Which runs of a left and a right pod are one run, and where both stand in session time (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor

from evenstride_analysis.alternation import Alternation, align
from evenstride_analysis.model import ClockFit, Side
from evenstride_gateway.importing.dating import BootDate
from evenstride_gateway.importing.runs import PodRun

FLOOR_S = 0.001  # of the leg whose pod keeps the session's time: its own stamps
_LEAST_COMMON = 0.5  # of the shorter run must lie in the longer one, where both have a date
_ALIKE, _ALIKE_S = 0.05, 10.0  # of the longer run, or seconds: both legs begin and end together
_LEAD_S = 1.0  # a session begins so long before its first strike


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """One run: a leg or both, and when it was (None = nobody knows). `together`: the right pod's time in the left's."""

    legs: Mapping[Side, PodRun]
    date: BootDate | None = None
    dated_side: Side | None = None
    together: Alternation | None = None
    both_dated: bool = False

    @property
    def keeper(self) -> Side:
        """The leg whose pod keeps the session's time: the one that is dated, else the left one."""
        return self.dated_side or (Side.LEFT if Side.LEFT in self.legs else Side.RIGHT)

    @property
    def lasts_s(self) -> float:
        start_s, end_s = self._span_s()
        return end_s - start_s

    def in_keeper_s(self, side: Side, pod_s: float) -> float:
        """A leg's pod time in the keeper's pod time."""
        if side is self.keeper or self.together is None:
            return pod_s
        both = self.together
        if side is Side.RIGHT:
            return both.first_s(pod_s)
        return both.second_ref_s + (pod_s - both.first_ref_s) / (1.0 + both.drift)

    def _span_s(self) -> tuple[float, float]:
        """First strike and last end of both legs, in the keeper's pod time."""
        return (
            min(self.in_keeper_s(side, run.start_s) for side, run in self.legs.items()),
            max(self.in_keeper_s(side, run.end_s) for side, run in self.legs.items()),
        )

    def placed(self, began: datetime | None = None) -> "PlacedRun":
        """In session time. `began`: what the user says where no anchor does; None of both leaves it undated."""
        start_s, end_s = self._span_s()
        zero_s, skew, started_at = start_s - _LEAD_S, 0.0, None
        if self.date is not None:
            utc_s = floor(self.date.utc_s(zero_s))  # whole seconds: they are read by people
            skew, started_at = self.date.skew, datetime.fromtimestamp(utc_s, UTC)
            zero_s += (utc_s - self.date.utc_s(zero_s)) / (1.0 + skew)
        elif began is not None:
            started_at = began
        fits = tuple(self._fit(side, zero_s, skew) for side in self.legs)
        return PlacedRun(
            found=self,
            started_at=started_at,
            lasts_s=(end_s - zero_s) * (1.0 + skew),
            fits=fits,
        )

    def _fit(self, side: Side, zero_s: float, skew: float) -> ClockFit:
        """The line from this leg's pod time to session seconds."""
        run, rate = self.legs[side], 1.0 + skew
        if side is not self.keeper and self.together is not None:
            drift = 1.0 + self.together.drift
            rate *= drift if side is Side.RIGHT else 1.0 / drift
        middle_s = run.middle_s
        there_s = (self.in_keeper_s(side, middle_s) - zero_s) * (1.0 + skew)
        bound_s = FLOOR_S if side is self.keeper or self.together is None else self.together.bound_s
        return ClockFit(
            pod_id=run.pod_id,
            boot_id=run.boot_id,
            offset_s=there_s - middle_s * rate,
            skew_ppm=(rate - 1.0) * 1e6,
            bound_s=bound_s,
            version=1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRun:
    """A run in session time. `started_at` is None where nobody knows the date."""

    found: FoundRun
    started_at: datetime | None
    lasts_s: float
    fits: tuple[ClockFit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRun:
    """A pod's run, the leg that the pod sits on, and its date if there is one."""

    run: PodRun
    side: Side
    runner_id: str = ""  # of the pod, "" = anybody's
    date: BootDate | None = None

    @property
    def utc_s(self) -> tuple[float, float] | None:
        """Beginning and end, epoch seconds."""
        if self.date is None:
            return None
        return self.date.utc_s(self.run.start_s), self.date.utc_s(self.run.end_s)


@dataclass(slots=True)
class _Pair:
    left: DatedRun
    right: DatedRun
    together: Alternation = field(kw_only=True)


def match(runs: Sequence[DatedRun]) -> list[FoundRun]:
    """Put runs of left and right pods together that were one run; the others stay single. In order of time as known."""
    pairs: list[_Pair] = []
    for left in (r for r in runs if r.side is Side.LEFT):
        for right in (r for r in runs if r.side is Side.RIGHT):
            together = _together(left, right)
            if together is not None:
                pairs.append(_Pair(left, right, together=together))
    pairs.sort(key=lambda pair: (pair.together.certain, pair.together.matched), reverse=True)
    taken: set[int] = set()
    found: list[FoundRun] = []
    for pair in pairs:
        if id(pair.left) in taken or id(pair.right) in taken:
            continue
        taken |= {id(pair.left), id(pair.right)}
        found.append(_found({Side.LEFT: pair.left, Side.RIGHT: pair.right}, pair.together))
    found += [_found({run.side: run}, None) for run in runs if id(run) not in taken]
    return sorted(found, key=lambda f: (f.date is None, f.date.ref_utc_s if f.date else 0.0, f.legs[f.keeper].boot_id))


def _found(legs: Mapping[Side, DatedRun], together: Alternation | None) -> FoundRun:
    dated = [(run.date.error_s, side, run.date) for side, run in legs.items() if run.date is not None]
    best = min(dated, key=lambda entry: (entry[0], entry[1].value), default=None)
    return FoundRun(
        legs={side: run.run for side, run in legs.items()},
        date=None if best is None else best[2],
        dated_side=None if best is None else best[1],
        together=together,
        both_dated=len(dated) == len(legs),
    )


def _together(left: DatedRun, right: DatedRun) -> Alternation | None:
    """How the right pod's time lies in the left one's, if these can be one run."""
    if left.runner_id and right.runner_id and left.runner_id != right.runner_id:
        return None
    spans = left.utc_s, right.utc_s
    allowed: tuple[float, float] | None = None
    if spans[0] is not None and spans[1] is not None and left.date is not None and right.date is not None:
        slack_s = left.date.error_s + right.date.error_s
        common_s = min(spans[0][1], spans[1][1]) - max(spans[0][0], spans[1][0]) + slack_s
        if common_s < _LEAST_COMMON * min(high - low for low, high in (spans[0], spans[1])):
            return None
        middle_s = right.run.middle_s
        left_s = left.date.ref_pod_s + (right.date.utc_s(middle_s) - left.date.ref_utc_s) / (1.0 + left.date.skew)
        allowed = (left_s - middle_s - slack_s, left_s - middle_s + slack_s)
    together = align(left.run.strikes(), right.run.strikes(), shift_s=allowed)
    if together is None or together.certain or allowed is not None:
        return together
    # Two short or even runs alternate somewhere whosever they are: without dates they must be of one length as well.
    lengths_s = [leg.run.running_s for leg in (left, right)]
    alike = abs(lengths_s[0] - lengths_s[1]) <= max(_ALIKE_S, _ALIKE * max(lengths_s))
    return together if alike else None
