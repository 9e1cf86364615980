"""Stride records: what the pod computed itself (PROTOCOL.md section 7)."""

import struct
from dataclasses import dataclass

from evenstride_analysis.model import Doubt, Gait, Stride
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.air.wire import U16_MAX, U32_MAX, check_cap, check_kind, need, unpack
from evenstride_gateway.errors import ProtocolError

KIND = 0x02
POD_METHOD = "pod-"  # how the names of methods begin by which pods found strides themselves
HEADER = struct.Struct("<BBBBIIHHHH")
RECORD = struct.Struct("<IIQIIHhhHHhBBH")
MAX_RECORDS = 5  # 20 + 5 * 40 = 220 bytes, within 244
MAX_RECORD_SIZE = 64  # a later minor version may lengthen a record, not without limit
_BACKFILL = 1
_SD_UNIT_S = 1e-5
_IMPACT_UNIT_MPS2 = 0.05
_LOADING_UNIT_MPS3 = 10.0
_SWING_UNIT_RADPS = 1e-3
_HEADING_UNIT_RAD = 1e-4
_NO_I16 = -0x8000
_GAITS = (Gait.WALK, Gait.RUN)


def pod_method(rules: int, coefficients_version: int) -> str:
    """The name of a pod's own method. Its axes are not part of it: each pod has its own (decision 0025)."""
    return f"{POD_METHOD}{rules}.{coefficients_version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrideRecord:
    """One stride in pod time (ticks), SI else; None = not measurable. Units on the air round each value."""

    strike_index: int
    end_index: int
    strike_tick: int
    toe_off_ticks: int
    stride_ticks: int
    stance_sd_s: float
    impact_axial_mps2: float | None
    impact_mps2: float | None
    loading_mps3: float | None
    swing_peak_radps: float
    heading_rad: float | None
    gait: Gait
    doubt: Doubt

    @classmethod
    def from_stride(cls, stride: Stride, *, tick_hz: float = TICK_HZ) -> "StrideRecord":
        """What a pod keeps of a stride."""
        strike_tick = round(stride.strike_s * tick_hz)
        return cls(
            strike_index=stride.strike_index,
            end_index=stride.end_index,
            strike_tick=strike_tick,
            toe_off_ticks=round(stride.toe_off_s * tick_hz) - strike_tick,
            stride_ticks=round(stride.end_s * tick_hz) - strike_tick,
            stance_sd_s=stride.stance_sd_s,
            impact_axial_mps2=stride.impact_axial_mps2,
            impact_mps2=stride.impact_mps2,
            loading_mps3=stride.loading_mps3,
            swing_peak_radps=stride.swing_peak_radps,
            heading_rad=stride.heading_rad,
            gait=stride.gait,
            doubt=stride.doubt,
        )

    def stride(self, *, pod_id: str, boot_id: int, method: str, tick_hz: float = TICK_HZ) -> Stride:
        """The noun of the model, marked as computed by the pod."""
        return Stride(
            pod_id=pod_id,
            boot_id=boot_id,
            strike_index=self.strike_index,
            end_index=self.end_index,
            strike_s=self.strike_tick / tick_hz,
            toe_off_s=(self.strike_tick + self.toe_off_ticks) / tick_hz,
            end_s=(self.strike_tick + self.stride_ticks) / tick_hz,
            stance_sd_s=self.stance_sd_s,
            impact_axial_mps2=self.impact_axial_mps2,
            impact_mps2=self.impact_mps2,
            loading_mps3=self.loading_mps3,
            swing_peak_radps=self.swing_peak_radps,
            heading_rad=self.heading_rad,
            gait=self.gait,
            method=method,
            doubt=self.doubt | Doubt.ON_POD,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StrideRecords:
    """Consecutive records of one boot, found by one method. The first is number `first_record` (from 0 in each boot).

    `rules` and `coefficients_version` name the method, `rotation_version` the axes.
    """

    boot_id: int
    first_record: int
    rules: int
    coefficients_version: int
    rotation_version: int
    records: tuple[StrideRecord, ...]
    backfill: bool = False

    @property
    def method(self) -> str:
        """The method's name as it stands in `Stride.method`."""
        return pod_method(self.rules, self.coefficients_version)

    @classmethod
    def from_bytes(cls, data: bytes) -> "StrideRecords":
        """Raises ProtocolError that names the offset."""
        check_kind(data, KIND, "stride records")
        _, flags, n, size, boot_id, first, rules, coefficients, rotation, _ = unpack(HEADER, data, "stride records")
        if n == 0:
            raise ProtocolError("stride records without a record", offset=2, data=data)
        check_cap(n, MAX_RECORDS, "number of records", offset=2, data=data)
        if size < RECORD.size:
            raise ProtocolError(f"a record of {size} bytes, less than {RECORD.size}", offset=3, data=data)
        check_cap(size, MAX_RECORD_SIZE, "size of a record", offset=3, data=data)
        need(data, HEADER.size + n * size, "stride records")
        return cls(
            boot_id=boot_id,
            first_record=first,
            rules=rules,
            coefficients_version=coefficients,
            rotation_version=rotation,
            records=tuple(_read(data, HEADER.size + k * size) for k in range(n)),
            backfill=bool(flags & _BACKFILL),
        )

    def __bytes__(self) -> bytes:
        if not 0 < len(self.records) <= MAX_RECORDS:
            raise ValueError(f"one message holds 1 to {MAX_RECORDS} records, not {len(self.records)}")
        header = HEADER.pack(
            KIND,
            _BACKFILL * self.backfill,
            len(self.records),
            RECORD.size,
            self.boot_id,
            self.first_record,
            self.rules,
            self.coefficients_version,
            self.rotation_version,
            0,
        )
        return header + b"".join(_pack(record) for record in self.records)


def _read(data: bytes, offset: int) -> StrideRecord:
    fields = unpack(RECORD, data, "stride record", offset=offset)
    strike_index, end_index, strike_tick, toe_off, length, sd, axial, impact, loading, swing, heading, gait = fields[
        :12
    ]
    if gait >= len(_GAITS):
        raise ProtocolError(f"gait {gait} is unknown", offset=offset + 36, data=data)
    known_doubts = fields[13] & sum(flag.value for flag in Doubt)
    return StrideRecord(
        strike_index=strike_index,
        end_index=end_index,
        strike_tick=strike_tick,
        toe_off_ticks=toe_off,
        stride_ticks=length,
        stance_sd_s=sd * _SD_UNIT_S,
        impact_axial_mps2=None if axial == _NO_I16 else axial * _IMPACT_UNIT_MPS2,
        impact_mps2=None if impact == _NO_I16 else impact * _IMPACT_UNIT_MPS2,
        loading_mps3=None if loading == U16_MAX else loading * _LOADING_UNIT_MPS3,
        swing_peak_radps=swing * _SWING_UNIT_RADPS,
        heading_rad=None if heading == _NO_I16 else heading * _HEADING_UNIT_RAD,
        gait=_GAITS[gait],
        doubt=Doubt(known_doubts),
    )


def _pack(record: StrideRecord) -> bytes:
    return RECORD.pack(
        record.strike_index,
        record.end_index,
        record.strike_tick,
        _clamp(record.toe_off_ticks, 0, U32_MAX),
        _clamp(record.stride_ticks, 0, U32_MAX),
        _clamp(round(record.stance_sd_s / _SD_UNIT_S), 0, U16_MAX),
        _signed(record.impact_axial_mps2, _IMPACT_UNIT_MPS2),
        _signed(record.impact_mps2, _IMPACT_UNIT_MPS2),
        U16_MAX
        if record.loading_mps3 is None
        else _clamp(round(record.loading_mps3 / _LOADING_UNIT_MPS3), 0, U16_MAX - 1),
        _clamp(round(record.swing_peak_radps / _SWING_UNIT_RADPS), 0, U16_MAX),
        _signed(record.heading_rad, _HEADING_UNIT_RAD),
        _GAITS.index(record.gait),
        0,
        record.doubt.value,
    )


def _signed(value: float | None, unit: float) -> int:
    return _NO_I16 if value is None else _clamp(round(value / unit), _NO_I16 + 1, -_NO_I16 - 1)


def _clamp(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)
