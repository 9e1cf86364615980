"""Line protocol: points -> lines, by templates made once from the schema.

Floats are written for a whole batch at a time, by the JSON writer that pydantic brings: the same shortest digits that
read back to the same bits as `repr`, in a fifth of the time, and they are most of a line's cost.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import Any

import pydantic_core

from evenstride_gateway.sinks.schema import MEASUREMENTS, Kind, Measurement, Point, Value

_FORMATS = {Kind.FLOAT: "%s", Kind.INTEGER: "%di", Kind.BOOLEAN: "%s"}  # True and False are words of the protocol
_PLAIN_TAG = str.maketrans({"\\": "/", "\n": " ", "\r": " ", "\t": " "})
_PLAIN_TEXT = str.maketrans({"\n": " ", "\r": " "})
_TAG_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_TEXT_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
LONGEST_TEXT = 512
_KNOWN = 4096  # texts whose written form is kept: ids and words come again and again
NONE = "none"  # an empty tag value would be another series without that tag


def plain_tag(text: str) -> str:
    """`text` as the database knows it as a tag: on one line, at most 512 characters, never empty.

    A trailing backslash would escape the comma that follows, so backslashes become slashes.
    """
    return text[:LONGEST_TEXT].translate(_PLAIN_TAG) or NONE


def plain_text(text: str) -> str:
    """`text` as the database knows it as a field: on one line, at most 512 characters."""
    return text[:LONGEST_TEXT].translate(_PLAIN_TEXT)


def tag_value(text: str) -> str:
    """`plain_tag` as it is written: commas, equals signs and spaces escaped."""
    return plain_tag(text).translate(_TAG_ESCAPES)


@lru_cache(maxsize=_KNOWN)
def text_value(text: str) -> str:
    """`plain_text` as it is written, without its quotes: quotes and backslashes escaped."""
    return plain_text(text).translate(_TEXT_ESCAPES)


Picked = Callable[[Sequence[Value]], tuple[Any, ...]]


class LineFormat:
    """How the points of one measurement are written: tags, floats, flags and counts, texts, each kind together."""

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        kinds = [field.kind for field in measurement.fields]
        floats = [i for i, kind in enumerate(kinds) if kind is Kind.FLOAT]
        others = [i for i, kind in enumerate(kinds) if kind in (Kind.BOOLEAN, Kind.INTEGER)]
        self._texts = [i for i, kind in enumerate(kinds) if kind is Kind.TEXT]
        fields = [f"{measurement.fields[i].name}={_FORMATS[kinds[i]]}" for i in floats + others]
        self._template = f"%s {','.join(fields)}%s %d"
        self.floats, self._others, self._pick_texts = _picked(floats), _picked(others), _picked(self._texts)
        self.n_floats = len(floats)
        self._series, self._words = lru_cache(_KNOWN)(self._series_of), lru_cache(_KNOWN)(self._words_of)

    def line(self, point: Point, floats: Sequence[str]) -> str:
        """One line, without its break; `floats` are the point's own, written already."""
        _, tags, values, time_ns = point
        words = self._words(self._pick_texts(values))
        return self._template % (self._series(tags), *floats, *self._others(values), words, time_ns)

    def refusal(self, point: Point) -> str:
        """What keeps this point from being a line; "" for a good one."""
        for field, value in zip(self.measurement.fields, point.values, strict=True):
            if field.kind is Kind.FLOAT and not isfinite(float(value)):
                return f"{self.measurement.name}.{field.name} = {value}: a finite number was expected"
        return ""

    def _series_of(self, tags: tuple[str, ...]) -> str:
        """Measurement and tags, sorted by name as the server would otherwise have to."""
        names = (tag.name for tag in self.measurement.tags)
        written = sorted(f"{name}={tag_value(tag)}" for name, tag in zip(names, tags, strict=True))
        return ",".join([self.measurement.name, *written])

    def _words_of(self, texts: tuple[str, ...]) -> str:
        names = (self.measurement.fields[i].name for i in self._texts)
        return "".join(f',{name}="{text_value(str(text))}"' for name, text in zip(names, texts, strict=True))


def _picked(indices: Sequence[int]) -> Picked:
    if len(indices) > 1:
        return itemgetter(*indices)
    return lambda values: tuple(values[i] for i in indices)


_FORMAT_OF = {measurement.name: LineFormat(measurement) for measurement in MEASUREMENTS}


def lines_of(points: Sequence[Point]) -> tuple[list[str], list[tuple[Point, str]]]:
    """The lines of points of any measurement, and the points that are none with the reason.

    A number that is not finite is a reason: InfluxDB would refuse the whole batch for it.
    """
    formats = [_FORMAT_OF[point.measurement] for point in points]
    numbers: list[float] = []
    for layout, point in zip(formats, points, strict=True):
        numbers += layout.floats(point.values)
    raw = pydantic_core.to_json(numbers)
    if b"N" in raw or b"I" in raw:  # NaN, Infinity
        reasons = [layout.refusal(point) for layout, point in zip(formats, points, strict=True)]
        fine, _ = lines_of([point for point, reason in zip(points, reasons, strict=True) if not reason])
        return fine, [(point, reason) for point, reason in zip(points, reasons, strict=True) if reason]
    written = raw[1:-1].decode().split(",")
    lines: list[str] = []
    at = 0
    for layout, point in zip(formats, points, strict=True):
        end = at + layout.n_floats
        lines.append(layout.line(point, written[at:end]))
        at = end
    return lines, []


def line_of(point: Point) -> str:
    """The line of one point. Raises ValueError with the reason when it is none."""
    lines, unfit = lines_of([point])
    for _, reason in unfit:
        raise ValueError(reason)
    return lines[0]
