"""Which hardware offset a session has: one for all its pods, chosen at its start, named in its settings."""

import re
from collections.abc import Iterable

from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.model import PodInfo
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import Calibration, CalibrationKind, Store

SETTING = "hardware_offset"


def hardware_name(hardware: str) -> str:
    """A hardware as it is named in methods: lower case, letters, digits and `-`."""
    return re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-") or "unnamed"


def offset_for(store: Store, infos: Iterable[PodInfo]) -> HardwareOffset | None:
    """The newest offset of the hardware that all these pods are; None where they differ or there is none."""
    names = {hardware_name(info.hardware) for info in infos}
    if len(names) != 1:
        return None
    found = store.latest_calibration(CalibrationKind.HARDWARE, names.pop())
    return None if found is None else offset_of(found)


def session_offset(store: Store, session_id: str) -> HardwareOffset | None:
    """The offset that a session's settings name. Raises StoreError when it is gone."""
    label = store.session(session_id).settings.get(SETTING, "")
    if not label:
        return None
    name, _, version = label.rpartition(".")
    for found in store.calibrations(CalibrationKind.HARDWARE, name):
        if str(found.version) == version:
            return offset_of(found)
    raise StoreError(f"session {session_id} was found with the hardware offset {label}, which is not stored here")


def fitting(offset: HardwareOffset | None, info: PodInfo) -> HardwareOffset | None:
    """The session's offset if this pod is the hardware it belongs to: another one's strides are named without it."""
    return offset if offset is not None and offset.name == hardware_name(info.hardware) else None


def offset_of(found: Calibration) -> HardwareOffset:
    return HardwareOffset(
        name=found.name,
        version=found.version,
        ic_offset_s=found.content["ic_offset_s"],
        tc_offset_s=found.content["tc_offset_s"],
    )
