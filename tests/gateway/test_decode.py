"""The codec, both directions: what is packed is read back, a cut names its place, nothing else is ever raised."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.air_strategies import COMMANDS, MESSAGES, raw_frames

from evenstride_analysis.model import Doubt, Gait
from evenstride_gateway import air
from evenstride_gateway.air.uuids import pod_id_from_name, pod_name
from evenstride_gateway.decode import Message, Unknown, decode, decode_command, decode_info
from evenstride_gateway.errors import ProtocolError


@given(MESSAGES)
@settings(max_examples=400)
def test_what_is_packed_is_read_back(message: Message) -> None:
    assert decode(bytes(message)) == message  # pyright: ignore[reportArgumentType] - Unknown is not among them


@given(COMMANDS)
@settings(max_examples=300)
def test_commands_are_read_back(command: air.Command) -> None:
    assert decode_command(bytes(command)) == command


@given(MESSAGES, st.data())
@settings(max_examples=300)
def test_every_cut_names_its_offset(message: Message, data: st.DataObject) -> None:
    packed = bytes(message)  # pyright: ignore[reportArgumentType]
    # a reply's payload has no length of its own: its bytes are the rest of the indication
    whole = 4 if isinstance(message, air.CommandReply) else len(packed)
    length = data.draw(st.integers(0, whole - 1))
    with pytest.raises(ProtocolError) as error:
        decode(packed[:length])
    assert error.value.offset == length


@given(COMMANDS, st.data())
def test_every_cut_command_is_refused(command: air.Command, data: st.DataObject) -> None:
    packed = bytes(command)
    whole = 7 if isinstance(command, air.TableChunk | air.UpdateChunk) else len(packed)
    length = data.draw(st.integers(0, whole - 1))
    with pytest.raises(ProtocolError) as error:
        decode_command(packed[:length])
    assert error.value.offset == length


@given(MESSAGES, st.binary(min_size=1, max_size=9))
def test_a_longer_message_of_a_newer_minor_version_is_read(message: Message, more: bytes) -> None:
    if not isinstance(message, air.CommandReply):
        assert decode(bytes(message) + more) == message  # pyright: ignore[reportArgumentType]


@given(st.binary(min_size=1, max_size=60))
def test_an_unknown_kind_is_handed_back_to_be_counted(data: bytes) -> None:
    message = decode(b"\x3f" + data)
    assert message == Unknown(kind=0x3F, data=b"\x3f" + data)
    assert isinstance(decode_command(b"\x7f" + data), Unknown)


def _refused_at(read: Callable[[bytes], object], data: bytes) -> int | None:
    try:
        read(data)
    except ProtocolError as error:
        return error.offset
    return None


def test_random_bytes_raise_nothing_but_protocol_errors() -> None:
    rng = random.Random(1)
    kinds = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x20, 0x21, 0x80, *range(0x40, 0x54)]
    refused, rounds = 0, 20_000
    for turn in range(rounds):
        data = rng.randbytes(rng.randrange(601))
        if turn % 4:
            data = bytes([rng.choice(kinds)]) + data[1:]
        if turn % 8 == 1:
            data = data[:2] + bytes([rng.randrange(20)]) + data[3:]
        for read in (decode, decode_command):
            offset = _refused_at(read, data)
            assert offset is None or 0 <= offset <= max(512, len(data))
            refused += offset is not None
    assert refused > rounds / 4


@given(MESSAGES, st.data())
@settings(max_examples=300)
def test_one_flipped_byte_is_read_or_refused(message: Message, data: st.DataObject) -> None:
    packed = bytearray(bytes(message))  # pyright: ignore[reportArgumentType]
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    offset = _refused_at(decode, bytes(packed))
    assert offset is None or 0 <= offset <= len(packed)


def test_an_oversized_message_is_refused() -> None:
    with pytest.raises(ProtocolError, match="more than 512"):
        decode(bytes(513))


@given(raw_frames())
def test_a_frame_becomes_the_noun_of_the_model(message: air.RawFrame) -> None:
    frame = message.frame("00112233445566aa")
    assert (frame.boot_id, frame.seq, frame.first_index, frame.tick) == (
        message.boot_id,
        message.seq,
        message.first_index,
        message.tick,
    )
    assert np.array_equal(frame.counts, message.counts)
    assert not frame.counts.flags.writeable


@pytest.mark.parametrize(("mtu", "samples"), [(247, 18), (185, 12), (100, 5), (43, 1), (42, 0), (23, 0)])
def test_a_frame_adapts_to_the_mtu(mtu: int, samples: int) -> None:
    assert air.samples_per_frame(mtu) == samples


def test_info_of_another_major_version_still_names_the_pod() -> None:
    info = air.Info(pod_id="0011223344556677", boot_id=5, channels=(), rate_hz=416.0, firmware="", hardware="")
    data = b"\x10\x02\x05" + bytes(info)[3:16]  # nothing beyond the frozen head
    assert air.InfoHead.from_bytes(data).pod_id == "0011223344556677"
    with pytest.raises(air.ProtocolVersionError, match=r"speaks protocol 2\.5") as error:
        decode_info(data)
    assert (error.value.major, error.value.pod_id) == (2, "0011223344556677")


def test_info_without_a_gyroscope_is_refused() -> None:
    channels = tuple(air.Channel(name=f"accel_{axis}", scale=0.005, full_scale=156.9) for axis in "xyz")
    info = air.Info(pod_id="00" * 8, boot_id=1, channels=channels, rate_hz=416.0, firmware="", hardware="")
    with pytest.raises(ProtocolError, match="gyro_x"):
        decode_info(bytes(info))


def test_a_newer_minor_version_may_lengthen_the_fixed_part_of_info() -> None:
    channels = (air.Channel(name="accel_x", scale=0.5, full_scale=16.0),)
    info = air.Info(pod_id="00" * 8, boot_id=1, channels=channels, rate_hz=26.0, firmware="f", hardware="h", minor=3)
    data = bytearray(bytes(info))
    data[3] += 2
    data[40:40] = b"\xee\xee"
    assert air.Info.from_bytes(bytes(data)) == info


def test_a_stride_travels_as_a_record_to_within_a_tick() -> None:
    record = air.StrideRecord(
        strike_index=10,
        end_index=300,
        strike_tick=1_000,
        toe_off_ticks=8_000,
        stride_ticks=22_000,
        stance_sd_s=0.004,
        impact_axial_mps2=61.25,
        impact_mps2=None,
        loading_mps3=None,
        swing_peak_radps=7.0,
        heading_rad=0.01,
        gait=Gait.RUN,
        doubt=Doubt(0),
    )
    stride = record.stride(pod_id="00" * 8, boot_id=1, method="pod-1.0-r0")
    assert stride.stance_s == pytest.approx(8_000 / 32_768)
    assert stride.doubt.names == ("on_pod",)
    back = air.StrideRecord.from_stride(stride)
    assert (back.strike_tick, back.toe_off_ticks, back.stride_ticks) == (1_000, 8_000, 22_000)


def test_a_table_is_cut_into_chunks_that_join_again() -> None:
    commands = list(air.table_transfer(air.TableKind.ROTATION, 3, bytes(range(256)) * 2))
    chunks = [command for command in commands if isinstance(command, air.TableChunk)]
    assert b"".join(chunk.data for chunk in chunks) == bytes(range(256)) * 2
    assert max(len(bytes(command)) for command in commands) <= 244


def test_the_name_carries_the_pod_id() -> None:
    assert pod_id_from_name(pod_name("0011223344556677")) == "0011223344556677"
    assert len(air.scan_response_data(pod_name("0011223344556677"))) <= 31
    assert pod_id_from_name(None) is None
    assert pod_id_from_name("somebody's watch") is None
