"""`evenstride demo`: two virtual pods carry a runner round a track, through virtual radio and the whole gateway."""

import asyncio
import webbrowser
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from evenstride_analysis.model import Measure, Side
from evenstride_analysis.units import ms_from_s, percent_from_fraction
from evenstride_gateway.cli.common import DataDir, Json, data_dir, err, out, print_json, progress, software_version
from evenstride_gateway.cli.report import write_report
from evenstride_gateway.cli.sessions import summary_json, symmetry_line
from evenstride_gateway.config import Config, load_config
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.results import session_summary, system_error

if TYPE_CHECKING:
    from evenstride_analysis.model import Summary
    from evenstride_gateway.virtual.demo import Cast, Comparison

RUNNER = "Demo Runner"
DEMO_DIR = Path("demo-data")
READY_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    cast: "Cast"
    seconds: float | None
    folder: Path
    config: Config
    browser: bool
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    session_id: str
    summary: "Summary"
    comparison: "Comparison | None"
    report: Path


def demo(
    *,
    seconds: Annotated[float | None, typer.Option(min=10, help="Stop by itself after so many seconds.")] = None,
    recording: Annotated[Path | None, typer.Option(metavar="FILE", help="Play a real runner's table instead.")] = None,
    asymmetry: Annotated[float, typer.Option(min=-25, max=25, help="Planted symmetry index, percent.")] = 4.0,
    speed: Annotated[float, typer.Option(min=2.2, max=5.0, help="Running speed, m/s.")] = 3.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another runner.")] = 1,
    planted_error: Annotated[
        bool, typer.Option("--system-error", help="Each leg also draws the method's error as measured.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Port of the live page (0 = any free one).")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the live page.")] = False,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Watch a runner without any hardware: virtual pods, virtual radio, the whole gateway, live page and report."""
    try:
        from evenstride_gateway.virtual.demo import recorded_cast, virtual_cast
        from evenstride_gateway.virtual.quiet import quiet_bumble
    except ImportError as error:
        raise EvenstrideError(f"the demo needs `pip install evenstride[virtual]`: {error}") from error
    folder = data if data is not None else DEMO_DIR
    cast = (
        recorded_cast(recording)
        if recording is not None
        else virtual_cast(
            seconds=seconds, asymmetry=asymmetry / 100, speed_mps=speed, seed=seed, system_error=planted_error
        )
    )
    if recording is not None and seconds is None:
        seconds = cast.duration_s
    config = load_config(data_dir(folder), page={"port": port})
    ask = _Ask(cast=cast, seconds=seconds, folder=folder, config=config, browser=not no_browser, as_json=as_json)
    with quiet_bumble():
        outcome = asyncio.run(_demo(ask))
    if outcome is not None:
        _tell(outcome, as_json=as_json)


async def _demo(ask: _Ask) -> _Outcome | None:
    from evenstride_gateway.hosting import hosted, open_store, until_interrupted
    from evenstride_gateway.link.ble import BleSource
    from evenstride_gateway.virtual.demo import compare, on_stage

    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        err.print(f"evenstride: {sentence}", markup=False, soft_wrap=True)

    async with (
        until_interrupted() as stop,
        open_store(ask.folder, ask.config, tell) as store,
        on_stage(ask.cast) as world,
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
            out.print(f"live page: {host.coach_url}", markup=False, soft_wrap=True)
            out.print("Two virtual pods. Ctrl-C stops, stores and writes the report." if ask.seconds is None else "")
        if ask.browser:
            webbrowser.open(host.coach_url)
        session_id = await host.gateway.sessions.start_when_streaming(RUNNER, pods=len(world.pods), stop=stop)
        if session_id is None:
            return None
        await _wait(ask, stop)
        if host.gateway.recorder.recording is not None:
            await host.gateway.sessions.stop()
        summary = await asyncio.to_thread(session_summary, store, session_id, system_error(ask.config.symmetry))
        stored = store.strides(session_id)
        strides = {
            side: [s.stride for s in stored if s.stride.pod_id == pod.pod_id] for side, pod in world.pods.items()
        }
        recorded_s = {
            side: _recorded_s(store.raw_frames(session_id, pod.pod_id), world, side) for side, pod in world.pods.items()
        }
        comparison = compare(ask.cast, world, strides, recorded_s)
    report = ask.folder / f"report-{session_id}.html"
    await asyncio.to_thread(write_report, ask.folder, session_id, report)
    return _Outcome(session_id=session_id, summary=summary, comparison=comparison, report=report)


def _recorded_s(pieces: Any, world: Any, side: Side) -> tuple[float, float]:
    """Runner seconds of the first and last stored sample of a pod."""
    core = world.pods[side].core
    indices = [(piece.first_index, piece.end_index) for piece in pieces]
    return (
        core.sample_s(indices[0][0]) - world.start_s,
        core.sample_s(indices[-1][1] - 1) - world.start_s,
    )


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
    out.print(f"session {outcome.session_id}; report: {outcome.report}", markup=False, soft_wrap=True)
