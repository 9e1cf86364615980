"""Doubts as sets of reasons: their operators are those of the sets, whatever makes them quick."""

from itertools import product

import pytest

from evenstride_analysis.model import Doubt

ALL = [Doubt(value) for value in range(1 << len(Doubt))]


def test_operators_are_those_of_the_numbers() -> None:
    for a, b in product(ALL, ALL):
        assert (a & b) is Doubt(a.value & b.value)
        assert (a | b) is Doubt(a.value | b.value)
        assert (a in b) == (a.value & b.value == a.value)


@pytest.mark.parametrize("doubt", [Doubt(0), Doubt.GAP, Doubt.GAP | Doubt.LOOSE, ~Doubt(0)])
def test_names_and_the_rest_of_a_doubt(doubt: Doubt) -> None:
    assert doubt.names == tuple(str(flag.name).lower() for flag in Doubt if flag.value & doubt.value)
    assert (~doubt).value == len(ALL) - 1 - doubt.value
    assert bool(doubt) is (doubt.value != 0)
