"""Cells and tables of the accuracy page."""

from collections.abc import Iterable, Sequence

from evenstride_analysis.units import ms_from_s


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines]) + "\n\n"


def ms(seconds: float, digits: int = 1, *, sign: bool = False) -> str:
    return f"{ms_from_s(seconds):+.{digits}f}" if sign else f"{ms_from_s(seconds):.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
