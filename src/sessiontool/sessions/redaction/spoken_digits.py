"""Digits of a text, written or spoken in English: `4111`, `four one double one`, `forty-one eleven`, as runs of digits.

A run is what a number could be: digits with nothing between them but separators and fillers ("um", "dash").  Each digit
knows the characters that it was said by.  With letters, a run is what could be spelled: `D E eight nine`, `GB82 WEST`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...documents.lenient import words_of

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
        "um uh er erm ah and then dash hyphen space minus point slash comma okay ok so now wait sorry hmm mm well like"
    )
)

_MOST_SPELLED = 4
"""Letters of a word in capitals that may be spelled; chosen: a bank's code has four."""

_TOKEN = re.compile(r"\d|[^\W\d_]+", re.ASCII)
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015.,;:/()\[\]+*_|\u2026]{0,8}")


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits that follow one another, and for each the characters (from, to) that say it."""

    digits: str
    places: tuple[tuple[int, int], ...]

    def place(self, first: int, after: int) -> tuple[int, int]:
        """The characters of some of its digits."""
        return self.places[first][0], self.places[after - 1][1]


def digit_runs(text: str, *, letters: bool = False) -> list[DigitRun]:
    """The runs of digits of a text, in order; `letters`: with letters that are spelled, as upper case."""
    runs: list[DigitRun] = []
    run = _Run()
    end = 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        is_near = _BETWEEN.fullmatch(text, end, token.start()) is not None
        end = token.end()
        if not is_near:
            run.end(runs)
        if letters and _is_spelled(word, text[end : end + 1]):
            run.add(word.upper(), token.span())
        elif not run.take(word.lower(), token.span()):
            run.end(runs)
    run.end(runs)
    return runs


def _is_spelled(word: str, following: str) -> bool:
    """Whether letters are read one by one: one or two, or a few in capitals or with a digit right behind them."""
    if word.isdigit() or word.lower() in {"o", "oh"}:
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
        elif word in _REPEATS:
            self._repeat = _REPEATS[word], place[0]
        else:
            return word in _FILLERS and bool(self._found)
        return True

    def add(self, digits: str, place: tuple[int, int]) -> None:
        """Take in characters that are read at one place."""
        self._repeat, self._open_ten = None, False
        self._found += [(digit, place) for digit in digits]

    def end(self, runs: list[DigitRun]) -> None:
        if self._found:
            digits, places = zip(*self._found, strict=True)
            runs.append(DigitRun("".join(digits), places))
        self._found, self._repeat, self._open_ten = [], None, False
