"""Legs are said while the whole gateway runs: before a session, in it, and afterwards; every number follows."""

import asyncio
from pathlib import Path

import pytest
from support.whole_gateway import Run, gateway_run, play

from evenstride_analysis.model import Measure, Side, Symmetry, Verdict
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.errors import LegTakenError, UnknownError
from evenstride_gateway.legs import correct
from evenstride_gateway.results import session_summary, sides_of, system_error
from evenstride_gateway.store import Store
from evenstride_gateway.web.port import SessionConflictError

ENOUGH_S = 40.0  # of running for a symmetry


async def streaming(run: Run) -> None:
    await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))


def system(run: Run) -> SystematicError:
    return system_error(run.gateway.config.symmetry)


def stance(store: Store, session_id: str, error: SystematicError) -> Symmetry:
    return session_summary(store, session_id, error).symmetry[Measure.STANCE]


def index_of(found: Symmetry) -> float:
    assert found.index is not None, found.reason
    return found.index


def grid_of(store: Store, session_id: str) -> dict[int, float]:
    return {
        p.grid_index: p.symmetry.index
        for p in store.symmetry(session_id)
        if p.symmetry.measure is Measure.STANCE and p.symmetry.index is not None
    }


def test_new_pods_get_their_legs_while_they_are_recorded(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, sides={}) as run:
            await streaming(run)
            await run.start()
            await run.play(8)
            left, right = run.left.pod_id, run.right.pod_id
            run.health_now()
            board = run.gateway.view.snapshot(asyncio.get_running_loop().time())
            assert len([line for line in board["warnings"] if "on which leg?" in line]) == 2
            assert all(stored.side is None for stored in run.store.strides(run.session_id))
            placed = await run.gateway.legs.assign(left, Side.LEFT)
            assert (placed.sides, placed.session_id) == ({left: Side.LEFT}, run.session_id)
            with pytest.raises(LegTakenError, match=f"pod {left} sits on the left leg.*choose the right leg"):
                await run.gateway.legs.assign(right, Side.LEFT)
            with pytest.raises(LegTakenError, match="a swap needs a pod on each leg"):
                await run.gateway.legs.swap()
            await run.gateway.legs.assign(right, Side.RIGHT)
            with pytest.raises(LegTakenError, match="evenstride pods swap"):
                await run.gateway.legs.assign(right, Side.LEFT)
            with pytest.raises(UnknownError, match="was never met"):
                await run.gateway.legs.assign("nobody", Side.LEFT)
            await run.play(ENOUGH_S)
            board = run.gateway.view.snapshot(asyncio.get_running_loop().time())
            assert all(board["legs"][side]["stance_mean_ms"] for side in Side)
            assert board["balance"]["index_percent"] is not None
            books = await run.stop()
            strides = run.store.strides(books.session_id)
            assert {(s.stride.pod_id, s.side) for s in strides} == {(left, Side.LEFT), (right, Side.RIGHT)}
            assert sides_of(run.store, books.session_id) == {left: Side.LEFT, right: Side.RIGHT}
            assert {p.pod_id: p.side for p in run.store.placements()} == {left: Side.LEFT, right: Side.RIGHT}
            assert grid_of(run.store, books.session_id)
            await run.start("Bo")  # the next session knows
            assert {a.pod_id: a.side for a in run.store.assignments(run.session_id)} == run.world.sides

    play(scenario())


def test_legs_swapped_while_they_are_recorded(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            await run.start()
            await run.play(ENOUGH_S)
            loop = asyncio.get_running_loop()
            before, live = run.gateway.view.snapshot(loop.time()), grid_of(run.store, run.session_id)
            await run.gateway.legs.swap()
            after = run.gateway.view.snapshot(loop.time())
            for side in Side:
                for figure in ("stance_mean_ms", "impact_axial_mean_g", "n_strides"):
                    assert after["legs"][side][figure] == before["legs"][side.other][figure]
            turned = grid_of(run.store, run.session_id)
            assert live.keys() & turned.keys()
            assert all(live[k] * turned[k] < 0 for k in live.keys() & turned.keys())
            await run.play(10)  # a few pairs, none of them from before; the last four seconds are not settled
            board = run.gateway.view.snapshot(loop.time())
            assert board["balance"]["verdict"] == Verdict.NOT_MEASURABLE
            assert 0 < board["balance"]["n_pairs"] < 10
            await run.play(ENOUGH_S)
            again = run.gateway.view.snapshot(loop.time())
            assert again["balance"]["index_percent"] * before["balance"]["index_percent"] < 0
            books = await run.stop()
            sides = {run.left.pod_id: Side.RIGHT, run.right.pod_id: Side.LEFT}
            assert {(s.stride.pod_id, s.side) for s in run.store.strides(books.session_id)} == set(sides.items())
            assert {p.pod_id: p.side for p in run.store.placements()} == sides
            planted = index_of(stance(run.store, books.session_id, system(run)))
            assert planted * before["balance"]["index_percent"] < 0

    play(scenario())


def test_a_stored_session_is_corrected_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            await run.start()
            await run.play(ENOUGH_S)
            first, error = (await run.stop()).session_id, system(run)
            before, grid = index_of(stance(run.store, first, error)), grid_of(run.store, first)
            await run.start("Bo")
            legs, pods = run.gateway.legs, (run.left.pod_id, run.right.pod_id)
            with pytest.raises(LegTakenError, match=f"evenstride pods swap --session {first}"):
                await legs.assign(pods[0], Side.RIGHT, session_id=first)
            with pytest.raises(UnknownError, match="no session 'none'"):
                await legs.assign(pods[0], Side.RIGHT, session_id="none")
            with pytest.raises(UnknownError, match="took no part"):
                await legs.assign("nobody", Side.RIGHT, session_id=first)
            placed = await legs.swap(session_id=first)
            assert placed.session_id == first
            assert index_of(stance(run.store, first, error)) == pytest.approx(-before, abs=0.01)
            turned = grid_of(run.store, first)
            assert turned.keys() == grid.keys()
            assert all(turned[k] == pytest.approx(-grid[k], abs=0.02) for k in grid)
            assert dict(run.gateway.recorder.sides) == run.world.sides
            assert {s.stride.pod_id: s.side for s in run.store.strides(first)} == {
                pods[0]: Side.RIGHT,
                pods[1]: Side.LEFT,
            }
            assert correct(run.store, first, run.world.sides, error)  # as the command line does
            assert grid_of(run.store, first) == grid
            with pytest.raises(SessionConflictError, match="is running: stop it first"):
                await run.gateway.sessions.delete(run.session_id)
            await run.gateway.sessions.delete(first)
            assert [s.session_id for s in run.store.sessions()] == [run.session_id]

    play(scenario())


def test_a_pod_that_is_switched_off_gives_its_leg_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, sides={}) as run:
            await streaming(run)
            legs, (left, right) = run.gateway.legs, (run.left.pod_id, run.right.pod_id)
            await legs.assign(left, Side.LEFT)
            with pytest.raises(LegTakenError):
                await legs.assign(right, Side.LEFT)
            run.away(run.left)
            await run.until(lambda: not run.streams(run.left))
            await legs.assign(right, Side.LEFT)
            assert dict(run.gateway.recorder.sides) == {right: Side.LEFT}

    play(scenario())


def test_a_pod_is_replaced_by_one_that_the_gateway_would_not_have_taken(tmp_path: Path) -> None:
    """With both legs known, `run` takes no other pods: the new one can only be named."""

    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            welcomed: list[str] = []
            run.gateway.legs.welcome = welcomed.append
            with pytest.raises(LegTakenError):
                await run.gateway.legs.assign("00000000000000cc", Side.LEFT)
            run.away(run.left)
            await run.until(lambda: not run.streams(run.left))
            await run.gateway.legs.assign("00000000000000cc", Side.LEFT)
            assert welcomed == ["00000000000000cc"]
            assert run.left.pod_id not in run.gateway.recorder.sides

    play(scenario())


def test_a_pod_that_was_turned_away_takes_part_from_its_assignment_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, sides={}) as run:
            run.away(run.right)
            left, right = run.left.pod_id, run.right.pod_id
            run.gateway.recorder.sides.update({left: Side.LEFT, right: Side.LEFT})
            await run.until(lambda: run.streams(run.left))
            await run.start()
            run.away(run.right, False)
            await run.until(lambda: right in run.gateway.recorder.pipelines)
            await run.play(5)
            assert not run.streams(run.right)
            await run.gateway.legs.assign(right, Side.RIGHT)
            assert run.streams(run.right)
            await run.play(15)
            books = await run.stop()
            strides = run.store.strides(books.session_id)
            assert {(s.stride.pod_id, s.side) for s in strides} == {(left, Side.LEFT), (right, Side.RIGHT)}
            assert {fit.pod_id for fit in run.store.clocks(books.session_id)} == {left, right}

    play(scenario())


def test_a_recorded_pod_keeps_its_leg_although_it_is_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, sides={}) as run:
            await streaming(run)
            await run.start()
            await run.gateway.legs.assign(run.left.pod_id, Side.LEFT)
            run.away(run.left)
            await run.until(lambda: not run.streams(run.left))
            run.gateway.legs.welcome = list[str]().append
            with pytest.raises(LegTakenError, match=f"pod {run.left.pod_id} sits on the left leg"):
                await run.gateway.legs.assign("00000000000000cc", Side.LEFT)

    play(scenario())
