"""What is said of a run that came from logs: its date with the error, its legs, what is lost (pure)."""

from datetime import UTC, datetime

from evenstride_gateway.importing.dating import Between
from evenstride_gateway.importing.matching import FoundRun


def limit_words(limits: Between) -> str:
    """Between which times a run without a date was."""
    before = f"before {time_words(limits.not_after_s)}"
    return (
        f"it was {before}"
        if limits.not_before_s is None
        else f"it was after {time_words(limits.not_before_s)} and {before}"
    )


def words_of(found: FoundRun) -> list[str]:
    """What a reader must know of a run that came from logs."""
    said: list[str] = []
    if found.date is not None and found.date.disagree_s > 0.0:
        said.append(
            f"the hosts that gave its pod the date disagree by {length_words(found.date.disagree_s)}: a clock was wrong"
        )
    if found.together is not None:
        bound_ms = 1e3 * found.together.bound_s
        both = f"left and right were put together by their alternation, wrong by at most {bound_ms:.0f} ms"
        said.append(both if found.together.certain else f"{both}: which stride belongs to which is not certain")
        if not found.together.certain and not found.both_dated:
            said.append("that they are of one run is taken from their lengths alone")
    for side, run in found.legs.items():
        unaligned = sum(not record.rotation_version for record in run.records)
        if unaligned:
            said.append(
                f"{unaligned} of {len(run.records)} strides of the {side.value} leg were found before the pod knew its"
                " axes: they enter no verdict"
            )
        if run.lost:
            said.append(f"{run.lost} strides of the {side.value} leg are lost: its log had overwritten them")
    return said


def date_words(found: FoundRun, limits: Between | None) -> str:
    """How the date is known, with its error."""
    if found.date is None:
        return f"unknown; {limit_words(limits)}" if limits is not None else "unknown"
    n = "one anchor" if found.date.anchors == 1 else f"{found.date.anchors} anchors"
    away, error = length_words(found.date.away_s), length_words(found.date.error_s)
    return f"by {n} in the pod's log, the nearest {away} away: wrong by at most {error}"


def time_words(utc_s: float) -> str:
    """An instant, to the minute."""
    return f"{datetime.fromtimestamp(utc_s, UTC):%Y-%m-%d %H:%M} UTC"


def length_words(seconds: float) -> str:
    """A length of time in words a person reads, never rounded to nothing."""
    if seconds < 10.0:
        return f"{max(seconds, 0.01):.2g} s"
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200.0 else f"{seconds / 3600:.1f} h"
