"""Why a stride is not clean, as a set of reasons."""

from enum import Flag, auto
from typing import Self


class Doubt(Flag):
    """Why a stride is not clean. `Doubt(0)` is a clean stride; doubted strides are kept, and never enter a verdict."""

    GAP = auto()  # samples are missing where they matter for an event
    CLIPPED = auto()  # the sensor's range ended before the signal did
    CANDIDATES_DISAGREE = auto()  # two independent rules differ by more than 40 ms
    LOOSE = auto()  # the pod moves on the leg
    OUT_OF_RANGE = auto()  # outside what the method was trained on
    ON_POD = auto()  # computed by the pod, raw samples not (yet) seen
    ALTERNATION = auto()  # left and right do not alternate here
    FALLBACK = auto()  # the main rule found nothing; a coarser one answered

    # Flag's own operators search for their result each time; the report of an hour asks them a quarter of a million
    # times. Doubts meet doubts only.
    def __and__(self, other: Self) -> "Doubt":  # pyright: ignore[reportIncompatibleMethodOverride]
        return _DOUBTS[self._value_ & other._value_]

    def __or__(self, other: Self) -> "Doubt":  # pyright: ignore[reportIncompatibleMethodOverride]
        return _DOUBTS[self._value_ | other._value_]

    def __invert__(self) -> "Doubt":
        return _DOUBTS[~self._value_]

    def __bool__(self) -> bool:
        return self._value_ != 0

    @property
    def names(self) -> tuple[str, ...]:
        """Lower-case names of the flags that are set, in the order of definition."""
        return _NAMES[self._value_]


_DOUBTS = tuple(Doubt(value) for value in range(1 << len(Doubt)))
_NAMES = tuple(tuple((flag.name or "").lower() for flag in Doubt if flag in doubt) for doubt in _DOUBTS)
