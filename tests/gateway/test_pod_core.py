"""The virtual pod's state machine: what happens to every sample at every event of PROTOCOL.md section 6."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pods import frames_of, make_core, sample_numbers, take_all

from evenstride_gateway import air
from evenstride_gateway.air import LogKind, Mode
from evenstride_gateway.virtual.flash_log import Ranges
from evenstride_gateway.virtual.pod_core import PodCore


def test_nothing_is_sent_before_start() -> None:
    core = make_core()
    assert take_all(core, 10.0) == []
    assert core.now_truth.taken == 4161
    assert core.now_truth.skipped == Ranges([(0, 4161)])


def test_a_stream_is_whole_and_stamped_by_the_pods_clock() -> None:
    core = make_core(skew_ppm=40.0, first_tick=1000)
    core.start(1.0, Mode.RAW)
    position = core.position
    frames = frames_of(take_all(core, 2.0, mtu=100) + take_all(core, 3.9))
    assert (frames[0].first_index, frames[0].seq) == (position.next_index, position.next_seq) == (417, 0)
    assert frames[0].tick == position.tick
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert all(a.end_index == b.first_index for a, b in pairwise(frames))
    assert {len(frame.counts) for frame in frames} == {5, 18}
    assert all(sample_numbers(f) == list(range(f.first_index, f.end_index)) for f in frames)
    for frame in frames:
        assert frame.tick == pytest.approx(1000 + frame.first_index / 416 * 32_768 * 1.00004, abs=1)


def test_the_true_rate_sets_the_number_of_samples_not_the_nominal_one() -> None:
    core = make_core(rate_hz=416 * 1.03)
    core.advance(100.0)
    assert core.now_truth.taken == int(100 * 416 * 1.03) + 1
    assert core.info().rate_hz == 416.0


@pytest.mark.parametrize("step_s", [0.001, 0.0171, 0.5, 9.0])
def test_the_pace_of_the_caller_changes_nothing(step_s: float) -> None:
    core, now, messages = make_core(), 0.0, list[air.RawFrame]()
    core.start(0.0, Mode.RAW)
    while now < 1.9:
        now = min(now + step_s, 1.9)
        messages += frames_of(take_all(core, now))
    reference = make_core()
    reference.start(0.0, Mode.RAW)
    whole = frames_of(take_all(reference, 1.9))
    assert [replace(f, backlog=0) for f in messages] == [replace(f, backlog=0) for f in whole]


def test_a_full_queue_drops_the_oldest_and_counts_them() -> None:
    core = make_core(queue_samples=180)
    core.start(0.0, Mode.RAW)
    before = frames_of(take_all(core, 0.4))
    after = frames_of(take_all(core, 5.0))
    jump = after[0].first_index - before[-1].end_index
    assert after[0].seq == before[-1].seq + 1
    assert len(after) == 10
    assert jump > 1000
    assert core.status(5.0).dropped == jump == len(core.now_truth.dropped)


def test_a_lost_link_takes_the_unconfirmed_numbers_back() -> None:
    core = make_core()
    core.start(0.0, Mode.RAW)
    confirmed = frames_of(take_all(core, 1.0))
    unconfirmed = frames_of(take_all(core, 1.2, confirm=False))
    core.link_lost(1.25)
    assert take_all(core, 3.0) == []
    core.start(3.0, Mode.RAW)
    again = frames_of(take_all(core, 4.0))
    assert again[0].seq == unconfirmed[0].seq == confirmed[-1].seq + 1
    assert core.now_truth.dropped == Ranges([(unconfirmed[0].first_index, again[0].first_index)])
    core.begin_backfill(LogKind.RAW, core.clock.boot_id, unconfirmed[0].first_index, 2000)
    filled = take_all(core, 4.0)
    assert frames_of(filled, backfill=True)[0].tick == unconfirmed[0].tick
    assert frames_of(filled, backfill=True)[0].first_index == unconfirmed[0].first_index


def test_a_partly_confirmed_burst_keeps_what_was_confirmed() -> None:
    core = make_core()
    core.start(0.0, Mode.RAW)
    burst = take_all(core, 1.0, confirm=False)  # status first, then 23 frames
    core.confirm(4)
    core.link_lost(1.0)
    assert core.seq == 3
    assert core.now_truth.confirmed == Ranges([(frames_of(burst)[0].first_index, frames_of(burst)[2].end_index)])


def test_a_power_cut_kills_only_what_was_not_in_flash() -> None:
    core = make_core()
    core.start(0.0, Mode.RAW)
    take_all(core, 1.4)
    first_boot = core.now_truth
    core.power_cut(1.7)
    assert first_boot.taken == 708
    delivered = max(end for _, end in first_boot.confirmed)
    assert first_boot.died == Ranges([(max(delivered, 624), 708)])
    core.boot(2.0)
    assert core.clock.boot_id == first_boot.boot_id + 1
    assert core.position.next_index == 0
    ranges = core.flash.ranges()
    assert [(r.boot_id, r.first_index, r.end_index) for r in ranges] == [(1, 0, 624)]
    core.start(3.0, Mode.RAW)
    frame = frames_of(take_all(core, 3.2))[0]
    assert frame.seq == 0
    assert sample_numbers(frame)[0] == 832 + frame.first_index  # the runner ran on while the pod was off


def test_backfill_brings_every_bit_and_says_what_is_gone() -> None:
    core = make_core(capacity_bytes=20_000)
    core.advance(60.0)
    core.write_staged()
    held = core.flash.ranges()[0]
    assert held.first_index > 0
    assert core.flash.raw.overwritten == held.first_index
    core.begin_backfill(LogKind.RAW, 1, 0, held.end_index)
    messages = take_all(core, 60.0)
    frames = frames_of(messages, backfill=True)
    assert [n for f in frames for n in sample_numbers(f)] == list(range(held.first_index, held.end_index))
    done = messages[-1]
    assert isinstance(done, air.BackfillDone)
    assert done.result is air.BackfillResult.PARTIAL
    assert (done.sent, done.next_index) == (held.end_index - held.first_index, held.end_index)
    assert [f.seq for f in frames] == list(range(len(frames)))


def test_live_frames_go_before_backfill_and_their_numbers_are_apart() -> None:
    core = make_core()
    core.advance(10.0)
    core.start(10.0, Mode.RAW)
    take_all(core, 10.0)
    core.begin_backfill(LogKind.RAW, 1, 0, 4000)
    core.advance(10.1)
    first = air.RawFrame.from_bytes(core.take_live(10.1, 247) or b"")
    assert (first.backfill, first.seq) == (False, 0)
    second = air.RawFrame.from_bytes(core.take_backfill(247) or b"")
    assert (second.backfill, second.seq) == (True, 0)
    core.cancel_backfill()
    done = air.BackfillDone.from_bytes(core.take_backfill(247) or b"")
    assert (done.result, done.next_index) == (air.BackfillResult.CANCELLED, second.end_index)


def test_half_the_rate_is_another_boot() -> None:
    core = make_core()
    core.advance(2.0)
    core.change_rate(2.0, 2)
    assert core.clock.boot_id == 2
    assert core.info().rate_hz == 208.0
    core.start(2.0, Mode.RAW)
    numbers = [n for f in frames_of(take_all(core, 3.0)) for n in sample_numbers(f)]
    assert {b - a for a, b in pairwise(numbers)} == {2}
    assert core.flash.ranges()[0].end_index == 833


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["wait", "send", "hold", "start", "stop", "lost", "cut", "confirm"]), st.floats(0.01, 1.5)
    ),
    max_size=40,
)


def _accounts(core: PodCore) -> None:
    for truth in core.truth.values():
        parts = [truth.confirmed, truth.dropped, truth.skipped, truth.died]
        union = Ranges(r for part in parts for r in part)
        assert sum(map(len, parts)) == len(union)  # no sample twice
        open_ends = 0 if truth is not core.now_truth or not core.powered else truth.taken
        assert len(union) <= truth.taken
        assert len(union) == truth.taken or open_ends  # all of them, once the boot is over


@given(EVENTS)
@settings(max_examples=150, deadline=None)
def test_every_sample_is_accounted_for_once_whatever_happens(events: list[tuple[str, float]]) -> None:
    core, now = make_core(queue_samples=300), 0.0
    heard = dict[tuple[int, int], int]()
    for event, duration in events:
        now += duration
        core.advance(now)
        match event:
            case "start":
                core.start(now, Mode.RAW)
            case "stop":
                core.stop(now)
            case "lost":
                core.link_lost(now)
            case "cut":
                core.power_cut(now)
                core.boot(now + 0.2)
                now += 0.2
            case "confirm":
                core.confirm(3)
            case "send" | "hold":
                for frame in frames_of(take_all(core, now, confirm=event == "send")):
                    for k, number in enumerate(sample_numbers(frame)):
                        key = (frame.boot_id, frame.first_index + k)
                        assert heard.setdefault(key, number) == number
            case _:
                pass
        _accounts(core)
    core.power_cut(now)
    _accounts(core)
    for boot_id, truth in core.truth.items():
        assert all((boot_id, index) in heard for start, end in truth.confirmed for index in range(start, end))
        held = Ranges((r.first_index, r.end_index) for r in core.flash.ranges() if r.boot_id == boot_id)
        lost = Ranges([(0, truth.taken)]).minus(held).minus(truth.confirmed)
        assert lost == truth.died  # what no flash holds and nobody got is exactly what died


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12), st.integers(0, 60))
def test_ranges_are_sets(pairs: list[tuple[int, int]], hole: int) -> None:
    ranges, plain = Ranges(pairs), {n for a, b in pairs for n in range(a, b)}
    other = Ranges([(hole, hole + 9), (hole + 15, hole + 20)])
    assert len(ranges) == len(plain)
    assert {n for a, b in ranges for n in range(a, b)} == plain
    assert {n for a, b in ranges.minus(other) for n in range(a, b)} == {
        n for n in plain if not (hole <= n < hole + 9 or hole + 15 <= n < hole + 20)
    }
