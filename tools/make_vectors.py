"""Writes firmware/vectors/*.json from the Python codec: what the firmware's codec must read and write, bit for bit.

python tools/make_vectors.py            # write
python tools/make_vectors.py --check    # exit 1 when a committed file is stale
"""

import dataclasses
import json
import sys
from enum import Enum
from pathlib import Path

import numpy as np

from evenstride_analysis.model import SIX_AXES, Doubt, Gait
from evenstride_gateway import air
from evenstride_gateway.decode import Unknown, decode, decode_command
from evenstride_gateway.errors import ProtocolError

VECTORS = Path(__file__).parent.parent / "firmware" / "vectors"
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

ACCEL_SCALE, GYRO_SCALE = float(np.float32(0.0047885496)), float(np.float32(0.0010652969))
ACCEL_RANGE, GYRO_RANGE = float(np.float32(156.9064)), float(np.float32(34.906586))
CHANNELS = tuple(
    air.Channel(name=name, scale=ACCEL_SCALE, full_scale=ACCEL_RANGE)
    if name.startswith("accel")
    else air.Channel(name=name, scale=GYRO_SCALE, full_scale=GYRO_RANGE)
    for name in SIX_AXES
)
HIGH_G = tuple(air.Channel(name=f"accel_high_{axis}", scale=0.125, full_scale=3136.0) for axis in "xyz")


def _info(*, name: str = "evenstride 1.0.0", more: tuple[air.Channel, ...] = ()) -> air.Info:
    return air.Info(
        pod_id="00112233445566aa",
        boot_id=7,
        channels=CHANNELS + more,
        rate_hz=416.0,
        firmware=name,
        hardware="xiao-nrf52840-sense",
        log_capacity_bytes=2_000_000,
        features=air.Feature.RAW_LOG | air.Feature.RECORDS | air.Feature.SQUAD,
        coefficients_version=3,
        rotation_version=2,
    )


def _frame(n: int, *, channels: int = 6, backfill: bool = False, clipped: bool = False) -> air.RawFrame:
    counts = (np.arange(n * channels).reshape(n, channels) * 997 % 65_536 - 32_768).astype(np.int16)
    return air.RawFrame(
        boot_id=7,
        seq=258,
        first_index=4_386,
        tick=0x0102_0304_0506,
        backfill=backfill,
        counts=counts,
        clipped=clipped,
        mask=(1 << channels) - 1,
        backlog=36,
    )


RECORD = air.StrideRecord(
    strike_index=4_100,
    end_index=4_390,
    strike_tick=322_950,
    toe_off_ticks=8_192,
    stride_ticks=22_843,
    stance_sd_s=450 * 1e-5,
    impact_axial_mps2=1200 * 0.05,
    impact_mps2=1320 * 0.05,
    loading_mps3=310 * 10.0,
    swing_peak_radps=8123 * 1e-3,
    heading_rad=-312 * 1e-4,
    gait=Gait.RUN,
    doubt=Doubt(0),
)
BARE = dataclasses.replace(
    RECORD,
    impact_axial_mps2=None,
    impact_mps2=None,
    loading_mps3=None,
    heading_rad=None,
    gait=Gait.WALK,
    doubt=Doubt.GAP | Doubt.CLIPPED,
)


def _records(*records: air.StrideRecord, backfill: bool = False) -> air.StrideRecords:
    return air.StrideRecords(
        boot_id=7,
        first_record=41,
        rules=1,
        coefficients_version=3,
        rotation_version=2,
        records=records,
        backfill=backfill,
    )


STATUS = air.PodStatus(
    boot_id=7,
    tick=98_304_000,
    taken=1_248_000,
    next_seq=69_333,
    dropped=18,
    clipped=3,
    log_samples=166_000,
    log_overwritten=0,
    battery_v=3.912,
    battery_fraction=0.81,
    temperature_degc=-3.25,
    log_fill=0.996,
    mode=air.Mode.RAW,
    reset_reason=air.ResetReason.WATCHDOG,
    flags=air.PodFlag.CLOCK_UNSET | air.PodFlag.UNALIGNED,
)
RANGES = air.LogRanges(
    total=2,
    first=0,
    ranges=(
        air.LogRange(boot_id=6, first_index=0, end_index=52_000),
        air.LogRange(boot_id=7, first_index=0, end_index=41, what=air.LogKind.RECORDS),
    ),
)
ANCHOR = air.UtcAnchor(boot_id=7, tick=65_536, utc_ns=1_795_255_121_123_456_789)

MESSAGES: dict[str, air.Info | air.RawFrame | object] = {
    "info": _info(),
    "info_with_high_g": _info(name="", more=HIGH_G),
    "raw_frame_18": _frame(18),
    "raw_frame_1_clipped": _frame(1, clipped=True),
    "raw_frame_backfill": _frame(5, backfill=True),
    "raw_frame_9_channels": _frame(2, channels=9),
    "stride_records_1": _records(RECORD),
    "stride_records_5_backfill": _records(*[RECORD, BARE] * 2, RECORD, backfill=True),
    "pod_status": STATUS,
    "log_ranges": RANGES,
    "log_ranges_empty": air.LogRanges(total=0, first=0, ranges=()),
    "utc_anchors": air.UtcAnchors(total=12, first=11, anchors=(ANCHOR,)),
    "backfill_done": air.BackfillDone(
        result=air.BackfillResult.PARTIAL, boot_id=7, first_index=1_000, count=500, sent=420, next_index=1_500
    ),
    "time_ping": air.TimePing(ping_id=513, marker=0x0102_0304_0506_0708),
    "time_pong": air.TimePong(ping_id=513, boot_id=7, tick=99_945, interval_s=0.015, marker=0x0102_0304_0506_0708),
    "reply_to_start": air.CommandReply(
        command=air.Start.opcode,
        token=9,
        status=air.Status.OK,
        payload=bytes(air.StreamPosition(boot_id=7, next_seq=258, next_index=4_386, tick=345_480)),
    ),
    "reply_refused": air.CommandReply(command=air.Start.opcode, token=9, status=air.Status.MTU_TOO_SMALL),
}
COMMANDS: dict[str, air.Command] = {
    "start_raw": air.Start(token=9),
    "start_strides": air.Start(mode=air.Mode.STRIDES),
    "stop": air.Stop(token=10),
    "identify": air.Identify(duration_s=5),
    "set_rate": air.SetRate(rate_mhz=208_000),
    "get_status": air.GetStatus(),
    "anchor": air.Anchor(utc_ns=1_795_255_121_123_456_789),
    "anchor_list": air.AnchorList(first=11),
    "log_status": air.LogStatus(first=14),
    "backfill": air.Backfill(token=3, boot_id=7, first_index=1_000, count=500),
    "backfill_records": air.Backfill(boot_id=7, first_index=41, count=9, what=air.LogKind.RECORDS),
    "backfill_cancel": air.BackfillCancel(),
    "ack_log": air.AckLog(boot_id=7, up_to_index=52_000),
    "erase_log": air.EraseLog(),
    "clear_bonds": air.ClearBonds(),
    "table_begin": air.TableBegin(table=air.TableKind.ROTATION, version=3, length=36, crc32=0x1234_ABCD),
    "table_chunk": air.TableChunk(offset=0, data=bytes(range(36))),
    "table_commit": air.TableCommit(),
    "update_begin": air.UpdateBegin(
        key_id=1, image_version=0x0001_0002, length=191_000, crc32=0xCAFE_F00D, sha256=bytes(range(32))
    ),
    "update_chunk": air.UpdateChunk(offset=238, data=bytes(range(10))),
    "update_commit": air.UpdateCommit(signature=bytes(range(64))),
}
ADVERTISEMENTS = {
    "running": air.Advertisement(
        flags=air.AdvertFlag.RUNNING | air.AdvertFlag.LOG_WAITING,
        strides=200,
        battery_fraction=12 / 15,
        stance_s=999 * 0.00025,
        impact_mps2=121 * 0.5,
        strides_per_min=85,
    ),
    "resting": air.Advertisement(
        flags=air.AdvertFlag(0),
        strides=0,
        battery_fraction=1.0,
        stance_s=None,
        impact_mps2=None,
        strides_per_min=None,
    ),
}


def _patched(data: bytes, offset: int, *values: int) -> bytes:
    return data[:offset] + bytes(values) + data[offset + len(values) :]


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "info_cut_in_channels": bytes(_info())[:60],
    "info_17_channels": _patched(bytes(_info()), 36, 17),
    "info_tick_hz_0": _patched(bytes(_info()), 16, 0, 0, 0, 0),
    "info_scale_nan": _patched(bytes(_info()), 41, 0, 0, 0xC0, 0x7F),
    "info_text_too_long": _patched(bytes(_info()), 94, 25),
    "info_major_2": _patched(bytes(_info()), 1, 2),
    "raw_frame_cut": bytes(_frame(18))[:243],
    "raw_frame_cut_in_header": bytes(_frame(18))[:27],
    "raw_frame_0_samples": _patched(bytes(_frame(1)), 2, 0),
    "raw_frame_no_channels": _patched(bytes(_frame(1)), 24, 0, 0),
    "stride_records_6": _patched(bytes(_records(RECORD)), 2, 6),
    "stride_record_too_small": _patched(bytes(_records(RECORD)), 3, 39),
    "stride_record_unknown_gait": _patched(bytes(_records(RECORD)), 20 + 36, 2),
    "pod_status_cut": bytes(STATUS)[:47],
    "log_ranges_15": _patched(bytes(RANGES), 1, 15),
    "log_range_backwards": _patched(bytes(RANGES), 16, 1, 0, 0, 1),
    "backfill_done_unknown_result": _patched(bytes(MESSAGES["backfill_done"]), 1, 4),  # pyright: ignore[reportArgumentType]
    "time_pong_cut": bytes(MESSAGES["time_pong"])[:20],  # pyright: ignore[reportArgumentType]
    "reply_cut": b"\x80\x40\x00",
}
MALFORMED_COMMANDS: dict[str, bytes] = {
    "empty": b"",
    "start_without_mode": bytes(air.Start())[:2],
    "start_unknown_mode": _patched(bytes(air.Start()), 2, 4),
    "start_idle": _patched(bytes(air.Start()), 2, 0),
    "set_rate_0": _patched(bytes(air.SetRate(rate_mhz=208_000)), 2, 0, 0, 0, 0),
    "backfill_cut": bytes(COMMANDS["backfill"])[:17],
    "backfill_unknown_log": _patched(bytes(COMMANDS["backfill"]), 10, 2),
    "table_begin_too_long": _patched(bytes(COMMANDS["table_begin"]), 6, 1, 0x40, 0, 0),
    "table_chunk_empty": bytes(COMMANDS["table_chunk"])[:6],
    "update_begin_length_0": _patched(bytes(COMMANDS["update_begin"]), 8, 0, 0, 0, 0),
}
FUTURE = {
    "raw_frame_longer": bytes(_frame(2)) + b"\xaa\xbb",
    "pod_status_longer": bytes(STATUS) + b"\x01\x02\x03",
    "unknown_kind": b"\x33\x01\x02\x03",
}


def plain(value: object) -> Json:
    """A message as JSON: enums as numbers, bytes in hex, arrays and tuples as lists."""
    match value:
        case Gait():
            form = value.value
        case Enum():
            form = int(value.value)
        case bytes():
            form = value.hex()
        case np.ndarray():
            form = value.tolist()
        case tuple():
            form = [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case None | bool() | int() | float() | str():
            form = value
        case _ if dataclasses.is_dataclass(value):
            form = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            raise TypeError(f"{type(value)} has no form in JSON")
    return form


def _good(name: str, message: object, **more: str) -> Json:
    return {
        "name": name,
        "type": type(message).__name__,
        "hex": bytes(message).hex(),  # pyright: ignore[reportArgumentType, reportCallIssue]
        "fields": plain(message),
        **more,
    }


def _bad(name: str, data: bytes, *, command: bool) -> Json:
    try:
        (decode_command if command else decode)(data)
    except ProtocolError as error:
        what = str(error).split(" at byte ")[0]
        return {"name": name, "hex": data.hex(), "error": what, "offset": error.offset}
    raise ValueError(f"malformed vector {name} is well formed")


def _future(name: str, data: bytes) -> Json:
    message = decode(data)
    read = None if isinstance(message, Unknown) else bytes(message).hex()
    return {"name": name, "hex": data.hex(), "read_as": read}


def files() -> dict[str, str]:
    """File name -> content."""
    lists: dict[str, list[Json]] = {
        "messages": [_good(name, message) for name, message in MESSAGES.items()],
        "commands": [_good(name, command) for name, command in COMMANDS.items()],
        "advertising": [
            _good(name, advert, advertising_data=air.advertising_data(advert).hex())
            for name, advert in ADVERTISEMENTS.items()
        ],
        "malformed": [_bad(name, data, command=False) for name, data in MALFORMED.items()],
        "malformed_commands": [_bad(name, data, command=True) for name, data in MALFORMED_COMMANDS.items()],
        "future": [_future(name, data) for name, data in FUTURE.items()],
    }
    return {f"{name}.json": json.dumps(entries, indent=1) + "\n" for name, entries in lists.items()}


def main() -> int:
    texts = files()
    stale = [name for name in texts if not (VECTORS / name).exists() or (VECTORS / name).read_text() != texts[name]]
    if "--check" in sys.argv:
        print("\n".join(f"stale: firmware/vectors/{name}" for name in stale))
        return 1 if stale else 0
    VECTORS.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (VECTORS / name).write_text(texts[name])
        print(f"wrote firmware/vectors/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
