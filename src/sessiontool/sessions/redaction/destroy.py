"""Destroying the originals of a redacted session, so that its redacted result is all that is left.

It deletes the only recording of what is gone, so every doubt is a refusal.  Proved now, before anything is deleted: the
redacted result is what it claims to be; it is of the merged result as it is; every packet of that outside of the cuts
is in it, read by other code than wrote it; and every byte of every chunk is in the merged result.  So what is deleted
and nowhere else is what the cuts account for.

Then the report of the redacted result says that the originals are destroyed, and they are deleted, the merged report
first: from there on the redacted result is the session's.  A run that is killed is gone on with by the next, which
deletes what that report names and what it was made of, and nothing else.
"""

from __future__ import annotations

import hashlib
import time
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ...documents.retention import read_retention
from ...errors import NotFoundError, RecordingError
from ...progress import Progress, Silent
from ...storage import MERGED_FOLDER
from .. import report as reports
from .. import result_files
from ..corrections import COPIES
from ..imported import imported
from ..inputs import read_session_document
from ..provenance import REDACTIONS, SESSION, find_strays, is_from, merge_settings, was_made
from ..purge import Action, Purge
from ..purge_proof.published import read_packets
from ..purge_proof.session_proof import MERGE_AGAIN, prove_chunks, refused, verified_report
from ..result_names import EXPORTS_FOLDER, OUTPUTS, REDACTED, audio_of
from .chain import cuts_of
from .destroyed import destroyed_at, is_log, redacted_alone
from .redact import RedactResult, redact_session
from .renew import is_renewed
from .verify_redacted import verify_redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ...documents.report_model import Report
    from ...model import SessionListing, StoredVersion
    from ...storage import Store, Target
    from .asked import RedactRequest
    from .forms import Secrets

_LOCKS = ".sessiontool"
_REDACT_AGAIN = "make it anew: sessiontool merge {} --force"
_MOVE = "look what it is, and move it away or delete it: it may have what is redacted"


class OriginalsOf(Struct, frozen=True):
    """A session whose originals are to be destroyed; `output` is the store of results where they are not beside it."""

    store: Store
    session_id: str
    target: Target
    output: Store | None = None


def redact_for_good(
    of: OriginalsOf,
    asked: RedactRequest,
    receipt: Callable[[str, Purge], None],
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> RedactResult:
    """Redact a session, and destroy its originals; `result.originals` is what was deleted, or would be.

    Raises as `redact_session` and `examine_originals`; nothing is deleted then.  Where something is asked for, a dry
    run cannot say what would be deleted, as there is no redacted result yet.
    """
    if redacted_alone(of.target) and not asked:
        found = RedactResult(of.session_id, of.target.inside(REDACTED).url, dry_run=dry_run)
    else:
        found = redact_session(of.store, of.session_id, of.target, asked, dry_run=dry_run, progress=progress)
    if not found.location or (dry_run and found.added):
        return found
    secrets = found.plan.secrets
    if dry_run:
        return replace(found, originals=examine_originals(of, secrets, progress))
    return replace(found, originals=destroy_originals(of, receipt, secrets, progress))


def examine_originals(of: OriginalsOf, secrets: Secrets | None = None, progress: Progress | None = None) -> Purge:
    """What would be deleted of a redacted session.

    `secrets` are texts that must not be in what is left.  RecordingError where that is refused, NotFoundError without
    a redacted result, StorageError.
    """
    progress = progress or Silent()
    progress.stage("listing")
    listing = of.store.list_session(of.session_id)
    _check_document(of.store, listing, secrets)
    progress.stage("verifying")
    found = verify_redacted(of.session_id, of.target)
    if found is None:
        raise NotFoundError(
            f"{of.session_id} has no redacted result, and its originals stay",
            hint="say what goes: sessiontool redact ID --text …",
        )
    report, problems = found
    if problems:
        raise refused(of.session_id, f"its redacted result is broken: {problems[0].message}", _REDACT_AGAIN)
    is_begun = redacted_alone(of.target) is not None  # a run was killed, or all is done
    hashes = _known_again(of, listing, report) if is_begun else _prove(of, listing, report, progress)
    versions, results = _deletable(of, listing, report)
    is_due = bool(versions or results)
    reason = "the redacted result is kept" if is_due else "its originals are destroyed"
    action: Action = "originals" if is_due else "none"
    return Purge(of.session_id, action, reason, versions, results, hashes, redacted=_kept(of.target, report))


def destroy_originals(
    of: OriginalsOf,
    receipt: Callable[[str, Purge], None],
    secrets: Secrets | None = None,
    progress: Progress | None = None,
) -> Purge:
    """Delete all of a redacted session but session.json, redactions.jsonl and the redacted result.

    `receipt` gets `deleting` before and `deleted` after.  Raises as `examine_originals`, and BusyError where another
    run is at work on it.
    """
    progress = progress or Silent()
    with of.target.workspace():
        found = examine_originals(of, secrets, progress)
        if found.action == "none":
            return found
        _mark(of.target.inside(REDACTED), _redacted_report(of.target))
        report = _redacted_report(of.target)
        versions, results = _deletable(of, of.store.list_session(of.session_id), report)
        found = replace(found, versions=versions, results=results, redacted=_kept(of.target, report))
        progress.stage("deleting")
        receipt("deleting", found)
        if of.output is not None and found.results:
            of.output.delete(of.session_id, found.results)
        of.store.delete(of.session_id, found.versions)
    _sweep(of)
    done = replace(found, deleted=True)
    receipt("deleted", done)
    return done


# -- what stays


def _check_document(store: Store, listing: SessionListing, secrets: Secrets | None) -> None:
    """RecordingError where session.json says how long the session is kept and that is not clear, or has a secret."""
    stored = listing.documents.get(SESSION)
    body = None if stored is None else store.read(stored)
    if body is None:
        return
    try:
        read_retention(body, SESSION, listing.session_id)
    except RecordingError as error:
        raise RecordingError(f"{listing.session_id}: {error.message}", hint=error.hint) from error
    if secrets and secrets.are_in(body.decode("utf-8", "replace")):
        raise refused(
            listing.session_id, f"{SESSION} has something that is redacted, and would stay", "take it out of it first"
        )


def _kept(target: Target, report: Report) -> dict[str, Any]:
    """What the receipt says of the redacted result."""
    return {
        "location": target.inside(REDACTED).url,
        "report_sha256": report["report_sha256"],
        "packets_kept": sum(one["packets"] for one in report["redaction"]["kept"]),
        "packets_gone": sum(cut.after - cut.first for cut in cuts_of(report)),
    }


def _redacted_report(target: Target) -> Report:
    report = result_files.current_report(target.inside(REDACTED).read(result_files.REPORT))
    assert report is not None, "it was verified"
    return report


def _mark(inside: Target, report: Report) -> None:
    """Have the report of the redacted result say that the originals are destroyed."""
    if destroyed_at(report):
        return
    report["redaction"]["originals_destroyed_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    reports.seal(report)
    with inside.workspace() as work:
        result_files.write_report(work, report)
        inside.publish({result_files.REPORT: work / result_files.REPORT})


# -- the proof


def _prove(of: OriginalsOf, listing: SessionListing, report: Report, progress: Progress) -> dict[str, str]:
    """The hashes of the chunks: each is in the merged result, and that in the redacted one but for its cuts."""
    session_id, target = of.session_id, of.target
    if not is_renewed(of.store, listing, target):
        raise refused(session_id, "its redacted result is not of its merged result as it is", MERGE_AGAIN)
    whole = verified_report(session_id, target, progress)
    if listing.chunks or was_made(whole):
        # what was redacted since the merge does not make it an older one
        others = {name: stored for name, stored in listing.documents.items() if name != REDACTIONS}
        mark, settings = whole.get("inputs_fingerprint", ""), merge_settings(whole)
        if not any(
            is_from(one, mark, settings, of.store.limits) for one in (listing, replace(listing, documents=others))
        ):
            raise refused(session_id, "its log or its chunks changed since it was merged", MERGE_AGAIN)
    _require_same_packets(session_id, target, report)
    if not listing.chunks:
        return {}
    return prove_chunks(of.store, listing, target, whole, progress).sha256


def _require_same_packets(session_id: str, target: Target, report: Report) -> None:
    """RecordingError where a packet of the merged recording outside of the cuts is not in the redacted one."""
    gone = {number for cut in cuts_of(report) for number in range(cut.first, cut.after)}
    name = audio_of(report)
    with (
        target.fetched(name) as whole,
        target.inside(REDACTED).fetched(name) as left,
        whole.open("rb") as one,
        left.open("rb") as other,
    ):
        pairs = zip_longest(*(chain.from_iterable(read_packets(file)) for file in (one, other)))
        for number, (packet, kept) in enumerate(pairs):
            if packet is None or kept is None or (packet != kept and number not in gone):
                what = f"packet {number} of {name} is not in the redacted result"
                raise refused(session_id, what, _REDACT_AGAIN)


def _known_again(of: OriginalsOf, listing: SessionListing, report: Report) -> dict[str, str]:
    """The hashes of the chunks that a killed run left; RecordingError where it did not know one of them as it is."""
    noted = {chunk["key"]: chunk["sha256"] for chunk in report["chunks"]}
    found = {}
    with of.store.reading([chunk.object for chunk in listing.chunks]) as read:
        for chunk in listing.chunks:
            key = chunk.object.key
            found[key] = hashlib.sha256(read(chunk.object)).hexdigest()
            if noted.get(key) != found[key]:
                raise refused(of.session_id, f"{key} came after its originals were destroyed", _MOVE)
    if audio_of(report) in of.target.sizes():
        _require_same_packets(of.session_id, of.target, report)
    return found


# -- what goes


def _deletable(
    of: OriginalsOf, listing: SessionListing, report: Report
) -> tuple[tuple[StoredVersion, ...], tuple[StoredVersion, ...]]:
    """All versions of everything but what stays, in the order in which they are deleted: of the store, of `output`."""
    session, _ = read_session_document(of.store.read, listing)
    recordings, _ = imported(session, listing)
    for stray in find_strays(listing):
        name = stray.object.key.removeprefix(f"{listing.folder}/")
        if stray.object.key not in recordings and not is_log(name):
            raise refused(of.session_id, f"{stray.object.key} is none of what was merged", _MOVE)
    kept = [f"{REDACTED}/{name}" for name in result_files.names(report)]
    beside = f"{listing.folder}/{MERGED_FOLDER}/"
    stays = {f"{listing.folder}/{name}" for name in (SESSION, REDACTIONS)}
    stays |= {beside + name for name in kept} if of.output is None else set()
    versions = list(_going(of.session_id, of.store.versions(of.session_id), beside, stays))
    versions.sort(key=lambda one: (one.key != beside + result_files.REPORT, not one.key.startswith(beside)))
    if of.output is None:
        return tuple(versions), ()
    folder = f"{of.session_id}/"
    results = list(_going(of.session_id, of.output.versions(of.session_id), folder, {folder + name for name in kept}))
    results.sort(key=lambda one: one.key != folder + result_files.REPORT)
    return tuple(versions), tuple(results)


def _going(
    session_id: str, versions: Iterable[StoredVersion], results: str, stays: set[str]
) -> Iterator[StoredVersion]:
    """Those of the versions that go; RecordingError for an unknown file among results, or is no file."""
    for one in versions:
        name = one.key.removeprefix(results)
        if name.startswith((_LOCKS, f"{REDACTED}/{_LOCKS}")):
            continue
        is_there = one.is_current and not one.is_marker
        if is_there and (one.key in stays or name.startswith(f"{REDACTED}/{EXPORTS_FOLDER}/")):
            continue
        if not one.tag and not one.is_marker:
            raise refused(session_id, f"{one.key} cannot be deleted as a file", _MOVE)
        if is_there and one.key.startswith(results) and not _is_ours(name.removeprefix(f"{REDACTED}/")):
            raise refused(session_id, f"{one.key} is no file of the result", _MOVE)
        yield one


def _is_ours(name: str) -> bool:
    return name in {*OUTPUTS, result_files.REPORT} or name.startswith((*COPIES, f"{EXPORTS_FOLDER}/"))


def _sweep(of: OriginalsOf) -> None:
    """Delete what our own lease left in a bucket with versions, and folders that are empty now."""
    for store in filter(None, (of.store, of.output)):
        store.delete(of.session_id, [one for one in store.versions(of.session_id) if f"/{_LOCKS}" in one.key])
