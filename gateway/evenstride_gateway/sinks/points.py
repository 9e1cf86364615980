"""What the store holds -> points by the schema: units of a reader, identity in tags, integer nanoseconds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from evenstride_analysis.context import Placed
from evenstride_analysis.model import Doubt, LossCause, Measure, PartKind, Session, Surface, Symmetry
from evenstride_analysis.units import balance_percent, dps_from_radps, g_from_mps2, ms_from_s, percent_from_fraction
from evenstride_gateway.ledger import Loss
from evenstride_gateway.sinks.schema import GAP, SESSION, STRIDE, SYMMETRY, Point
from evenstride_gateway.store import StoredStride

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN = "unknown"


def epoch_ns(at: datetime) -> int:
    """Aware UTC to integer nanoseconds since 1970, exact."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def at_ns(started_ns: int, t_s: float) -> int:
    """Session seconds to epoch nanoseconds."""
    return started_ns + round(t_s * 1e9)


def surface_word(place: Placed) -> str:
    """Straight or bend in the words of a session's parts."""
    if place.surface is not Surface.BEND:
        return place.surface.value
    return (PartKind.BEND_LEFT if place.direction > 0 else PartKind.BEND_RIGHT).value


@cache
def _doubt_words(doubt: Doubt) -> tuple[bool, str]:
    """Whether the stride is clean, and its doubts."""
    return not doubt & ~Doubt.CLIPPED, "|".join(doubt.names)


def stride_point(
    stored: StoredStride, started_ns: int, *, runner_id: str, pod_id: str, t_s: float, retired: bool
) -> Point:
    """The point of a stride under the key (runner, pod, time) that is given: its own, or one that it had before."""
    stride = stored.stride
    axial, resultant, heading = stride.impact_axial_mps2, stride.impact_mps2, stride.heading_rad
    return Point(
        STRIDE.name,
        (stored.session_id, runner_id, pod_id),
        (
            retired,
            stored.stride_id,
            stored.side.value if stored.side is not None else UNKNOWN,
            stride.gait.value,
            ms_from_s(stride.stance_s),
            ms_from_s(stride.stance_sd_s),
            ms_from_s(stride.stride_s),
            ms_from_s(stride.swing_s),
            resultant is not None and axial is not None,
            0.0 if resultant is None else g_from_mps2(resultant),
            0.0 if axial is None else g_from_mps2(axial),
            dps_from_radps(stride.swing_peak_radps),
            heading is not None,
            0.0 if heading is None else dps_from_radps(heading),
            surface_word(stored.place),
            stored.place.lap or 0,
            *_doubt_words(stride.doubt),
            stride.method,
        ),
        at_ns(started_ns, t_s),
    )


def gone_stride_point(session_id: str, started_ns: int, *, runner_id: str, pod_id: str, t_s: float) -> Point:
    """The point of a stride whose session was deleted: withdrawn, without values."""
    return Point(
        STRIDE.name,
        (session_id, runner_id, pod_id),
        (True, 0, UNKNOWN, UNKNOWN, 0.0, 0.0, 0.0, 0.0, False, 0.0, 0.0, 0.0, False, 0.0, UNKNOWN, 0, False, "", ""),
        at_ns(started_ns, t_s),
    )


def symmetry_point(session_id: str, started_ns: int, runner_id: str, point: Symmetry, *, retired: bool) -> Point:
    """A point of the 10 s grid."""
    index, low, high = point.index, point.low, point.high
    known = index is not None and low is not None and high is not None
    return Point(
        SYMMETRY.name,
        (session_id, runner_id, point.measure.value),
        (
            retired,
            known,
            percent_from_fraction(index or 0.0),
            percent_from_fraction(low or 0.0),
            percent_from_fraction(high or 0.0),
            *(0.0 if share is None else balance_percent(share) for share in (index, low, high)),
            point.n_pairs,
            point.verdict.value,
            point.reason,
            point.method,
        ),
        at_ns(started_ns, point.t_s),
    )


def gone_symmetry_point(session_id: str, started_ns: int, runner_id: str, measure: Measure, t_s: float) -> Point:
    """The symmetry point of a session that was deleted."""
    return Point(
        SYMMETRY.name,
        (session_id, runner_id, measure.value),
        (True, False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, "not measurable", "withdrawn", ""),
        at_ns(started_ns, t_s),
    )


def gap_point(session_id: str, started_ns: int, runner_id: str, pod_id: str, losses: Sequence[Loss]) -> Point:
    """What is missing of one pod in a session."""
    by_pod = sum(loss.missing for loss in losses if loss.cause is LossCause.POD)
    by_host = sum(loss.missing for loss in losses if loss.cause is LossCause.HOST)
    return Point(
        GAP.name,
        (session_id, runner_id, pod_id),
        (False, len(losses), by_pod, by_host),
        started_ns,
    )


def gone_gap_point(session_id: str, started_ns: int, runner_id: str, pod_id: str) -> Point:
    """The account of a pod under a runner, or in a session, that it no longer belongs to."""
    return Point(GAP.name, (session_id, runner_id, pod_id), (True, 0, 0, 0), started_ns)


def session_point(session: Session, *, strides: int, clean: int) -> Point:
    """The point of a session."""
    stopped = session.stopped_at
    return Point(
        SESSION.name,
        (session.session_id, session.runner_id),
        (
            False,
            stopped is None,
            0.0 if stopped is None else (stopped - session.started_at).total_seconds(),
            0 if stopped is None else epoch_ns(stopped) // 1_000_000,
            strides,
            clean,
        ),
        epoch_ns(session.started_at),
    )


def gone_session_point(session_id: str, started_at: datetime, runner_id: str) -> Point:
    """A session that was deleted, or that turned out to be another runner's."""
    return Point(SESSION.name, (session_id, runner_id), (True, False, 0.0, 0, 0, 0), epoch_ns(started_at))
