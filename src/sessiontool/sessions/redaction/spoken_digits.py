"""Digits of a text, written or spoken in English: `4111`, `four one double one`, `forty-one eleven`, as runs of digits.

A run is what a number could be: digits with nothing between them but separators and fillers ("um", "dash").  Each digit
knows the characters that it was said by.  With letters, a run is what could be spelled: `D E eight nine`, `GB82 WEST`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ...documents.lenient import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = dict(zip(words_of("zero one two three four five six seven eight nine"), "0123456789", strict=True))
_UNITS |= {"oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0", "niner": "9"}
_TEENS = words_of("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
_PAIRS = {word: str(10 + number) for number, word in enumerate(_TEENS)}
_REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
"""How many digits a word makes of the one behind it, by definition."""
_ZEROS = {"hundred": "00", "thousand": "000"}
_FILLERS = frozenset(
    words_of(
        "um uh er erm ah huh and then dash hyphen space minus point slash comma okay ok so now wait sorry hmm mm mhm "
        "well like yes yeah yep right"
    )
)
_PLURALS = {f"{word}{'es' if word == 'six' else 's'}": digit for word, digit in _UNITS.items()} | {"zeroes": "0"}
_COUNTS = re.compile(
    r"\b(?:first|next|last|other|final)\s+(?:two|three|four|five|six|eight)\b(?:\s+digits?)?", re.IGNORECASE
)
"""Words that say how many digits come, and are none of them."""
_FILLING = re.compile(
    r"\b(?:let me (?:see|check|look|think)|(?:hang|hold) on|(?:one|just a|give me a) (?:sec|second|moment|minute)"
    r"|you know|(?:and )?next (?:is|one is|comes)|bear with me|go on|where was i)\b",
    re.IGNORECASE,
)
"""What is said between two digits while looking for the next one."""
_SPELLED_AS = re.compile(r"(?<=\b[A-Za-z]) (?:as in|like|for) [A-Za-z]+")
_BANK = re.compile(r"[A-Z]{2}\d\d")  # how an account number begins: what follows may be a bank's four letters

_SMALL_WORDS = frozenset(
    words_of(
        "is it me be at no by so in on to we my he do go if of or an as am up us hi Is It At In On To We My He No So"
    )
)
"""Words of two letters, some of them countries, which are spelled in capitals alone."""
_MOST_SPELLED = 4
"""Letters of a word in capitals that may be spelled; chosen: a bank's code has four."""

_ALPHABET = frozenset(
    words_of(
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar "
        "papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu"
    )
)
"""The radio alphabet (ICAO, Annex 10), of which the first letter counts."""
_DIGIT = re.compile(r"\d", re.ASCII)
_TOKEN = re.compile(r"\d|[^\W\d_]+", re.ASCII)
_BETWEEN = re.compile(r"(?:[\-\u2010-\u2015.,;:/()\[\]+*_|\u2026]\s*){0,8}")


class DigitRun(Struct, frozen=True):
    """Digits that follow one another, and for each the characters (from, to) that say it."""

    digits: str
    places: tuple[tuple[int, int], ...]

    def place(self, first: int, after: int) -> tuple[int, int]:
        """The characters of some of its digits."""
        return self.places[first][0], self.places[after - 1][1]


def digit_runs(text: str, *, letters: bool = False, over_turns: bool = True) -> list[DigitRun]:
    """The runs of digits of a text, in order; `letters`: with letters that are spelled, as upper case.

    A line is a turn, at whose end a run ends unless it goes on `over_turns`.
    """
    runs: list[DigitRun] = []
    run = _Run()
    end = 0
    for aside in (_COUNTS, _FILLING):
        text = aside.sub(lambda found: " " * len(found[0]), text)
    if letters:  # "D as in Delta" is D
        text = _SPELLED_AS.sub(lambda found: " " * len(found[0]), text)
    for token in _TOKEN.finditer(text):
        word = token.group()
        is_near = _is_near(text[end : token.start()], over_turns=over_turns)
        end = token.end()
        if not is_near:
            run.end(runs)
        is_bank = len(word) == _MOST_SPELLED and word.lower() not in _UNITS and run.is_bank_next()
        if letters and word.lower() in _ALPHABET:
            run.add(word[0].upper(), token.span())
        elif letters and (is_bank or _is_spelled(word, text[end : end + 1])):
            run.add(word.upper(), token.span())
        elif not run.take(word.lower(), token.span()):
            run.end(runs)
    run.end(runs)
    return runs


def digit_runs_of(text: str, numbers: Sequence[tuple[str, int, int]], *, over_turns: bool = True) -> list[DigitRun]:
    """The runs of a text in which numbers were found: their digits, and the characters (from, to) that say them."""
    runs: list[DigitRun] = []
    run = _Run()
    end = 0
    written = [(one.group(), *one.span()) for one in _DIGIT.finditer(text)]
    for digits, start, after in sorted([*numbers, *written], key=lambda one: one[1]):
        if not _is_near(text[end:start], over_turns=over_turns):
            run.end(runs)
        run.add(digits, (start, after))
        end = after
    run.end(runs)
    return runs


def _is_near(between: str, *, over_turns: bool) -> bool:
    """Whether what stands between two digits is nothing but separators."""
    return (over_turns or "\n" not in between) and _BETWEEN.fullmatch(between.strip()) is not None


def _is_spelled(word: str, following: str) -> bool:
    """Whether letters are read one by one: one or two, or a few in capitals or with a digit right behind them."""
    if word.isdigit() or word.lower() in {"o", "oh"} or (word.lower() in _FILLERS and not word.isupper()):
        return False
    if word in _SMALL_WORDS:
        return False
    return len(word) <= 2 or (len(word) <= _MOST_SPELLED and (word.isupper() or following.isdigit()))


class _Run:
    """The run at hand: its digits, and what a word before asks of the next one."""

    def __init__(self) -> None:
        self._found: list[tuple[str, tuple[int, int]]] = []
        self._repeat: tuple[int, int] | None = None  # how often, and where the word begins
        self._open_ten = False  # the last digit is the zero of "forty", which a unit may take the place of

    def take(self, word: str, place: tuple[int, int]) -> bool:
        """Take a word in; False where it is no part of a number."""
        was_open, self._open_ten = self._open_ten, False
        if word.isdigit() or word in _UNITS:
            digit = _UNITS.get(word, word)
            times, start = self._repeat or (1, place[0])
            self._repeat = None
            if was_open and times == 1 and digit != "0" and not word.isdigit():
                self._found[-1] = digit, place
            else:
                self._found += [(digit, (start, place[1]))] * times
        elif word in _PAIRS:
            self.add(_PAIRS[word], place)
        elif word in _TENS:
            self.add(f"{_TENS.index(word) + 2}0", place)
            self._open_ten = True
        elif word in _ZEROS and self._found:
            self.add(_ZEROS[word], place)
        elif word in _PLURALS and self._found and self._found[-1][0] in "23456789":
            count, (start, _) = self._found.pop()  # "four ones"
            self._found += [(_PLURALS[word], (start, place[1]))] * int(count)
        elif word in _REPEATS:
            self._repeat = _REPEATS[word], place[0]
        else:
            return word in _FILLERS and bool(self._found)
        return True

    def add(self, digits: str, place: tuple[int, int]) -> None:
        """Take in characters that are read at one place."""
        self._repeat, self._open_ten = None, False
        self._found += [(digit, place) for digit in digits]

    def is_bank_next(self) -> bool:
        """Whether the bank's letters come next: of an account number, its country and check digits were said."""
        return _BANK.fullmatch("".join(one for one, _ in self._found[-_MOST_SPELLED:])) is not None

    def end(self, runs: list[DigitRun]) -> None:
        if self._found:
            digits, places = zip(*self._found, strict=True)
            runs.append(DigitRun("".join(digits), places))
        self._found, self._repeat, self._open_ten = [], None, False
