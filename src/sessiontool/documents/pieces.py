"""What a recogniser wrote piece by piece -> one entry an utterance.

Interim results grow until the final one; some logs have a line for each word.  Both are seen in the log as a whole.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .models import UtteranceDocument

_LEAST_WORDS, _ONE_WORD_SHARE = 10, 0.9
"""Number of words, and share of entries of one word, from which on a log has a word a line; chosen."""
_PAUSE_MS, _SENTENCE_PAUSE_MS = 1000.0, 300.0
"""Pauses between words that end an utterance: any, and one behind a whole sentence; chosen."""
_SENTENCE_ENDS = (".", "?", "!", "\u2026", "\u3002", "\uff1f", "\uff01")
_SAME_START_MS = 1.0
"""Chosen: half the step of times in whole milliseconds, rounded up."""
_UNSPACED = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3000", "\u30ff"),
    ("\u3400", "\u9fff"),
)
"""Scripts without spaces: Thai and Lao, Burmese, Khmer, kana, Chinese characters."""


class SpokenPiece(Struct):
    """An entry that is speech: where it stands, its times as noted, its checked model, and its times in ms.

    `noted` is as in `Entry`; `times_ms` are those of `start`, `end` and `arrived`.
    """

    place: str
    noted: Mapping[str, tuple[str, Any, float]]
    model: UtteranceDocument
    is_final: bool = True
    times_ms: dict[str, float] = field(default_factory=dict)

    @property
    def at_ms(self) -> float | None:
        """When it was said, as far as it is given."""
        for what in ("start", "arrived", "end"):
            if what in self.times_ms:
                return self.times_ms[what]
        return None


def joined(pieces: Sequence[SpokenPiece]) -> list[SpokenPiece]:
    """The pieces without those that others replace, and words put together."""
    kept = list(_last_of_growing(pieces))
    return _by_time(_sentences(kept)) if _are_words(kept) else kept


def _by_time(pieces: Iterable[SpokenPiece]) -> list[SpokenPiece]:
    """Sentences in the order in which they were said: a recogniser may have one channel behind the other."""
    made = list(pieces)
    return made if any(one.at_ms is None for one in made) else sorted(made, key=lambda one: one.at_ms or 0.0)


# -- interim results


def _last_of_growing(pieces: Sequence[SpokenPiece]) -> Iterator[SpokenPiece]:
    """Of results that grow one out of the other, the last."""
    following: dict[str, SpokenPiece] = {}
    replaced: set[int] = set()
    for piece in reversed(pieces):
        later = following.get(piece.model.role)
        if later is not None and _grew(piece, later):
            replaced.add(id(piece))
        following[piece.model.role] = piece
    yield from (piece for piece in pieces if id(piece) not in replaced)


def _grew(piece: SpokenPiece, later: SpokenPiece) -> bool:
    """Whether a result is the beginning of one that came later: of the same id, or the same start."""
    text, whole = piece.model.text.strip(), later.model.text.strip()
    if not text or len(text) >= len(whole) or not whole.startswith(text.rstrip(".,?! ")):
        return False
    if piece.model.id is not None and piece.model.id == later.model.id:
        return True
    if not piece.is_final:
        return True
    start, other = piece.times_ms.get("start"), later.times_ms.get("start")
    return start is not None and other is not None and abs(start - other) < _SAME_START_MS


# -- words


def _are_words(pieces: Sequence[SpokenPiece]) -> bool:
    """Whether a log has a line for each word: hardly any text is longer, and speakers say many in a row."""
    if len(pieces) < _LEAST_WORDS:
        return False
    single = sum(len(piece.model.text.split()) <= 1 for piece in pieces)
    turns = sum(a.model.role != b.model.role for a, b in pairwise(pieces)) + 1
    return single >= _ONE_WORD_SHARE * len(pieces) and len(pieces) >= 2 * turns


def _sentences(pieces: Sequence[SpokenPiece]) -> Iterator[SpokenPiece]:
    group: list[SpokenPiece] = []
    for piece in pieces:
        if group and not _goes_on(group[-1], piece):
            yield _one(group)
            group = []
        group.append(piece)
    if group:
        yield _one(group)


def _goes_on(before: SpokenPiece, piece: SpokenPiece) -> bool:
    if before.model.role != piece.model.role:
        return False
    reached, begins = before.times_ms.get("end", before.at_ms), piece.at_ms
    if reached is None or begins is None:
        return not before.model.text.rstrip().endswith(_SENTENCE_ENDS)
    gap = begins - reached
    is_over = before.model.text.rstrip().endswith(_SENTENCE_ENDS)
    return gap < (_SENTENCE_PAUSE_MS if is_over else _PAUSE_MS)


def _one(group: Sequence[SpokenPiece]) -> SpokenPiece:
    """Words as one piece, from the first one's start to the last one's end."""
    if len(group) == 1:
        return group[0]
    first, last = group[0], group[-1]
    text = ""
    for piece in group:
        word = piece.model.text
        text += word if not text or _sticks(text, word) else f" {word}"
    times = dict(first.times_ms)
    times.pop("end", None)
    if (end := last.times_ms.get("end")) is not None:
        times["end"] = end
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
