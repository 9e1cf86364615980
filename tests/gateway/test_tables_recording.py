"""A recording table: what is read, and the one error that each bad file gets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evenstride_analysis.model import Gap, SampleBlock, Side
from evenstride_gateway.errors import InputError
from evenstride_gateway.tables.axes import parse_sensor_axes
from evenstride_gateway.tables.reading import read_recording
from evenstride_gateway.tables.recording import COLUMNS, blocks, to_counts

HEADER = ",".join(COLUMNS)


def line(side: str, t_s: float | str, ay: float | str = 9.81, gz: float = 0.5) -> str:
    return f"{side},{t_s},0.1,{ay},0.3,0.01,0.02,{gz}"


def table(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "run.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def rows(side: str, n: int = 20, rate_hz: float = 200.0) -> list[str]:
    return [line(side, round(k / rate_hz, 6)) for k in range(n)]


def test_legs_may_be_interleaved_or_follow_each_other_and_extra_columns_do_not_matter(tmp_path: Path) -> None:
    left, right = rows("left"), rows("right")
    apart = read_recording(table(tmp_path, *left, *right))
    mixed = [f"{text},note" for pair in zip(right, left, strict=True) for text in pair]
    together = read_recording(table(tmp_path, *mixed, header=HEADER + ",comment"))
    for side in Side:
        assert np.array_equal(apart.legs[side].t_s, together.legs[side].t_s)
        assert np.array_equal(apart.legs[side].accel_mps2, together.legs[side].accel_mps2)
    assert apart.notices == ()
    assert apart.legs[Side.LEFT].rate_hz == pytest.approx(200.0)


def test_columns_in_any_order_with_a_byte_order_mark_blank_lines_and_capitals(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    names = [*COLUMNS[1:], "side"]
    body = [",".join([*text.split(",")[1:], "Left"]) for text in rows("left")]
    path.write_text("\ufeff" + "\n\n".join([",".join(names), *body]), encoding="utf-8")
    assert read_recording(path).legs[Side.LEFT].accel_mps2[0].tolist() == [0.1, 9.81, 0.3]


def test_one_leg_only_is_a_notice(tmp_path: Path) -> None:
    recording = read_recording(table(tmp_path, *rows("right")))
    assert set(recording.legs) == {Side.RIGHT}
    assert "symmetry is not measurable" in recording.notices[0]
    with pytest.raises(InputError, match="left leg is not in"):
        blocks(recording, Side.LEFT)


def test_holes_become_counted_gaps_and_every_row_is_a_stamp(tmp_path: Path) -> None:
    kept = [text for k, text in enumerate(rows("left", 60)) if k not in (10, 30, 31, 32)]
    recording = read_recording(table(tmp_path, *kept))
    rate_hz, pieces = blocks(recording, Side.LEFT, block_rows=16)
    gaps = [piece for piece in pieces if isinstance(piece, Gap)]
    assert [(gap.first_index, gap.missing) for gap in gaps] == [(10, 1), (30, 3)]
    assert "4 samples are missing in 2 gaps" in recording.notices[0]
    expected = 0
    for piece in pieces:
        assert piece.first_index == expected
        expected += piece.missing if isinstance(piece, Gap) else len(piece.accel_mps2)
        if isinstance(piece, SampleBlock):
            assert piece.stamp_s == pytest.approx(piece.stamp_index / rate_hz)
    assert expected == 60


def test_stamps_rounded_to_a_millisecond_give_the_right_rate_and_no_gap(tmp_path: Path) -> None:
    recording = read_recording(table(tmp_path, *[line("left", round(k / 416, 3)) for k in range(2000)]))
    rate_hz, pieces = blocks(recording, Side.LEFT)
    assert rate_hz == pytest.approx(416, rel=1e-3)
    assert len(pieces) == 1


BAD: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "empty cell": (lambda r: [*r[:4], line("left", 0.02, ""), *r[5:]], r"run\.csv, line 6: accel_y_mps2 is empty"),
    "nan": (lambda r: [*r[:4], line("left", 0.02, "nan"), *r[5:]], r"line 6: accel_y_mps2 is 'nan'"),
    "word": (lambda r: [*r[:4], line("left", "soon"), *r[5:]], r"line 6: t_s is 'soon'; a number"),
    "side": (lambda r: [*r[:3], line("middle", 0.015), *r[4:]], r"line 5: side is 'middle'; left or right"),
    "cut": (lambda r: [*r[:-1], "left,0.0"], r"line 21: 2 cells where the header has 8"),
    "backwards": (lambda r: [*r[:6], line("left", 0.01), *r[7:]], r"line 8: t_s of the left leg goes back from 0.025"),
    "twice": (lambda r: [*r[:6], r[5], *r[6:]], r"line 8: t_s of the left leg stands still at 0.025"),
    "g": (lambda r: [line("left", k / 200, 1.0) for k in range(20)], r"in g: multiply the accel columns by 9.80665"),
    "counts": (lambda r: [line("left", k / 200, 2048) for k in range(20)], r"milli-g or raw counts"),
    "deg/s": (lambda r: [line("left", k / 200, gz=400.0) for k in range(20)], r"deg/s: multiply the gyro columns"),
    "ms": (
        lambda r: [line("left", 5 * k) for k in range(20)],
        r"line 3: t_s of the left leg rises by 5 a row",
    ),
    "zero rows": (lambda r: [], r"run\.csv: no rows"),
    "one row": (lambda r: r[:1], r"line 2: the left leg has one row"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_get_one_error_that_names_the_place(tmp_path: Path, name: str) -> None:
    spoil, message = BAD[name]
    with pytest.raises(InputError, match=message) as error:
        read_recording(table(tmp_path, *spoil(rows("left"))))
    assert "\n" not in str(error.value)


def test_a_missing_column_and_a_wrong_separator_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.csv, line 1: column gyro_z_radps is missing; found: side, t_s"):
        read_recording(table(tmp_path, *rows("left"), header=HEADER.replace("gyro_z_radps", "gz")))
    with pytest.raises(InputError, match="commas were expected"):
        read_recording(table(tmp_path, header=HEADER.replace(",", ";")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is blank"),
        (b"\x89PNG\r\n\x00\x00", "not a text file"),
        (HEADER.encode() + b"\nlinks\xff,1", "not a text file"),
        (b"PAR1 nonsense", "not a usable Parquet table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_recording(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(tmp_path / "absent.csv")


def test_counts_round_and_clip_as_a_pod_does(tmp_path: Path) -> None:
    recording = read_recording(table(tmp_path, *rows("left")))
    scales = (9.80665 / 2048,) * 3 + (1e-6,) * 3
    counts = to_counts(recording, Side.LEFT, scales)
    assert counts.dtype == np.int16
    assert counts[0].tolist() == [21, 2049, 63, 10_000, 20_000, 32_767]


def test_sensor_axes_for_both_or_for_each_leg() -> None:
    both = parse_sensor_axes("x=-y, y=x, z=z")
    assert both[Side.LEFT] == both[Side.RIGHT] == (0, -1, 0, 1, 0, 0, 0, 0, 1)
    each = parse_sensor_axes("left:x=-x,y=y,z=-z;right:x=x,y=+y,z=z")
    assert each[Side.LEFT] == (-1, 0, 0, 0, 1, 0, 0, 0, -1)
    assert each[Side.RIGHT] == (1, 0, 0, 0, 1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "text", ["", "x=y", "x=y,y=y,z=z", "x=x,y=y,z=-z", "up:x=x,y=y,z=z", "x=w,y=y,z=z", "x=x,x=y,z=z"]
)
def test_sensor_axes_that_make_no_sense_are_answered_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="x=-y,y=x,z=z"):
        parse_sensor_axes(text)
