"""Numbers that are spoken in English as one amount, as figures: "four thousand five hundred and thirty nine" is 4539.

Read digit by digit they would be 4000 500 30 9, which is right where a number is said so ("eight hundred, five five
five"): both are tried.
"""

from __future__ import annotations

import re

from ...documents.lenient import words_of

_UNITS = words_of("one two three four five six seven eight nine")
_TEENS = words_of("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
_SMALL = {word: number for number, word in enumerate([*_UNITS, *_TEENS], 1)}
_SMALL |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS)}))?|{'|'.join([*_TEENS, *_UNITS])})"
_AMOUNT = re.compile(
    rf"\b(?:(?P<thousands>{_BELOW_100}) thousand(?:,? (?P<hundreds>{_BELOW_100}) hundred)?"
    rf"|(?P<only_hundreds>{_BELOW_100}) hundred)(?:,? (?:and )?(?P<rest>{_BELOW_100})(?! hundred| thousand))?\b",
    re.IGNORECASE,
)


def in_figures(text: str) -> str:
    """A text with its amounts as figures, as long as it was: the last figure stands where the amount ends."""
    return _AMOUNT.sub(_figures, text)


def _figures(found: re.Match[str]) -> str:
    hundreds = found["hundreds"] or found["only_hundreds"]
    number = str(1000 * _value(found["thousands"]) + 100 * _value(hundreds) + _value(found["rest"]))
    return f"{number[:-1]}{' ' * (len(found[0]) - len(number))}{number[-1]}"


def _value(words: str | None) -> int:
    return sum(_SMALL[word] for word in re.split("[ -]", words.lower())) if words else 0
