"""How shapes are said in JSON Schema (2020-12): what answers over HTTP are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import enum
    from collections.abc import Iterable

Schema: TypeAlias = dict[str, Any]

LARGEST: Final = 2**63 - 1


def text(says: str, **more: Any) -> Schema:
    """Any text."""
    return {"type": "string", "description": says, **more}


def whole(says: str, *, least: int = 0, **more: Any) -> Schema:
    """A whole number, of bytes or of anything that is counted."""
    return {"type": "integer", "minimum": least, "description": says, **more}


def number(says: str) -> Schema:
    """A number from 0 on."""
    return {"type": "number", "minimum": 0, "description": says}


def flag(says: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": says}


def moment(says: str) -> Schema:
    """RFC 3339, in UTC."""
    return text(says, format="date-time")


def word(kind: Iterable[enum.StrEnum | str], says: str) -> Schema:
    """One of the program's own words."""
    return {"type": "string", "enum": [str(one) for one in kind], "description": says}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    found = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        found["enum"] = [*schema["enum"], None]
    return found


def listed(items: Schema, says: str) -> Schema:
    """A list."""
    return {"type": "array", "items": items, "description": says}


def thing(says: str, /, **keys: Schema) -> Schema:
    """An object that has each of these keys."""
    return {"type": "object", "description": says, "properties": keys, "required": [*keys]}


def also(schema: Schema, /, **keys: Schema) -> Schema:
    """The same, with keys that are not always there."""
    return schema | {"properties": schema["properties"] | keys}


def counted(words: Iterable[enum.StrEnum], says: str) -> Schema:
    """How many by each word; one that is missing is 0."""
    return also(thing(says), **{str(one): whole("how many") for one in words})


def ref(name: str) -> Schema:
    """What is described under a name."""
    return {"$ref": f"#/components/schemas/{name}"}
