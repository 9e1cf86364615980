"""The guided swap-legs test through the whole gateway: two sessions, pods exchanged, an answer that is kept."""

from pathlib import Path

import pytest
from support.whole_gateway import Run, gateway_run, play

from evenstride_analysis.model import Side, Verdict
from evenstride_gateway.errors import LegTakenError
from evenstride_gateway.results import system_error
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.swapping import swap_result
from evenstride_gateway.web.port import SessionConflictError
from evenstride_gateway.web.swap import SwapPhase


async def streaming(run: Run) -> None:
    await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))


def phase(run: Run) -> SwapPhase:
    return run.gateway.swap.state().phase


def test_what_the_pods_carry_is_said_to_be_the_pods(tmp_path: Path) -> None:
    """The virtual pods are told to have been swapped and go on sending what they sent: 12 % moves with them."""

    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            guide = run.gateway.swap
            with pytest.raises(SessionConflictError, match="is silent"):
                await guide.begin("Ana")
            await streaming(run)
            with pytest.raises(SessionConflictError, match="nothing to swap"):
                await guide.swapped()
            await guide.begin("Ana")
            with pytest.raises(SessionConflictError, match="a swap-legs test of Ana goes on"):
                await guide.begin("Bo")
            before = guide.state()
            assert (before.to_go, before.left_pod, before.right_pod) == (60, run.left.pod_id, run.right.pod_id)
            await run.play(15)
            assert 30 < guide.state().to_go < 50
            await run.until(lambda: phase(run) is SwapPhase.SWAP, within_s=90)
            assert run.gateway.recorder.recording is None
            await guide.swapped()
            assert guide.state().left_pod == run.right.pod_id
            await run.until(lambda: phase(run) is SwapPhase.DONE, within_s=90)
            state = guide.state()
            legs, pods = state.result[:2]
            assert legs.verdict is Verdict.WITHIN_NOISE
            assert pods.verdict is Verdict.REAL
            assert pods.headline == f"Pod {run.left.pod_id} reads longer on either leg"
            first, second = state.sessions
            tests = swap_result(run.store, first, second, system_error(run.gateway.config.symmetry))
            assert tests[0].sensor is not None
            assert tests[0].sensor.index == pytest.approx(0.12, abs=0.015)
            (kept,) = run.store.calibrations(CalibrationKind.SWAP)
            assert (kept.name, kept.version, kept.session_id) == ("ana", 1, second)
            assert kept.content["tests"][0]["sensor"]["index"] == tests[0].sensor.index
            assert {a.side for a in run.store.assignments(second)} == set(Side)
            run.store.delete_session(second)
            assert run.store.calibrations(CalibrationKind.SWAP) == []

    play(scenario())


def test_it_can_be_stopped_at_any_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            guide = run.gateway.swap
            await guide.begin("Ana")
            await run.play(6)
            await guide.cancel()
            assert phase(run) is SwapPhase.IDLE
            assert run.gateway.recorder.recording is None
            await guide.begin("Ana")
            await run.play(6)
            await run.gateway.sessions.stop()  # on the live board
            await run.until(lambda: phase(run) is SwapPhase.IDLE)
            assert "strides too early" in guide.state().problem
            await guide.cancel()
            await run.gateway.legs.assign(run.left.pod_id, Side.LEFT)
            run.gateway.recorder.sides.pop(run.right.pod_id)
            with pytest.raises(LegTakenError, match="no pod sits on the right one"):
                await guide.begin("Ana")

    play(scenario())


def test_two_runners_are_not_one_test(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            found: list[str] = []
            for runner in ("Ana", "Bo"):
                await run.start(runner)
                await run.play(4)
                found.append((await run.stop()).session_id)
            system = system_error(run.gateway.config.symmetry)
        with Store.open(tmp_path, readonly=True) as store:
            tests = swap_result(store, found[0], found[1], system)
        assert all("two runners: ana in the first session, bo in the second" in test.reason for test in tests)

    play(scenario())
