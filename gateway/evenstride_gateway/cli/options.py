"""Options and arguments that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder with the recordings and settings.",
        show_default="EVENSTRIDE_DATA_DIR, else your user's data folder",
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document, for other programs.")]
SessionId = Annotated[str, typer.Argument(help="Id of the session; `evenstride sessions list` shows them.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="N",
        min=0,
        max=65535,
        help="Port of the live page; 0 = any free one.",
        show_default="the setting, else 8765",
    ),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", metavar="", help="Only print the address of the live page, do not open it.")
]
Corrected = Annotated[
    str | None,
    typer.Option("--session", metavar="ID", help="Correct this stored session instead.", show_default=False),
]
