"""How long all the sound of a turn is, and which words of one that was cut off were played."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from ..speech.duration_model import MS_PER_UNIT, heard_part, units_of
from ..speech.logged_words import heard_of
from .turn import ASSISTANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .conversation import Conversation
    from .turn import Turn

LEAST_RATES = 2
"""Answers that were heard to their end, by which a rate is measured; chosen: one may be an exception."""
_TOKEN_MS, _TOKEN_OFF_MS = 50.0, 8.0
"""Length of sound that a token is worth (by OpenAI's definition, 20 a second), and how far it may be off; chosen."""


def measure(turns: Sequence[Turn], conversation: Conversation) -> None:
    """The length of all the sound of turns, heard or not, by its tokens of 50 ms.

    Turns that were played whole tell whether the counts can be believed, and what a token is worth exactly.
    """
    for turn in turns:
        if turn.whole_ms is None and turn.words:
            turn.whole_ms = max(word.end_us for word in turn.words) / 1000
    tokens = {
        next(iter(response.items)): response.sound_tokens
        for response in conversation.responses.values()
        if len(response.items) == 1 and response.sound_tokens
    }
    worth = [
        (turn.end_ms - turn.start_ms) / tokens[turn.id]
        for turn in turns
        if turn.id in tokens and not turn.interrupted and turn.start_ms is not None and turn.end_ms is not None
    ]
    token_ms = median(worth) if len(worth) >= LEAST_RATES else _TOKEN_MS
    spread_ms = median(abs(one - token_ms) for one in worth) if worth else 0.0
    if abs(token_ms - _TOKEN_MS) > _TOKEN_OFF_MS or spread_ms > _TOKEN_OFF_MS:
        return
    for turn in turns:
        whole_ms = token_ms * tokens.get(turn.id, 0)
        if turn.whole_ms is None and 0.5 < whole_ms / (MS_PER_UNIT * max(1.0, units_of(turn.text))) < 2:
            turn.whole_ms = whole_ms


def hear(turns: Sequence[Turn]) -> None:
    """The words of interrupted turns that were played: by the length of their sound, or by how fast others are said."""
    rates = [
        (turn.end_ms - turn.start_ms) / units
        for turn in turns
        if turn.role == ASSISTANT and not turn.interrupted and turn.start_ms is not None and turn.end_ms is not None
        if (units := units_of(turn.text)) > 0
    ]
    rate = median(rates) if len(rates) >= LEAST_RATES else MS_PER_UNIT
    for turn in turns:
        if turn.interrupted and turn.heard_ms is not None and turn.heard is None:
            whole_ms = turn.whole_ms or rate * units_of(turn.text)
            by_words = heard_of(turn.text, turn.words, turn.heard_ms * 1000)
            turn.heard = heard_part(turn.text, turn.heard_ms / max(1.0, whole_ms)) if by_words is None else by_words
