"""What people corrected: applied to a session's utterances, and edits of a result that no correction holds yet."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..documents.corrections import Corrections, read_corrections
from ..documents.json_text import parse
from ..errors import NotAFileError, RecordingError
from ..model import Finding
from ..speech.duration_model import heard_part
from .provenance import CORRECTIONS
from .result_names import TRANSCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..model import Utterance
    from ..storage import Target

EDITED = "edited"
"""The field of an output in a report whose captions were made of a transcript that had been edited."""
EDITABLE_CAPTIONS = ("captions.vtt", "captions.srt")
"""The caption files whose edits can become corrections."""
COPIES = tuple(f"{name.rpartition('.')[0]}.edited-" for name in (TRANSCRIPT, EDITABLE_CAPTIONS[0]))
"""How the names of copies of edited files begin."""

_MOST_NAMED = 20
"""Number of ids that a message lists, in a few lines; chosen."""
_HINT = "see it with: sessiontool correct ID --dry-run; the recording itself is not affected"


def corrected(
    utterances: Iterable[Utterance], data: bytes
) -> tuple[list[Utterance], list[str], Corrections, list[Finding]]:
    """The utterances as they were corrected, the ids of those that were dropped, the corrections, and findings."""
    corrections, problems = read_corrections(data)
    utterances = list(utterances)
    known = {utterance.id for utterance in utterances}
    problems += [f"there is no utterance {name[:80]!r} in the log" for name in corrections.by_id if name not in known]
    kept, dropped = [], []
    for utterance in utterances:
        fields = corrections.by_id.get(utterance.id, {})
        if fields.get("drop"):
            dropped.append(utterance.id)
        else:
            kept.append(_corrected(utterance, fields))
    findings = [
        Finding("correction-not-used", "warning", f"{CORRECTIONS}: {problem}", hint=_HINT)
        for problem in problems[:_MOST_NAMED]
    ]
    return kept, dropped, corrections, findings


def _corrected(utterance: Utterance, fields: Mapping[str, Any]) -> Utterance:
    text, speaker = fields.get("text", utterance.text), fields.get("speaker")
    if text == utterance.text:
        return replace(utterance, speaker=speaker) if speaker else utterance
    heard = utterance.heard_text
    if heard is not None:  # of the log's text: as large a part of the corrected one
        heard = heard_part(text, len(heard) / max(1, len(utterance.text)))
    return replace(utterance, text=text, logged_text=utterance.text, heard_text=heard, speaker=speaker)


def correct_transcript(transcript: dict[str, Any], corrections: Corrections) -> bool:
    """Correct a published transcript in its place, as a merge would correct the log; whether it is another now."""
    before, kept = json.dumps(transcript), []
    dropped = [str(name) for name in transcript.get("dropped", ())]
    for entry in transcript["utterances"]:
        fields = corrections.by_id.get(str(entry.get("id")), {}) if isinstance(entry, dict) else {}
        if fields.get("drop"):
            dropped.append(str(entry["id"]))
            continue
        kept.append(entry)
        if fields:
            _correct_entry(entry, fields)
    transcript["utterances"] = kept
    if dropped:
        transcript["dropped"] = dropped
    return json.dumps(transcript) != before


def _correct_entry(entry: dict[str, Any], fields: Mapping[str, Any]) -> None:
    shown = entry.get("text")
    old, new = shown if isinstance(shown, str) else "", fields.get("text", shown)
    if new != shown:
        logged = entry["logged"] if isinstance(entry.get("logged"), dict) else {}
        entry["logged"] = {"text": old, **logged}
        if isinstance(heard := entry.get("heard_text"), str):
            entry["heard_text"] = heard_part(new, len(heard) / max(1, len(old)))
    if new != shown or fields.get("speaker", entry.get("speaker")) != entry.get("speaker"):
        entry |= {**fields, "corrected": True}


def edited_transcript(target: Target, report: bytes | None) -> bytes | None:
    """transcript.json as it is in `target`, where it was edited after it was published; else None."""
    return _edited(target, TRANSCRIPT, _outputs(report))


def edited_captions(target: Target, report: bytes | None) -> dict[str, bytes]:
    """The caption files that `sessiontool correct` reads and that were edited after they were published, by name."""
    outputs = _outputs(report)
    found = {name: _edited(target, name, outputs) for name in EDITABLE_CAPTIONS}
    return {name: body for name, body in found.items() if body is not None}


def _edited(target: Target, name: str, outputs: Mapping[str, Mapping[str, Any]]) -> bytes | None:
    output = outputs.get(name)
    if output is None:
        return None
    try:
        body = target.read(name)
    except NotAFileError:  # a link or a pipe holds no edits, and publishing replaces it
        return None
    if body is None or (digest_of(body) == output.get("sha256") and not output.get(EDITED)):
        return None
    return body


def _outputs(report: bytes | None) -> dict[str, dict[str, Any]]:
    """What a report says of its files, by their names."""
    try:
        document = parse(report or b"null")
    except ValueError:
        return {}
    outputs = document.get("outputs") if isinstance(document, dict) else None
    named = [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    return {one["name"]: one for one in reversed(named) if isinstance(one.get("name"), str)}


def digest_of(edited: bytes) -> str:
    """By what a file that was edited is known."""
    return hashlib.sha256(edited).hexdigest()


def keep_edits(
    session_id: str, target: Target, report: bytes | None, corrections: Corrections, work: Path, *, force: bool
) -> dict[str, Path]:
    """Copies, in `work`, of files that were edited after they were published: to publish beside the new ones.

    RecordingError where no correction holds the edits of one, unless `force`.
    """
    edited = edited_captions(target, report)
    if (transcript := edited_transcript(target, report)) is not None:
        edited = {TRANSCRIPT: transcript, **edited}
    for name, body in edited.items():
        if digest_of(body) not in corrections.taken and not force:
            raise RecordingError(
                f"{target.locate(name)} was edited after it was published, and would be replaced",
                hint=f"keep the edits: sessiontool correct {session_id}; "
                "--force replaces it, and keeps a copy beside it",
            )
    return copies_of(edited, work)


def copies_of(edited: Mapping[str, bytes], work: Path) -> dict[str, Path]:
    """Copies, in `work`, of edited files, under names that tell them apart."""
    copies = {}
    for name, body in edited.items():
        stem, _, ending = name.rpartition(".")
        copy = work / f"{stem}.edited-{digest_of(body)[:8]}.{ending}"
        copy.write_bytes(body)
        copies[copy.name] = copy
    return copies
