"""What the firmware may take (firmware/budget.toml), and what its README says that it takes."""

import re
import tomllib

import pytest

from support.firmware import WORKSPACE

BUDGET: dict[str, dict[str, int]] = tomllib.loads((WORKSPACE / "budget.toml").read_text(encoding="utf-8"))
_README = (WORKSPACE / "README.md").read_text(encoding="utf-8")


def check(name: str, measured: int, allowed: int, *, tolerance: float) -> None:
    """Within the budget; the README's row `name` tells the figure nearly (compilers differ) and the budget exactly."""
    assert measured <= allowed, f"{name}: {measured:,} bytes, {allowed:,} are allowed (firmware/budget.toml)"
    row = re.search(rf"^\| {re.escape(name)} \| ([\d,]+) \| ([\d,]+) \|$", _README, re.MULTILINE)
    assert row is not None, f"firmware/README.md has no row `{name}`"
    said, budget = (int(number.replace(",", "")) for number in row.groups())
    assert budget == allowed, f"firmware/README.md gives {name} a budget of {budget:,}, not of {allowed:,}"
    assert said == pytest.approx(measured, rel=tolerance), f"firmware/README.md: {name} is {measured:,} bytes now"
