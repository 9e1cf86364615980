"""One source, two speeds: the inner loops of the science run as plain Python, or compiled where numba is installed.

What `@compiled` decorates is written in the subset that both run, with equal bits:

1. plain functions of float64, int64 and bool arrays and scalars; they call each other and nothing else of ours;
2. elementwise array expressions (+ - * /, abs, sqrt, comparisons) and explicit loops; constants are module globals;
3. no np.sum, np.mean, @, np.dot, np.convolve, np.interp: numpy adds in an order of its own. Sum by a loop over taps of
   whole-array multiply-adds (`out += kernel[k] * signal[k : k + n]`): quick in numpy, vectorised when compiled;
4. sin, cos, exp, atan2 from `math` on scalars (both call the same C library); numpy's array versions have other bits;
5. nothing that divides by zero or reads outside of an array: compiled code checks neither.

Which of the two runs is decided once for a process, where this module is loaded: `EVENSTRIDE_COMPILED=1` compiles
(where numba is installed), `0` does not; unset, a program that uses the science compiles at its first stride, which
takes half a minute once, and the command line decides for itself (a live run never waits). Code is kept on disk.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

from evenstride_analysis.codecache import cache_folder

Function = TypeVar("Function", bound=Callable[..., object])

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


_NUMBA = _numba()
COMPILES = _NUMBA is not None
