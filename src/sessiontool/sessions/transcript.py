"""transcript.json as plain JSON values (the schema `sessiontool.transcript/1`).

Integers become seconds here and nowhere else, rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..documents.transcript_model import TranscriptUtterance
from .report import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..documents.transcript_model import Transcript, TranscriptNote, TranscriptPhone, TranscriptWord
    from ..model import Note, Phone, Placement, TimedWord
    from ..timeline import Timeline

TRANSCRIPT_SCHEMA = "sessiontool.transcript/1"


_OUR_FIELDS = frozenset(TranscriptUtterance.__annotations__)


def utterance_json(placement: Placement, speaker: str) -> TranscriptUtterance:
    """An utterance; of a log's other fields those that have no name of ours."""
    utterance = placement.utterance
    start, end = placement.start_samples, placement.end_samples
    entry = {
        "id": utterance.id,
        "role": utterance.role,
        "speaker": utterance.speaker or speaker,
        "text": utterance.text,
        "start_s": None if start is None else seconds(start),
        "end_s": None if end is None else seconds(end),
        "status": placement.status,
        "confidence": round(placement.confidence, 3),
        "interrupted": bool(utterance.interrupted) or (placement.status == "clipped" and not placement.gap_cut),
        **({} if placement.heard_text is None else {"heard_text": placement.heard_text}),
        **({"language": utterance.language} if utterance.language else {}),
        **({"corrected": True} if utterance.speaker or utterance.logged_text is not None else {}),
        "logged": {
            "t_start": _logged(utterance.t_start_us),
            "t_end": _logged(utterance.t_end_us),
            **({} if utterance.logged_text is None else {"text": utterance.logged_text}),
        },
        **({"speech": [[seconds(a), seconds(b)] for a, b in placement.speech]} if len(placement.speech) > 1 else {}),
        **({"words": [word_json(word) for word in placement.words]} if placement.words else {}),
        **{name: value for name, value in utterance.extra.items() if name not in _OUR_FIELDS},
    }
    return cast("TranscriptUtterance", entry)


def word_json(word: TimedWord) -> TranscriptWord:
    made: TranscriptWord = {
        "text": word.text,
        "start_s": seconds(word.start_samples),
        "end_s": seconds(word.end_samples),
        "source": word.source,
    }
    if word.phones:
        made["phones"] = [_phone_json(phone) for phone in word.phones]
    return made


def _phone_json(phone: Phone) -> TranscriptPhone:
    return {"phone": phone.name, "start_s": seconds(phone.start_samples), "end_s": seconds(phone.end_samples)}


def _logged(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def transcript_json(
    session_id: str,
    timeline: Timeline,
    placements: Iterable[Placement],
    speakers: Mapping[str, str],
    notes: Sequence[Note] = (),
    dropped: Sequence[str] = (),
    synthetic: Sequence[str] = (),
) -> Transcript:
    """`placements` in the order of the log; `speakers` has a name for every role in it; `notes` were not spoken.

    `dropped` are the ids of those that a person left out, `synthetic` the roles whose voice is none of a person.
    """
    document: Transcript = {
        "schema": TRANSCRIPT_SCHEMA,
        "session_id": session_id,
        "duration_s": seconds(timeline.total_samples),
        "utterances": [utterance_json(placement, speakers[placement.utterance.role]) for placement in placements],
    }
    if dropped:
        document["dropped"] = list(dropped)
    if synthetic:
        document["synthetic"] = list(synthetic)
    if notes:
        document["notes"] = [note_json(note, timeline) for note in notes]
    return document


def no_transcript() -> Transcript:
    """What is used for the transcript of a result that was not read."""
    return {"schema": TRANSCRIPT_SCHEMA, "session_id": "", "duration_s": 0.0, "utterances": []}


def note_json(note: Note, timeline: Timeline) -> TranscriptNote:
    """A note, and the place in the output at which it came; null where that is not known."""
    at = None if note.t_us is None else min(max(0, timeline.session_to_output(note.t_us)), timeline.total_samples)
    entry = {
        "id": note.id,
        "kind": note.kind,
        **({"role": note.role} if note.role else {}),
        "at_s": None if at is None else seconds(at),
        **({"text": note.text} if note.text else {}),
        **note.extra,
        "logged": {"t": _logged(note.t_us)},
    }
    return cast("TranscriptNote", entry)
