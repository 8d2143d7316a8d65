"""Corrections of a session's log, written beside it: the only writer of corrections.jsonl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ..captions import speaker_name
from ..documents.corrections import Corrections, read_corrections
from ..documents.json_text import parse
from ..errors import NotFoundError, RecordingError, StorageError, UsageError
from ..options import LogOptions
from ..storage import not_published
from .caption_edits import caption_edits, is_caption_file
from .corrections import digest_of, edited_captions, edited_transcript
from .inputs import read_notes
from .provenance import CORRECTIONS
from .redaction.destroyed import require_originals
from .result_files import json_object
from .result_names import REPORT, TRANSCRIPT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ..model import StoredObject, Utterance
    from ..options import Prefer
    from ..storage import Store, Target


class Edits(Struct, frozen=True):
    """What is to be corrected, by utterance; `transcript` is an edited transcript.json, or an edited caption file."""

    texts: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    transcript: bytes | None = None
    dry_run: bool = False

    @property
    def are_none(self) -> bool:
        return not (self.texts or self.speakers or self.dropped or self.restored or self.transcript)


class CorrectResult(Struct, frozen=True):
    """The corrections of a session as they are now; `changed` are the ids that this call changed.

    `location` is where they were written, empty in a dry run.
    """

    session_id: str
    location: str
    by_id: dict[str, dict[str, Any]]
    changed: tuple[str, ...]
    logged: dict[str, str]

    @property
    def written(self) -> bool:
        return bool(self.location)


def correct_session(
    store: Store, session_id: str, target: Target, edits: Edits, log: LogOptions | None = None
) -> CorrectResult:
    """Write what was corrected into the session's corrections.jsonl; the log and the result stay as they are.

    Without edits, the transcript.json of the result is taken, where it was edited, else its edited captions.  `log`
    says how the log is read.

    Raises NotFoundError (no session, no such utterance, nothing edited), RecordingError (no transcript), StorageError;
    then nothing was changed.
    """
    listing = store.list_session(session_id)
    hint = "what is left is its redacted result; `sessiontool captions` makes the captions of it anew"
    require_originals(listing, target, "nothing can be corrected", hint)
    old = listing.documents.get(CORRECTIONS)
    corrections, problems = read_corrections(store.read(old) if old else b"")
    if problems:
        raise RecordingError(f"{CORRECTIONS} of {session_id}, {problems[0]}", hint="mend the file, or delete it")
    document = target.read(REPORT)
    given = [edits.transcript] if edits.transcript is not None else []
    edited = _edited_in_place(target, document, corrections.taken) if edits.are_none else given
    if edits.are_none and not edited and not edits.dry_run:
        raise NotFoundError(
            f"{target.locate(TRANSCRIPT)} is not there, or as it was published: nothing to correct",
            hint="edit it or the captions beside it first, or name a text: --text u012=…",
        )
    listing.documents.pop(CORRECTIONS, None)  # the log as it is without them
    with store.reading(()) as read:
        notes = read_notes(read, listing, _preferred(document), options=log or LogOptions())
    logged = {utterance.id: utterance for utterance in notes.utterances}
    before = {name: dict(values) for name, values in corrections.by_id.items()}
    _apply(edits, corrections, logged)
    for body in edited:
        if is_caption_file(body):
            _take_captions(body, corrections, logged, target, document)
        else:
            _take(body, session_id, corrections, logged, notes.session.speakers)
        corrections.taken.add(digest_of(body))
    now = {name: values for name, values in corrections.by_id.items() if values}
    corrections.by_id = now
    changed = tuple(name for name in {**before, **now} if before.get(name) != now.get(name))
    location = ""
    if not edits.dry_run:
        location = _written(store, session_id, corrections.to_jsonl(), old)
    texts = {name: logged[name].text for name in {**before, **now} if name in logged}
    return CorrectResult(session_id, location, now, changed, texts)


def _written(store: Store, session_id: str, body: bytes, old: StoredObject | None) -> str:
    try:
        return store.write_document(session_id, CORRECTIONS, body, old)
    except StorageError as error:
        elsewhere = "--corrections FILE keeps them in a file of yours"
        error.hint = f"{error.hint}; or {elsewhere}" if error.hint else elsewhere
        raise


def _edited_in_place(target: Target, report: bytes | None, taken: Collection[str]) -> list[bytes]:
    """The files of a result that were edited: its transcript, or else its captions.

    Captions are compared with those that the transcript gives (RecordingError where that was edited as well).
    """
    transcript, captions = edited_transcript(target, report), edited_captions(target, report)
    if transcript is None:
        return list(captions.values())
    left = next((name for name, body in captions.items() if digest_of(body) not in taken), None)
    if left and digest_of(transcript) in taken:
        raise RecordingError(
            f"{target.locate(left)} cannot be compared with {TRANSCRIPT}, which was edited as well",
            hint="merge with --force, which keeps a copy of each, and correct by that of the captions",
        )
    return [transcript]


def _preferred(report: bytes | None) -> Prefer:
    """Whose word counted in the result that was edited."""
    try:
        named = parse(report or b"")["tool"]["settings"]["prefer"]
    except (ValueError, KeyError, TypeError):
        return "utterances"
    return "events" if named == "events" else "utterances"  # a report may say anything


def _apply(edits: Edits, corrections: Corrections, logged: Mapping[str, Utterance]) -> None:
    named = [*edits.texts, *edits.speakers, *edits.dropped, *edits.restored]
    said = ({*edits.texts, *edits.speakers}, {*edits.dropped}, {*edits.restored})
    if twice := sorted((said[0] & said[1]) | (said[0] & said[2]) | (said[1] & said[2])):
        raise UsageError(f"{twice[0][:80]!r} is to become two things", hint="correct it, drop it or restore it")
    for name in named:
        if name not in logged and name not in corrections.by_id:
            raise NotFoundError(f"there is no utterance {name[:80]!r}", hint="ids are in transcript.json: u012")
    for name in edits.restored:
        corrections.by_id.pop(name, None)
    for field_name, values in (("text", edits.texts), ("speaker", edits.speakers)):
        for name, value in values.items():
            _set(corrections, name, field_name, value, logged[name].text if field_name == "text" else None)
    for name in edits.dropped:
        corrections.by_id.setdefault(name, {})["drop"] = True


def _take_captions(
    body: bytes, corrections: Corrections, logged: Mapping[str, Utterance], target: Target, report: bytes | None
) -> None:
    """What an edited caption file has otherwise than the published one."""
    transcript, described = json_object(target.read(TRANSCRIPT) or b""), json_object(report or b"")
    if transcript is None or described is None:
        raise not_published(target.locate(TRANSCRIPT))
    found = caption_edits(body, transcript, described)
    for field_name, values in (("text", found.texts), ("speaker", found.speakers)):
        for name, value in values.items():
            if name in logged:
                _set(corrections, name, field_name, value, logged[name].text if field_name == "text" else None)
    for name in found.dropped:
        corrections.by_id.setdefault(name, {})["drop"] = True


def _set(corrections: Corrections, name: str, field_name: str, value: str, as_logged: str | None) -> None:
    fields = corrections.by_id.setdefault(name, {})
    fields.pop("drop", None)
    if value == as_logged:
        fields.pop(field_name, None)
    else:
        fields[field_name] = value


def _take(
    body: bytes,
    session_id: str,
    corrections: Corrections,
    logged: Mapping[str, Utterance],
    speakers: Mapping[str, str],
) -> None:
    """What an edited transcript has otherwise than the log: texts, speakers; utterances that are gone are dropped."""
    try:
        document = parse(body)
        found = {str(one["id"]): one for one in document["utterances"]}
    except (ValueError, KeyError, TypeError) as error:
        raise RecordingError(
            f"the edited file has no captions, and as {TRANSCRIPT} it cannot be read: {error}",
            hint="mend its JSON, and correct again",
        ) from error
    if document.get("session_id", session_id) != session_id:
        raise RecordingError(
            f"the edited {TRANSCRIPT} is of session {str(document['session_id'])[:80]!r}", hint="name that session"
        )
    if not found:
        raise UsageError(f"the edited {TRANSCRIPT} has no utterance", hint="to drop all is not what it is for")
    for name, utterance in logged.items():
        entry = found.get(name)
        if entry is None:
            corrections.by_id.setdefault(name, {})["drop"] = True
            continue
        if isinstance(entry.get("text"), str):
            _set(corrections, name, "text", entry["text"], utterance.text)
        if isinstance(entry.get("speaker"), str):
            _set(corrections, name, "speaker", entry["speaker"], speaker_name(utterance.role, speakers))
