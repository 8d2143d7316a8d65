"""Calls with personal data and calls without any, to measure the finder on: what it finds of each, and what else.

Both sets were written, with all of their numbers, before their author had read the finder or its tests, `first` and
`second` in one go; `second` was not looked at before the finder had been mended by `first`.  Numbers are made by their
check digits and said in many ways: digit by digit, in pairs, doubled, with fillers, with a slip that is put right, over
several turns.  A line is a call: turns are parted by `//`, those of the assistant begin with `A:`, and `«card1:…»` is
a piece of a secret, with its kind and which one of the call it is.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sessiontool.documents.lenient import words_of
from sessiontool.sessions.redaction.asked import RedactRequest, asked_redactions
from sessiontool.sessions.redaction.finder import FINDERS

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = re.compile(r"«([a-z]+)(\d):(.*?)»")
_WORD = re.compile(r"[^\W_]+(?:'s)?")
_NO_SECRET = frozenset(
    words_of(
        "uh um er let me see hang on hold and then okay so next is it's no wait sorry i mean scratch that that's "
        "actually oops again from the top start over"
    )
)
"""Words within a secret that say nothing of it."""


class Piece(NamedTuple):
    """Characters of a turn that are a part of a secret."""

    secret: str
    kind: str
    turn: int
    start: int
    end: int


class Call(NamedTuple):
    """Turns, each a role and a text, and the pieces of secrets in them."""

    line: str
    turns: list[tuple[str, str]]
    pieces: list[Piece]


@dataclass
class Figures:
    """How many secrets of each kind there are and were found whole, and how many hits touch one or none."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    hits: int = 0

    @property
    def recall(self) -> float:
        return self.found.total() / self.planted.total()

    @property
    def precision(self) -> float:
        return 1 - len(self.false) / self.hits


def calls_of(name: str) -> list[Call]:
    """The calls of a set, `first` or `second`."""
    path = Path(__file__).parent / "data" / f"finder_calls_{name}.txt"
    return [_call(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _call(line: str) -> Call:
    turns: list[tuple[str, str]] = []
    pieces: list[Piece] = []
    for turn, marked in enumerate(line.split(" // ")):
        role, text = ("assistant", marked[3:]) if marked.startswith("A: ") else ("user", marked)
        said, at = "", 0
        for mark in _MARK.finditer(text):
            said += text[at : mark.start()]
            pieces.append(Piece(mark[1] + mark[2], mark[1], turn, len(said), len(said) + len(mark[3])))
            said += mark[3]
            at = mark.end()
        turns.append((role, said + text[at:]))
    return Call(line, turns, pieces)


def together(name: str, seed: int) -> Call:
    """All calls of a set in any order as one session, in which every number has others beside it."""
    calls = calls_of(name)
    random.Random(seed).shuffle(calls)
    turns: list[tuple[str, str]] = []
    pieces: list[Piece] = []
    for number, call in enumerate(calls):
        pieces += [one._replace(secret=f"{number} {one.secret}", turn=one.turn + len(turns)) for one in call.pieces]
        turns += call.turns
    return Call(f"{name}, all together", turns, pieces)


def measure(calls: Iterable[Call]) -> Figures:
    """What `redact --find` finds in calls, each a session of its own."""
    figures = Figures()
    for call in calls:
        hits = _hits(call)
        secrets: dict[str, list[Piece]] = {}
        for piece in call.pieces:
            secrets.setdefault(piece.secret, []).append(piece)
        for pieces in secrets.values():
            figures.planted[pieces[0].kind] += 1
            if all(_is_gone(call, piece, hits) for piece in pieces):
                figures.found[pieces[0].kind] += 1
            else:
                figures.missed.append(call.line)
        figures.hits += len(hits)
        touched = [any(turn == one.turn and one.start < end and start < one.end for one in call.pieces)
                   for turn, start, end in hits]  # fmt: skip
        figures.false += [call.line for is_touched in touched if not is_touched]
    return figures


def _hits(call: Call) -> list[tuple[int, int, int]]:
    """Turn and characters of whatever is found."""
    said = [
        {"id": str(number), "role": role, "text": text, "logged": {}} for number, (role, text) in enumerate(call.turns)
    ]
    asked = RedactRequest(kinds=tuple(FINDERS))
    found = asked_redactions("call", {"utterances": said}, {"timeline": []}, asked)
    return [(int(one.utterance), *one.chars) for one in found.redactions if one.chars]


def _is_gone(call: Call, piece: Piece, hits: list[tuple[int, int, int]]) -> bool:
    """Whether every word of a piece that says something is in a hit."""
    words = _WORD.finditer(call.turns[piece.turn][1], piece.start, piece.end)
    said = [word.span() for word in words if word.group().lower() not in _NO_SECRET]
    places = [(start, end) for turn, start, end in hits if turn == piece.turn]
    return all(any(start <= first and after <= end for start, end in places) for first, after in said)
