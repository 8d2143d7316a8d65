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
        "at lu dk se no fi is pl cz hu ro gr tr ru ua by bg rs hr si sk ee lv lt eu us ca mx br ar cl pe ve uy ec au "
        "nz jp cn kr sg hk tw th vn ph id my pk bd lk in za ng ke gh eg ma il ae sa qa me tv cc"
    )
)
"""Endings of domains that are looked for, also spelled letter by letter: chosen, those of most addresses."""

_GAP, _SPACE = r"\s{1,16}", r"\s{0,16}"  # bounded, so that no text is searched for longer than it is
_JOINT = r"(?:dash|hyphen|minus|underscore|-|_)"
_LABEL = rf"[A-Za-z0-9]+(?:{_SPACE}{_JOINT}{_SPACE}[A-Za-z0-9]+)*"
_AT = (
    rf"(?:,?{_GAP}(?:at(?:{_GAP}sign)?|arroba|arobase|chiocciola|apenstaartje|klammeraffe),?{_GAP}"
    rf"|{_SPACE}@{_SPACE}|{_SPACE}[\[(]{_SPACE}at{_SPACE}[\])]{_SPACE})"
)
_DOT = (
    rf"(?:,?{_GAP}(?:dot|point|period|punkt|punto|ponto|punt){_GAP}|\s\.\s|\."
    rf"|{_SPACE}[\[(]{_SPACE}dot{_SPACE}[\])]{_SPACE})"
)
_NO_DOMAIN = r"(?!www\b|(?:it|the|this|that|each|every|one|an?|him|her|them|us)\s)"
_SPOKEN_AT = re.compile(
    rf"{_AT}{_NO_DOMAIN}(?:(?:[A-Za-z0-9]{_GAP}){{0,20}}?|(?:[A-Za-z]+\s){{0,2}}?)"
    rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}?(?:{_DOT}(?:{_ENDINGS}))+\b",
    re.IGNORECASE,
)
_AT_PROVIDER = re.compile(
    rf"{_AT}(?:g\s?mail|yahoo|hotmail|outlook|icloud|proton\s?mail|a\s?o\s?l|m\s?s\s?n|live|gmx)\b", re.IGNORECASE
)
"""A well-known provider, whose ending is often left out."""
_AT_ANY = re.compile(rf"{_AT}{_NO_DOMAIN}{_LABEL}(?:,?{_GAP}dot{_GAP}[A-Za-z0-9]{{2,}})+\b", re.IGNORECASE)
"""A domain with any ending, which is one where an address is spoken of."""
_MAIL_WORDS = re.compile(r"\b(?:e-?\s?mail|mail|address|write)\b", re.IGNORECASE)
_FILLERS = re.compile(r",?[ \t]{0,3}\b(?:u[hm]+|er+m?|h+m+)\b,?", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[\[(]\s*(?:dot|point)\s*[\])]", re.IGNORECASE)
_ASIDE = re.compile(r"[\s,]*\b(?:all\s+)?(?:one word|lower ?case|together)[\s,]*$", re.IGNORECASE)
_IN_ADDRESS = re.compile(
    rf"{_AT}|,?\s+(?:dot|point|period|dash|hyphen|underscore|zero|one|two|three|four|five|six|seven|eight|nine)\b",
    re.IGNORECASE,
)
"""What may follow a letter of a name, and no word of a sentence, which has no "a at" and no "s dot"."""
_WORD = re.compile(r"[A-Za-z0-9]+(?:[-._'\u2019+][A-Za-z0-9]+)*$")
_FIRST_WORD = re.compile(r"[A-Za-z0-9]+")
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
_MOST_WORDS, _MOST_ASIDE_CHARS, _MOST_BACK_CHARS, _MOST_BEHIND_CHARS, _NEAR_CHARS = 16, 40, 60, 16, 40
"""Words of an address as spoken, characters of an aside before it, and those looked at for a word, behind it, and for
a word that says what it is; chosen."""


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """The characters of each address in a text."""
    yield from (found.span() for found in _WRITTEN.finditer(text))
    text = _FILLERS.sub(lambda found: " " * len(found[0]), text)
    text = _IN_BRACKETS.sub(lambda found: f" {found[0][1:-1]} ", text)
    for ending in (_SPOKEN_AT, _AT_PROVIDER, _AT_ANY):
        at = 0
        while found := ending.search(text, at):
            start = _start_of_name(text, found.start())
            is_address = bool(text[start : found.start()].strip(" ,"))
            if is_address and (ending is _SPOKEN_AT or _MAIL_WORDS.search(text, max(0, start - _NEAR_CHARS), start)):
                yield start, found.end()
            at = found.end() if is_address else found.start() + 1  # "email me at bob at …" has one more


def _may_be_name(word: re.Match[str], behind: str, following: str) -> bool:
    """Whether a word may be in a name: none of a sentence's own, unless it is a letter between other letters.

    `behind` is the next part of the name, `following` all that is behind the word.
    """
    said = word.group().lower()
    if len(said) == 1:
        before = word.string[: word.start()].rstrip(" .,-")
        is_spelled = not before[-2:-1].isalnum() and before[-1:].isalpha()
        is_joined = _IN_ADDRESS.match(following) is not None
        return said not in _NO_NAMES or is_spelled or is_joined or behind[1:2] in {"", " ", ".", "-"}
    return _CONTRACTED.sub("", said) not in _NO_NAMES and not said.endswith(("'s", "\u2019s"))


def _goes_on(word: str, rest: str) -> bool:
    """Whether a name goes over the end of a turn: with a joint, or letter by letter."""
    following = _FIRST_WORD.match(rest)
    next_word = following.group().lower() if following else ""
    return word.lower() in _JOINTS or next_word in _JOINTS or len(word) == len(next_word) == 1


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
        is_apart = tail != rest and not text[at : at + 1].isdigit()  # "S-H-E-V, 23 at" is one name
        if word is None or (is_apart and len(word.group()) > 1):
            break
        end_of_word = before - len(rest) + word.end()
        if at < end and "\n" in text[end_of_word:at] and not _goes_on(word.group(), text[at:]):
            break
        following = text[end_of_word : end_of_word + _MOST_BEHIND_CHARS]
        if not _may_be_name(word, text[at : at + 2], following):
            break
        at = before - len(rest) + word.start()
        if word.group().lower() not in _JOINTS:
            start = at
    return start
