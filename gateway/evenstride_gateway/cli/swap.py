"""`evenstride swap-test`: guided through the running gateway, or from two stored sessions."""

import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from evenstride_gateway.calling import ask_gateway
from evenstride_gateway.cli.common import data_dir, err, out, print_json
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import InputError, StoreBusyError, StoreError
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Store
from evenstride_gateway.swapping import keep_result, swap_result
from evenstride_gateway.web.swap import SwapPhase, swap_words

_LOOK_S = 1.0


def compare(first: str | None, second: str | None, *, data: Path | None, as_json: bool) -> None:
    """Two stored sessions as one test; the result is kept when nothing else holds the store."""
    if first is None or second is None:
        raise InputError("say both sessions: --first ID --second ID; `evenstride sessions list` shows them")
    folder = data_dir(data)
    with Store.open(folder, readonly=True) as store:
        tests = swap_result(store, first, second, system_error(load_config(folder).symmetry))
    try:
        with Store.open(folder) as store:
            keep_result(store, first, second, tests, datetime.now(UTC))
    except StoreBusyError:
        err.print("evenstride: a gateway holds the data, so the result was shown and not kept")
    lines = swap_words(tests)
    if as_json:
        print_json({"first": first, "second": second, "tests": [asdict(test) for test in tests]})
        return
    for line in lines:
        out.print(f"{line.headline} ({line.verdict.value})")
        out.print(f"  {line.detail}", style="dim")


def guide(runner: str, *, data: Path | None, as_json: bool) -> None:
    """Lead through a test; the gateway that runs on this data does it."""
    folder = data_dir(data)
    busy = _busy(folder)
    state = ask_gateway(folder, busy, "POST", "/api/swap-test/begin", {"runner": runner})
    try:
        state = _run(folder, busy, "Run easily, at one even pace.", SwapPhase.SWAP)
        err.print(
            "Stop. The pod on the left leg goes to the right one, and the other way round: same place, same strap."
        )
        typer.confirm("Swapped?", default=True, abort=True, err=True)
        ask_gateway(folder, busy, "POST", "/api/swap-test/swapped", {})
        state = _run(folder, busy, "Run again, at the same pace.", SwapPhase.DONE)
    except (KeyboardInterrupt, typer.Abort):
        ask_gateway(folder, busy, "POST", "/api/swap-test/cancel", {})
        raise
    if as_json:
        print_json(state)
        return
    for line in state["result"]:
        out.print(f"{line['headline']} ({line['verdict']})")
        out.print(f"  {line['detail']}", style="dim")


def _run(folder: Path, busy: StoreBusyError, what: str, until: SwapPhase) -> dict[str, Any]:
    """Say how many strides are to go until the gateway says that the run is over."""
    err.print(what)
    live = sys.stderr.isatty()
    told = -1
    while True:
        state = ask_gateway(folder, busy, "GET", "/api/swap-test")
        phase, to_go = SwapPhase(state["phase"]), int(state["to_go"])
        if phase is until:
            return state
        if phase is SwapPhase.IDLE:
            raise StoreError(state["problem"] or "the test was stopped on the page")
        if to_go != told and (live or to_go % 10 == 0):
            err.print(f"{to_go:3d} strides to go", end="\r" if live else "\n")
            told = to_go
        time.sleep(_LOOK_S)


def _busy(folder: Path) -> StoreBusyError:
    """That a gateway holds the store, as the store says it. Raises StoreError when none does."""
    with Store.open(folder, readonly=True):
        pass  # a mistyped folder must not make a new store
    try:
        with Store.open(folder):
            pass
    except StoreBusyError as busy:
        return busy
    raise StoreError(
        "the guided test needs a running gateway: start `evenstride run` first, or name two stored sessions with"
        " --first and --second"
    )
