"""Every sample is in exactly one account, against the truth of a simulated pod, radio and host."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.store_data import BOOT, LEFT_POD, counts, frame

from evenstride_analysis.model import Frame, LossCause
from evenstride_gateway.errors import InputError
from evenstride_gateway.ledger import IndexSet, SampleLedger, pieces


@dataclass
class Truth:
    """What became of each frame of a run."""

    n: int
    delivered: list[Frame] = field(default_factory=list[Frame])
    pod_lost: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    host_lost: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


@st.composite
def runs(draw: st.DrawFn) -> Truth:
    """Frames in a row, each delivered, dropped by the pod or lost by the host; the first and last are delivered."""
    n = draw(st.integers(1, 20))
    fates = draw(st.lists(st.sampled_from(["ok", "ok", "ok", "pod", "host"]), max_size=40))
    truth, seq, index = Truth(n), draw(st.integers(0, 5)), draw(st.integers(0, 100))
    for fate in ["ok", *fates, "ok"]:
        if fate == "ok":
            truth.delivered.append(frame(index, n, seq=seq))
        else:
            (truth.pod_lost if fate == "pod" else truth.host_lost).append((index, index + n))
        seq += fate != "pod"
        index += n
    return truth


def _account(ledger: SampleLedger) -> None:
    """Each index of [first, end) is received or missing with one cause, and the counts say the same."""
    c = ledger.snapshot()
    assert c.received + c.missing_pod + c.missing_host == c.end_index - c.first_index
    losses = ledger.losses()
    assert all(a.first_index + a.missing <= b.first_index for a, b in pairwise(losses))
    assert sum(g.missing for g in ledger.missing()) == c.missing_pod + c.missing_host


@given(runs(), st.data())
def test_losses_are_told_apart_whatever_the_order_and_the_duplicates(truth: Truth, data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(truth.delivered), max_size=5))
    ledger = SampleLedger(pod_id=LEFT_POD, boot_id=BOOT)
    for item in data.draw(st.permutations([*truth.delivered, *repeated])):
        ledger.take(item)
    _account(ledger)
    c = ledger.snapshot()
    assert c.missing_pod == truth.n * len(truth.pod_lost)
    assert c.missing_host == truth.n * len(truth.host_lost)
    assert c.duplicates == truth.n * len(repeated)
    assert c.received == truth.n * len(truth.delivered)


@given(runs(), st.data())
def test_a_backfill_in_any_portions_closes_what_it_brings(truth: Truth, data: st.DataObject) -> None:
    ledger = SampleLedger(pod_id=LEFT_POD, boot_id=BOOT)
    lost = [i for a, b in truth.pod_lost + truth.host_lost for i in range(a, b)]
    begin = truth.delivered[0].first_index
    fills = [
        frame(a, m)
        for a, m in data.draw(st.lists(st.tuples(st.sampled_from(lost or [begin]), st.integers(1, 30)), max_size=6))
    ]
    end = truth.delivered[-1].end_index
    fills = [frame(f.first_index, min(len(f.counts), end - f.first_index)) for f in fills]
    mixed = data.draw(st.permutations([(f, False) for f in truth.delivered] + [(f, True) for f in fills]))
    new: list[tuple[int, int]] = []
    for item, backfill in mixed:
        new += ledger.take(item, backfill=backfill)
        _account(ledger)
    brought = {i for f in [*truth.delivered, *fills] for i in range(f.first_index, f.end_index)}
    assert sorted(i for a, b in new for i in range(a, b)) == sorted(brought)  # each once
    assert {i for g in ledger.missing() for i in range(g.first_index, g.first_index + g.missing)} == set(lost) - brought
    for f in fills:
        ledger.take(f, backfill=True)
    for a, b in [*truth.pod_lost, *truth.host_lost]:
        ledger.take(frame(a, b - a), backfill=True)
    assert ledger.missing() == []


def test_a_late_frame_closes_the_gap_again() -> None:
    ledger = SampleLedger(pod_id=LEFT_POD, boot_id=BOOT)
    for first, seq in ((0, 0), (34, 2)):
        ledger.take(frame(first, seq=seq))
    assert [(g.first_index, g.missing, g.cause) for g in ledger.losses()] == [(17, 17, LossCause.HOST)]
    assert ledger.take(frame(17, seq=1)) == [(17, 34)]
    assert ledger.losses() == []


def test_numbers_used_again_after_a_link_loss_are_the_pods_loss() -> None:
    ledger = SampleLedger(pod_id=LEFT_POD, boot_id=BOOT)
    ledger.take(frame(0, seq=5))
    ledger.take(frame(17, seq=6))  # arrived, but the link layer had no confirmation: 6 is used again
    ledger.take(frame(340, seq=6))
    ledger.take(frame(357, seq=7))
    c = ledger.snapshot()
    assert (c.missing_pod, c.missing_host) == (306, 0)


def test_a_hole_of_both_causes_is_split_by_arithmetic() -> None:
    ledger = SampleLedger(pod_id=LEFT_POD, boot_id=BOOT)
    ledger.take(frame(0, seq=0))
    ledger.take(frame(17 * 6, seq=3))  # five frames away, two numbers
    assert [(g.first_index, g.missing, g.cause) for g in ledger.losses()] == [
        (17, 34, LossCause.HOST),
        (51, 51, LossCause.POD),
    ]


def test_the_account_begins_where_the_stream_does_unless_told() -> None:
    streaming, booted = (SampleLedger(pod_id=LEFT_POD, boot_id=BOOT, expect_from=start) for start in (None, 0))
    for ledger in (streaming, booted):
        ledger.take(frame(170, seq=4))
    assert streaming.snapshot().missing_host == 0
    c = booted.snapshot()
    assert (c.first_index, c.missing_host, c.missing_pod) == (0, 68, 102)


def test_what_the_pod_says_it_took_is_missing_until_it_comes() -> None:
    ledger = SampleLedger(pod_id=LEFT_POD, boot_id=BOOT)
    ledger.take(frame(0, seq=0))
    ledger.expect(100)
    assert [(g.first_index, g.missing, g.cause) for g in ledger.losses()] == [(17, 83, LossCause.POD)]
    assert ledger.take(frame(10, 90), backfill=True) == [(17, 100)]
    c = ledger.snapshot()
    assert (c.received, c.backfilled, c.duplicates, c.missing_pod) == (100, 83, 7, 0)


def test_a_frame_of_another_boot_is_refused() -> None:
    with pytest.raises(InputError, match="boot 9"):
        SampleLedger(pod_id=LEFT_POD, boot_id=BOOT).take(frame(0, boot_id=9))


def test_pieces_keep_the_stamp_with_its_sample() -> None:
    whole = frame(100, 20)
    head, tail = pieces(whole, [(100, 105), (110, 120)])
    assert (head.tick, tail.tick) == (whole.tick, None)
    assert np.array_equal(tail.counts, counts(110, 10))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12))))
def test_an_index_set_is_a_set(parts: list[tuple[int, int]]) -> None:
    have, truth = IndexSet(), set[int]()
    for start, length in parts:
        fresh = {i for a, b in have.add(start, start + length) for i in range(a, b)}
        assert fresh == set(range(start, start + length)) - truth
        truth |= fresh
    assert {i for a, b in have.ranges() for i in range(a, b)} == truth
    assert have.size == len(truth)
    assert {i for a, b in have.absent(5, 50) for i in range(a, b)} == set(range(5, 50)) - truth
    ranges = have.ranges()
    assert all(a[1] < b[0] for a, b in pairwise(ranges))
