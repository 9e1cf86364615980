"""Pod status (PROTOCOL.md section 8)."""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from evenstride_gateway.air.wire import check_kind, unpack

KIND = 0x03
_LAYOUT = struct.Struct("<BBHIQIIIIIIHBBhH")


class Mode(IntEnum):
    """What the pod does now. A mode that this gateway does not know reads as IDLE."""

    IDLE = 0
    RAW = 1
    STRIDES = 2
    SQUAD = 3

    @classmethod
    def _missing_(cls, value: object) -> "Mode | None":
        return cls.IDLE if isinstance(value, int) else None


class ResetReason(IntEnum):
    """Why this boot began. A reason that this gateway does not know reads as UNKNOWN."""

    UNKNOWN = 0
    POWER_ON = 1
    BUTTON = 2
    SOFTWARE = 3
    WATCHDOG = 4
    LOCKUP = 5
    WAKE = 6
    BROWN_OUT = 7
    RATE_CHANGED = 8

    @classmethod
    def _missing_(cls, value: object) -> "ResetReason | None":
        return cls.UNKNOWN if isinstance(value, int) else None


class PodFlag(IntFlag):
    """Unknown bits are kept."""

    CHARGING = 1
    BATTERY_LOW = 2
    LOG_FULL = 4  # the ring overwrites samples that nobody acknowledged
    CLOCK_UNSET = 8  # this boot has no UTC anchor
    IMU_FAULT = 16
    FLASH_FAULT = 32
    UNALIGNED = 64  # no rotation is known


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """One report. Counters are samples since boot, except `log_samples` (raw samples that the log holds now).

    `taken` is the next sample's index, `next_seq` the next live frame's. `dropped` were wanted live and not delivered
    by the pod (queue full, link lost, radio away); they may still be in the log. `log_overwritten` were never
    acknowledged. `log_fill` is a fraction.
    """

    boot_id: int
    tick: int
    taken: int
    next_seq: int
    dropped: int
    clipped: int
    log_samples: int
    log_overwritten: int
    battery_v: float
    battery_fraction: float
    temperature_degc: float
    log_fill: float
    mode: Mode
    reset_reason: ResetReason
    flags: PodFlag

    @classmethod
    def from_bytes(cls, data: bytes) -> "PodStatus":
        """Raises ProtocolError that names the offset."""
        check_kind(data, KIND, "pod status")
        _, reason, flags, boot_id, tick, taken, next_seq, dropped, clipped, held, overwritten, *rest = unpack(
            _LAYOUT, data, "pod status"
        )
        millivolts, percent, mode, centidegrees, permille = rest
        return cls(
            boot_id=boot_id,
            tick=tick,
            taken=taken,
            next_seq=next_seq,
            dropped=dropped,
            clipped=clipped,
            log_samples=held,
            log_overwritten=overwritten,
            battery_v=millivolts / 1000,
            battery_fraction=percent / 100,
            temperature_degc=centidegrees / 100,
            log_fill=permille / 1000,
            mode=Mode(mode),
            reset_reason=ResetReason(reason),
            flags=PodFlag(flags),
        )

    def __bytes__(self) -> bytes:
        return _LAYOUT.pack(
            KIND,
            self.reset_reason,
            self.flags,
            self.boot_id,
            self.tick,
            self.taken,
            self.next_seq,
            self.dropped,
            self.clipped,
            self.log_samples,
            self.log_overwritten,
            round(self.battery_v * 1000),
            round(self.battery_fraction * 100),
            self.mode,
            round(self.temperature_degc * 100),
            round(self.log_fill * 1000),
        )
