"""Everything that a session's report is made from, out of the store."""

from collections.abc import Sequence
from datetime import UTC, datetime

from evenstride_analysis.mechanics import Mechanics, cumulative_impact, mechanics
from evenstride_analysis.model import LossCause, PodInfo, Session, Side, Step
from evenstride_gateway.baselines import standing
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.report.data import PodFigures, ReportData
from evenstride_gateway.results import (
    DATE,
    IMPORT_WORDS,
    IMPORTED,
    PLACEMENT,
    TREADMILL,
    legs_in_doubt,
    paired_steps,
    summary_of,
    system_error,
)
from evenstride_gateway.store import BootSpan, CalibrationKind, Mass, Store

_SAID = frozenset(
    {"estimator_error_percent", "allowance_percent", TREADMILL, PLACEMENT, DATE, IMPORT_WORDS}
)  # the system error says them in words


def report_data(store: Store, session_id: str, config: SymmetryConfig, *, version: str) -> ReportData:
    """Collect one session. Raises StoreError when it is unknown."""
    session = store.session(session_id)
    system = system_error(config)
    steps = paired_steps(store, session_id)
    summary = summary_of(session, steps, system)
    mass = store.mass(session.runner_id)
    names = {person.runner_id: person.name for person in store.people()}
    return ReportData(
        session=session,
        runner_name=names.get(session.runner_id) or session.runner_id,
        summary=summary,
        steps=tuple(steps),
        pods=tuple(pod_figures(store, session_id)),
        system=system,
        software=version,
        made_at=datetime.now(UTC),
        settings={k: v for k, v in session.settings.items() if k not in _SAID},
        notices=tuple(pods_said(store, session)),
        legs_in_doubt=legs_in_doubt(store.assignments(session_id)),
        changes=standing(store, session_id, system, summary=summary).changes,
        mechanics=moved(steps, mass),
        cumulative=tuple(cumulative_impact(steps, side) for side in Side),
    )


def pods_said(store: Store, session: Session) -> list[str]:
    """What was wrong with the pods' seats, how a session from their logs came about, and what the runner's last
    swap-legs test before this session said."""
    said = [session.settings[PLACEMENT]] if session.settings.get(PLACEMENT) else []
    if IMPORTED in session.settings:
        said.append(f"Recorded by the pods without a gateway. Date: {session.settings.get(DATE, 'unknown')}.")
        said += [
            f"{word[:1].upper()}{word[1:]}." for word in session.settings.get(IMPORT_WORDS, "").split("; ") if word
        ]
    tests = [
        test
        for test in store.calibrations(CalibrationKind.SWAP, session.runner_id)
        if test.made_at <= (session.stopped_at or test.made_at) and test.content["said"]
    ]
    if tests:
        said.append(f"Swap-legs test of {tests[-1].made_at:%d %B %Y}: {'; '.join(tests[-1].content['said'])}.")
    return said


def moved(steps: Sequence[Step], mass: Mass | None) -> Mechanics:
    """Flight, duty factor and stiffness of a session whose runner is so heavy."""
    return mechanics(steps) if mass is None else mechanics(steps, mass_kg=mass.mass_kg, mass_sd_kg=mass.mass_sd_kg)


def pods_worn(store: Store, session_id: str) -> list[PodInfo]:
    """What the pods of a session said of themselves: to its raw logs, else when they were last met."""
    worn, raw = sorted({a.pod_id for a in store.assignments(session_id)}), store.raw_pods(session_id)
    met = {info.pod_id: info for info in store.pods()}
    return [
        store.raw_info(session_id, pod_id) if pod_id in raw else met[pod_id]
        for pod_id in worn
        if pod_id in raw or pod_id in met
    ]


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
        spans = store.raw_spans(session_id, pod_id)
        mine = [loss for loss in losses if loss.pod_id == pod_id]
        fit = fits.get(pod_id)
        figures.append(
            PodFigures(
                info=info,
                side=assignment.side,
                stored=sum(span.samples for span in spans),
                dropped_by_pod=sum(loss.missing for loss in mine if loss.cause is LossCause.POD),
                lost_by_host=sum(loss.missing for loss in mine if loss.cause is LossCause.HOST),
                gaps=sum(span.gaps for span in spans),
                rate_hz=_rate_hz(spans, info.tick_hz),
                clock_bound_s=None if fit is None else fit.bound_s,
                skew_ppm=None if fit is None else fit.skew_ppm,
            )
        )
    return figures


def _rate_hz(spans: list[BootSpan], tick_hz: float) -> float | None:
    """Samples by ticks between the first and the last stamp of the last boot."""
    if not spans or spans[-1].stamped is None:
        return None
    (first, first_tick), (last, last_tick) = spans[-1].stamped
    ticks = last_tick - first_tick
    return (last - first) / ticks * tick_hz if ticks > 0 else None
