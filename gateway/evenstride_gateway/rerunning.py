"""Run a stored session again: its strides from the raw log by the present method, so that it compares with new ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from evenstride_analysis.model import Stride
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.closing import regrid
from evenstride_gateway.errors import StoreError
from evenstride_gateway.offsets import SETTING, offset_for
from evenstride_gateway.results import known_from_records_only, stored_strides
from evenstride_gateway.store import Store
from evenstride_gateway.store.strides import SessionTime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """What a run again came to; `notices` say what stayed as it was, and why."""

    session_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    strides: int
    changes: int
    notices: tuple[str, ...]


def run_session_again(store: Store, session_id: str, system: SystematicError) -> RunAgain:
    """Find all strides of an ended session again and update what is stored by rule 2: ids and times stay.

    Strides that are not found again are retired. Raises StoreError for a session that runs or has no raw log.
    """
    session = store.session(session_id)
    if session.stopped_at is None:
        raise StoreError(f"session {session_id} is not ended: stop it first, or start the gateway once after a crash")
    pods = store.raw_pods(session_id)
    if not pods:
        raise StoreError(f"session {session_id} has no raw samples: its strides stay as they are")
    if reason := _kept_as_pods_found_them(store, session_id):
        methods = tuple(store.methods(session_id))
        return RunAgain(
            session_id=session_id,
            before=methods,
            after=methods,
            strides=store.count_strides(session_id),
            changes=0,
            notices=(reason,),
        )
    offset = offset_for(store, [store.raw_info(session_id, pod_id) for pod_id in pods])
    store.put_settings(session_id, {SETTING: None if offset is None else offset.label})
    before = store.methods(session_id)
    held: dict[tuple[str, int], list[tuple[Stride, float]]] = {}
    for row in store.strides(session_id):
        held.setdefault((row.stride.pod_id, row.stride.boot_id), []).append((row.stride, row.published_t_s))
    found = {
        key: list(strides)
        for key, strides in groupby(sorted(stored_strides(store, session_id), key=_boot_of), key=_boot_of)
    }
    notices = [
        f"pod {pod_id} has no raw samples here: its strides stay as they are"
        for pod_id in sorted({pod_id for pod_id, _ in held} - set(pods))
    ]
    fitted = {(fit.pod_id, fit.boot_id) for fit in store.clocks(session_id)}
    changes = 0
    for key in sorted({key for key in found | held if key[0] in pods}):
        published: SessionTime | None = None
        if key not in fitted:
            if key not in held:
                notices.append(f"pod {key[0]}, boot {key[1]}: no clock was stored for it; its strides have no time")
                continue
            published = _shifted(held[key])
        changes += len(store.replace_strides(session_id, *key, found.get(key, []), published_t_s=published))
    regrid(store, session_id, system)
    return RunAgain(
        session_id=session_id,
        before=tuple(before),
        after=tuple(store.methods(session_id)),
        strides=store.count_strides(session_id),
        changes=changes,
        notices=tuple(notices),
    )


def _kept_as_pods_found_them(store: Store, session_id: str) -> str:
    """Why strides that pods found themselves stay; "" where the raw samples hold every one of them.

    One method for a session: a part of them found anew would leave no verdict, and the rest is nowhere but here.
    """
    alone = known_from_records_only(store, session_id)
    if not alone:
        return ""
    return (
        f"{alone} of {store.count_strides(session_id)} strides are known only as the pods found them, without raw"
        " samples: all stay as they are, by one method"
    )


def _boot_of(stride: Stride) -> tuple[str, int]:
    return stride.pod_id, stride.boot_id


def _shifted(published: Sequence[tuple[Stride, float]]) -> SessionTime:
    """Session time of a boot whose clock was never fitted, from the times that its strides were given."""
    shift_s = median(t_s - stride.strike_s for stride, t_s in published)
    return lambda stride: stride.strike_s + shift_s
