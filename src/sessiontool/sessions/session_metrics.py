"""The figures of a published session, from its transcript and report as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..metrics.document import metrics_json
from .page.publish import as_report, as_transcript
from .redaction.destroyed import kept_result
from .result_files import REPORT, TRANSCRIPT, read_published

if TYPE_CHECKING:
    from ..storage import Target


class MetricsResult(Struct, frozen=True):
    """The figures of a session; `document` is as metrics.json has them."""

    session_id: str
    location: str
    document: dict[str, Any]


def session_metrics(session_id: str, target: Target) -> MetricsResult:
    """Count the figures of a published result, whether it was aligned or not.

    Raises NotFoundError (nothing is published), RecordingError (report or transcript cannot be used), StorageError.
    """
    target = kept_result(target)
    counted = metrics_of(target, read_published(target, REPORT), read_published(target, TRANSCRIPT))
    return MetricsResult(session_id, target.url, counted)


def metrics_of(target: Target, report: dict[str, Any], transcript: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report and a transcript of `target` (RecordingError where one of them cannot be used)."""
    return metrics_json(as_transcript(target, transcript), as_report(target, report))
