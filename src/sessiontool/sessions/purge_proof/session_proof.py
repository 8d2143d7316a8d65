"""Whether the chunks of a session are in its published result: that is verified, then every chunk is read.

What is in a chunk and not in the result is a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import NotFoundError, RecordingError
from .. import result_files
from ..verify_result import verify_published
from .proof import Proof, sentence
from .published import read_packets

if TYPE_CHECKING:
    from ...documents.report_model import Report
    from ...model import SessionListing
    from ...progress import Progress
    from ...storage import Store, Target

MERGE_AGAIN = "merge the session again: sessiontool merge {} --force"


def verified_report(session_id: str, target: Target, progress: Progress) -> Report:
    """The report of the session's result, which is verified."""
    progress.stage("verifying")
    try:
        document, problems = verify_published(target, session_id)
    except NotFoundError as error:
        what = f"it is not merged ({error.message})"
        raise refused(session_id, what, "merge it, or delete all of it by a rule") from error
    if problems:
        raise refused(session_id, f"its result is broken: {problems[0].message}", MERGE_AGAIN)
    return document


def prove_chunks(
    store: Store,
    listing: SessionListing,
    target: Target,
    document: Report,
    progress: Progress,
    *,
    even_damaged: bool = False,
) -> Proof:
    """Read every chunk, and refuse where one holds what is not in the result."""
    session_id, listed = listing.session_id, {chunk.object.key: chunk for chunk in listing.chunks}
    merged = sorted(document["chunks"], key=lambda chunk: bool(chunk["verdict"] == "duplicate"))
    sha256 = {chunk["key"]: chunk["sha256"] for chunk in merged}
    chunks = [listed[key] for key in sha256 if key in listed]
    proof = _proof_of(store, session_id, target, document)
    progress.stage("comparing", len(chunks))
    with store.reading([chunk.object for chunk in chunks]) as read:
        for chunk in chunks:
            key = chunk.object.key
            proof.take(chunk, read(chunk.object))
            if sha256[key] and proof.sha256[key] != sha256[key]:  # none is known of a part that was refused
                raise refused(session_id, f"{key} has changed since it was merged", MERGE_AGAIN)
            progress.advance()
    proof.end()
    if proof.unproved and not proof.found_packets:
        raise refused(session_id, f"no packet of its chunks is in {result_files.audio_of(document)}", MERGE_AGAIN)
    if proof.unproved and not even_damaged:
        hint = "look at it with `sessiontool inspect {}`; --even-damaged deletes such chunks too, for good"
        raise refused(session_id, sentence(proof.unproved), hint)
    return proof


def _proof_of(store: Store, session_id: str, target: Target, document: Report) -> Proof:
    if (name := result_files.audio_of(document)) == result_files.AUDIO_NAMES["pcm"]:
        raise refused(session_id, "chunks of PCM are not compared with audio.flac", "keep them")
    foreign = {(one.get("part"), one.get("seq")) for one in document["findings"] if one["code"] == "chunk-foreign"}
    try:
        with target.fetched(name) as path, path.open("rb") as file:
            return Proof(read_packets(file), foreign, store.limits.chunk_bytes)
    except NotFoundError as error:
        raise refused(session_id, f"its result has no sound ({error.message})", MERGE_AGAIN) from error
    except RecordingError as error:
        raise refused(session_id, f"its result is broken: {error.message}", MERGE_AGAIN) from error


def refused(session_id: str, what: str, hint: str) -> RecordingError:
    """A refusal; the hint may have the session's id in it."""
    return RecordingError(f"{session_id}: nothing is deleted: {what}", hint=hint.format(session_id))
