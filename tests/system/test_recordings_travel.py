"""Real runners travel as pod frames through virtual radio, real bleak and the whole gateway, and come out unchanged.

RBDS: Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, CC BY 4.0.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recordings import rbds_trial
from support.whole_gateway import Books, in_order, play, started

from evenstride_analysis.model import Frame, PodInfo, SampleBlock, Side, Step, Stride
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.simulate import SensorPlan, VirtualRunner, uneven
from evenstride_analysis.simulate.score import score_leg
from evenstride_gateway.air import RawFrame
from evenstride_gateway.pipeline import PodPipeline, detector_for
from evenstride_gateway.results import session_steps
from evenstride_gateway.samples import SampleReader
from evenstride_gateway.store import Store, read_frames
from evenstride_gateway.virtual.pod_signal import RecordingSource, RunnerSource, SignalSource
from evenstride_gateway.virtual.world import in_runner_time

TRIALS = ("RBDS002_T35", "RBDS018_T45")
SECONDS = 30.0
REFINED = 90  # version of the clock fit that a test slips in


def signals(trial: str) -> dict[Side, SignalSource]:
    legs = rbds_trial(trial).legs
    return {
        side: RecordingSource(leg.accel_mps2, leg.gyro_radps, leg.rate_hz, repeat=True) for side, leg in legs.items()
    }


@dataclass(frozen=True)
class Travel:
    """What is left of a trial in a store, closed and opened again."""

    folder: Path
    books: Books

    def infos(self) -> dict[str, PodInfo]:
        with Store.open(self.folder, readonly=True) as store:
            return {pod: store.raw_info(self.books.session_id, pod) for pod in store.raw_pods(self.books.session_id)}

    def frames(self) -> dict[str, list[Frame]]:
        """As they arrived."""
        with Store.open(self.folder, readonly=True) as store:
            session_id = self.books.session_id
            return {pod: list(read_frames(store.raw_path(session_id, pod))) for pod in store.raw_pods(session_id)}

    def whole(self) -> dict[str, SampleBlock]:
        """All that is stored of each pod, in one block with all of its stamps."""
        with Store.open(self.folder, readonly=True) as store:
            session_id, found = self.books.session_id, dict[str, SampleBlock]()
            for pod, info in self.infos().items():
                reader = SampleReader(info)
                found[pod] = joined([reader.block(piece) for piece in store.raw_frames(session_id, pod)])
        return found

    def steps(self) -> list[Step]:
        with Store.open(self.folder, readonly=True) as store:
            return session_steps(store, self.books.session_id)


def joined(blocks: Sequence[SampleBlock]) -> SampleBlock:
    return replace(
        blocks[0],
        stamp_index=np.concatenate([b.stamp_index for b in blocks]),
        stamp_s=np.concatenate([b.stamp_s for b in blocks]),
        accel_mps2=np.concatenate([b.accel_mps2 for b in blocks]),
        gyro_radps=np.concatenate([b.gyro_radps for b in blocks]),
    )


def cut(block: SampleBlock, sizes: Sequence[int]) -> Iterator[SampleBlock]:
    """The block in pieces of these sizes, again and again; every stamp stays with its sample."""
    n, cuts = len(block.accel_mps2), [0]
    while cuts[-1] < n:
        cuts.append(min(n, cuts[-1] + sizes[len(cuts) % len(sizes)]))
    for start, stop in pairwise(cuts):
        inside = (block.stamp_index >= block.first_index + start) & (block.stamp_index < block.first_index + stop)
        yield replace(
            block,
            first_index=block.first_index + start,
            stamp_index=block.stamp_index[inside],
            stamp_s=block.stamp_s[inside],
            accel_mps2=block.accel_mps2[start:stop],
            gyro_radps=block.gyro_radps[start:stop],
        )


def travel(folder: Path, trial: str, *, refine_at_s: float | None = None, disturbed: bool = False) -> Travel:
    books: list[Books] = []

    async def scenario() -> None:
        async with started(folder, signals=signals(trial)) as run:
            await run.play(refine_at_s or SECONDS / 2)
            if refine_at_s is not None:
                fits = run.gateway.intake.fits
                for key, fit in list(fits.items()):
                    fits[key] = replace(fit, offset_s=fit.offset_s + 0.2, skew_ppm=fit.skew_ppm + 80, version=REFINED)
                recording = run.gateway.recorder.recording
                assert recording is not None
                await run.gateway.sessions.store_clocks(recording)
            if disturbed:
                run.away(run.left)
                await run.play(3)
                run.away(run.left, False)
                rng = random.Random(3)
                run.world.central.rx_fault = lambda _, __, value: () if rng.random() < 0.02 else (value,)
                await run.play(4)
                run.world.central.rx_fault = None
            await run.play(SECONDS - (refine_at_s or SECONDS / 2))
            books.append(await run.stop())

    play(scenario())
    return Travel(folder, books[0])


@pytest.fixture(scope="module", params=TRIALS)
def calm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Travel:
    return travel(tmp_path_factory.mktemp("calm"), request.param)


def test_the_stored_raw_gives_the_live_strides_again(calm: Travel) -> None:
    books = calm.books
    assert books.gaps == []
    assert books.final == books.again
    assert len(books.final) > 60
    for pod in {stride.pod_id for stride in books.final}:
        live = [s for s in books.live if s.pod_id == pod]
        again = [s for s in books.again if s.pod_id == pod]
        assert live == again[: len(live)]  # the stop settles the last ones, and changes none
        assert len(again) - len(live) <= 3


@settings(max_examples=12, deadline=None)
@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=12))
def test_any_other_split_gives_the_same_bits(calm: Travel, sizes: list[int]) -> None:
    infos = calm.infos()
    for pod, block in calm.whole().items():
        detector = detector_for(infos[pod], (1, 0, 0, 0, 1, 0, 0, 0, 1))
        found = [stride for piece in cut(block, sizes) for stride in detector.push(piece)] + detector.flush()
        assert found == [stride for stride in calm.books.final if stride.pod_id == pod]


@settings(max_examples=6, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_any_interleaving_of_the_pods_gives_the_same_bits(calm: Travel, rng: random.Random) -> None:
    frames, infos = calm.frames(), calm.infos()
    pipelines = {pod: PodPipeline(info) for pod, info in infos.items()}
    found: list[Stride] = []
    while waiting := [pod for pod, rest in frames.items() if rest]:
        pod = rng.choice(waiting)
        for frame in [frames[pod].pop(0) for _ in range(min(len(frames[pod]), rng.randint(1, 60)))]:
            found += pipelines[pod].take(message(frame)).strides
    found += [stride for pipeline in pipelines.values() for stride in pipeline.flush()]
    assert in_order(found) == calm.books.final

    steps = calm.steps()
    pairing, again = Pairing(), list[Step]()
    legs = {side: [step for step in steps if step.side is side] for side in Side}
    while sides := [side for side, rest in legs.items() if rest]:
        side = rng.choice(sides)
        step = legs[side].pop(0)
        again += pairing.push(side, step.stride, step.t_s, 0.005)
    again += pairing.flush()
    assert [(s.stride, s.t_s) for s in again] == [(s.stride, s.t_s) for s in steps]


def message(frame: Frame) -> RawFrame:
    return RawFrame(
        boot_id=frame.boot_id,
        seq=frame.seq,
        first_index=frame.first_index,
        tick=frame.tick,
        backfill=False,
        counts=frame.counts,
    )


@pytest.mark.parametrize("trial", TRIALS)
def test_holes_and_backfill_leave_what_the_raw_says(trial: str, tmp_path: Path) -> None:
    books = travel(tmp_path, trial, disturbed=True).books
    assert books.gaps == []
    assert books.final == books.again
    assert len(books.final) > 70


def test_a_clock_that_is_refined_half_way_changes_no_stride(tmp_path: Path) -> None:
    plain, refined = travel(tmp_path / "a", TRIALS[0]), travel(tmp_path / "b", TRIALS[0], refine_at_s=SECONDS / 2)
    assert refined.books.final == plain.books.final == refined.books.again
    with Store.open(refined.folder, readonly=True) as store:
        history = store.clock_history(refined.books.session_id)
        assert REFINED in {fit.version for fit in history}
        assert all(fit.version > REFINED for fit in store.clocks(refined.books.session_id))
    plain_steps, refined_steps = plain.steps(), refined.steps()
    assert [step.stride for step in refined_steps] == [step.stride for step in plain_steps]
    assert refined_steps[5].t_s == pytest.approx(plain_steps[5].t_s, abs=0.01)  # the latest fit holds for all of it


def test_a_pod_off_its_nominal_rate_biases_stance_by_less_than_a_millisecond(tmp_path: Path) -> None:
    bias_ms = {rate_error: stance_bias_ms(tmp_path / f"{rate_error}", rate_error) for rate_error in (0.0, 0.03, -0.03)}
    for rate_error, biases in bias_ms.items():
        for side, bias in biases.items():
            assert abs(bias - bias_ms[0.0][side]) < 1.0, f"{rate_error:+.0%} {side}: {bias_ms}"


def stance_bias_ms(folder: Path, rate_error: float) -> dict[Side, float]:
    """Mean error of stance per leg against the planted truth, over 30 s of running; nothing missed or invented."""
    seconds, bias_ms = 30.0, dict[Side, float]()
    runner = VirtualRunner(uneven(0.12, duration_s=seconds + 20).plan, SensorPlan(rate_error=rate_error), seed=1)
    sources: dict[Side, SignalSource] = {side: RunnerSource(runner, side, rate_error=rate_error) for side in Side}

    async def scenario() -> None:
        async with started(folder, signals=sources) as run:
            await run.play(seconds)
            books = await run.stop()
            assert books.final == books.again
            for side, pod in run.world.pods.items():
                mine = in_runner_time(run.world, side, [s for s in books.final if s.pod_id == pod.pod_id])
                first_s, last_s = mine[0].strike_s - 0.1, mine[-1].end_s + 0.1
                truth = [t for t in runner.truth(side) if first_s <= t.strike_s and t.end_s <= last_s]
                score = score_leg(side, truth, mine)
                assert (score.missed, score.false) == (0, 0)
                bias_ms[side] = 1e3 * float(score.stance_error_s.mean())

    play(scenario())
    return bias_ms
