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
        "com org net edu gov mil info biz io ai app dev tech online store shop cloud co uk ie de fr es it pt nl be ch "
        "at lu dk se no fi is pl cz hu ro gr tr ru eu us ca mx br ar au nz jp cn kr sg hk in za me"
    )
)
"""Endings of domains that are looked for, also spelled letter by letter: chosen, those of most addresses."""

_JOINT = r"(?:dash|hyphen|minus|underscore|-|_)"
_LABEL = rf"[A-Za-z0-9]+(?:\s*{_JOINT}\s*[A-Za-z0-9]+)*"
_AT = (
    r"(?:,?\s+(?:at(?:\s+sign)?|arroba|arobase|chiocciola|apenstaartje|klammeraffe),?\s+"
    r"|\s*@\s*|\s*[\[(]\s*at\s*[\])]\s*)"
)
_DOT = r"(?:,?\s+(?:dot|point|period|punkt|punto|ponto|punt)\s+|\s\.\s|\.|\s*[\[(]\s*dot\s*[\])]\s*)"
_SPOKEN_AT = re.compile(
    rf"{_AT}(?:[A-Za-z]+\s){{0,2}}?{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}?(?:{_DOT}(?:{_ENDINGS}))+\b", re.IGNORECASE
)
_ASIDE = re.compile(r"[\s,]*\b(?:all\s+)?(?:one word|lower ?case|together)[\s,]*$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+(?:[-._'\u2019][A-Za-z0-9]+)*$")
_SPELLED_AS = re.compile(r"\b([A-Za-z])\s+(?:as in|like|for)\s+[A-Za-z]+,?$", re.IGNORECASE)
_COUNTED = re.compile(r",?\s+the\s+(?:number|digit|letter)$", re.IGNORECASE)
_CONTRACTED = re.compile(r"['\u2019](?:s|m|re|ll|d|ve)$")
_JOINTS = frozenset(words_of("dot point period dash hyphen minus underscore plus punkt punto ponto punt"))
_NO_NAMES = frozenset(
    words_of(
        "is it its s to my at address email mail e write send me use please the that or and i am be reach you on by as "
        "a an are look work works worked meet met buy bought see found sold hosted arrived"
    )
)
_MOST_WORDS, _MOST_ASIDE_CHARS, _MOST_BACK_CHARS = 16, 40, 60
"""Words of an address as spoken, characters of an aside before it, and those looked at for a word; chosen."""


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """The characters of each address in a text."""
    yield from (found.span() for found in _WRITTEN.finditer(text))
    for found in _SPOKEN_AT.finditer(text):
        start = _start_of_name(text, found.start())
        if text[start : found.start()].strip(" ,"):
            yield start, found.end()


def _may_be_name(word: re.Match[str], behind: str) -> bool:
    """Whether a word may be in a name: none of a sentence's own, unless it is a letter between other letters."""
    said = word.group().lower()
    if len(said) == 1:
        before = word.string[: word.start()].rstrip(" .,-")
        is_spelled = not before[-2:-1].isalnum() and before[-1:].isalpha()
        return said not in _NO_NAMES or is_spelled or behind[1:2] in {"", " ", ".", "-"}
    return _CONTRACTED.sub("", said) not in _NO_NAMES and not said.endswith(("'s", "\u2019s"))


def _start_of_name(text: str, end: int) -> int:
    """Where the name before "at" begins: words, letters and numbers back to a word that is in no name."""
    aside = _ASIDE.search(text, max(0, end - _MOST_ASIDE_CHARS), end)
    start = at = aside.start() if aside else end
    for _ in range(_MOST_WORDS):
        rest = text[max(0, at - _MOST_BACK_CHARS) : at].rstrip(" ")
        before = at - len(text[max(0, at - _MOST_BACK_CHARS) : at]) + len(rest)
        if spelled := _SPELLED_AS.search(rest):
            at = start = before - len(rest) + spelled.start()
            continue
        if counted := _COUNTED.search(rest):
            at = before - len(rest) + counted.start()
            continue
        tail = rest.rstrip(".,")
        word = _WORD.search(tail)
        if word is None or (tail != rest and len(word.group()) > 1) or not _may_be_name(word, text[at : at + 2]):
            break
        at = before - len(rest) + word.start()
        if word.group().lower() not in _JOINTS:
            start = at
    return start
