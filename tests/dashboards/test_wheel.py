"""What is installed: every file that the code reads at run time, and every library that a room of its own asks for."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from hatchling.builders.wheel import WheelBuilder

from evenstride_dashboards.build import files

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("analysis/evenstride_analysis", "gateway/evenstride_gateway", "dashboards/evenstride_dashboards")


@pytest.fixture(scope="module")
def builder() -> Any:
    return cast("Any", WheelBuilder(str(ROOT)))


def test_the_wheel_holds_the_packages_with_their_data(builder: Any) -> None:
    held = {file.distribution_path for file in builder.recurse_included_files()}
    found = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix().partition("/")[2] for path in found if "__pycache__" not in path.parts}
    assert any(name.endswith(".json") for name in wanted)
    assert wanted <= held
    assert {f"evenstride_dashboards/generated/{name}" for name in files()} <= held
    assert not [name for name in held if "__pycache__" in name or name.startswith("tests")]


def test_every_room_of_the_stack_has_its_libraries_declared(builder: Any) -> None:
    extras = cast("dict[str, list[str]]", builder.metadata.core.optional_dependencies)
    names = {
        extra: {re.split(r"[\[<>=!~ ]", entry, maxsplit=1)[0] for entry in entries} for extra, entries in extras.items()
    }
    assert {"httpx", "influxdb-client"} <= names["influx"]
    assert {"aiomqtt"} <= names["mqtt"]
    assert {"grafana-client", "grafana-foundation-sdk"} <= names["dashboards"]
    assert builder.metadata.core.scripts == {"evenstride": "evenstride_gateway.cli:main"}
    asked = re.findall(r"pip install evenstride\[(\w+)\]", _source())
    assert {"influx", "mqtt", "dashboards"} <= set(asked) <= names.keys()


def _source() -> str:
    """The gateway's own words: an extra that it names in a message must exist."""
    return "\n".join(path.read_text("utf-8") for path in (ROOT / "gateway" / "evenstride_gateway").rglob("*.py"))
