"""Entries of a log in the order of the conversation: by their times, else by what numbers or links them.

A log may be newest first, and programs that wait for a transcript write neighbours the wrong way round.  Times tell;
without them a number that each entry has, its id where that counts, or the id of the entry before.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..model import Finding
from .lenient import shown, words_of
from .name_words import words_in
from .texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .log_times import LogReading
    from .spoken_piece import SpokenPiece

_NUMBERS = frozenset(words_of("seq sequence index idx ordinal order position number turn"))
"""Words of a field that numbers the entries of a conversation."""
_BESIDE_NUMBERS = frozenset(words_of("message turn item entry utterance call stage id no line segment"))
_BEFORE = frozenset(words_of("previousitemid previousid previousmessageid parentid parentmessageid parentuuid"))
"""Fields with the id of the entry before."""
_SPARSE = 4
"""Numbers of entries have gaps, where some are no speech: as a ratio to their count, chosen."""
_LEAST = 3
"""Number of entries, as units of evidence, whose order is looked at; chosen."""


def in_order(reading: LogReading, pieces: list[SpokenPiece]) -> list[SpokenPiece]:
    """Pieces in the order of the conversation; where numbers or links give it, that is said."""
    at = [ms for piece in pieces if (ms := piece.at_ms) is not None]
    if at:
        falling, rising = (sum(a > b for a, b in pairwise(at)), sum(a < b for a, b in pairwise(at)))
        return pieces[::-1] if falling >= _LEAST and falling > 4 * rising else pieces
    if len(pieces) < _LEAST:
        return pieces
    for name, ordered in _orders(pieces):
        if ordered != pieces:
            text = f"{reading.name}: its entries are in another order than their {shown(name)}, which was used"
            reading.findings.append(Finding("utterances-clock", "info", text))
        return ordered
    return pieces


def _orders(pieces: list[SpokenPiece]) -> Iterator[tuple[str, list[SpokenPiece]]]:
    """The orders that fields tell, by their names; the likeliest first."""
    for name, value in pieces[0].model.extra.items():
        if plain(name) in _BEFORE or value is None:
            continue
        if _is_number(name) and (numbers := _numbers([piece.model.extra.get(name) for piece in pieces], _SPARSE)):
            yield name, _by(numbers, pieces)
    ids = [piece.model.id for piece in pieces]
    if len({re.sub(r"\d+$", "", one or "") for one in ids}) == 1 and (numbers := _numbers(ids, 1)):
        yield "ids", _by(numbers, pieces)
    for name in dict.fromkeys(name for piece in pieces[:2] for name in piece.model.extra if plain(name) in _BEFORE):
        links: dict[str | None, Any] = {one.model.id: one.model.extra.get(name) for one in pieces if one.model.id}
        if any(isinstance(link, (list, dict)) for link in links.values()):
            continue
        if linked := _linked(pieces, links):
            yield name, linked


def _is_number(name: str) -> bool:
    words = set(words_in(name)) or {plain(name)}
    return not words.isdisjoint(_NUMBERS) and words <= _NUMBERS | _BESIDE_NUMBERS


def _numbers(values: Sequence[Any], sparse: int) -> list[int]:
    """The numbers that values end with, which are all different and as many as there are entries, nearly; or none."""
    found = [re.search(r"(?a)\d{1,15}$", str(value)) for value in values if not isinstance(value, (bool, float))]
    numbers = [int(one[0]) for one in found if one is not None]
    if len(numbers) < len(values) or len(set(numbers)) < len(numbers):
        return []
    return numbers if max(numbers) - min(numbers) < sparse * len(numbers) else []


def _by(numbers: Sequence[int], pieces: Sequence[SpokenPiece]) -> list[SpokenPiece]:
    return [pieces[place] for place in sorted(range(len(pieces)), key=numbers.__getitem__)]


def _linked(pieces: Sequence[SpokenPiece], before: Mapping[str | None, Any]) -> list[SpokenPiece]:
    """The pieces each behind the one that it names; none where they are not one chain."""
    following = {before[piece.model.id]: piece for piece in pieces if piece.model.id in before}
    first = [piece for piece in pieces if piece.model.id in before and before[piece.model.id] not in before]
    if len(first) != 1 or len(following) < len(pieces):
        return []
    chain = first
    while len(chain) < len(pieces) and (later := following.get(chain[-1].model.id)) is not None:
        chain.append(later)
    return chain if len(chain) == len(pieces) else []
