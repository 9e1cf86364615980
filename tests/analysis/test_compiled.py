"""One source, two speeds, the same bits; and what the decorator does where it cannot compile or keep anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenstride_analysis import codecache, compiled

TESTS = Path(__file__).resolve().parents[1]


def printed(code: list[str], **environment: str) -> list[str]:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *code],
        check=True,
        capture_output=True,
        text=True,
        cwd=TESTS,
        env=os.environ | environment,
    )
    return done.stdout.splitlines()


def test_python_and_compiled_code_give_the_same_bits() -> None:
    fast, *compiled_strides = printed(["-m", "support.bits"], EVENSTRIDE_COMPILED="1")
    slow, *plain_strides = printed(["-m", "support.bits"], EVENSTRIDE_COMPILED="0")
    assert (fast, slow) == ("compiled: True", "compiled: False")
    assert len(plain_strides) > 150
    assert compiled_strides == plain_strides


def test_without_numba_the_function_itself_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_NUMBA", None)

    def double(x: float) -> float:
        return 2.0 * x

    assert compiled.compiled(double) is double


def test_the_science_needs_numpy_alone() -> None:
    code = (
        "import sys; sys.modules.update(numba=None, scipy=None, sklearn=None)\n"
        "import evenstride_analysis.strides.detector, evenstride_analysis.summary\n"
        "from evenstride_analysis.compiled import COMPILES; print(COMPILES)"
    )
    assert printed(["-c", code]) == ["False"]


def test_compiled_code_is_kept_where_it_can_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package, home = tmp_path / "science", tmp_path / "home"
    package.mkdir()
    (package / "one.py").write_text("from science.two import x\n", "utf-8")
    (package / "two.py").write_text("x = 1\n", "utf-8")
    monkeypatch.setattr(codecache, "_PACKAGE", package)
    monkeypatch.setattr(codecache, "_IMPORT", codecache.own_imports("science"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))

    def folder() -> Path | None:
        codecache.cache_folder.cache_clear()
        codecache.source.cache_clear()
        return codecache.cache_folder("science.one")

    first = folder()
    assert first is not None
    assert first.parent == package / "__pycache__"
    (package / "two.py").write_text("x = 2\n", "utf-8")
    second = folder()
    assert second is not None
    assert second != first
    assert not first.exists()
    (package / "two.py").write_text("x = 3\n", "utf-8")
    second.parent.rename(package / "old")
    second.parent.write_text("in the way", "utf-8")
    third = folder()
    assert third is not None
    assert third.parent == home / "science"
    (package / "two.py").write_text("x = 4\n", "utf-8")
    (home / "science").rename(tmp_path / "elsewhere")
    (home / "science").write_text("in the way", "utf-8")
    assert folder() is None
