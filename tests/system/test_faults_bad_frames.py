"""Broken and strange messages through the whole gateway: each is counted and visible, and nothing stored is harmed."""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.whole_gateway import Run, balanced, complete, gateway_run, play, started

from evenstride_analysis.model import LossCause, Side
from evenstride_gateway.air import RawFrame
from evenstride_gateway.air.frames import KIND
from evenstride_gateway.air.uuids import DATA_UUID
from evenstride_gateway.decode import MAX_INPUT
from evenstride_gateway.virtual.pod import Bends
from evenstride_gateway.virtual.world import POD_IDS
from evenstride_gateway.web.port import SessionConflictError

LEFT, RIGHT = POD_IDS[Side.LEFT], POD_IDS[Side.RIGHT]
Tamper = Callable[[bytes], Iterable[bytes]]


def every(n: int, tamper: Tamper) -> Callable[[str, str, bytes], Iterable[bytes]]:
    """Do so to every n-th raw frame of each pod."""
    seen: Counter[str] = Counter()

    def fault(address: str, uuid: str, value: bytes) -> Iterable[bytes]:
        if uuid != DATA_UUID or value[0] != KIND:
            return (value,)
        seen[address] += 1
        return (value,) if seen[address] % n else tamper(value)

    return fault


def tampered(folder: Path, tamper: Tamper, then: Callable[[Run], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Half a session in which every 20th raw frame is tampered with, then `then`."""

    async def scenario() -> None:
        async with started(folder, **options) as run:
            await run.play(4)
            run.world.central.rx_fault = every(20, tamper)
            await run.play(6)
            run.world.central.rx_fault = None
            await run.play(5)
            await then(run)

    play(scenario())


MALFORMED: list[tuple[Tamper, str]] = [
    (lambda value: (value[:40],), "raw frame"),
    (lambda value: (value[:5],), "raw frame"),
    (lambda value: (b"",), "empty"),
    (lambda value: (value + bytes(MAX_INPUT),), f"more than {MAX_INPUT}"),
]


@pytest.mark.parametrize(("tamper", "told"), MALFORMED, ids=["truncated", "cut in the header", "empty", "oversized"])
@pytest.mark.parametrize("flash_s", [None, 0.1])
def test_a_malformed_message_is_refused_whole(tmp_path: Path, tamper: Tamper, told: str, flash_s: float | None) -> None:
    async def then(run: Run) -> None:
        health = run.health_now()
        assert all(row["malformed"] > 5 and told in row["last_error"] for row in health.values())
        assert any("unreadable messages" in warning and told in warning for warning in run.warnings_now())
        books = balanced(await run.stop())
        assert books.lost(LossCause.POD) == 0
        if flash_s is None:
            complete(books)
        else:
            assert books.lost(LossCause.HOST) == sum(row["missing"]["host"] for row in health.values()) > 0

    tampered(tmp_path, tamper, then, flash_s=flash_s)


def test_unknown_kinds_are_counted_and_skipped(tmp_path: Path) -> None:
    async def then(run: Run) -> None:
        health = run.health_now()
        assert all(row["unknown"] > 5 and row["malformed"] == 0 for row in health.values())
        complete(balanced(await run.stop()))

    tampered(tmp_path, lambda value: (b"\x7e of a minor version to come", value), then, flash_s=0.1)


def test_longer_messages_of_a_newer_minor_version_are_read(tmp_path: Path) -> None:
    async def then(run: Run) -> None:
        health = run.health_now()
        assert all(row["malformed"] == row["unknown"] == 0 for row in health.values())
        complete(balanced(await run.stop()))

    tampered(tmp_path, lambda value: (value + b"more",), then, flash_s=0.1, bends={s: Bends(minor=3) for s in Side})


def test_a_frame_of_other_channels_is_refused_and_its_samples_are_asked_for(tmp_path: Path) -> None:
    def tamper(value: bytes) -> Iterable[bytes]:
        frame = RawFrame.from_bytes(value)
        other = RawFrame(
            boot_id=frame.boot_id,
            seq=frame.seq,
            first_index=frame.first_index,
            tick=frame.tick,
            backfill=frame.backfill,
            counts=frame.counts[:, :3],
            mask=0b111,
        )
        return (bytes(other),)

    async def then(run: Run) -> None:
        assert all("channels 0x0007" in row["last_error"] for row in run.health_now().values())
        complete(balanced(await run.stop()))

    tampered(tmp_path, tamper, then)


def restamped(value: bytes, *, index: int = 0, tick: int = 0) -> Iterable[bytes]:
    frame = RawFrame.from_bytes(value)
    return (bytes(replace(frame, first_index=frame.first_index + index, tick=frame.tick + tick)),)


IMPOSSIBLE: list[Tamper] = [
    lambda value: restamped(value, tick=1 << 40),
    lambda value: restamped(value, tick=-5000),
    lambda value: restamped(value, index=100_000),
]


@pytest.mark.parametrize("tamper", IMPOSSIBLE, ids=["late tick", "early tick", "far index"])
def test_a_frame_that_contradicts_its_neighbours_is_not_counted(tmp_path: Path, tamper: Tamper) -> None:
    """Live or backfilled: stored, it would make the whole boot unreadable."""

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(4)
            run.away(run.left)
            await run.play(6)
            run.world.central.rx_fault = every(9, tamper)
            run.away(run.left, False)
            await run.play(10)
            run.world.central.rx_fault = None
            assert all("does not fit" in row["last_error"] for row in run.health_now().values())
            complete(balanced(await run.stop()))

    play(scenario())


def test_reordered_and_duplicated_frames(tmp_path: Path) -> None:
    async def scenario() -> None:
        bends = {Side.LEFT: Bends(swap_every=7), Side.RIGHT: Bends(duplicate_every=5)}
        async with started(tmp_path, bends=bends) as run:
            await run.play(15)
            health = run.health_now()
            assert health[LEFT]["reordered"] > 20
            assert health[RIGHT]["duplicates"] > 20 * 18
            assert health[RIGHT]["reordered"] == health[LEFT]["missing"]["host"] == 0
            complete(balanced(await run.stop()))

    play(scenario())


def test_a_pod_that_cuts_every_frame_harms_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path, bends={Side.LEFT: Bends(cut_to=60)}) as run:
            await run.play(12)
            assert run.health_now()[LEFT]["malformed"] > 100
            books = balanced(await run.stop(), boots=1)
            complete(books)
            assert {s.pod_id for s in books.final} == {RIGHT}

    play(scenario())


def test_a_pod_of_a_newer_major_version_is_refused_by_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, bends={Side.LEFT: Bends(major=2)}) as run:
            await run.until(lambda: run.streams(run.right) and bool(run.source.pods.get(LEFT)))
            await run.until(lambda: bool(run.source.pods[LEFT].refused))
            refusal = f"pod {LEFT} speaks protocol 2.0, this gateway 1.x: update evenstride"
            assert run.source.pods[LEFT].refused == refusal
            assert run.health_now()[LEFT]["refused"] == refusal
            assert refusal in run.warnings_now()
            assert refusal in run.page_now()
            await run.start()
            await run.play(12)
            complete(balanced(await run.stop(), boots=1))

    play(scenario())


def both_left() -> dict[str, Side]:
    return {LEFT: Side.LEFT, RIGHT: Side.LEFT}


def test_two_pods_on_one_side_keep_a_session_from_starting(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, sides=both_left()) as run:
            await run.until(lambda: run.streams(run.left) and run.streams(run.right))
            with pytest.raises(SessionConflictError) as refused:
                await run.start()
            text = str(refused.value)
            assert LEFT in text
            assert RIGHT in text
            assert "both claim the left leg" in text
            assert "\n" not in text
            assert run.store.sessions() == []

    play(scenario())


def test_a_pod_that_comes_later_does_not_take_a_leg_that_is_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, sides=both_left()) as run:
            run.away(run.left)
            await run.until(lambda: run.streams(run.right))
            await run.start()
            await run.play(5)
            run.away(run.left, False)
            await run.until(lambda: "both claim the left leg" in run.health_now().get(LEFT, {}).get("last_error", ""))
            assert any("both claim the left leg" in warning for warning in run.warnings_now())
            await run.play(5)
            books = balanced(await run.stop(), boots=1)
            complete(books)
            assert {s.pod_id for s in books.final} == {RIGHT}
            with pytest.raises(SessionConflictError, match="both claim the left leg"):
                await run.start()

    play(scenario())
