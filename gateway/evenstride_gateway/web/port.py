"""What the page needs of the gateway, and nothing more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

from pydantic import Field

from evenstride_analysis.model import Gait, Side
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.web.hub import Hub
from evenstride_gateway.web.notes import NotesPort
from evenstride_gateway.web.swap import SwapPort


class SessionConflictError(EvenstrideError):
    """Start or delete while the session runs, or stop while none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session in the list. Times are aware UTC; stopped_at is None while it runs."""

    session_id: str
    runner: str
    started_at: datetime
    stopped_at: datetime | None = None
    duration_s: Annotated[float | None, Field(description="from start to stop, seconds")] = None
    n_strides: Annotated[int | None, Field(description="strides stored, both legs")] = None
    dated: Annotated[
        bool, Field(description="false: from a pod's log, nobody knows when; the times only sort it and are no dates")
    ] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StrideRow:
    """One stride as in the table of `evenstride analyze`; null where something cannot be measured."""

    side: Side
    strike_s: Annotated[float, Field(description="initial contact, session seconds")]
    toe_off_s: Annotated[float, Field(description="toe-off, session seconds")]
    stance_ms: Annotated[float, Field(description="stance time, ms")]
    stride_ms: Annotated[float, Field(description="initial contact to the next of this leg, ms")]
    impact_axial_g: Annotated[float | None, Field(description="peak axial tibial acceleration, g")]
    impact_g: Annotated[float | None, Field(description="peak resultant tibial acceleration, g")]
    gait: Gait
    method: Annotated[str, Field(description="rule, version of its coefficients and hardware offset")]
    doubt: Annotated[str, Field(description="why it is not clean, names joined by |; empty = clean")]


@dataclass(frozen=True, slots=True, kw_only=True)
class StridePage:
    """Strides in time order. `total` counts those of the whole session."""

    strides: Sequence[StrideRow]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where pods sit after a change."""

    sides: Annotated[dict[str, Side], Field(description="pod -> its leg now; only pods that changed")]
    session: Annotated[str | None, Field(description="the session that was corrected; null = none")] = None


class GatewayPort(Protocol):
    """The gateway as the page sees it. Whatever blocks (the store, the report) is awaited, never done in the loop."""

    @property
    def version(self) -> str: ...

    @property
    def hub(self) -> Hub: ...

    @property
    def notes(self) -> NotesPort:
        """What is said of sessions and runners afterwards."""
        ...

    @property
    def swap(self) -> SwapPort:
        """The guided swap-legs test."""
        ...

    def health(self) -> Mapping[str, Any]:
        """Every counter and state an operator can see, ready for JSON. Must not block."""
        ...

    async def sessions(self) -> Sequence[SessionRow]:
        """All sessions, newest first."""
        ...

    async def strides(self, session_id: str, *, offset: int, limit: int) -> StridePage | None:
        """A slice of a session's strides; None when there is no such session."""
        ...

    async def start_session(self, runner: str) -> str:
        """Start recording and return the session's id. Raises SessionConflictError when one runs."""
        ...

    async def stop_session(self) -> None:
        """Stop and store. Raises SessionConflictError when none runs."""
        ...

    async def delete_session(self, session_id: str) -> None:
        """Delete a stored session. Raises SessionConflictError for the running one, UnknownError."""
        ...

    async def assign_leg(self, pod_id: str, side: Side, *, session_id: str | None) -> Placement:
        """The pod sits on this leg; `session_id` corrects a stored session. Raises UnknownError, LegTakenError."""
        ...

    async def swap_legs(self, *, session_id: str | None) -> Placement:
        """The pods on both legs exchange them. Raises UnknownError, LegTakenError."""
        ...

    async def report_html(self, session_id: str) -> str | None:
        """The session's report as one self-contained page; None when there is no such session."""
        ...
