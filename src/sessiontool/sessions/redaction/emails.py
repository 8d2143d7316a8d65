"""E-mail addresses, written (`dana@example.com`) or as they are spoken (`dana dot m at example dot com`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...documents.lenient import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITTEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_ENDINGS = "|".join(
    r"\s*".join(name)
    for name in words_of(
        "com org net edu gov info biz io ai app dev co uk de fr es it nl be ch at eu us ca au jp in me"
    )
)
"""Endings of domains that are looked for, also spelled letter by letter: chosen, those of most addresses."""

_JOINT = r"(?:dash|hyphen|minus|underscore|-|_)"
_LABEL = rf"[A-Za-z0-9]+(?:\s*{_JOINT}\s*[A-Za-z0-9]+)*"
_AT = r"(?:\s+at(?:\s+sign)?\s+|\s*@\s*|\s*[\[(]\s*at\s*[\])]\s*)"
_DOT = r"(?:\s+(?:dot|point)\s+|\s\.\s|\.|\s*[\[(]\s*dot\s*[\])]\s*)"
_SPOKEN_AT = re.compile(
    rf"{_AT}(?:[A-Za-z]+\s){{0,2}}?{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}?(?:{_DOT}(?:{_ENDINGS}))+\b", re.IGNORECASE
)
_ASIDE = re.compile(r"[\s,]*\b(?:all\s+)?(?:one word|lower ?case|together)[\s,]*$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9])*$")
_JOINTS = frozenset(words_of("dot point dash hyphen minus underscore plus"))
_NO_NAMES = frozenset(
    words_of(
        "is it its s to my at address email mail e write send me use please the that or and i am be reach you on by as "
        "a an are look work works worked meet met buy bought see found sold hosted arrived"
    )
)
_MOST_WORDS, _MOST_ASIDE_CHARS = 12, 40
"""Words of an address as spoken, and characters of an aside before it; chosen."""


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """The characters of each address in a text."""
    yield from (found.span() for found in _WRITTEN.finditer(text))
    for found in _SPOKEN_AT.finditer(text):
        start = _start_of_name(text, found.start())
        if text[start : found.start()].strip(" ,"):
            yield start, found.end()


def _start_of_name(text: str, end: int) -> int:
    """Where the name before "at" begins: words, letters and numbers back to a word that is in no name."""
    aside = _ASIDE.search(text, max(0, end - _MOST_ASIDE_CHARS), end)
    start = at = aside.start() if aside else end
    for _ in range(_MOST_WORDS):
        rest = text[:at].rstrip(" ")
        word = _WORD.search(rest)
        if word is None or text[word.end() : at].strip() or word.group().lower() in _NO_NAMES:
            break
        at = word.start()
        if word.group().lower() not in _JOINTS:
            start = at
    return start
