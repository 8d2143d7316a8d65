"""Whether frames of MP3 follow one another, by the bytes that they share.

A frame's sound begins where that of the one before ends, or behind bytes that the encoder did not need: it fills those
in its own way, each time as the last (LAME: with its name).  Between the frames of two recordings it finds other bytes
there, or too few.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ..mp3 import HEADER_BYTES, read_header, reservoir_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMPARED_FRAMES = 32  # on either side of a seam; chosen: several of them leave bytes
_FEWEST = 16  # meetings of frames; chosen: fewer do not show how an encoder fills
_LONG = 16  # bytes; chosen: fewer do not show both how a filling begins and how it goes on
_BEGINNING = 4  # bytes of a filling, of which a short one may have these alone; chosen
_ALIKE = 4  # stretches of unneeded bytes that begin alike; chosen: fewer may do so by chance


class _Meeting(Struct, frozen=True):
    """Between two frames: whether the second needs bytes that are not there, and those that neither needs.

    None: they are before the first frame.
    """

    lacks: bool
    spare: bytes | None


def follow_one_another(before: Sequence[bytes], after: Sequence[bytes]) -> bool:
    """Whether frames can be the last ones of one chunk and the first ones of the next.

    The first of `after` may have begun in the chunk before, so that two meetings are in doubt; the others show how the
    encoder fills what it does not need.
    """
    meetings = list(_meetings([*before, *after]))
    doubtful = meetings[max(0, len(before) - 1) : len(before) + 1]
    steady = meetings[: max(0, len(before) - 1)] + meetings[len(before) + 1 :]
    if any(one.lacks for one in doubtful):
        return False
    known = [one.spare for one in steady if one.spare is not None]
    filled = [spare for spare in known if len(spare) >= _LONG]
    if len(known) < _FEWEST:
        return True
    if not any(known):
        return not any(one.spare for one in doubtful)
    usual = _beginning_of(filled)
    usual = usual.rstrip(usual[-1:])
    if len(usual) < _BEGINNING or len(filled) < _ALIKE:
        return True
    most = max(_changes(spare[len(usual) :]) for spare in filled)
    if not all(_is_like(spare, usual, most) for spare in known if spare):
        return True  # an encoder that does not keep to it: lamejs fills from within a byte
    return all(not one.spare or _is_like(one.spare, usual, most) for one in doubtful)


def _is_like(spare: bytes, usual: bytes, most: int) -> bool:
    """Whether unneeded bytes begin as usual, and go on as evenly."""
    if len(spare) < _LONG:
        return usual.startswith(spare[:_BEGINNING])
    return spare.startswith(usual) and _changes(spare[len(usual) :]) <= most


def _beginning_of(filled: Sequence[bytes]) -> bytes:
    """What all of them begin with."""
    first = min(filled, default=b"")
    last = max(filled, default=b"")
    return first[
        : next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    ]


def _changes(data: bytes) -> int:
    """How often a byte is another one than that before it."""
    return sum(one != other for one, other in pairwise(data))


def _meetings(frames: Sequence[bytes]) -> Iterator[_Meeting]:
    sound = b""
    for one, other in pairwise(frames):
        header = read_header(one[:HEADER_BYTES])
        sound += one[header.side_at :] if header else b""
        shared = reservoir_of(one), reservoir_of(other)
        if shared[0] is None or shared[1] is None:
            yield _Meeting(lacks=False, spare=None)
            continue
        leaves, begins = shared[0].leaves, shared[1].begins
        is_there = leaves <= len(sound)
        yield _Meeting(begins > leaves, sound[len(sound) - leaves : len(sound) - begins] if is_there else None)
