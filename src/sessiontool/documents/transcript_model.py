"""transcript.json as types: who said what, and where it sounds (the schema `sessiontool.transcript/1`).

Times are seconds in the result.  Fields of the log that are none of ours stand beside these as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from ..model import PlacementStatus


class TranscriptPhone(TypedDict):
    """A sound of a word, by its name in ARPAbet."""

    phone: str
    start_s: float
    end_s: float


class TranscriptWord(TypedDict):
    """A word; `source` says what its times are worth."""

    text: str
    start_s: float
    end_s: float
    source: str
    phones: NotRequired[list[TranscriptPhone]]


class LoggedUtterance(TypedDict):
    """What the log said: times in seconds of the session's clock, and the text where a person corrected it."""

    t_start: float | None
    t_end: float | None
    text: NotRequired[str]


class TranscriptUtterance(TypedDict):
    """An utterance; its times are null where it has no place in the sound."""

    id: str
    role: str
    speaker: str
    text: str
    start_s: float | None
    end_s: float | None
    status: PlacementStatus
    confidence: float
    interrupted: bool
    heard_text: NotRequired[str]
    language: NotRequired[str]
    corrected: NotRequired[bool]
    logged: LoggedUtterance
    speech: NotRequired[list[list[float]]]
    words: NotRequired[list[TranscriptWord]]


class LoggedNote(TypedDict):
    t: float | None


class TranscriptNote(TypedDict):
    """Something of the log that was not spoken."""

    id: str
    kind: str
    role: NotRequired[str]
    at_s: float | None
    text: NotRequired[str]
    logged: LoggedNote


class Transcript(TypedDict):
    """A whole transcript; `dropped` are ids of utterances that a person left out.

    `synthetic` are the roles whose voice is none of a person, as session.json says.
    """

    schema: str
    session_id: str
    duration_s: float
    utterances: list[TranscriptUtterance]
    dropped: NotRequired[list[str]]
    synthetic: NotRequired[list[str]]
    notes: NotRequired[list[TranscriptNote]]
