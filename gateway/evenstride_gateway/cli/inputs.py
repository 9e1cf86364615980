"""What the accuracy page was made from, as hashes: recordings, tables of coefficients, code without its comments."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path

from evenstride_analysis.study.result import Inputs
from evenstride_gateway.errors import InputError

DATA_SETS = ("rbds", "jdx_run", "biomac_mean_stride", "tripod_walk")
_ROOMS = ("strides", "training", "study", "simulate")
_MODULES = ("accuracy.py", "compiled.py", "filters.py", "frames.py")


def inputs(data: Path) -> Inputs:
    """Hashes of the recordings under `data`, of the packaged tables, and of the code that makes the figures."""
    package = Path(str(resources.files("evenstride_analysis")))
    code = {room: _digest(_sources((package / room).rglob("*.py"), package)) for room in _ROOMS}
    code["modules"] = _digest(_sources((package / name for name in _MODULES), package))
    return Inputs(
        data={name: _digest(_files(data / name)) for name in DATA_SETS},
        tables={path.name: _digest([(path.name, path.read_bytes())]) for path in sorted(package.rglob("*_1.json"))},
        code=code,
    )


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
