"""What a user says afterwards of a session or a runner, while the gateway holds the store."""

from typing import Annotated, Any, Protocol, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Note = Annotated[
    str | None,
    StringConstraints(strip_whitespace=True, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


class NotesPort(Protocol):
    """Raises UnknownError for a session or runner that is not there. Shoes, pace and mass may be said at any time."""

    async def put_settings(self, session_id: str, settings: dict[str, str | None]) -> dict[str, str]:
        """Lay these over the session's settings; None takes one away. Returns them all."""
        ...

    async def put_mass(self, runner_id: str, *, mass_kg: float, mass_sd_kg: float) -> None: ...

    async def put_ground(
        self, session_id: str, *, track_m: float | None, treadmill_mps: float | None
    ) -> dict[str, str]:
        """Keep where a session was run and compute its symmetry points again. Returns its settings.

        Raises SessionConflictError while the session runs: its points are still being made.
        """
        ...


class SettingsRequest(BaseModel):
    """What is named is changed; an empty text takes the entry away."""

    model_config = ConfigDict(extra="forbid")
    shoes: Annotated[Note, Field(description="the shoes worn, in the user's own words")] = None
    pace: Annotated[Note, Field(description="a word for the pace: sessions with the same word are alike")] = None


class Settings(BaseModel):
    settings: Annotated[dict[str, str], Field(description="all settings of the session as they are now")]


class Mass(BaseModel):
    """How heavy a runner is."""

    model_config = ConfigDict(extra="forbid")
    mass_kg: Annotated[float, Field(ge=20, le=250, description="with shoes and clothes, kg")]
    mass_sd_kg: Annotated[float, Field(ge=0, le=20, description="how far it may be off (SD), kg")]


class GroundRequest(BaseModel):
    """A track or a treadmill; neither takes the entry away."""

    model_config = ConfigDict(extra="forbid")
    track_m: Annotated[float | None, Field(ge=100, le=1000, description="length of the track's lap, m")] = None
    treadmill_mps: Annotated[float | None, Field(ge=0.5, le=8, description="speed of the treadmill, m/s")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.track_m is not None and self.treadmill_mps is not None:
            raise ValueError("a track or a treadmill was expected, not both")
        return self


def note_routes(port: NotesPort, *, coach_only: Any, answers: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The three actions. `answers` are the refusals that the document names."""
    router = APIRouter()

    @router.post("/api/sessions/{session_id}/settings", dependencies=[coach_only], responses=answers)
    async def settings(session_id: Annotated[str, Field(max_length=128)], wanted: SettingsRequest) -> Settings:
        """Say which shoes were worn and how the pace is called."""
        said = {name: value or None for name, value in wanted.model_dump(exclude_unset=True).items()}
        return Settings(settings=await port.put_settings(session_id, said))

    @router.post(
        "/api/sessions/{session_id}/ground", dependencies=[coach_only], responses=answers | {409: answers[404]}
    )
    async def ground(session_id: Annotated[str, Field(max_length=128)], wanted: GroundRequest) -> Settings:
        """Say where a session was run: a track's lap or a treadmill's speed makes its speeds comparable."""
        held = await port.put_ground(session_id, track_m=wanted.track_m, treadmill_mps=wanted.treadmill_mps)
        return Settings(settings=held)

    @router.post("/api/runners/{runner_id}/mass", dependencies=[coach_only], responses=answers)
    async def mass(runner_id: Annotated[str, Field(max_length=64)], wanted: Mass) -> Mass:
        """Say how heavy a runner is: vertical stiffness needs it."""
        await port.put_mass(runner_id, mass_kg=wanted.mass_kg, mass_sd_kg=wanted.mass_sd_kg)
        return wanted

    return router
