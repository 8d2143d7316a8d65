"""How a word that no dictionary has may sound: letters to phones, by rules.

The phones are those of the CMU dictionary (ARPAbet), which the acoustic model knows.  The rules are rough on purpose:
what they are for is telling where a name or a foreign word begins and ends, and for that the neighbours and the right
number of sounds matter more than the right vowel.  Longer spellings stand before shorter ones.
"""

from __future__ import annotations

import re
import unicodedata

_SHARED = {
    "tsch": "CH", "sch": "SH", "tch": "CH", "dge": "JH", "ch": "CH", "ck": "K", "gh": "G", "gn": "N", "ph": "F",
    "qu": "K W", "sh": "SH", "th": "TH", "wh": "W", "kn": "N", "wr": "R", "ng": "NG", "zh": "ZH", "cz": "CH",
    "sz": "SH", "rz": "ZH", "b": "B", "d": "D", "f": "F", "g": "G", "h": "HH", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "v": "V", "x": "K S", "z": "Z",
}  # fmt: skip

_ENGLISH = _SHARED | {
    "igh": "AY", "tion": "SH AH N", "sion": "ZH AH N", "ture": "CH ER", "ous": "AH S", "ai": "EY", "ay": "EY",
    "au": "AO", "aw": "AO", "ea": "IY", "ee": "IY", "ei": "EY", "eu": "Y UW", "ew": "Y UW", "ey": "IY", "ie": "IY",
    "oa": "OW", "oi": "OY", "oo": "UW", "ou": "AW", "ow": "OW", "oy": "OY", "ue": "UW", "ui": "UW", "er": "ER",
    "ir": "ER", "ur": "ER", "ar": "AA R", "or": "AO R", "ce": "S", "ci": "S IH", "cy": "S IY", "ge": "JH EH",
    "gi": "JH IH", "a": "AE", "c": "K", "e": "EH", "i": "IH", "j": "JH", "o": "AA", "u": "AH", "w": "W", "y": "IY",
}  # fmt: skip

_CONTINENTAL = _SHARED | {
    "ei": "AY", "ai": "AY", "ay": "AY", "ie": "IY", "au": "AW", "eu": "OY", "aeu": "OY", "ou": "UW", "oi": "W AA",
    "ue": "UW", "oe": "ER", "ll": "L", "rr": "R", "ce": "S EH", "ci": "S IY", "th": "T", "kn": "K N", "w": "V",
    "gh": "G", "a": "AA", "c": "K", "e": "EH", "i": "IY", "j": "Y", "o": "OW", "u": "UW", "y": "IY",
}  # fmt: skip

_FOLDED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe", "ł": "w", "đ": "d", "ð": "th", "þ": "th", "\u0131": "i"}
)
_SILENT_END = r"(?<=[aeiouy][bcdfgklmnprstvz])e(?=s?$)"
_DOUBLED = r"([bdfgklmnprtvz])\1"


def folded(word: str) -> str:
    """`word` in small Latin letters as far as it has any, without accents; apostrophes stay."""
    plain = unicodedata.normalize("NFKD", word.lower().replace("\u2019", "'").translate(_FOLDED))
    return "".join(c for c in plain.lower() if c.isascii() and (c.isalnum() or c == "'"))


def phones_of(word: str, *, english: bool = True) -> str:
    """Phones of a word of small Latin letters, between spaces; empty where it has none of them."""
    rules = _ENGLISH if english else _CONTINENTAL
    rest = re.sub(_DOUBLED, r"\1", "".join(c for c in word if c.isalpha()))
    rest = re.sub(_SILENT_END, "", rest) if english else rest
    phones: list[str] = []
    while rest:
        size = next((n for n in (4, 3, 2, 1) if rest[:n] in rules and len(rest) >= n), 0)
        if size:
            phones.append(rules[rest[:size]])
        rest = rest[max(1, size) :]
    return " ".join(phones)
