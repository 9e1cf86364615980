"""The JSON API: who may do what, one line for every mistake, and a document that describes it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fakes.fake_gateway import POD, FakeGateway

from evenstride_analysis.model import Side
from evenstride_gateway.web.app import create_app

TOKEN = "correct-horse"
COACH = {"Authorization": f"Bearer {TOKEN}"}
Scenario = Callable[[httpx.AsyncClient, FakeGateway], Awaitable[None]]


def call(scenario: Scenario, *, base: str = "http://127.0.0.1:8000", peer: str = "127.0.0.1") -> None:
    async def main() -> None:
        gateway = FakeGateway()
        app = create_app(gateway, token=TOKEN, hosts=["track.lan"])
        transport = httpx.ASGITransport(app=app, client=(peer, 5000))
        async with asyncio.timeout(20), httpx.AsyncClient(transport=transport, base_url=base) as client:
            await scenario(client, gateway)

    asyncio.run(main())


def test_sessions_and_strides() -> None:
    async def scenario(client: httpx.AsyncClient, _: FakeGateway) -> None:
        (session,) = (await client.get("/api/sessions")).json()
        assert session["duration_s"] == 1925.0
        url = f"/api/sessions/{session['session_id']}/strides"
        page = (await client.get(url, params={"offset": 8, "limit": 5})).json()
        assert (page["total"], len(page["strides"])) == (10, 2)
        assert page["strides"][0]["stance_ms"] == 240.0
        assert page["strides"][0]["impact_axial_g"] is None

    call(scenario)


def test_an_unknown_session_is_one_line() -> None:
    async def scenario(client: httpx.AsyncClient, _: FakeGateway) -> None:
        for path in ("/api/sessions/nobody/strides", "/sessions/nobody/report"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert answer.json() == {"detail": "there is no session 'nobody': GET /api/sessions lists them"}

    call(scenario)


def test_actions_need_the_token() -> None:
    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Cookie": "x=y"}):
            answer = await client.post("/api/session/start", json={"runner": "Ana"}, headers=headers)
            assert answer.status_code == 401
        assert gateway.started == []
        answer = await client.post("/api/session/start", json={"runner": "  Ana "}, headers=COACH)
        assert answer.json() == {"session_id": "s1"}
        assert gateway.started == ["Ana"]
        again = await client.post("/api/session/start", json={"runner": "Bo"}, headers=COACH)
        assert (again.status_code, again.json()["detail"]) == (409, "a session of Ana is running: stop it first")
        assert (await client.post("/api/session/stop", headers=COACH)).json() == {"stopped": True}
        assert (await client.post("/api/session/stop", headers=COACH)).status_code == 409

    call(scenario)


def test_legs_are_said_swapped_and_corrected() -> None:
    left, right = POD[Side.LEFT], POD[Side.RIGHT]

    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        async def say(path: str, body: dict[str, str], **headers: str) -> tuple[int, Any]:
            answer = await client.post(f"/api/pods/{path}", json=body, headers=headers or COACH)
            return answer.status_code, answer.json().get("detail") or answer.json()

        assert (await say(f"{left}/leg", {"side": "right"}, Cookie="x=y"))[0] == 401
        assert (await say("swap", {}, Cookie="x=y"))[0] == 401
        assert await say(f"{left}/leg", {"side": "right"}) == (
            409,
            f"pod {right} sits on the right leg, so pod {left} cannot",
        )
        assert await say("nobody/leg", {"side": "left"}) == (404, "pod nobody was never met")
        assert (await say(f"{left}/leg", {"side": "up"}))[1].startswith("body.side: ")
        assert (await say(f"{left}/leg", {"side": "left", "more": "x"}))[0] == 422
        assert await say("swap", {}) == (200, {"sides": {left: "right", right: "left"}, "session": None})
        assert gateway.sides == {left: Side.RIGHT, right: Side.LEFT}
        assert (await say(f"{left}/leg", {"side": "right", "session": "s0"}))[1]["session"] == "s0"
        assert gateway.corrected == [None, "s0"]

    call(scenario)


def test_a_session_is_deleted_by_the_coach_only() -> None:
    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        url = "/api/sessions/20260503-0815-ana"
        assert (await client.delete(url)).status_code == 401
        assert gateway.deleted == []
        assert (await client.delete(url, headers=COACH)).json() == {"deleted": "20260503-0815-ana"}
        assert (await client.delete("/api/sessions/nobody", headers=COACH)).status_code == 404
        await gateway.start_session("Ana")
        assert (await client.delete("/api/sessions/s1", headers=COACH)).status_code == 409

    call(scenario)


def test_the_token_in_the_address_becomes_a_cookie() -> None:
    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        wrong = await client.get("/", params={"token": "wrong"})
        assert (wrong.status_code, wrong.headers["location"], "set-cookie" in wrong.headers) == (303, "/", False)
        right = await client.get("/", params={"token": TOKEN})
        cookie = right.headers["set-cookie"]
        assert (right.status_code, right.headers["location"]) == (303, "/")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert (await client.get("/api/role")).json() == {"coach": True, "version": "0.1.0"}
        assert (await client.post("/api/session/start", json={"runner": "Ana"})).status_code == 200
        client.cookies.clear()
        assert (await client.get("/api/role")).json()["coach"] is False

    call(scenario)


@pytest.mark.parametrize(
    ("runner", "says"),
    [("", "at least 1"), ("   ", "at least 1"), ("x" * 81, "at most 80"), ("a\nb", "pattern"), (3, "string")],
)
def test_a_bad_name_is_one_line(runner: Any, says: str) -> None:
    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        answer = await client.post("/api/session/start", json={"runner": runner}, headers=COACH)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("body.runner: ")
        assert says in answer.json()["detail"]
        assert gateway.started == []

    call(scenario)


def test_foreign_hosts_and_origins_are_refused() -> None:
    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1"):
            assert (await client.get("/api/health", headers={"Host": host})).status_code == 421
        for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "track.lan", "TRACK.LAN:8000"):
            assert (await client.get("/api/health", headers={"Host": host})).status_code == 200
        for origin in ("http://evil.example", "null", "http://127.0.0.1:9999"):
            headers = COACH | {"Origin": origin}
            answer = await client.post("/api/session/start", json={"runner": "Ana"}, headers=headers)
            assert answer.status_code == 403
        own = COACH | {"Origin": "http://127.0.0.1:8000"}
        assert gateway.started == []
        assert (await client.post("/api/session/start", json={"runner": "Ana"}, headers=own)).status_code == 200

    call(scenario)


def test_another_machine_sees_the_board_and_no_history() -> None:
    async def scenario(client: httpx.AsyncClient, _: FakeGateway) -> None:
        assert (await client.get("/")).status_code == 200
        for path in ("/sessions", "/api/sessions", "/api/sessions/x/strides", "/sessions/x/report"):
            assert (await client.get(path)).status_code == 401
        assert (await client.get("/api/sessions", headers=COACH)).status_code == 200

    call(scenario, base="http://track.lan:8000", peer="192.168.1.20")


def test_large_requests_are_refused() -> None:
    async def scenario(client: httpx.AsyncClient, gateway: FakeGateway) -> None:
        large = await client.post("/api/session/start", content=b"x" * 5000, headers=COACH)
        assert large.status_code == 413

        async def pieces() -> AsyncGenerator[bytes, None]:  # no content-length: counted while it arrives
            yield b'{"runner": "Ana'
            for _ in range(10):
                yield b" " * 1000
            yield b'"}'

        headers = COACH | {"Content-Type": "application/json"}
        assert (await client.post("/api/session/start", content=pieces(), headers=headers)).status_code == 422
        assert gateway.started == []

    call(scenario)


def test_every_answer_carries_the_headers() -> None:
    async def scenario(client: httpx.AsyncClient, _: FakeGateway) -> None:
        for path in ("/", "/sessions", "/static/live.js", "/api/health", "/nowhere"):
            headers = (await client.get(path)).headers
            assert "script-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
        report = await client.get("/sessions/20260503-0815-ana/report")
        assert "<h1>report</h1>" in report.text
        assert "script-src" not in report.headers["content-security-policy"]
        assert "sandbox" in report.headers["content-security-policy"]

    call(scenario)


def test_no_page_needs_an_inline_script_style_or_another_site() -> None:
    async def scenario(client: httpx.AsyncClient, _: FakeGateway) -> None:
        for path in ("/", "/sessions"):
            html = (await client.get(path)).text
            assert "<style" not in html
            assert " style=" not in html
            assert "http://" not in html
            assert "https://" not in html
            assert html.count("<script") == html.count("<script src=") + html.count('<script type="module" src=')

    call(scenario)


def test_openapi_describes_the_stream_and_every_reference_exists() -> None:
    async def scenario(client: httpx.AsyncClient, _: FakeGateway) -> None:
        document = (await client.get("/api/openapi.json")).json()
        assert document["openapi"].startswith("3.")
        wanted = {
            "/api/sessions",
            "/api/sessions/{session_id}/strides",
            "/api/live",
            "/api/health",
            "/api/role",
            "/api/session/start",
            "/api/session/stop",
            "/api/sessions/{session_id}",
            "/api/pods/swap",
            "/api/pods/{pod_id}/leg",
            "/api/swap-test",
            "/api/swap-test/begin",
            "/api/swap-test/swapped",
            "/api/swap-test/cancel",
            "/api/sessions/{session_id}/settings",
            "/api/sessions/{session_id}/ground",
            "/api/runners/{runner_id}/mass",
        }
        assert set(document["paths"]) == wanted
        schemas = document["components"]["schemas"]
        missing = [ref for ref in references(document) if ref.removeprefix("#/components/schemas/") not in schemas]
        assert missing == []
        (media,) = document["paths"]["/api/live"]["get"]["responses"]["200"]["content"]
        assert media == "text/event-stream"
        assert "ms" in schemas["StrideRow"]["properties"]["stance_ms"]["description"]
        operations = [op["operationId"] for path in document["paths"].values() for op in path.values()]
        assert len(operations) == len(set(operations))

    call(scenario)


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if "$ref" in node else []  # pyright: ignore[reportUnknownVariableType]  parsed JSON
        return here + [ref for value in node.values() for ref in references(value)]  # pyright: ignore[reportUnknownVariableType]  parsed JSON
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []  # pyright: ignore[reportUnknownVariableType]  parsed JSON


def test_an_empty_token_is_no_token() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="token is empty"):
            create_app(FakeGateway(), token="")

    asyncio.run(main())
