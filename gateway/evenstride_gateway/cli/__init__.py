"""The command line: `evenstride --help`."""

import os
import sys
import traceback
from collections.abc import Sequence

from evenstride_gateway.cli.common import Exit, exit_code, plain_errors, say
from evenstride_gateway.errors import EvenstrideError


def main() -> None:
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error is one line, `--verbose` shows where it came from."""
    import typer

    from evenstride_gateway.cli.commands import app

    try:
        code = app([word for word in arguments if word != "--verbose"], prog_name="evenstride", standalone_mode=False)
    except KeyboardInterrupt:
        return _interrupted("interrupted")
    except typer.Abort:
        return _interrupted("stopped: nothing was changed")
    except (BrokenPipeError, SystemExit):  # whoever read our output has enough of it; Typer and rich exit by themselves
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNEXPECTED
    except BaseException as error:  # noqa: BLE001 - the last one who can turn it into a sentence
        if _is_usage(error):
            return _wrong_usage(error)
        if "--verbose" in arguments:
            traceback.print_exception(error)
        return _failed(error)
    return code if isinstance(code, int) else Exit.OK


def _failed(error: BaseException) -> int:
    """One line for the first error that was meant for the reader, and one for a mistake of ours, if there is any."""
    inner = list(plain_errors(error))
    meant = [one for one in inner if isinstance(one, EvenstrideError)]
    ours = [one for one in inner if not isinstance(one, EvenstrideError)]
    if meant:
        say(str(meant[0]))
    if ours:
        what = f"{type(ours[0]).__name__}: {ours[0]}" if str(ours[0]) else type(ours[0]).__name__
        say(f"unexpected error, please report it: {' '.join(what.split())} (--verbose shows where it came from)")
    return exit_code(meant[0]) if meant else Exit.UNEXPECTED


def _interrupted(what: str) -> int:
    say(what)
    return Exit.INTERRUPTED


def _is_usage(error: BaseException) -> bool:
    """Whether it is the command line parser's, whose class has moved between the versions of Typer."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _wrong_usage(error: BaseException) -> int:
    message = str(error.format_message())  # pyright: ignore[reportAttributeAccessIssue,reportUnknownArgumentType]
    context = getattr(error, "ctx", None)
    path: str = "evenstride" if context is None else context.command_path
    if not message.strip() or type(error).__name__ == "NoArgsIsHelpError":
        return Exit.USAGE  # the help was printed
    plain = " ".join(message.split()).replace("Value error, ", "").rstrip(".")
    say(f"{plain}; see `{path} --help`")
    return Exit.USAGE
