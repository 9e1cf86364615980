"""`evenstride pods log` and `pods import`: what pods recorded without a gateway."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.table import Table

from evenstride_analysis.model import Side
from evenstride_gateway.air import Mode
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.cli.common import data_dir, err, out, print_json, progress
from evenstride_gateway.config import Config, load_config
from evenstride_gateway.errors import InputError, LinkError, StoreBusyError
from evenstride_gateway.importing.dating import date_of, of_life
from evenstride_gateway.importing.fetching import Holding, LogReader, PodLog
from evenstride_gateway.importing.forming import Formed, Waiting, drop_raw, form, raw_wanted, settle_known, waiting_runs
from evenstride_gateway.importing.words import length_words, limit_words, time_words
from evenstride_gateway.link.backend import LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Source
from evenstride_gateway.results import system_error
from evenstride_gateway.sessions import runner_slug
from evenstride_gateway.store import Person, Store

T = TypeVar("T")
_QUIET_S = 12.0  # a pod that streams nothing sends its status every 5 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for. `pods` by id (none = all that are met); `sides` beside those that the store knows."""

    pods: Sequence[str] = ()
    sides: Mapping[str, Side] = field(default_factory=dict[str, Side])
    runner: str | None = None
    date: datetime | None = None
    one_leg: bool = False
    seconds: float = 10.0
    adapter: str = ""


@asynccontextmanager
async def radio(config: Config, adapter: str, wanted: Collection[str]) -> AsyncGenerator[Source, None]:
    """The pods in range, connected and asked for nothing; `wanted` by id, none = any."""
    link = LinkConfig(
        mode=Mode.SQUAD,
        watchdog_s=_QUIET_S,
        slots_per_adapter=config.radio.pods_per_adapter,
        use_acquire_notify=config.radio.use_acquire_notify,
        pair=config.radio.pair,
    )
    adapters = (adapter,) if adapter else config.radio.adapters
    async with BleSource(adapters=adapters, wanted=set(wanted) or None, config=link) as source:
        yield source


def utc_ns() -> int:
    """What pods are told that it is now."""
    return time.time_ns()


def show_logs(*, pods: Sequence[str], seconds: float, adapter: str, data: Path | None, as_json: bool) -> None:
    """What each pod in range has logged and is not stored here."""
    folder = data_dir(data)
    wanted = Request(pods=pods, seconds=seconds, adapter=adapter)
    with _opened(folder) as store:
        logs = asyncio.run(_read(store, load_config(folder), wanted, fetch=False, quiet=as_json))
        settle_known(store)
        rows = [_row(store, log, holding) for log in logs for holding in log.holdings if holding.new]
    if not logs:
        raise LinkError(_NOBODY)
    if as_json:
        print_json(rows)
        return
    table = Table("pod", "boot", "from (UTC)", "to (UTC)", "strides", "raw samples", box=None)
    for row in rows:
        dates = (row["from_utc"] or "undated", row["to_utc"] or "undated")
        table.add_row(row["pod"], str(row["boot"]), *dates, str(row["strides"]), f"{row['raw_min']:.1f} min")
    out.print(table if rows else "The pods in range hold no stride that is not stored here.")
    if rows:
        out.print("`evenstride pods import` stores them.")


def import_logs(wanted: Request, *, data: Path | None, as_json: bool) -> None:
    """Fetch what pods in range have logged, store it, and make sessions of it."""
    folder = data_dir(data)
    config = load_config(folder)
    with _opened(folder) as store:
        before = len(store.waiting_records())
        logs = asyncio.run(_read(store, config, wanted, fetch=True, quiet=as_json))
        came = sum(log.new for log in logs)
        if not logs and not before:
            raise LinkError(_NOBODY)
        settle_known(store)
        sides = _sides(store, wanted, ask=not as_json)
        runs = waiting_runs(store, sides, now_s=utc_ns() / 1e9)
        ready, held_back = _ready(runs, sides, {log.info.pod_id for log in logs}, wanted)
        _check_dates(ready, wanted)
        formed: list[Formed] = []
        for waiting in ready:
            date = _date(waiting, wanted, ask=not as_json)
            with nullcontext() if as_json else err.status(f"storing a run of {length_words(waiting.found.lasts_s)}"):
                formed.append(_form(store, config, waiting, wanted, date))
        drop_raw(store)
        kept = len(store.waiting_records())
    if as_json:
        print_json({"strides": came, "sessions": [_formed_row(one) for one in formed], "kept_without_session": kept})
        return
    _tell(came, formed, held_back, kept)


_NOBODY = (
    "no pod was heard: are they charged, awake (shake them) and near? A running gateway holds its pods: stop it first"
)


def _opened(folder: Path) -> Store:
    """The store for writing, or one clear line about who has it."""
    try:
        return Store.open(folder)
    except StoreBusyError as busy:
        raise StoreBusyError(
            f"{str(busy).partition(':')[0]}, and it holds the pods: stop the gateway, import, and start it again"
        ) from busy


async def _read(store: Store, config: Config, wanted: Request, *, fetch: bool, quiet: bool) -> list[PodLog]:
    """The logs of the pods in range; `fetch`: their records are in the store then, and acknowledged."""

    async def call(work: Callable[[Store], T]) -> T:
        return await asyncio.to_thread(work, store)

    known = [placement.pod_id for placement in store.placements()]
    expected = list(wanted.pods) or [*known, *wanted.sides]
    logs: list[PodLog] = []
    async with radio(config, wanted.adapter, wanted.pods) as source:
        reader = LogReader(source, call, utc_ns=utc_ns)
        taking = asyncio.create_task(_take(source, reader), name="pods' logs")
        try:
            with nullcontext() if quiet else err.status(f"looking for pods, up to {wanted.seconds:.0f} s"):
                met = await reader.gather(wanted.seconds, wanted=expected)
            refused = [link.refused for link in source.pods.values() if link.refused and link.pod_id not in met]
            if refused and not met:
                raise LinkError(refused[0])
            for sentence in refused:
                err.print(sentence)
            absent = sorted(set(wanted.pods) - set(met))
            if absent:
                raise LinkError(f"pod {absent[0]} was not heard within {wanted.seconds:.0f} s: is it awake and near?")
            for pod_id in met:
                log = await reader.look(pod_id)
                logs.append(log)
                if not fetch:
                    await reader.peek(pod_id, log)
                    continue
                with progress(f"pod {pod_id}", quiet=quiet) as tell:
                    await reader.fetch_records(pod_id, log, tell)
                await call(settle_known)
                around = [(boot, a, b) for pod, boot, a, b in await call(raw_wanted) if pod == pod_id]
                with progress(f"pod {pod_id}, raw samples", quiet=quiet) as tell:
                    await reader.fetch_raw(pod_id, log, around, tell)
                with suppress(LinkError):  # it went away: the next import acknowledges
                    await reader.acknowledge(pod_id, log, raw=True)
        finally:
            taking.cancel()
            await asyncio.wait([taking])
    return logs


async def _take(source: Source, reader: LogReader) -> None:
    async for item in source:
        reader.take(item)


def _row(store: Store, log: PodLog, holding: Holding) -> dict[str, Any]:
    """One boot of a pod's log, in a reader's units."""
    pod_id, boot_id = log.info.pod_id, holding.boot_id
    anchors = of_life(store.anchors(pod_id), boot_id)
    known = [r.record for r in store.waiting_records() if (r.pod_id, r.boot_id) == (pod_id, boot_id)]
    dates: list[str | None] = [None, None]
    if known and anchors:
        ticks = (known[0].strike_tick, known[-1].strike_tick + known[-1].stride_ticks)
        lines = ((pod_s, date_of(anchors, pod_s, TICK_HZ)) for pod_s in (tick / TICK_HZ for tick in ticks))
        dates = [None if line is None else time_words(line.utc_s(pod_s)) for pod_s, line in lines]
    return {
        "pod": pod_id,
        "boot": boot_id,
        "from_utc": dates[0],
        "to_utc": dates[1],
        "strides": holding.new,
        "raw_min": (holding.raw[1] - holding.raw[0]) / log.info.rate_hz / 60.0,
    }


def _sides(store: Store, wanted: Request, *, ask: bool) -> dict[str, Side]:
    """The leg of every pod whose strides wait. Raises InputError where nobody says it."""
    sides = {placement.pod_id: placement.side for placement in store.placements()} | dict(wanted.sides)
    for pod_id in sorted({record.pod_id for record in store.waiting_records()} - sides.keys()):
        if not (ask and sys.stdin.isatty()):
            raise InputError(
                f"pod {pod_id} has no leg: say --left {pod_id} or --right {pod_id}, or for good"
                f" `evenstride pods assign {pod_id} left`; what it logged is stored"
            )
        answer: str = typer.prompt(f"Which leg did pod {pod_id} sit on (left, right)?", err=True)
        if answer.strip().lower() not in {side.value for side in Side}:
            raise InputError(f"{answer!r} is no leg: left or right")
        sides[pod_id] = Side(answer.strip().lower())
    return sides


def _ready(
    runs: Sequence[Waiting], sides: Mapping[str, Side], met: Collection[str], wanted: Request
) -> tuple[list[Waiting], list[Waiting]]:
    """Which runs become sessions now; one of a single leg waits while the pod of the other leg was not read."""
    absent = {side for pod_id, side in sides.items() if pod_id not in met}
    present = {sides[pod_id] for pod_id in met if pod_id in sides}
    held_back = [
        run
        for run in runs
        if len(run.found.legs) == 1
        and not wanted.one_leg
        and (other := next(iter(run.found.legs)).other) in absent
        and other not in present
    ]
    return [run for run in runs if run not in held_back], held_back


def _check_dates(runs: Sequence[Waiting], wanted: Request) -> None:
    undated = sum(run.found.date is None for run in runs)
    if wanted.date is not None and runs and not undated:
        raise InputError(
            "--date is for a run without a date, and the pods date every run that waits: import without it"
        )
    if wanted.date is not None and undated != 1:
        raise InputError(
            f"--date is for one run without a date, and {undated} wait: import without it, then say"
            ' `evenstride sessions date ID "YYYY-MM-DD HH:MM"` of each'
        )


def _date(waiting: Waiting, wanted: Request, *, ask: bool) -> datetime | None:
    """What the user says of a run that has no date; None = nothing."""
    if waiting.found.date is not None or waiting.limits is None:
        return None
    if wanted.date is None and ask and sys.stdin.isatty():
        return _ask_date(waiting)
    return wanted.date


def _form(store: Store, config: Config, waiting: Waiting, wanted: Request, date: datetime | None) -> Formed:
    runner = _runner(store, wanted, waiting)
    name = config.mqtt.gateway_id
    return form(
        store,
        waiting,
        runner_id=runner,
        system=system_error(config.symmetry),
        began=date,
        suffix="" if name == type(config.mqtt)().gateway_id else f"-{name}",
    )


def _ask_date(waiting: Waiting) -> datetime | None:
    assert waiting.limits is not None
    minutes = waiting.found.lasts_s / 60.0
    err.print(f"A run of {minutes:.0f} min has no date: {limit_words(waiting.limits)}.")
    said: str = typer.prompt("When did it begin (YYYY-MM-DD HH:MM; empty = it stays undated)?", default="", err=True)
    return parse_date(said) if said.strip() else None


def parse_date(text: str) -> datetime:
    """A date as people write it, in this computer's time zone unless it names one. Raises InputError."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"{text!r} is no date: YYYY-MM-DD HH:MM was expected, e.g. 2026-05-01 18:30") from error


def _runner(store: Store, wanted: Request, waiting: Waiting) -> str:
    """The runner's id: who is named, else whose pods they are, else the only one known, else a new one."""
    people = store.people()
    if wanted.runner is None:
        owners = {p.runner_id for p in store.placements() if p.runner_id and p.pod_id in waiting.pods}
        if len(owners) == 1:
            return owners.pop()
        if len(people) == 1:
            return people[0].runner_id
    name = " ".join((wanted.runner or "Runner").split()) or "Runner"
    known = next((p for p in people if name.casefold() in (p.name.casefold(), p.runner_id)), None)
    if known is not None:
        return known.runner_id
    stem, taken = runner_slug(name), {person.runner_id for person in people}
    runner_id = next(c for n in count(1) if (c := stem if n == 1 else f"{stem}-{n}") not in taken)
    store.put_person(Person(runner_id=runner_id, name=name))
    return runner_id


def _formed_row(one: Formed) -> dict[str, Any]:
    return {
        "session": one.session_id,
        "started_at": None if one.started_at is None else one.started_at.isoformat(timespec="seconds"),
        "date_error_s": one.error_s,
        "duration_s": round(one.lasts_s, 1),
        "strides": {side.value: n for side, n in one.strides.items()},
        "lost": one.lost,
        "notices": list(one.words),
    }


def _tell(came: int, formed: Sequence[Formed], held_back: Sequence[Waiting], kept: int) -> None:
    out.print(f"{came} strides fetched, {len(formed)} session{'' if len(formed) == 1 else 's'} made")
    for one in formed:
        when = "undated" if one.started_at is None else time_words(one.started_at.timestamp())
        error = "" if one.error_s is None else f" (wrong by at most {length_words(one.error_s)})"
        legs = ", ".join(f"{n} strides {side.value}" for side, n in one.strides.items())
        out.print(f"session {one.session_id}: {when}{error}, {length_words(one.lasts_s)}, {legs}")
        for line in one.words:
            out.print(f"  {line}")
        if one.started_at is None:
            out.print(f'  when it was: `evenstride sessions date {one.session_id} "YYYY-MM-DD HH:MM"`')
    for run in held_back:
        (leg,) = run.found.legs
        out.print(
            f"a run of {length_words(run.found.lasts_s)} of the {leg.value} leg waits for the other pod: bring it near"
            " and import again, or say --one-leg"
        )
    if kept and not held_back:
        out.print(f"{kept} strides belong to no run (walking, or less than 10 strides): they are kept")
