"""The gateway as the page sees it (web.port.GatewayPort): the store is asked beside the loop."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from evenstride_analysis.model import Session, Side, Step
from evenstride_analysis.units import g_from_mps2, ms_from_s
from evenstride_gateway.app import Gateway
from evenstride_gateway.errors import StoreError
from evenstride_gateway.legs import Placed
from evenstride_gateway.noting import Notes
from evenstride_gateway.rendering import ReportProcess
from evenstride_gateway.results import session_steps, system_error
from evenstride_gateway.store import Store
from evenstride_gateway.tables.analyse import stride_row
from evenstride_gateway.web.hub import Hub
from evenstride_gateway.web.notes import NotesPort
from evenstride_gateway.web.port import Placement, SessionRow, StridePage, StrideRow
from evenstride_gateway.web.swap import SwapPort


class Service:
    """Implements GatewayPort on a wired gateway."""

    def __init__(self, gateway: Gateway, reports: ReportProcess, *, version: str) -> None:
        self._gateway, self._reports, self._version = gateway, reports, version

    @property
    def version(self) -> str:
        return self._version

    @property
    def hub(self) -> Hub:
        return self._gateway.hub

    @property
    def notes(self) -> NotesPort:
        return Notes(self._gateway.queue, system_error(self._gateway.config.symmetry))

    @property
    def swap(self) -> SwapPort:
        return self._gateway.swap

    def health(self) -> Mapping[str, Any]:
        return self._gateway.status.health.snapshot(asyncio.get_running_loop().time())

    async def sessions(self) -> Sequence[SessionRow]:
        return await asyncio.to_thread(_session_rows, self._gateway.queue.store)

    async def strides(self, session_id: str, *, offset: int, limit: int) -> StridePage | None:
        # thousands of rows: made beside the loop, which carries the radio
        return await asyncio.to_thread(_page, self._gateway.queue.store, session_id, offset, limit)

    async def start_session(self, runner: str) -> str:
        return await self._gateway.sessions.start(runner)

    async def stop_session(self) -> None:
        await self._gateway.sessions.stop()

    async def delete_session(self, session_id: str) -> None:
        await self._gateway.sessions.delete(session_id)

    async def assign_leg(self, pod_id: str, side: Side, *, session_id: str | None) -> Placement:
        return self._shown(await self._gateway.legs.assign(pod_id, side, session_id=session_id))

    async def swap_legs(self, *, session_id: str | None) -> Placement:
        return self._shown(await self._gateway.legs.swap(session_id=session_id))

    def _shown(self, placed: Placed) -> Placement:
        """The page need not wait for the next second."""
        self._gateway.status.refresh(asyncio.get_running_loop().time())
        self.hub.publish()
        return Placement(sides=placed.sides, session=placed.session_id)

    async def report_html(self, session_id: str) -> str | None:
        return await self._reports.html(session_id)


def _known(store: Store, session_id: str) -> bool:
    return any(session.session_id == session_id for session in store.sessions())


def _page(store: Store, session_id: str, offset: int, limit: int) -> StridePage | None:
    if not _known(store, session_id):
        return None
    steps = session_steps(store, session_id)
    both = len({step.side for step in steps}) == 2
    rows = [_row(step, both_legs=both) for step in steps[offset : offset + limit]]
    return StridePage(strides=rows, total=len(steps))


def _session_rows(store: Store) -> list[SessionRow]:
    names = {person.runner_id: person.name for person in store.people()}
    return [_session_row(store, session, names.get(session.runner_id, "")) for session in store.sessions()]


def _session_row(store: Store, session: Session, name: str) -> SessionRow:
    lasted = None if session.stopped_at is None else (session.stopped_at - session.started_at).total_seconds()
    try:
        n_strides = store.count_strides(session.session_id)
    except StoreError:  # deleted between the two questions
        n_strides = None
    return SessionRow(
        session_id=session.session_id,
        runner=name or session.runner_id,
        started_at=session.started_at,
        stopped_at=session.stopped_at,
        duration_s=lasted,
        n_strides=n_strides,
        dated=session.dated,
    )


def _row(step: Step, *, both_legs: bool) -> StrideRow:
    """The row of the stride table, in session time."""
    stride = step.stride
    axial, resultant = stride.impact_axial_mps2, stride.impact_mps2
    return StrideRow(
        side=step.side,
        strike_s=step.t_s,
        toe_off_s=step.t_s + stride.stance_s,
        stance_ms=ms_from_s(stride.stance_s),
        stride_ms=ms_from_s(stride.stride_s),
        impact_axial_g=None if axial is None else g_from_mps2(axial),
        impact_g=None if resultant is None else g_from_mps2(resultant),
        gait=step.gait,
        method=stride.method,
        doubt="|".join(stride_row(step, both_legs=both_legs).doubt.names),
    )
