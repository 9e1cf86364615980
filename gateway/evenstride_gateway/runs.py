"""A session's values for its runner's baseline, kept beside it: a season is compared without reading every stride."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evenstride_analysis.baseline import Pace, Run, RunMeasure, RunValue, run_of
from evenstride_analysis.model import Session, Side, Summary
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.results import TRACK, TREADMILL, session_summary
from evenstride_gateway.store import Store

_FORMAT = 1  # counts up when the same strides give other values


def keep_run(store: Store, session_id: str, system: SystematicError) -> None:
    """Compute the values of an ended session and keep them, unless those kept are still true."""
    session = store.session(session_id)
    if session.stopped_at is None or kept_run(store, session) is not None:
        return
    store.put_run_values(
        session_id, _key(store, session), _text(plain_run(session, session_summary(store, session_id, system)))
    )


def kept_run(store: Store, session: Session) -> Run | None:
    """The values that were kept, without pods, shoes and pace name; None when the session has changed since."""
    found = store.run_values(session.session_id)
    return _run(session.session_id, found[1]) if found is not None and found[0] == _key(store, session) else None


def plain_run(session: Session, summary: Summary) -> Run:
    """The values of a summary, with its speed as the pace."""
    speed = summary.speed
    pace = Pace() if speed is None else Pace(speed_mps=speed.mps, speed_sd_mps=speed.sd_mps, source=speed.detail)
    return run_of(summary, run_id=session.session_id, pods={}, pace=pace)


def worn(run: Run, *, pods: Mapping[Side, str], shoes: str, label: str) -> Run:
    """The run with what may be said anew at any time."""
    return replace(run, pods=pods, shoes=shoes, pace=replace(run.pace, label=label))


def _key(store: Store, session: Session) -> str:
    """Everything that the values follow from; the change numbers stand for the strides and legs."""
    clocks = sorted((fit.pod_id, fit.boot_id, fit.version) for fit in store.clocks(session.session_id))
    ground = [session.settings.get(name, "") for name in (TRACK, TREADMILL)]
    changed = store.last_change_of(session.session_id)
    return json.dumps([_FORMAT, changed, clocks, ground, str(session.stopped_at)])


def _text(run: Run) -> str:
    return json.dumps(
        {
            "values": {measure.value: [value.value, value.se] for measure, value in run.values.items()},
            "missing": {measure.value: why for measure, why in run.missing.items()},
            "method": run.method,
            "pace": [run.pace.speed_mps, run.pace.speed_sd_mps, run.pace.source],
        }
    )


def _run(session_id: str, text: str) -> Run:
    held: dict[str, Any] = json.loads(text)
    speed_mps, speed_sd_mps, source = held["pace"]
    return Run(
        run_id=session_id,
        values={RunMeasure(name): RunValue(value=value, se=se) for name, (value, se) in held["values"].items()},
        missing={RunMeasure(name): why for name, why in held["missing"].items()},
        pods={},
        method=held["method"],
        pace=Pace(speed_mps=speed_mps, speed_sd_mps=speed_sd_mps, source=source),
    )
