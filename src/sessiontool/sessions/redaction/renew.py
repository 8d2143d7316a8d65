"""The redacted result of a session that is merged anew.  Most sessions have none, and load nothing of redaction."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..provenance import REDACTIONS
from ..result_names import REDACTED

if TYPE_CHECKING:
    from ...model import SessionListing
    from ...progress import Progress
    from ...storage import Store, Target


def renew_redacted(store: Store, listing: SessionListing, target: Target, progress: Progress) -> str:
    """Make the redacted result of a session anew; returns its place, empty without one.

    Called in the workspace of the result.  RecordingError where something that must be gone has no place any longer.
    """
    if REDACTIONS not in listing.documents:
        return ""
    from .redact import renew  # noqa: PLC0415

    progress.stage("redacting")
    return target.inside(REDACTED).url if renew(store, listing, target) else ""


def renew_older(store: Store, listing: SessionListing, target: Target, progress: Progress, *, is_ours: bool) -> str:
    """As `renew_redacted`, where the redacted result is not of the result as it is; `is_ours`: in its workspace."""
    if is_renewed(store, listing, target):
        return ""
    with nullcontext() if is_ours else target.workspace():
        return renew_redacted(store, listing, target, progress)


def is_renewed(store: Store, listing: SessionListing, target: Target) -> bool:
    """Whether there is nothing to redact, or the redacted result is of the result and the redactions as they are."""
    if REDACTIONS not in listing.documents:
        return True
    redactions = store.read(listing.documents[REDACTIONS])
    if not redactions.strip():
        return True
    from .redact import is_up_to_date  # noqa: PLC0415

    return is_up_to_date(target, redactions)
