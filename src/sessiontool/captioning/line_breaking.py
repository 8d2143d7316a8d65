"""A cue's text in lines: as few as hold it, broken at the best places, and balanced."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .break_points import pieces_of
from .cell_width import cells

if TYPE_CHECKING:
    from ..options import Profile
    from .break_points import Pieces

_BALANCED_LINES = 6
"""Lines; chosen: beyond as many a balance is not seen, and they are filled one by one."""
_UNBALANCED = 7
"""Chosen: what a cell of difference between a line and the mean costs, against the prices of breaks."""


DASH_CELLS = 2
"""Before a line of one of several speakers: a dash and a space (by definition)."""


def line_edges(pieces: Pieces, first: int, end: int, profile: Profile) -> list[int]:
    """Where the lines of the pieces `first` to `end` (exclusive) begin, and `end`; as many lines as they need.

    A line that the text has itself is one here too.
    """
    if profile.line_cells is None:
        return [first, end]
    forced = [k for k in range(first + 1, end) if pieces.forced[k]]
    if forced:
        runs = pairwise([first, *forced, end])
        return [first, *(edge for low, high in runs for edge in line_edges(pieces, low, high, profile)[1:])]
    if pieces.cells(first, end) <= profile.line_cells:
        return [first, end]
    edges = _filled(pieces, first, end, profile.line_cells)
    count = len(edges) - 1
    return _balanced(pieces, first, end, count, profile.line_cells) if count <= _BALANCED_LINES else edges


def lay_out(text: str, language: str, profile: Profile) -> tuple[str, ...]:
    """A clean text in lines, such as that of a cue with its speaker's name before it; its own lines remain."""
    if profile.line_cells is None or ("\n" not in text and cells(text) <= profile.line_cells):
        return (text.replace("\n", " "),)
    pieces = pieces_of([text], language, profile.line_cells)
    edges = line_edges(pieces, 0, len(pieces.texts), profile)
    return tuple(pieces.text(low, high) for low, high in pairwise(edges))


def reach(pieces: Pieces, line_cells: int, most: int | None = None) -> list[int]:
    """For each of the first `most` pieces (all unless given) the first that does not fit on a line with it."""
    found = []
    end, count = 0, len(pieces.texts)
    forced, offsets = pieces.forced, pieces.offsets
    for first in range(count if most is None else most):
        end = max(end, first + 1)
        full = offsets[first] + len(pieces.glue[first]) + line_cells
        while end < count and not forced[end] and offsets[end + 1] <= full:
            end += 1
        found.append(end)
    return found


def _filled(pieces: Pieces, first: int, end: int, line_cells: int) -> list[int]:
    """The edges of as few lines as hold the pieces, each filled before the next."""
    edges = [first]
    for k in range(first + 1, end):
        if pieces.cells(edges[-1], k + 1) > line_cells:
            edges.append(k)
    return [*edges, end]


def _balanced(pieces: Pieces, first: int, end: int, count: int, line_cells: int) -> list[int]:
    """The edges of `count` lines, the first and the last included, with the least cost of breaks and imbalance."""
    mean = pieces.cells(first, end) / count
    best: dict[int, tuple[float, list[int]]] = {first: (0.0, [first])}
    for line in range(1, count + 1):
        following: dict[int, tuple[float, list[int]]] = {}
        for start, (cost, edges) in best.items():
            for stop in (end,) if line == count else range(start + 1, end):
                width = pieces.cells(start, stop)
                if width > line_cells and stop > start + 1:
                    break
                total = cost + _UNBALANCED * abs(width - mean) + (pieces.prices[stop] if stop < end else 0)
                if stop not in following or total < following[stop][0]:
                    following[stop] = (total, [*edges, stop])
        best = following
    return best[end][1]
