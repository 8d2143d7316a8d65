"""Sessions of which the redacted result alone is left, as their originals were destroyed.

The report of the redacted result says so, from before the first file is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import RecordingError
from .. import result_files
from ..provenance import CORRECTIONS, EVENTS, EVENTS_FOLDER, REDACTIONS, UTTERANCES
from ..result_names import REDACTED

if TYPE_CHECKING:
    from ...documents.report_model import Report
    from ...model import SessionListing
    from ...storage import Target

_MOST_NAMED = 3  # files; chosen


def kept_result(target: Target) -> Target:
    """The result of a session that is to be read: the redacted one where nothing else is left of it."""
    return target if redacted_alone(target) is None else target.inside(REDACTED)


def redacted_alone(target: Target) -> Report | None:
    """The report of the redacted result, where the originals were destroyed and the merged result is gone."""
    if result_files.REPORT in target.sizes():
        return None
    report = result_files.current_report(target.inside(REDACTED).read(result_files.REPORT))
    return report if report is not None and destroyed_at(report) else None


def left_alone(listing: SessionListing, target: Target) -> Report | None:
    """`redacted_alone` of a session without a merged result; one that was never redacted costs no request."""
    return redacted_alone(target) if REDACTIONS in listing.documents else None


def destroyed_at(report: Report) -> str:
    """When the originals of a redacted result began to be destroyed (ISO 8601); empty where they were not."""
    redaction = report.get("redaction")
    return redaction.get("originals_destroyed_at", "") if isinstance(redaction, dict) else ""


def is_log(name: str) -> bool:
    """Whether a document of a session holds what was said, or corrections of it."""
    return name in {*UTTERANCES, *EVENTS, CORRECTIONS} or name.startswith(EVENTS_FOLDER)


def originals_of(listing: SessionListing) -> list[str]:
    """The keys of a session's chunks and of its log."""
    logs = [obj.key for name, obj in listing.documents.items() if is_log(name)]
    return [chunk.object.key for chunk in listing.chunks] + logs


def require_originals(listing: SessionListing, target: Target, what: str, hint: str) -> None:
    """RecordingError, which begins with `what`, where the originals of a session were destroyed."""
    report = left_alone(listing, target)
    if report is not None:
        raise RecordingError(
            f"{what} of {listing.session_id}: its originals were destroyed ({destroyed_at(report)})", hint=hint
        )


def require_nothing_else(listing: SessionListing, report: Report) -> None:
    """RecordingError where a session whose originals were destroyed has chunks or a log: left by a killed run, or late.

    Nothing is merged of them: what would come of it would take the place of the only recording that is left.
    """
    found = originals_of(listing)
    if not found:
        return
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    raise RecordingError(
        f"{listing.session_id} is not merged: its originals were destroyed ({destroyed_at(report)}), and there are "
        f"{', '.join(found[:_MOST_NAMED])}{more}",
        hint="`sessiontool redact ID --destroy-originals --yes` goes on with a run that was stopped; what came later "
        "belongs into a session of its own",
    )
