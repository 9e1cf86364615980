"""`python -m evenstride_dashboards` writes generated/ anew; `--check` only says what is stale."""

import sys

from evenstride_dashboards.build import stale, write


def main() -> int:
    """Exit code 1 when `--check` finds something."""
    checking = "--check" in sys.argv[1:]
    names = stale() if checking else write()
    sys.stdout.writelines(f"{'stale' if checking else 'written'}: {name}\n" for name in names)
    return 1 if checking and names else 0


if __name__ == "__main__":
    sys.exit(main())
