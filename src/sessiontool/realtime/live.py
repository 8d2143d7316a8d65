"""The fragments of a Live session's transcript -> turns.

A Live session tells no items and no ends of turns: only pieces of text, each with its time.  A speaker's turn goes on
until a pause of a second, or a shorter one after the end of a sentence if the other speaker said something meanwhile.

Not here: fragments of no length, which are context that was appended and not spoken (`notes`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ..documents.utf8_damage import rejoined
from .turn import ASSISTANT, USER, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .conversation import Fragment
    from .session_clock import SessionClock

_PAUSE_MS, _SHORT_PAUSE_MS = 1000.0, 300.0
"""Pauses between fragments that end an utterance: any, and one behind a whole sentence; chosen."""
_OTHER = {USER: ASSISTANT, ASSISTANT: USER}
_SENTENCE_ENDS = (".", "?", "!", "\u2026", "\u3002")


def live_turns(fragments: Sequence[Fragment], clocks: Mapping[int, SessionClock]) -> list[Turn]:
    """The turns of all Live sessions, by time for each speaker."""
    turns: list[Turn] = []
    spoken: dict[tuple[int, str], list[Fragment]] = {}
    for fragment in fragments:
        if fragment.end_ms > fragment.start_ms:
            spoken.setdefault((fragment.session.number, fragment.role), []).append(fragment)
    for (number, role), group in sorted(spoken.items()):
        mine = sorted(group, key=lambda fragment: fragment.start_ms)
        others = sorted(f.start_ms for f in spoken.get((number, _OTHER[role]), ()))
        for count, pieces in enumerate(_parted(mine, others)):
            text = rejoined("".join(piece.text for piece in pieces)).strip()
            if not text:
                continue
            clock, ends = clocks[number], max(piece.end_ms for piece in pieces)
            start, end = (clock.at(ms) for ms in (pieces[0].start_ms, ends))
            name = f"{pieces[0].session.id or f'live-{number}'}-{role}-{count}"
            turns.append(Turn(name, role, text, number, start, end, order=(start, count)))
    return turns


def _parted(fragments: Sequence[Fragment], others: Sequence[float]) -> Iterator[list[Fragment]]:
    pieces: list[Fragment] = []
    reached = 0.0
    text = ""
    for fragment in fragments:
        gap = fragment.start_ms - reached
        if pieces and (gap >= _PAUSE_MS or (gap >= _SHORT_PAUSE_MS and _is_over(text, reached, fragment, others))):
            yield pieces
            pieces, text = [], ""
        pieces.append(fragment)
        text = (text + fragment.text)[-20:]
        reached = max(reached if len(pieces) > 1 else 0.0, fragment.end_ms)
    if pieces:
        yield pieces


def _is_over(text: str, reached_ms: float, fragment: Fragment, others: Sequence[float]) -> bool:
    """Whether a sentence is at its end, and another speaker spoke since."""
    is_answered = bisect_left(others, fragment.start_ms) > bisect_left(others, reached_ms - _SHORT_PAUSE_MS)
    return text.rstrip().rstrip("\"'\u201d\u2019)").endswith(_SENTENCE_ENDS) and is_answered
