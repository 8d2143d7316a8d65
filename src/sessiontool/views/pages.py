"""How a made page reads: where it is, and the link to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .view import View

if TYPE_CHECKING:
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


PAGES: View[PageResult] = View(_document, _lines, lambda _: 0)
