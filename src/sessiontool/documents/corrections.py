"""corrections.jsonl: what people corrected of a session's log, an object a line, beside the log and never in it.

A line is `{"id": "u012", "text": …, "speaker": …, "drop": …}`, or `{"taken": "edited", "sha256": …}` for an edited
file whose changes are among the corrections.  Of several lines for one utterance, the last value of a field
counts; null takes a value back.

A file of corrections outside a store has lines of many sessions: each also has its `session_id`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from .lenient import kind_of, loads, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = {"text": str, "speaker": str, "drop": bool}
_NAMES = {str: "a text", bool: "true or false"}


class Corrections(Struct):
    """Of each utterance's id the fields that were corrected, and the SHA-256 of edited files that were taken in."""

    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def to_jsonl(self, session_id: str = "") -> bytes:
        """The lines of these corrections, with the session that they are of where one is named."""
        of_session = {"session_id": session_id} if session_id else {}
        lines = [{**of_session, "id": name, **values} for name, values in self.by_id.items() if values]
        lines += [{**of_session, "taken": "edited", "sha256": digest} for digest in sorted(self.taken)]
        return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode("utf-8", "replace")

    def beyond(self, base: Corrections) -> Corrections:
        """What is to be read after `base` for these to come of it; None takes a value of `base` back."""
        changes: dict[str, dict[str, Any]] = {}
        for name in {**base.by_id, **self.by_id}:
            now, before = self.by_id.get(name, {}), base.by_id.get(name, {})
            changes[name] = {key: now.get(key) for key in FIELDS if now.get(key) != before.get(key)}
        return Corrections(changes, self.taken - base.taken)


def read_corrections(data: bytes) -> tuple[Corrections, list[str]]:
    """The corrections in a file, and what was wrong with lines that are left out or have fields that are none."""
    found, problems = Corrections(), list[str]()
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
        if line.strip():
            problems += (f"line {number}: {problem}" for problem in _read_line(line, found))
    return found, problems


def lines_by_session(data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The lines of each session in a file of many sessions' corrections, and what is wrong with others."""
    found: dict[str, list[str]] = {}
    problems = []
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = loads(line)
        except (ValueError, RecursionError):
            problems.append(f"line {number} is not valid JSON")
            continue
        session_id = value.get("session_id") if isinstance(value, dict) else None
        if isinstance(session_id, str):
            found.setdefault(session_id, []).append(line)
        else:
            problems.append(f"line {number} names no session: it has no session_id")
    return {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in found.items()}, problems


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
        if content is None:
            fields.pop(name, None)
        elif isinstance(content, FIELDS[name]):
            fields[name] = content
        else:
            yield f"{shown(name)} is {kind_of(content)}, not {_NAMES[FIELDS[name]]}"
