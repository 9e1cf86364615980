"""Everything that a session's report is made from, out of the store."""

from datetime import UTC, datetime
from itertools import pairwise

from evenstride_analysis.model import LossCause
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.ledger import Piece
from evenstride_gateway.report.data import PodFigures, ReportData
from evenstride_gateway.results import session_steps, session_summary, system_error
from evenstride_gateway.store import Store


def report_data(store: Store, session_id: str, config: SymmetryConfig, *, version: str) -> ReportData:
    """Collect one session. Raises StoreError when it is unknown."""
    session = store.session(session_id)
    system = system_error(config)
    names = {person.runner_id: person.name for person in store.people()}
    return ReportData(
        session=session,
        runner_name=names.get(session.runner_id) or session.runner_id,
        summary=session_summary(store, session_id, system),
        steps=tuple(session_steps(store, session_id)),
        pods=tuple(pod_figures(store, session_id)),
        system=system,
        software=version,
        made_at=datetime.now(UTC),
        settings=session.settings,
    )


def pod_figures(store: Store, session_id: str) -> list[PodFigures]:
    """What came of each pod that has a side: samples, losses, clock, and the rate that its own stamps tell."""
    losses = store.gaps(session_id)
    fits = {fit.pod_id: fit for fit in store.clocks(session_id)}
    figures: list[PodFigures] = []
    for assignment in store.assignments(session_id):
        pod_id = assignment.pod_id
        if pod_id not in store.raw_pods(session_id):
            continue
        info = store.raw_info(session_id, pod_id)
        pieces = list(store.raw_frames(session_id, pod_id))
        mine = [loss for loss in losses if loss.pod_id == pod_id]
        fit = fits.get(pod_id)
        figures.append(
            PodFigures(
                info=info,
                side=assignment.side,
                stored=sum(len(piece.counts) for piece in pieces),
                dropped_by_pod=sum(loss.missing for loss in mine if loss.cause is LossCause.POD),
                lost_by_host=sum(loss.missing for loss in mine if loss.cause is LossCause.HOST),
                gaps=sum(a.end_index < b.first_index for a, b in pairwise(pieces) if a.boot_id == b.boot_id),
                rate_hz=_rate_hz(pieces, info.tick_hz),
                clock_bound_s=None if fit is None else fit.bound_s,
                skew_ppm=None if fit is None else fit.skew_ppm,
            )
        )
    return figures


def _rate_hz(pieces: list[Piece], tick_hz: float) -> float | None:
    """Samples by ticks between the first and the last stamp of the last boot."""
    stamped = [p for p in pieces if p.tick is not None and p.boot_id == pieces[-1].boot_id]
    if len(stamped) < 2 or stamped[-1].tick is None or stamped[0].tick is None:
        return None
    ticks = stamped[-1].tick - stamped[0].tick
    return (stamped[-1].first_index - stamped[0].first_index) / ticks * tick_hz if ticks > 0 else None
