"""The web application: one page, the JSON API behind it, and who may do what."""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from evenstride_analysis.model import Side
from evenstride_gateway.errors import EvenstrideError, LegTakenError, StoreTroubleError, UnknownError
from evenstride_gateway.web.board import Board
from evenstride_gateway.web.guard import COOKIE, REPORT_CSP, CoachKey, Guard, from_this_machine
from evenstride_gateway.web.notes import note_routes
from evenstride_gateway.web.port import GatewayPort, Placement, SessionConflictError, SessionRow, StridePage
from evenstride_gateway.web.stream import EventStream
from evenstride_gateway.web.swap import swap_routes

HERE = Path(__file__).parent
STRIDES_MAX = 5000

SessionId = Annotated[str, Field(max_length=128)]
PodId = Annotated[str, Field(max_length=64)]
PastSession = Annotated[
    SessionId | None, Field(description="a stored session to correct; null = from now on, and the running session")
]


class StartRequest(BaseModel):
    """Who runs."""

    model_config = ConfigDict(extra="forbid")
    runner: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$"),
        Field(description="the runner's name, 1 to 80 characters"),
    ]


class LegRequest(BaseModel):
    """Where a pod sits."""

    model_config = ConfigDict(extra="forbid")
    side: Annotated[Side, Field(description="the leg")]
    session: PastSession = None


class SwapRequest(BaseModel):
    """Which session; nothing = now."""

    model_config = ConfigDict(extra="forbid")
    session: PastSession = None


class Started(BaseModel):
    session_id: str


class Stopped(BaseModel):
    stopped: bool


class Deleted(BaseModel):
    deleted: str


class Role(BaseModel):
    coach: Annotated[bool, Field(description="true: this browser may start and stop sessions")]
    version: str


class Detail(BaseModel):
    detail: Annotated[str, Field(description="what is wrong, in one line")]


class _StaticFiles(StaticFiles):
    """Files that are asked for again after every start of the gateway, answered with 304 when they are the same."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def create_app(gateway: GatewayPort, *, token: str, hosts: Collection[str] = ()) -> FastAPI:
    """The application for `gateway`. `token` is the coach's; `hosts` are names answered besides the loopback ones.

    Loopback peers read everything; others see the live board, and history only with the token. Every action needs it.
    """
    app = FastAPI(
        title="evenstride",
        version=gateway.version,
        description="Stance time, impact and symmetry of a runner, with their errors. Units stand in the field names.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    key = CoachKey(token)
    templates = Jinja2Templates(directory=HERE / "templates")
    app.state.hub = gateway.hub
    app.mount("/static", _StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=800, compresslevel=6)  # leaves text/event-stream alone
    app.add_middleware(Guard, hosts=hosts)  # added last: the outermost
    _add_errors(app)
    _add_pages(app, gateway, key, templates)
    _add_api(app, gateway, key)
    guarded: dict[int | str, dict[str, Any]] = {401: {"model": Detail}, 409: {"model": Detail}}
    app.include_router(
        swap_routes(gateway.swap, templates, version=gateway.version, coach_only=_coach_only(key), answers=guarded)
    )
    missing: dict[int | str, dict[str, Any]] = {401: {"model": Detail}, 404: {"model": Detail}}
    app.include_router(note_routes(gateway.notes, coach_only=_coach_only(key), answers=missing))
    _describe_stream(app)
    return app


def _coach_only(key: CoachKey) -> Any:
    def check(request: Request) -> None:
        if not key.held_by(request):
            raise HTTPException(
                401, "this needs the coach's token: open the address with ?token= that the gateway printed"
            )

    return Depends(check)


def _history_only(key: CoachKey) -> Any:
    def check(request: Request) -> None:
        if not (from_this_machine(request) or key.held_by(request)):
            raise HTTPException(401, "past sessions need the coach's token")

    return Depends(check)


def _add_pages(app: FastAPI, gateway: GatewayPort, key: CoachKey, templates: Jinja2Templates) -> None:
    @app.get("/", include_in_schema=False)
    async def live_page(request: Request, token: Annotated[str | None, Query(max_length=256)] = None) -> Response:
        if token is None:
            return templates.TemplateResponse(request, "live.html", {"version": gateway.version})
        answer = RedirectResponse("/", status_code=303)
        if key.opens(token):
            answer.set_cookie(COOKIE, key.cookie, httponly=True, samesite="strict", path="/", max_age=30 * 86400)
        return answer

    @app.get("/sessions", include_in_schema=False, dependencies=[_history_only(key)])
    async def sessions_page(request: Request) -> Response:
        context = {"version": gateway.version, "sessions": await gateway.sessions()}
        return templates.TemplateResponse(request, "sessions.html", context)

    @app.get("/sessions/{session_id}/report", include_in_schema=False, dependencies=[_history_only(key)])
    async def report_page(session_id: SessionId) -> Response:
        html = await gateway.report_html(session_id)
        if html is None:
            raise _unknown(session_id)
        return HTMLResponse(html, headers={"content-security-policy": REPORT_CSP})


def _add_api(app: FastAPI, gateway: GatewayPort, key: CoachKey) -> None:
    refused: dict[int | str, dict[str, Any]] = {401: {"model": Detail}}
    unknown: dict[int | str, dict[str, Any]] = {404: {"model": Detail}}
    conflict: dict[int | str, dict[str, Any]] = {409: {"model": Detail}}

    @app.get("/api/sessions", response_model=list[SessionRow], dependencies=[_history_only(key)], responses=refused)
    async def sessions() -> Sequence[SessionRow]:
        """All sessions, newest first."""
        return await gateway.sessions()

    @app.get(
        "/api/sessions/{session_id}/strides",
        response_model=StridePage,
        dependencies=[_history_only(key)],
        responses=refused | unknown,
    )
    async def strides(
        session_id: SessionId,
        offset: Annotated[int, Query(ge=0, description="strides to leave out at the beginning")] = 0,
        limit: Annotated[int, Query(ge=1, le=STRIDES_MAX, description="strides at most")] = 1000,
    ) -> Response:
        """The strides of one session in time order: the table of `evenstride analyze` as JSON."""
        page = await gateway.strides(session_id, offset=offset, limit=limit)
        if page is None:
            raise _unknown(session_id)
        # thousands of rows: encoded beside the loop, which carries the radio
        return Response(await asyncio.to_thread(_encode_strides, page), media_type="application/json")

    @app.get("/api/live", response_class=Response)
    async def live() -> Response:
        """The live board as server-sent events.

        First a `snapshot`, then a `board` at every stride and at least once a second. Ids count up; after a loss a
        new `snapshot` comes.
        """
        if gateway.hub.full:
            raise HTTPException(503, "too many pages are open")
        return EventStream(gateway.hub)

    @app.get("/api/health")
    async def health() -> dict[str, Any]:
        """Every counter and state an operator can see."""
        hub = gateway.hub
        web = {"viewers": hub.viewers, "published": hub.published, "dropped_frames": hub.dropped}
        return {**cast("dict[str, Any]", jsonable_encoder(dict(gateway.health()))), "web": web}

    @app.get("/api/role")
    async def role(request: Request) -> Role:
        """What this browser may do."""
        return Role(coach=key.held_by(request), version=gateway.version)

    @app.post("/api/session/start", dependencies=[_coach_only(key)], responses=refused | conflict)
    async def start(wanted: StartRequest) -> Started:
        """Start recording a session of this runner."""
        return Started(session_id=await gateway.start_session(wanted.runner))

    @app.post("/api/session/stop", dependencies=[_coach_only(key)], responses=refused | conflict)
    async def stop() -> Stopped:
        """Stop the running session and store it."""
        await gateway.stop_session()
        return Stopped(stopped=True)

    @app.delete("/api/sessions/{session_id}", dependencies=[_coach_only(key)], responses=refused | unknown | conflict)
    async def delete(session_id: SessionId) -> Deleted:
        """Delete a stored session with its raw samples, for good. The running session is refused."""
        await gateway.delete_session(session_id)
        return Deleted(deleted=session_id)

    @app.post("/api/pods/swap", dependencies=[_coach_only(key)], responses=refused | unknown | conflict)
    async def swap(wanted: SwapRequest) -> Placement:
        """The pods on both legs exchange them."""
        return await gateway.swap_legs(session_id=wanted.session)

    @app.post("/api/pods/{pod_id}/leg", dependencies=[_coach_only(key)], responses=refused | unknown | conflict)
    async def leg(pod_id: PodId, wanted: LegRequest) -> Placement:
        """Say on which leg a pod sits. Refused when another pod sits there: move that one first, or swap."""
        return await gateway.assign_leg(pod_id, wanted.side, session_id=wanted.session)


def _encode_strides(page: StridePage) -> bytes:
    rows = {"strides": [asdict(row) for row in page.strides], "total": page.total}
    return json.dumps(rows, separators=(",", ":"), allow_nan=False).encode()


def _unknown(session_id: str) -> HTTPException:
    return HTTPException(404, f"there is no session {session_id[:80]!r}: GET /api/sessions lists them")


def _add_errors(app: FastAPI) -> None:
    async def conflict(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, status_code=409)

    async def failure(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, status_code=500)

    async def later(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, status_code=503)

    async def invalid(_: Request, error: Exception) -> Response:
        first = cast("RequestValidationError", error).errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return JSONResponse({"detail": f"{place}: {first['msg']}"}, status_code=422)

    async def nowhere(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, status_code=404)

    app.add_exception_handler(SessionConflictError, conflict)
    app.add_exception_handler(LegTakenError, conflict)
    app.add_exception_handler(UnknownError, nowhere)
    app.add_exception_handler(StoreTroubleError, later)
    app.add_exception_handler(EvenstrideError, failure)
    app.add_exception_handler(RequestValidationError, invalid)


def _describe_stream(app: FastAPI) -> None:
    """Put the shape of a live event into the OpenAPI document, which knows streams only as text."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schema = TypeAdapter(Board).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
            document["components"]["schemas"].update(schema.pop("$defs"))
            document["components"]["schemas"]["Board"] = schema
            document["paths"]["/api/live"]["get"]["responses"]["200"]["content"] = {
                "text/event-stream": {"schema": {"$ref": "#/components/schemas/Board"}}
            }
            validation = {"$ref": "#/components/schemas/Detail"}
            for path in document["paths"].values():
                for operation in path.values():
                    if "422" in operation["responses"]:
                        operation["responses"]["422"]["content"]["application/json"]["schema"] = validation
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi
