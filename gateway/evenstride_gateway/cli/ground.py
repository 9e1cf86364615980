"""`evenstride sessions ground`: where a stored session was run, which nothing but its runner can say."""

from pathlib import Path
from urllib.parse import quote

from evenstride_analysis.context import Ground
from evenstride_analysis.model import Summary
from evenstride_gateway.calling import ask_gateway
from evenstride_gateway.cli.common import data_dir, out, print_json
from evenstride_gateway.closing import put_ground
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import InputError, StoreBusyError
from evenstride_gateway.results import ground_of, session_summary, system_error
from evenstride_gateway.store import Store


def keep(
    session_id: str,
    *,
    track_m: float | None,
    treadmill_mps: float | None,
    unknown: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Store it, compute the session's symmetry points again, and show what follows."""
    if (track_m is not None) + (treadmill_mps is not None) + unknown != 1:
        raise InputError("say one of --track METRES, --treadmill MPS and --unknown")
    wanted = Ground(track_m=track_m, treadmill_mps=treadmill_mps)
    folder = data_dir(data)
    system = system_error(load_config(folder).symmetry)
    with Store.open(folder, readonly=True) as store:
        store.session(session_id)  # a mistyped folder or id must not make a new store
    try:
        with Store.open(folder) as store:
            put_ground(store, session_id, wanted, system)
    except StoreBusyError as busy:
        body = {"track_m": wanted.track_m, "treadmill_mps": wanted.treadmill_mps}
        ask_gateway(folder, busy, "POST", f"/api/sessions/{quote(session_id, safe='')}/ground", body)
    with Store.open(folder, readonly=True) as store:
        known = ground_of(store.session(session_id))
        summary = session_summary(store, session_id, system)
    speed = summary.speed
    if as_json:
        print_json(
            {
                "session": session_id,
                "track_m": known.track_m,
                "treadmill_mps": known.treadmill_mps,
                "laps": summary.laps,
                "speed_mps": None if speed is None else speed.mps,
                "speed_sd_mps": None if speed is None else speed.sd_mps,
                "speed_source": None if speed is None else speed.source.value,
            }
        )
        return
    out.print(f"session {session_id}: {_where(known)}")
    out.print(_follows(summary))


def _where(known: Ground) -> str:
    if known.track_m is not None:
        return f"a track of {known.track_m:g} m"
    if known.treadmill_mps is not None:
        return f"a treadmill at {known.treadmill_mps:g} m/s"
    return "nothing is said of the ground"


def _follows(summary: Summary) -> str:
    laps = "no laps were found" if summary.laps is None else f"{summary.laps:.1f} laps"
    if summary.speed is None:
        return f"{laps}; no clean running, so no speed"
    return f"{laps}; {summary.speed.mps:.2f} ± {summary.speed.sd_mps:.2f} m/s ({summary.speed.detail})"
