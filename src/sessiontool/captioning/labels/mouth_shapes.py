"""Sounds of words -> shapes of a mouth: Oculus' visemes, as TalkingHead names them, and Rhubarb's letters.

A word has the sounds that were found in the recording.  Where none were looked for, they are those of its spelling, by
rough rules, spread evenly over it; a word that is in no Latin letters is one open mouth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ...speech.g2p import folded, phones_of
from .timed_words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..cues import Spoken
    from .timed_words import LabelWord

    Shapes = Mapping[str, tuple[str, ...]]

SILENCE = "SIL"
_OPEN = "AH"
_BREATH = "HH"
"""Said with the mouth that the next sound needs."""

_FIRST_OF_TWO = 0.6
"""Share of a diphthong that is its first shape; chosen: its beginning is the longer part."""


def _table(rows: str) -> dict[str, tuple[str, ...]]:
    """Rows of a shape, or two in turn, and the sounds that have it."""
    return {
        phone: tuple(shapes.split("+"))
        for shapes, *phones in (row.split() for row in rows.strip().splitlines())
        for phone in phones
    }


OCULUS = _table(
    """
    PP P B M
    FF F V
    TH TH DH
    DD T D
    kk K G HH
    CH CH JH SH ZH
    SS S Z
    nn N NG L
    RR R ER
    aa AA AE AH
    E EH
    I IH IY Y
    O AO
    U UH UW W
    aa+I AY
    aa+U AW
    E+I EY
    O+I OY
    O+U OW
    """
)
"""The visemes of Oculus but for silence, each with the phonemes that its reference names, and those like them."""

RHUBARB = _table(
    """
    A P B M
    B T D K G CH JH S Z SH ZH TH DH N NG R Y HH IY IH
    C EH AE AH
    D AA
    E AO ER
    F UH UW W
    G F V
    H L
    D+B AY
    D+E AW
    C+B EY
    E+B OY
    E+F OW
    """
)
"""The shapes A to H of Rhubarb, as its manual describes them; X is silence."""


class MouthShape(Struct, frozen=True):
    """A shape of the mouth and when it is held."""

    name: str
    start_ms: int
    end_ms: int


def sounds_of(word: LabelWord) -> list[tuple[str, int, int]]:
    """The sounds of a word with start and end in ms: those that were found, else those of its spelling."""
    if word.phones:
        return list(word.phones)
    names = phones_of(folded(word.text)).split() or [_OPEN] * any(map(str.isalnum, word.text))
    length_ms = word.end_ms - word.start_ms
    edges = [word.start_ms + length_ms * number // max(1, len(names)) for number in range(len(names) + 1)]
    return list(zip(names, edges, edges[1:], strict=False))


def shapes_of(one: Spoken, table: Shapes) -> Iterator[MouthShape]:
    """The shapes of the mouth while an utterance is said, in order; none where it is silent."""
    sounds = [sound for word in words_of(one) for sound in sounds_of(word)]
    for (name, start, end), (after, *_) in zip(sounds, [*sounds[1:], ("", 0, 0)], strict=False):
        shapes = table.get(after if name == _BREATH and after in table else name, ())
        middle = end if len(shapes) == 1 else start + round((end - start) * _FIRST_OF_TWO)
        for shape, begin, stop in zip(shapes, (start, middle), (middle, end), strict=False):
            if begin < stop:
                yield MouthShape(shape, begin, stop)


def estimated(said: Iterable[Spoken]) -> tuple[int, int]:
    """How many words have only the sounds of their spelling, and how many there are."""
    words = [word for one in said for word in words_of(one)]
    return sum(not word.phones for word in words), len(words)
