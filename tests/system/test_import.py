"""A run without a gateway, imported afterwards: real firmware, real bleak, the command line. Time runs eight times as
fast as life."""

import asyncio
import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from support.cli import evenstride
from support.host_pods import AirWorld, HostPod
from support.pod_runs import BEGAN, PodRuns

from evenstride_analysis.model import Doubt, Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway import air
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.importing import fetching
from evenstride_gateway.store import Entity, Placement, Store, StoredStride
from evenstride_gateway.store.podlog import PodLogs
from evenstride_gateway.virtual.world import POD_IDS

RUN_S = 60.0
Pods = dict[Side, HostPod]


@pytest.fixture
def runs(tmp_path: Path) -> PodRuns:
    return PodRuns(tmp_path / "pods", uneven(0.12, duration_s=RUN_S + 5).runner(1), RUN_S)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store that knows which leg each pod sits on, and nothing else."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        for side, pod_id in POD_IDS.items():
            store.put_placement(Placement(pod_id=pod_id, side=side))
    return folder


async def nothing(world: AirWorld, pods: Pods) -> None:
    """The pods lie there."""


def strides_of(folder: Path, session_id: str) -> dict[Side, list[StoredStride]]:
    with Store.open(folder, readonly=True) as store:
        found = store.strides(session_id)
    return {side: [s for s in found if s.side is side] for side in Side}


def check_strides(runs: PodRuns, found: dict[Side, list[StoredStride]], began_s: float) -> dict[Side, float]:
    """Every stride is the gateway's own within 2 ms; returns by how much each leg is late, in seconds of the runner."""
    late_s: dict[Side, float] = {}
    for side, strides in found.items():
        truth = runs.truth(side)
        assert len(truth) - 4 <= len(strides) <= len(truth)
        times = np.array([began_s + s.published_t_s for s in strides])
        true = np.array([s.strike_s for s in truth])
        # A few may be missing where the pod found its axes: each is held against the one nearest in time.
        pairs = [(s, truth[int(np.argmin(np.abs(true - at_s)))]) for s, at_s in zip(strides, times, strict=True)]
        off = np.array([began_s + s.published_t_s - t.strike_s for s, t in pairs])
        late_s[side] = float(np.median(off))
        assert np.abs(off - late_s[side]).max() < 0.002
        close = [abs(s.stride.stance_s - t.stance_s) < 0.002 for s, t in pairs]
        assert np.mean(close) > 0.98
        assert {s.stride.method for s in strides} == {"pod-2.0"}
        blind = [s for s in strides if Doubt.ON_POD in s.stride.doubt]
        assert 5 < len(blind) < 30  # before ten seconds of running the pod does not know its axes
        assert all(s.stride.impact_axial_mps2 is None and s.stride.impact_mps2 is not None for s in blind)
        assert all(s.stride.impact_axial_mps2 is not None for s in strides if s not in blind)
    return late_s


def test_a_run_without_a_gateway_has_its_date_its_legs_and_its_verdict(runs: PodRuns, data: Path) -> None:
    async def run(world: AirWorld, pods: Pods) -> None:
        await runs.over(world)

    shown = json.loads(runs.evenstride(run, "pods", "log", "--json").out)
    assert [row["pod"] for row in shown] == [POD_IDS[Side.LEFT], POD_IDS[Side.RIGHT]]
    assert [row["from_utc"] for row in shown] == 2 * ["2026-05-01 16:30 UTC"]
    assert all(row["strides"] > 70 for row in shown), shown
    done = runs.evenstride(nothing, "pods", "import", "--runner", "Ada", "--json")
    (made,) = json.loads(done.out)["sessions"]
    assert made["date_error_s"] < 0.3
    assert made["lost"] == 0
    with Store.open(data, readonly=True) as store:
        session = store.session(made["session"])
        assert store.people()[0].name == "Ada"
        fits = {fit.pod_id: fit for fit in store.clocks(session.session_id)}
        assert store.gaps(session.session_id) == []
    late_s = check_strides(runs, strides_of(data, made["session"]), (session.started_at - BEGAN).total_seconds())
    assert max(abs(off) for off in late_s.values()) <= made["date_error_s"]
    bound_s = max(fit.bound_s for fit in fits.values())
    assert bound_s < 0.06
    assert abs(late_s[Side.LEFT] - late_s[Side.RIGHT]) <= bound_s
    said = json.loads(evenstride("sessions", "show", made["session"], "--data", data, "--json").out)
    assert said["symmetry"]["stance"]["verdict"] == "real"
    assert said["symmetry"]["stance"]["low_percent"] < 12.0 < said["symmetry"]["stance"]["high_percent"]

    async def acknowledged(world: AirWorld, pods: Pods) -> None:
        for pod_id in POD_IDS.values():
            async with world.connected(pod_id) as host:
                assert await host.ranges(air.LogKind.RECORDS) == []

    again = runs.evenstride(acknowledged, "pods", "import", "--json")
    assert json.loads(again.out) == {"strides": 0, "sessions": [], "kept_without_session": 0}


def test_a_link_that_breaks_is_taken_up_again_and_nothing_comes_twice(
    runs: PodRuns, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "RECORDS_AT_ONCE", 10)
    monkeypatch.setattr(fetching, "RETURN_S", 1.0)
    stored = 0
    cut = asyncio.Event()
    put = PodLogs.put_records

    def counted(store: PodLogs, *what: object) -> int:
        nonlocal stored
        stored += (new := put(store, *what))  # pyright: ignore[reportArgumentType]  # as it was called
        if stored >= 40:
            loop.call_soon_threadsafe(cut.set)
        return new

    async def run(world: AirWorld, pods: Pods) -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        await runs.over(world)
        radios = world.radios

        async def out_of_range() -> None:
            await cut.wait()
            for radio in radios:
                world.link.set_away(radio, True)

        tasks.append(asyncio.create_task(out_of_range()))

    loop: asyncio.AbstractEventLoop
    tasks: list[asyncio.Task[None]] = []
    with patch.object(PodLogs, "put_records", counted):
        line = runs.evenstride(run, "pods", "import").error_line(Exit.RADIO)
    assert "the next import goes on from there" in line
    with Store.open(data, readonly=True) as store:
        assert store.sessions() == []
        half = len(store.waiting_records())
    assert 40 <= half < 100
    done = json.loads(runs.evenstride(nothing, "pods", "import", "--json").out)
    (made,) = done["sessions"]
    found = strides_of(data, made["session"])
    assert done["strides"] + half == sum(len(strides) for strides in found.values())
    with Store.open(data, readonly=True) as store:
        began_s = (store.session(made["session"]).started_at - BEGAN).total_seconds()
    check_strides(runs, found, began_s)


def test_a_run_without_a_date_is_paired_by_alternation_and_dated_by_its_runner(runs: PodRuns, data: Path) -> None:
    async def run(world: AirWorld, pods: Pods) -> None:
        await runs.over(world)
        for side, pod in pods.items():
            await pod.kill()
            await runs.host_pod(world, side).start()

    (made,) = json.loads(runs.evenstride(run, "pods", "import", "--json").out)["sessions"]
    assert (made["started_at"], made["date_error_s"]) == (None, None)
    session_id = made["session"]
    with Store.open(data, readonly=True) as store:
        session = store.session(session_id)
        fits = {fit.pod_id: fit for fit in store.clocks(session_id)}
        (left, right) = (store.anchors(pod_id) for pod_id in POD_IDS.values())
        assert not session.dated
        assert session.settings["date"].startswith("unknown; it was before 2026-05-01 16:31 UTC")
        assert {a.boot_id for a in (*left, *right)}.isdisjoint(fit.boot_id for fit in fits.values())
        assert store.dated_sessions() == {}  # no sink is told a date that nobody knows
    # How late the session's clock is, by the runner's own: nobody knows it, but it is the same for both legs.
    found = strides_of(data, session_id)
    late_s = {side: first_of(runs, side) - found[side][0].published_t_s for side in Side}
    bound_s = max(fit.bound_s for fit in fits.values())
    assert abs(late_s[Side.LEFT] - late_s[Side.RIGHT]) <= bound_s
    assert "undated" in evenstride("sessions", "list", "--data", data).out
    page = data / "report.html"
    assert evenstride("report", session_id, "--out", page, "--data", data).code == 0
    assert "undated" in page.read_text()
    assert "undated" in page.read_text().partition("</title>")[0]

    line = evenstride("sessions", "date", session_id, "noon", "--data", data).error_line(Exit.INPUT)
    assert "YYYY-MM-DD HH:MM" in line
    assert evenstride("sessions", "date", session_id, "2026-05-01 18:30+02:00", "--data", data).code == 0
    assert "2026-05-01T16:30:00" in evenstride("sessions", "list", "--data", data).out
    with Store.open(data, readonly=True) as store:
        assert store.session(session_id).dated
        assert store.dated_sessions().keys() == {session_id}
        told = {change.entity_id for change in store.changes(limit=10_000) if change.entity is Entity.STRIDE}
        assert told >= {str(stored.stride_id) for stored in store.strides(session_id)}


def first_of(runs: PodRuns, side: Side) -> float:
    """When the leg's first strike was, in seconds of the runner."""
    return runs.truth(side)[0].strike_s
