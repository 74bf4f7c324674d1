"""As much of JSON Schema as the schema of scripts uses: what an editor would mark in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "boolean": bool,
}


def faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where the value breaks the schema, by its path in the file."""
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
    if "anyOf" in schema and all(any(faults(value, one, root, path)) for one in schema["anyOf"]):
        yield f"{path}: fits none"
    if "not" in schema and not any(faults(value, schema["not"], root, path)):
        yield f"{path}: {value} is taken"
    yield from _of_itself(value, schema, path)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), root, f"{path}/{number}")
    if isinstance(value, dict):
        yield from _of_object(value, schema, root, path)


def _of_itself(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    types = schema.get("type", [])
    if types and not any(isinstance(value, TYPES[one]) for one in ([types] if isinstance(types, str) else types)):
        yield f"{path}: is no {types}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value} is none of those"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path}: {value} has another form"
    least = max(schema.get(key, 0) for key in ("minLength", "minItems", "minProperties"))
    if isinstance(value, str | list | dict) and len(value) < least:
        yield f"{path}: is empty"


def _of_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    yield from (f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value)
    for name, part in value.items():
        yield from faults(name, schema.get("propertyNames", {}), root, f"{path}/{name}")
        if name not in known and others is False:
            yield f"{path}: {name} is not known"
        yield from faults(part, known.get(name, others or {}), root, f"{path}/{name}")
