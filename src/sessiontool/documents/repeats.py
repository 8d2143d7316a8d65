"""What a log says more than once -> each utterance once.

A program that listens twice writes each line twice; one that writes its whole state each time writes everything again;
an entry that was corrected is there under its id once more; and a server may send the words of an answer, and then all
of it as an event of another kind.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .roles import USER
from .spoken_piece import SAY_MS_PER_CHAR, SpokenPiece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LEAST_ALL = 6
"""Number of entries, as units of evidence, of a log without times in which each is there twice; chosen."""
_LEAST_WORDS = 2
"""Number of words of a text of which a version is known by its start alone, as units of evidence; chosen."""
_ALIKE = 0.5
"""Share of the words that two versions of one text have in common; chosen."""
_SAME_START_MS = 1.0
"""Chosen: half the step of times in whole milliseconds, rounded up."""
_MOST_BACK = 4
"""Number of entries of one text or id that are compared, as steps of the search; chosen: bounded time on any log."""
_MOST_LESS = 0.8
"""Of two kinds of entries one has so much of the other's letters, a ratio; chosen: a log may be cut off."""


def without_repeats(pieces: Sequence[SpokenPiece]) -> list[SpokenPiece]:
    """The pieces, each utterance once: at its first place, as it was written last."""
    ids = {piece.model.id for piece in pieces}
    if len(ids) == len(pieces) and all(ids):
        return list(pieces)
    timed = {_said(piece) for piece in pieces if piece.times_ms}
    kept: list[SpokenPiece] = []
    places: dict[tuple[str, ...], list[int]] = {}
    for piece in pieces:
        if not piece.times_ms and not piece.model.id and _said(piece) in timed:
            continue
        names = list(_names(piece))
        earlier = [place for name in names for place in places.get(name, ())[-_MOST_BACK:]]
        before = next((place for place in reversed(earlier) if _is_again(kept[place], piece)), None)
        if before is None:
            before = len(kept)
            kept.append(piece)
        else:
            first = kept[before]
            kept[before] = replace(piece, place=first.place, times_ms=_times_of(first, piece))
        for name in names:
            places.setdefault(name, []).append(before)
    return _halved(kept)


def _times_of(first: SpokenPiece, again: SpokenPiece) -> dict[str, float]:
    """The times of what is there again; what is only received once more was over, or had begun, before."""
    is_later = _said(first) != _said(again) and (again.model.role == USER or "start" in again.times_ms)
    return {**first.times_ms, **again.times_ms} if is_later else {**again.times_ms, **first.times_ms}


def _names(piece: SpokenPiece) -> Iterator[tuple[str, ...]]:
    """By what a piece that was there before is found again."""
    yield "said", *_said(piece)
    if piece.model.id:
        yield "id", piece.model.role, piece.model.id
    elif "start" in piece.times_ms:
        yield "start", piece.model.role, str(round(piece.times_ms["start"]))


def _said(piece: SpokenPiece) -> tuple[str, str]:
    return piece.model.role, piece.model.text.strip()


def _is_again(first: SpokenPiece, piece: SpokenPiece) -> bool:
    """Whether a piece is one that was there before, or a later version of it."""
    apart = [abs(first.times_ms[what] - at_ms) for what, at_ms in piece.times_ms.items() if what in first.times_ms]
    if first.model.id and first.model.id == piece.model.id:
        has_same_start = bool(apart) and apart[0] < _SAME_START_MS
        return has_same_start or _said(first) == _said(piece) or _are_versions(first, piece)
    if (first.model.id and piece.model.id) or not apart:
        return False
    if _said(first) != _said(piece):
        return apart[0] < _SAME_START_MS and _are_versions(first, piece, _LEAST_WORDS)
    return max(apart) < len(piece.model.text) * SAY_MS_PER_CHAR / 2


def _are_versions(first: SpokenPiece, piece: SpokenPiece, least: int = 0) -> bool:
    """Whether two texts are alike, and of `least` words each."""
    words, others = (set(re.findall(r"\w+", one.model.text.casefold())) for one in (first, piece))
    fewest = min(len(words), len(others))
    return words == others or (fewest >= least and len(words & others) >= _ALIKE * fewest)


def _halved(pieces: list[SpokenPiece]) -> list[SpokenPiece]:
    """Pieces without times of which each is there twice, or the whole log is, once."""
    if len(pieces) < _LEAST_ALL or any(piece.times_ms or piece.model.id for piece in pieces):
        return pieces
    middle = len(pieces) // 2
    if list(map(_said, pieces[:middle])) == list(map(_said, pieces[middle:])):
        return pieces[:middle]
    groups = [list(group) for _, group in groupby(pieces, _said)]
    if all(len(group) % 2 == 0 for group in groups):
        return [piece for group in groups for piece in group[: len(group) // 2]]
    return pieces


# -- a role that is there twice

_MOST_DIFFERENT = 5 / 6
"""Of a log in which one role is there twice at most so many texts (a share, derived) are different."""
_LEAST_TEXTS = 3
"""Number of different texts of a role, as units of evidence, each of which is there twice; chosen."""
_MOST_BETWEEN = 3
"""Number of entries of a role from a text to its copy, as steps; chosen: an answer is planned a few sentences ahead."""


def without_copies(pieces: Sequence[SpokenPiece]) -> Sequence[SpokenPiece]:
    """The pieces, those of a role that has each of its texts twice (as it was planned, and as it was said) once."""
    if len({_said(piece) for piece in pieces}) > _MOST_DIFFERENT * len(pieces):
        return pieces
    by_role: dict[str, list[SpokenPiece]] = {}
    for piece in pieces:
        by_role.setdefault(piece.model.role, []).append(piece)
    copies = {id(piece) for some in by_role.values() for piece in _copies(some)}
    return [piece for piece in pieces if id(piece) not in copies]


def _copies(pieces: Sequence[SpokenPiece]) -> list[SpokenPiece]:
    """The second one of each two of a role's pieces that say the same; none where any is alone."""
    waiting: dict[tuple[str, str], int] = {}
    texts: set[tuple[str, str]] = set()
    copies: list[SpokenPiece] = []
    for place, piece in enumerate(pieces):
        said = _said(piece)
        texts.add(said)
        if said not in waiting:
            waiting[said] = place
        elif place - waiting.pop(said) > _MOST_BETWEEN:
            return []
        else:
            copies.append(piece)
    return copies if not waiting and len(texts) >= _LEAST_TEXTS else []


# -- kinds of entries


def of_one_kind(pieces: Sequence[SpokenPiece]) -> Sequence[SpokenPiece]:
    """Of kinds of entries in which a speaker says the same, those of the kind that has it in the longest texts."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for piece in pieces:
        if piece.kind:
            kinds.setdefault((piece.model.role, piece.kind), []).append(piece.model.text)
    left_out = set(_fragmented(kinds)) if len(kinds) > 1 else set()
    return [piece for piece in pieces if (piece.model.role, piece.kind) not in left_out] if left_out else pieces


def _fragmented(kinds: dict[tuple[str, str], list[str]]) -> Iterator[tuple[str, str]]:
    """The kinds whose texts are those of another one of the same speaker."""
    letters = {name: _letters(texts) for name, texts in kinds.items()}
    lengths = {name: len(letters[name]) / len(texts) for name, texts in kinds.items()}
    order = sorted(kinds, key=lambda name: -lengths[name])
    for place, name in enumerate(order):
        longer = (letters[other] for other in order[:place] if other[0] == name[0])
        if any(_is_same(letters[name], whole) for whole in longer):
            yield name


def _is_same(text: str, other: str) -> bool:
    shorter, longer = sorted((text, other), key=len)
    return 0 < _MOST_LESS * len(longer) <= len(shorter) and shorter in longer


def _letters(texts: Sequence[str]) -> str:
    return "".join(filter(str.isalnum, "".join(texts).casefold()))
