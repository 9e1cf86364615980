"""The truth: people, pods, sessions, strides and raw samples, in one folder."""

from evenstride_gateway.store.calibrations import Calibration, CalibrationKind
from evenstride_gateway.store.ordering import BootSpan, ordered_pieces
from evenstride_gateway.store.podlog import KeptAnchor, KeptRecord
from evenstride_gateway.store.rawlog import RawReport, RawWriter, read_entries, read_frames
from evenstride_gateway.store.rows import GRID_S
from evenstride_gateway.store.store import Store
from evenstride_gateway.store.types import (
    Change,
    ChangeKind,
    Dated,
    Entity,
    Mass,
    Parked,
    Person,
    Placement,
    PublishedKey,
    StoredStride,
    StoredSymmetry,
    TailCut,
)

__all__ = [
    "GRID_S",
    "BootSpan",
    "Calibration",
    "CalibrationKind",
    "Change",
    "ChangeKind",
    "Dated",
    "Entity",
    "KeptAnchor",
    "KeptRecord",
    "Mass",
    "Parked",
    "Person",
    "Placement",
    "PublishedKey",
    "RawReport",
    "RawWriter",
    "Store",
    "StoredStride",
    "StoredSymmetry",
    "TailCut",
    "ordered_pieces",
    "read_entries",
    "read_frames",
]
