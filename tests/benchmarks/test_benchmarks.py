"""The benchmarks run, in a form too small to say anything; no test holds a time against a clock."""

from pathlib import Path

from benchmarks import detector, gateway, hour, season, stack
from benchmarks.__main__ import BENCHMARKS, page


def test_each_benchmark_is_listed_and_makes_a_line_of_the_page() -> None:
    figures = detector.run(seconds=20, rounds=1, hours_s=60, compiled=False) + gateway.run(
        seconds=3.0, rounds=1, real_rounds=0, warm_s=1.0
    )
    text = page(figures)
    assert all(figure.what in text for figure in figures)
    assert set(BENCHMARKS) == {"detector", "gateway", "latency", "crowd", "start", "hour", "season", "stack", "peers"}


def test_a_season_of_two_sessions() -> None:
    (figure,) = season.run(seconds=20, sessions=2, rounds=1, compiled=False)
    assert figure.measured.endswith(" s a session")


def test_the_stored_hour_is_a_session_like_any_other(tmp_path: Path) -> None:
    hour.fill(tmp_path, seconds=20, repeats=1)
    assert (tmp_path / "raw" / hour.SESSION).is_dir()


def test_the_sinks_against_real_servers() -> None:
    figures = stack.run(n=150, rounds=1, sessions=1, seconds=60, messages=15, fills=1)
    assert len(figures) == 4
