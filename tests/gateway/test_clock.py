"""The clock against a radio whose truth is known: the error never exceeds the bound, and the bound becomes small."""

import math
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenstride_gateway.clock import (
    FAST_PINGS_S,
    GOOD_PAIRS,
    WINDOW_S,
    ClockEstimator,
    PingBook,
    ping_delay_s,
    shifted,
)


@dataclass(frozen=True, kw_only=True)
class Air:
    """Connection events every `interval_s`, lost with `loss`; the host's latency is log-normal, median 1 ms."""

    interval_s: float
    skew_ppm: float
    loss: float = 0.1
    host_median_s: float = 0.001
    stamp_late_s: float = 0.0003  # the pod reads its tick this long after the radio event at most
    pod_start_s: float = 1_234.5
    host_start_s: float = 5_000.0
    seed: int = 1

    def pod_s(self, host_s: float) -> float:
        return self.pod_start_s + (host_s - self.host_start_s) / (1 + self.skew_ppm * 1e-6)

    def host_latency_s(self, rng: random.Random) -> float:
        return self.host_median_s * rng.lognormvariate(0, 0.6)

    def next_event_s(self, after_s: float, rng: random.Random) -> float:
        event_s = math.ceil(after_s / self.interval_s) * self.interval_s
        while rng.random() < self.loss:
            event_s += self.interval_s
        return event_s

    def ping(self, estimator: ClockEstimator, sent_s: float, rng: random.Random, boot_id: int = 7) -> float:
        """One exchange; returns when its answer arrived."""
        heard_s = self.next_event_s(sent_s + self.host_latency_s(rng), rng)
        stamp_s = heard_s + self.stamp_late_s * rng.random()
        answer_s = self.next_event_s(heard_s + 1.01 * self.stamp_late_s + 1e-6, rng)
        arrival_s = answer_s + self.host_latency_s(rng)
        assert estimator.add_pong(
            boot_id=boot_id,
            sent_s=sent_s,
            tick_s=self.pod_s(stamp_s),
            arrival_s=arrival_s,
            interval_s=self.interval_s,
        )
        return arrival_s


def errors(air: Air, *, seconds: float, ahead_s: float = 0.0) -> list[tuple[float, float, float]]:
    """(seconds since connect, |error|, bound) after every ping of a run."""
    rng = random.Random(air.seed)
    estimator = ClockEstimator("a")
    since_s = 0.0
    found: list[tuple[float, float, float]] = []
    while since_s < seconds:
        arrival_s = air.ping(estimator, air.host_start_s + since_s, rng)
        now_s = arrival_s + ahead_s
        fit = estimator.fit(now_s)
        assert fit is not None
        found.append((since_s, abs(fit.session_s(air.pod_s(now_s)) - now_s), fit.bound_s))
        since_s += ping_delay_s(since_s, rng)
    return found


airs = st.builds(
    Air,
    interval_s=st.sampled_from([0.0075, 0.015, 0.030, 0.050]),
    skew_ppm=st.floats(-60, 60),
    loss=st.floats(0, 0.3),
    host_median_s=st.sampled_from([1e-5, 0.0005, 0.001, 0.004]),
    pod_start_s=st.sampled_from([0.0, 1_234.5, 8e6, 1e9]),
    seed=st.integers(0, 1 << 30),
)


@settings(max_examples=25, deadline=None)
@given(airs)
def test_the_error_never_exceeds_the_bound(air: Air) -> None:
    for since_s, error_s, bound_s in errors(air, seconds=75):
        assert error_s <= bound_s, f"{since_s:.1f} s after the connect"


@settings(max_examples=12, deadline=None)
@given(airs, st.floats(1, 300))
def test_the_bound_widens_with_age_and_still_holds(air: Air, ahead_s: float) -> None:
    for _, error_s, bound_s in errors(air, seconds=30, ahead_s=ahead_s):
        assert error_s <= bound_s


@pytest.mark.parametrize("interval_s", [0.0075, 0.015, 0.030, 0.050])
@pytest.mark.parametrize("skew_ppm", [-60, 30])
def test_a_minute_gives_a_millisecond(interval_s: float, skew_ppm: float) -> None:
    late = [e for e in errors(Air(interval_s=interval_s, skew_ppm=skew_ppm), seconds=180) if e[0] > 60]
    assert max(error_s for _, error_s, _ in late) < 0.001
    assert max(bound_s for _, _, bound_s in late) < 0.003 + 0.06 * interval_s


def test_until_twenty_pairs_the_bound_is_at_least_one_interval() -> None:
    found = errors(Air(interval_s=0.015, skew_ppm=20), seconds=5)
    assert all(bound_s >= 0.015 for _, _, bound_s in found[: GOOD_PAIRS - 1])
    assert found[GOOD_PAIRS + 10][2] < 0.006


def test_two_pods_of_one_adapter_agree_better_than_each_with_the_host() -> None:
    ends: list[float] = []
    for seed, skew_ppm in ((1, 30), (2, -30)):
        air = Air(interval_s=0.015, skew_ppm=skew_ppm, seed=seed)
        rng, estimator, since_s = random.Random(seed), ClockEstimator("a"), 0.0
        while since_s < 120:
            air.ping(estimator, air.host_start_s + since_s, rng)
            since_s += ping_delay_s(since_s, rng)
        fit = estimator.fit()
        assert fit is not None
        ends.append(fit.session_s(air.pod_s(air.host_start_s + 120)) - air.host_start_s - 120)
    assert abs(ends[0] - ends[1]) < 0.0005


def test_the_skew_is_found() -> None:
    air, rng, estimator, since_s = Air(interval_s=0.015, skew_ppm=40), random.Random(3), ClockEstimator("a"), 0.0
    while since_s < WINDOW_S:
        air.ping(estimator, air.host_start_s + since_s, rng)
        since_s += ping_delay_s(since_s, rng)
    fit = estimator.fit()
    assert fit is not None
    assert fit.skew_ppm == pytest.approx(40, abs=5)


def test_a_new_boot_forgets_the_old_one_and_versions_go_on() -> None:
    before = Air(interval_s=0.015, skew_ppm=30)
    after = Air(interval_s=0.015, skew_ppm=30, pod_start_s=0.25)
    rng, estimator = random.Random(4), ClockEstimator("a")
    for n in range(40):
        before.ping(estimator, before.host_start_s + n / 7, rng, boot_id=1)
    old = estimator.fit()
    arrival_s = after.ping(estimator, after.host_start_s + 9, rng, boot_id=2)
    new = estimator.fit()
    assert old is not None
    assert new is not None
    assert (old.boot_id, new.boot_id, estimator.accepted) == (1, 2, 1)
    assert new.version > old.version
    assert new.bound_s >= 0.015
    assert abs(new.session_s(after.pod_s(arrival_s)) - arrival_s) <= new.bound_s


def test_a_stalled_answer_moves_nothing() -> None:
    air, rng, estimator = Air(interval_s=0.015, skew_ppm=10), random.Random(5), ClockEstimator("a")
    for n in range(60):
        air.ping(estimator, air.host_start_s + n / 7, rng)
    before = estimator.fit()
    sent_s = air.host_start_s + 9
    estimator.add_pong(boot_id=7, sent_s=sent_s, tick_s=air.pod_s(sent_s), arrival_s=sent_s + 0.8, interval_s=0.015)
    after = estimator.fit()
    assert before is not None
    assert after is not None
    assert abs(after.session_s(air.pod_s(sent_s)) - before.session_s(air.pod_s(sent_s))) < 2e-4


@pytest.mark.parametrize(
    ("sent_s", "tick_s", "arrival_s", "interval_s"),
    [
        (10.0, 1.0, 10.005, 0.015),  # sooner than one interval
        (10.0, 1.0, 9.0, 0.015),  # before it was sent
        (10.0, math.nan, 10.1, 0.015),
        (10.0, 1.0, 10.1, 0.0),
        (10.0, 1.0, 10.1, 7.0),
    ],
)
def test_what_cannot_be_true_is_counted(sent_s: float, tick_s: float, arrival_s: float, interval_s: float) -> None:
    estimator = ClockEstimator("a")
    assert not estimator.add_pong(boot_id=1, sent_s=sent_s, tick_s=tick_s, arrival_s=arrival_s, interval_s=interval_s)
    assert (estimator.rejected, estimator.fit()) == (1, None)


def test_without_news_the_version_stays() -> None:
    air, rng, estimator = Air(interval_s=0.015, skew_ppm=10), random.Random(6), ClockEstimator("a")
    air.ping(estimator, air.host_start_s, rng)
    assert estimator.fit() is estimator.fit()
    versions: list[int] = []
    for n in range(600):
        air.ping(estimator, air.host_start_s + 2 * n, rng)
        fit = estimator.fit()
        assert fit is not None
        versions.append(fit.version)
    assert versions == sorted(versions)
    assert versions[-1] < 500


def test_session_seconds_count_from_the_start() -> None:
    air, estimator = Air(interval_s=0.015, skew_ppm=0), ClockEstimator("a")
    air.ping(estimator, air.host_start_s + 3, random.Random(7))
    fit = estimator.fit()
    assert fit is not None
    assert shifted(fit, air.host_start_s).session_s(air.pod_s(air.host_start_s + 3)) == pytest.approx(3, abs=0.02)


def test_pings_are_fast_then_slow_and_never_in_step() -> None:
    rng = random.Random(1)
    fast = [ping_delay_s(1.0, rng) for _ in range(200)]
    slow = [ping_delay_s(FAST_PINGS_S, rng) for _ in range(200)]
    assert sum(fast) / 200 == pytest.approx(1 / 7, abs=0.01)
    assert sum(slow) / 200 == pytest.approx(2.0, abs=0.01)
    assert max(slow) - min(slow) > 0.04


def test_the_ping_book_answers_once_and_is_bounded() -> None:
    book = PingBook(capacity=2, id_limit=4)
    ids = [book.sent(float(n)) for n in range(6)]
    assert ids == [0, 1, 2, 3, 0, 1]
    assert (book.taken(1), book.taken(1), book.taken(2), book.taken(0)) == (5.0, None, None, 4.0)
