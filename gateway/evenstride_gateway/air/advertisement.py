"""What a pod says to everybody: squad advertising (PROTOCOL.md section 3)."""

import struct
from dataclasses import dataclass
from enum import IntFlag
from uuid import UUID

from evenstride_gateway.air.uuids import COMPANY_ID, SERVICE_UUID
from evenstride_gateway.errors import ProtocolError

FORMAT = 1
_LAYOUT = struct.Struct("<BBHH")
_ELEMENT = struct.Struct("<BBH")  # AD length, AD type 0xFF, company
_STANCE_UNIT_S = 0.00025
_IMPACT_UNIT_MPS2 = 0.5
_NO_STANCE = 0xFFF
_NO_IMPACT = 0x3FF
_NO_CADENCE = 63
_CADENCE_BASE = 40


class AdvertFlag(IntFlag):
    RUNNING = 1
    BATTERY_LOW = 2
    LOG_WAITING = 4  # the log holds samples that nobody has acknowledged
    BONDED_ONLY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertisement:
    """Ten bytes of manufacturer data: the means of the last 30 clean running strides; None = no such strides.

    `strides` counts this boot's strides and wraps at 256. `strides_per_min` is of this leg (40 to 102).
    """

    flags: AdvertFlag
    strides: int
    battery_fraction: float
    stance_s: float | None
    impact_mps2: float | None
    strides_per_min: int | None

    @classmethod
    def from_payload(cls, payload: bytes) -> "Advertisement":
        """Read the six bytes after the company identifier, as bleak hands them over. Raises ProtocolError."""
        if len(payload) < _LAYOUT.size:
            raise ProtocolError("manufacturer data cut short", offset=len(payload), data=payload)
        head, strides, stance, impact = _LAYOUT.unpack_from(payload)
        if head & 0x0F != FORMAT:
            raise ProtocolError(f"advertising format {head & 0x0F} is unknown", offset=0, data=payload)
        return cls(
            flags=AdvertFlag(head >> 4),
            strides=strides,
            battery_fraction=(stance >> 12) / 15,
            stance_s=None if stance & 0xFFF == _NO_STANCE else (stance & 0xFFF) * _STANCE_UNIT_S,
            impact_mps2=None if impact & 0x3FF == _NO_IMPACT else (impact & 0x3FF) * _IMPACT_UNIT_MPS2,
            strides_per_min=None if impact >> 10 == _NO_CADENCE else (impact >> 10) + _CADENCE_BASE,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Advertisement":
        """Read the whole advertising element of ten bytes. Raises ProtocolError."""
        if len(data) < _ELEMENT.size + _LAYOUT.size:
            raise ProtocolError("manufacturer data cut short", offset=len(data), data=data)
        length, kind, company = _ELEMENT.unpack_from(data)
        if length < _ELEMENT.size + _LAYOUT.size - 1:
            raise ProtocolError(f"an advertising element of {length} bytes", offset=0, data=data)
        if kind != 0xFF:
            raise ProtocolError(f"advertising element {kind:#04x} is not manufacturer data", offset=1, data=data)
        if company != COMPANY_ID:
            raise ProtocolError(f"company {company:#06x} is another maker's", offset=2, data=data)
        return cls.from_payload(data[_ELEMENT.size :])

    @property
    def payload(self) -> bytes:
        """The six bytes after the company identifier."""
        stance = _NO_STANCE if self.stance_s is None else _unit(self.stance_s, _STANCE_UNIT_S, _NO_STANCE - 1)
        impact = _NO_IMPACT if self.impact_mps2 is None else _unit(self.impact_mps2, _IMPACT_UNIT_MPS2, _NO_IMPACT - 1)
        cadence = self.strides_per_min
        rhythm = _NO_CADENCE if cadence is None else _unit(cadence - _CADENCE_BASE, 1.0, _NO_CADENCE - 1)
        battery = _unit(self.battery_fraction, 1 / 15, 15)
        return _LAYOUT.pack(
            FORMAT | (self.flags & 0x0F) << 4, self.strides & 0xFF, stance | battery << 12, impact | rhythm << 10
        )

    def __bytes__(self) -> bytes:
        payload = self.payload
        return _ELEMENT.pack(_ELEMENT.size + len(payload) - 1, 0xFF, COMPANY_ID) + payload


def advertising_data(advertisement: Advertisement) -> bytes:
    """The 31 bytes of ADV_IND: flags 3, service UUID 18, manufacturer data 10."""
    return b"\x02\x01\x06" + b"\x11\x07" + UUID(SERVICE_UUID).bytes[::-1] + bytes(advertisement)


def scan_response_data(name: str) -> bytes:
    """The scan response: the complete local name, at most 29 bytes."""
    encoded = name.encode()[:29]
    return bytes([len(encoded) + 1, 0x09]) + encoded


def _unit(value: float, unit: float, highest: int) -> int:
    return min(max(round(value / unit), 0), highest)
