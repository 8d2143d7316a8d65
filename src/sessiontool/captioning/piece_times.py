"""When each piece of a text is said.

The best evidence first: the times of its words, where they were measured.  Else the stretches of speech inside the
utterance, over which characters are spread evenly (`interpolate`).  Else the utterance's start and end.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from msgspec import Struct

from ..speech.interpolate import spread, stretches_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .break_points import Pieces
    from .cues import Spoken, Word

_NO_LETTER = r"[\W_]+"
_MOST_COMPARED = 1_000_000
"""Words times words that are compared one by one: a thousand of each, far more than is said at a stretch (chosen)."""


class Times(Struct, frozen=True):
    """Start and end of each piece in ms, never running back; `measured`: whether a piece's start is a word's own."""

    starts: list[int]
    ends: list[int]
    measured: list[bool]


def times_of(spoken: Spoken, pieces: Pieces, first: int, end: int) -> Times:
    """When the pieces `first` to `end` (exclusive), which are the text of `spoken`, are said."""
    times = _by_words(spoken, pieces.texts[first:end]) if spoken.words else None
    if times is None:
        times = _by_speech(spoken, pieces, first, end)
    return _in_order(times, spoken.start_ms, spoken.end_ms)


def _in_order(times: Times, low: int, high: int) -> Times:
    """The same, clamped to the utterance and never running back: a split must not turn time round."""
    both = [*chain.from_iterable(zip(times.starts, times.ends, strict=True))]
    if both and low <= both[0] and both[-1] <= high and both == sorted(both):  # as all that were not measured
        return times
    starts, ends = [], []
    for start, end in zip(times.starts, times.ends, strict=True):
        starts.append(low := min(max(start, low), high))
        ends.append(low := min(max(end, low), high))
    return Times(starts, ends, times.measured)


# -- by the words' own times


def _by_words(spoken: Spoken, texts: Sequence[str]) -> Times | None:
    """By measured words; None where too little of the text is among them.

    Words and pieces need not be the same: the text may have been corrected by hand, and CJK pieces are characters.
    So letters are compared, and what has no counterpart is between its neighbours.
    """
    mine = [_letters(text) for text in texts]
    theirs = [_letters(word.text) for word in spoken.words]
    if mine == theirs:
        words = spoken.words
        return Times([w.start_ms for w in words], [w.end_ms for w in words], [True] * len(words))
    if "".join(mine) == "".join(theirs):
        return _by_letters(mine, theirs, spoken.words)
    return _by_likeness(mine, theirs, spoken)


def _letters(text: str) -> str:
    return text.lower() if text.isalnum() else re.sub(_NO_LETTER, "", text).lower()


def _by_letters(mine: Sequence[str], theirs: Sequence[str], words: Sequence[Word]) -> Times:
    """The same letters, cut differently: each letter has its share of its word."""
    begins: list[float] = []
    finishes: list[float] = []
    for letters, word in zip(theirs, words, strict=True):
        share = (word.end_ms - word.start_ms) / max(1, len(letters))
        begins += [word.start_ms + share * n for n in range(len(letters))]
        finishes += [word.start_ms + share * (n + 1) for n in range(len(letters))]
    edges = list(accumulate(map(len, theirs), initial=0))
    starts, ends, measured, place, last = [], [], [], 0, words[0].start_ms
    for letters in mine:
        following = place + len(letters)
        starts.append(round(begins[place]) if letters else last)
        ends.append(last := round(finishes[following - 1]) if letters else last)
        measured.append(bool(letters) and edges[bisect_left(edges, place)] == place)
        place = following
    return Times(starts, ends, measured)


def _by_likeness(mine: Sequence[str], theirs: Sequence[str], spoken: Spoken) -> Times | None:
    """Some words are others: those that are the same have their times, those between share what is between."""
    if len(mine) * len(theirs) > _MOST_COMPARED:
        return None
    from difflib import SequenceMatcher  # noqa: PLC0415 - only where the text was changed

    pairs: dict[int, int] = {}
    for match in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        pairs |= {match.a + n: match.b + n for n in range(match.size)}
    if 2 * len(pairs) < len(mine):
        return None
    starts, ends = [0] * len(mine), [0] * len(mine)
    known = sorted(pairs)
    for index in known:
        starts[index], ends[index] = spoken.words[pairs[index]].start_ms, spoken.words[pairs[index]].end_ms
    for before, after in zip([-1, *known], [*known, len(mine)], strict=True):
        left = ends[before] if before >= 0 else spoken.start_ms
        right = starts[after] if after < len(mine) else spoken.end_ms
        between = range(before + 1, after)
        weights = list(accumulate((max(1, len(mine[index])) for index in between), initial=0))
        for n, index in enumerate(between):
            starts[index] = left + (right - left) * weights[n] // weights[-1]
            ends[index] = left + (right - left) * weights[n + 1] // weights[-1]
    return Times(starts, ends, [index in pairs for index in range(len(mine))])


# -- by the share of speech


def _by_speech(spoken: Spoken, pieces: Pieces, first: int, end: int) -> Times:
    stretches = stretches_of(spoken.speech, spoken.start_ms, spoken.end_ms)
    spans = spread(stretches, pieces.sizes[first:end], pieces.prices[first:end])
    return Times([start for start, _ in spans], [stop for _, stop in spans], [False] * (end - first))
