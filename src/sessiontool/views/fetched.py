"""How a fetched result reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .view import View

if TYPE_CHECKING:
    from ..sessions.fetch_result import FetchedResult


def _json(result: FetchedResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "unchanged" if result.unchanged else "fetched",
        "location": result.location,
        "files": list(result.names),
        "bytes": result.size_bytes,
    }


def _lines(result: FetchedResult, _verbose: bool) -> list[str]:
    if result.unchanged:
        return [f"{result.session_id}: in {result.location} already"]
    return [f"{result.session_id}: {len(result.names)} files, {result.size_bytes / 1e6:.2f} MB, in {result.location}"]


FETCHED: View[FetchedResult] = View(_json, _lines, lambda _: 0)
