"""`evenstride baseline`: a session against its runner's own normal, in figures and words."""

from pathlib import Path
from typing import Any

from rich.table import Table

from evenstride_analysis.baseline import Change, RunMeasure
from evenstride_gateway.baselines import Standing, find_runner, latest_session, standing
from evenstride_gateway.cli.common import data_dir, out, print_json
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import InputError
from evenstride_gateway.report.normal import NAMES, figure, number, unit
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Store


def baseline(runner: str, *, session: str | None, alike: bool, data: Path | None, as_json: bool) -> None:
    """Show the change of every measure, then which sessions counted and which did not."""
    folder = data_dir(data)
    system = system_error(load_config(folder).symmetry)
    with Store.open(folder, readonly=True) as store:
        person = find_runner(store, runner)
        session_id = session or latest_session(store, person.runner_id)
        found = store.session(session_id)
        if found.runner_id != person.runner_id:
            raise InputError(f"session {session_id} is {found.runner_id}'s, not {person.runner_id}'s")
        stand = standing(store, session_id, system, alike=alike)
    if as_json:
        print_json(standing_json(stand))
        return
    when = f"{found.started_at:%Y-%m-%d %H:%M} UTC" if found.dated else "undated: before or after no other"
    out.print(f"{person.name or person.runner_id}, session {session_id} ({when})")
    table = Table("measure", "this run", "own band", "verdict", "smallest real change", box=None)
    for change in stand.changes:
        table.add_row(NAMES[change.measure], *_cells(change))
    out.print(table)
    for change in stand.changes:
        out.print(f"{NAMES[change.measure]}: {change.verdict.value}: {change.reason}")
        if change.band is not None and change.band.prior is not None and change.measure is RunMeasure.SYMMETRY:
            out.print(f"  prior: {100 * change.band.prior.sd:.1f} % between runs: {change.band.prior.source}")
    counted = dict(stand.changes[0].past)
    for earlier in reversed(stand.earlier):
        name = earlier.session_id
        said = (
            f"counts: {figure(RunMeasure.SYMMETRY, counted[name])}"
            if name in counted
            else f"does not count: {stand.changes[0].refused.get(name, 'nothing was to be compared')}"
        )
        out.print(f"  {name} ({earlier.started_at:%Y-%m-%d}) {said}")
    if not stand.earlier:
        out.print("There is no earlier session: this one is the first of the baseline.")


def _cells(change: Change) -> tuple[str, str, str, str]:
    band = change.band
    return (
        "–" if change.value is None else figure(change.measure, change.value),
        "–"
        if band is None
        else f"{number(change.measure, band.low)} to {figure(change.measure, band.high)} ({100 * band.level:.0f} %)",
        change.verdict.value,
        "–" if change.smallest is None else f"{100 * change.smallest:.1f} %",
    )


def standing_json(stand: Standing) -> dict[str, Any]:
    """The same for other programs, units in the names."""
    return {
        "session": stand.session.session_id,
        "runner": stand.session.runner_id,
        "method": stand.run.method,
        "pace": {
            "speed_mps": stand.run.pace.speed_mps,
            "speed_sd_mps": stand.run.pace.speed_sd_mps,
            "source": stand.run.pace.source,
            "name": stand.run.pace.label,
        },
        "shoes": stand.run.shoes,
        "changes": [change_json(change) for change in stand.changes],
        "sessions": [
            {
                "session": earlier.session_id,
                "started_at": earlier.started_at.isoformat(timespec="seconds"),
                "counts": earlier.session_id in dict(stand.changes[0].past),
                "reason": stand.changes[0].refused.get(earlier.session_id, ""),
            }
            for earlier in reversed(stand.earlier)
        ],
    }


def change_json(change: Change) -> dict[str, Any]:
    """One measure; values in the unit that is named."""
    band, measure = change.band, change.measure
    return {
        "measure": measure.value,
        "unit": unit(measure),
        "verdict": change.verdict.value,
        "reason": change.reason,
        "value": None if change.value is None else float(number(measure, change.value, digits=4)),
        "band": None
        if band is None
        else {
            "level": band.level,
            "low": float(number(measure, band.low, digits=4)),
            "centre": float(number(measure, band.centre, digits=4)),
            "high": float(number(measure, band.high, digits=4)),
            "runs": band.runs,
            "between_runs_sd_percent": 100 * band.sd,
            "prior": None if band.prior is None else band.prior.source,
            "widened": list(band.widened),
        },
        "smallest_real_change_percent": None if change.smallest is None else 100 * change.smallest,
        "runs": {name: float(number(measure, value, digits=4)) for name, value in change.past},
        "refused": dict(change.refused),
    }
