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
