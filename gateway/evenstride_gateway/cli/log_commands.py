"""The words of the commands about what pods recorded without a gateway: log, import, and the date of a session."""

from typing import Annotated

import typer

from evenstride_gateway.cli.options import DataDir, Json, SessionId

Pods = Annotated[
    list[str] | None, typer.Argument(metavar="[POD]...", help="Only these pods.", show_default="all in range")
]
Seconds = Annotated[float, typer.Option("--seconds", metavar="N", min=1, max=120, help="How long to look for pods.")]
Adapter = Annotated[
    str,
    typer.Option("--adapter", metavar="NAME", help="Bluetooth adapter, e.g. hci1.", show_default="the setting"),
]


def add_to(pods: typer.Typer, sessions: typer.Typer) -> None:
    """Put the commands of this module into their places."""
    pods.command("log")(log)
    pods.command("import")(import_log)
    sessions.command("date")(date)


def log(
    pod: Pods = None,
    *,
    seconds: Seconds = 10.0,
    adapter: Adapter = "",
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show what pods in range recorded without a gateway and is not stored here."""
    from evenstride_gateway.cli.podlogs import show_logs

    show_logs(pods=pod or (), seconds=seconds, adapter=adapter, data=data, as_json=as_json)


def import_log(
    pod: Pods = None,
    *,
    runner: Annotated[
        str | None,
        typer.Option("--runner", metavar="NAME", help="Who ran.", show_default="the pods' runner"),
    ] = None,
    left: Annotated[
        list[str] | None,
        typer.Option("--left", metavar="POD", help="This pod sat on the left leg.", show_default="as assigned"),
    ] = None,
    right: Annotated[
        list[str] | None,
        typer.Option("--right", metavar="POD", help="This pod sat on the right leg.", show_default="as assigned"),
    ] = None,
    when: Annotated[
        str | None,
        typer.Option(
            "--date", metavar="TEXT", help="When a run without a date began, YYYY-MM-DD HH:MM.", show_default=False
        ),
    ] = None,
    one_leg: Annotated[
        bool, typer.Option("--one-leg", metavar="", help="Do not wait for the pod of the other leg.")
    ] = False,
    seconds: Seconds = 10.0,
    adapter: Adapter = "",
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Store what pods recorded without a gateway: every run becomes a session with its date.

    Broken off, it goes on from there the next time; what is stored already is not
    stored twice. A run whose pod was switched off before it met a computer has no
    date: you are asked, and may say it later by `evenstride sessions date`.
    """
    from evenstride_analysis.model import Side
    from evenstride_gateway.cli.podlogs import Request, import_logs, parse_date
    from evenstride_gateway.errors import InputError

    both = sorted(set(left or ()) & set(right or ()))
    if both:
        raise InputError(f"pod {both[0]} cannot sit on both legs: say --left or --right of it")
    sides = dict.fromkeys(left or (), Side.LEFT) | dict.fromkeys(right or (), Side.RIGHT)
    wanted = Request(
        pods=pod or (),
        sides=sides,
        runner=runner,
        date=None if when is None else parse_date(when),
        one_leg=one_leg,
        seconds=seconds,
        adapter=adapter,
    )
    import_logs(wanted, data=data, as_json=as_json)


def date(
    session: SessionId,
    began: Annotated[str, typer.Argument(metavar="DATE", help="When it began, YYYY-MM-DD HH:MM.")],
    *,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say when a session was that pods recorded without a gateway and without a date."""
    from evenstride_gateway.cli.podlogs import parse_date
    from evenstride_gateway.cli.sessions import put_date

    put_date(session, parse_date(began), data=data, as_json=as_json)
