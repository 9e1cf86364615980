"""One source, two speeds: the inner loops of the science run as plain Python, or compiled where numba is installed.

What `@compiled` decorates is written in the subset that both run, with equal bits:

1. plain functions of float64, int64 and bool arrays and scalars; they call each other and nothing else of ours;
2. elementwise array expressions (+ - * /, abs, sqrt, comparisons) and explicit loops; constants are module globals;
3. no np.sum, np.mean, @, np.dot, np.convolve, np.interp: numpy adds in an order of its own. Sum by a loop over taps of
   whole-array multiply-adds (`out += kernel[k] * signal[k : k + n]`): quick in numpy, vectorised when compiled;
4. sin, cos, exp, atan2 from `math` on scalars (both call the same C library); numpy's array versions have other bits;
5. nothing that divides by zero or reads outside of an array: compiled code checks neither.

Compiled code is kept on disk between runs. Its folders carry a digest of a module and of all that it imports of ours,
since numba by itself does not notice that a function or constant of another file has changed. `EVENSTRIDE_COMPILED=0`
switches the compiler off.
"""

import hashlib
import importlib
import os
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

_PACKAGE = Path(__file__).parent
_OPTIONS: dict[str, Any] = {"fastmath": False, "nogil": True, "error_model": "numpy"}


def compiled(function: Function) -> Function:
    """`function`, compiled at its first call for the types it meets; itself where numba is missing or switched off."""
    if _NUMBA is None:
        return function
    folder = cache_folder(function.__module__)
    if folder is None:
        return _NUMBA.njit(**_OPTIONS)(function)
    config = _NUMBA.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)  # numba reads it once, where it decorates
    try:
        return _NUMBA.njit(cache=True, **_OPTIONS)(function)
    finally:
        config.CACHE_DIR = before


def _numba() -> Any:
    """The module numba, which has no types worth the name; None where it is missing or switched off."""
    if os.environ.get("EVENSTRIDE_COMPILED", "1") == "0":
        return None
    try:
        return importlib.import_module("numba")
    except ImportError:
        return None


@cache
def cache_folder(module: str) -> Path | None:
    """Where this module's compiled code is kept: beside the sources, else with the user's caches, else nowhere."""
    name = module.removeprefix(f"{_PACKAGE.name}.")
    digest = hashlib.sha256(b"".join(source(each) for each in sorted(_needed(name, set())))).hexdigest()[:16]
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _PACKAGE.name
    for parent in (_PACKAGE / "__pycache__", users):
        folder = parent / f"{name}-{digest}"
        if not folder.exists():
            for older in parent.glob(f"{name}-*"):
                shutil.rmtree(older, ignore_errors=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


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
    path = _PACKAGE.joinpath(*name.split("."))
    found = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return found.read_bytes() if found.exists() else b""


_IMPORT = own_imports(_PACKAGE.name)
_NUMBA = _numba()
COMPILES = _NUMBA is not None
