"""A runner's stored sessions as runs: which of them count for the normal of one session, and why the others do not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evenstride_analysis.baseline import Change, Run, RunMeasure, judge, pace_reason
from evenstride_analysis.model import Session, Side, Summary
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.errors import UnknownError
from evenstride_gateway.results import session_summary
from evenstride_gateway.runs import kept_run, plain_run, worn
from evenstride_gateway.store import Person, Store

SHOES, PACE = "shoes", "pace"  # keys of a session's settings
MOST_RUNS = 10  # the latest that count: an old form is not today's normal
_MOST_READ = 30
SAME_WEARING = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A session against its runner's own normal. `earlier` are all sessions before it, oldest first."""

    session: Session
    run: Run
    changes: tuple[Change, ...]
    earlier: tuple[Session, ...]

    def started_at(self, run_id: str) -> datetime:
        return next(s.started_at for s in (*self.earlier, self.session) if s.session_id == run_id)


@dataclass(slots=True)
class Seen:
    """What was read of sessions already, where a whole season is judged one after another."""

    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    methods: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


def find_runner(store: Store, name: str) -> Person:
    """A runner by id or name. Raises UnknownError that names those there are."""
    people = store.people()
    for person in people:
        if name == person.runner_id or name.casefold() == person.name.casefold():
            return person
    known = ", ".join(person.name or person.runner_id for person in people) or "none"
    raise UnknownError(f"no runner {name!r} at {store.folder}: those known are {known}")


def latest_session(store: Store, runner_id: str) -> str:
    """The runner's latest ended session. Raises UnknownError without one."""
    for session in store.sessions():
        if session.runner_id == runner_id and session.stopped_at is not None:
            return session.session_id
    raise UnknownError(f"runner {runner_id} has no ended session yet")


def standing(
    store: Store,
    session_id: str,
    system: SystematicError,
    *,
    summary: Summary | None = None,
    alike: bool = False,
    seen: Seen | None = None,
) -> Standing:
    """Judge a session against the earlier ones of its runner. `alike`: the user says that all were run at one pace."""
    session = store.session(session_id)
    seen = seen or Seen()
    run = _run(store, session, system, summary, seen, alike=alike)
    earlier = [
        other
        for other in reversed(store.sessions())
        if other.runner_id == session.runner_id
        and session.dated
        and other.dated  # what has no date is neither before nor after anything
        and other.started_at < session.started_at
    ]
    refused = {other.session_id: reason for other in earlier if (reason := _reason(store, other, run, seen))}
    refused |= _same_wearing(store, [s for s in earlier if s.session_id not in refused], session)
    runs: list[Run] = []
    read = 0
    for other in reversed(earlier):
        if other.session_id in refused:
            continue
        if len(runs) == MOST_RUNS or read == _MOST_READ:
            refused[other.session_id] = f"older than the {len(runs)} latest that count"
            continue
        read += 1
        candidate = _run(store, other, system, None, seen, alike=alike)
        if reason := pace_reason(run, candidate):
            refused[other.session_id] = reason
        else:
            runs.insert(0, candidate)
    changes = tuple(judge(run, runs, measure, system=system, refused=refused) for measure in RunMeasure)
    return Standing(session=session, run=run, changes=changes, earlier=tuple(earlier))


def pods_of(store: Store, session_id: str) -> dict[Side, str]:
    """The pods on each side; several on one side are joined by `+`."""
    pods: dict[Side, list[str]] = {}
    for assignment in store.assignments(session_id):
        if assignment.pod_id not in pods.setdefault(assignment.side, []):
            pods[assignment.side].append(assignment.pod_id)
    return {side: "+".join(names) for side, names in pods.items()}


def _run(
    store: Store, session: Session, system: SystematicError, summary: Summary | None, seen: Seen, *, alike: bool
) -> Run:
    """The session as a run; its values as they were kept, else from all its strides."""
    run = seen.runs.get(session.session_id) if summary is None else plain_run(session, summary)
    if run is None:
        run = kept_run(store, session) or plain_run(session, session_summary(store, session.session_id, system))
    seen.runs[session.session_id] = run
    label = "said to be alike" if alike else session.settings.get(PACE, "").casefold()
    return worn(run, pods=pods_of(store, session.session_id), shoes=session.settings.get(SHOES, ""), label=label)


def _reason(store: Store, other: Session, run: Run, seen: Seen) -> str:
    """What rules a session out before its strides are read."""
    if other.stopped_at is None:
        return "it is not ended"
    methods = seen.methods.get(other.session_id)
    if methods is None:
        methods = seen.methods[other.session_id] = store.methods(other.session_id)
    if not methods:
        return "it has no strides"
    if methods != [run.method]:
        again = f"`evenstride sessions rerun {other.session_id}`"
        return f"another method ({', '.join(methods)}; this run {run.method}): {again} finds its strides again"
    return ""


def _same_wearing(store: Store, earlier: Sequence[Session], session: Session) -> dict[str, str]:
    """Sessions whose pods were not put on anew, as far as times tell: of one wearing only the longest counts."""
    refused: dict[str, str] = {}
    wearing: list[Session] = []
    for one in (*earlier, session):
        before = wearing[-1] if wearing else None
        if before is not None and not _worn_on(store, before, one):
            wearing = []
        wearing.append(one)
        best = session if one is session else max(wearing, key=_lasted)
        for other in wearing:
            if other is not best:
                refused[other.session_id] = (
                    f"the pods stayed on: it ended less than {SAME_WEARING.seconds // 60} minutes from"
                    f" {best.session_id}, which counts"
                )
        refused.pop(best.session_id, None)
    return refused


def _worn_on(store: Store, before: Session, after: Session) -> bool:
    assert before.stopped_at is not None
    soon = after.started_at - before.stopped_at < SAME_WEARING
    return soon and pods_of(store, before.session_id) == pods_of(store, after.session_id)


def _lasted(session: Session) -> timedelta:
    return (session.stopped_at or session.started_at) - session.started_at
