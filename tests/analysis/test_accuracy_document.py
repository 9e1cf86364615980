"""docs/accuracy.md is what today's recordings and code give: inputs, words, and three runners trained without."""

from pathlib import Path

import pytest
from support.data import data_dir

from evenstride_gateway.cli.accuracy import RECHECKED, staleness

PAGE = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"


def test_its_inputs_and_words_are_current() -> None:
    assert staleness(PAGE, data_dir("rbds").parent, runners=()) == [], (
        "run `evenstride accuracy --out docs/accuracy.md`"
    )


@pytest.mark.slow
def test_three_runners_trained_without_give_the_same_figures() -> None:
    assert len(RECHECKED) == 3
    stale = staleness(PAGE, data_dir("rbds").parent)
    assert [why for why in stale if why.startswith(RECHECKED)] == []
