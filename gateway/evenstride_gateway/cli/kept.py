"""Parts of the accuracy study that are done, on disk: a study that was cut, or whose words changed, goes on from there.

A part is named by all that it follows from (recordings, tables, code, what the methods find, the part's own question):
where one of them has changed the name has, and the part is made anew.
"""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

from evenstride_gateway.tables.strides import atomic

NOTHING = object()


def kept_dir() -> Path:
    """The user's caches."""
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "evenstride" / "accuracy"


class Kept:
    """Results by name. Without a folder nothing is kept and nothing is found."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str) -> Any:
        """What was put under this name, or NOTHING; a file that cannot be read counts as nothing."""
        if self._folder is None:
            return NOTHING
        try:
            return pickle.loads((self._folder / name).read_bytes())
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError):
            return NOTHING

    def put(self, name: str, value: object) -> None:
        if self._folder is not None:
            with atomic(self._folder / name) as part:
                part.write_bytes(pickle.dumps(value))


def name_of(*parts: object) -> str:
    """A file name for a question: the digest of its parts as `repr` writes them."""
    return hashlib.sha256("\0".join(repr(part) for part in parts).encode()).hexdigest()[:32]
