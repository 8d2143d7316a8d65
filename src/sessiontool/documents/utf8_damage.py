"""UTF-8 that was damaged on its way: bytes that are gone, text that was encoded twice, halves of surrogate pairs.

JavaScript counts text in halves: where a string is cut, a character beyond the first plane leaves one behind.  Python's
JSON reads it, and nothing writes it again.  What came in pieces is whole once they are joined (`hold`, `rejoined`); any
other half is a question mark, and is counted.
"""

from __future__ import annotations

import re

_HALF = "[\ud800-\udfff]"
_LEADING, _TRAILING = "^[\udc00-\udfff]", "[\ud800-\udbff]$"
_HELD_FROM = 0x10F800
"""Where halves are held: the last 2048 characters for private use, which no text has; chosen, by Unicode's
definition of them."""
_HELD = "[\U0010f800-\U0010fbff][\U0010fc00-\U0010ffff]|[\U0010f800-\U0010ffff]"
_ESCAPED_HALF = (
    r"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][\da-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][\da-fA-F]{2})\\u[dD][c-fC-F][\da-fA-F]{2})"
)


def halves_in(text: str) -> int:
    """How many halves of surrogate pairs, without the other, are escaped in a JSON text."""
    return sum(1 for _ in re.finditer(_ESCAPED_HALF, text)) if "\\u" in text else 0


def without_halves(text: str) -> str:
    """`text` with its surrogate pairs as characters, and a question mark for each half."""
    return re.sub(_HALF, "?", text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))


def hold(text: str) -> str:
    """The same, but halves at its ends are kept: the text is one of several pieces."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return re.sub(_HALF, "?", re.sub(_LEADING, _held, re.sub(_TRAILING, _held, whole)))


def _held(half: re.Match[str]) -> str:
    return chr(ord(half[0]) - 0xD800 + _HELD_FROM)


def rejoined(text: str) -> str:
    """The pieces of a text as one: halves that stand together are a character again."""
    return re.sub(_HELD, _joined, text)


def held_in(text: str) -> int:
    """How many halves of `text`, in pieces or joined, have no other half beside them."""
    return sum(len(match[0]) < 2 for match in re.finditer(_HELD, text))


def _joined(halves: re.Match[str]) -> str:
    if len(halves[0]) < 2:
        return "?"
    high, low = (ord(one) - _HELD_FROM for one in halves[0])
    return chr(0x10000 + (high << 10) + low - 0x400)


# -- bytes


def is_damaged_utf8(data: bytes) -> bool:
    """Whether bytes that are no UTF-8 once were: what is whole of it, in following bytes, outweighs the rest."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = (char for char in text if char > "\x7f" and char != "\ufffd")
    return sum(len(char.encode()) - 1 for char in whole) >= 2 * broken


_READ_AS = "\x80-\xff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201a"
_READ_AS += "\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
_TWICE = f"[\u00c2-\u00f4][{_READ_AS}]+"
_MOST = 0.8
"""So many (a share, chosen) of the places that may be encoded twice must be, or none is."""


def encoded_once(text: str) -> str:
    """Text that was UTF-8, read as Latin 1 or Windows-1252, and encoded again, as it was; any other text as it is."""
    if text.isascii():
        return text
    found = {match[0] for match in re.finditer(_TWICE, text)}
    once = {one: made for one in found if (made := _encoded_once(one))}
    if not once or len(once) < _MOST * len(found):
        return text
    return re.sub(_TWICE, lambda match: once.get(match[0], match[0]), text)


def _encoded_once(text: str) -> str:
    data = b"".join(_byte(char) for char in text)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def _byte(char: str) -> bytes:
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")
