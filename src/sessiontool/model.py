"""The values that stages hand to one another: frozen, integers inside, the unit in every name.

Three clocks meet here.  The *session clock* is the recorder page's monotonic clock, zero at `started_at`.  The
*recorder clock* is one part's block timestamps, zero at that part's start.  *Output samples* count the decoded
recording at 48 kHz.  What comes from or goes to JSON is in `documents`.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

SAMPLE_RATE = 48_000
"""Opus counts time in samples at 48 kHz whatever the encoder was fed (RFC 7845, section 4)."""

SAMPLES_PER_MS = SAMPLE_RATE // 1000  # derived

INAUDIBLE = "[inaudible]"
"""The text of a turn that has sound and whose own text is not known."""

Severity = Literal["info", "warning", "error"]


def samples_to_us(samples: int) -> int:
    """Microseconds of `samples` at 48 kHz, rounded to the nearest."""
    return (samples * 125 + 3) // 6


def us_to_samples(us: int) -> int:
    """Samples at 48 kHz of `us` microseconds, rounded to the nearest."""
    return (us * 6 + 62) // 125


def in_largest_unit(seconds: float) -> str:
    """A length of time for people, in its largest unit."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


class Finding(Struct, frozen=True):
    """Something parsing had to be lenient about, or that a person should know.

    `at_s` is a position in the output in seconds, `lost_ms` how much recorded time is gone for good.
    """

    code: str
    severity: Severity
    message: str
    part: str | None = None
    seq: int | None = None
    byte_offset: int | None = None
    at_s: float | None = None
    lost_ms: float | None = None
    hint: str = ""


class StoredObject(Struct, frozen=True, eq=False):
    """One object of a store: its key below the store's root, its size, and a tag that changes when its content does.

    `modified_s` is when the store got it, in seconds since 1970; it is no part of what the object is.
    """

    key: str
    size_bytes: int
    tag: str
    modified_s: float = 0.0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StoredObject):
            return NotImplemented
        return (self.key, self.size_bytes, self.tag) == (other.key, other.size_bytes, other.tag)

    def __hash__(self) -> int:
        return hash((self.key, self.size_bytes, self.tag))


class StoredVersion(Struct, frozen=True):
    """One version of an object, or a marker that says it was deleted: what must go for the object to be gone.

    `version` is empty in stores without versions.  `is_current`: it is what a request gets, or would be reported gone.
    """

    key: str
    size_bytes: int
    tag: str
    modified_s: float
    version: str = ""
    is_current: bool = True
    is_marker: bool = False


class ChunkRef(Struct, frozen=True, order=True):
    """One recorded blob in a store.  `part` is as spelt in the key; `seq` is compared as a number."""

    object: StoredObject
    part: str
    seq: int


class SessionListing(Struct, frozen=True):
    """What a store holds of one session.

    `chunks` are in order of part, then seq.  `documents` maps a file name of the session folder (`session.json`,
    `utterances.jsonl`, `events.jsonl`, …) to its object.  `ignored` are objects that fit no pattern.  `chunks_folder`
    is where the layout puts the session's chunks and nothing else: a key's beginning up to a slash, or empty.
    `has_result` is false where the listing shows that the store has no result of the session in its own place for them.
    """

    session_id: str
    folder: str
    chunks: tuple[ChunkRef, ...]
    documents: dict[str, StoredObject]
    ignored: tuple[StoredObject, ...] = ()
    chunks_folder: str = ""
    has_result: bool = True

    @property
    def newest_chunk_s(self) -> float:
        """When the last chunk arrived, in seconds since 1970; 0 without chunks."""
        return max((chunk.object.modified_s for chunk in self.chunks), default=0.0)


class LoggedWord(Struct, frozen=True):
    """A word of which a log tells when it is said: microseconds from the start of its utterance's sound."""

    text: str
    start_us: int
    end_us: int


class Utterance(Struct, frozen=True):
    """What the log says was said: times in integer microseconds on the session clock, None where it does not know.

    `heard_text` is what of an interrupted turn could be heard, None where that is all of it or it is unknown;
    `heard_estimated` says that it was worked out of times, which the sound may correct.  `extra` holds the log's
    unknown fields, handed through to the transcript untouched.  `logged_text` is the log's text and
    `speaker` the name to show, where a person corrected them, else None.  `generated_us` is the length of all the sound
    that was made of the text, heard or not, where that is known.  `arrived_us` is when the text was received, where the
    log has nothing better: it is then taken for the end of a user's utterance and the start of an assistant's.
    `logged_words` are words whose times the log has.
    """

    id: str
    role: str
    text: str
    t_start_us: int | None
    t_end_us: int | None
    interrupted: bool | None = None
    language: str | None = None
    heard_text: str | None = None
    heard_estimated: bool = False
    generated_us: int | None = None
    logged_text: str | None = None
    speaker: str | None = None
    arrived_us: int | None = None
    logged_words: tuple[LoggedWord, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def audible_text(self) -> str:
        """What there should be sound of."""
        return self.text if self.heard_text is None else self.heard_text


class Note(Struct, frozen=True):
    """Something in a conversation that was not spoken, and when it came: integer microseconds on the session clock.

    `kind` is `instructions`, `context` (put in by the application), `text` (typed, or answered in writing),
    `tool_call`, `tool_result`, `approval_request` and `approval` (of a call of an MCP server), `dtmf` (keys that a
    caller pressed), `failed_answer` (why the server gave none), or a Live session's `commentary`, `thinking` or
    `delegation`.  `extra` holds a tool's `name`, `call_id`, `arguments`, `output` and the like.
    """

    id: str
    kind: str
    text: str
    t_us: int | None
    role: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


PlacementStatus = Literal["aligned", "clipped", "no_audio", "unmatched"]
WordSource = Literal["aligned", "spread", "logged"]


class Phone(Struct, frozen=True):
    """One sound of a word and when it is said, in output samples; its name is ARPAbet's, as in the CMU dictionary."""

    name: str
    start_samples: int
    end_samples: int


class TimedWord(Struct, frozen=True):
    """One word of an utterance and when it is said, in output samples.

    `source` says how that is known: `aligned` with the sound itself, `spread` over the speech by the word's length, or
    `logged` by the server that made it.  `phones` are its sounds in order, empty where they were not looked for.
    """

    text: str
    start_samples: int
    end_samples: int
    source: WordSource
    phones: tuple[Phone, ...] = ()


SURE = 0.8
"""Confidence, a share: from there on a place is called sure, in all results and pages.  Chosen; nine of ten such places
and more are right (docs/alignment.md), and with them on both sides 95 % of response gaps are within 27 ms of the truth,
without 70 ms (docs/metrics.md)."""


class Placement(Struct, frozen=True):
    """Where one utterance sounds: output samples, both None where there is no sound for it.

    `speech` are the stretches (start, end) of it that sound like speech, empty where they were not searched for.
    `words` are those that were heard, in order, empty where they were not asked for.  `heard_text` is what was audible
    of the text, None where that is all of it or is not known.  `gap_cut` says what a gap of the recording, or its end,
    cuts off; where a `clipped` one has none, it was cut off by a speaker.
    """

    utterance: Utterance
    start_samples: int | None
    end_samples: int | None
    status: PlacementStatus
    confidence: float
    speech: tuple[tuple[int, int], ...] = ()
    words: tuple[TimedWord, ...] = ()
    heard_text: str | None = None
    gap_cut: Literal["", "head", "tail", "both"] = ""
