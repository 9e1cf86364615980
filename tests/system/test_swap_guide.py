"""The guided swap-legs test through the whole gateway: two sessions, pods exchanged, an answer that is kept."""

import asyncio
from pathlib import Path

import pytest
from support.cli import evenstride
from support.whole_gateway import Run, gateway_run, play

from evenstride_analysis.model import Side, Verdict
from evenstride_analysis.simulate.presets import swap_test as swap_scenario
from evenstride_gateway import swapping
from evenstride_gateway.errors import LegTakenError, StoreTroubleError
from evenstride_gateway.results import system_error
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.swapping import swap_result
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource
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


def test_what_stays_with_the_leg_is_said_to_be_the_leg(tmp_path: Path) -> None:
    """The planned test: the left leg is 12 % longer whichever pod it wears, and the pods really change legs."""
    planned = swap_scenario(body=0.12, pod_s=0.0)
    runner = planned.runner(3)
    seconds = planned.plan.duration_s + 10.0
    n = round(seconds * NOMINAL_RATE_HZ)
    signals = {side: RecordingSource(*runner.signals(side, 0, n), NOMINAL_RATE_HZ) for side in Side}
    swap_at_s = planned.sensor.swap_at_s
    assert swap_at_s is not None
    sessions: list[str] = []

    async def scenario() -> None:
        async with gateway_run(tmp_path, signals=signals) as run:
            begun_s = asyncio.get_running_loop().time()
            await streaming(run)
            await run.gateway.swap.begin("Ana")
            await run.until(lambda: phase(run) is SwapPhase.SWAP, within_s=90)
            await run.play(begun_s + swap_at_s + 3.0 - asyncio.get_running_loop().time())
            await run.gateway.swap.swapped()
            await run.until(lambda: phase(run) is SwapPhase.DONE, within_s=90)
            state = run.gateway.swap.state()
            legs, pods = state.result[:2]
            assert legs.headline == "The left leg stays longer on the ground, whichever pod it wears"
            assert (legs.verdict, pods.verdict) == (Verdict.REAL, Verdict.WITHIN_NOISE)
            assert "95 % interval" in legs.detail
            assert "95 % interval" in pods.detail
            sessions.extend(state.sessions)

    play(scenario())
    told = evenstride("swap-test", "--first", sessions[0], "--second", sessions[1], "--data", tmp_path)
    assert told.code == 0, told
    assert "The left leg stays longer on the ground, whichever pod it wears (real)" in told.out
    assert "Stance time: the pods agree, within noise (within noise)" in told.out


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


def test_trouble_of_the_store_is_told_and_the_test_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise StoreTroubleError("another program holds the database")

    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            guide = run.gateway.swap
            await guide.begin("Ana")
            await run.play(6)
            with monkeypatch.context() as patch:
                patch.setattr(swapping, "session_steps", unreadable)
                await run.play(3)
                assert guide.state().problem == "The test goes on by itself: another program holds the database."
            await run.play(2)
            assert (guide.state().problem, phase(run)) == ("", SwapPhase.FIRST)

    play(scenario())


def test_a_second_run_that_cannot_begin_exchanges_the_legs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await streaming(run)
            guide = run.gateway.swap
            await guide.begin("Ana")
            await run.until(lambda: phase(run) is SwapPhase.SWAP, within_s=90)
            before = guide.state().left_pod

            async def no_room(*_: object) -> str:
                raise StoreTroubleError("the disk is full")

            back = iter([run.gateway.legs.swap, run.gateway.legs.swap, run.gateway.legs.swap, no_room])

            async def swap() -> object:
                return await next(back)()

            with monkeypatch.context() as patch:
                patch.setattr(run.gateway.sessions, "start", no_room)
                patch.setattr(run.gateway.legs, "swap", swap)
                for _ in range(2):  # the second time the legs cannot be put back either
                    with pytest.raises(StoreTroubleError, match="disk is full"):
                        await guide.swapped()
            await guide.swapped()
            assert phase(run) is SwapPhase.SECOND
            assert guide.state().right_pod == before

    play(scenario())
