"""Words whose times a log tells, from the start of their utterance's sound, put where that was found.

Not here: words that are found in the sound itself (`forced_alignment`), which know better.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..model import SAMPLE_RATE, TimedWord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import LoggedWord, Placement

_NO_LETTER = r"[\W_]+"
_SURE = 0.5  # share: the least confidence of a place that is used; chosen


def with_logged_words(placements: Sequence[Placement]) -> tuple[Placement, ...]:
    """The placements, each with the words of what was heard of it, where it has none and the log knows their times."""
    return tuple(map(_with_words, placements))


def _with_words(placement: Placement) -> Placement:
    start, end, logged = placement.start_samples, placement.end_samples, placement.utterance.logged_words
    if start is None or end is None or not logged or placement.words or placement.confidence < _SURE:
        return placement
    text = placement.utterance.audible_text if placement.heard_text is None else placement.heard_text
    first_us, low = logged[0].start_us, start
    words = []
    for token, begin_us, end_us in matched_words(text, logged):
        begin, stop = (start + round((us - first_us) * SAMPLE_RATE / 1_000_000) for us in (begin_us, end_us))
        begin = min(max(begin, low), end)
        low = min(max(stop, begin), end)
        words.append(TimedWord(token, begin, low, "logged"))
    return replace(placement, words=tuple(words))


def matched_words(text: str, logged: Sequence[LoggedWord]) -> list[tuple[str, int, int]]:
    """The words of a text with the times (µs) of those that the log has; none where the two are not the same words."""
    found: list[tuple[str, int, int]] = []
    place, reached_us = 0, logged[0].start_us if logged else 0
    for token in text.split():
        wanted, letters, begin_us = _letters(token), "", None
        while len(letters) < len(wanted) and place < len(logged):
            begin_us = logged[place].start_us if begin_us is None else begin_us
            reached_us = max(reached_us, logged[place].end_us)
            letters += _letters(logged[place].text)
            place += 1
        if letters != wanted:
            return []
        found.append((token, reached_us if begin_us is None else begin_us, reached_us))
    return found


def heard_of(text: str, logged: Sequence[LoggedWord], heard_us: float) -> str | None:
    """The beginning of a text whose words had been said by then; None where its words are not those of the log.

    A word counts from its middle on.
    """
    words = matched_words(text, logged)
    if not words:
        return None
    count = sum((begin_us + end_us) / 2 <= heard_us for _, begin_us, end_us in words)
    return " ".join(word for word, _, _ in words[:count])


def _letters(text: str) -> str:
    return re.sub(_NO_LETTER, "", text.casefold())
