"""What a recogniser wrote piece by piece -> one entry an utterance.

Interim results grow until the final one; some logs have a line for each word.  Both are seen in the log as a whole.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .repeats import of_one_kind, without_copies, without_repeats
from .roles import USER
from .spoken_piece import SAY_MS_PER_CHAR, SpokenPiece

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_LEAST_WORDS, _ONE_WORD_SHARE = 10, 0.9
"""Number of words, and share of entries of one word, from which on a log has a word a line; chosen."""
_PAUSE_MS, _SENTENCE_PAUSE_MS = 1000.0, 300.0
"""Pauses between words that end an utterance: any, and one behind a whole sentence; chosen."""
_SENTENCE_ENDS = (".", "?", "!", "\u2026", "\u3002", "\uff1f", "\uff01")
_SAME_START_MS = 1.0
"""Chosen: half the step of times in whole milliseconds, rounded up."""
_MOST_BEGIN = 0.5
"""Of a log that marks no interim results so many (a share, chosen) are the beginning of the next, or fragments."""
_SPACED_SHARE = 0.3
"""So many fragments (a share, chosen) begin with a space; of sentences hardly any does."""
_UNSPACED = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3000", "\u30ff"),
    ("\u3400", "\u9fff"),
)
"""Scripts without spaces: Thai and Lao, Burmese, Khmer, kana, Chinese characters."""


def joined(pieces: Sequence[SpokenPiece]) -> list[SpokenPiece]:
    """The pieces without those that others replace, and words put together."""
    kept = without_copies(of_one_kind(pieces))
    if _are_fragments(kept):
        kept = without_repeats(list(_sentences(kept, is_glued=True)))
    elif _are_words(kept := list(_last_of_growing(kept))):
        kept = _by_time(_sentences(kept))
    else:
        kept = without_repeats(kept)
    return [piece for piece in kept if any(map(str.isalnum, piece.model.text))]


def _by_time(pieces: Iterable[SpokenPiece]) -> list[SpokenPiece]:
    """Sentences in the order in which they were said: a recogniser may have one channel behind the other."""
    made = list(pieces)
    return made if any(one.at_ms is None for one in made) else sorted(made, key=lambda one: one.at_ms or 0.0)


# -- interim results


def _last_of_growing(pieces: Sequence[SpokenPiece]) -> Iterator[SpokenPiece]:
    """Of results that grow one out of the other, the last."""
    following: dict[str, SpokenPiece] = {}
    replaced: set[int] = set()
    begun: set[int] = set()
    for piece in reversed(pieces):
        later = following.get(piece.model.role)
        if later is not None and _grew(piece, later):
            replaced.add(id(piece))
        elif later is not None and _begins(piece, later):
            begun.add(id(piece))
        following[piece.model.role] = piece
    if len(begun) >= _MOST_BEGIN * len(pieces):
        replaced |= begun
        _begin_with_first(pieces, begun)
    yield from (piece for piece in pieces if id(piece) not in replaced)


def _begin_with_first(pieces: Sequence[SpokenPiece], begun: Collection[int]) -> None:
    """Give an answer that grew the time at which the first of it arrived."""
    first_ms: dict[str, float] = {}
    for piece in pieces:
        role, at_ms = piece.model.role, piece.times_ms.get("arrived")
        if at_ms is not None and role != USER:
            first_ms.setdefault(role, at_ms)
            if id(piece) not in begun:
                piece.times_ms["arrived"] = first_ms.pop(role)


def _grew(piece: SpokenPiece, later: SpokenPiece) -> bool:
    """Whether a result is the beginning of one that came later: of the same id, or the same start."""
    if not _begins(piece, later):
        return False
    if piece.model.id is not None and piece.model.id == later.model.id:
        return True
    if not piece.is_final:
        return True
    start, other = piece.times_ms.get("start"), later.times_ms.get("start")
    return start is not None and other is not None and abs(start - other) < _SAME_START_MS


def _begins(piece: SpokenPiece, later: SpokenPiece) -> bool:
    """Whether a text is the beginning of another one."""
    text, whole = piece.model.text.strip(), later.model.text.strip()
    stem = text.rstrip(".,?! ")
    return bool(stem) and len(text) < len(whole) and whole.startswith(stem)


# -- words and fragments


def _are_fragments(pieces: Sequence[SpokenPiece]) -> bool:
    """Whether a log has texts as they are streamed: cut anywhere, with the spaces between words."""
    if sum(piece.is_fragment for piece in pieces) > _MOST_BEGIN * len(pieces):
        return True
    has_ends = any("end" in piece.times_ms for piece in pieces)
    spaced = sum(piece.model.text[:1].isspace() for piece in pieces)
    return not has_ends and len(pieces) >= _LEAST_WORDS and spaced >= _SPACED_SHARE * len(pieces)


def _are_words(pieces: Sequence[SpokenPiece]) -> bool:
    """Whether a log has a line for each word: hardly any text is longer, and speakers say many in a row."""
    if len(pieces) < _LEAST_WORDS:
        return False
    single = sum(len(piece.model.text.split()) <= 1 for piece in pieces)
    turns = sum(a.model.role != b.model.role for a, b in pairwise(pieces)) + 1
    return single >= _ONE_WORD_SHARE * len(pieces) and len(pieces) >= 2 * turns


def _sentences(pieces: Sequence[SpokenPiece], *, is_glued: bool = False) -> Iterator[SpokenPiece]:
    """Words put together; `is_glued`: they are fragments, which have their own spaces."""
    group: list[SpokenPiece] = []
    timed: SpokenPiece | None = None
    for piece in pieces:
        if group and not _goes_on(group[-1], piece, timed or group[-1]):
            yield _one(group, is_glued=is_glued)
            group, timed = [], None
        group.append(piece)
        timed = piece if piece.times_ms else timed
    if group:
        yield _one(group, is_glued=is_glued)


def _goes_on(before: SpokenPiece, piece: SpokenPiece, timed: SpokenPiece) -> bool:
    """Whether a piece follows the one `before`, of whose utterance `timed` is the last with times."""
    if before.model.role != piece.model.role or before.is_fragment != piece.is_fragment:
        return False
    if before.model.id and piece.model.id and (before.is_fragment or piece.is_fragment):
        return before.model.id == piece.model.id
    begins, reached = piece.at_ms, timed.times_ms.get("end", timed.at_ms)
    if begins is None and not any(map(str.isalnum, piece.model.text)):
        return True  # punctuation has no times
    if reached is not None and "end" not in timed.times_ms:
        reached += len(timed.model.text) * SAY_MS_PER_CHAR
    if reached is None or begins is None:
        return not before.model.text.rstrip().endswith(_SENTENCE_ENDS)
    gap = begins - reached
    is_over = before.model.text.rstrip().endswith(_SENTENCE_ENDS)
    return gap < (_SENTENCE_PAUSE_MS if is_over else _PAUSE_MS)


def _one(group: Sequence[SpokenPiece], *, is_glued: bool) -> SpokenPiece:
    """Words as one piece, from the first one's start to the last one's end."""
    if len(group) == 1:
        return group[0]
    first, last = group[0], next((one for one in reversed(group) if one.times_ms), group[-1])
    text = ""
    for piece in group:
        word = piece.model.text
        text += word if not text or is_glued or _sticks(text, word) else f" {word}"
    times = dict(first.times_ms)
    times.pop("end", None)
    if (end := last.times_ms.get("end")) is not None:
        times["end"] = end
    if first.model.role == USER and "arrived" in last.times_ms:  # what a user said arrives when it is over
        times["arrived"] = last.times_ms["arrived"]
    return SpokenPiece(first.place, first.noted, replace(first.model, text=text.strip()), times_ms=times)


def _sticks(text: str, word: str) -> bool:
    """Whether a word follows without a space: it has its own, is punctuation, or of a script that has none."""
    if not word or word[0].isspace() or text[-1].isspace():
        return True
    if not any(char.isalnum() for char in word):
        return True
    return _is_unspaced(word[0]) and _is_unspaced(text[-1])


def _is_unspaced(char: str) -> bool:
    return any(low <= char <= high for low, high in _UNSPACED)
