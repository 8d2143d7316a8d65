"""The forms in which a secret may stand somewhere: other separators, other case, digits as words, escaped, encoded.

`Secrets` says where in a text they are, and whether a text has them in any of its readings.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from .spoken_digits import digit_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LABEL = "[redacted]"
"""What is put in the place of everything that is gone: one text, so that its length says nothing."""
LABELS = re.compile(r"\[redacted(?:: [a-z][a-z0-9_-]*)?\]")
"""The label, and those that name a kind."""

_LEAST_DIGITS = 5
"""So many digits are looked for as words too: chosen, fewer occur by chance in any conversation."""
_LEAST_GLUED = 8
"""A secret with digits that has so many letters and digits is found inside longer words too: chosen."""

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\[nrtbf]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){6,}")
_DEPTH = 3
"""Levels of readings of readings; chosen: text in JSON in base64."""

Place = tuple[int, int]


class Secrets:
    """Texts that must not be found."""

    def __init__(self, texts: Iterable[str]) -> None:
        letters = {letters_of(text)[0] for text in texts}
        self._letters = sorted(filter(None, letters))
        digits = {_all_digits(text) for text in texts}
        self._digits = sorted(one for one in digits if len(one) >= _LEAST_DIGITS)

    def __bool__(self) -> bool:
        return bool(self._letters)

    def __len__(self) -> int:
        return len(self._letters)

    def places(self, text: str) -> list[Place]:
        """The characters (from, to) of each place where one of them is, whatever separates its letters."""
        letters, at = letters_of(text)
        found = []
        for secret in self._letters:
            start = letters.find(secret)
            while start >= 0:
                place = at[start], at[start + len(secret) - 1] + 1
                if _is_whole(text, place) or _may_be_glued(secret):
                    found.append(place)
                start = letters.find(secret, start + 1)
        for run in digit_runs(text) if self._digits else ():
            for secret in self._digits:
                start = run.digits.find(secret)
                while start >= 0:
                    found.append(run.place(start, start + len(secret)))
                    start = run.digits.find(secret, start + 1)
        return found

    def are_in(self, text: str) -> bool:
        """Whether one of them is in a text, plain or escaped for HTML, JSON or a URL, or in base64 or hexadecimal."""
        return bool(self) and any(self.places(reading) for reading in _readings(text, _DEPTH))

    def swept(self, value: Any) -> Any:
        """A JSON value with the label in the place of every text, number and name that has one of them.

        All of an object or a list goes in which one of them is said piece by piece.
        """
        if isinstance(value, dict | list) and any(map(self.are_in, _said_over(value))):
            return LABEL
        if isinstance(value, dict):
            return {LABEL if self.are_in(name) else name: self.swept(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.swept(inner) for inner in value]
        return LABEL if _is_plain(value) and self.are_in(str(value)) else value


def all_texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value, and what is said piece by piece in its lists and objects as one text."""
    yield from texts_in(value)
    if isinstance(value, dict | list):
        yield from _said_over(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from all_texts_in(inner) if isinstance(inner, dict | list) else ()


def _said_over(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    """What an object or a list says in several texts: tokens, letters, a first and a last name, words with their times.

    Fractions are times, and left out.
    """
    rows = list(value.values()) if isinstance(value, dict) else value
    columns: dict[str, list[Any]] = {"": rows}
    if isinstance(value, list):
        for inner in value:
            for name, piece in inner.items() if isinstance(inner, dict) else ():
                columns.setdefault(f".{name}", []).append(piece)
    for column in columns.values():
        pieces = [str(one) for one in column if _is_plain(one) and not isinstance(one, float)]
        yield ("" if all(len(one) == 1 for one in pieces) else " ").join(pieces)


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value: names, texts and numbers."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
    elif _is_plain(value):
        yield str(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


@lru_cache(maxsize=4096)
def letters_of(text: str) -> tuple[str, tuple[int, ...]]:
    """The letters and digits of a text without regard to case and width, and the character that each is of."""
    letters, at = [], []
    for place, character in enumerate(text):
        for one in unicodedata.normalize("NFKC", character).casefold():
            if one.isalnum():
                letters.append(one)
                at.append(place)
    return "".join(letters), tuple(at)


def _all_digits(text: str) -> str:
    """The digits of a secret that is a number, spoken or written; empty for others."""
    runs = digit_runs(text)
    return runs[0].digits if len(runs) == 1 else ""


def _is_whole(text: str, place: Place) -> bool:
    before, after = text[place[0] - 1 : place[0]], text[place[1] : place[1] + 1]
    return not (before.isalnum() or after.isalnum())


def _may_be_glued(secret: str) -> bool:
    return len(secret) >= _LEAST_GLUED and any(one.isdigit() for one in secret)


def _readings(text: str, depth: int) -> Iterator[str]:
    yield text
    if not depth:
        return
    others = [html.unescape(text), unquote_plus(text) if "%" in text else text, _ESCAPE.sub(_unescaped, text)]
    for other in dict.fromkeys(others):
        if other != text:
            yield from _readings(other, depth - 1)
    for run in _BASE64.findall(text):
        if decoded := _decoded(run):
            yield from _readings(decoded, depth - 1)
    for run in _HEX.findall(text):
        yield bytes.fromhex(run).decode("utf-8", "replace")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else " "


def _decoded(run: str) -> str:
    """A run of base64 as text, whatever is missing at its end; empty where it is no text."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return ""
    for cut_short in range(min(4, len(data))):  # what is cut may end inside a letter
        with suppress(UnicodeDecodeError):
            return data[: len(data) - cut_short].decode()
    return ""
