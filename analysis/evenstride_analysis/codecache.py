"""Where compiled code is kept between runs: in a folder whose name changes with the sources it was made from.

numba looks at a function's own file only and would go on using a function or constant of another one that has changed;
so the folder's name carries a digest of the module and of all that it imports of ours.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_HEART = "strides.learned.estimator"  # what is compiled last when a stride is found


@cache
def cache_folder(module: str) -> Path | None:
    """Where this module's compiled code is kept: beside the sources, else with the user's caches, else nowhere."""
    for folder in _candidates(module):
        if not folder.exists():
            for older in folder.parent.glob(f"{_name(module)}-*"):
                shutil.rmtree(older, ignore_errors=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def is_warm() -> bool:
    """Whether the detector's compiled code is there, so that a process that wants it need not wait."""
    return any(next(folder.glob("*.nbi"), None) is not None for folder in _candidates(_HEART))


def _candidates(module: str) -> Iterator[Path]:
    name = _name(module)
    digest = hashlib.sha256(b"".join(source(each) for each in sorted(_needed(name, set())))).hexdigest()[:16]
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _PACKAGE.name
    for parent in (_PACKAGE / "__pycache__", users):
        yield parent / f"{name}-{digest}"


def _name(module: str) -> str:
    return module.removeprefix(f"{_PACKAGE.name}.")


def own_imports(package: str) -> re.Pattern[str]:
    """The names of modules that a source imports of `package`."""
    return re.compile(rf"^\s*from {package}\.([\w.]+) import ", re.MULTILINE)


def _needed(name: str, known: set[str]) -> set[str]:
    """`name` and all modules of ours that it imports, directly or not."""
    if name not in known:
        known.add(name)
        for match in _IMPORT.finditer(source(name).decode()):
            _needed(match[1], known)
    return known


@cache
def source(name: str) -> bytes:
    """The source of a module of ours, named below the package; nothing where there is none."""
    path = _PACKAGE.joinpath(*name.split("."))
    found = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return found.read_bytes() if found.exists() else b""


_IMPORT = own_imports(_PACKAGE.name)
