"""The words of `evenstride stack`: the database, the broker and the dashboards beside the store."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from evenstride_gateway.cli.options import DataDir, Json

stack = typer.Typer(help="InfluxDB, Grafana and MQTT beside the store.", no_args_is_help=True)

Sessions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Sessions; all of them when none is named.", show_default=False),
]


@stack.command("influx")
def influx(
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where InfluxDB is.")] = "http://127.0.0.1:8086",
    version: Annotated[
        Literal["1", "2"], typer.Option("--version", help="1 for 1.x, 2 for 2.x. 3 Core makes its own databases.")
    ] = "2",
    org: Annotated[str, typer.Option("--org", metavar="NAME", help="Organisation (2.x).")] = "evenstride",
    bucket: Annotated[
        str, typer.Option("--bucket", metavar="NAME", help="Bucket; the database of 1.x.")
    ] = "evenstride",
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="User (1.x).")] = "",
    keep_days: Annotated[
        int, typer.Option("--keep-days", metavar="N", min=0, help="Days until points are deleted; 0 = never.")
    ] = 0,
    tokens: Annotated[
        Path | None,
        typer.Option(
            "--tokens",
            metavar="DIR",
            help="Write both tokens into this folder, readable by you alone.",
            show_default="print them",
        ),
    ] = None,
    readable: Annotated[
        bool,
        typer.Option("--readable", help="With --tokens: for every user of this machine, as containers may need it."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an InfluxDB ready: bucket, InfluxQL over it, and two tokens with the least rights.

    The operator's token (1.x: the admin's password) comes from
    EVENSTRIDE_STACK_OPERATOR_TOKEN. What exists already is kept.
    """
    from evenstride_gateway.cli.stack_data import set_up

    set_up(
        url=url,
        version=version,
        org=org,
        bucket=bucket,
        user=user,
        keep_days=keep_days,
        tokens=tokens,
        readable=readable,
        as_json=as_json,
    )


@stack.command("backfill")
def backfill(sessions: Sessions = None, *, data: DataDir = None, as_json: Json = False) -> None:
    """Write sessions into InfluxDB as the store has them now.

    A running gateway keeps up by itself; this fills an empty database.
    """
    from evenstride_gateway.cli.stack_data import backfill as write

    write(sessions or [], data=data, as_json=as_json)


@stack.command("verify")
def verify(sessions: Sessions = None, *, data: DataDir = None, as_json: Json = False) -> int:
    """Compare store and InfluxDB point by point; exit code 8 when they differ.

    Strides, symmetry, missing samples and the session. Where its standing against the own normal is
    kept, what backfill would write of that is counted apart. With no session named, nothing of
    deleted sessions may be left either.
    """
    from evenstride_gateway.cli.stack_data import verify as compare

    return compare(sessions or [], data=data, as_json=as_json)


@stack.command("parked")
def parked(
    sink: Annotated[Literal["influx", "mqtt"], typer.Argument(help="Which server.")] = "influx",
    *,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show what a server refused for good, with its reason."""
    from evenstride_gateway.cli.stack_data import parked as show

    show(sink, data=data, as_json=as_json)


@stack.command("grafana")
def grafana(
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where Grafana is.")] = "http://127.0.0.1:3000",
    token_file: Annotated[
        Path, typer.Option("--token-file", metavar="FILE", help="File with the token of a service account (Admin).")
    ],
    influx_url: Annotated[
        str, typer.Option("--influx-url", metavar="URL", help="Where InfluxDB is, as Grafana sees it.")
    ] = "http://127.0.0.1:8086",
    influx_version: Annotated[Literal["1", "2"], typer.Option("--influx-version", help="1 for 1.x, 2 for 2.x.")] = "2",
    bucket: Annotated[
        str, typer.Option("--bucket", metavar="NAME", help="Bucket; the database of 1.x.")
    ] = "evenstride",
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="User (1.x).")] = "",
    influx_token_file: Annotated[
        Path | None,
        typer.Option(
            "--influx-token-file",
            metavar="FILE",
            help="File with the token (1.x: password) that Grafana reads with.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand data source, dashboards and alert rules to a running Grafana.

    What exists keeps its name and place; what is not ours is not touched.
    """
    from evenstride_gateway.cli.stack_grafana import push

    push(
        url=url,
        token_file=token_file,
        influx_url=influx_url,
        influx_version=influx_version,
        bucket=bucket,
        user=user,
        influx_token_file=influx_token_file,
        as_json=as_json,
    )
