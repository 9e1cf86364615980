"""The change feed -> points: what a sink must write so that it says what the store says now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import inf

from evenstride_analysis.model import Measure
from evenstride_gateway.sinks.follower import Step
from evenstride_gateway.sinks.points import (
    at_ns,
    epoch_ns,
    gap_point,
    gone_gap_point,
    gone_session_point,
    gone_stride_point,
    gone_symmetry_point,
    session_point,
    stride_point,
    symmetry_point,
)
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.store import GRID_S, Change, Dated, Entity, PublishedKey, Store, StoredStride

PAGE_S = 1800.0


def collect(store: Store, after: int, limit: int) -> Step:
    """The points for the changes behind `after`, at most `limit` of them.

    A point tells the present state of its stride, however many changes it had. Where a change names a key under which
    the stride no longer stands (another runner, another pod), that point is withdrawn first.
    """
    changes = store.changes(after=after, limit=limit)
    if not changes:
        return Step(upto=after)
    dated = store.dated_sessions()
    known = [change for change in changes if change.session_id in dated]
    points = _strides(store, dated, [c for c in known if c.entity is Entity.STRIDE])
    points += _symmetry(store, dated, [c for c in known if c.entity is Entity.SYMMETRY])
    points += _gaps(store, dated, [c for c in known if c.entity in (Entity.GAPS, Entity.ASSIGNMENT)])
    points += _sessions(store, dated, [c for c in known if c.entity in (Entity.SESSION, Entity.STRIDE)])
    return Step(upto=changes[-1].change, points=points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The points of a session in [from_ns, to_ns), epoch nanoseconds; None = however early or late."""

    from_ns: int | None
    to_ns: int | None
    points: list[Point]


def page_count(store: Store, session_id: str) -> int:
    """How many pages a session has."""
    return 1 + int(store.last_published_s(session_id) // PAGE_S)


def session_pages(store: Store, session_id: str) -> Iterator[Page]:
    """Everything that is to be known of one session, whatever the feed says, half an hour at a time: a day of running
    needs no more memory than a short run."""
    session = store.session(session_id)
    started_ns, runner_id = epoch_ns(session.started_at), session.runner_id
    symmetry = [
        symmetry_point(session_id, started_ns, runner_id, stored.symmetry, retired=stored.retired)
        for stored in store.symmetry(session_id, include_retired=True)
    ]
    n = page_count(store, session_id)
    for page in range(n):
        low_s, high_s = page * PAGE_S if page else -inf, (page + 1) * PAGE_S if page + 1 < n else inf
        # Half a nanosecond earlier: as the times are rounded.
        strides = store.strides_between(session_id, low_s - 0.5e-9, high_s - 0.5e-9)
        # Of two under one key the one in force, which comes last: in whatever order they are written then.
        points = list({(p.tags, p.time_ns): p for s in strides if (p := present_point(s, started_ns))}.values())
        points += [point for point in symmetry if low_s <= (point.time_ns - started_ns) / 1e9 < high_s]
        if page == 0:
            points += _gap_points(store, session_id, started_ns, runner_id)
            points.append(_session_point(store, session_id))
        yield Page(
            from_ns=at_ns(started_ns, low_s) if page else None,
            to_ns=at_ns(started_ns, high_s) if page + 1 < n else None,
            points=points,
        )


def session_points(store: Store, session_id: str) -> list[Point]:
    """The same in one piece."""
    return [point for page in session_pages(store, session_id) for point in page.points]


def present_point(stored: StoredStride, started_ns: int) -> Point:
    """The point of a stride where it stands now."""
    return stride_point(
        stored,
        started_ns,
        runner_id=stored.runner_id,
        pod_id=stored.stride.pod_id,
        t_s=stored.published_t_s,
        retired=stored.retired,
    )


def _strides(store: Store, dated: dict[str, Dated], changes: Sequence[Change]) -> list[Point]:
    sessions: dict[int, str] = {}
    earlier: dict[int, set[PublishedKey]] = {}
    for change in changes:
        stride_id = int(change.entity_id)
        sessions[stride_id] = change.session_id
        keys = earlier.setdefault(stride_id, set())
        if change.previous is not None:
            keys.add(change.previous)
    held = store.strides_by_id(sessions)
    starts = {session_id: epoch_ns(dated[session_id].started_at) for session_id in set(sessions.values())}
    withdrawn: list[Point] = []
    present: list[Point] = []
    for stride_id, session_id in sessions.items():
        started_ns, stored = starts[session_id], held.get(stride_id)
        here = None if stored is None else stored.key
        for key in earlier[stride_id]:
            if key == here:
                continue
            where = {"runner_id": key.runner_id, "pod_id": key.pod_id}
            if stored is None:
                withdrawn.append(gone_stride_point(session_id, started_ns, **where, t_s=key.t_s))
            else:
                withdrawn.append(stride_point(stored, started_ns, **where, t_s=key.t_s, retired=True))
        if stored is not None:
            present.append(present_point(stored, started_ns))
    return withdrawn + present


def _symmetry(store: Store, dated: dict[str, Dated], changes: Sequence[Change]) -> list[Point]:
    withdrawn: list[Point] = []
    present: list[Point] = []
    for session_id in dict.fromkeys(change.session_id for change in changes):
        session = dated[session_id]
        started_ns = epoch_ns(session.started_at)
        wanted = {change.entity_id for change in changes if change.session_id == session_id}
        for change in changes:
            key, (name, _, grid_index) = change.previous, change.entity_id.partition("/")
            there = None if key is None else (key.runner_id, key.t_s)
            moved = session.deleted or there != (session.runner_id, int(grid_index) * GRID_S)
            if change.session_id == session_id and key is not None and moved:
                measure = Measure(name)
                withdrawn.append(gone_symmetry_point(session_id, started_ns, key.runner_id, measure, key.t_s))
        if session.deleted:
            continue
        present += [
            symmetry_point(session_id, started_ns, session.runner_id, stored.symmetry, retired=stored.retired)
            for stored in store.symmetry(session_id, include_retired=True)
            if f"{stored.symmetry.measure}/{stored.grid_index}" in wanted
        ]
    return withdrawn + present


def _gaps(store: Store, dated: dict[str, Dated], changes: Sequence[Change]) -> list[Point]:
    points: list[Point] = []
    for change in changes:
        session, key = dated[change.session_id], change.previous
        if key is not None and _moved(session, key):
            started_ns = at_ns(epoch_ns(session.started_at), key.t_s)
            points.append(gone_gap_point(change.session_id, started_ns, key.runner_id, key.pod_id))
    for session_id in dict.fromkeys(change.session_id for change in changes):
        session = dated[session_id]
        if not session.deleted:
            points += _gap_points(store, session_id, epoch_ns(session.started_at), session.runner_id)
    return points


def _gap_points(store: Store, session_id: str, started_ns: int, runner_id: str) -> list[Point]:
    losses = store.gaps(session_id)
    pods = {a.pod_id for a in store.assignments(session_id)} | {loss.pod_id for loss in losses}
    return [
        gap_point(session_id, started_ns, runner_id, pod_id, [loss for loss in losses if loss.pod_id == pod_id])
        for pod_id in sorted(pods)
    ]


def _sessions(store: Store, dated: dict[str, Dated], changes: Sequence[Change]) -> list[Point]:
    """The sessions that changed, and ended ones whose strides did: their point counts them."""
    points: list[Point] = []
    named: set[str] = set()
    for change in changes:
        if change.entity is Entity.STRIDE:
            continue
        named.add(change.session_id)
        session, key = dated[change.session_id], change.previous
        if key is not None and _moved(session, key):
            started_at = session.started_at + timedelta(seconds=key.t_s)  # it had another date
            points.append(gone_session_point(change.session_id, started_at, key.runner_id))
    for session_id in dict.fromkeys(change.session_id for change in changes):
        if dated[session_id].deleted:
            continue
        if session_id in named or store.session(session_id).stopped_at is not None:
            points.append(_session_point(store, session_id))
    return points


def _moved(session: Dated, key: PublishedKey) -> bool:
    """Whether what stands for a whole session stood elsewhere: under another runner, or another date."""
    return session.deleted or key.runner_id != session.runner_id or key.t_s != 0.0


def _session_point(store: Store, session_id: str) -> Point:
    session = store.session(session_id)
    return session_point(session, strides=store.count_strides(session_id), clean=store.count_clean(session_id))
