"""Redacting a session: what is asked for becomes redactions beside its log, and these a second result.

The merged result and the chunks stay as they are.  What is in redactions.jsonl holds for good: every merge makes the
redacted result anew from it.  All of it happens in the workspace of the merged result, so no merge and no purge runs at
the same time.  redactions.jsonl is written before the result is published: a run that is killed between leaves a
redacted result that is older than the redactions, which `merge` and `verify` notice.
"""

from __future__ import annotations

import hashlib
from secrets import token_hex
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ...documents.redactions import Redaction, read_redactions, to_jsonl
from ...errors import RecordingError, UsageError
from ...progress import Progress, Silent
from ...storage import scratch_folder
from .. import report as reports
from .. import result_files
from ..provenance import REDACTIONS
from ..result_names import REDACTED
from ..result_shapes import REPORT_SHAPE, misfits
from .asked import RedactRequest, asked_redactions
from .chain import cuts_of
from .destroyed import require_originals
from .make import write_redacted
from .plan import RedactionPlan, make_plan
from .source import reading_source

if TYPE_CHECKING:
    from pathlib import Path

    from ...documents.report_model import Report
    from ...model import SessionListing
    from ...storage import Store, Target
    from ..purge import Purge
    from .places import Stretch
    from .source import Whole


class RedactResult(Struct, frozen=True):
    """What was redacted: `cuts` are the stretches of silence (output samples), `added` the redactions of this call.

    `location` is where the redacted result is, or would be; empty where nothing was found and nothing redacted.
    """

    session_id: str
    location: str
    plan: RedactionPlan = field(default_factory=RedactionPlan)
    cuts: tuple[Stretch, ...] = ()
    added: tuple[Redaction, ...] = ()
    dry_run: bool = False
    originals: Purge | None = None
    """What was deleted, or would be, where the originals are to be destroyed."""


def redact_session(
    store: Store,
    session_id: str,
    target: Target,
    asked: RedactRequest,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> RedactResult:
    """Redact a merged session: what was redacted before, and what is asked for now.

    Raises NotFoundError (nothing published, nothing matches), RecordingError (something has no place, or the result
    cannot be redacted), UsageError (a span or a pattern makes no sense), StorageError; then nothing was changed.
    """
    progress = progress or Silent()
    progress.stage("reading")
    listing = store.list_session(session_id)
    require_originals(listing, target, "nothing more can be redacted", "what is left is in its redacted result")
    with scratch_folder() if dry_run else target.workspace() as work, reading_source(session_id, target) as source:
        before = read_before(store, listing)
        progress.stage("finding")
        found = asked_redactions(session_id, source.transcript, source.report, asked)
        if not asked and not before:
            raise UsageError("nothing is asked for", hint="name it with --spans, --text, --utterance or --find")
        if not before and not found.redactions:
            return RedactResult(session_id, "", dry_run=dry_run)
        plan = make_plan(session_id, source.transcript, source.report, (*before, *found.redactions), found.secrets)
        asked_for = plan.redactions[: len(before) + len(found.redactions)]
        body = to_jsonl(tuple(asked_for))
        added = tuple(asked_for[len(before) :])
        if dry_run:
            report = write_redacted(source, plan, _sha256(body), token_hex(32), work)
        else:
            report = _publish(store, listing, target, source, plan, None if to_jsonl(before) == body else body)
    cuts = tuple(cut.gone for cut in cuts_of(report))
    return RedactResult(session_id, target.inside(REDACTED).url, plan, cuts, added, dry_run)


def renew(store: Store, listing: SessionListing, target: Target) -> bool:
    """Make the redacted result of a session anew, by what is beside its log; False where nothing is to be redacted.

    Called in the workspace of the result.  RecordingError where something that must be gone has no place any longer.
    """
    session_id = listing.session_id
    try:
        before = read_before(store, listing)
        if not before:
            return False
        with reading_source(session_id, target) as source:
            plan = make_plan(session_id, source.transcript, source.report, before)
            _publish(store, listing, target, source, plan, None)
    except RecordingError as error:
        what = f"{session_id} is merged, and its redacted result is not renewed: {error.message}"
        raise RecordingError(what, hint=error.hint) from error
    return True


def is_up_to_date(target: Target, redactions: bytes) -> bool:
    """Whether there is a redacted result, of the result as it is and of these redactions."""
    made = result_files.current_report(target.inside(REDACTED).read(result_files.REPORT))
    whole = result_files.current_report(target.read(result_files.REPORT))
    return made is not None and whole is not None and is_made_of(made, whole, _sha256(redactions))


def is_made_of(made: Report, whole: Report, redactions_sha256: str | None = None) -> bool:
    """Whether a redacted report is of a report as it is, and of redactions where their hash is known."""
    if any(misfits(made, REPORT_SHAPE)) or "redaction" not in made:
        return False
    redaction = made["redaction"]
    is_of_whole = redaction["of"] == whole.get("redacted_as")
    return is_of_whole and redactions_sha256 in {None, redaction["redactions_sha256"]}


def read_before(store: Store, listing: SessionListing) -> tuple[Redaction, ...]:
    """What is in a session's redactions.jsonl (RecordingError where a line of it is not understood)."""
    stored = listing.documents.get(REDACTIONS)
    if stored is None:
        return ()
    try:
        return read_redactions(store.read(stored), REDACTIONS)
    except UsageError as error:
        raise RecordingError(f"{listing.session_id}: {error.message}", hint=error.hint) from error


def _publish(
    store: Store, listing: SessionListing, target: Target, source: Whole, plan: RedactionPlan, body: bytes | None
) -> Report:
    """Make the redacted result and publish it; `body` is redactions.jsonl where that has to be written.

    The report of the whole gets its mark before, so that a run that is killed leaves an older redacted result.
    """
    inside, old = target.inside(REDACTED), listing.documents.get(REDACTIONS)
    digest = _sha256(store.read(old) if body is None and old else body or b"")
    with inside.workspace() as folder:
        mark = source.report.get("redacted_as", "") or token_hex(32)
        report = write_redacted(source, plan, digest, mark, folder)
        if body is not None:
            store.write_document(listing.session_id, REDACTIONS, body, old)
        if "redacted_as" not in source.report:
            _mark(source.report, mark, target, folder)
        left = result_files.obsolete(inside.sizes(), report)
        inside.publish({name: folder / name for name in result_files.names(report)}, left)
    return report


def _mark(report: Report, mark: str, target: Target, work: Path) -> None:
    """Publish the report with its mark; it is made in `work`, as the disk of temporary files may be another one."""
    folder = work / "marked"
    folder.mkdir()
    marked: Report = {**report, "redacted_as": mark}
    reports.seal(marked)
    result_files.write_report(folder, marked)
    target.publish({result_files.REPORT: folder / result_files.REPORT})


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
