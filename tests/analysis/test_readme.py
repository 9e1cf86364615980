"""The example of analysis/README.md runs as it stands."""

from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "analysis" / "README.md"


def test_the_example_runs_and_prints_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code = README.read_text("utf-8").split("```python\n")[1].split("```")[0]
    exec(compile(code, str(README), "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("within noise")
    assert "pairs" in printed
