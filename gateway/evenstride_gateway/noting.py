"""What a user says afterwards of a session or a runner, written by the gateway that holds the store."""

from evenstride_analysis.context import Ground
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.closing import put_ground
from evenstride_gateway.store import Mass, Store
from evenstride_gateway.web.port import SessionConflictError
from evenstride_gateway.writing import StoreQueue


class Notes:
    """Implements web.notes.NotesPort."""

    def __init__(self, queue: StoreQueue, system: SystematicError) -> None:
        self._queue, self._system = queue, system

    async def put_settings(self, session_id: str, settings: dict[str, str | None]) -> dict[str, str]:
        return await self._queue.call(lambda store: store.put_settings(session_id, settings))

    async def put_mass(self, runner_id: str, *, mass_kg: float, mass_sd_kg: float) -> None:
        await self._queue.call(lambda store: store.put_mass(runner_id, Mass(mass_kg=mass_kg, mass_sd_kg=mass_sd_kg)))

    async def put_ground(
        self, session_id: str, *, track_m: float | None, treadmill_mps: float | None
    ) -> dict[str, str]:
        ground, system = Ground(track_m=track_m, treadmill_mps=treadmill_mps), self._system

        def put(store: Store) -> dict[str, str] | None:
            if store.session(session_id).stopped_at is None:
                return None
            put_ground(store, session_id, ground, system)
            return store.session(session_id).settings

        settings = await self._queue.call(put)
        if settings is None:
            raise SessionConflictError(f"session {session_id} is not ended: stop it first, then say where it was run")
        return settings
