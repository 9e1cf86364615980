"""The swap-legs test in words: even legs and agreeing pods only where a small difference could have been seen."""

import pytest

from evenstride_analysis.model import Measure, Verdict
from evenstride_analysis.swap import SwapPart, SwapTest
from evenstride_gateway.web.swap import swap_words


def part(index: float, half: float, verdict: Verdict = Verdict.WITHIN_NOISE) -> SwapPart:
    low, high = index - half, index + half
    return SwapPart(index=index, low=low, high=high, scatter_low=low, scatter_high=high, verdict=verdict)


def said(body: SwapPart, sensor: SwapPart) -> list[str]:
    test = SwapTest(
        measure=Measure.STANCE,
        first_left="A",
        first_right="B",
        first_index=body.index + sensor.index,
        second_index=body.index - sensor.index,
        first_pairs=60,
        second_pairs=60,
        body=body,
        sensor=sensor,
        method="rules-1",
    )
    return [line.headline for line in swap_words([test])]


@pytest.mark.parametrize(
    ("half", "legs", "pods"),
    [
        (0.05, "the legs are even, within noise", "the pods agree, within noise"),
        (
            0.09,
            "no difference between the legs seen (only a large one could be)",
            "no difference between the pods seen (only a large one could be)",
        ),
    ],
)
def test_within_noise_is_even_only_where_the_noise_is_small(half: float, legs: str, pods: str) -> None:
    assert said(part(0.01, half), part(-0.01, half)) == [f"Stance time: {legs}", f"Stance time: {pods}"]


def test_a_real_share_is_said_whatever_the_width() -> None:
    legs, pods = said(part(-0.3, 0.1, Verdict.REAL), part(0.2, 0.1, Verdict.POSSIBLE))
    assert legs == "The right leg stays longer on the ground, whichever pod it wears"
    assert pods == "Pod A reads longer on either leg, possibly"
