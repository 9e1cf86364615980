"""`evenstride stack verify` on a real InfluxDB 1.6: what it compares, what it says, and what heals a difference."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.cli import evenstride
from support.seasons import add_session
from support.servers import influxd

from evenstride_analysis.symmetry import system_of
from evenstride_gateway.closing import regrid
from evenstride_gateway.normals import collect_with_normals
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.targets import InfluxTarget, Version
from evenstride_gateway.store import Store

INDICES = (0.010, 0.016, 0.004, 0.012)


def deliver(store: Store, url: str, after: int) -> None:
    """What a running gateway would write of the changes behind `after`."""

    async def scenario() -> None:
        async with InfluxWriter(InfluxTarget(url=url, version=Version.V1, bucket="evenstride")) as writer:
            assert await writer.deliver(collect_with_normals(system_of())(store, after, 100_000).points) == []

    asyncio.run(scenario())


def verified(data: Path, *sessions: str) -> tuple[int, dict[str, dict[str, Any]]]:
    shown = evenstride("stack", "verify", *sessions, "--data", data, "--json")
    return shown.code, {row["session"]: row for row in json.loads(shown.out)}


def test_standings_and_deleted_sessions_are_compared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    with Store.open(data) as store:
        for day, index in enumerate(INDICES):
            regrid(store, add_session(store, day, index=index), system_of())
        add_session(store, 9, strides=20, end=False)
    with influxd(tmp_path / "influx") as server:
        monkeypatch.setenv("EVENSTRIDE_INFLUX_URL", server.url)
        monkeypatch.setenv("EVENSTRIDE_INFLUX_VERSION", "1")
        code, found = verified(data)
        assert (code, found["d03"]["standing_due"]) == (8, 6)
        assert evenstride("stack", "backfill", "--data", data).code == 0
        code, found = verified(data)
        assert code == 0
        assert {name: row["baseline_compared"] for name, row in found.items()} == {
            "d00": True,
            "d01": True,
            "d02": True,
            "d03": True,
            "d09": False,  # not ended: there is no standing yet
        }
        said = " ".join(evenstride("stack", "verify", "--data", data).out.split())
        assert "the session itself of 5 sessions" in said
        assert "the own normal of the 4 that have one kept" in said
        assert "what is left of 0 deleted ones" in said
        assert said.endswith("every point exactly once, with equal values")

        with Store.open(data) as store:  # the database does not hear of it
            before = max(change.change for change in store.changes(after=0, limit=100_000))
            store.delete_session("d01")
        code, found = verified(data)
        assert code == 8
        assert found["d01"]["deleted"] is True
        held = server.query("SELECT count(\"retired\") AS n FROM stride WHERE session = 'd01'", "evenstride")[0]["n"]
        assert found["d01"]["surplus"] > held + 6  # with its symmetry, its accounts, its standing and itself
        assert any("baseline: 6 points of a session that was deleted" in text for text in found["d01"]["examples"])
        assert found["d03"]["standing_due"] == 6  # one session fewer stands behind it
        assert verified(data, "d00") == (0, {"d00": found["d00"]})
        said = " ".join(evenstride("stack", "verify", "--data", data).out.split())
        assert "d01 (deleted)" in said
        assert "every point exactly once" not in said
        assert "backfill does not withdraw them" in said
        assert "points of standings are not there as they are judged now" in said

        assert evenstride("stack", "backfill", "--data", data).code == 0
        code, found = verified(data)
        assert (code, {name for name, row in found.items() if row["surplus"]}) == (8, {"d01"})
        assert sum(row["different"] + row["missing"] + row["standing_due"] for row in found.values()) == 0
        with Store.open(data) as store:
            deliver(store, server.url, before)
        assert verified(data)[0] == 0
