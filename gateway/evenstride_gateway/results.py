"""What a stored session says: strides from its raw, steps, summary. Reads the store and calls the science."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.context import Ground, surfaced
from evenstride_analysis.errors import InputError
from evenstride_analysis.frames import IDENTITY
from evenstride_analysis.model import (
    Assignment,
    ClockFit,
    PodInfo,
    SampleBlock,
    Session,
    Side,
    Step,
    Stride,
    Summary,
)
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.placement.mounting import PodCase, Seat, on_other_leg, seat_by
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_analysis.summary import summarise
from evenstride_analysis.symmetry import SystematicError, system_of
from evenstride_analysis.symmetry.system import MethodError
from evenstride_analysis.units import percent_from_fraction
from evenstride_gateway.air.records import POD_METHOD, pod_method
from evenstride_gateway.clock import WINDOW_S
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.ledger import Piece
from evenstride_gateway.offsets import fitting, session_offset
from evenstride_gateway.pipeline import detector_for
from evenstride_gateway.samples import SampleReader
from evenstride_gateway.store import Store, StoredStride, ordered_pieces, read_frames

SKEW_DOUBT = 2e-6  # of a fit over its whole window (clock.py: 1 ppm and the noise over the span)
CONTEXT_S = 14.0  # reaches further back than the widest window of the detector (its stamps, 10 s before a stride)
AFTER_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """Strides found again in part of a boot: all that begin in [first_index, end_index)."""

    pod_id: str
    boot_id: int
    first_index: int
    end_index: int
    strides: tuple[Stride, ...]


def detect(
    pieces: Iterable[Piece],
    info: PodInfo,
    rotation: tuple[float, ...] = IDENTITY,
    offset: HardwareOffset | None = None,
) -> Iterator[Stride]:
    """Strides of one pod in pod time from its stored samples, in order: the same bits as live."""
    return _found(SampleReader(info).blocks(pieces), info, rotation, offset)


def _found(
    blocks: Iterable[SampleBlock], info: PodInfo, rotation: tuple[float, ...], offset: HardwareOffset | None
) -> Iterator[Stride]:
    detector = detector_for(info, rotation, offset)
    for block in blocks:
        yield from detector.push(block)
    yield from detector.flush()


def stored_strides(store: Store, session_id: str) -> list[Stride]:
    """All strides of a session, computed again from its raw log. Raises StoreError."""
    rotations = {a.pod_id: a.rotation for a in store.assignments(session_id)}
    offset = session_offset(store, session_id)
    found: list[Stride] = []
    for pod_id in store.raw_pods(session_id):
        info = store.raw_info(session_id, pod_id)
        blocks = _stored_blocks(store, session_id, info)
        found += _found(blocks, info, rotations.get(pod_id, IDENTITY), fitting(offset, info))
    return found


def _stored_blocks(store: Store, session_id: str, info: PodInfo) -> Iterator[SampleBlock]:
    """All samples of a pod in a session; many frames at a time where the log allows it."""
    reader, stretches = SampleReader(info), store.raw_stretches(session_id, info.pod_id)
    if stretches is None:
        return reader.blocks(store.raw_frames(session_id, info.pod_id))
    return (reader.stretch(stretch) for stretch in stretches)


def rerun(store: Store, session_id: str, pod_id: str, boot_id: int, changed: tuple[int, int]) -> Rerun:
    """Run the detector again over the half-open sample range that changed, and as far around it as strides can see."""
    info = store.raw_info(session_id, pod_id)
    rotation = next((a.rotation for a in store.assignments(session_id) if a.pod_id == pod_id), IDENTITY)
    first, end = changed[0] - round(AFTER_S * info.rate_hz), changed[1] + round(CONTEXT_S * info.rate_hz)
    low, high = first - round(CONTEXT_S * info.rate_hz), end + round(AFTER_S * info.rate_hz)
    stored = read_frames(store.raw_path(session_id, pod_id))
    near = (f for f in stored if f.boot_id == boot_id and f.end_index > low and f.first_index < high)
    around = (p for p in ordered_pieces(near) if low <= p.first_index and p.end_index <= high)
    offset = fitting(session_offset(store, session_id), info)
    strides = tuple(s for s in detect(around, info, rotation, offset) if first <= s.strike_index < end)
    return Rerun(pod_id=pod_id, boot_id=boot_id, first_index=first, end_index=end, strides=strides)


def session_steps(store: Store, session_id: str) -> list[Step]:
    """The steps of a stored session with their surface, in session time by the latest clock fits."""
    return surfaced(paired_steps(store, session_id), ground_of(store.session(session_id)))


def paired_steps(store: Store, session_id: str) -> list[Step]:
    """The same without their surface, for those who do not ask: a summary finds it by itself."""
    fits = {(fit.pod_id, fit.boot_id): fit for fit in store.clocks(session_id)}
    strides = store.strides(session_id)
    last_s = _last_seen(strides)
    timed = [
        (*_session_time(stored, fits, last_s), stored.side, stored.stride)
        for stored in strides
        if stored.side is not None
    ]
    pairing = Pairing()
    latest_s: dict[Side, float] = {}
    steps: list[Step] = []
    for t_s, bound_s, side, stride in sorted(timed, key=lambda entry: entry[0]):
        if t_s > latest_s.get(side, float("-inf")):
            latest_s[side] = t_s
            steps += pairing.push(side, stride, t_s, bound_s)
    return steps + pairing.flush()


def _last_seen(strides: Iterable[StoredStride]) -> dict[tuple[str, int], float]:
    last_s: dict[tuple[str, int], float] = {}
    for stored in strides:
        key = (stored.stride.pod_id, stored.stride.boot_id)
        last_s[key] = max(last_s.get(key, stored.published_t_s), stored.published_t_s)
    return last_s


def _session_time(
    stored: StoredStride, fits: dict[tuple[str, int], ClockFit], last_s: dict[tuple[str, int], float]
) -> tuple[float, float]:
    """Session seconds and their bound; a stride whose clock was never fitted keeps the time of its publication.

    The last fit of a boot speaks for its last minutes; before them the bound grows with the doubt about the skew.
    """
    stride, key = stored.stride, (stored.stride.pod_id, stored.stride.boot_id)
    fit = fits.get(key)
    if fit is None:
        return stored.published_t_s, float("inf")
    age_s = max(0.0, last_s[key] - stored.published_t_s - WINDOW_S)
    return fit.session_s(stride.strike_s), fit.bound_s + SKEW_DOUBT * age_s


def system_error(config: SymmetryConfig) -> SystematicError:
    """The two parts of the system error: the settings where they speak, else the method's own table."""
    system = system_of(allowance=config.allowance_percent / 100)
    system = replace(system, methods=dict(system.methods) | _as_on_pods(system))
    if config.estimator_percent is None:
        return system
    return replace(
        system,
        estimator=config.estimator_percent / 100,
        methods={},
        source=f"{config.estimator_percent:g} % by the setting symmetry.estimator_percent; {system.source}",
    )


def _as_on_pods(system: SystematicError) -> dict[str, MethodError]:
    """The pods' built-in tables are the gateway's, in 32-bit floats: their strides agree within 2 ms, so they share the
    error (tests/firmware/test_agreement.py). A table that somebody sent to a pod is unknown."""
    return {
        pod_method(rules, version): replace(system.methods[method], source=f"as {system.methods[method].source}")
        for rules, version, method in ((1, 0, DEFAULT_RULES.method), (2, 0, DEFAULT_TABLE.method))
    }


def error_settings(system: SystematicError, methods: Iterable[str]) -> dict[str, str]:
    """The two parts of the system error as a session's settings say them: the largest of its methods'."""
    estimator = max(system.estimator_of(method) for method in methods)
    return {
        "estimator_error_percent": f"{percent_from_fraction(estimator):g}",
        "allowance_percent": f"{percent_from_fraction(system.allowance):g}",
    }


def session_summary(store: Store, session_id: str, system: SystematicError) -> Summary:
    """The summary of a stored session. Raises StoreError when it is unknown."""
    return summary_of(store.session(session_id), paired_steps(store, session_id), system)


def summary_of(session: Session, steps: Sequence[Step], system: SystematicError) -> Summary:
    """The same from the session's steps, where they are at hand already."""
    lasted_s = 0.0
    if session.stopped_at is not None:
        lasted_s = (session.stopped_at - session.started_at).total_seconds()
    elif steps:
        lasted_s = steps[-1].t_s + steps[-1].stride.stride_s
    return summarise(steps, duration_s=lasted_s, system=system, ground=ground_of(session))


PLACEMENT = "placement"  # the setting with what was wrong with the pods' seats, in words
CASE = PodCase()  # of every pod of ours: y along the arrow, z out of the logo (docs/units-and-frames.md)


def seats_in_use(assignments: Iterable[Assignment]) -> dict[str, Seat]:
    """How each pod of a session sits by its rotation; empty where nobody looked: a rotation was found for none of them.

    One without a version beside one that has it was looked at as well, and sat as it was taken to.
    """
    worn = list(assignments)
    looked = any(a.rotation_version for a in worn)
    return {a.pod_id: seat_by(a.rotation, CASE) for a in worn} if looked else {}


def legs_in_doubt(assignments: Sequence[Assignment]) -> tuple[Side, ...]:
    """The legs whose pod sits as one sits on the other leg: both = the pods look swapped."""
    sides = {a.pod_id: a.side for a in assignments}
    wrong = {sides[pod_id] for pod_id in on_other_leg(seats_in_use(assignments), sides)}
    return tuple(side for side in Side if side in wrong)


DATE, IMPORTED, IMPORT_WORDS = "date", "imported", "import_notes"  # settings of a session that came from pods' logs
_AROUND_S = 2.0  # of samples on either side of a stride, at least, so that it is found again


def known_from_records_only(store: Store, session_id: str) -> int:
    """How many strides of a session nothing but pods' own records tell: no raw samples hold them."""
    own = [s.stride for s in store.strides(session_id) if s.stride.method.startswith(POD_METHOD)]
    if not own:
        return 0
    pods = store.raw_pods(session_id)
    ranges = {pod_id: store.raw_ranges(session_id, pod_id) for pod_id in pods}
    rates = {pod_id: store.raw_info(session_id, pod_id).rate_hz for pod_id in pods}
    uncovered = 0
    for stride in own:
        around = round(_AROUND_S * rates.get(stride.pod_id, 0.0))
        low, high = max(0, stride.strike_index - around), stride.end_index + around
        held = ranges.get(stride.pod_id, {}).get(stride.boot_id, [])
        uncovered += not any(start <= low and high <= end for start, end in held)
    return uncovered


TRACK, TREADMILL = "track_m", "treadmill_mps"  # what a session's settings say of the ground


def ground_of(session: Session) -> Ground:
    """Where the session was run, as far as its runner said."""
    track, belt = (session.settings.get(name) for name in (TRACK, TREADMILL))
    return Ground(track_m=None if track is None else float(track), treadmill_mps=None if belt is None else float(belt))


def settings_of(ground: Ground) -> dict[str, str | None]:
    """The same as settings to be stored; None takes one away."""
    return {
        name: None if value is None else f"{value:g}"
        for name, value in ((TRACK, ground.track_m), (TREADMILL, ground.treadmill_mps))
    }


def sides_of(store: Store, session_id: str) -> dict[str, Side]:
    """Which pod sat on which side; raises InputError when a pod of the session has none."""
    sides = {a.pod_id: a.side for a in store.assignments(session_id)}
    unknown = [pod_id for pod_id in store.raw_pods(session_id) if pod_id not in sides]
    if unknown:
        raise InputError(
            f"session {session_id}: pod {unknown[0]} has no leg;"
            f" say `evenstride pods assign {unknown[0]} left --session {session_id}` (or right)"
        )
    return sides
