"""Rule 2 as properties: ids are kept, the better detection holds, nothing is ever there twice."""

import shutil
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_data import BOOT, LEFT_POD, begin, stride

from evenstride_analysis.model import Doubt, Stride
from evenstride_gateway.store import Store, StoredStride
from evenstride_gateway.store.identity import Known, plan, rank, same_leg_same_time, settle

_DOUBTS = (Doubt(0), Doubt.GAP, Doubt.ON_POD, Doubt.ON_POD | Doubt.GAP, Doubt.CLIPPED)


@st.composite
def passes(draw: st.DrawFn) -> list[Stride]:
    """What one pass of a detector finds: strides one after another, with holes, of any worth."""
    at, found = draw(st.integers(0, 50)), list[Stride]()
    for length, hole, doubt in draw(
        st.lists(st.tuples(st.integers(10, 60), st.sampled_from([0, 0, 0, 25]), st.sampled_from(_DOUBTS)), max_size=8)
    ):
        found.append(stride(at, at + length, doubt=doubt))
        at += length + hole
    return found


def _carry_out(known: list[Known], found: Sequence[Stride], *, rerun: bool = False) -> list[Known]:
    """The plan on a list, as the store does it on rows."""
    decided = plan(known, found, rerun=rerun)
    new = {k.stride_id: Known(stride_id=k.stride_id, stride=s, retired=False) for k, s in decided.updates}
    gone = {k.stride_id: Known(stride_id=k.stride_id, stride=k.stride, retired=True) for k in decided.retires}
    assert not new.keys() & gone.keys()
    after = [(new | gone).get(k.stride_id, k) for k in known]
    first = len(after) + 1
    after += [Known(stride_id=n, stride=s, retired=False) for n, s in enumerate(decided.inserts, start=first)]
    return after


@given(st.lists(passes(), max_size=5))
def test_no_stride_is_there_twice_and_no_row_ever_leaves(deliveries: list[list[Stride]]) -> None:
    known: list[Known] = []
    for found in deliveries:
        after = _carry_out(known, found)
        assert {k.stride_id for k in known} <= {k.stride_id for k in after}
        known = after
        active = [k.stride for k in known if not k.retired]
        assert not any(same_leg_same_time(a, b) for a, b in combinations(active, 2))


@given(passes(), passes())
def test_delivering_again_changes_nothing(earlier: list[Stride], found: list[Stride]) -> None:
    once = _carry_out(_carry_out([], earlier), found)
    again = plan(once, found)
    assert (again.inserts, again.updates, again.retires) == ([], [], [])


@given(passes(), passes())
def test_a_worse_detection_never_replaces_a_better_one(earlier: list[Stride], found: list[Stride]) -> None:
    known = _carry_out([], earlier)
    for old, new in zip(known, _carry_out(known, found), strict=False):
        if not new.retired:
            assert rank(new.stride) >= rank(old.stride)
    for old in known:
        if old.stride.doubt in (Doubt(0), Doubt.CLIPPED) and not any(
            rank(s) == 2 and same_leg_same_time(old.stride, s) for s in found
        ):
            assert old in _carry_out(known, found)


@given(passes())
def test_raw_takes_the_row_of_the_record_it_confirms(found: list[Stride]) -> None:
    records = [stride(s.strike_index + 2, s.end_index + 1, doubt=Doubt.ON_POD) for s in found]
    raw = [stride(s.strike_index, s.end_index) for s in found]
    known = _carry_out(_carry_out([], records), raw)
    assert [(k.stride_id, k.stride, k.retired) for k in known] == [(n + 1, s, False) for n, s in enumerate(raw)]
    assert _carry_out(known, records) == known


def test_another_method_replaces_even_complete_raw_by_raw_with_a_gap() -> None:
    known = _carry_out([], [stride(0, 300)])
    worse = stride(0, 300, doubt=Doubt.GAP)
    assert _carry_out(known, [worse], rerun=True) == known
    newer = stride(0, 300, doubt=Doubt.GAP, method="tte-2")
    assert [k.stride for k in _carry_out(known, [newer], rerun=True)] == [newer]


def test_two_detections_of_one_stride_in_a_batch_are_one() -> None:
    record, raw = stride(0, 300, doubt=Doubt.ON_POD), stride(4, 302)
    assert settle([raw, record]) == settle([record, raw]) == [raw]


@settings(max_examples=15, deadline=None)
@given(st.lists(passes(), min_size=1, max_size=3))
def test_the_store_does_what_the_plan_says(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[list[Stride]]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    known: list[Known] = []
    with Store.open(folder) as store:
        begin(store)
        published: dict[int, float] = {}
        for found in deliveries:
            store.apply_strides("s1", found)
            known = _carry_out(known, found)
            stored = store.strides("s1", include_retired=True)
            _same_rows(stored, known)
            for row in stored:
                assert published.setdefault(row.stride_id, row.published_t_s) == row.published_t_s
        last = deliveries[-1]
        store.replace_strides("s1", LEFT_POD, BOOT, last)
        raw = [s.stride for s in store.strides("s1") if Doubt.ON_POD not in s.stride.doubt]
        assert {s.strike_index for s in raw} >= {s.strike_index for s in last if rank(s) == 2}
        changes = store.last_change()
        store.replace_strides("s1", LEFT_POD, BOOT, last)
        assert store.last_change() == changes
    shutil.rmtree(folder)


def _same_rows(stored: list[StoredStride], known: list[Known]) -> None:
    by_id = {s.stride_id: (s.stride, s.retired) for s in stored}
    assert by_id == {k.stride_id: (k.stride, k.retired) for k in known}


def test_ten_thousand_strides_are_matched_in_one_go(tmp_path: Path) -> None:
    strides = [stride(n * 300, n * 300 + 300) for n in range(10_000)]
    with Store.open(tmp_path) as store:
        begin(store)
        assert len(store.apply_strides("s1", strides)) == 10_000
        assert len(store.replace_strides("s1", LEFT_POD, BOOT, strides[:-1])) == 1
