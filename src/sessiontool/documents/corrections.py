"""corrections.jsonl: what people corrected of a session's log, an object a line, beside the log and never in it.

A line is `{"id": "u012", "text": …, "speaker": …, "drop": …}`, or `{"taken": "transcript.json", "sha256": …}` for an
edited file whose changes are among the corrections.  Of several lines for one utterance, the last value of a field
counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .lenient import kind_of, loads, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = {"text": str, "speaker": str, "drop": bool}
_NAMES = {str: "a text", bool: "true or false"}


@dataclass(slots=True)
class Corrections:
    """Of each utterance's id the fields that were corrected, and the SHA-256 of edited files that were taken in."""

    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def to_jsonl(self) -> bytes:
        lines = [{"id": name, **values} for name, values in self.by_id.items() if values]
        lines += [{"taken": "transcript.json", "sha256": digest} for digest in sorted(self.taken)]
        return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode("utf-8", "replace")


def read_corrections(data: bytes) -> tuple[Corrections, list[str]]:
    """The corrections in a file, and what was wrong with lines that are left out or have fields that are none."""
    found, problems = Corrections(), list[str]()
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
        if line.strip():
            problems += (f"line {number}: {problem}" for problem in _read_line(line, found))
    return found, problems


def _read_line(line: str, found: Corrections) -> Iterator[str]:
    try:
        value = loads(line)
    except (ValueError, RecursionError):
        yield "is not valid JSON"
        return
    if not isinstance(value, dict):
        yield f"is {kind_of(value)}, not an object"
        return
    if isinstance(value.get("taken"), str) and isinstance(value.get("sha256"), str):
        found.taken.add(value["sha256"])
        return
    if not isinstance(value.get("id"), str):
        yield "has no id of an utterance"
        return
    fields = found.by_id.setdefault(value["id"], {})
    for name, content in value.items():
        if name not in FIELDS:
            continue
        if isinstance(content, FIELDS[name]):
            fields[name] = content
        else:
            yield f"{shown(name)} is {kind_of(content)}, not {_NAMES[FIELDS[name]]}"
