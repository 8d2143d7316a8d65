"""How an export reads: where it is, and a line a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..sessions.exports.levels import TOLERANCE_LU
from .view import View, clock

if TYPE_CHECKING:
    from ..sessions.exports.export import ExportResult

_MOST_SHOWN = 12
"""Parts of a list, its files; chosen: of hundreds of utterances the first are enough."""


def _document(result: ExportResult) -> dict[str, Any]:
    return {"status": "exported", "location": result.location, **result.document}


def _level(file: dict[str, Any]) -> str:
    """How loud a file is, where it was levelled, and whether that is what was asked for."""
    loudness = file.get("loudness")
    if loudness is None:
        return ""
    if loudness["lufs"] is None:
        return ", no sound to level"
    is_there = abs(loudness["lufs"] - loudness["target_lufs"]) <= TOLERANCE_LU
    return f", {loudness['lufs']:.1f} LUFS" + ("" if is_there else f" instead of {loudness['target_lufs']:.1f}")


def _lines(result: ExportResult, _: bool) -> list[str]:
    source = result.document["source"]
    lines = [f"{result.session_id}: {clock(source['start_s'])} to {clock(source['end_s'])}, in {result.location}"]
    files = result.document["files"]
    for file in files[:_MOST_SHOWN]:
        width = "stereo" if file["channels"] == 2 else "mono"
        lines.append(f"  {file['name']:<16}{width}, {file['rate_hz']:,} Hz, {file['samples']:,} samples{_level(file)}")
    if len(files) > _MOST_SHOWN:
        lines.append(f"  and {len(files) - _MOST_SHOWN} more")
    if result.document.get("filter_keeps_length") is False:
        lines.append("  the filter changed the length: times of the recording do not hold in these files")
    return lines + [f"  {one['name']}" for one in result.document["documents"]]


EXPORT: View[ExportResult] = View(_document, _lines, lambda _: 0)
