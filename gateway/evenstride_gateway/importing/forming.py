"""Records that stand in no session -> sessions: cut into runs, dated, paired, and stored in one transaction each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from evenstride_analysis.model import Assignment, Session, Side, Stride
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.closing import regrid
from evenstride_gateway.errors import InputError
from evenstride_gateway.importing.dating import Between, BootDate, between, date_of, known_times, of_life
from evenstride_gateway.importing.matching import DatedRun, FoundRun, PlacedRun, match
from evenstride_gateway.importing.runs import PodRun, runs_of
from evenstride_gateway.importing.words import date_words, limit_words, time_words, words_of
from evenstride_gateway.results import AFTER_S, CONTEXT_S, DATE, IMPORT_WORDS, IMPORTED, error_settings
from evenstride_gateway.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A run that stands in no session yet. `limits`: between which times it was, where it has no date."""

    found: FoundRun
    limits: Between | None

    @property
    def pods(self) -> list[str]:
        return [run.pod_id for run in self.found.legs.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """A session that was made; `started_at` None = it has no date."""

    session_id: str
    started_at: datetime | None
    error_s: float | None
    lasts_s: float
    strides: Mapping[Side, int]
    lost: int
    words: tuple[str, ...]


def settle_known(store: Store) -> int:
    """Records of strides that a session of the same boot covers already are that session's. Returns how many."""
    waiting = store.waiting_records()
    settled = 0
    for pod_id, boot_id in sorted({(r.pod_id, r.boot_id) for r in waiting}):
        mine = [r for r in waiting if (r.pod_id, r.boot_id) == (pod_id, boot_id)]
        for session_id in store.sessions_of_boot(pod_id, boot_id):
            spans = _covered(store, session_id, pod_id, boot_id)
            known = [r.key for r in mine if any(a <= r.record.strike_index < b for a, b in spans)]
            store.settle_records(session_id, known)
            settled += len(known)
    return settled


def _covered(store: Store, session_id: str, pod_id: str, boot_id: int) -> list[tuple[int, int]]:
    """The half-open ranges of samples that a session recorded; one that came from logs knows its records by number."""
    if IMPORTED in store.session(session_id).settings:
        return []
    strides = [s.stride for s in store.strides(session_id) if (s.stride.pod_id, s.stride.boot_id) == (pod_id, boot_id)]
    spans = [(min(s.strike_index for s in strides), max(s.end_index for s in strides))] if strides else []
    if pod_id in store.raw_pods(session_id):
        spans += [
            (span.stamped[0][0], span.stamped[1][0] + 1)
            for span in store.raw_spans(session_id, pod_id)
            if span.boot_id == boot_id and span.stamped is not None
        ]
    return spans


def waiting_runs(store: Store, sides: Mapping[str, Side], *, now_s: float) -> list[Waiting]:
    """The runs that stand in no session, paired and dated as far as anchors tell. A pod without a leg in `sides` is
    left out."""
    runs = [run for run in _runs(store) if run.pod_id in sides]
    runners = {placement.pod_id: placement.runner_id for placement in store.placements()}
    dated = [
        DatedRun(
            run=run,
            side=sides[run.pod_id],
            runner_id=runners.get(run.pod_id, ""),
            date=_date(store, run),
        )
        for run in runs
    ]
    return [
        Waiting(found=found, limits=None if found.date else limits_of(store, _boots(found), now_s=now_s))
        for found in match(dated)
    ]


def _boots(found: FoundRun) -> list[tuple[str, int]]:
    return [(run.pod_id, run.boot_id) for run in found.legs.values()]


def _runs(store: Store) -> list[PodRun]:
    return runs_of(store.waiting_records(), store.settled_records())


def _date(store: Store, run: PodRun) -> BootDate | None:
    return date_of(of_life(store.anchors(run.pod_id), run.boot_id), run.middle_s, TICK_HZ)


def limits_of(store: Store, boots: Iterable[tuple[str, int]], *, now_s: float) -> Between:
    """Between which times it was that these boots (pod, boot) all ran, by what is known of their neighbours."""
    limits: list[Between] = []
    for pod_id, boot_id in boots:
        ticks = store.record_ticks(pod_id)
        logged = {boot: (first / TICK_HZ, last / TICK_HZ) for boot, (first, last) in ticks.items()}
        limits.append(between(boot_id, known_times(store.anchors(pod_id), logged, TICK_HZ), now_s))
    lows = [limit.not_before_s for limit in limits if limit.not_before_s is not None]
    highs = [limit.not_after_s for limit in limits]
    return Between(not_before_s=max(lows, default=None), not_after_s=min(highs, default=now_s))


def form(
    store: Store,
    waiting: Waiting,
    *,
    runner_id: str,
    system: SystematicError,
    began: datetime | None = None,
    suffix: str = "",
) -> Formed:
    """Make a session of a run, all of it or nothing. `began`: what the user says of a run without a date.

    Raises InputError for a date that cannot be.
    """
    found = waiting.found
    placed = found.placed(began)
    if began is not None and found.date is None and waiting.limits is not None:
        check_date(began, placed.lasts_s, waiting.limits)
    latest_s = waiting.limits.not_after_s if waiting.limits is not None else 0.0
    sorts_at = placed.started_at or datetime.fromtimestamp(int(latest_s - placed.lasts_s), UTC)
    session_id = _free_id(store, placed, suffix)
    words = (*words_of(found), *_lost_before(store, found))
    errors = error_settings(system, sorted({stride.method for stride in _strides(found)}))
    session = Session(
        session_id=session_id,
        runner_id=runner_id,
        started_at=sorts_at,
        settings=_settings(waiting, placed, words) | errors,
        dated=placed.started_at is not None,
    )
    with store.atomically():
        store.create_session(
            session,
            [
                Assignment(session_id=session_id, pod_id=run.pod_id, runner_id=runner_id, side=side)
                for side, run in found.legs.items()
            ],
        )
        for fit in placed.fits:
            store.put_clock(session_id, fit)
        store.apply_strides(session_id, _strides(found))
        store.settle_records(session_id, [r.key for run in found.legs.values() for r in run.records])
        store.put_gaps(session_id, [loss for run in found.legs.values() for loss in run.losses()])
        for run in found.legs.values():
            _take_raw(store, session_id, run)
        store.end_session(session_id, sorts_at + timedelta(seconds=placed.lasts_s))
        regrid(store, session_id, system)
    return Formed(
        session_id=session_id,
        started_at=placed.started_at,
        error_s=found.date.error_s if found.date is not None else None,
        lasts_s=placed.lasts_s,
        strides={side: len(run.records) for side, run in found.legs.items()},
        lost=sum(run.lost for run in found.legs.values()),
        words=words,
    )


def raw_wanted(store: Store) -> list[tuple[str, int, int, int]]:
    """The samples around the runs that wait: (pod, boot, first, end), half-open."""
    wanted: list[tuple[str, int, int, int]] = []
    for run in _runs(store):
        rate_hz = store.pod(run.pod_id).rate_hz
        first, end = run.indices
        low = max(0, first - round(CONTEXT_S * rate_hz))
        wanted.append((run.pod_id, run.boot_id, low, end + round(AFTER_S * rate_hz)))
    return wanted


def _take_raw(store: Store, session_id: str, run: PodRun) -> None:
    """What has come of the run's raw samples goes into its session's raw log."""
    info = store.pod(run.pod_id)
    first, end = run.indices
    low, high = first - round(CONTEXT_S * info.rate_hz), end + round(AFTER_S * info.rate_hz)
    frames = [
        frame
        for frame in store.incoming_frames(run.pod_id)
        if frame.boot_id == run.boot_id and frame.end_index > low and frame.first_index < high
    ]
    if frames:
        with store.raw_writer(session_id, info) as writer:
            for frame in frames:
                writer.append(frame)


def drop_raw(store: Store) -> None:
    """Raw samples of pods none of whose runs waits any more are in their sessions."""
    waiting = {run.pod_id for run in _runs(store)}
    for info in store.pods():
        if info.pod_id not in waiting:
            store.drop_incoming(info.pod_id)


def check_date(began: datetime, lasts_s: float, limits: Between) -> None:
    """Raises InputError when a run of that length cannot have been then."""
    start_s = began.timestamp()
    late = start_s + lasts_s > limits.not_after_s + 60.0  # people say minutes
    early = limits.not_before_s is not None and start_s < limits.not_before_s - 60.0
    if late or early:
        raise InputError(f"the run was not on {time_words(start_s)}: {limit_words(limits)}")


def _settings(waiting: Waiting, placed: PlacedRun, words: Sequence[str]) -> dict[str, str]:
    found = waiting.found
    logs = "; ".join(
        f"{side.value} pod {run.pod_id} boot {run.boot_id} strides {run.records[0].number} to {run.records[-1].number}"
        for side, run in found.legs.items()
    )
    said = date_words(found, waiting.limits)
    if found.date is None and placed.started_at is not None:
        said = f"as its runner said; {said.removeprefix('unknown; ')}"
    return {DATE: said, IMPORTED: logs} | ({IMPORT_WORDS: "; ".join(words)} if words else {})


def _lost_before(store: Store, found: FoundRun) -> list[str]:
    """What the log had overwritten before a leg's first stride: of this run or of an earlier one, nobody knows."""
    said: list[str] = []
    for side, run in found.legs.items():
        first = run.records[0].number
        kept = max((end for start, end in store.held_records(run.pod_id, run.boot_id) if start < first), default=0)
        if kept < first:
            said.append(
                f"{first - kept} strides before the first one of the {side.value} leg are lost: its log had overwritten"
                " them"
            )
    return said


def _strides(found: FoundRun) -> list[Stride]:
    return [stride for run in found.legs.values() for stride in run.strides()]


def _free_id(store: Store, placed: PlacedRun, suffix: str) -> str:
    keeper = placed.found.legs[placed.found.keeper]
    if placed.started_at is not None:
        stem = placed.started_at.strftime("%Y%m%d-%H%M%S") + suffix
    else:
        stem = f"undated-{keeper.pod_id[-4:]}-{keeper.boot_id}{suffix}"
    taken = store.session_ids()
    return next(c for n in count(1) if (c := stem if n == 1 else f"{stem}-{n}") not in taken)
