"""What one speaker says at a stretch -> cues.

A *turn* is the utterances of one speaker that follow one another with no other speaker between and no long silence.  It
is split as one text, so that short neighbours share a cue where that reads better; `segmentation` decides where.  Where
two speakers talk at once a cue gets one line, so that both can be shown.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise
from operator import sub
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .break_points import pieces_of
from .cues import Cue
from .languages import directed, is_rtl, script_language
from .line_breaking import DASH_CELLS, line_edges
from .piece_times import times_of
from .segmentation import Script, cheapest_edges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..options import Profile
    from .cues import Spoken


class SpeakerTurn(Struct, frozen=True):
    """Utterances of one speaker, one after the other; `room_ms`: when something is said after them, None for never."""

    spoken: tuple[Spoken, ...]
    room_ms: int | None

    @property
    def language(self) -> str:
        """The language of what is said: as noted, or as its script tells; empty where neither does."""
        noted = next((one.language for one in self.spoken if one.language), "")
        return noted or script_language(" ".join(one.text for one in self.spoken))


def turns_of(spoken: Iterable[Spoken], join_ms: int | None) -> list[SpeakerTurn]:
    """The turns, by start; `spoken` as `in_turn` gives them."""
    runs: list[list[Spoken]] = []
    for one in spoken:
        last = runs[-1][-1] if runs else None
        if last and last.voice == one.voice and (join_ms is None or one.start_ms - last.end_ms <= join_ms):
            runs[-1].append(one)
        else:
            runs.append([one])
    following = [*(run[0].start_ms for run in runs[1:]), None]
    return [SpeakerTurn(tuple(run), room) for run, room in zip(runs, following, strict=False)]


def in_turn(spoken: Iterable[Spoken]) -> list[Spoken]:
    """By start, without overlap of a speaker with itself: where utterances overlap, the middle parts them."""
    ordered = sorted(spoken, key=lambda one: (one.start_ms, one.end_ms))
    last: dict[tuple[str, str], int] = {}
    for number, one in enumerate(ordered):
        before = last.get(one.voice)
        last[one.voice] = number
        if before is None or ordered[before].end_ms <= one.start_ms:
            continue
        first = ordered[before]
        middle = max(first.start_ms + 1, (one.start_ms + min(first.end_ms, one.end_ms)) // 2)
        ordered[before] = replace(first, end_ms=middle)
        ordered[number] = replace(one, start_ms=middle, end_ms=max(middle + 1, first.end_ms, one.end_ms))
    return sorted(ordered, key=lambda one: one.start_ms)


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


def split(turn: SpeakerTurn, profile: Profile, together: Sequence[tuple[int, int]], label_cells: int) -> Iterator[Cue]:
    """The cues of one turn, as the sound has them: in and out are settled later.

    `together` is where others talk as well; `label_cells` is the room that a speaker's name needs in the first cue.
    """
    script = _script(turn, profile, label_cells)
    edges = cheapest_edges(script, profile, together, label_cells)
    for first, end in pairwise(edges):
        yield _cue(script, turn, first, end, profile)


def _script(turn: SpeakerTurn, profile: Profile, label_cells: int) -> Script:
    width = profile.line_cells and profile.line_cells - max(label_cells, DASH_CELLS)
    pieces = pieces_of([one.text for one in turn.spoken], turn.language, width)
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
    return Script(pieces, starts, ends, measured, pauses, words, turn.room_ms)


def _cue(script: Script, turn: SpeakerTurn, first: int, end: int, profile: Profile) -> Cue:
    pieces, spoken = script.pieces, turn.spoken[0]
    edges = line_edges(pieces, first, end, profile)
    own = [first, *(k for k in range(first + 1, end) if pieces.forced[k]), end]
    rtl = is_rtl(turn.spoken[bisect_right([*accumulate(pieces.counts)], first)].text)
    text = pieces.text(first, end)
    bare = [text] if len(edges) == 2 else [pieces.text(low, high) for low, high in pairwise(edges)]
    lines = [directed(line, rtl=rtl) for line in bare]
    sound_ms = (script.starts[first], max(script.starts[first] + 1, script.ends[end - 1]))
    return Cue(
        *sound_ms,
        spoken.role,
        spoken.speaker,
        text,
        tuple(lines),
        sound_ms,
        turn.language,
        tuple(_word_starts(script, edges, lines)) if any(script.measured[first:end]) else (),
        tuple(pieces.text(low, high) for low, high in pairwise(own)) if len(own) > 2 else (),
        rtl,
    )


def _word_starts(script: Script, edges: Sequence[int], lines: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """(line, character, ms) of every piece whose start was measured."""
    pieces = script.pieces
    for line, (low, high) in enumerate(pairwise(edges)):
        place = len(lines[line]) - len(pieces.text(low, high))  # a mark of direction
        for k in range(low, high):
            place += len(pieces.glue[k]) if k > low else 0
            if script.measured[k]:
                yield line, place, script.starts[k]
            place += len(pieces.texts[k])
