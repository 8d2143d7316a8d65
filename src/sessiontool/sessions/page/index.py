"""The page over all sessions of a store: what state each is in, and the way to its own page.

It is made of the results' reports.  A session whose result cannot be read has a line too, that says so.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct, field

from ... import __version__
from ...errors import SessionToolError
from ...model import SAMPLES_PER_MS
from ...progress import Progress, Silent
from ..redaction.destroyed import kept_result
from ..result_files import read_published
from ..result_names import PAGE, REPORT, audio_of
from .publish import as_report, has_page, page_session
from .render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...documents.report_model import Report
    from ...storage import Results, Store, Target


class IndexResult(Struct):
    """Where the page over all sessions is, how many of them have pages, and what failed: ids with their errors."""

    location: str = ""
    sessions: int = 0
    pages: int = 0
    made: int = 0
    failed: list[tuple[str, SessionToolError]] = field(default_factory=list)


def index_sessions(
    ids: Iterable[str],
    target_of: Callable[[str], Target],
    place: Store | Results,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> IndexResult:
    """Make the pages of all merged sessions that have none, and one over all of them in the root of `place`.

    A session that fails does not stop the others.  StorageError where that page cannot be written.
    """
    progress, result, rows = progress or Silent(), IndexResult(), []
    progress.stage("making pages")
    for session_id in ids:
        result.sessions += 1
        try:
            target = target_of(session_id)
            rows.append(_row(session_id, target, place.url, result, force=force))
        except SessionToolError as error:
            result.failed.append((session_id, error))
            rows.append({"id": session_id, "state": "unreadable", "why": _without(error.message, place.url)})
    progress.stage("publishing")
    data = {"program": f"sessiontool {__version__}", "sessions": rows}
    result.location = place.write_page(PAGE, render("sessions", "Sessions", data).encode("utf-8", "replace"))
    return result


def _row(session_id: str, target: Target, root: str, result: IndexResult, *, force: bool) -> dict[str, Any]:
    target = kept_result(target)
    if target.read(REPORT) is None:
        return {"id": session_id, "state": "not merged"}
    report = as_report(target, read_published(target, REPORT))
    if force or not has_page(report):
        page_session(session_id, target, force=force)
        result.made += 1
    result.pages += 1
    return {
        "id": session_id,
        "state": report["status"],
        "captions": report.get("captions_status", ""),
        "page": _link(target.locate(PAGE), root),
        "audio": _link(target.locate(audio_of(report)), root),
        **figures(report),
    }


def figures(report: Report) -> dict[str, Any]:
    """What can be counted in a report: its length, what was lost of it, utterances, parts, findings."""
    lost = (one["output_samples"] for one in report["timeline"] if one.get("cause") == "lost")
    severities = Counter(one["severity"] for one in report["findings"])
    return {
        "duration_ms": round(report["duration_s"] * 1000),
        "lost_ms": sum(end - start for start, end in lost) // SAMPLES_PER_MS,
        "utterances": report["utterances"],
        "parts": len(report["parts"]),
        "errors": severities["error"],
        "warnings": severities["warning"],
    }


def _link(location: str, root: str) -> str:
    """The way from a page in `root` to a file below it."""
    return quote(_without(location, root).replace("\\", "/"))


def _without(text: str, root: str) -> str:
    """A text without the root in paths: where on a machine the store is, is no matter of those who see the page."""
    return text.replace(f"{root.rstrip('/')}/", "")
