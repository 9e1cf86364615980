"""Line protocol: one point -> one line, by a template made once from the schema."""

from functools import lru_cache

from evenstride_gateway.sinks.schema import MEASUREMENTS, Kind, Measurement, Point

_FORMATS = {Kind.FLOAT: "%r", Kind.INTEGER: "%di", Kind.BOOLEAN: "%s", Kind.TEXT: '"%s"'}
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


class LineFormat:
    """How the points of one measurement are written."""

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self._kinds = tuple(field.kind for field in measurement.fields)
        fields = ",".join(f"{field.name}={_FORMATS[field.kind]}" for field in measurement.fields)
        self._template = f"%s {fields} %d"
        self._series = lru_cache(maxsize=_KNOWN)(self._series_of)
        self._texts = tuple(i for i, kind in enumerate(self._kinds) if kind is Kind.TEXT)
        self._flags = tuple(i for i, kind in enumerate(self._kinds) if kind is Kind.BOOLEAN)

    def line(self, point: Point) -> str:
        """One line, without its break.

        Raises ValueError when a number is not finite: InfluxDB would refuse the whole batch for it.
        """
        ready = list(point.values)
        for i in self._texts:
            ready[i] = text_value(str(ready[i]))
        for i in self._flags:
            ready[i] = "true" if ready[i] else "false"
        line = self._template % (self._series(point.tags), *ready, point.time_ns)
        if "=nan" in line or "=inf" in line or "=-inf" in line:
            self._refuse(point)
        return line

    def _series_of(self, tags: tuple[str, ...]) -> str:
        """Measurement and tags, sorted by name as the server would otherwise have to."""
        names = (tag.name for tag in self.measurement.tags)
        return ",".join(
            [self.measurement.name, *sorted(f"{n}={tag_value(t)}" for n, t in zip(names, tags, strict=True))]
        )

    def _refuse(self, point: Point) -> None:
        for field, value in zip(self.measurement.fields, point.values, strict=True):
            if field.kind is Kind.FLOAT and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
                raise ValueError(f"{self.measurement.name}.{field.name} = {value}: a finite number was expected")


_FORMAT_OF = {measurement.name: LineFormat(measurement) for measurement in MEASUREMENTS}


def line_of(point: Point) -> str:
    """The line of a point of any measurement of the schema."""
    return _FORMAT_OF[point.measurement].line(point)
