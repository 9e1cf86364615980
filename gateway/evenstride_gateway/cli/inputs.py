"""What the accuracy page was made from, as hashes: recordings, tables of coefficients, code without its comments."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import sklearn

from evenstride_analysis.study.result import Inputs
from evenstride_gateway.errors import InputError

DATA_SETS = ("rbds", "jdx_run", "biomac_mean_stride", "tripod_walk")
_ROOMS = ("strides", "training", "study", "simulate", "symmetry", "context", "baseline")
_MODULES = ("accuracy.py", "compiled.py", "filters.py", "frames.py", "pairing.py", "student.py")
_JUDGED = ("pairing.py", "student.py", "symmetry")
_BEHIND = {
    "lessons": ("study/teach.py",),
    "tests": ("accuracy.py", "study/distort.py", "study/work.py", "study/teach.py"),
    "variants": ("study/variants.py",),
    "early": ("strides/provisional.py", "strides/learned/live.py", "training/networks.py", "study/provisional.py"),
    "elsewhere": ("accuracy.py", "study/assemble.py"),
    "virtual": ("simulate",),
    "drawn": (*_JUDGED, "study/coverage_of_symmetry.py"),
    "detected": (*_JUDGED, "simulate", "study/power.py"),
    "turns": ("pairing.py", "context", "simulate", "study/turns.py"),
    "impact": ("simulate", "study/impact.py"),
    "baselines": ("student.py", "symmetry", "baseline", "study/baselines.py"),
}
_TAUGHT, _BOTH, _DRAWN = ("lessons", "variants"), ("tests", "early"), ("drawn", "baselines")
_FOUND_BY = ("accuracy.py", "compiled.py", "doubt.py", "filters.py", "frames.py", "model.py", "strides", "training")
_BEHAVIOUR = (*_FOUND_BY, *_BEHIND["tests"], "study/folds.py", "study/behaviour.py")


def inputs(data: Path) -> Inputs:
    """Hashes of the recordings under `data`, of the packaged tables, and of the code that makes the figures."""
    package = _package()
    code = {room: _code(package, (room,)) for room in _ROOMS}
    code["modules"] = _code(package, _MODULES)
    return Inputs(
        data={name: _digest(_files(data / name)) for name in DATA_SETS},
        tables={path.name: _digest([(path.name, path.read_bytes())]) for path in sorted(package.rglob("*_1.json"))},
        code=code,
    )


def code_of_behaviour(made_from: Inputs) -> str:
    """What the methods' behaviour follows from."""
    return f"{made_from.data} {made_from.tables} {_versions()} {_code(_package(), _BEHAVIOUR)}"


def stamps(made_from: Inputs, learned: str, found: str) -> dict[str, str]:
    """What each part of the study follows from.

    What the methods learn and what they find stand in for their code and tables: what is only quicker, or not used
    here, changes nothing.
    """
    package = _package()
    taught = f"{learned} {made_from.data} {_versions()}"
    drawn = f"{made_from.tables} {_versions()}"
    asked = dict.fromkeys(_BEHIND, f"{found} {made_from.data} {drawn}") | dict.fromkeys(_DRAWN, drawn)
    asked |= dict.fromkeys(_TAUGHT, taught) | dict.fromkeys(_BOTH, f"{taught} {found}")
    return {part: f"{asked[part]} {_code(package, names)}" for part, names in _BEHIND.items()}


def _versions() -> str:
    return f"{np.__version__} {sklearn.__version__}"


def _package() -> Path:
    return Path(str(resources.files("evenstride_analysis")))


def _code(package: Path, names: Iterable[str]) -> str:
    """Digest of modules and rooms, comments left out."""
    paths = [
        path
        for name in names
        for path in ([package / name] if name.endswith(".py") else (package / name).rglob("*.py"))
    ]
    return _digest(_sources(paths, package))


def changed(before: Inputs, now: Inputs) -> list[str]:
    """What is not as it was when the document was made."""
    pairs: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = [
        ("data", before.data, now.data),
        ("table", before.tables, now.tables),
        ("code", before.code, now.code),
    ]
    return [
        f"{what} {name}" for what, a, b in pairs for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)
    ]


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise InputError(f"no recordings at {folder}: say --recordings DIR or set EVENSTRIDE_DATA")
    for path in sorted(folder.iterdir()):
        if path.suffix != ".md":
            yield path.name, path.read_bytes()


def _sources(paths: Iterable[Path], package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(paths):
        yield path.relative_to(package).as_posix(), statements(path.read_text("utf-8")).encode()


@cache
def statements(source: str) -> str:
    """The lines of a module without comments, docstrings and blank lines: what it does, not what it says."""
    said: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    kept = (line.rstrip() for number, line in enumerate(lines, 1) if number not in said)
    return "\n".join(line for line in kept if line)
