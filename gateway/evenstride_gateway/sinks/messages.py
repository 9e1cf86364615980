"""Points as MQTT messages: topic, JSON with units in the names, and the JSON Schema that describes them."""

import json
from typing import Any

from evenstride_gateway.sinks.schema import MEASUREMENTS, SESSION, STRIDE, SYMMETRY, Kind, Measurement, Point

ROOT = "evenstride"
PRESENCE = f"{ROOT}/_gateway"  # no runner id begins with "_"
LEAVES = {STRIDE.name: "stride", SYMMETRY.name: "symmetry", SESSION.name: "state"}
_MEANT = frozenset("/+#%\x7f")
_BY_NAME = {measurement.name: measurement for measurement in MEASUREMENTS}
_TYPES = {Kind.FLOAT: "number", Kind.INTEGER: "integer", Kind.BOOLEAN: "boolean", Kind.TEXT: "string"}


def topic_of(point: Point) -> str | None:
    """`evenstride/<runner id>/stride|symmetry|state`; None for what MQTT does not carry."""
    leaf = LEAVES.get(point.measurement)
    if leaf is None:
        return None
    names = [tag.name for tag in _BY_NAME[point.measurement].tags]
    return f"{ROOT}/{level(point.tags[names.index('runner')])}/{leaf}"


def level(text: str) -> str:
    """`text` as one level of a topic: what MQTT gives a meaning (and `%`) as %XX. Runner ids need none of it."""
    return "".join(f"%{ord(c):02X}" if c in _MEANT or ord(c) < 32 else c for c in text) or "none"


def payload_of(point: Point) -> bytes:
    """Tags, fields and `time_ns` as one JSON object; what was not measured is null."""
    measurement = _BY_NAME[point.measurement]
    values: dict[str, Any] = {tag.name: value for tag, value in zip(measurement.tags, point.tags, strict=True)}
    values["time_ns"] = point.time_ns
    fields = {field.name: value for field, value in zip(measurement.fields, point.values, strict=True)}
    flags = {field.known_by for field in measurement.fields if field.known_by}
    for field in measurement.fields:
        if field.name not in flags:
            unknown = field.known_by and not fields[field.known_by]
            values[field.name] = None if unknown else fields[field.name]
    return json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every message, by the last word of its topic."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of evenstride on MQTT",
        "description": f"Topics {ROOT}/<runner id>/stride, /symmetry and /state (retained), QoS 1.",
        "$defs": {LEAVES[name]: _object_schema(_BY_NAME[name]) for name in LEAVES},
    }


def _object_schema(measurement: Measurement) -> dict[str, Any]:
    flags = {field.known_by for field in measurement.fields if field.known_by}
    properties: dict[str, Any] = {tag.name: {"type": "string", "description": tag.meaning} for tag in measurement.tags}
    properties["time_ns"] = {"type": "integer", "description": f"epoch nanoseconds: {measurement.at}"}
    for field in measurement.fields:
        if field.name in flags:
            continue
        kind = _TYPES[field.kind]
        unit = f", {field.unit}" if field.unit else ""
        properties[field.name] = {
            "type": [kind, "null"] if field.known_by else kind,
            "description": f"{field.meaning}{unit}",
        }
    return {
        "type": "object",
        "description": measurement.meaning,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
