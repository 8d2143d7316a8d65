"""How an export reads: where it is, and a line a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .view import View, clock

if TYPE_CHECKING:
    from ..sessions.exports.export import ExportResult


def _document(result: ExportResult) -> dict[str, Any]:
    return {"status": "exported", "location": str(result.folder), **result.document}


def _lines(result: ExportResult, _: bool) -> list[str]:
    source = result.document["source"]
    lines = [f"{result.session_id}: {clock(source['start_s'])} to {clock(source['end_s'])}, in {result.folder}"]
    for file in result.document["files"]:
        width = "stereo" if file["channels"] == 2 else "mono"
        lines.append(f"  {file['name']:<16}{width}, {file['rate_hz']:,} Hz, {file['samples']:,} samples")
    if result.document.get("filter_keeps_length") is False:
        lines.append("  the filter changed the length: times of the recording do not hold in these files")
    return lines + [f"  {one['name']}" for one in result.document["documents"]]


EXPORT: View[ExportResult] = View(_document, _lines, lambda _: 0)
