"""What a log of events holds: sessions, items and responses, with all that was said of each.

Nothing is decided here: texts from different events stand side by side.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ..documents.utf8_damage import rejoined
from .settings import RealtimeSettings

if TYPE_CHECKING:
    from ..model import LoggedWord

SPOKEN = ("input_audio", "output_audio")

TRANSLATED_STEP_MS = 200.0
"""How much sound a translation has in each of its steps; chosen by the server, and documented."""

COMPLETED, DONE, PART, ITEM, SEGMENTS, FRAGMENTS = range(6)
"""What a text is from, the best first: levels, chosen in this order."""


class Mark(Struct):
    """A server's statement of where speech began or ended on its own clock, and when it was received."""

    audio_ms: float
    at_ms: float | None
    session: Session


class Fragment(Struct):
    """A piece of a Live transcript: who said it, and when on the session's clock."""

    role: str
    text: str
    start_ms: float
    end_ms: float
    session: Session
    at_ms: float | None = None


class Session(Struct, eq=False):
    """One Realtime or Live session.  `settings` are those that held from a time on (session clock; None: always).

    `ended` says how, as far as the log tells: `expired`, `closed`, a Live session's reason, or nothing.  `appended`
    has, for each append in turn, how much input there was after it, in ms, and when it was received.
    """

    number: int
    id: str = ""
    api: str = "realtime"
    model: str = ""
    expires_at: float | None = None
    created_ms: float | None = None
    last_ms: float | None = None
    events: int = 0
    ended: str = ""
    ended_ms: float | None = None
    settings: list[tuple[float | None, RealtimeSettings]] = field(default_factory=list)
    appended: array[float] = field(default_factory=lambda: array("d"))
    appended_ms: float = 0.0

    def received_span_ms(self, at_ms: float | None) -> tuple[float, float] | None:
        """When a fragment without a time was said, on this session's clock: in the step before it was received."""
        if at_ms is None:
            return None
        end_ms = at_ms - (self.created_ms or 0.0)
        return end_ms - TRANSLATED_STEP_MS, end_ms

    def settings_at(self, at_ms: float | None) -> RealtimeSettings:
        """The settings in force at a moment of the session clock."""
        if not self.settings:
            return RealtimeSettings()
        place = len(self.settings) if at_ms is None else bisect_right(self.settings, at_ms, key=_since)
        return self.settings[max(0, place - 1)][1]


def _since(held: tuple[float | None, RealtimeSettings]) -> float:
    return float("-inf") if held[0] is None else held[0]


class Item(Struct, eq=False):
    """All that is known of one item.  `first_ms` is when it was first heard of, `place` how far into the log that was.

    `arrived_ms` is when the first of its events came that has a receive time.  `texts` are by content part and source.
    `spoken_ms` is how long a user's sound is that was transcribed, `words` are
    those of an answer, timed from the start of its sound, `segments` what a transcription says of each speaker.
    """

    id: str
    session: Session
    place: int
    first_ms: float | None
    arrived_ms: float | None = None
    role: str = ""
    type: str = "message"
    status: str = ""
    previous: str | None = None
    response: str | None = None
    kinds: set[str] = field(default_factory=set)
    texts: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    started: Mark | None = None
    stopped: Mark | None = None
    committed_ms: float | None = None
    is_committed: bool = False
    is_discarded: bool = False
    is_idle: bool = False
    is_pushed: bool = False
    transcription: str = ""
    truncated: tuple[float, float | None] | None = None
    asked: tuple[float, float | None] | None = None
    sound_bytes: int = 0
    sound_ms: float | None = None
    tool: dict[str, Any] = field(default_factory=dict)
    language: str = ""
    spoken_ms: float | None = None
    words: list[LoggedWord] = field(default_factory=list)
    segments: list[dict[str, Any]] = field(default_factory=list)

    def add_text(self, part: int, source: int, text: str | None) -> None:
        """A text of a content part; fragments and segments are pieces of one, of all others the longest counts."""
        if text is None:
            return
        pieces = self.texts.setdefault((part, source), [])
        if source in (SEGMENTS, FRAGMENTS):
            pieces.append(text)
        elif not pieces or len(text) > len(pieces[0]):
            pieces[:] = [text]

    def text(self) -> str:
        """The best text of each part, in their order."""
        parts: dict[int, str] = {}
        for (part, _), pieces in sorted(self.texts.items()):
            parts[part] = parts.get(part) or rejoined("".join(pieces)).strip()
        return " ".join(filter(None, (text for _, text in sorted(parts.items()))))

    @property
    def is_spoken(self) -> bool:
        """Whether there is, or should have been, sound of it."""
        return bool(self.kinds.intersection(SPOKEN)) or self.started is not None or self.sound_bytes > 0


class Response(Struct):
    """One answer of the model: its items, when its sound ran (session clock), and how many tokens all of it has.

    `reason` is why it failed or is not whole, in the server's words; `first_ms` and `place` are when it was first heard
    of, and how far into the log that was.
    """

    id: str
    session: Session
    place: int = 0
    first_ms: float | None = None
    items: dict[str, None] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    started_ms: float | None = None
    stopped_ms: float | None = None
    cleared_ms: float | None = None
    sound_tokens: int = 0


class Pushed(Struct):
    """Something put into the conversation that is not speech: new instructions, a Live session's context."""

    kind: str
    text: str
    at_ms: float | None
    session: Session
    extra: dict[str, Any] = field(default_factory=dict)


class Conversation(Struct):
    """Everything a log holds.

    `round_trips_ms` are the times from the page's requests to the server's answers, `perhaps_trips_ms` those to what
    may as well have come by itself.
    """

    sessions: list[Session] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)
    responses: dict[str, Response] = field(default_factory=dict)
    fragments: list[Fragment] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    errors: list[tuple[str, str, float | None]] = field(default_factory=list)
    round_trips_ms: list[float] = field(default_factory=list)
    perhaps_trips_ms: list[float] = field(default_factory=list)
    has_playback: bool = False
