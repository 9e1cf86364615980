"""Which command runs the science compiled: nobody waits for a compiler unless hours of running do."""

import os
from pathlib import Path

import pytest

from evenstride_gateway.cli import speed


@pytest.fixture(autouse=True)
def _undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(speed.VARIABLE, "")  # so that what a test decides is taken back
    monkeypatch.delenv(speed.VARIABLE)


def of_size(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)  # holds no block of the disk
    return path


@pytest.mark.parametrize(
    ("command", "said"), [("demo", "0"), ("run", "0"), ("report", "0"), (None, "0"), ("train", "1"), ("analyze", None)]
)
def test_by_command(command: str | None, said: str | None) -> None:
    speed.decide_by_command(command)
    assert os.environ.get(speed.VARIABLE) == said


@pytest.mark.parametrize(
    ("hours", "warm", "said"), [(0.1, False, "0"), (0.05, True, "0"), (1, False, "0"), (1, True, "1"), (4, False, "1")]
)
def test_by_hours_of_two_legs(
    hours: float, warm: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_warm() -> bool:
        return warm

    monkeypatch.setattr(speed, "is_warm", is_warm)
    for pod in ("a", "b"):
        of_size(tmp_path / "raw" / "session" / f"{pod}.esr", int(12_000_000 * hours))
    speed.decide_by_work([tmp_path / "raw" / "session", tmp_path / "missing.csv"])
    assert os.environ[speed.VARIABLE] == said


def test_the_user_has_the_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(speed.VARIABLE, "0")
    speed.decide_by_work([of_size(tmp_path / "season.csv", 10**9)])
    speed.decide_by_command("accuracy")
    assert os.environ[speed.VARIABLE] == "0"
