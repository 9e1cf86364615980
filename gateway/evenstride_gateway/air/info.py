"""Info: what a pod says of itself (PROTOCOL.md section 4)."""

import math
import struct
from dataclasses import dataclass
from enum import IntFlag

from evenstride_analysis.model import PodInfo
from evenstride_gateway.air.uuids import MIN_STREAM_MTU, PROTOCOL_MAJOR, PROTOCOL_MINOR, TICK_HZ
from evenstride_gateway.air.wire import ProtocolVersionError, check_cap, check_kind, need, unpack
from evenstride_gateway.errors import ProtocolError

KIND = 0x10
MAX_CHANNELS = 16  # the mask of a raw frame has 16 bits
MAX_TEXT = 24  # bytes of each string: Info stays within one read at MTU 247 for 9 channels
_HEAD = struct.Struct("<BBBB8sI")  # frozen for every major version
_FIXED = struct.Struct("<BBBB8sIIIIHHHHBBH")
_CHANNEL = struct.Struct("<Bff")

_CODES = {
    "accel_x": 0x00,
    "accel_y": 0x01,
    "accel_z": 0x02,
    "gyro_x": 0x10,
    "gyro_y": 0x11,
    "gyro_z": 0x12,
    "accel_high_x": 0x20,
    "accel_high_y": 0x21,
    "accel_high_z": 0x22,
}
_NAMES = {code: name for name, code in _CODES.items()}


class Feature(IntFlag):
    """What this pod can do; unknown bits are kept."""

    RAW_LOG = 1
    RECORDS = 2
    SQUAD = 4
    BONDED_ONLY = 8
    UPDATE = 16


_NO_FEATURES = Feature(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One column of a raw frame: name, SI units per count, and the full scale in SI (float32 on the air)."""

    name: str
    scale: float
    full_scale: float

    @property
    def code(self) -> int:
        """Its number on the air; a channel of a newer minor version is named `channel_0xNN`."""
        known = _CODES.get(self.name)
        return int(self.name.removeprefix("channel_"), 16) if known is None else known


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """The Info characteristic. `pod_id` is 16 hex digits, from the chip; `rate_hz` is nominal."""

    pod_id: str
    boot_id: int
    channels: tuple[Channel, ...]
    rate_hz: float
    firmware: str
    hardware: str
    tick_hz: int = TICK_HZ
    log_capacity_bytes: int = 0
    min_mtu: int = MIN_STREAM_MTU
    features: Feature = _NO_FEATURES
    coefficients_version: int = 0
    rotation_version: int = 0
    major: int = PROTOCOL_MAJOR
    minor: int = PROTOCOL_MINOR

    @classmethod
    def from_bytes(cls, data: bytes) -> "Info":
        """Raises ProtocolError that names the offset, ProtocolVersionError for another major version."""
        check_kind(data, KIND, "info")
        head = InfoHead.from_bytes(data)
        if head.major != PROTOCOL_MAJOR:
            raise ProtocolVersionError(major=head.major, minor=head.minor, pod_id=head.pod_id, data=data)
        fields = unpack(_FIXED, data, "info")
        tick_hz, rate_mhz, capacity, min_mtu, features, coefficients, rotation, n_channels, _, _ = fields[6:]
        if head.fixed_size < _FIXED.size:
            raise ProtocolError(f"info's fixed part has {head.fixed_size} bytes", offset=3, data=data)
        if tick_hz == 0 or rate_mhz == 0:
            raise ProtocolError("a rate of zero", offset=16 if tick_hz == 0 else 20, data=data)
        check_cap(n_channels, MAX_CHANNELS, "number of channels", offset=36, data=data)
        offset, channels = head.fixed_size, list[Channel]()
        for _ in range(n_channels):
            need(data, offset + _CHANNEL.size, "info")
            channels.append(_read_channel(data, offset))
            offset += _CHANNEL.size
        firmware, offset = _read_text(data, offset, "firmware")
        hardware, offset = _read_text(data, offset, "hardware")
        return cls(
            pod_id=head.pod_id,
            boot_id=head.boot_id,
            channels=tuple(channels),
            rate_hz=rate_mhz / 1000,
            firmware=firmware,
            hardware=hardware,
            tick_hz=tick_hz,
            log_capacity_bytes=capacity,
            min_mtu=min_mtu,
            features=Feature(features),
            coefficients_version=coefficients,
            rotation_version=rotation,
            major=head.major,
            minor=head.minor,
        )

    def __bytes__(self) -> bytes:
        fixed = _FIXED.pack(
            KIND,
            self.major,
            self.minor,
            _FIXED.size,
            bytes.fromhex(self.pod_id),
            self.boot_id,
            self.tick_hz,
            round(self.rate_hz * 1000),
            self.log_capacity_bytes,
            self.min_mtu,
            self.features,
            self.coefficients_version,
            self.rotation_version,
            len(self.channels),
            0,
            0,
        )
        channels = b"".join(_CHANNEL.pack(c.code, c.scale, c.full_scale) for c in self.channels)
        texts = (_cut(text) for text in (self.firmware, self.hardware))
        return fixed + channels + b"".join(bytes([len(text)]) + text for text in texts)

    def pod_info(self) -> PodInfo:
        """The noun of the model. Raises ProtocolError when an accelerometer or a gyroscope axis is missing."""
        scales = {channel.name: channel for channel in self.channels}
        missing = [
            name for name in ("accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z") if name not in scales
        ]
        if missing:
            raise ProtocolError(f"info names no channel {', '.join(missing)}", offset=_FIXED.size, data=bytes(self))
        return PodInfo(
            pod_id=self.pod_id,
            firmware=self.firmware,
            hardware=self.hardware,
            channels=tuple(channel.name for channel in self.channels),
            scales=tuple(channel.scale for channel in self.channels),
            rate_hz=self.rate_hz,
            tick_hz=float(self.tick_hz),
            accel_range_mps2=min(scales[f"accel_{axis}"].full_scale for axis in "xyz"),
            gyro_range_radps=min(scales[f"gyro_{axis}"].full_scale for axis in "xyz"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoHead:
    """The first 16 bytes of Info: the same in every major version, so that any pod can be named and updated."""

    major: int
    minor: int
    fixed_size: int
    pod_id: str
    boot_id: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "InfoHead":
        """Raises ProtocolError."""
        check_kind(data, KIND, "info")
        need(data, _HEAD.size, "info")
        _, major, minor, fixed_size, pod_id, boot_id = _HEAD.unpack_from(data)
        return cls(major=major, minor=minor, fixed_size=fixed_size, pod_id=pod_id.hex(), boot_id=boot_id)


def _cut(text: str) -> bytes:
    return text.encode()[:MAX_TEXT].decode(errors="ignore").encode()


def _read_channel(data: bytes, offset: int) -> Channel:
    code, scale, full_scale = _CHANNEL.unpack_from(data, offset)
    if not (math.isfinite(scale) and math.isfinite(full_scale) and scale > 0 and full_scale > 0):
        raise ProtocolError(f"channel {code:#04x}: a scale that is no positive number", offset=offset + 1, data=data)
    return Channel(name=_NAMES.get(code, f"channel_{code:#04x}"), scale=scale, full_scale=full_scale)


def _read_text(data: bytes, offset: int, name: str) -> tuple[str, int]:
    need(data, offset + 1, "info")
    length = data[offset]
    check_cap(length, MAX_TEXT, f"length of {name}", offset=offset, data=data)
    need(data, offset + 1 + length, "info")
    try:
        return data[offset + 1 : offset + 1 + length].decode(), offset + 1 + length
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{name} is not UTF-8", offset=offset + 1 + error.start, data=data) from error
