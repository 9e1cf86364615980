"""What a user says afterwards of a session or a runner, written by the gateway that holds the store."""

from evenstride_gateway.store import Mass
from evenstride_gateway.writing import StoreQueue


class Notes:
    """Implements web.notes.NotesPort."""

    def __init__(self, queue: StoreQueue) -> None:
        self._queue = queue

    async def put_settings(self, session_id: str, settings: dict[str, str | None]) -> dict[str, str]:
        return await self._queue.call(lambda store: store.put_settings(session_id, settings))

    async def put_mass(self, runner_id: str, *, mass_kg: float, mass_sd_kg: float) -> None:
        await self._queue.call(lambda store: store.put_mass(runner_id, Mass(mass_kg=mass_kg, mass_sd_kg=mass_sd_kg)))
