"""Reference sessions of a hardware: the fit of a stored session or a recording, and what is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from evenstride_analysis.calibration import (
    Estimate,
    HardwareOffset,
    OffsetFit,
    ReferenceEvents,
    fit_offsets,
    pooled,
)
from evenstride_analysis.frames import IDENTITY
from evenstride_analysis.model import Side, Stride
from evenstride_gateway.errors import InputError
from evenstride_gateway.offsets import hardware_name
from evenstride_gateway.results import detect
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.tables.analyse import strides_of
from evenstride_gateway.tables.recording import Recording


def session_fit(
    store: Store, session_id: str, reference: Mapping[Side, ReferenceEvents], *, shared_clock: bool
) -> tuple[str, OffsetFit]:
    """(hardware, fit) of a stored session, its strides found again without offset. Raises InputError, StoreError."""
    store.session(session_id)
    held = {a.pod_id: a for a in store.assignments(session_id)}
    clocks = {(fit.pod_id, fit.boot_id): fit for fit in store.clocks(session_id)}
    found: dict[Side, list[Stride]] = {}
    times: dict[Side, list[float]] = {}
    hardware: set[str] = set()
    for pod_id in store.raw_pods(session_id):
        info, assignment = store.raw_info(session_id, pod_id), held.get(pod_id)
        if assignment is None:
            continue
        hardware.add(info.hardware)
        rotation = assignment.rotation if assignment.rotation else IDENTITY
        for stride in detect(store.raw_frames(session_id, pod_id), info, rotation):
            clock = clocks.get((stride.pod_id, stride.boot_id))
            if clock is not None:
                found.setdefault(assignment.side, []).append(stride)
                times.setdefault(assignment.side, []).append(clock.session_s(stride.strike_s))
    if len({hardware_name(name) for name in hardware}) > 1:
        raise InputError(f"session {session_id} holds pods of several hardwares: {', '.join(sorted(hardware))}")
    fit = fit_offsets(found, times, reference, shared_clock=shared_clock)
    return next(iter(hardware)), fit


def recording_fit(recording: Recording, reference: Mapping[Side, ReferenceEvents], *, shared_clock: bool) -> OffsetFit:
    """The fit of a recording table. Raises InputError."""
    found = strides_of(recording)
    times = {side: [stride.strike_s for stride in own] for side, own in found.items()}
    return fit_offsets(found, times, reference, shared_clock=shared_clock)


def stored_fits(store: Store, name: str, like: OffsetFit) -> list[OffsetFit]:
    """The reference sessions behind a hardware's newest offset, as far as they pool with `like`."""
    latest = store.latest_calibration(CalibrationKind.HARDWARE, name)
    fits = [] if latest is None else [_fit_of(entry) for entry in latest.content["fits"]]
    return [fit for fit in fits if fit.method == like.method and (fit.ic is None) == (like.ic is None)]


def keep_offset(store: Store, name: str, fits: Sequence[OffsetFit], *, made_at: datetime) -> HardwareOffset:
    """Keep the pooled offset of these reference sessions as the hardware's next version; no session's end ends it."""
    preview = pooled(fits).offset(name, 1)
    content = {
        "ic_offset_s": preview.ic_offset_s,
        "tc_offset_s": preview.tc_offset_s,
        "fits": [asdict(fit) for fit in fits],
    }
    version = store.put_calibration(CalibrationKind.HARDWARE, name, content, made_at=made_at)
    return pooled(fits).offset(name, version)


def _fit_of(entry: Mapping[str, Any]) -> OffsetFit:
    values = dict(entry)
    for name in ("stance", "ic", "tc"):
        values[name] = None if values[name] is None else Estimate(**values[name])
    values["legs_s"] = {Side(side): value for side, value in values["legs_s"].items()}
    return OffsetFit(**values)
