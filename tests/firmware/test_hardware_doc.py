"""docs/hardware.md says what the firmware does and what today's arithmetic gives."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("battery_life", ROOT / "tools" / "battery_life.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["battery_life"] = module
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


def test_the_tables_are_todays() -> None:
    assert TOOL.filled(PAGE) == PAGE, "run tools/battery_life.py"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        TOOL.filled(PAGE.replace(TOOL.END, ""))


def test_instruction_counts_are_those_of_the_record() -> None:
    record = (ROOT / "docs" / "decisions" / "0021-estimator-on-the-pod.md").read_text(encoding="utf-8")
    assert f"{TOOL.DETECTOR_PER_SECOND // 1000},000 a second of running" in record
    assert f"The packer: {TOOL.PACKER_PER_SAMPLE} a sample" in record


def test_a_full_frame_takes_its_time_on_the_air() -> None:
    # 251 bytes of payload, 2 of header, preamble, address and check: 262 bytes of 4 us at 2 Mbit/s
    assert TOOL.message_us(244) == pytest.approx(262 * 4)


def test_more_radio_costs_more_and_the_converter_saves() -> None:
    sensor = TOOL.SENSORS["A"]
    currents = [TOOL.average(mode, TOOL.LDO, sensor) for mode in TOOL.MODES]
    assert currents == sorted(currents, reverse=True)
    assert all(
        TOOL.average(mode, TOOL.DCDC, sensor) < current for mode, current in zip(TOOL.MODES, currents, strict=True)
    )
    assert TOOL.hours(2.0, 100) == pytest.approx(40)


def test_every_pin_of_the_board_stands_on_the_page() -> None:
    main = (ROOT / "firmware" / "board-xiao" / "src" / "main.rs").read_text(encoding="utf-8")
    pins = {f"P{port}.{number}" for port, number in re.findall(r"\bp\.P([01])_(\d\d)\b", main)}
    assert pins
    assert sorted(pin for pin in pins if pin not in PAGE) == []


def test_every_state_of_the_led_stands_on_the_page() -> None:
    board = (ROOT / "firmware" / "app" / "src" / "board.rs").read_text(encoding="utf-8")
    _, _, rest = board.partition("pub enum Led {")
    states = re.findall(r"^    (\w+),$", rest.partition("}")[0], re.MULTILINE)
    assert len(states) >= 6
    assert [state for state in states if f"`{state}`" not in PAGE] == []
