"""`evenstride runners`, and what a user says of a stored session afterwards."""

from collections import Counter
from pathlib import Path

from rich.table import Table

from evenstride_gateway.baselines import find_runner
from evenstride_gateway.calling import ask_gateway
from evenstride_gateway.cli.common import data_dir, out, print_json, progress
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import InputError, StoreBusyError
from evenstride_gateway.rerunning import RunAgain, run_session_again
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Mass, Store

_LONGEST = 60


def list_runners(*, data: Path | None, as_json: bool) -> None:
    """All runners with what is known of them."""
    with Store.open(data_dir(data), readonly=True) as store:
        counts = Counter(session.runner_id for session in store.sessions())
        rows = [(person, store.mass(person.runner_id), counts[person.runner_id]) for person in store.people()]
    if as_json:
        print_json(
            [
                {
                    "runner": person.runner_id,
                    "name": person.name,
                    "sessions": count,
                    "mass_kg": None if mass is None else mass.mass_kg,
                    "mass_sd_kg": None if mass is None else mass.mass_sd_kg,
                }
                for person, mass, count in rows
            ]
        )
        return
    table = Table("runner", "name", "sessions", "mass", box=None)
    for person, mass, count in rows:
        weight = "not entered" if mass is None else f"{mass.mass_kg:g} ± {mass.mass_sd_kg:g} kg"
        table.add_row(person.runner_id, person.name, str(count), weight)
    out.print(table if rows else "No runner yet: the first session brings one.")


def enter_mass(runner: str, mass_kg: float, *, error_kg: float, data: Path | None, as_json: bool) -> None:
    """Keep a runner's mass; a running gateway writes it itself."""
    folder = data_dir(data)
    with Store.open(folder, readonly=True) as store:  # a mistyped folder or name must not make anything new
        person = find_runner(store, runner)
    try:
        with Store.open(folder) as store:
            store.put_mass(person.runner_id, Mass(mass_kg=mass_kg, mass_sd_kg=error_kg))
    except StoreBusyError as busy:
        body = {"mass_kg": mass_kg, "mass_sd_kg": error_kg}
        ask_gateway(folder, busy, "POST", f"/api/runners/{person.runner_id}/mass", body)
    if as_json:
        print_json({"runner": person.runner_id, "mass_kg": mass_kg, "mass_sd_kg": error_kg})
    else:
        out.print(f"{person.name or person.runner_id}: {mass_kg:g} ± {error_kg:g} kg")


def enter_setting(session_id: str, key: str, text: str, *, data: Path | None, as_json: bool) -> None:
    """Keep or take away one free-text setting of a session; a running gateway writes it itself."""
    folder, plain = data_dir(data), " ".join(text.split())
    if len(plain) > _LONGEST or not plain.isprintable():
        raise InputError(f"{key}: at most {_LONGEST} printable characters were expected")
    with Store.open(folder, readonly=True) as store:
        store.session(session_id)
    try:
        with Store.open(folder) as store:
            store.put_settings(session_id, {key: plain or None})
    except StoreBusyError as busy:
        ask_gateway(folder, busy, "POST", f"/api/sessions/{session_id}/settings", {key: plain})
    if as_json:
        print_json({"session": session_id, key: plain or None})
    else:
        out.print(f"session {session_id}: {key} {plain}" if plain else f"session {session_id}: no {key} entered")


def run_again(session_ids: list[str], *, data: Path | None, as_json: bool) -> None:
    """Run sessions again, one after the other."""
    folder = data_dir(data)
    system = system_error(load_config(folder).symmetry)
    with Store.open(folder, readonly=True) as store:
        for session_id in session_ids:
            store.session(session_id)
    done: list[RunAgain] = []
    with Store.open(folder) as store, progress("running again", quiet=as_json) as tell:
        for n, session_id in enumerate(session_ids):
            done.append(run_session_again(store, session_id, system))
            tell(n + 1, len(session_ids))
    if as_json:
        print_json(
            [
                {
                    "session": again.session_id,
                    "method_before": "|".join(again.before),
                    "method": "|".join(again.after),
                    "strides": again.strides,
                    "changes": again.changes,
                    "notices": list(again.notices),
                }
                for again in done
            ]
        )
        return
    for again in done:
        before, after = ", ".join(again.before) or "none", ", ".join(again.after) or "none"
        out.print(
            f"session {again.session_id}: method {after} (was {before}), {again.strides} strides,"
            f" {again.changes} changes written"
        )
        for notice in again.notices:
            out.print(f"  {notice}")
