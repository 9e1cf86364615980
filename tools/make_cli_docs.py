"""Writes docs/cli.md from the commands themselves; `--print` shows it instead."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from evenstride_gateway.cli.commands import EXIT_CODES, app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"


def page() -> str:
    command = typer.main.get_command(app)
    lines = ["# Commands", "", "Made by `tools/make_cli_docs.py`; not edited by hand.", "", str(command.help), ""]
    lines += ["| option, before the command | |", "|---|---|", *_rows(command), ""]
    lines += _commands(command, "evenstride")
    codes = EXIT_CODES.removeprefix("Exit codes: ").removesuffix(".").split("; ")
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, _, meaning in (entry.partition(" ") for entry in codes)]
    return "\n".join(lines) + "\n"


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")
            continue
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        words = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
        yield from [f"## {' '.join([path, name, *words])}", "", " ".join(command.help.split()), ""]
        yield from ["| option | |", "|---|---|", *_rows(command), ""]


def _rows(command: Any) -> Iterator[str]:
    for param in command.params:
        if param.param_type_name == "argument":
            yield f"| {param.name.upper()} | {_cell(param.help)} |"
            continue
        name = " ".join(part for part in (param.opts[-1], param.metavar) if part)
        default = param.show_default if isinstance(param.show_default, str) else _plain(param.default)
        ending = " Needed." if param.required else f" Default: {default}." if default else ""
        yield f"| `{name}` | {_cell(param.help)}{ending} |"


def _plain(default: object) -> str:
    return "" if default is None or default is False else f"{default}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
