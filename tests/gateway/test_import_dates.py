"""Ticks to UTC by anchors: the stated error holds, and nothing is invented."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenstride_gateway.importing.dating import Between, between, date_of, known_times, of_life
from evenstride_gateway.importing.matching import FoundRun
from evenstride_gateway.importing.words import date_words, length_words, limit_words
from evenstride_gateway.store import KeptAnchor

TICK_HZ = 32768.0
START_S = 1_777_000_000.0  # UTC at pod second 0


def anchor(pod_s: float, *, ppm: float = 0.0, late_s: float = 0.0, error_s: float = 0.05, boot: int = 7) -> KeptAnchor:
    """Written `late_s` after the host had stamped it, by a pod whose clock is so wrong."""
    return KeptAnchor(
        pod_id="a1",
        boot_id=boot,
        tick=round((pod_s + late_s) * (1.0 + ppm * 1e-6) * TICK_HZ),
        utc_ns=round((START_S + pod_s) * 1e9),
        error_ns=round(error_s * 1e9),
    )


@given(
    ppm=st.floats(-35, 35),
    at_s=st.floats(0, 20_000),
    anchors_s=st.lists(st.floats(0, 20_000), min_size=1, max_size=4, unique_by=round),
    late_s=st.floats(0, 0.05),
)
def test_the_stated_error_holds(ppm: float, at_s: float, anchors_s: list[float], late_s: float) -> None:
    pod_s = at_s * (1.0 + ppm * 1e-6)
    found = date_of([anchor(s, ppm=ppm, late_s=late_s) for s in anchors_s], pod_s, TICK_HZ)
    assert found is not None
    assert abs(found.utc_s(pod_s) - (START_S + at_s)) <= found.error_s + 1e-4
    assert found.disagree_s == 0.0
    assert found.error_s <= 0.05 + 40e-6 * min(abs(s - at_s) for s in anchors_s) + 0.1


def test_the_error_grows_with_the_distance_and_a_second_anchor_gives_the_rate() -> None:
    one, two = [anchor(7200.0, ppm=30.0)], [anchor(7200.0, ppm=30.0), anchor(14_400.0, ppm=30.0)]
    far, near = date_of(one, 0.0, TICK_HZ), date_of(one, 7000.0, TICK_HZ)
    assert far is not None
    assert near is not None
    assert far.error_s == pytest.approx(0.05 + 40e-6 * 7200.0, abs=1e-3)
    assert near.error_s < 0.06
    rated = date_of(two, 0.0, TICK_HZ)
    assert rated is not None
    assert rated.skew == pytest.approx(-30e-6, abs=1e-6)
    assert rated.error_s < 0.2 < far.error_s
    assert date_of([], 0.0, TICK_HZ) is None


@pytest.mark.parametrize("away_s", [-7 * 86_400.0, 7 * 86_400.0])
def test_an_anchor_of_another_boot_of_the_same_counter_dates_over_a_week(away_s: float) -> None:
    at_s = 8 * 86_400.0
    pod_s = at_s * (1.0 + 38e-6)
    found = date_of([anchor(at_s + away_s, ppm=38.0)], pod_s, TICK_HZ)
    assert found is not None
    assert found.error_s == pytest.approx(24.2, abs=0.1)
    assert 20.0 < abs(found.utc_s(pod_s) - (START_S + at_s)) < found.error_s


def test_hosts_that_disagree_are_named_and_widen_the_error() -> None:
    wrong = anchor(100.0)
    wrong = KeptAnchor(pod_id="a1", boot_id=7, tick=wrong.tick, utc_ns=wrong.utc_ns + 3_600_000_000_000, error_ns=0)
    found = date_of([wrong, anchor(200.0)], 300.0, TICK_HZ)
    assert found is not None
    assert found.error_s > 3599.0
    assert found.disagree_s == pytest.approx(3600.0, abs=1.0)


def test_a_boot_without_an_anchor_lies_between_its_neighbours() -> None:
    dated = {3: (1000.0, 2000.0), 9: (9000.0, 9500.0), 12: (20_000.0, 20_000.0)}
    assert between(5, dated, 50_000.0) == Between(not_before_s=2000.0, not_after_s=9000.0)
    assert between(1, dated, 50_000.0) == Between(not_before_s=None, not_after_s=1000.0)
    assert between(13, dated, 50_000.0) == Between(not_before_s=20_000.0, not_after_s=50_000.0)


def test_every_anchor_of_a_life_holds_for_every_boot_of_it() -> None:
    """Boots 4 to 6 are one life: 4 met a host, 5 and 6 got copies, 6 met another one; 5's copy gave way to others."""
    morning, evening = anchor(0.0, ppm=30.0), anchor(40_000.0, ppm=30.0)
    held = [replace(morning, boot_id=4), replace(morning, boot_id=6, error_ns=250_000_000), replace(evening, boot_id=6)]
    other = [anchor(100.0, boot=3), anchor(-90.0, boot=8)]
    for boot in (4, 5, 6):
        found = date_of(of_life([*held, *other], boot), 36_000.0, TICK_HZ)
        assert found is not None
        assert found.skew == pytest.approx(-30e-6, abs=2e-6)
        assert abs(found.utc_s(36_000.0 * (1 + 30e-6)) - (START_S + 36_000.0)) < 0.05
    assert [a.boot_id for a in of_life([*held, *other], 3)] == [3]
    assert of_life([*held, *other], 7) == []


def test_an_anchor_that_boots_share_is_no_time_of_theirs() -> None:
    """A host's word at 9,000 s dates boot 4, which ended at 3,000 s: boot 5 may have run before that word."""
    shared = [replace(anchor(9000.0), boot_id=boot) for boot in (4, 7)]
    known = known_times([*shared, anchor(12_000.0, boot=8)], {4: (1000.0, 3000.0)}, TICK_HZ)
    assert known[4] == pytest.approx((START_S + 1000.0, START_S + 3000.0))
    assert known[8] == (START_S + 12_000.0, START_S + 12_000.0)
    assert known.keys() == {4, 8}


def test_what_is_said_of_a_date() -> None:
    assert limit_words(Between(not_before_s=None, not_after_s=0.0)) == "it was before 1970-01-01 00:00 UTC"
    said = limit_words(Between(not_before_s=0.0, not_after_s=3600.0))
    assert said == "it was after 1970-01-01 00:00 UTC and before 1970-01-01 01:00 UTC"
    found = date_of([anchor(7200.0)], 0.0, TICK_HZ)
    assert date_words(FoundRun(legs={}, date=found), None) == (
        "by one anchor in the pod's log, the nearest 2.0 h away: wrong by at most 0.34 s"
    )
    assert [length_words(s) for s in (0.001, 0.34, 12.0, 600.0, 9000.0)] == [
        "0.01 s",
        "0.34 s",
        "12 s",
        "10 min",
        "2.5 h",
    ]
