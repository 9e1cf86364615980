"""The words of the commands about what pods add to the numbers: calibrate, swap-test."""

from pathlib import Path
from typing import Annotated

import typer

from evenstride_gateway.cli.options import DataDir, Json


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into their places."""
    app.command("calibrate")(calibrate)
    app.command("swap-test")(swap_test)


def calibrate(
    reference: Annotated[
        Path | None,
        typer.Argument(help="A reference's events, CSV with side, strike_s, toe_off_s in seconds.", show_default=False),
    ] = None,
    *,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="The stored session.", show_default=False)
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option("--recording", metavar="FILE", help="Or the recording table of the run.", show_default=False),
    ] = None,
    hardware: Annotated[
        str | None,
        typer.Option("--hardware", metavar="NAME", help="Whose offset it is.", show_default="the session's pods'"),
    ] = None,
    shared_clock: Annotated[
        bool,
        typer.Option("--shared-clock", metavar="", help="The reference's times are those of the session or recording."),
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", metavar="", help="Forget this hardware's earlier reference sessions.")
    ] = False,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Find how the pods of a session sat; with a reference, find the offset of their hardware.

    Without REFERENCE: the axes of each pod from standing and running are kept, and
    the session runs again by them. With REFERENCE (force plate or light barrier):
    how much later the pods' contact and toe-off come is kept as the next version
    of the hardware's offset; sessions from then on subtract it and say so in
    their method. Several runners' references are pooled.
    """
    from evenstride_gateway.cli.calibrate import calibrate_hardware, calibrate_seats

    if reference is None:
        calibrate_seats(session, data=data, as_json=as_json)
        return
    calibrate_hardware(
        reference,
        session=session,
        recording=recording,
        hardware=hardware,
        shared_clock=shared_clock,
        anew=anew,
        data=data,
        as_json=as_json,
    )


def swap_test(
    *,
    runner: Annotated[str, typer.Option("--runner", metavar="NAME", help="Who runs, for the guided test.")] = "Runner",
    first: Annotated[
        str | None,
        typer.Option("--first", metavar="ID", help="A stored session before the swap.", show_default=False),
    ] = None,
    second: Annotated[
        str | None,
        typer.Option("--second", metavar="ID", help="The stored session after it.", show_default=False),
    ] = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Is it the leg or the pod? Run 60 strides, swap the pods, run 60 more.

    Guided, with a running gateway (`evenstride run`); its page /swap-test does the
    same. With --first and --second two stored sessions are compared.
    """
    from evenstride_gateway.cli.swap import compare, guide

    if first is not None or second is not None:
        compare(first, second, data=data, as_json=as_json)
    else:
        guide(runner, data=data, as_json=as_json)
