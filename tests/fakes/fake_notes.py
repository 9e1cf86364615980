"""A FAKE of what a user says afterwards: kept in memory."""

from evenstride_gateway.errors import UnknownError


class FakeNotes:
    """Knows the session of the fake gateway and the runner `ana`."""

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}
        self.masses: dict[str, tuple[float, float]] = {}

    async def put_settings(self, session_id: str, settings: dict[str, str | None]) -> dict[str, str]:
        if session_id == "nobody":
            raise UnknownError(f"no session {session_id!r}")
        self.settings = {key: value for key, value in {**self.settings, **settings}.items() if value is not None}
        return self.settings

    async def put_mass(self, runner_id: str, *, mass_kg: float, mass_sd_kg: float) -> None:
        if runner_id != "ana":
            raise UnknownError(f"runner {runner_id} is not known here")
        self.masses[runner_id] = (mass_kg, mass_sd_kg)

    async def put_ground(
        self, session_id: str, *, track_m: float | None, treadmill_mps: float | None
    ) -> dict[str, str]:
        entered = {"track_m": track_m, "treadmill_mps": treadmill_mps}
        return await self.put_settings(session_id, {k: None if v is None else f"{v:g}" for k, v in entered.items()})
