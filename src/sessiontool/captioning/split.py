"""What one speaker says at a stretch -> cues: the cheapest way to break it, found by dynamic programming.

A *turn* is the utterances of one speaker that follow one another with nobody between and no long silence; it is split as one text,
so that short neighbours share a cue where that reads better.  A cue costs something in itself, the price of the break at its end,
and what is wrong with it: read too fast, too short, a pause inside.  Cues that do not fit the lines or last too long are no candidates.
Where two speakers talk at once a cue gets one line, so that both can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import inf
from operator import sub
from typing import TYPE_CHECKING

from .clock import times_of
from .cues import Cue
from .layout import line_edges, reach
from .phrases import BOUND, pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .cues import Spoken
    from .phrases import Pieces
    from .profiles import Profile

# What is wrong with a cue, in the currency of the prices of breaks.
_CUE = 70
_PAUSE_INSIDE, _PAUSE_INSIDE_MS = 40, 0.2
_PAUSE_BONUS = 60
_TOO_FAST, _FAST = 2000, 400
_TOO_SHORT = 600
_STUB_CELLS, _STUB = 10, 90

DASH_CELLS = 2
"""What stands before a line of one of several speakers: a dash and a space."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Utterances of one speaker, one after the other; `room_ms`: until when nobody speaks after them, None for ever."""

    spoken: tuple[Spoken, ...]
    room_ms: int | None


def turns_of(spoken: Iterable[Spoken], join_ms: int | None) -> list[Turn]:
    """The turns, by start."""
    runs: list[list[Spoken]] = []
    for one in sorted(spoken, key=lambda one: (one.start_ms, one.end_ms)):
        last = runs[-1][-1] if runs else None
        if last and last.voice == one.voice and (join_ms is None or one.start_ms - last.end_ms <= join_ms):
            runs[-1][-1:] = _in_turn(last, one)
        else:
            runs.append([one])
    following = [*(run[0].start_ms for run in runs[1:]), None]
    return [Turn(tuple(run), room) for run, room in zip(runs, following, strict=False)]


def _in_turn(first: Spoken, second: Spoken) -> tuple[Spoken, Spoken]:
    """Two utterances of one speaker, by start, without overlap: nobody says two things at once, so the middle parts them."""
    if first.end_ms <= second.start_ms:
        return first, second
    middle = max(first.start_ms + 1, (second.start_ms + min(first.end_ms, second.end_ms)) // 2)
    end_ms = max(middle + 1, first.end_ms, second.end_ms)
    return replace(first, end_ms=middle), replace(second, start_ms=middle, end_ms=end_ms)


def crowded(spoken: Iterable[Spoken]) -> list[tuple[int, int]]:
    """Where at least two speakers talk at once."""
    edges = sorted(edge for one in spoken for edge in ((one.start_ms, 1, one.voice), (one.end_ms, -1, one.voice)))
    active: dict[tuple[str, str], int] = {}
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for at, step, voice in edges:
        active[voice] = active.get(voice, 0) + step
        if not active[voice]:
            del active[voice]
        if begin is None and len(active) > 1:
            begin = at
        elif begin is not None and len(active) < 2:
            if at > begin:
                found.append((begin, at))
            begin = None
    return found


@dataclass(frozen=True, slots=True)
class _Script:
    """A turn in pieces with their times.  `pauses[k]` is the silence before piece k; `words[k]` counts the words before it."""

    pieces: Pieces
    starts: list[int]
    ends: list[int]
    measured: list[bool]
    pauses: list[int]
    words: list[int]


def split(turn: Turn, profile: Profile, together: Sequence[tuple[int, int]], label_cells: int) -> Iterator[Cue]:
    """The cues of one turn, as the sound has them: in and out are settled later.

    `together` is where others talk as well; `label_cells` is the room that a speaker's name needs in the first cue.
    """
    script = _script(turn, profile, label_cells)
    edges = _edges(script, turn, profile, together, label_cells)
    for first, end in pairwise(edges):
        yield _cue(script, turn.spoken[0], first, end, profile)


def _script(turn: Turn, profile: Profile, label_cells: int) -> _Script:
    width = profile.line_cells and profile.line_cells - max(label_cells, DASH_CELLS)
    language = next((one.language for one in turn.spoken if one.language), "")
    pieces = pieces_of([one.text for one in turn.spoken], language, width)
    starts: list[int] = []
    ends: list[int] = []
    measured: list[bool] = []
    for one, count in zip(turn.spoken, pieces.counts, strict=True):
        times = times_of(one, pieces, len(starts), len(starts) + count)
        starts += times.starts
        ends += times.ends
        measured += times.measured
    pauses = [0, *map(sub, starts[1:], ends)]
    words = list(accumulate((len(glue) for glue in pieces.glue), initial=0))
    return _Script(pieces, starts, ends, measured, pauses, words)


def _edges(
    script: _Script, turn: Turn, profile: Profile, together: Sequence[tuple[int, int]], label_cells: int
) -> list[int]:
    """Where the cues begin, and where the last one ends: the cheapest way from the first piece to the last."""
    count = len(script.starts)
    if not profile.splits or count == 1:
        return [0, count]
    candidates = _Candidates(script, turn, profile, together, label_cells)
    best = [0.0, *([inf] * count)]
    came_from = [0] * (count + 1)
    for first in range(count):
        for end, cost in candidates.after(first):
            if best[first] + cost < best[end]:
                best[end], came_from[end] = best[first] + cost, first
    edges = [count]
    while edges[-1]:
        edges.append(came_from[edges[-1]])
    return edges[::-1]


class _Candidates:
    """The cues that may begin at a piece, each with its cost."""

    def __init__(
        self, script: _Script, turn: Turn, profile: Profile, together: Sequence[tuple[int, int]], label_cells: int
    ) -> None:
        self._script, self._profile, self._together = script, profile, together
        pieces = script.pieces
        self._count = len(script.starts)
        self._min_ms, self._comfort = profile.min_ms, profile.comfort
        following = [*script.starts[1:], inf if turn.room_ms is None else turn.room_ms]
        # Until when a cue that ends with piece k can stand.
        self._gone = [max(end, min(after, end + profile.linger_ms)) for end, after in zip(script.ends, following, strict=True)]
        self._breaks = [*map(self._break, pieces.prices, script.pauses), 0]
        if profile.line_cells is None:
            self._one_line = self._most = [self._count] * self._count
            return
        self._one_line = reach(pieces, profile.line_cells - DASH_CELLS)
        full = reach(pieces, profile.line_cells)
        self._most = [_after_lines(full, end, (profile.lines or self._count) - 1) for end in full]
        if label_cells:
            first_line = reach(pieces, profile.line_cells - label_cells, most=1)[0]
            self._most[0] = _after_lines(full, first_line, (profile.lines or self._count) - 1)

    def _break(self, price: int, pause_ms: int) -> int:
        """A pause is the best place to split, but not between words that must not be parted."""
        return -_PAUSE_BONUS if pause_ms >= self._profile.pause_ms and price < BOUND else price

    def after(self, first: int) -> Iterator[tuple[int, float]]:
        """Where a cue that begins with piece `first` may end, and what it costs; there is always one."""
        script, profile = self._script, self._profile
        offsets, words, ends, pauses = script.pieces.offsets, script.words, script.ends, script.pauses
        start, max_ms = script.starts[first], profile.max_ms or inf
        before, words_before = offsets[first] + len(script.pieces.glue[first]), words[first]
        inside = 0.0
        for end in range(first + 1, self._most[first] + 1):
            sound_end = ends[end - 1]
            if end > first + 1:
                if sound_end - start > max_ms:
                    return
                if self._together and end > self._one_line[first] and self._is_shared(start, sound_end):
                    return
                if pauses[end - 1] >= profile.pause_ms:
                    inside += _PAUSE_INSIDE + _PAUSE_INSIDE_MS * (pauses[end - 1] - profile.pause_ms)
            wrong = self._reading(offsets[end] - before, words[end] - words_before, self._gone[end - 1] - start)
            yield end, _CUE + inside + self._breaks[end] + wrong

    def _is_shared(self, start: int, end: int) -> bool:
        return any(low < end and start < high for low, high in self._together)

    def _reading(self, size: int, words: int, shown_ms: float) -> float:
        """What is wrong for a reader who has `shown_ms` for so many cells and words."""
        cost = _STUB if size < _STUB_CELLS else 0.0
        if shown_ms < self._min_ms:
            cost += _TOO_SHORT * (1 - shown_ms / self._min_ms)
        by_cells, by_words = size * self._comfort[0], words * self._comfort[1]
        if shown_ms < by_cells or shown_ms < by_words:
            cost += _FAST * min(max(by_cells, by_words) / max(1.0, shown_ms) - 1, 10)
            if shown_ms < self._profile.readable_ms(size, words):
                cost += _TOO_FAST
        return cost


def _after_lines(full: Sequence[int], end: int, lines: int) -> int:
    """The first piece that does not fit on `lines` more lines after those that end at `end`."""
    while lines > 0 and end < len(full):
        end, lines = full[end], lines - 1
    return end


def _cue(script: _Script, spoken: Spoken, first: int, end: int, profile: Profile) -> Cue:
    pieces = script.pieces
    edges = line_edges(pieces, first, end, profile)
    sound_ms = (script.starts[first], max(script.starts[first] + 1, script.ends[end - 1]))
    return Cue(
        *sound_ms,
        spoken.role,
        spoken.speaker,
        pieces.text(first, end),
        tuple(pieces.text(low, high) for low, high in pairwise(edges)),
        sound_ms,
        spoken.language,
        tuple(_word_starts(script, edges)) if any(script.measured[first:end]) else (),
    )


def _word_starts(script: _Script, edges: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(line, character, ms) of every piece whose start was measured."""
    pieces = script.pieces
    for line, (low, high) in enumerate(pairwise(edges)):
        place = 0
        for k in range(low, high):
            place += len(pieces.glue[k]) if k > low else 0
            if script.measured[k]:
                yield line, place, script.starts[k]
            place += len(pieces.texts[k])
