"""How a made page reads: where it is, and the link to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .view import View

if TYPE_CHECKING:
    from ..sessions.page.index import IndexResult
    from ..sessions.page.publish import PageResult

_TEMPORARY = "X-Amz-Security-Token="  # Signature version 4, where the credentials end by themselves


def _document(result: PageResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "unchanged" if result.unchanged else "made",
        "location": result.location,
        **({"link": result.link} if result.link else {}),
    }


def _lines(result: PageResult, _: bool) -> list[str]:
    lines = [f"{result.session_id}: {result.location}{', as it was' if result.unchanged else ''}"]
    if result.link:
        lines.append(f"  {result.link}")
    if _TEMPORARY in result.link:
        lines.append("  it is signed by temporary credentials, and ends with them")
    return lines


def _index_document(result: IndexResult) -> dict[str, Any]:
    return {
        "location": result.location,
        "sessions": result.sessions,
        "pages": result.pages,
        "made": result.made,
        "failed": [{"session_id": name, "error": error.message} for name, error in result.failed],
    }


def _index_lines(result: IndexResult, _: bool) -> list[str]:
    counts = f"{result.sessions:,} sessions, {result.pages:,} with a page, {result.made:,} of them made now"
    return [f"{result.location}: {counts}"]


INDEX: View[IndexResult] = View(
    _index_document, _index_lines, lambda result: max((error.exit_code for _, error in result.failed), default=0)
)
PAGES: View[PageResult] = View(_document, _lines, lambda _: 0)
