"""The words of the commands about one runner over time: baseline, shoes, pace, ground, run again, mass."""

from typing import Annotated

import typer

from evenstride_gateway.cli.options import DataDir, Json, SessionId

Runner = Annotated[str, typer.Argument(help="The runner's name or id; `evenstride runners list` shows them.")]
runners = typer.Typer(help="Show the runners, and say what is needed of their bodies.", no_args_is_help=True)


def add_to(app: typer.Typer, sessions: typer.Typer) -> None:
    """Put the commands of this module into their places."""
    app.command("baseline")(baseline)
    app.add_typer(runners, name="runners")
    sessions.command("shoes")(shoes)
    sessions.command("pace")(pace)
    sessions.command("rerun")(rerun)
    sessions.command("ground")(ground)


def baseline(
    runner: Runner,
    *,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="Judge this session.", show_default="the runner's latest"),
    ] = None,
    alike: Annotated[
        bool, typer.Option("--alike", metavar="", help="You know that all sessions were run at one pace.")
    ] = False,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Hold a session against the runner's own normal: changed, not changed or not comparable.

    Earlier sessions at the same pace, by the same method, with pods put on anew
    count; each one that does not is named with the reason.
    """
    from evenstride_gateway.cli.baseline import baseline as show

    show(runner, session=session, alike=alike, data=data, as_json=as_json)


@runners.command("list")
def runners_list(*, data: DataDir = None, as_json: Json = False) -> None:
    """Show the runners and how many sessions each one has."""
    from evenstride_gateway.cli.runners import list_runners

    list_runners(data=data, as_json=as_json)


@runners.command("mass")
def runners_mass(
    runner: Runner,
    kilograms: Annotated[float, typer.Argument(min=20, max=250, help="Mass with shoes and clothes, kg.")],
    *,
    error: Annotated[
        float, typer.Option("--error", metavar="KG", min=0, max=20, help="How far it may be off (SD), kg.")
    ] = 1.5,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say how heavy a runner is: vertical stiffness needs it."""
    from evenstride_gateway.cli.runners import enter_mass

    enter_mass(runner, kilograms, error_kg=error, data=data, as_json=as_json)


def shoes(
    session: SessionId,
    name: Annotated[str, typer.Argument(help='The shoes worn, in your own words; "" takes the entry away.')],
    *,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say which shoes were worn: other shoes are told apart in the baseline."""
    from evenstride_gateway.cli.runners import enter_setting

    enter_setting(session, "shoes", name, data=data, as_json=as_json)


def pace(
    session: SessionId,
    name: Annotated[str, typer.Argument(help='A word for the pace, e.g. easy; "" takes the entry away.')],
    *,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say that sessions were run alike: those with the same word compare without a speed."""
    from evenstride_gateway.cli.runners import enter_setting

    enter_setting(session, "pace", name, data=data, as_json=as_json)


def rerun(
    session: Annotated[list[str], typer.Argument(help="Ids of the sessions; `evenstride sessions list` shows them.")],
    *,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Find the strides of stored sessions again, from their raw samples, by the present method."""
    from evenstride_gateway.cli.runners import run_again

    run_again(session, data=data, as_json=as_json)


def ground(
    session: SessionId,
    *,
    track: Annotated[
        float | None, typer.Option("--track", metavar="METRES", help="Round a track: length of the lap, e.g. 400.")
    ] = None,
    treadmill: Annotated[
        float | None, typer.Option("--treadmill", metavar="MPS", help="On a treadmill: its speed in m/s.")
    ] = None,
    unknown: Annotated[bool, typer.Option("--unknown", metavar="", help="Neither: take the entry away.")] = False,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say where a session was run: a lap of known length or a treadmill's speed makes speeds comparable.

    Straights, bends and laps are found without it; on a treadmill nothing is taken for a bend.
    """
    from evenstride_gateway.cli.ground import keep

    keep(session, track_m=track, treadmill_mps=treadmill, unknown=unknown, data=data, as_json=as_json)
