"""Line protocol: one point -> one line, by a template made once from the schema."""

from evenstride_gateway.sinks.schema import MEASUREMENTS, Kind, Measurement, Point

_FORMATS = {Kind.FLOAT: "%r", Kind.INTEGER: "%di", Kind.BOOLEAN: "%s", Kind.TEXT: '"%s"'}
_TAG_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\ ", "\r": "\\ ", "\t": "\\ "})
_TEXT_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": " ", "\r": " "})
LONGEST_TEXT = 512
NONE = "none"  # an empty tag value would be another series without that tag


def tag_value(text: str) -> str:
    """`text` as a tag value: commas, equals signs and spaces escaped, line breaks made spaces, never empty.

    A trailing backslash would escape the comma that follows, so backslashes become slashes.
    """
    return text.replace("\\", "/").translate(_TAG_ESCAPES)[:LONGEST_TEXT] or NONE


def text_value(text: str) -> str:
    """`text` as a string field (without its quotes): quotes and backslashes escaped, line breaks made spaces."""
    return text[:LONGEST_TEXT].translate(_TEXT_ESCAPES)


class LineFormat:
    """How the points of one measurement are written."""

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self._kinds = tuple(field.kind for field in measurement.fields)
        tags = "".join(f",{tag.name}=%s" for tag in measurement.tags)
        fields = ",".join(f"{field.name}={_FORMATS[field.kind]}" for field in measurement.fields)
        self._template = f"{measurement.name}{tags} {fields} %d"
        self._texts = tuple(i for i, kind in enumerate(self._kinds) if kind is Kind.TEXT)
        self._flags = tuple(i for i, kind in enumerate(self._kinds) if kind is Kind.BOOLEAN)

    def line(self, point: Point) -> str:
        """One line, without its break.

        Raises ValueError when a number is not finite: InfluxDB would refuse the whole batch for it.
        """
        ready = list(point.values)
        for i in self._texts:
            text = ready[i]
            ready[i] = text if isinstance(text, str) and text.isalnum() else text_value(str(text))
        for i in self._flags:
            ready[i] = "true" if ready[i] else "false"
        tags = (tag if tag.isalnum() else tag_value(tag) for tag in point.tags)
        line = self._template % (*tags, *ready, point.time_ns)
        if "=nan" in line or "=inf" in line or "=-inf" in line:
            self._refuse(point)
        return line

    def _refuse(self, point: Point) -> None:
        for field, value in zip(self.measurement.fields, point.values, strict=True):
            if field.kind is Kind.FLOAT and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
                raise ValueError(f"{self.measurement.name}.{field.name} = {value}: a finite number was expected")


_FORMAT_OF = {measurement.name: LineFormat(measurement) for measurement in MEASUREMENTS}


def line_of(point: Point) -> str:
    """The line of a point of any measurement of the schema."""
    return _FORMAT_OF[point.measurement].line(point)
