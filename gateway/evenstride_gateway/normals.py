"""A session against its runner's own normal, as points for InfluxDB: when it has ended, and when its strides change."""

from collections.abc import Collection, Iterator

from evenstride_analysis.baseline import Change, RunMeasure
from evenstride_analysis.model import Session
from evenstride_analysis.symmetry import SystematicError
from evenstride_analysis.units import g_from_mps2, ms_from_s, percent_from_fraction
from evenstride_gateway.baselines import SHOES, Seen, standing
from evenstride_gateway.runs import kept_run
from evenstride_gateway.sinks.collect import collect
from evenstride_gateway.sinks.follower import Collect, Step
from evenstride_gateway.sinks.points import epoch_ns
from evenstride_gateway.sinks.schema import BASELINE, Point
from evenstride_gateway.store import Change as StoreChange
from evenstride_gateway.store import Entity, Store

MOST_AT_ONCE = 2  # a verdict reads up to eleven sessions: a step that makes more is cut, the next one goes on there


def collect_with_normals(system: SystematicError) -> Collect:
    """`collect`, and for each runner's latest ended session its standing against the own normal."""

    def both(store: Store, after: int, limit: int) -> Step:
        changes = store.changes(after=after, limit=limit)
        due = _due(store, changes)
        if len(due) > MOST_AT_ONCE:
            limit = sum(change.change < due[MOST_AT_ONCE][0] for change in changes)
        step = collect(store, after, limit)
        points = [*step.points, *_gone(store, [change for change in changes if change.change <= step.upto])]
        for number, session_id in due:
            if number <= step.upto:
                points += baseline_points(store, session_id, system)
        return Step(upto=step.upto, points=points)

    return both


def _gone(store: Store, changes: list[StoreChange]) -> list[Point]:
    """The standings of sessions that were deleted, or that turned out to be another runner's."""
    dated = store.dated_sessions()
    points: list[Point] = []
    for change in changes:
        session, key = dated.get(change.session_id), change.previous
        if change.entity is not Entity.SESSION or session is None or key is None:
            continue
        if session.deleted or key.runner_id != session.runner_id:
            points += gone_baseline_points(change.session_id, epoch_ns(session.started_at), key.runner_id)
    return points


def _due(store: Store, changes: list[StoreChange]) -> list[tuple[int, str]]:
    """The sessions that these changes make worth a verdict, each with the change that does, in order.

    Of the many changes that one run again makes only the last one does.
    """
    newest = {change.session_id: change.change for change in changes if change.entity is Entity.STRIDE}
    due = {name: number for name, number in newest.items() if number == store.last_change_of(name)}
    due |= {change.session_id: change.change for change in changes if change.entity is Entity.SESSION}
    latest = _latest(store) if due else set[str]()
    return sorted((number, name) for name, number in due.items() if name in latest)


def _latest(store: Store) -> set[str]:
    """The latest ended session of every runner, where it has strides."""
    found: dict[str, Session] = {}
    for session in store.sessions():
        held = found.get(session.runner_id)
        if session.dated and session.stopped_at is not None and (held is None or held.started_at < session.started_at):
            found[session.runner_id] = session
    return {one.session_id for one in found.values() if store.count_strides(one.session_id)}


def season_points(store: Store, session_ids: Collection[str], system: SystematicError) -> Iterator[list[Point]]:
    """The standings of these sessions, oldest first; those whose values were not kept at their end are left out."""
    seen = Seen()
    for session in reversed(store.sessions()):
        if session.session_id in session_ids and kept_run(store, session) is not None:
            yield baseline_points(store, session.session_id, system, seen)


def baseline_points(store: Store, session_id: str, system: SystematicError, seen: Seen | None = None) -> list[Point]:
    """The standing of an ended session, one point per measure. Raises UnknownError without such a session."""
    stand = standing(store, session_id, system, seen=seen)
    shoes = stand.session.settings.get(SHOES, "")
    return [_point(stand.session, change, shoes) for change in stand.changes]


def gone_baseline_points(session_id: str, started_ns: int, runner_id: str) -> list[Point]:
    """The points of a session that was deleted, or that turned out to be another runner's."""
    values = (True, "not comparable", "withdrawn", "", False, 0.0, False, 0.0, 0.0, 0.0, 0.0, 0, "")
    return [Point(BASELINE.name, (session_id, runner_id, m.value), values, started_ns) for m in RunMeasure]


def _point(session: Session, change: Change, shoes: str) -> Point:
    band, measure = change.band, change.measure
    low, centre, high = (0.0, 0.0, 0.0) if band is None else (band.low, band.centre, band.high)
    half = (high - low) / 2.0
    off = abs(change.value - centre) / half if change.value is not None and half > 0.0 else 0.0
    return Point(
        BASELINE.name,
        (session.session_id, session.runner_id, measure.value),
        (
            False,
            change.verdict.value,
            change.reason,
            unit(measure),
            change.value is not None,
            _shown(measure, change.value or 0.0),
            band is not None and change.value is not None,
            *(_shown(measure, value) for value in (low, centre, high)),
            off,
            0 if band is None else band.runs,
            shoes,
        ),
        epoch_ns(session.started_at),
    )


def unit(measure: RunMeasure) -> str:
    """The unit of a measure as its reader knows it."""
    if measure is RunMeasure.SYMMETRY:
        return "%"
    if measure is RunMeasure.CADENCE:
        return "steps/min"
    return "ms" if measure.value.startswith("stance") else "g"


def _shown(measure: RunMeasure, value: float) -> float:
    if measure is RunMeasure.SYMMETRY:
        return percent_from_fraction(value)
    if measure is RunMeasure.CADENCE:
        return value
    return ms_from_s(value) if measure.value.startswith("stance") else g_from_mps2(value)
