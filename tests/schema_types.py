"""schemas/sessiontool.d.ts, made from the JSON Schemas beside it.

    python tests/schema_types.py --update

writes it anew; a test keeps the two together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent.parent / "schemas"
TYPES = SCHEMAS / "sessiontool.d.ts"
NAMES = ("session", "utterance", "event", "transcript", "report")
_TOP = """// The documents of sessiontool, as TypeScript types.
// Made from the JSON Schemas in this folder by `python tests/schema_types.py --update`.
"""
_PLAIN = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def types() -> str:
    """The whole file."""
    kinds = [one for name in NAMES for one in (schema(name), *schema(name).get("$defs", {}).values())]
    return "\n".join([_TOP, *map(_interface, kinds)])


def _interface(kind: dict[str, Any]) -> str:
    return f"/** {kind['description']} */\nexport interface {kind['title']} {_object(kind, '')}\n"


def _object(kind: dict[str, Any], indent: str) -> str:
    lines = []
    for name, field in kind["properties"].items():
        optional = "" if name in kind.get("required", ()) else "?"
        if text := field.get("description"):
            lines.append(f"{indent}  /** {text} */")
        lines.append(f"{indent}  {name}{optional}: {_type(field, indent + '  ')};")
    if kind.get("additionalProperties"):
        lines.append(f"{indent}  [other: string]: unknown;")
    return "\n".join(["{", *lines, f"{indent}}}"])


def _type(field: dict[str, Any], indent: str) -> str:
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if "anyOf" in field:
        return " | ".join(_type(one, indent) for one in field["anyOf"])
    if "const" in field or "enum" in field:
        return " | ".join(json.dumps(value) for value in field.get("enum", [field.get("const")]))
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " | ".join(_one_type(kind, field, indent) for kind in kinds)


def _one_type(kind: str, field: dict[str, Any], indent: str) -> str:
    if kind == "array":
        return f"{_type(field['items'], indent)}[]"
    if kind == "object" and "properties" in field:
        return _object(field, indent)
    return f"Record<string, {_type(field['additionalProperties'], indent)}>" if kind == "object" else _PLAIN[kind]


if __name__ == "__main__":
    if "--update" in sys.argv:
        TYPES.write_text(types(), encoding="utf-8")
    else:
        sys.stdout.write(types())
