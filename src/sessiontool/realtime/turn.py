"""A turn of the conversation: what one item, or a stretch of a Live transcript, says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from ..model import LoggedWord

USER, ASSISTANT = "user", "assistant"


class Turn(Struct):
    """What one item says.  Times are milliseconds of the session clock, None where the log does not know.

    `transcription` tells what is wrong with a user's text: `failed`, `empty`, `missing` or `incomplete`; nothing
    where it is whole.  `unfinished` is why the server did not finish an answer.  `heard_ms` is how much of an
    interrupted turn was played, `heard` the words of it, None where only the sound can tell.  `is_open`: the log ends,
    or its session does, before the turn did.  `words` have the times of words from the start of their sound, `segments`
    are what a transcription that tells speakers apart says of each.  `received_ms` is when it was received that a user
    is done, and the first sound of an answer, or that it is played.  `arrived_ms` is when something of it was received
    first, where the log has neither a start nor an end.
    """

    id: str
    role: str
    text: str
    session: int
    start_ms: float | None = None
    end_ms: float | None = None
    arrived_ms: float | None = None
    received_ms: float | None = None
    whole_ms: float | None = None
    interrupted: bool = False
    heard_ms: float | None = None
    heard: str | None = None
    transcription: str = ""
    unfinished: str = ""
    language: str = ""
    words: tuple[LoggedWord, ...] = ()
    segments: list[dict[str, Any]] = field(default_factory=list)
    is_open: bool = False
    previous: str | None = None
    order: tuple[float, int] = (0.0, 0)
