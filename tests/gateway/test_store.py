"""What goes into the store comes out again, bit for bit, and every change is told once."""

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, assignment, begin, pod, stride

from evenstride_analysis.model import ClockFit, Doubt, LossCause, Measure, Session, Side, Stride, Symmetry, Verdict
from evenstride_gateway.errors import StoreError
from evenstride_gateway.ledger import Loss
from evenstride_gateway.store import ChangeKind, Entity, Person, Placement, PublishedKey, Store, schema


def _bits(found: Stride) -> list[object]:
    values = [getattr(found, name) for name in Stride.__slots__]
    return [struct.pack("<d", value) if isinstance(value, float) else value for value in values]


def test_a_stride_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    odd = stride(
        0,
        300,
        heading_rad=-0.0,
        impact_mps2=0.1 + 0.2,
        loading_mps3=5e-324,
        impact_axial_mps2=None,
        strike_s=3.0,
        doubt=Doubt.GAP | Doubt.CLIPPED,
    )
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [odd])
    with Store.open(tmp_path, readonly=True) as store:
        (stored,) = store.strides("s1")
    assert _bits(stored.stride) == _bits(odd)


def test_nan_is_refused_and_nothing_of_the_batch_is_stored(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        before = store.last_change()
        with pytest.raises(StoreError, match="stance_sd_s"):
            store.apply_strides("s1", [stride(0, 300), stride(300, 600, stance_sd_s=float("nan"))])
        assert store.strides("s1") == []
        assert store.last_change() == before


def test_people_pods_and_sessions_are_read_back(tmp_path: Path) -> None:
    session = Session(
        session_id="s1", runner_id="anna", started_at=START, note="hills", settings={"system_error": "0.014"}
    )
    with Store.open(tmp_path) as store:
        store.put_person(Person(runner_id="anna", name="Anna Å."))
        store.put_pod(pod())
        store.put_pod(pod(firmware="1.1.0"))
        store.create_session(session)
        assert store.session("s1") == session
        store.end_session("s1", START + timedelta(minutes=30))
        assert store.sessions() == [replace(session, stopped_at=START + timedelta(minutes=30))]
        assert store.pod(LEFT_POD) == pod(firmware="1.1.0")
        assert store.people() == [Person(runner_id="anna", name="Anna Å.")]
        assert store.meta()["format"] == str(len(schema.MIGRATIONS))


def test_an_unknown_session_is_named_with_a_hint(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        with pytest.raises(StoreError, match=r"'s9'.*the latest are s1"):
            store.session("s9")


@pytest.mark.parametrize("bad", ["", "..", "../x", "a/b", "a\\b", ".hidden", "a" * 65, "ü", "a\n"])
def test_an_id_never_leaves_its_folder(tmp_path: Path, bad: str) -> None:
    with Store.open(tmp_path / "data") as store:
        begin(store)
        with pytest.raises(StoreError, match="id"):
            store.create_session(Session(session_id=bad, runner_id="anna", started_at=START))
        with pytest.raises(StoreError, match="id"):
            store.raw_writer("s1", pod(bad))
        with pytest.raises(StoreError):
            store.delete_session(bad)
        with pytest.raises(StoreError, match="id"):
            store.raw_frames("s1", bad)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_replay_writes_nothing(tmp_path: Path) -> None:
    strides = [stride(n * 300, n * 300 + 300) for n in range(20)]
    with Store.open(tmp_path) as store:
        begin(store)
        assert len(store.apply_strides("s1", strides)) == 20
        before = store.last_change()
        assert store.apply_strides("s1", strides) == []
        assert store.replace_strides("s1", LEFT_POD, BOOT, strides) == []
        assert store.last_change() == before


def test_publication_time_outlives_a_better_clock(tmp_path: Path) -> None:
    better = ClockFit(pod_id=LEFT_POD, boot_id=BOOT, offset_s=2.0, skew_ppm=5.0, bound_s=0.0005, version=2)
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(416, 716)])
        store.put_clock("s1", better)
        store.apply_strides("s1", [stride(418, 716)])
        (stored,) = store.strides("s1")
        assert stored.published_t_s == 1.0
        assert stored.stride.strike_index == 418
        assert better in store.clocks("s1")


def test_a_clock_version_is_never_overwritten(tmp_path: Path) -> None:
    other = ClockFit(pod_id=LEFT_POD, boot_id=BOOT, offset_s=9.0, skew_ppm=0.0, bound_s=0.001, version=1)
    with Store.open(tmp_path) as store:
        begin(store)
        assert store.put_clock("s1", other).version == 2
        assert [f.offset_s for f in store.clock_history("s1") if f.pod_id == LEFT_POD] == [0.0, 9.0]


def test_without_a_clock_a_stride_is_refused_with_the_reason(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        with pytest.raises(StoreError, match="no clock fit"):
            store.apply_strides("s1", [stride(0, 300, boot_id=77)])
        store.apply_strides("s1", [stride(0, 300, boot_id=77)], published_t_s=lambda s: 12.5)
        assert store.strides("s1")[0].published_t_s == 12.5


def test_a_run_again_retires_what_vanished_and_leaves_the_rest(tmp_path: Path) -> None:
    first = [stride(n * 300, n * 300 + 300) for n in range(5)]
    again = [first[0], stride(310, 605), *first[3:]]
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", first)
        changes = store.replace_strides("s1", LEFT_POD, BOOT, again)
        assert [(c.kind, c.entity_id) for c in changes] == [(ChangeKind.UPDATE, "2"), (ChangeKind.RETIRE, "3")]
        assert [s.stride for s in store.strides("s1")] == again
        assert [s.stride_id for s in store.strides("s1", include_retired=True) if s.retired] == [3]
        (back,) = store.replace_strides("s1", LEFT_POD, BOOT, first[2:3], index_range=(600, 900))
        assert (back.kind, back.entity_id) == (ChangeKind.UPDATE, "3")  # the id it always had


def test_a_run_over_a_range_leaves_the_rest_alone(tmp_path: Path) -> None:
    first = [stride(n * 300, n * 300 + 300) for n in range(5)]
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", first)
        store.replace_strides("s1", LEFT_POD, BOOT, [], index_range=(300, 600))
        assert [s.stride for s in store.strides("s1")] == [first[0], *first[2:]]


def test_a_corrected_assignment_tells_the_key_it_had_and_duplicates_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300), stride(300, 600), stride(600, 900)])
        before = store.last_change()
        store.put_assignment(assignment(LEFT_POD, Side.LEFT, runner_id="ben", from_s=1.0))
        moved = [c for c in store.changes(after=before) if c.entity is Entity.STRIDE]
        assert [(c.kind, c.entity_id) for c in moved] == [(ChangeKind.UPDATE, "3")]
        assert moved[0].previous == PublishedKey(runner_id="anna", pod_id=LEFT_POD, t_s=600 / 416)
        assert [s.runner_id for s in store.strides("s1")] == ["anna", "anna", "ben"]
        assert [s.stride_id for s in store.strides("s1", include_retired=True)] == [1, 2, 3]
        assert len(store.assignment_history("s1")) == 4
        before = store.last_change()
        assert store.put_assignment(assignment(LEFT_POD, Side.LEFT, runner_id="ben", from_s=1.0)) == []
        assert store.last_change() == before


def test_swapped_sides_are_corrected_in_one_step(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300)])
        with pytest.raises(StoreError, match="both claim the right leg"):
            store.put_assignment(assignment(LEFT_POD, Side.RIGHT))
        assert store.strides("s1")[0].side is Side.LEFT
        store.put_assignment(assignment(LEFT_POD, Side.RIGHT), assignment(RIGHT_POD, Side.LEFT))
        assert store.strides("s1")[0].side is Side.RIGHT


def test_a_session_that_was_someone_elses_moves_with_its_symmetry(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.put_symmetry("s1", [_point(10.0)])
        before = store.last_change()
        store.put_assignment(
            assignment(LEFT_POD, Side.LEFT, runner_id="ben"), assignment(RIGHT_POD, Side.RIGHT, runner_id="ben")
        )
        assert store.session("s1").runner_id == "ben"
        (moved,) = [c for c in store.changes(after=before) if c.entity is Entity.SYMMETRY]
        assert moved.previous == PublishedKey(runner_id="anna", pod_id="", t_s=10.0)


def _point(t_s: float, index: float = 0.05) -> Symmetry:
    return Symmetry(
        measure=Measure.STANCE,
        t_s=t_s,
        index=index,
        low=index - 0.05,
        high=index + 0.05,
        n_pairs=30,
        verdict=Verdict.WITHIN_NOISE,
        reason="",
        method="rules-1",
    )


def test_symmetry_sits_on_the_grid_and_repeats_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        points = [_point(10.0), _point(20.0)]
        assert len(store.put_symmetry("s1", points)) == 2
        assert store.put_symmetry("s1", points) == []
        (update,) = store.put_symmetry("s1", [_point(20.0, 0.06)])
        assert (update.kind, update.entity_id) == (ChangeKind.UPDATE, "stance/2")
        (gone,) = store.put_symmetry("s1", [_point(20.0, 0.06)], replace=True)
        assert (gone.kind, gone.entity_id) == (ChangeKind.RETIRE, "stance/1")
        assert [p.symmetry for p in store.symmetry("s1")] == [_point(20.0, 0.06)]
        with pytest.raises(StoreError, match="fixed grid"):
            store.put_symmetry("s1", [_point(12.5)])


def test_gaps_are_replaced_as_a_whole(tmp_path: Path) -> None:
    gap = Loss(pod_id=LEFT_POD, boot_id=BOOT, first_index=17, missing=34, cause=LossCause.POD)
    with Store.open(tmp_path) as store:
        begin(store)
        store.put_gaps("s1", [gap, replace(gap, first_index=170, cause=LossCause.HOST)])
        store.put_gaps("s1", [gap])
        before = store.last_change()
        store.put_gaps("s1", [gap])
        assert store.gaps("s1") == [gap]
        assert store.last_change() == before


def test_a_deleted_session_leaves_only_its_retirements(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        begin(store, "s2")
        store.apply_strides("s1", [stride(0, 300)])
        store.put_symmetry("s1", [_point(10.0)])
        with store.raw_writer("s1", pod()):
            pass
        before = store.last_change()
        store.delete_session("s1")
        assert [(c.kind, c.entity) for c in store.changes(after=before)] == [
            (ChangeKind.RETIRE, Entity.STRIDE),
            (ChangeKind.RETIRE, Entity.SYMMETRY),
            (ChangeKind.RETIRE, Entity.GAPS),
            (ChangeKind.RETIRE, Entity.GAPS),
            (ChangeKind.RETIRE, Entity.SESSION),
        ]
        assert store.dated_sessions()["s1"].deleted
        assert [s.session_id for s in store.sessions()] == ["s2"]
        assert not (tmp_path / "raw" / "s1").exists()
        assert store.stride(1) is None


def test_the_id_of_a_deleted_session_is_not_used_again(tmp_path: Path) -> None:
    """The next start sweeps the raw of deleted ones: a clock that was set back must not lose a run."""
    with Store.open(tmp_path) as store:
        begin(store)
        store.delete_session("s1")
        assert store.session_ids() == {"s1"}
        with pytest.raises(StoreError, match="a session id is used once"):
            begin(store)


def test_the_feed_is_read_in_parts(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(7)])
        cursor, seen = 0, list[int]()
        while part := store.changes(after=cursor, limit=3):
            seen += [c.change for c in part]
            cursor = seen[-1]
        assert seen == list(range(1, store.last_change() + 1))


def test_threads_take_turns(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, ThreadPoolExecutor(4) as threads:
        begin(store)
        parts = [[stride(n * 300, n * 300 + 300)] for n in range(40)]
        done = [threads.submit(store.apply_strides, "s1", part) for part in parts]
        assert [len(changes.result()) for changes in done] == [1] * 40
        assert len(store.strides("s1")) == 40


def test_where_a_pod_usually_sits_is_kept_and_corrected(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put_placement(Placement(pod_id="a1", side=Side.LEFT))
        store.put_placement(Placement(pod_id="a1", side=Side.RIGHT, runner_id="ada"))
    with Store.open(tmp_path, readonly=True) as store:
        assert store.placements() == [Placement(pod_id="a1", side=Side.RIGHT, runner_id="ada")]
