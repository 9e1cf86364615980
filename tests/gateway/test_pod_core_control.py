"""What a virtual pod answers to commands: replies, refusals, tables, anchors, the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pods import make_core, take_all

from evenstride_analysis.model import Doubt, Gait, Gap, SampleBlock, Stride
from evenstride_gateway import air
from evenstride_gateway.air import Mode, Status, TableKind
from evenstride_gateway.virtual.pod_control import LinkFacts, PodControl

LINK = LinkFacts(mtu=247)


class EverySecond:
    """A detector that finds one stride of 0.7 s in each block of half a second."""

    def push(self, item: SampleBlock | Gap, /) -> list[Stride]:
        assert isinstance(item, SampleBlock)
        start = float(item.stamp_s[0])
        return [
            Stride(
                pod_id=item.pod_id,
                boot_id=item.boot_id,
                strike_index=item.first_index,
                end_index=item.end_index,
                strike_s=start,
                toe_off_s=start + 0.25,
                end_s=start + 0.7,
                stance_sd_s=0.004,
                impact_axial_mps2=60.0,
                impact_mps2=65.0,
                loading_mps3=3000.0,
                swing_peak_radps=8.0,
                heading_rad=0.0,
                gait=Gait.RUN,
                method="test",
                doubt=Doubt(0),
            )
        ]


def ask(control: PodControl, command: air.Command, now_s: float = 1.0, link: LinkFacts = LINK) -> air.CommandReply:
    reply = control.answer(bytes(command), now_s, link)
    assert (reply.command, reply.token) == (command.opcode, command.token)
    assert len(bytes(reply)) <= 244
    return reply


def test_start_and_stop_tell_where_the_stream_stands() -> None:
    control = PodControl(make_core())
    begun = air.StreamPosition.from_bytes(ask(control, air.Start(token=7), 1.0).payload)
    take_all(control.core, 2.0)
    ended = air.StreamPosition.from_bytes(ask(control, air.Stop(), 2.0).payload)
    assert (begun.next_seq, begun.next_index) == (0, 417)
    assert (ended.next_seq, ended.next_index) == (23, 833)
    assert take_all(control.core, 3.0) == []


@pytest.mark.parametrize(
    ("command", "link", "status"),
    [
        (air.Start(), LinkFacts(mtu=99), Status.MTU_TOO_SMALL),
        (air.Start(), LinkFacts(mtu=247, subscribed=False), Status.BAD_STATE),
        (air.Backfill(boot_id=1, first_index=0, count=0), LINK, Status.OUT_OF_RANGE),
        (air.Backfill(boot_id=1, first_index=0, count=9), LinkFacts(mtu=23), Status.MTU_TOO_SMALL),
        (air.SetRate(rate_mhz=100_000), LINK, Status.OUT_OF_RANGE),
        (air.LogStatus(first=9), LINK, Status.OUT_OF_RANGE),
        (air.TableCommit(), LINK, Status.BAD_STATE),
        (air.TableChunk(offset=0, data=b"x"), LINK, Status.BAD_STATE),
        (air.EraseLog(), LINK, Status.NEEDS_BOND),
        (air.ClearBonds(), LINK, Status.NEEDS_BOND),
        (air.UpdateCommit(signature=bytes(64)), LINK, Status.NEEDS_BOND),
        (air.UpdateCommit(signature=bytes(64)), LinkFacts(mtu=247, bonded=True), Status.NOT_SUPPORTED),
    ],
)
def test_a_refused_command_changes_nothing(command: air.Command, link: LinkFacts, status: Status) -> None:
    control = PodControl(make_core())
    assert ask(control, command, 1.0, link).status is status
    assert control.core.mode is Mode.IDLE
    assert not control.core.backfilling


def test_a_bonded_only_pod_wants_a_bond() -> None:
    control = PodControl(make_core(bonded_only=True))
    assert ask(control, air.Start()).status is Status.NEEDS_BOND
    assert ask(control, air.Start(), link=LinkFacts(mtu=247, bonded=True)).status is Status.OK


def test_malformed_and_unknown_commands_are_answered() -> None:
    control = PodControl(make_core())
    assert control.answer(b"", 1.0, LINK).status is Status.MALFORMED
    assert control.answer(b"\x40\x05", 1.0, LINK) == air.CommandReply(command=0x40, token=5, status=Status.MALFORMED)
    assert control.answer(b"\x7e\x06", 1.0, LINK).status is Status.UNKNOWN_COMMAND


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_write_breaks_the_pod(writes: list[bytes]) -> None:
    control = PodControl(make_core())
    for turn, data in enumerate(writes):
        assert len(bytes(control.answer(data, 1.0 + turn, LINK))) <= 244


def test_the_rate_changes_only_while_idle_and_begins_a_boot() -> None:
    control = PodControl(make_core())
    assert ask(control, air.SetRate(rate_mhz=416_000)).status is Status.OK
    assert control.core.clock.boot_id == 1
    position = air.StreamPosition.from_bytes(ask(control, air.SetRate(rate_mhz=208_000)).payload)
    assert (position.boot_id, position.next_index) == (2, 0)
    ask(control, air.Start())
    assert ask(control, air.SetRate(rate_mhz=416_000)).status is Status.BAD_STATE


def test_a_table_replaces_the_old_one_only_when_it_is_whole() -> None:
    control = PodControl(make_core())
    good = list(air.table_transfer(TableKind.ROTATION, 3, bytes(range(200)) * 3))
    for command in [good[0], good[1], good[1], *good[2:]]:  # one chunk twice
        assert ask(control, command).status is Status.OK
    assert control.core.info().rotation_version == 3
    bad = list(air.table_transfer(TableKind.ROTATION, 4, b"other"))
    for command in [bad[0], air.TableChunk(offset=0, data=b"oth0r")]:
        assert ask(control, command).status is Status.OK
    assert ask(control, air.TableChunk(offset=9, data=b"x")).status is Status.OUT_OF_RANGE
    assert ask(control, air.TableCommit()).status is Status.CRC_MISMATCH
    assert control.core.info().rotation_version == 3
    assert control.core.flash.tables[TableKind.ROTATION].content == bytes(range(200)) * 3


def test_anchors_outlive_power_and_are_listed_in_pages() -> None:
    control = PodControl(make_core())
    for n in range(13):
        reply = ask(control, air.Anchor(utc_ns=n), 1.0 + n)
    (anchor,) = air.UtcAnchors.from_bytes(reply.payload).anchors  # pyright: ignore[reportPossiblyUnboundVariable]
    assert (anchor.utc_ns, anchor.tick) == (12, 13 * 32_768)
    control.core.power_cut(20.0)
    control.core.boot(21.0)
    pages = [air.UtcAnchors.from_bytes(ask(control, air.AnchorList(first=n), 22.0).payload) for n in (0, 11, 13)]
    assert [len(page.anchors) for page in pages] == [11, 2, 0]
    assert pages[0].total == 13
    assert air.PodFlag.CLOCK_UNSET in control.core.status(22.0).flags


def dated(control: PodControl) -> list[tuple[int, int]]:
    """Boot and time of each anchor, as they are kept."""
    return [(anchor.boot_id, anchor.utc_ns) for anchor in control.core.flash.anchors]


def test_boots_of_one_life_of_the_counter_share_their_anchors() -> None:
    control = PodControl(make_core())
    ask(control, air.SetRate(rate_mhz=208_000), 2.0)
    ask(control, air.Anchor(utc_ns=5), 3.0)
    assert dated(control) == [(1, 5), (2, 5)]
    ask(control, air.SetRate(rate_mhz=416_000), 4.0)
    assert dated(control) == [(1, 5), (2, 5), (3, 5)]
    assert len({anchor.tick for anchor in control.core.flash.anchors}) == 1
    control.core.power_cut(20.0)
    control.core.boot(21.0)
    ask(control, air.SetRate(rate_mhz=208_000), 22.0)
    assert len(dated(control)) == 3  # another life
    ask(control, air.Anchor(utc_ns=9), 23.0)
    assert dated(control)[3:] == [(4, 9), (5, 9)]


def test_of_64_anchors_those_of_boots_that_are_in_no_log_give_way_first() -> None:
    control = PodControl(make_core())
    for n in range(64):
        ask(control, air.Anchor(utc_ns=n), 1.0)
    control.core.power_cut(20.0)
    control.core.boot(21.0)
    ask(control, air.Anchor(utc_ns=64), 22.0)
    assert dated(control) == [(1, n) for n in range(1, 64)] + [(2, 64)]
    assert ask(control, air.EraseLog(), 23.0, LinkFacts(mtu=247, bonded=True)).status is Status.OK
    assert dated(control) == [(2, 64)]
    control.core.flash.anchors[:] = [air.UtcAnchor(boot_id=1, tick=0, utc_ns=n) for n in range(63)] + [
        air.UtcAnchor(boot_id=2, tick=0, utc_ns=64)
    ]
    ask(control, air.Anchor(utc_ns=65), 24.0)
    assert dated(control)[-3:] == [(1, 62), (2, 64), (2, 65)]
    assert len(dated(control)) == 64


def test_acknowledged_samples_are_forgotten_and_not_counted_as_overwritten() -> None:
    control = PodControl(make_core())
    ask(control, air.AckLog(boot_id=1, up_to_index=1000), 10.0)
    (held,) = air.LogRanges.from_bytes(ask(control, air.LogStatus(), 10.0).payload).ranges
    assert (held.first_index, held.end_index) == (1000, 4161)
    assert control.core.flash.raw.overwritten == 0
    assert ask(control, air.EraseLog(), 10.0, LinkFacts(mtu=247, bonded=True)).status is Status.OK
    assert control.core.flash.ranges() == []


def test_a_second_backfill_waits_for_the_first() -> None:
    control = PodControl(make_core())
    command = air.Backfill(boot_id=1, first_index=0, count=400)
    assert ask(control, command).status is Status.OK
    assert ask(control, command).status is Status.BUSY
    ask(control, air.BackfillCancel())
    take_all(control.core, 1.0)
    assert ask(control, command).status is Status.OK


def test_records_are_logged_streamed_advertised_and_backfilled() -> None:
    core = make_core(detector=EverySecond)
    control = PodControl(core)
    core.advance(5.0)
    assert core.flash.records.ranges()[0].end_index == 10
    ask(control, air.Start(mode=Mode.STRIDES), 5.0)
    live = [m for m in take_all(core, 7.0) if isinstance(m, air.StrideRecords)]
    assert [m.first_record for m in live] == [10]
    assert len(live[0].records) == 4
    stride = live[0].records[0].stride(pod_id="00" * 8, boot_id=1, method=live[0].method)
    assert stride.stance_s == pytest.approx(0.25, abs=4e-5)
    ask(control, air.Backfill(boot_id=1, first_index=0, count=10, what=air.LogKind.RECORDS), 7.0)
    filled = [m for m in take_all(core, 7.0) if isinstance(m, air.StrideRecords) and m.backfill]
    assert [(m.first_record, len(m.records), m.backfill) for m in filled] == [(0, 5, True), (5, 5, True)]
    advert = core.advertisement(7.0)
    assert advert.stance_s == pytest.approx(0.25, abs=2e-4)
    assert (advert.strides, advert.strides_per_min) == (
        15,
        86,
    )  # what was staged when the backfill was asked for is one more
    assert len(air.advertising_data(advert)) == 31
    assert air.AdvertFlag.RUNNING in advert.flags
    standing = core.advertisement(15.0)  # advance() has not been called: no stride since
    assert air.AdvertFlag.RUNNING not in standing.flags
    assert standing.stance_s == advert.stance_s
