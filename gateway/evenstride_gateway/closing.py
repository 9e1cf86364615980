"""How a session ends: late samples are run again, clocks and gaps written down, symmetry put on its final grid."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from evenstride_analysis.model import Measure
from evenstride_analysis.symmetry import SystematicError, grid
from evenstride_gateway.ledger import Loss, SampleLedger
from evenstride_gateway.pipeline import Late
from evenstride_gateway.results import CONTEXT_S, rerun, session_steps
from evenstride_gateway.store import Store, read_frames

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
    steps = session_steps(store, session_id)
    points = [point for measure in _GRID for point in grid(steps, measure, system=system)]
    store.put_symmetry(session_id, points, replace=True)
    store.end_session(session_id, stopped_at)


def recover(store: Store, system: SystematicError) -> list[str]:
    """End the sessions that a crash left open, from what their raw logs hold. Returns one sentence for each."""
    said: list[str] = []
    for session in store.sessions():
        if session.stopped_at is not None:
            continue
        losses: list[Loss] = []
        for pod_id in store.raw_pods(session.session_id):
            ledgers: dict[int, SampleLedger] = {}
            for frame in read_frames(store.raw_path(session.session_id, pod_id)):
                ledger = ledgers.setdefault(frame.boot_id, SampleLedger(pod_id=frame.pod_id, boot_id=frame.boot_id))
                ledger.take(frame)
            losses += [loss for ledger in ledgers.values() for loss in ledger.losses()]
        strides = store.strides(session.session_id)
        lasted_s = max((s.published_t_s + s.stride.stride_s for s in strides), default=0.0)
        stopped_at = session.started_at + timedelta(seconds=max(0.0, lasted_s))
        finish(store, session.session_id, losses=losses, system=system, stopped_at=stopped_at)
        said.append(
            f"session {session.session_id} was cut off (power cut or kill): it ends after its last stride,"
            f" {len(strides)} strides are safe"
        )
    return said
