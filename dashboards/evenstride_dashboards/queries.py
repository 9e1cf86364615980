"""InfluxQL from the names of the sink's schema: what a panel asks for, always within the time filter.

InfluxDB 1.x runs it, and 2.x where a database is mapped to the bucket (DBRP). Withdrawn points are skipped, and a
number that may be unknown is only read where it is known: both by construction, so that no panel can forget it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from evenstride_gateway.sinks.schema import Measurement

SOURCE = DataSourceRef(type_val="influxdb", uid="${datasource}")
FRESH_S = 30  # older data are not shown as the present


class Part(StrEnum):
    """A third of the shown time range. Grafana gives its ends in milliseconds, InfluxQL divides."""

    FIRST = '"time" < ${__from}ms + (${__to}ms - ${__from}ms) / 3'
    LAST = '"time" >= ${__to}ms - (${__to}ms - ${__from}ms) / 3'


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field, its function ("" = the points themselves) and what it is called. `over`: `over` / the value."""

    field: str
    label: str
    function: str = ""
    over: int | None = None

    @property
    def text(self) -> str:
        value = f'{self.function}("{self.field}")' if self.function else f'"{self.field}"'
        return f'{value if self.over is None else f"{self.over} / {value}"} AS "{self.label}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question. `chosen`: tags that a variable of the dashboard chooses; `where`: what fields and tags must equal.

    `matches`: regular expressions on text fields; `above`: what number fields must exceed; `every`: group by Grafana's
    interval; `fresh`: the last FRESH_S only; `part`: of the time range; `by`: tags to group by; `newest`: of the newest
    point, and nothing where that one is not known: an older number never stands in for it.
    """

    measurement: Measurement
    columns: tuple[Column, ...]
    chosen: tuple[str, ...] = ()
    where: Mapping[str, str | bool] = field(default_factory=dict[str, "str | bool"])
    matches: Mapping[str, str] = field(default_factory=dict[str, str])
    above: Mapping[str, int] = field(default_factory=dict[str, int])
    by: tuple[str, ...] = ()
    every: bool = False
    fresh: bool = False
    newest: bool = False
    part: Part | None = None
    table: bool = False
    alias: str = ""

    def __post_init__(self) -> None:
        """Raises KeyError for a name that the schema does not know, ValueError for a `newest` that cannot be asked."""
        tags = self.tags
        for name in (*(column.field for column in self.columns), *self.where, *self.matches, *self.above):
            if name not in tags:
                self.measurement.field(name)
        for name in (*self.chosen, *self.by):
            if name not in tags:
                raise KeyError(f"measurement {self.measurement.name} has no tag {name}")
        if self.newest and (self.every or len(self.known_by) != 1 or any(column.function for column in self.columns)):
            raise ValueError("`newest` is for plain columns that one flag says to be known")

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(tag.name for tag in self.measurement.tags)

    @property
    def known_by(self) -> tuple[str, ...]:
        """The flags that say whether the numbers were measured."""
        fields = (self.measurement.field(column.field) for column in self.columns if column.field not in self.tags)
        flags = (one.known_by for one in fields)
        return tuple(dict.fromkeys(flag for flag in flags if flag))

    @property
    def retires(self) -> bool:
        return any(one.name == "retired" for one in self.measurement.fields)

    @property
    def text(self) -> str:
        columns = ", ".join(column.text for column in self.columns)
        if self.newest:
            (flag,) = self.known_by
            points = f'SELECT last("{flag}") AS "{flag}", {columns} FROM "{self.measurement.name}" WHERE {self._where}'
            labels = ", ".join(f'"{column.label}"' for column in self.columns)
            return f'SELECT {labels} FROM ({points}{self._grouping}) WHERE "{flag}" = true{self._grouping}'
        return f'SELECT {columns} FROM "{self.measurement.name}" WHERE {self._where}{self._grouping}'

    @property
    def _where(self) -> str:
        terms = ["$timeFilter"]
        if self.fresh:
            terms.append(f'"time" > now() - {FRESH_S}s')
        if self.part is not None:
            terms.append(self.part.value)
        if self.retires:
            terms.append('"retired" = false')
        if not self.newest:
            terms += [f'"{flag}" = true' for flag in self.known_by]
        terms += [f'"{tag}" =~ /^${{{tag}:regex}}$/' for tag in self.chosen]
        for name, value in self.where.items():
            terms.append(f'"{name}" = ' + (str(value).lower() if isinstance(value, bool) else f"'{value}'"))
        terms += [f'"{name}" =~ /{pattern}/' for name, pattern in self.matches.items()]
        terms += [f'"{name}" > {limit}' for name, limit in self.above.items()]
        return " AND ".join(terms)

    @property
    def _grouping(self) -> str:
        groups = [f'"{tag}"' for tag in self.by]
        if self.every:
            groups.insert(0, "time($__interval)")
        if not groups:
            return ""
        return f" GROUP BY {', '.join(groups)}" + (" fill(none)" if self.every else "")


@dataclass(frozen=True, slots=True)
class InfluxTarget(Builder[Dataquery], Dataquery):
    """A query in a panel. The SDK has no type for the InfluxDB data source."""

    query: Query
    ref_id: str = "A"
    source: DataSourceRef = SOURCE

    def build(self) -> Dataquery:
        return self

    def to_json(self) -> dict[str, object]:
        return {
            "refId": self.ref_id,
            "datasource": self.source,
            "query": self.query.text,
            "rawQuery": True,
            "resultFormat": "table" if self.query.table else "time_series",
            **({"alias": self.query.alias} if self.query.alias else {}),
        }


def values_of(measurement: Measurement, tag: str, *, chosen: str = "") -> str:
    """The values that a variable offers: those of points in the time range that are not withdrawn."""
    if tag not in {one.name for one in measurement.tags}:
        raise KeyError(f"measurement {measurement.name} has no tag {tag}")
    first = measurement.fields[1].name
    where = ["$timeFilter"] + ['"retired" = false'] * any(one.name == "retired" for one in measurement.fields)
    if chosen:
        where.append(f'"{chosen}" =~ /^${{{chosen}:regex}}$/')
    points = f'SELECT "{first}", "{tag}" FROM "{measurement.name}" WHERE {" AND ".join(where)}'
    return f'SELECT DISTINCT("{tag}") FROM ({points})'
