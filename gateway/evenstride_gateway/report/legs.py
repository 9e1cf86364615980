"""The warning under the headline: the pods look as if they had sat on each other's legs."""

from collections.abc import Sequence
from dataclasses import dataclass

from evenstride_analysis.model import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LegsWarning:
    """What is doubted, why, and how it is put right: `if_swapped` by `command` and the button, else `if_turned`."""

    headline: str
    why: str
    if_swapped: str
    command: str
    if_turned: str


def legs_warning(in_doubt: Sequence[Side], session_id: str) -> LegsWarning | None:
    """None while no pod sits as one sits on the other leg."""
    if not in_doubt:
        return None
    command = f"evenstride pods swap --session {session_id}"
    if len(in_doubt) == len(Side):
        subject, worn = "The pods look swapped", "both"
        why = "Each pod sat the way one sits on the other leg."
    else:
        (one,) = in_doubt
        subject, worn = "The pods may be swapped", "that pod"
        why = f"The {one.value} pod sat the way one sits on the {one.other.value} leg; the other pod did not."
    return LegsWarning(
        headline=f"{subject}: where this page says left, right may be meant, and the other way round.",
        why=why,
        if_swapped="If they were swapped, this command corrects the session (then make the report again):",
        command=command,
        if_turned="For the next runs exchange the pods, or press Swap legs on the live page."
        f" If {worn} sat on the outer side of the shin, or with the logo towards the leg, this page is right.",
    )
