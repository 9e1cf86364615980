"""`evenstride demo`: two virtual pods carry a runner round a track, through virtual radio and the whole gateway."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from evenstride_analysis.model import Measure, Side, Stride
from evenstride_analysis.units import ms_from_s, percent_from_fraction
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.cli.common import err, open_page, out, print_json, progress, software_version
from evenstride_gateway.cli.report import write_report
from evenstride_gateway.cli.sessions import summary_json, symmetry_line
from evenstride_gateway.config import Config, load_config
from evenstride_gateway.errors import EvenstrideError, LinkError
from evenstride_gateway.results import session_summary, system_error
from evenstride_gateway.store import Placement, Store

if TYPE_CHECKING:
    from evenstride_analysis.model import Summary
    from evenstride_gateway.virtual.demo import Cast, Comparison, Stage

READY_S = 30.0
RUNNER = "Demo Runner"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    cast: "Cast"
    seconds: float | None
    folder: Path
    config: Config
    browser: bool
    as_json: bool
    pod: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    session_id: str
    summary: "Summary"
    comparison: "Comparison | None"
    report: Path


def demo(
    *,
    seconds: float | None,
    recording: Path | None,
    asymmetry: float,
    speed: float,
    seed: int,
    planted_error: bool,
    port: int | None,
    browser: bool,
    folder: Path,
    as_json: bool,
    pod: Path | None = None,
) -> None:
    """Play, store, report, and say what was found beside what was planted. `asymmetry` in percent; `pod` is the
    firmware's host program."""
    try:
        from evenstride_gateway.virtual.demo import recorded_cast, virtual_cast
        from evenstride_gateway.virtual.quiet import quiet_bumble
    except ImportError as error:
        raise EvenstrideError(f"the demo needs `pip install evenstride[virtual]`: {error}") from error
    cast = (
        recorded_cast(recording)
        if recording is not None
        else virtual_cast(
            seconds=seconds, asymmetry=asymmetry / 100, speed_mps=speed, seed=seed, system_error=planted_error
        )
    )
    if recording is not None and seconds is None:
        seconds = cast.duration_s
    config = load_config(folder, page={"port": port})
    ask = _Ask(cast=cast, seconds=seconds, folder=folder, config=config, browser=browser, as_json=as_json, pod=pod)
    with quiet_bumble():
        outcome = asyncio.run(_demo(ask))
    if outcome is None:
        raise EvenstrideError("stopped before both pods sent data: nothing was recorded")
    _tell(outcome, as_json=as_json)


async def _demo(ask: _Ask) -> _Outcome | None:
    from evenstride_gateway.hosting import hosted, open_store, until_interrupted
    from evenstride_gateway.link.ble import BleSource
    from evenstride_gateway.virtual.demo import on_stage

    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        err.print(f"evenstride: {sentence}")

    async with (
        until_interrupted() as stop,
        open_store(ask.folder, ask.config, tell) as store,
        on_stage(ask.cast, pod=ask.pod) as world,
        BleSource(world.backend) as source,
        hosted(
            store=store,
            source=source,
            config=ask.config,
            sides=world.sides,
            version=software_version(),
            cut_at_start="; ".join(told),
        ) as host,
    ):
        if not ask.as_json:
            out.print(f"live page: {host.coach_url}")
            ends = "with Ctrl-C" if ask.seconds is None else f"after {ask.seconds:.0f} s, or with Ctrl-C"
            out.print(f"Two virtual pods run. It ends {ends}; then the session is stored and the report written.")
        if ask.browser:
            open_page(host.coach_url)
        for pod_id, side in world.sides.items():
            store.put_placement(Placement(pod_id=pod_id, side=side))
        try:
            async with asyncio.timeout(READY_S):
                session_id = await host.gateway.sessions.start_when_streaming(RUNNER, pods=len(world.sides), stop=stop)
        except TimeoutError as error:
            raise LinkError(
                f"the virtual pods sent nothing within {READY_S:.0f} s: is this machine very busy?"
            ) from error
        if session_id is None:
            return None
        await _wait(ask, stop)
        await host.gateway.sessions.stop_if_running()
        summary = await asyncio.to_thread(session_summary, store, session_id, system_error(ask.config.symmetry))
        comparison = _comparison(ask.cast, world, store, session_id)
    report = ask.folder / f"report-{session_id}.html"
    await asyncio.to_thread(write_report, ask.folder, session_id, report)
    return _Outcome(session_id=session_id, summary=summary, comparison=comparison, report=report)


def _comparison(cast: "Cast", world: "Stage", store: Store, session_id: str) -> "Comparison | None":
    """What was stored beside what was planted, as far as samples of every pod were stored."""
    from evenstride_gateway.virtual.demo import compare

    stored = store.strides(session_id)
    strides: dict[Side, list[Stride]] = {}
    recorded_s: dict[Side, tuple[float, float]] = {}
    for pod_id, side in world.sides.items():
        strides[side] = [s.stride for s in stored if s.stride.pod_id == pod_id]
        pieces = [
            (piece.tick / TICK_HZ, len(piece.counts))
            for piece in store.raw_frames(session_id, pod_id)
            if piece.tick is not None
        ]
        if not pieces:
            return None
        (first_s, _), (last_s, n) = pieces[0], pieces[-1]
        behind_s = (n - 1) / cast.signals[side].rate_hz
        recorded_s[side] = world.runner_s(side, first_s), world.runner_s(side, last_s) + behind_s
    return compare(cast, world, strides, recorded_s)


async def _wait(ask: _Ask, stop: asyncio.Event) -> None:
    """Until the time is over or somebody stops; a bar shows how far it is."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    bar = nullcontext(None) if ask.seconds is None else progress("running", quiet=ask.as_json)
    with bar as tell:
        while not stop.is_set():
            left_s = 1.0 if ask.seconds is None else start_s + ask.seconds - loop.time()
            if left_s <= 0:
                return
            try:
                async with asyncio.timeout(min(0.5, left_s)):
                    await stop.wait()
            except TimeoutError:
                if tell is not None and ask.seconds is not None:
                    tell(int(1000 * (loop.time() - start_s)), int(1000 * ask.seconds))


def _tell(outcome: _Outcome, *, as_json: bool) -> None:
    comparison = outcome.comparison
    if as_json:
        truth = None
        if comparison is not None:
            truth = {
                side.value: {
                    "strides": leg.planted,
                    "missed": leg.missed,
                    "false": leg.false,
                    "stance_true_ms": ms_from_s(leg.stance_true_s),
                    "stance_found_ms": ms_from_s(leg.stance_found_s),
                }
                for side, leg in comparison.legs.items()
            } | {
                "index_true_percent": percent_from_fraction(comparison.index_true),
                "index_found_percent": percent_from_fraction(comparison.index_found),
            }
        print_json(
            {
                "session": outcome.session_id,
                "report": str(outcome.report),
                "summary": summary_json(outcome.summary),
                "truth": truth,
            }
        )
        return
    if comparison is not None:
        table = Table("running", "planted", "found", "difference", "strides", "missed", "false", box=None)
        for side, leg in comparison.legs.items():
            table.add_row(
                f"stance {side.value}",
                f"{ms_from_s(leg.stance_true_s):.1f} ms",
                f"{ms_from_s(leg.stance_found_s):.1f} ms",
                f"{ms_from_s(leg.error_s):+.1f} ms",
                str(leg.planted),
                str(leg.missed),
                str(leg.false),
            )
        table.add_row(
            "symmetry index",
            f"{percent_from_fraction(comparison.index_true):+.1f} %",
            f"{percent_from_fraction(comparison.index_found):+.1f} %",
            f"{percent_from_fraction(comparison.index_error):+.1f} points",
        )
        out.print(table)
    for measure in (Measure.STANCE, Measure.IMPACT_AXIAL):
        out.print(symmetry_line(outcome.summary, measure))
    out.print(f"session {outcome.session_id}; report: {outcome.report}")
