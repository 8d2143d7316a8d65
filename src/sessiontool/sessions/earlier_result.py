"""What is there of a session before a merge: its input, the mark of it, and the result of an earlier merge."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import result_files
from .provenance import fingerprint, is_from, limits_in_effect, merge_settings
from .result_names import is_whole
from .second_recording import find_second, second_settings
from .settings_used import settings_used

if TYPE_CHECKING:
    from ..documents.report_model import Report
    from ..model import SessionListing
    from ..options import MergeOptions
    from ..storage import Store, Target


class EarlierResult:
    """What is there: the session as listed, the recording to compare it with, and the report of a result.

    `settings` are those that change a result, and `mark` is that of all that it depends on.  UsageError and
    NotFoundError for a recording to compare with.
    """

    def __init__(self, store: Store, listing: SessionListing, target: Target, options: MergeOptions) -> None:
        self._limits, self._target = store.limits, target
        self.second = find_second(store, listing, options)
        self.listing = self.second.left_out_of(listing) if self.second else listing
        self.settings: dict[str, Any] = {**settings_used(options), **second_settings(self.second)}
        self.mark = fingerprint(self.listing, {**self.settings, **limits_in_effect(listing, store.limits)})
        is_none = not listing.has_result and target.url == store.target(listing.session_id).url
        self.report = None if is_none else target.read(result_files.REPORT)

    @cached_property
    def published(self) -> Report | None:
        """The report of a whole result that was made from the same input; None without one, or if it cannot be read.

        One that lacks a file that it lists, deleted by hand or by a rule of the bucket, is no whole one.
        """
        report = result_files.current_report(self.report)
        if not report or report.get("inputs_fingerprint") != self.mark:
            return None
        return report if is_whole(report, self._target.sizes()) else None

    @property
    def is_by_others(self) -> bool:
        """Whether there is a result that was made from the same input by other options."""
        report = result_files.current_report(self.report)
        if report is None:
            return False
        return is_from(self.listing, report.get("inputs_fingerprint", ""), merge_settings(report), self._limits)
