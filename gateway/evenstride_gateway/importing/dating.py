"""When a boot was: ticks to UTC by the anchors that hosts wrote into it, with the error of the date (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from evenstride_gateway.store import KeptAnchor

CRYSTAL = 40e-6  # a pod's clock against the true one, as its crystal is specified, temperature included
WANDER = 5e-6  # of a crystal whose rate was measured: warmer or colder by 10 degrees
IMPOSSIBLE = 100e-6  # two anchors that want more than this were written by a clock that was set in between


@dataclass(frozen=True, slots=True, kw_only=True)
class BootDate:
    """utc_s = ref_utc_s + (pod_s - ref_pod_s) (1 + skew): a boot's line around one instant, wrong there by `error_s`.

    `disagree_s`: by how much the boot's anchors contradict each other (0 = they do not); it is inside the error.
    """

    ref_pod_s: float
    ref_utc_s: float
    skew: float
    error_s: float
    anchors: int
    away_s: float  # from the nearest anchor
    disagree_s: float = 0.0

    def utc_s(self, pod_s: float) -> float:
        return self.ref_utc_s + (pod_s - self.ref_pod_s) * (1.0 + self.skew)


def date_of(anchors: Sequence[KeptAnchor], at_pod_s: float, tick_hz: float) -> BootDate | None:
    """The line of one boot around `at_pod_s`, from its anchors; None without one.

    The nearest anchor dates it; a second one, far enough away, gives the rate of the crystal. Error: how long the
    nearest anchor travelled (the pod stamps it on arrival, so it is late by no more), and the distance from it times
    what is not known of the rate. The host's own clock is taken to be right.
    """
    points = [(a.tick / tick_hz, a.utc_ns / 1e9, a.error_ns / 1e9) for a in anchors]
    if not points:
        return None
    near = min(points, key=lambda p: p[2] + CRYSTAL * abs(p[0] - at_pod_s))
    skew, doubt, disagree_s = 0.0, CRYSTAL, 0.0
    for pod_s, utc_s, error_s in points:
        span_s = pod_s - near[0]
        errors_s = error_s + near[2]
        off_s = (utc_s - near[1]) - span_s
        beyond_s = abs(off_s) - errors_s - IMPOSSIBLE * abs(span_s)
        disagree_s = max(disagree_s, beyond_s)
        if span_s and beyond_s <= 0.0 and errors_s / abs(span_s) + WANDER < doubt:
            skew, doubt = off_s / span_s, errors_s / abs(span_s) + WANDER
    away_s = abs(at_pod_s - near[0])
    return BootDate(
        ref_pod_s=at_pod_s,
        ref_utc_s=near[1] + (at_pod_s - near[0]) * (1.0 + skew),
        skew=skew,
        error_s=near[2] + doubt * away_s + disagree_s,
        anchors=len(points),
        away_s=away_s,
        disagree_s=disagree_s,
    )


def of_life(anchors: Sequence[KeptAnchor], boot_id: int) -> list[KeptAnchor]:
    """The anchors that hold for a boot: its own, and those of every boot of the same life of the pod's counter.

    Boots that have an anchor in common are of one life, and so is every boot between them (PROTOCOL section 10).
    """
    low = high = boot_id
    for first, last in _lives(anchors):
        if first <= boot_id <= last:
            low, high = first, last
    return [a for a in anchors if low <= a.boot_id <= high]


def _lives(anchors: Sequence[KeptAnchor]) -> list[tuple[int, int]]:
    """First and last boot of every life that has several."""
    spans: list[tuple[int, int]] = []
    for _, same in groupby(sorted(anchors, key=_tick_and_boot), key=lambda a: a.tick):
        spans += [(a.boot_id, b.boot_id) for a, b in pairwise(same) if _is_copy(a, b)]
    lives: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if lives and first <= lives[-1][1]:
            lives[-1] = (lives[-1][0], max(last, lives[-1][1]))
        else:
            lives.append((first, last))
    return lives


def _tick_and_boot(anchor: KeptAnchor) -> tuple[int, int]:
    return anchor.tick, anchor.boot_id


def _is_copy(a: KeptAnchor, b: KeptAnchor) -> bool:
    return a.tick == b.tick and abs(a.utc_ns - b.utc_ns) <= a.error_ns + b.error_ns


def known_times(
    anchors: Sequence[KeptAnchor], spans: Mapping[int, tuple[float, float]], tick_hz: float
) -> dict[int, tuple[float, float]]:
    """Boot of one pod -> first and last UTC that it is known to have run.

    `spans`: boot -> pod seconds between which it logged. An anchor that boots have in common was written in one of
    them, and nobody knows in which: it dates what they logged and is itself no time of theirs.
    """
    known: dict[int, tuple[float, float]] = {}
    for boot_id in sorted({a.boot_id for a in anchors} | spans.keys()):
        mine = [a for a in anchors if a.boot_id == boot_id]
        times = [a.utc_ns / 1e9 for a in mine if not any(_is_copy(a, b) for b in anchors if b.boot_id != boot_id)]
        for pod_s in spans.get(boot_id, ()):
            line = date_of(of_life(anchors, boot_id), pod_s, tick_hz)
            if line is not None:
                times.append(line.utc_s(pod_s))
        if times:
            known[boot_id] = (min(times), max(times))
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Limits of what is known of a time, epoch seconds; `not_before_s` None = nothing is known."""

    not_before_s: float | None
    not_after_s: float


def between(boot_id: int, dated: Mapping[int, tuple[float, float]], now_s: float) -> Between:
    """When a boot without an anchor was, by its neighbours: boot ids only grow.

    `dated`: boot -> (first, last) UTC that is known of it; `now_s`: the import.
    """
    before = [last for boot, (_, last) in dated.items() if boot < boot_id]
    after = [first for boot, (first, _) in dated.items() if boot > boot_id]
    return Between(not_before_s=max(before, default=None), not_after_s=min([*after, now_s]))
