"""How a session ends: late samples are run again, clocks and gaps written down, symmetry put on its final grid."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evenstride_analysis.context import Ground, Placed, places_of, read_session
from evenstride_analysis.model import Frame, Measure, Session, Step, Stride
from evenstride_analysis.summary import straight_grid
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.errors import StoreError, StoreTroubleError
from evenstride_gateway.ledger import Loss, SampleLedger
from evenstride_gateway.pipeline import Late
from evenstride_gateway.results import (
    AFTER_S,
    CONTEXT_S,
    error_settings,
    ground_of,
    rerun,
    session_steps,
    settings_of,
)
from evenstride_gateway.runs import keep_run
from evenstride_gateway.store import RawWriter, Store, read_frames

_GRID = (Measure.STANCE, Measure.IMPACT_AXIAL)


def run_again(store: Store, session_id: str, pod_id: str, late: Sequence[Late]) -> int:
    """Strides around samples that came late, as if these had never been missing. Returns the changes written."""
    rate_hz = store.raw_info(session_id, pod_id).rate_hz
    changes = 0
    for boot_id, start, end in _merged(late, round(2 * CONTEXT_S * rate_hz)):
        again = rerun(store, session_id, pod_id, boot_id, (start, end))
        changes += len(
            store.replace_strides(
                session_id,
                pod_id,
                boot_id,
                again.strides,
                index_range=(again.first_index, again.end_index),
            )
        )
    return changes


def _merged(late: Sequence[Late], near: int) -> list[tuple[int, int, int]]:
    """(boot, first, end) of late ranges; those that lie within `near` samples of each other are one."""
    merged: list[tuple[int, int, int]] = []
    for entry in sorted(late, key=lambda item: (item.boot_id, item.first_index)):
        if merged and merged[-1][0] == entry.boot_id and entry.first_index <= merged[-1][2] + near:
            boot_id, start, end = merged[-1]
            merged[-1] = (boot_id, start, max(end, entry.end_index))
        else:
            merged.append((entry.boot_id, entry.first_index, entry.end_index))
    return merged


@dataclass(slots=True, kw_only=True)
class Ending:
    """What is left to do when a session stops; called in the store's thread until it does not raise.

    Each part is done once. StoreTroubleError: it goes on from there when it is called again. What can never be done is
    told in `problems` (of the session) and `lacking` (of strides that came late), and costs no other part.
    """

    session_id: str
    raw: list[RawWriter]
    late: dict[str, list[Late]]
    losses: list[Loss]
    system: SystematicError
    stopped_at: datetime
    problems: list[str] = field(default_factory=list[str])
    lacking: list[str] = field(default_factory=list[str])

    def __call__(self, store: Store) -> None:
        while self.raw:
            try:
                self.raw[0].close()
            except StoreTroubleError:
                raise
            except StoreError as error:
                self.problems.append(f"the raw log {self.raw[0].path} could not be closed: {error}")
            del self.raw[0]
        for pod_id in list(self.late):
            try:
                run_again(store, self.session_id, pod_id, self.late[pod_id])
            except StoreTroubleError:
                raise
            except StoreError as error:
                self.lacking.append(late_words(pod_id, self.session_id, error))
            del self.late[pod_id]
        self._finish(store)

    def _finish(self, store: Store) -> None:
        """The session is ended even where nothing can be computed of it."""
        session_id, stopped_at = self.session_id, self.stopped_at
        try:
            finish(store, session_id, losses=self.losses, system=self.system, stopped_at=stopped_at)
        except StoreTroubleError:
            raise
        except StoreError as error:
            store.end_session(session_id, stopped_at)
            self.problems.append(f"session {session_id} is ended without its symmetry: {error}")


def late_words(pod_id: str, session_id: str, error: StoreError) -> str:
    return f"Strides that pod {pod_id} delivered late are missing in session {session_id}: {error}."


def finish(
    store: Store,
    session_id: str,
    *,
    losses: Sequence[Loss],
    system: SystematicError,
    stopped_at: datetime,
) -> None:
    """Write what is known at the end; the clock fits are stored already."""
    store.put_gaps(session_id, losses)
    regrid(store, session_id, system)
    store.end_session(session_id, stopped_at)
    keep_run(store, session_id, system)


def regrid(store: Store, session_id: str, system: SystematicError) -> None:
    """The symmetry points, and where each stride was run, as they follow from what the store says of the session now.

    Other symmetry points retire. The settings name the errors of the methods that the strides are of.
    """
    steps = session_steps(store, session_id)
    _place(store, session_id, steps)
    points = [point for measure in _GRID for point in straight_grid(steps, measure, system=system)]
    store.put_symmetry(session_id, points, replace=True)
    if methods := store.methods(session_id):
        store.put_settings(session_id, error_settings(system, methods))
    keep_run(store, session_id, system)


def _place(store: Store, session_id: str, steps: Sequence[Step]) -> None:
    places = {
        (s.stride.pod_id, s.stride.boot_id, s.stride.strike_index): Placed() for s in store.strides(session_id)
    }  # what makes no step has no place
    if steps:
        found = places_of(read_session(steps, ground_of(store.session(session_id))))
        for step, place in zip(steps, found, strict=True):
            places[step.stride.pod_id, step.stride.boot_id, step.stride.strike_index] = place
    store.put_places(session_id, places)


def put_ground(store: Store, session_id: str, ground: Ground, system: SystematicError) -> None:
    """Keep where a session was run; the symmetry points that follow are computed again."""
    with store.atomically():
        store.put_settings(session_id, settings_of(ground))
        regrid(store, session_id, system)


def recover(store: Store, system: SystematicError) -> list[str]:
    """End the sessions that a crash left open, from what their raw logs hold. Returns one sentence for each."""
    return [_recover(store, session, system) for session in store.sessions() if session.stopped_at is None]


def _recover(store: Store, session: Session, system: SystematicError) -> str:
    session_id = session.session_id
    fits = {(fit.pod_id, fit.boot_id): fit for fit in store.clocks(session_id)}
    live = store.strides(session_id)
    lasted_s = max((s.published_t_s + s.stride.stride_s for s in live), default=0.0)
    losses: list[Loss] = []
    unreadable = ""
    for pod_id in store.raw_pods(session_id):
        log = _Log.read(store, session_id, pod_id)
        losses += [loss for ledger in log.ledgers.values() for loss in ledger.losses()]
        try:
            info = store.raw_info(session_id, pod_id)
        except StoreError as error:  # its first block is damaged: never a reason not to start
            unreadable += f"; {error}"
            continue
        for boot_id, last in log.last.items():
            fit = fits.get((pod_id, boot_id))
            if fit is None:  # killed before the first fit was stored: its strides keep the time they were given
                continue
            lasted_s = max(lasted_s, fit.session_s(last.tick / info.tick_hz + len(last.counts) / info.rate_hz))
            _complete(store, session_id, log, boot_id, info.rate_hz)
    found = len(store.strides(session_id)) - len(live)
    stopped_at = session.started_at + timedelta(seconds=max(0.0, lasted_s))
    finish(store, session_id, losses=losses, system=system, stopped_at=stopped_at)
    more = f" and {found} more were found in its raw samples" if found > 0 else ""
    return (
        f"session {session_id} was cut off (power cut or kill): it now ends after {max(0.0, lasted_s):.1f} s with its"
        f" last stored sample; {len(live)} strides were stored{more}{unreadable}"
    )


@dataclass(slots=True, kw_only=True)
class _Log:
    """A raw log as it was written: the account, what came late, and the newest frame of each boot.

    The log does not say which frames were backfilled: they are those behind the live edge of their time.
    """

    pod_id: str
    ledgers: dict[int, SampleLedger] = field(default_factory=dict[int, SampleLedger])
    late: list[Late] = field(default_factory=list[Late])
    last: dict[int, Frame] = field(default_factory=dict[int, Frame])

    @classmethod
    def read(cls, store: Store, session_id: str, pod_id: str) -> "_Log":
        log = cls(pod_id=pod_id)
        live_boot = -1
        for frame in read_frames(store.raw_path(session_id, pod_id)):
            boot_id, newest = frame.boot_id, log.last.get(frame.boot_id)
            late = boot_id < live_boot or (newest is not None and frame.first_index < newest.end_index)
            live_boot = max(live_boot, boot_id)
            if boot_id not in log.ledgers:  # as the pipeline does: all of a later boot is expected
                start = 0 if log.ledgers else None
                log.ledgers[boot_id] = SampleLedger(pod_id=pod_id, boot_id=boot_id, expect_from=start)
            log.ledgers[boot_id].take(frame, backfill=late)
            if late:
                log.late.append(Late(boot_id=boot_id, first_index=frame.first_index, end_index=frame.end_index))
            if newest is None or frame.end_index > newest.end_index:
                log.last[boot_id] = frame
        return log


def _complete(store: Store, session_id: str, log: _Log, boot_id: int, rate_hz: float) -> None:
    """Run again what came late, and add what the detector had not settled yet when the process ended.

    A committed stride may be newer than the newest raw on the disk: near the end nothing is replaced.
    """
    end = log.last[boot_id].end_index
    settled = end - round(AFTER_S * rate_hz)
    late = [entry for entry in log.late if entry.boot_id == boot_id and entry.first_index < settled]
    for _, first, stop in _merged(late, round(2 * CONTEXT_S * rate_hz)):
        again = rerun(store, session_id, log.pod_id, boot_id, (first, stop))
        store.replace_strides(
            session_id,
            log.pod_id,
            boot_id,
            [stride for stride in again.strides if stride.strike_index < settled],
            index_range=(again.first_index, min(again.end_index, settled)),
        )
    held = [s.stride for s in store.strides(session_id) if (s.stride.pod_id, s.stride.boot_id) == (log.pod_id, boot_id)]
    newest = max((stride.end_index for stride in held), default=0)
    tail = rerun(store, session_id, log.pod_id, boot_id, (min(newest, settled), end))
    store.apply_strides(session_id, [s for s in tail.strides if not any(_same_place(s, other) for other in held)])


def _same_place(a: Stride, b: Stride) -> bool:
    return b.strike_index <= (a.strike_index + a.end_index) // 2 < b.end_index
