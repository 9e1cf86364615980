"""`evenstride stack influx | backfill | verify | parked`: the database beside the store."""

import asyncio
import gc
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from rich.table import Table

from evenstride_gateway.cli.common import Exit, data_dir, err, out, print_json, progress
from evenstride_gateway.config import SymmetryConfig, load_config
from evenstride_gateway.errors import ConfigError, InputError, SinkError, StoreError
from evenstride_gateway.sinks.collect import page_count, session_pages
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.sinks.setup import Ready, set_up_v1, set_up_v2
from evenstride_gateway.sinks.targets import InfluxTarget, influx_target
from evenstride_gateway.sinks.verify import InfluxReader, Verification, verify_deleted, verify_session
from evenstride_gateway.store import Store

OPERATOR = "EVENSTRIDE_STACK_OPERATOR_TOKEN"
BATCH = 2000  # points a request: about 500 kB


def set_up(
    *,
    url: str,
    version: str,
    org: str,
    bucket: str,
    user: str,
    keep_days: int,
    tokens: Path | None,
    readable: bool,
    as_json: bool,
) -> None:
    """Make bucket, InfluxQL mapping and the two tokens; the operator's token comes from the environment."""
    if readable and tokens is None:
        raise InputError("--readable says how the files of --tokens DIR are written: name that folder")
    secret = os.environ.get(OPERATOR, "")
    if version == "1":
        ready = set_up_v1(url=url, user=user, password=secret, database=bucket, keep_days=keep_days)
    else:
        if not secret:
            raise ConfigError(f"set {OPERATOR} to a token that may make buckets and tokens; it is used once")
        ready = set_up_v2(url=url, token=secret, org=org, bucket=bucket, keep_days=keep_days)
    written = _keep_tokens(ready, tokens, 0o644 if readable else 0o600) if tokens is not None else []
    if as_json:
        shown = {"write_token": ready.write_token, "read_token": ready.read_token} if tokens is None else {}
        print_json({"made": ready.made, "kept": ready.kept, "files": [str(path) for path in written]} | shown)
        return
    for what in ready.made:
        out.print(f"made    {what}")
    for what in ready.kept:
        out.print(f"kept    {what}")
    for path in written:
        out.print(f"wrote   {path}")
    if tokens is None and ready.write_token:
        out.print(f"\nGateway:  EVENSTRIDE_INFLUX_TOKEN={ready.write_token}\nGrafana:  {ready.read_token}")


def _keep_tokens(ready: Ready, folder: Path, mode: int) -> list[Path]:
    """Write the tokens where gateway and Grafana read them, in files of this mode."""
    written: list[Path] = []
    for name, token in (("gateway", ready.write_token), ("grafana", ready.read_token)):
        if not token:
            if not (folder / name).exists():
                raise SinkError(f"the server does not show its token for {name} again: delete that token there, repeat")
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).touch(mode)
            (folder / name).chmod(mode)  # also of a file that was there, and before the token stands in it
            (folder / name).write_text(token, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{folder / name}: cannot be written: {error.strerror or error}") from error
        written.append(folder / name)
    return written


def backfill(session_ids: list[str], *, data: Path | None, as_json: bool) -> None:
    """Write sessions as the store has them now, whatever was written before."""
    folder = data_dir(data)
    target, symmetry = _target(folder), load_config(folder).symmetry
    gc.freeze()  # millions of points come and go: what is loaded by now need not be looked through for each
    with Store.open(folder, readonly=True) as store:
        wanted = _sessions(store, session_ids)
        points, refused = asyncio.run(_backfill(store, target, wanted, symmetry, quiet=as_json))
    if as_json:
        print_json({"sessions": len(wanted), "points": points, "refused": refused})
        return
    out.print(f"{len(wanted)} sessions, {points} points written, {refused} refused")


async def _backfill(
    store: Store, target: InfluxTarget, session_ids: list[str], symmetry: SymmetryConfig, *, quiet: bool
) -> tuple[int, int]:
    written = refused = done = 0
    total = sum(page_count(store, session_id) for session_id in session_ids)

    def count(n: int) -> None:
        nonlocal written
        written += n
        tell(done, total)

    def batches() -> Iterator[list[Point]]:
        nonlocal done
        for page in chain.from_iterable(session_pages(store, session_id) for session_id in session_ids):
            yield from (page.points[start : start + BATCH] for start in range(0, len(page.points), BATCH))
            done += 1
        yield from _standings(store, session_ids, symmetry)

    async with InfluxWriter(target) as writer:
        with progress("backfill", quiet=quiet) as tell:
            for one in await writer.deliver_many(batches(), written=count):
                err.print(f"refused: {one.reason}")
                refused += 1
    return written - refused, refused


def _standings(store: Store, session_ids: list[str], symmetry: SymmetryConfig) -> Iterator[list[Point]]:
    if any(store.run_values(session_id) for session_id in session_ids):  # the science is loaded for nothing else
        from evenstride_gateway.normals import season_points
        from evenstride_gateway.results import system_error

        yield from season_points(store, session_ids, system_error(symmetry))


def verify(session_ids: list[str], *, data: Path | None, as_json: bool) -> int:
    """Compare store and database; the exit code: 8 when they differ.

    Where no session is named, those that were deleted are looked for as well.
    """
    folder = data_dir(data)
    target, symmetry = _target(folder), load_config(folder).symmetry
    with Store.open(folder, readonly=True) as store:
        wanted = _sessions(store, session_ids)
        gone = [] if session_ids else [one.session_id for one in store.dated_sessions().values() if one.deleted]
        found = asyncio.run(_verify(store, target, wanted, gone, symmetry, quiet=as_json))
    if as_json:
        print_json([_row(one) for one in found])
    else:
        table = Table("session", "equal", "missing", "surplus", "different", "standing due", box=None)
        for one in found:
            name = f"{one.session_id} (deleted)" if one.deleted else one.session_id
            table.add_row(name, *(str(n) for n in (one.equal, one.missing, one.surplus, one.different, one.due)))
        out.print(table)
        for one in found:
            for example in one.examples:
                out.print(f"{one.session_id}: {example}")
        out.print(_verdict(found))
    return Exit.OK if all(one.holds for one in found) else Exit.SOME_FAILED


def _verdict(found: list[Verification]) -> str:
    """What was compared, and how it ended."""
    held, judged = sum(not one.deleted for one in found), sum(one.baseline and not one.deleted for one in found)
    said = [
        f"compared: strides, symmetry, missing samples and the session itself of {held} sessions, what is left of "
        f"{len(found) - held} deleted ones, and the standing against the own normal of the {judged} that have one kept"
    ]
    if all(one.holds for one in found):
        said.append("every point exactly once, with equal values")
    if any(one.missing or one.different for one in found):
        said.append("they differ: `evenstride stack backfill` writes what is missing or different")
    if any(one.surplus for one in found):
        said.append("the database has points in force that the store has not; backfill does not withdraw them")
    if due := sum(one.due for one in found):
        said.append(
            f"{due} points of standings are not there as they are judged now, for a gateway judges only each runner's "
            "latest session: `evenstride stack backfill` writes them"
        )
    return "\n".join(said)


async def _verify(
    store: Store,
    target: InfluxTarget,
    session_ids: list[str],
    gone: list[str],
    symmetry: SymmetryConfig,
    *,
    quiet: bool,
) -> list[Verification]:
    found: list[Verification] = []
    standings = {points[0].tags[0]: points for points in _standings(store, session_ids, symmetry) if points}
    async with InfluxReader(target) as reader:
        with progress("verify", quiet=quiet) as tell:
            done, total = 0, sum(page_count(store, session_id) for session_id in session_ids)

            def page_done() -> None:
                nonlocal done
                done += 1
                tell(done, total)

            tell(done, total)
            for session_id in session_ids:
                baseline = standings.get(session_id)
                found += [await verify_session(store, reader, session_id, baseline=baseline, page_done=page_done)]
        found += [await verify_deleted(reader, session_id) for session_id in gone]
    return found


def _row(one: Verification) -> dict[str, object]:
    return {
        "session": one.session_id,
        "deleted": one.deleted,
        "baseline_compared": one.baseline,
        "equal": one.equal,
        "missing": one.missing,
        "surplus": one.surplus,
        "different": one.different,
        "standing_due": one.due,
        "examples": one.examples,
    }


def parked(sink: str, *, data: Path | None, as_json: bool) -> None:
    """What a server refused for good, and what it said."""
    with Store.open(data_dir(data), readonly=True) as store:
        found = store.parked(sink)
    if as_json:
        print_json([{"at": p.at.isoformat(), "reason": p.reason, "point": p.content} for p in found])
        return
    for one in found:
        out.print(f"{one.at:%Y-%m-%d %H:%M:%S}  {one.reason}\n    {one.content}")
    if not found:
        out.print(f"{sink} has refused nothing.")


def _target(folder: Path) -> InfluxTarget:
    config = load_config(folder).influx
    if not config.url:
        raise ConfigError(
            f"no InfluxDB is set: `[influx] url` in {folder / 'evenstride.toml'}, or EVENSTRIDE_INFLUX_URL"
        )
    return influx_target(config)


def _sessions(store: Store, wanted: list[str]) -> list[str]:
    every = list(reversed(store.sessions()))
    known = [session.session_id for session in every if session.dated]
    undated = [session.session_id for session in every if not session.dated and session.session_id in wanted]
    if undated:
        raise InputError(
            f"session {undated[0]} has no date, so no database has it: `evenstride sessions date` gives one"
        )
    unknown = [session_id for session_id in wanted if session_id not in known]
    if unknown:
        raise InputError(f"no session {unknown[0]!r} here: `evenstride sessions list` shows them")
    return wanted or known
