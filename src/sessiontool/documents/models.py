"""What comes in, as values: session.json and utterances.jsonl as the recorder writes them.

Every field that may be absent is, and an annotation says all that a field may hold: `reading` reads what is plainly
right by it, `checked` what is in doubt.  What has passed is handed on as the values of `model`.
"""

# Annotations are values here and no texts, as they are read: no `from __future__ import annotations`.

from enum import Enum
from typing import Annotated, Any

from msgspec import Struct, field


class Bounds(Struct, frozen=True):
    """The numbers that a field may hold: from `least`, and up to `most` or less than `below`."""

    least: float
    most: float | None = None
    below: float | None = None


class MostChars(Struct, frozen=True):
    """The length of a text."""

    chars: int


class Reading(Enum):
    """How a field is read where its type does not say all: numbers do for a name, and nothing but a boolean is one."""

    AS_NAME = 1  # a part is 0 as well as "0"
    STRICT = 2


EXTRA = "extra"
"""The field of a kind that gets what is in an object under names that are none of its fields; others leave that out."""


Name = Annotated[str, Reading.AS_NAME]
Milliseconds = Annotated[float, Bounds(-1e14, most=1e14)]
"""A time on any clock, even one that counts from 1970; what is beyond would overflow in microseconds."""
ByteCount = Annotated[int, Bounds(0, below=1 << 63)]


class ChunkEntry(Struct, frozen=True):
    """What the recorder noted of one blob; `emitted_ms` is the session clock of its `dataavailable`."""

    seq: Annotated[int, Bounds(0, below=10**18)]  # as many digits as a key can have
    bytes: ByteCount | None = None
    emitted_ms: Milliseconds | None = None
    sha256: str | None = None


class PauseEntry(Struct, frozen=True):
    """One `pause()` and `resume()`, on the session clock."""

    start_ms: Milliseconds
    end_ms: Milliseconds


class PartEntry(Struct, frozen=True):
    """One MediaRecorder run; `start_ms` and `stop_ms` are the session clock at the calls of `start()` and `stop()`."""

    part: Annotated[Name, MostChars(1024)]  # as long as a key can be
    role: str | None = None
    mime_type: str | None = None
    timeslice_ms: Milliseconds | None = None
    start_ms: Milliseconds | None = None
    stop_ms: Milliseconds | None = None
    pauses: list[PauseEntry] = field(default_factory=list)
    realtime_session_id: str | None = None
    expires_at: Any = None
    chunks: list[ChunkEntry] = field(default_factory=list)


class RecordingEntry(Struct, frozen=True):
    """A file that was imported, kept in the session as `file`; `name` is what it was called.

    `start_ms` is when it begins on the session clock, `channels` are the roles on its channels, left first.
    """

    file: Annotated[str, MostChars(255)]  # as long as a file's name can be
    name: str | None = None
    bytes: ByteCount | None = None
    sha256: str | None = None
    start_ms: Milliseconds | None = None
    channels: list[str] | None = None


class ConsentEntry(Struct, frozen=True):
    """Whether those who are heard agreed; nothing but `true` says so.

    `policy` names the notice that they were shown, `who` (or `by`) agreed, `at` is when.
    """

    recorded: Annotated[bool, Reading.STRICT] | None = None
    policy: str | None = None
    who: list[str] | None = None
    by: list[str] | None = None
    at: Any = None


class SessionDocument(Struct, frozen=True):
    """session.json (`sessiontool.session/1`); `synthetic` are the roles whose voice is none of a person."""

    session_id: Name | None = None
    started_at: str | None = None
    channels: list[str] | None = None
    speakers: dict[str, str] = field(default_factory=dict)
    synthetic: list[str] = field(default_factory=list)
    parts: list[PartEntry] = field(default_factory=list)
    recordings: list[RecordingEntry] = field(default_factory=list)
    consent: ConsentEntry | None = None


class UtteranceDocument(Struct, frozen=True, kw_only=True):
    """One line of utterances.jsonl; times in seconds on the session clock.  `extra` has the fields of other names."""

    id: Name | None = None
    role: str
    text: str
    t_start: float | None = None
    t_end: float | None = None
    interrupted: bool | None = None
    heard_text: str | None = None
    language: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
