"""The command line: `evenstride --help`."""

import sys

from evenstride_gateway.cli.common import Exit, exit_code, plain_errors, say
from evenstride_gateway.errors import EvenstrideError


def main() -> None:
    """Run the command; every error on purpose is one line and an exit code, `--verbose` shows where it came from."""
    from evenstride_gateway.cli.commands import app  # the page's libraries load only with the command that needs them

    verbose = "--verbose" in sys.argv
    if verbose:
        sys.argv.remove("--verbose")
    try:
        app()
    except BaseException as error:
        wanted = [inner for inner in plain_errors(error) if isinstance(inner, EvenstrideError)]
        if verbose or not wanted:
            if not isinstance(error, KeyboardInterrupt):
                raise
            sys.exit(Exit.INTERRUPTED)
        say(wanted[0])
        sys.exit(exit_code(wanted[0]))
