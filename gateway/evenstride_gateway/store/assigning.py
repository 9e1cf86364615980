"""Corrections of assignments as arithmetic on their times (pure)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import inf

from evenstride_analysis.model import Assignment


def _end(assignment: Assignment) -> float:
    return inf if assignment.to_s is None else assignment.to_s


def _meet(a: Assignment, b: Assignment) -> bool:
    return max(a.from_s, b.from_s) < min(_end(a), _end(b))


def overlay(held: Sequence[Assignment], new: Assignment) -> list[Assignment]:
    """`held` with `new` in force for its time; what reaches beyond it on either side stays."""
    result: list[Assignment] = []
    for old in held:
        if old.pod_id != new.pod_id or not _meet(old, new):
            result.append(old)
            continue
        if old.from_s < new.from_s:
            result.append(replace(old, to_s=new.from_s))
        if new.to_s is not None and new.to_s < _end(old):
            result.append(replace(old, from_s=new.to_s))
    result.append(new)
    return sorted(result, key=lambda a: (a.pod_id, a.from_s))


def clash(assignments: Sequence[Assignment]) -> str:
    """A sentence when two pods claim one leg at the same time or a time runs backwards, else ""."""
    for a in assignments:
        if _end(a) <= a.from_s:
            return f"assignment of pod {a.pod_id} ends at {a.to_s} s, before it begins at {a.from_s} s"
    for a, b in combinations(assignments, 2):
        if a.pod_id != b.pod_id and (a.runner_id, a.side) == (b.runner_id, b.side) and _meet(a, b):
            return (
                f"pods {a.pod_id} and {b.pod_id} both claim the {a.side} leg of runner {a.runner_id}: "
                "give one of them the other side with `evenstride pods assign`"
            )
    return ""
