"""One hypothesis strategy for each message of the air, values as the air can carry them."""

import numpy as np
from hypothesis import strategies as st

from evenstride_analysis.model import Doubt, Gait
from evenstride_gateway import air
from evenstride_gateway.air.info import MAX_TEXT

u8, u16 = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
u32, u64 = st.integers(0, 0xFFFF_FFFF), st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
i64 = st.integers(-(2**63), 2**63 - 1)
positive_f32 = st.floats(2.0**-100, 2.0**100, width=32)
NAMES = ["accel_x", "gyro_z", "accel_high_y", "channel_0x77"]
channel = st.builds(air.Channel, name=st.sampled_from(NAMES), scale=positive_f32, full_scale=positive_f32)
texts = st.text(max_size=MAX_TEXT // 4)


def _optional(low: int, high: int, unit: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(low, high).map(lambda n: n * unit)


@st.composite
def raw_frames(draw: st.DrawFn) -> air.RawFrame:
    mask = draw(st.integers(1, 0xFFFF))
    n = draw(st.integers(1, max(1, 216 // (2 * mask.bit_count()))))
    seed = draw(st.integers(0, 2**32 - 1))
    counts = np.random.default_rng(seed).integers(-32_768, 32_768, (n, mask.bit_count())).astype(np.int16)
    return air.RawFrame(
        boot_id=draw(u32),
        seq=draw(u32),
        first_index=draw(u32),
        tick=draw(u64),
        backfill=draw(st.booleans()),
        counts=counts,
        clipped=draw(st.booleans()),
        mask=mask,
        backlog=draw(u16),
    )


stride_record = st.builds(
    air.StrideRecord,
    strike_index=u32,
    end_index=u32,
    strike_tick=u64,
    toe_off_ticks=u32,
    stride_ticks=u32,
    stance_sd_s=u16.map(lambda n: n * 1e-5),
    impact_axial_mps2=_optional(-32_767, 32_767, 0.05),
    impact_mps2=_optional(-32_767, 32_767, 0.05),
    loading_mps3=_optional(0, 65_534, 10.0),
    swing_peak_radps=u16.map(lambda n: n * 1e-3),
    heading_rad=_optional(-32_767, 32_767, 1e-4),
    gait=st.sampled_from(Gait),
    doubt=st.integers(0, 255).map(Doubt),
)
log_kind = st.sampled_from(air.LogKind)
anchor = st.builds(air.UtcAnchor, boot_id=u32, tick=u64, utc_ns=i64)


@st.composite
def log_ranges(draw: st.DrawFn) -> air.LogRanges:
    bounds = draw(st.lists(st.tuples(u32, u32, u32, log_kind), max_size=14))
    ranges = tuple(
        air.LogRange(boot_id=boot, first_index=min(a, b), end_index=max(a, b), what=what) for boot, a, b, what in bounds
    )
    first = draw(st.integers(0, 1000))
    return air.LogRanges(total=first + len(ranges) + draw(st.integers(0, 100)), first=first, ranges=ranges)


MESSAGES: st.SearchStrategy[air.RawFrame | air.Info | air.StrideRecords | air.PodStatus | air.LogRanges] = st.one_of(
    raw_frames(),
    st.builds(
        air.Info,
        pod_id=st.binary(min_size=8, max_size=8).map(bytes.hex),
        boot_id=u32,
        channels=st.lists(
            st.builds(air.Channel, name=st.sampled_from(NAMES), scale=positive_f32, full_scale=positive_f32),
            max_size=16,
        ).map(tuple),
        rate_hz=st.integers(1, 2_000_000).map(lambda mhz: mhz / 1000),
        firmware=texts,
        hardware=texts,
        tick_hz=st.integers(1, 0xFFFF_FFFF),
        log_capacity_bytes=u32,
        min_mtu=u16,
        features=u16.map(air.Feature),
        coefficients_version=u16,
        rotation_version=u16,
        minor=u8,
    ),
    st.builds(
        air.StrideRecords,
        boot_id=u32,
        first_record=u32,
        rules=u16,
        coefficients_version=u16,
        rotation_version=u16,
        records=st.lists(stride_record, min_size=1, max_size=5).map(tuple),
        backfill=st.booleans(),
    ),
    st.builds(
        air.PodStatus,
        boot_id=u32,
        tick=u64,
        taken=u32,
        next_seq=u32,
        dropped=u32,
        clipped=u32,
        log_samples=u32,
        log_overwritten=u32,
        battery_v=u16.map(lambda mv: mv / 1000),
        battery_fraction=u8.map(lambda percent: percent / 100),
        temperature_degc=st.integers(-4_000, 8_500).map(lambda c: c / 100),
        log_fill=u16.map(lambda n: n / 1000),
        mode=st.sampled_from(air.Mode),
        reset_reason=st.sampled_from(air.ResetReason),
        flags=u16.map(air.PodFlag),
    ),
    log_ranges(),
    st.lists(anchor, max_size=11).map(lambda a: air.UtcAnchors(total=len(a) + 3, first=2, anchors=tuple(a))),
    st.builds(
        air.BackfillDone,
        result=st.sampled_from(air.BackfillResult),
        boot_id=u32,
        first_index=u32,
        count=u32,
        sent=u32,
        next_index=u32,
        what=log_kind,
    ),
    st.builds(air.TimePing, ping_id=u16, marker=u64),
    st.builds(air.TimePong, ping_id=u16, boot_id=u32, tick=u64, interval_s=u16.map(lambda n: n * 0.00125), marker=u64),
    st.builds(
        air.CommandReply, command=u8, status=st.sampled_from(air.Status), payload=st.binary(max_size=240), token=u8
    ),
)

COMMANDS: st.SearchStrategy[air.Command] = st.one_of(
    st.builds(air.Start, token=u8, mode=st.sampled_from([air.Mode.RAW, air.Mode.STRIDES, air.Mode.SQUAD])),
    st.builds(air.Stop, token=u8),
    st.builds(air.Identify, token=u8, duration_s=u8),
    st.builds(air.SetRate, rate_mhz=st.integers(26_000, 1_666_000)),
    st.builds(air.GetStatus, token=u8),
    st.builds(air.Anchor, utc_ns=i64),
    st.builds(air.AnchorList, first=u16),
    st.builds(air.LogStatus, first=u16),
    st.builds(air.Backfill, token=u8, boot_id=u32, first_index=u32, count=u32, what=log_kind),
    st.builds(air.BackfillCancel, token=u8),
    st.builds(air.AckLog, boot_id=u32, up_to_index=u32, what=log_kind),
    st.builds(air.EraseLog, token=u8),
    st.builds(air.ClearBonds, token=u8),
    st.builds(
        air.TableBegin, table=st.sampled_from(air.TableKind), version=u16, length=st.integers(1, 16_384), crc32=u32
    ),
    st.builds(air.TableChunk, offset=u32, data=st.binary(min_size=1, max_size=238)),
    st.builds(air.TableCommit, token=u8),
    st.builds(
        air.UpdateBegin,
        key_id=u16,
        image_version=u32,
        length=st.integers(1, 393_216),
        crc32=u32,
        sha256=st.binary(min_size=32, max_size=32),
    ),
    st.builds(air.UpdateChunk, offset=u32, data=st.binary(min_size=1, max_size=238)),
    st.builds(air.UpdateCommit, signature=st.binary(min_size=64, max_size=64)),
)
