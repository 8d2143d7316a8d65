"""What a text sounds like, as far as its spelling tells: tokens, and for each the ways in which it may be read.

A token is what stands between spaces; in scripts that write no spaces, each character with the marks that belong to
it.  A reading is a sequence of slots, each with the alternatives that may be said there, words of a
dictionary or of small Latin letters; which of them was said, the sound tells.  Numbers are read by num2words in the
language of the text.

Not here: how words are pronounced (`pocketsphinx`, `g2p`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from ..speech.g2p import folded
from ..speech.scripts import WITHOUT_SPACES

if TYPE_CHECKING:
    from collections.abc import Sequence

Words = tuple[str, ...]
Slot = tuple[Words, ...]
"""Alternatives for one place; an empty one means that nothing may be said there."""

_TOKEN = (
    f"[^{WITHOUT_SPACES}\\s]*[{WITHOUT_SPACES}](?:[^\\w\\s]|[ーぁぃぅぇぉっゃゅょァィゥェォッャュョ])*"
    f"|[^{WITHOUT_SPACES}\\s]+"
)
_MOST_DIGITS = 15  # chosen: longer numbers are read digit by digit
_LONGEST = 120  # characters of a token; chosen: bounds what is read
_UNREADABLE = 0.2  # share of the tokens; chosen
_PIECE = (
    r"(?i)(?P<money>[$€£¥])\s*(?P<amount>\d[\d,.]*\d|\d)(?P<scale>[kmb]?)(?![a-z])"
    r"|(?P<initials>(?<![^\W_])(?:[^\W\d_]\.){2,})"
    r"|(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)"
    r"|(?P<ordinal>\d+)(?:st|nd|rd|th)(?![a-z])"
    r"|(?P<decade>\d*\d0)['\u2019]?s(?![a-z])"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)"
    r"|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*['\u2019]?)"
    r"|(?P<mark>[^\s])"
)
_MONEY = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen"}
_SCALES = {"k": "thousand", "m": "million", "b": "billion"}
_MARKS: dict[str, Slot] = {
    "%": (("percent",),),
    "&": (("and",),),
    "+": (("plus",), ()),
    "=": (("equals",), ()),
    "@": (("at",),),
    "°": (("degrees",), ()),
    "#": (("number",), ("hash",), ()),
    "*": (("times",), ("star",), ()),
}
_MARKS_INSIDE: dict[str, Slot] = {
    ".": (("dot",), ("point",), ()),
    "/": (("slash",), ("per",), ()),
    "_": (("underscore",), ()),
    "-": (("dash",), ("minus",), ("to",), ()),
    ":": (("colon",), ()),
}
_SHORT: dict[str, Slot] = {
    "dr": (("doctor",), ("drive",)),
    "st": (("street",), ("saint",)),
    "no": (("no",), ("number",)),
    "vs": (("versus",),),
    "approx": (("approximately",),),
}
_LETTERS = {"w": ("double", "u"), "a": ("ay",)}


class Token(Struct, frozen=True):
    """A piece of the text and how it may be read; `slots` is empty where nothing of it can be said."""

    text: str
    slots: tuple[Slot, ...]


def tokens_of(text: str) -> list[str]:
    """The pieces of a text that each get a time: every character of it but the spaces, once and in order."""
    return re.findall(_TOKEN, text)


def text_until(text: str, tokens: int) -> str:
    """The text up to the end of so many of its tokens."""
    ends = [0, *(found.end() for found in re.finditer(_TOKEN, text))]
    return text[: ends[tokens]].strip()


def has_letters(token: str) -> bool:
    """Whether a token is more than signs."""
    return any(character.isalnum() for character in token)


def readable(tokens: Sequence[str]) -> bool:
    """Whether enough of a text is in a script that can be read here; a word of another one does no harm."""
    read_here = [bool(read(token).slots) for token in tokens if has_letters(token)]
    return any(read_here) and read_here.count(False) <= _UNREADABLE * len(read_here)


@lru_cache(maxsize=4096)
def read(token: str, language: str = "en") -> Token:
    """How `token` may be read aloud in a language (a two-letter code)."""
    if len(token) > _LONGEST:
        return Token(token, ())
    pieces = list(re.finditer(_PIECE, token))
    slots: list[Slot] = []
    for index, piece in enumerate(pieces):
        kind = piece.lastgroup or ""
        if piece["money"]:
            slots += _money(piece["money"], piece["amount"], piece["scale"].lower(), language)
        elif piece["hour"]:
            slots += _clock_time(piece["hour"], piece["minute"], language)
        elif kind == "ordinal":
            slots.append(_said(piece["ordinal"], language, "ordinal"))
        elif kind == "decade":
            slots += [_said(piece["decade"], language, "year"), (("s",), ())]
        elif kind == "number":
            slots += _number(piece["number"], language)
        elif kind == "initials":
            slots += [(_letters(folded(piece["initials"])),)]
        elif kind == "word":
            slots += _word(piece["word"], shortened=token[piece.end() : piece.end() + 1] == ".")
        else:
            slots += _mark(piece["mark"], pieces, index)
    return Token(token, tuple(slots))


def _mark(mark: str, pieces: list[re.Match[str]], index: int) -> list[Slot]:
    """A sign: some are always read, some only inside a token (an address), most never."""
    if mark in _MARKS:
        return [_MARKS[mark]]
    before, after = (pieces[i].lastgroup if 0 <= i < len(pieces) else None for i in (index - 1, index + 1))
    if mark == "-":  # it parts words, and is not read; before a number it may be
        return [_MARKS_INSIDE["-"]] if after == "number" else []
    inside = not {before, after} & {None, "mark"}
    return [_MARKS_INSIDE[mark]] if mark in _MARKS_INSIDE and (inside or (len(pieces) == 1 and mark == "/")) else []


def _word(text: str, *, shortened: bool) -> list[Slot]:
    """A word; what is written in capitals may be spelt out."""
    plain = folded(text)
    if not plain.strip("'"):
        return []
    if shortened and plain in _SHORT:
        return [_SHORT[plain]]
    if plain == "www":
        return [(_letters(plain), ())]
    spelt_out = len(plain) == 1 or (text.isupper() and len(plain) <= 6 and plain.isalpha())
    return [_alternatives((plain,), _letters(plain))] if spelt_out else [((plain,),)]


def _letters(word: str) -> Words:
    """Letter by letter."""
    return tuple(said for letter in word if letter.isalpha() for said in _LETTERS.get(letter, (letter,)))


# -- numbers


def _number(text: str, language: str) -> list[Slot]:
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", text)
    whole, _, fraction = plain.replace(",", ".").partition(".")
    if not fraction:
        return [_said(whole, language, "cardinal")]
    parts = _alternatives(_spoken(fraction, language, "cardinal"), _digits(fraction, language))
    return [_said(whole, language, "cardinal"), (("point",), ()), parts]


def _money(sign: str, amount: str, scale: str, language: str) -> list[Slot]:
    """`$1,200.50`: the sign is said after the number, or not at all; some voices say it before."""
    coin = _MONEY[sign]
    whole, _, cents = re.sub(r",(?=\d{3}(?:\D|$))", "", amount).replace(",", ".").partition(".")
    cents = re.sub(r"\D", "", cents)  # a text may hold 0..0
    unit: Slot = tuple(dict.fromkeys([(coin if coin == "yen" else coin + "s",), (coin,), ()]))
    slots: list[Slot] = [((), (coin,)), _said(whole, language, "cardinal")]
    if scale:
        fraction: list[Slot] = [(("point",),), _said(cents, language, "cardinal")] if cents else []
        return [*slots, *fraction, ((_SCALES[scale],),), unit]
    if cents and int(cents):
        return [*slots, unit, (("and",), ()), _said(cents, language, "cardinal"), (("cents",), ("cent",), ())]
    return [*slots, unit]


def _clock_time(hour: str, minute: str, language: str) -> list[Slot]:
    if minute == "00":
        return [_said(hour, language, "cardinal"), (("o'clock",), ("hundred",), ("zero", "zero"), ())]
    said = _spoken(minute, language, "cardinal")
    return [_said(hour, language, "cardinal"), _alternatives(("oh", *said), said) if minute[0] == "0" else (said,)]


def _said(digits: str, language: str, kind: str) -> Slot:
    """The ways to read a whole number."""
    if len(digits) > _MOST_DIGITS:
        return _alternatives(_digits(digits, language), _digits(digits, language, "oh"))
    first = _spoken(digits, language, kind)
    if kind == "ordinal":
        return (first,)
    ways = [first, tuple(word for word in first if word != "and")]
    if len(digits) == 4 and digits[0] != "0":
        ways.append(_spoken(digits, language, "year"))
    if len(digits) >= 3 and kind == "cardinal":
        low, high = _spoken(digits[-2:], language, "cardinal"), _spoken(digits[:-2], language, "cardinal")
        ways += [(*high, *(("oh", *low) if digits[-2] == "0" else low))] if len(digits) <= 4 else []
    if len(digits) >= 2:
        ways += [_digits(digits, language), _digits(digits, language, "oh")]
    return _alternatives(*ways)


def _digits(digits: str, language: str, zero: str = "") -> Words:
    """Digit by digit."""
    said: list[str] = []
    for digit in digits:
        said += [zero] if zero and digit == "0" else _spoken(digit, language, "cardinal")
    return tuple(said)


def _alternatives(*ways: Words) -> Slot:
    return tuple(dict.fromkeys(ways))


@lru_cache(maxsize=4096)
def _spoken(digits: str, language: str, kind: str) -> Words:
    """A number in words, by num2words."""
    from num2words import num2words  # noqa: PLC0415 - where words are asked for alone

    number = int(digits)
    try:
        text = num2words(number, lang=language, to=kind)
    except (NotImplementedError, OverflowError, ValueError, TypeError, IndexError, KeyError):
        text = num2words(number, to=kind)  # a language that it does not know, or not that well
    return tuple(word for word in (folded(part) for part in re.split(r"[\s-]+", text)) if word)
