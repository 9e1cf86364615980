"""Shoes, pace and mass through the API: who may say them, and what is refused."""

import asyncio

import httpx
from fakes.fake_gateway import FakeGateway

from evenstride_gateway.web.app import create_app

TOKEN = "correct-horse"
COACH = {"Authorization": f"Bearer {TOKEN}"}


def post(path: str, body: dict[str, object], *, token: bool = True) -> tuple[httpx.Response, FakeGateway]:
    async def main() -> tuple[httpx.Response, FakeGateway]:
        gateway = FakeGateway()
        gateway.notes.settings = {"pace": "easy"}
        app = create_app(gateway, token=TOKEN)
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5000))
        async with asyncio.timeout(20), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post(path, json=body, headers=COACH if token else {}), gateway

    return asyncio.run(main())


def test_what_is_named_is_laid_over_and_an_empty_text_takes_away() -> None:
    answer, gateway = post("/api/sessions/s0/settings", {"shoes": " Blue "})
    assert answer.json() == {"settings": {"pace": "easy", "shoes": "Blue"}}
    assert gateway.notes.settings == {"pace": "easy", "shoes": "Blue"}
    assert post("/api/sessions/s0/settings", {"pace": ""})[0].json() == {"settings": {}}


def test_the_ground_is_a_track_or_a_treadmill() -> None:
    answer, _ = post("/api/sessions/s0/ground", {"track_m": 400})
    assert answer.json() == {"settings": {"pace": "easy", "track_m": "400"}}
    for wrong in ({"track_m": 4}, {"treadmill_mps": 30}, {"track_m": 400, "treadmill_mps": 3}):
        assert post("/api/sessions/s0/ground", dict(wrong))[0].status_code == 422


def test_a_mass_is_kept() -> None:
    answer, gateway = post("/api/runners/ana/mass", {"mass_kg": 61.5, "mass_sd_kg": 1.0})
    assert (answer.status_code, gateway.notes.masses) == (200, {"ana": (61.5, 1.0)})


def test_refusals_are_one_line() -> None:
    for path, body, code in (
        ("/api/sessions/nobody/settings", {"shoes": "Blue"}, 404),
        ("/api/sessions/s0/settings", {"hat": "red"}, 422),
        ("/api/sessions/s0/settings", {"shoes": "x" * 61}, 422),
        ("/api/runners/bob/mass", {"mass_kg": 61.5, "mass_sd_kg": 1.0}, 404),
        ("/api/runners/ana/mass", {"mass_kg": 3.0, "mass_sd_kg": 1.0}, 422),
    ):
        answer, _ = post(path, dict(body))
        assert answer.status_code == code, path
        assert isinstance(answer.json()["detail"], str)
    assert post("/api/runners/ana/mass", {"mass_kg": 61.5, "mass_sd_kg": 1.0}, token=False)[0].status_code == 401
