"""What can be counted in the text of what was said: words, questions, fillers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..speech.scripts import WITHOUT_SPACES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .talk import SpokenUtterance

_WORD = r"\w+(?:['\u2019\-.]\w+)*"
_QUESTION = r"[?\uff1f\u061f\u037e](?![?\uff1f\u061f\u037e])"
_NO_SPACES = f"[{WITHOUT_SPACES}]"

FILLERS = {
    "en": ("uh", "um", "uhm", "umm", "er", "erm", "hm", "hmm", "mm"),
    "de": ("\u00e4h", "\u00e4hm", "\u00f6h", "\u00f6hm", "hm", "hmm"),
    "fr": ("euh", "heu", "hum", "hm", "hmm"),
    "es": ("eh", "em", "mm", "hm", "hmm"),
}
"""Sounds that are no words of their language, so that none is taken for another: "um" is a word in German."""


def count_words(text: str) -> int | None:
    """How many words a text has; None where its script puts no spaces between them."""
    return None if not text.isascii() and re.search(_NO_SPACES, text) else len(re.findall(_WORD, text))


def words_of(said: Iterable[SpokenUtterance]) -> int | None:
    """The words that were heard of all utterances; None where those of one cannot be counted."""
    counts = [count_words(one.heard) for one in said]
    return None if None in counts else sum(count or 0 for count in counts)


def count_questions(said: Iterable[SpokenUtterance]) -> int:
    return sum(len(re.findall(_QUESTION, one.heard)) for one in said)


def count_fillers(said: Iterable[SpokenUtterance]) -> int | None:
    """The fillers in the text; None where the language of an utterance is not known, or has no list."""
    count = 0
    for one in said:
        known = FILLERS.get(one.language.partition("-")[0].lower())
        if known is None:
            return None
        count += sum(word.lower() in known for word in re.findall(_WORD, one.heard))
    return count
