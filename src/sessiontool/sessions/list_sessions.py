"""The sessions of a store, and what there is of each: one listing, and the reports that changed since the last time."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from itertools import islice
from typing import TYPE_CHECKING, Literal, get_args

from msgspec import Struct, field

from ..errors import SessionToolError, StorageError
from ..storage import REDACTED_FOLDER, REPORT_NAME
from .provenance import is_from, newest_input_s, newest_sign_s
from .report_index import ReportFacts, ReportIndex
from .requirements import layout_hint
from .role_folders import chunks_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..model import SessionListing, StoredObject
    from ..storage import Scanned, Store

SessionState = Literal["none", "recording", "merged", "partial", "stale"]
STATES: tuple[SessionState, ...] = get_args(SessionState)
_AT_ONCE = 16
"""Number of sessions whose reports are fetched side by side, a thread each (threads); chosen: it bounds memory."""


class ListedSession(Struct, frozen=True):
    """A session.

    `state`: no result yet (`none`), none and chunks still come (`recording`), a result of all that is there (`merged`),
    of which sound is lost (`partial`), or of what was there before (`stale`).  `when_s`: when its last chunk came, in
    seconds since 1970.  `codes` are the findings that are warnings or errors.
    """

    session_id: str
    state: SessionState
    when_s: float = 0.0
    chunks: int = 0
    duration_s: float = 0.0
    lost_s: float = 0.0
    captions_status: str = ""
    codes: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


class SessionLister:
    """Lists the sessions of a store.

    Their results are beside their chunks, or with `elsewhere` in `results`, which is None where that is not there yet.

    A session without a new chunk for `settle_s` is not being recorded any more; `now_s` is since 1970.
    """

    def __init__(
        self, store: Store, results: Store | None = None, *, elsewhere: bool = False, settle_s: float, now_s: float
    ) -> None:
        self._store = store
        self._results = results or store
        self._reports = _reports(results) if elsewhere else None
        self._settle_s, self._now_s = settle_s, now_s

    def sessions(self, is_wanted: Callable[[str], bool]) -> Iterator[ListedSession]:
        """The sessions whose ids are wanted, in the order of their keys (StorageError)."""
        found = self._results.read_index()
        body, tag = found or (None, None)
        index = ReportIndex(body)
        every = True
        scanned = self._store.scan()
        while some := list(islice(scanned, _AT_ONCE)):
            wanted = [one for one in some if is_wanted(one.listing.session_id)]
            every = every and len(wanted) == len(some)
            yield from self._described(wanted, index)
        if every and index.is_changed:
            with suppress(StorageError):  # who may not write there lists all the same, only slower
                self._results.write_index(index.to_bytes(), tag)

    def _described(self, some: Sequence[Scanned], index: ReportIndex) -> Iterator[ListedSession]:
        reports = [self._report(one) for one in some]
        unread = [
            report
            for one, report in zip(some, reports, strict=True)
            if report and index.get(one.listing.session_id, report.tag) is None
        ]
        with self._results.reading(unread) if unread else nullcontext(self._results.read) as read:
            for one, report in zip(some, reports, strict=True):
                session_id = one.listing.session_id
                try:
                    facts = index.get(session_id, report.tag) if report else None
                    if report and facts is None:
                        facts = index.add(session_id, report.tag, read(report))
                    yield self._session(one.listing, report, facts, index)
                except SessionToolError as error:
                    yield ListedSession(session_id, "none", problem=error.message)

    def _report(self, one: Scanned) -> StoredObject | None:
        return one.report if self._reports is None else self._reports.get(one.listing.session_id)

    def _session(
        self, listing: SessionListing, report: StoredObject | None, facts: ReportFacts | None, index: ReportIndex
    ) -> ListedSession:
        when_s = newest_input_s(listing) or (report.modified_s if report else newest_sign_s(listing))
        state, chunks = self._state(listing, facts, index), len(listing.chunks) or len(chunks_elsewhere(listing))
        if facts is None:
            problem = "" if chunks else layout_hint(listing)
            return ListedSession(listing.session_id, state, when_s, chunks, problem=problem)
        problem = "" if facts.status else "its report is damaged, or another version wrote it"
        return ListedSession(
            listing.session_id,
            state,
            when_s,
            chunks,
            facts.duration_s,
            facts.lost_s,
            facts.captions_status,
            facts.codes,
            problem,
        )

    def _state(self, listing: SessionListing, facts: ReportFacts | None, index: ReportIndex) -> SessionState:
        if facts is None or not facts.status:
            is_current = False
        elif not (listing.chunks or facts.is_made):  # deleted after it was merged
            is_current = True
        else:
            is_current = is_from(listing, facts.mark, index.settings[facts.settings_key], self._store.limits)
        if is_current and facts is not None:
            return "partial" if facts.status == "partial" else "merged"
        if self._is_going_on(listing):
            return "recording"
        return "none" if facts is None else "stale"

    def _is_going_on(self, listing: SessionListing) -> bool:
        """Whether chunks came lately, and nothing says that they were the last."""
        newest_s = newest_input_s(listing)
        if not newest_s or self._now_s - newest_s >= self._settle_s:
            return False
        from .inputs import read_session_document  # noqa: PLC0415 - what it loads takes as much memory as the list
        from .session_end import going_on  # noqa: PLC0415

        session, _ = read_session_document(self._store.read, listing)
        return bool(going_on(listing, session))


def _report_in(listing: SessionListing) -> StoredObject | None:
    """The report of a result, or of a redacted one where that is all that is left."""
    alone = (obj for obj in listing.ignored if obj.key == f"{listing.folder}/{REDACTED_FOLDER}/{REPORT_NAME}")
    return listing.documents.get(REPORT_NAME) or next(alone, None)


def _reports(results: Store | None) -> dict[str, StoredObject]:
    """The reports in a place of results, which has them where a store has documents."""
    found = results.scan() if results else ()
    named = ((one.listing.session_id, _report_in(one.listing)) for one in found)
    return {session_id: report for session_id, report in named if report}
