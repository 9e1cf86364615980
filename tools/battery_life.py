"""Battery life of a pod by mode, computed and not measured: the tables between the marks of docs/hardware.md.

python tools/battery_life.py            writes them
python tools/battery_life.py --print    shows them
python tools/battery_life.py --check    fails when the page is stale
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "hardware.md"
BEGIN, END = "<!-- tools/battery_life.py begins -->", "<!-- tools/battery_life.py ends -->"

_NORDIC = "[Nordic, nRF52840 product specification](https://docs.nordicsemi.com/r/bundle/ps_nrf52840)"
_ASSUMED = "**assumed**: nobody has measured or published it for this board"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A current in mA (or a time in us, a share, a rate) and where it comes from."""

    what: str
    value: float
    unit: str
    source: str

    @property
    def assumed(self) -> bool:
        return self.source == _ASSUMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """Currents of the processor and radio under one of its two regulators, mA."""

    name: str
    sending: Figure
    listening: Figure
    computing: Figure


def _chip(name: str, sending: float, listening: float, computing: float) -> Chip:
    return Chip(
        name=name,
        sending=Figure(
            what=f"radio sends at 0 dBm, processor runs, {name}",
            value=sending,
            unit="mA",
            source=f"{_NORDIC}, I_S{'2' if name == 'LDO' else '0'}",
        ),
        listening=Figure(
            what=f"radio listens, processor runs, {name}",
            value=listening,
            unit="mA",
            source=f"{_NORDIC}, I_S{'3' if name == 'LDO' else '1'}",
        ),
        computing=Figure(
            what=f"processor at 64 MHz, {name}",
            value=computing,
            unit="mA",
            source="[embedwise.pages.dev](https://embedwise.pages.dev/calculators/nrf52-power-profiler), second hand",
        ),
    )


LDO = _chip("LDO", 15.4, 16.2, 5.6)
DCDC = _chip("DC/DC", 8.1, 8.6, 3.2)  # the image's

SENSORS = {
    "A": Figure(
        what="LSM6DS3TR-C, both sensors, high performance",
        value=0.9,
        unit="mA",
        source="ST's data sheet by way of the project's notes, about",
    ),
    "B": Figure(
        what="LSM6DSO32, the same",
        value=0.55,
        unit="mA",
        source="[its data sheet](https://sheetsdata.com/parts/LSM6DSO)",
    ),
    "C": Figure(
        what="LSM6DSV80X, the same",
        value=0.8,
        unit="mA",
        source="the limit of its [sister LSM6DSV320X](https://bergsonne.io), about",
    ),
}
FLASH_UNIT = Figure(
    what="nRF52840's QSPI unit while it is on (erratum 122)",
    value=0.62,
    unit="mA",
    source="[measured by Zephyr users](https://github.com/zephyrproject-rtos/zephyr/pull/34405): 630 against 10 µA",
)
CRYSTAL = Figure(
    what="the 32 MHz crystal, held while that unit is on (erratum 244)", value=0.3, unit="mA", source=_ASSUMED
)
UNIT_ON_S = 0.0045  # of each chunk besides its programming: the crystal's start, the unit's, and 4 ms of patience
CHUNK_SAMPLES = 108
FLASH_WRITING = Figure(what="flash while it programs or erases", value=3.0, unit="mA", source=_ASSUMED)
PROGRAM_S_PER_BYTE, ERASE_S_PER_BYTE = 2e-3 / 256, 8e-3 / 4096
BUS = Figure(what="I2C at 400 kHz while it transfers, pull-ups included", value=0.9, unit="mA", source=_ASSUMED)
LIGHT = Figure(what="one colour of the LED, lit", value=1.0, unit="mA", source=_ASSUMED)
IDLE = Figure(
    what="board with everything idle",
    value=0.0042,
    unit="mA",
    source="[measured by a user](https://forum.seeedstudio.com/t/270801)",
)
ASLEEP = Figure(
    what="processor off (System OFF), sensor waiting for motion at 1.6 Hz",
    value=0.0079,
    unit="mA",
    source="[measured by the same user](https://forum.seeedstudio.com/t/270801)",
)
COUNTING = Figure(
    what="processor idle (System ON), all RAM kept, RTC on the 32 kHz crystal",
    value=0.00316,
    unit="mA",
    source=f"{_NORDIC}, I_ON_RAMON_RTC",
)
FEEDING = Figure(what="feeding the watchdog every 4 s", value=0.0001, unit="mA", source=_ASSUMED)
WATCHING = Figure(what="what the sensor draws more at the image's 12.5 Hz", value=0.005, unit="mA", source=_ASSUMED)
DIVIDER = Figure(
    what="the battery's divider, always on (P0.14 low)",
    value=0.0023,
    unit="mA",
    source="[measured by another user](https://forum.seeedstudio.com/t/273177), about",
)
RADIO_WORK = Figure(what="processor around a connection event", value=300.0, unit="µs", source=_ASSUMED)
REST = Figure(
    what="share of the processor for everything but detector and packer, streaming",
    value=0.05,
    unit="",
    source=_ASSUMED,
)
REST_ALONE = Figure(what="the same without a stream", value=0.02, unit="", source=_ASSUMED)
USABLE = Figure(what="share of a cell's rated capacity that is there to use", value=0.8, unit="", source=_ASSUMED)

# docs/decisions/0021-estimator-on-the-pod.md, counted by `python -m tests.firmware.instructions` on Cortex-M4 code
DETECTOR_PER_SECOND, PACKER_PER_SAMPLE = 704_000, 217
CYCLES = 1.8  # of 1.3 to 1.8 for each instruction: the dear end
CLOCK_HZ, RATE_HZ, SAMPLES_IN_FRAME = 64e6, 416.0, 18
BUS_HZ, BLOCK_BYTES, BITS = 400e3, 5 + 3 + 12 * SAMPLES_IN_FRAME, 9
RECORDS_HZ = 1.5

# Air, us: ramp, window and an empty packet at 2 Mbit/s; turn-round; an empty packet; a message of n bytes
HEARING_US, TURN_US, EMPTY_US = 40 + 50 + 44, 150, 44
EVENTS_HZ = 1 / 0.015
ADVERTISING_US = 3 * 47 * 8, 3 * 250.0  # three channels at 1 Mbit/s: sending, listening


def message_us(length: int) -> float:
    """Time on the air of one notification at 2 Mbit/s: 4 bytes of L2CAP, 3 of ATT, 11 around."""
    return (length + 18) * 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """Shares of the time with a link, and advertising every 100 ms and every second; messages a second while linked."""

    name: str
    linked: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    raw: bool = False
    records: bool = False


MODES = (
    Mode(name="raw streaming", linked=1.0, raw=True),
    Mode(name="strides", linked=1.0, records=True),
    Mode(name="squad", linked=10 / 300, fast=60 / 300, slow=230 / 300, raw=True),
    Mode(name="logging without link", slow=1.0),
)
CELLS_MAH = (100, 120, 150)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    milliamperes: float
    assumed: bool = False


def parts(mode: Mode, chip: Chip, sensor: Figure) -> list[Part]:
    """What one mode draws on average."""
    frames_hz = RATE_HZ / SAMPLES_IN_FRAME
    sending_us = EVENTS_HZ * EMPTY_US
    if mode.raw:
        sending_us += frames_hz * message_us(244)
    if mode.records:
        sending_us += message_us(20 + 40) * RECORDS_HZ
    hearing_us = EVENTS_HZ * (HEARING_US + TURN_US)
    link = 1e-6 * (sending_us * chip.sending.value + hearing_us * chip.listening.value)
    advert = 1e-6 * (ADVERTISING_US[0] * chip.sending.value + ADVERTISING_US[1] * chip.listening.value)
    packer = PACKER_PER_SAMPLE * RATE_HZ * mode.linked * mode.raw
    share = CYCLES * (DETECTOR_PER_SECOND + packer) / CLOCK_HZ
    rest = mode.linked * REST.value + (1 - mode.linked) * REST_ALONE.value
    around = 1e-6 * RADIO_WORK.value * EVENTS_HZ * mode.linked
    written = RATE_HZ * 12 + RECORDS_HZ * 40
    writing = written * (PROGRAM_S_PER_BYTE + ERASE_S_PER_BYTE)
    unit_on = writing + UNIT_ON_S * (RATE_HZ / CHUNK_SAMPLES + RECORDS_HZ)
    return [
        Part(name="sensor", milliamperes=sensor.value),
        Part(name="radio", milliamperes=mode.linked * link + (10 * mode.fast + mode.slow) * advert),
        Part(name="detector, packer", milliamperes=share * chip.computing.value),
        Part(name="QSPI unit", milliamperes=unit_on * FLASH_UNIT.value),
        Part(name="idle, divider", milliamperes=IDLE.value + DIVIDER.value),
        Part(name="crystal for that unit", milliamperes=unit_on * CRYSTAL.value, assumed=True),
        Part(name="rest of the processor", milliamperes=(rest + around) * chip.computing.value, assumed=True),
        Part(name="sensor's bus", milliamperes=frames_hz * BLOCK_BYTES * BITS / BUS_HZ * BUS.value, assumed=True),
        Part(name="flash writes", milliamperes=writing * FLASH_WRITING.value, assumed=True),
        Part(name="LED", milliamperes=LIGHT.value / 16, assumed=True),
    ]


def average(mode: Mode, chip: Chip, sensor: Figure) -> float:
    """mA."""
    return sum(part.milliamperes for part in parts(mode, chip, sensor))


def hours(milliamperes: float, cell_mah: float) -> float:
    return cell_mah * USABLE.value / milliamperes


def _lasting(hours_: float) -> str:
    return f"{hours_:.0f} h" if hours_ < 1000 else f"{hours_ / 24 / 30.4:.0f} months"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def page() -> Iterator[str]:
    """The lines between the marks."""
    yield "Where the current goes, build A, mA on average (regulator DC/DC, as in the image; *italic* = assumed):"
    yield ""
    columns = [parts(mode, DCDC, SENSORS["A"]) for mode in MODES]
    yield _row("", *(mode.name for mode in MODES))
    yield "|" + "---|" * (1 + len(MODES))
    for row in zip(*columns, strict=True):
        star = "*" if row[0].assumed else ""
        yield _row(f"{star}{row[0].name}{star}", *(f"{part.milliamperes:.2f}" for part in row))
    totals = [sum(part.milliamperes for part in column) for column in columns]
    guessed = [sum(part.milliamperes for part in column if part.assumed) for column in columns]
    yield _row("**sum**", *(f"**{total:.1f}**" for total in totals))
    yield _row("of it assumed", *(f"{100 * g / total:.0f} %" for g, total in zip(guessed, totals, strict=True)))
    yield _row("sum without the DC/DC converter", *(f"{average(mode, LDO, SENSORS['A']):.1f}" for mode in MODES))
    yield ""
    yield f"Hours from a full cell, of which {100 * USABLE.value:.0f} % are counted (in brackets without DC/DC):"
    yield ""
    yield _row("build", "cell", *(mode.name for mode in MODES), "asleep")
    yield "|" + "---|" * (3 + len(MODES))
    asleep_milliamperes = sum(part.value for part in (ASLEEP, COUNTING, FEEDING, WATCHING, DIVIDER))
    for build, sensor in SENSORS.items():
        for cell in CELLS_MAH:
            lasting = [
                f"{hours(average(mode, DCDC, sensor), cell):.0f} ({hours(average(mode, LDO, sensor), cell):.0f})"
                for mode in MODES
            ]
            asleep = _lasting(hours(asleep_milliamperes, cell)) if build == "A" else "-"
            yield _row(build, f"{cell} mAh", *lasting, asleep)
    yield ""
    low = 100 * 1.3 * DETECTOR_PER_SECOND / CLOCK_HZ
    high = 100 * CYCLES * DETECTOR_PER_SECOND / CLOCK_HZ
    pack = 100 * CYCLES * PACKER_PER_SAMPLE * RATE_HZ / CLOCK_HZ
    yield (
        f"Share of the 64 MHz processor: detector {low:.1f} to {high:.1f} %, packer at most {pack:.1f} % (instructions"
        " counted in QEMU, cycles estimated: `docs/decisions/0021-estimator-on-the-pod.md`)."
    )
    yield ""
    yield _row("figure", "value", "source")
    yield "|---|---|---|"
    chips = [f for chip in (LDO, DCDC) for f in (chip.sending, chip.listening, chip.computing)]
    others = [
        *SENSORS.values(),
        FLASH_UNIT,
        CRYSTAL,
        FLASH_WRITING,
        BUS,
        LIGHT,
        IDLE,
        ASLEEP,
        COUNTING,
        FEEDING,
        WATCHING,
        DIVIDER,
        RADIO_WORK,
        REST,
        REST_ALONE,
        USABLE,
    ]
    for figure in chips + others:
        yield _row(figure.what, f"{figure.value:g} {figure.unit}".strip(), figure.source)


def filled(text: str) -> str:
    """The page with today's tables. ValueError: the marks are missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("docs/hardware.md has lost the marks of tools/battery_life.py")
    return f"{head}{BEGIN}\n" + "\n".join(page()) + f"\n{END}{tail}"


def main() -> int:
    if "--print" in sys.argv:
        sys.stdout.write("\n".join(page()) + "\n")
        return 0
    now = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv:
        stale = filled(now) != now
        sys.stdout.write("docs/hardware.md is stale: run tools/battery_life.py\n" if stale else "")
        return int(stale)
    PAGE.write_text(filled(now), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
