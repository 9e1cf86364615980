"""Every command with its words. What does the work is loaded only by the command that is used: `--help` is quick."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from evenstride_gateway.cli import log_commands, pod_commands, runner_commands
from evenstride_gateway.cli.common import data_dir
from evenstride_gateway.cli.options import Corrected, DataDir, Json, NoBrowser, Port, SessionId
from evenstride_gateway.cli.speed import decide_by_command, decide_by_work
from evenstride_gateway.cli.stack import stack

EXIT_CODES = (
    "Exit codes: 0 done; 1 an error inside evenstride; 2 wrong usage; 3 input that cannot be used; 4 a wrong setting "
    "or a port in use; 5 the stored data; 6 Bluetooth or a pod; 7 anything else; 8 some of many inputs failed, the "
    "others were done; 130 interrupted."
)

app = typer.Typer(
    name="evenstride",
    help="How long each foot stays on the ground, how hard each leg hits, and whether the difference is real.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
pods = typer.Typer(help="Find your pods and say which leg each one sits on.", no_args_is_help=True)
sessions = typer.Typer(help="List, show or delete what was recorded.", no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        from evenstride_gateway.cli.common import software_version

        typer.echo(f"evenstride {software_version()}")
        raise typer.Exit


@app.callback()
def evenstride(
    context: typer.Context,
    *,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", metavar="", help="Show where an error came from; also allowed behind a command."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", is_eager=True, callback=_version, help="Show the version and stop."),
    ] = False,
) -> None:
    del verbose, version  # the first is taken off the arguments before they are parsed
    decide_by_command(context.invoked_subcommand)


@app.command()
def demo(
    *,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="N", min=10, help="Stop after so many seconds.", show_default="until Ctrl-C"),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Play a real runner from this recording table instead.", show_default=False),
    ] = None,
    asymmetry: Annotated[
        float,
        typer.Option(metavar="PERCENT", min=-25, max=25, help="Planted symmetry index of stance."),
    ] = 4.0,
    speed: Annotated[float, typer.Option(metavar="MPS", min=2.2, max=5.0, help="Speed in m/s.")] = 3.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another number, another runner.")] = 1,
    system_error: Annotated[
        bool,
        typer.Option("--system-error", metavar="", help="Plant in each leg the error found on real runners."),
    ] = False,
    port: Port = None,
    no_browser: NoBrowser = False,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder for what the demo records.")] = Path(
        "demo-data"
    ),
    as_json: Json = False,
    pod: Annotated[
        Path | None,
        typer.Option(
            metavar="PROGRAM", help="Run the pods' firmware, built as a program, instead.", show_default=False
        ),
    ] = None,
) -> None:
    """Watch a runner without any hardware: two virtual pods, virtual radio, the whole gateway.

    Shows the live page. At the end it stores the session, writes the report, and
    prints what was found beside what was planted.
    """
    from evenstride_gateway.cli.demo import demo as play

    play(
        seconds=seconds,
        recording=recording,
        asymmetry=asymmetry,
        speed=speed,
        seed=seed,
        planted_error=system_error,
        port=port,
        browser=not no_browser,
        folder=data,
        as_json=as_json,
        pod=pod,
    )


@app.command()
def run(
    *,
    runner: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="NAME",
            help="Record this runner as soon as a pod sends data.",
            show_default="start from the live page",
        ),
    ] = None,
    port: Port = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Bluetooth adapter, e.g. hci1; repeat for several.",
            show_default="the setting, else the computer's own",
        ),
    ] = None,
    no_browser: NoBrowser = False,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Connect to your pods, show the live page and record. Ctrl-C stops and stores."""
    from evenstride_gateway.cli.run import run as start

    start(runner=runner, port=port, adapters=adapter, browser=not no_browser, data=data, as_json=as_json)


app.add_typer(pods, name="pods")


@pods.command("scan")
def pods_scan(
    *,
    seconds: Annotated[float, typer.Option(metavar="N", min=1, max=60, help="How many seconds to listen.")] = 5.0,
    adapter: Annotated[
        str, typer.Option(metavar="NAME", help="Bluetooth adapter, e.g. hci1.", show_default="the computer's own")
    ] = "",
    as_json: Json = False,
) -> None:
    """Listen for pods that are switched on and near."""
    from evenstride_gateway.cli.pods import scan

    scan(seconds=seconds, adapter=adapter, as_json=as_json)


@pods.command("list")
def pods_list(*, data: DataDir = None, as_json: Json = False) -> None:
    """Show the pods that were met and the leg each one sits on."""
    from evenstride_gateway.cli.pods import list_pods

    list_pods(data=data, as_json=as_json)


@pods.command("assign")
def pods_assign(
    pod: Annotated[str, typer.Argument(help="Id of the pod; `evenstride pods list` shows them.")],
    side: Annotated[Literal["left", "right"], typer.Argument(help="The leg it sits on.")],
    *,
    session: Corrected = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say which leg a pod sits on: from now on, and in the session that is being recorded.

    Works while the gateway runs, too.
    """
    from evenstride_gateway.cli.pods import assign

    assign(pod, side, session=session, data=data, as_json=as_json)


@pods.command("swap")
def pods_swap(*, session: Corrected = None, data: DataDir = None, as_json: Json = False) -> None:
    """Exchange the legs of the two pods: from now on, and in the session that is being recorded.

    Works while the gateway runs, too.
    """
    from evenstride_gateway.cli.pods import swap

    swap(session=session, data=data, as_json=as_json)


@app.command()
def analyze(
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RECORDING]...", help="Recording tables, CSV or Parquet.", show_default=False),
    ] = None,
    *,
    sessions: Annotated[
        list[str] | None,
        typer.Option(
            "--session", metavar="ID", help="Analyze this stored session instead; repeatable.", show_default=False
        ),
    ] = None,
    every_session: Annotated[
        bool, typer.Option("--all-sessions", metavar="", help="Analyze every stored session instead.")
    ] = False,
    table: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the stride table here, .csv or .parquet; - prints it as CSV. With many inputs: a folder, which "
            "gets a table for each.",
            show_default=False,
        ),
    ] = None,
    sensor_axes: Annotated[
        str | None,
        typer.Option(
            "--sensor-axes",
            metavar="TEXT",
            help="How the sensor sat: which of its axes pointed forward (x), up the shin (y) and to the runner's right "
            "(z), e.g. x=-y,y=x,z=z; or each leg by itself, left:x=...;right:x=...",
            show_default="x=x,y=y,z=z",
        ),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", metavar="", help="Find how the sensor sat, from standing and running.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", metavar="N", help="Processes to work with, for many inputs.", show_default="one for each core"
        ),
    ] = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Find the strides in recordings or stored sessions, one row each.

    Columns of a recording: side (left or right), t_s, accel_x_mps2, accel_y_mps2,
    accel_z_mps2, gyro_x_radps, gyro_y_radps, gyro_z_radps.

    With many inputs a failing one is named and does not stop the others.
    """
    raw = data_dir(data) / "raw"
    decide_by_work([*(recordings or ()), *((raw,) if every_session else (raw / name for name in sessions or ()))])
    from evenstride_gateway.cli.analyze import analyze as work

    code = work(
        recordings or (),
        sessions=sessions or (),
        every_session=every_session,
        table=table,
        sensor_axes=sensor_axes,
        calibrate=calibrate,
        jobs=jobs,
        data=data,
        as_json=as_json,
    )
    if code:
        raise typer.Exit(code)


@app.command("import")
def import_recording(
    source: Annotated[Path, typer.Argument(help="An RBDS or JDX .npz file, or a TRIPOD *_Lshank.csv.gz file.")],
    table: Annotated[Path, typer.Option("--out", metavar="FILE", help="Recording table to write, .csv or .parquet.")],
    *,
    as_json: Json = False,
) -> None:
    """Turn a published recording into the table that `analyze` and `demo --recording` read."""
    from evenstride_gateway.cli.analyze import import_recording as work

    work(source, table, as_json=as_json)


@app.command()
def accuracy(
    *,
    recordings: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder that holds rbds/ and the other sets.",
            show_default="EVENSTRIDE_DATA, else ../shared/data",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the page here (docs/accuracy.md).", show_default="print it"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", help="Processes to work with.", show_default="one for each core"),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", metavar="", help="Only say whether the written page is stale; takes about a minute."),
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", metavar="", help="Use no part kept from an earlier study.")] = False,
    as_json: Json = False,
) -> None:
    """Train and measure the method on runners it has never seen, in every kind of fold. Takes about ten minutes."""
    from evenstride_gateway.cli.accuracy import accuracy as measure

    measure(recordings=recordings, page=page, jobs=jobs, check=check, fresh=fresh, as_json=as_json)


@app.command()
def train(
    *,
    recordings: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="The folder that holds rbds/.",
            show_default="EVENSTRIDE_DATA, else ../shared/data",
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the table here.", show_default="print it")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the copies, shifts and networks.")] = 0,
    as_json: Json = False,
) -> None:
    """Train the stance estimator again, from recordings with a force reference. Takes some minutes.

    Needs the extra `train`. The same data and seed give the same table.
    """
    from evenstride_gateway.cli.train import train as work

    work(recordings=recordings, table=table, seed=seed, as_json=as_json)


app.add_typer(sessions, name="sessions")


@sessions.command("list")
def sessions_list(*, data: DataDir = None, as_json: Json = False) -> None:
    """Show all sessions, the newest first."""
    from evenstride_gateway.cli.sessions import list_sessions

    list_sessions(data=data, as_json=as_json)


@sessions.command("show")
def sessions_show(session: SessionId, *, data: DataDir = None, as_json: Json = False) -> None:
    """Show what one session says: each leg, and whether the difference is real."""
    from evenstride_gateway.cli.sessions import show

    show(session, data=data, as_json=as_json)


@sessions.command("delete")
def sessions_delete(
    session: SessionId,
    *,
    yes: Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask.")] = False,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Delete a session with its raw samples, for good."""
    from evenstride_gateway.cli.sessions import delete

    delete(session, yes=yes, data=data, as_json=as_json)


@app.command()
def report(
    session: SessionId,
    path: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it: .html or .pdf.")],
    *,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the one-page report of a session."""
    from evenstride_gateway.cli.report import report as write

    write(session, path, data=data, as_json=as_json)


pod_commands.add_to(app)
runner_commands.add_to(app, sessions)
log_commands.add_to(pods, sessions)
app.add_typer(stack, name="stack")
