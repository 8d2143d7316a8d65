"""Where the text of a turn is broken into cues: the cheapest way, found by dynamic programming.

A cue costs something in itself, the price of the break at its end, and what is wrong with it: read too fast, too
short, a pause inside, lines that part what belongs together, the end of one sentence with the beginning of the next.
Cues that do not fit the lines or last too long are no candidates.  One pass over the pieces; each looks at the dozen
or two that fit a cue with it.
"""

from __future__ import annotations

from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct

from .break_points import BOUND, DANGLING, SENTENCE
from .line_breaking import DASH_CELLS, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..options import Profile
    from .break_points import Pieces

# What is wrong with a cue, in the unit of the prices of breaks.
_CUE = 70  # price of a cue more; chosen
_PAUSE_INSIDE, _PAUSE_INSIDE_MS = 40, 0.2  # price of a pause, and of each ms of it; chosen
_PAUSE_BONUS = 60  # price saved by a break at a pause; chosen
_TOO_FAST, _FAST = 2000, 400  # prices above the profile's two limits; chosen
_TOO_SHORT = 600  # price below the profile's least length; chosen
_STUB_CELLS, _STUB = 10, 90  # length of a stub, and its price; chosen
_PATCHWORK = 60
"""Price (chosen) of each end of a cue that has a sentence's end inside and is not itself at one."""
_MOST_PIECES = 400
"""Chosen: no cue has more, whatever a profile allows, so that what a piece is compared with stays bounded."""
_LINE = 0.4
"""Share of its price that a break between two lines costs (chosen)."""


class Script(Struct, frozen=True):
    """A turn in pieces with their times in milliseconds.

    `pauses[k]` is the silence before piece k; `words[k]` counts the words before it; `room_ms` is when the next
    speaker begins, None for never.
    """

    pieces: Pieces
    starts: list[int]
    ends: list[int]
    measured: list[bool]
    pauses: list[int]
    words: list[int]
    room_ms: int | None


def cheapest_edges(
    script: Script, profile: Profile, together: Sequence[tuple[int, int]], label_cells: int
) -> list[int]:
    """The piece with which each cue begins, and the number of pieces: where the cues begin and the last one ends."""
    count = len(script.starts)
    if not profile.splits or count == 1:
        return [0, count]
    candidates = _Candidates(script, profile, together, label_cells)
    best = [0.0, *([inf] * count)]
    came_from = [0] * (count + 1)
    for first in range(count):
        so_far = best[first]
        for end, cost in candidates.after(first) if so_far < inf else ():
            if so_far + cost < best[end]:
                best[end], came_from[end] = so_far + cost, first
    edges = [count]
    while edges[-1]:
        edges.append(came_from[edges[-1]])
    return edges[::-1]


class _Candidates:
    """The cues that may begin at a piece, each with its cost."""

    def __init__(self, script: Script, profile: Profile, together: Sequence[tuple[int, int]], label_cells: int) -> None:
        self._script, self._profile, self._together = script, profile, together
        self._max_ms = profile.max_ms or inf
        self._prices = [*script.pieces.prices, SENTENCE]
        self._breaks = [*map(self._break, script.pieces.prices, script.pauses), 0]
        following = [*script.starts[1:], inf if script.room_ms is None else script.room_ms]
        # Until when a cue that ends with piece k can stand.
        self._stands = [
            max(end, min(after, end + profile.linger_ms)) for end, after in zip(script.ends, following, strict=True)
        ]
        self._measure(label_cells)

    def _break(self, price: int, pause_ms: int) -> int:
        """A pause is the best place to split, but not between words that must not be parted."""
        return -_PAUSE_BONUS if pause_ms >= self._profile.pause_ms and price < BOUND else price

    def _measure(self, label_cells: int) -> None:
        """For each piece: how far one line goes, how far a cue goes, and from where on a line can end there."""
        pieces, profile, count = self._script.pieces, self._profile, len(self._script.starts)
        self._line = self._most = self._dashed = [min(count, k + _MOST_PIECES) for k in range(count)]
        self._back = [0] * (count + 1)
        if profile.line_cells is None:
            return
        self._line = reach(pieces, profile.line_cells)
        if self._together:
            self._dashed = reach(pieces, profile.line_cells - DASH_CELLS)
        lines = profile.lines or _MOST_PIECES
        if profile.lines:
            self._most = [_after_lines(self._line, end, lines - 1) for end in self._line]
        if label_cells:
            beside_label = reach(pieces, profile.line_cells - label_cells, most=1)[0]
            self._most[0] = _after_lines(self._line, beside_label, lines - 1)
        start = 0
        for end in range(1, count + 1):
            while self._line[start] < end:
                start += 1
            self._back[end] = start

    def after(self, first: int) -> Iterator[tuple[int, float]]:
        """Where a cue that begins with piece `first` may end, and what it costs; there is always one.

        An end at which a break is very unlikely is left out, unless there is no other.
        """
        script, breaks, prices, offsets = self._script, self._breaks, self._prices, self._script.pieces.offsets
        ends, pauses, stands, words = script.ends, script.pauses, self._stands, script.words
        start, line, most = script.starts[first], self._line[first], self._most[first]
        before, words_before = offsets[first] + len(script.pieces.glue[first]), words[first]
        pause_ms, max_ms, together = self._profile.pause_ms, self._max_ms, self._together
        least = self._least_prices(first, line) if most > line else []
        inside, sentences, found, fallback = 0.0, 0, False, first + 1
        for end in range(first + 1, most + 1):
            if end > first + 1:
                if ends[end - 1] - start > max_ms or (together and self._must_be_one_line(first, end)):
                    break
                if pauses[end - 1] >= pause_ms:
                    inside += _PAUSE_INSIDE + _PAUSE_INSIDE_MS * (pauses[end - 1] - pause_ms)
                sentences += prices[end - 1] == SENTENCE
            if breaks[end] >= DANGLING:
                fallback = end
                continue
            cost = _CUE + inside + breaks[end]
            cost += self._reading(offsets[end] - before, words[end] - words_before, stands[end - 1] - start)
            if line < end and self._back[end] <= line:  # it takes two lines
                cost += _LINE * least[self._back[end] - first]
            if sentences:
                cost += _PATCHWORK * ((prices[first] > SENTENCE) + (prices[end] > SENTENCE))
            found = True
            yield end, cost
        if not found:
            yield fallback, _CUE + inside + breaks[fallback]

    def _least_prices(self, first: int, line: int) -> list[int]:
        """For each piece from `first` on, up to `line`, the least price of a break from there up to `line`."""
        found = [*accumulate(reversed(self._prices[first + 1 : line + 1]), min)]
        return [found[-1], *reversed(found)]

    def _must_be_one_line(self, first: int, end: int) -> bool:
        """Whether the pieces take more than a line while another speaker talks as well."""
        if end <= self._dashed[first]:
            return False
        start_ms, end_ms = self._script.starts[first], self._script.ends[end - 1]
        return any(low < end_ms and start_ms < high for low, high in self._together)

    def _reading(self, size: int, words: int, shown_ms: float) -> float:
        """What is wrong for a reader who has `shown_ms` for so many cells and words."""
        profile = self._profile
        cost = _STUB if size < _STUB_CELLS else 0.0
        if shown_ms < profile.min_ms:
            cost += _TOO_SHORT * (1 - shown_ms / profile.min_ms)
        wanted_ms = profile.comfortable_ms(size, words)
        if shown_ms < wanted_ms:
            cost += _FAST * min(wanted_ms / max(1.0, shown_ms) - 1, 10)
            if shown_ms < profile.readable_ms(size, words):
                cost += _TOO_FAST
        return cost


def _after_lines(line: Sequence[int], end: int, lines: int) -> int:
    """The first piece that does not fit on `lines` more lines after one that ends at `end`."""
    while lines > 0 and end < len(line):
        end, lines = line[end], lines - 1
    return end
