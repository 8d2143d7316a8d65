"""How the corrections of a session read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .view import View

if TYPE_CHECKING:
    from ..sessions.correct import CorrectResult


def _json(result: CorrectResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "corrected" if result.written else "planned",
        "location": result.location,
        "corrections": [{"id": name, **fields} for name, fields in result.by_id.items()],
        "changed": list(result.changed),
    }


def _lines(result: CorrectResult, _verbose: bool) -> list[str]:
    lines = [f"{result.session_id}: {len(result.by_id)} corrected, {len(result.changed)} of them changed now"]
    for name in result.changed:
        fields = result.by_id.get(name)
        lines.append(f"  {name:<10} as the log has it" if fields is None else f"  {name:<10} {_what(fields)}")
        if fields and "text" in fields and name in result.logged:
            lines.append(f"  {'':<10} logged: {result.logged[name]}")
    if result.written:
        lines += [f"  written    {result.location}", f"  next       sessiontool merge {result.session_id}"]
    return lines


def _what(fields: dict[str, Any]) -> str:
    if fields.get("drop"):
        return "left out"
    speaker = f"{fields['speaker']}: " if "speaker" in fields else ""
    return f"{speaker}{fields.get('text', '(text as logged)')}"


CORRECTED: View[CorrectResult] = View(_json, _lines, lambda _: 0)
