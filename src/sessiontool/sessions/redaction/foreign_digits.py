"""Numbers that are spoken in German, French, Spanish, Italian, Portuguese and Dutch, as digits of the same length.

A text in which the number words of one language are digits is read as any other.  Numbers of several words are one
where only spaces and hyphens part them: "quatre-vingt-douze" is 92, "quatre, vingt" is 4 and 20.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from ...documents.lenient import words_of
from ...forced_alignment.number_words import number_words

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")

_WORD = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"[ \-\u2010\u2011]{1,2}")
_MOST_WORDS = 6
"""Words of a number below a thousand; measured: the longest that num2words has in these languages."""
_FEWEST_NUMBERS = 3
"""Numbers of a language in a text from which on it is read in it; chosen: one or two are words of another language."""
_MORE = {
    "de": "zwo=2 ein=1 eins=1",
    "fr": "une=1 septante=70 huitante=80 nonante=90",
    "es": "un=1 una=1",
    "it": "una=1",
    "pt": "meia=6 um=1 uma=1 duas=2",
    "nl": "een=1",
}
_REPEATS = {
    "de": "doppel doppelt",
    "fr": "double",
    "es": "doble",
    "it": "doppio doppia",
    "pt": "duplo dupla",
    "nl": "dubbel dubbele",
}

Token = tuple[str, int, int]


def in_digits(text: str) -> Iterator[list[tuple[str, int, int]]]:
    """For each language in which the text has numbers, these: their digits, and the characters that say them."""
    tokens = [(folded(word.group()), *word.span()) for word in _WORD.finditer(text)]
    for language in LANGUAGES:
        numbers = _numbers(language)
        if sum((word,) in numbers for word, _, _ in tokens) < _FEWEST_NUMBERS:
            continue
        found = list(_found(text, tokens, numbers, set(words_of(_REPEATS[language]))))
        if len(found) >= _FEWEST_NUMBERS:
            yield found


def folded(word: str) -> str:
    """A word in small letters without accents; as many characters as it had."""
    return "".join(unicodedata.normalize("NFKD", char)[0] for char in word.lower().replace("ß", "s"))


def _found(
    text: str, tokens: list[Token], numbers: dict[tuple[str, ...], str], repeats: set[str]
) -> Iterator[tuple[str, int, int]]:
    at, repeated_from = 0, -1
    while at < len(tokens):
        word, start, _ = tokens[at]
        count = _longest(text, tokens, at, numbers)
        if count:
            digits = numbers[tuple(one for one, _, _ in tokens[at : at + count])]
            is_repeated = repeated_from >= 0 and len(digits) == 1
            yield digits * (1 + is_repeated), repeated_from if is_repeated else start, tokens[at + count - 1][2]
        repeated_from = start if not count and word in repeats else -1
        at += count or 1


def _longest(text: str, tokens: list[Token], at: int, numbers: dict[tuple[str, ...], str]) -> int:
    """How many words from one on are a number; 0 where none is."""
    longest = 1
    while longest < _MOST_WORDS and at + longest < len(tokens):
        if not _GAP.fullmatch(text, tokens[at + longest - 1][2], tokens[at + longest][1]):
            break
        longest += 1
    for count in range(longest, 0, -1):
        if tuple(one for one, _, _ in tokens[at : at + count]) in numbers:
            return count
    return 0


@lru_cache(maxsize=len(LANGUAGES))
def _numbers(language: str) -> dict[tuple[str, ...], str]:
    """The words of each number, without accents, and its digits."""
    found = {}
    for said, number in number_words(language).items():
        for spelled in (said, said.replace("ß", "ss")):
            found[tuple(map(folded, _WORD.findall(spelled)))] = str(number)
    if found:
        found |= {(word,): digits for word, _, digits in (one.partition("=") for one in words_of(_MORE[language]))}
    return found
