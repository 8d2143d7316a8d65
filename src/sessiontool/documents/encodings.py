"""Bytes of a text document -> text, whatever it was written in.

UTF-8, UTF-16 and UTF-32 are recognised with and without a byte order mark.  What is none of them is an older encoding
that nothing in the file names: the one whose characters make up the most plausible words is taken.  Lines that are
UTF-8 are read as that even where others are not, as logs are appended to by several programs.

Not here: how UTF-8 is known where it was damaged (`utf8_damage`).
"""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

from .utf8_damage import encoded_once, is_damaged_utf8

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_PROBED_BYTES = 4096
"""Chosen: enough text to recognise an encoding by."""
_JUDGED_BYTES = 1 << 16
"""As much of a file tells its encoding (chosen: hundreds of words)."""
_ZERO_SHARE = 0.2
"""Of UTF-16 text that is not Latin still the line breaks, brackets and quotes have a zero byte (chosen)."""

LEGACY = (
    "cp1252",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
    "cp1251",
    "koi8_r",
    "cp1250",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp874",
)
"""The encodings that are tried, the most common first: of two that are as plausible the first is taken."""

_PUNCTUATION = frozenset("\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u20ac\u00a1\u00bf\u00ab\u00bb\u00b0\u00a0")
_OPENING = frozenset("\u00a1\u00bf")
_LATIN_POINTS = {
    **dict.fromkeys("\u00f0\u00d0\u00fe\u00de\u00ff\u0178", -0.5),  # ð þ ÿ
    **dict.fromkeys("\u00fd\u0163\u0162\u0155\u0103\u0111\u013a\u0131", 0.7),  # of Czech, Romanian, Slovak, Turkish
    **dict.fromkeys("\u00ec\u00f5\u00f8\u00f9\u0144", 0.9),  # ì õ ø ù ń
    "\u00f1": 1.05,  # ñ
}
"""Scores of letters that share their byte with a more common one of another encoding; every other letter counts 1
(chosen)."""

_FOLLOWED = {"\u00f1": "aeiou\u00e1\u00e9\u00ed\u00f3\u00fa", "\u0153": "uei"}
"""What stands behind ñ in Spanish and œ in French; elsewhere they are ń and ś of Polish, read wrongly."""

_FREQUENT = frozenset(
    "\u043e\u0435\u0430\u0438\u043d\u0442\u0441\u0440\u0432\u043b\u043a\u043c"  # Cyrillic
    "\u03b1\u03b5\u03bf\u03b9\u03c3\u03c4\u03b7\u03bd\u03c1\u03ba"  # Greek
    "\u05d9\u05d5\u05d4\u05dc\u05d0\u05ea\u05e9\u05e8\u05de\u05d1"  # Hebrew
    "\u0627\u0644\u064a\u0645\u0646\u0648\u062a\u0631\u0628\u0629"  # Arabic
    "\u0e32\u0e19\u0e23\u0e2d\u0e01\u0e40\u0e07\u0e21\u0e22\u0e25"  # Thai
)


class Decoded(Struct, frozen=True):
    """The text, the encoding that it was read in, and how many bytes are no character of it (shown as `?`).

    `was_twice`: it was UTF-8 that something encoded again, which is undone.
    """

    text: str
    encoding: str
    lost: int = 0
    was_twice: bool = False


def decode(data: bytes) -> Decoded:
    """The text of `data`, without a byte order mark; never an error, and no U+FFFD in place of bytes."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    if wide := _wide_encoding(data[:_PROBED_BYTES]):
        return _decoded(data, wide)
    try:
        return _once(data.decode())
    except UnicodeDecodeError:
        return _by_line(data)


def is_wide(start: bytes) -> bool:
    """Whether a text that begins so is UTF-16 or UTF-32."""
    marks = tuple(mark for mark, encoding in _MARKS if encoding != "utf-8")
    return start.startswith(marks) or bool(_wide_encoding(start[:_PROBED_BYTES]))


def _decoded(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        if encoding == "utf-8":
            return _by_line(data)
        text = data.decode(encoding, "replace")
        return Decoded(text.replace("\ufffd", "?"), encoding, text.count("\ufffd"))


def _wide_encoding(start: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, by where the zero bytes are; empty where it is neither."""
    size = len(start) // 4 * 4
    if size < 8 or start.count(0) < _ZERO_SHARE * size / 2:
        return ""
    zeros = [start[place:size:4].count(0) * 4 / size for place in range(4)]
    if min(zeros[2:]) > 0.9 and zeros[0] < 0.5:  # no plane but the first is used much
        return "utf-32-le"
    if min(zeros[:2]) > 0.9 and zeros[3] < 0.5:
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    if max(even, odd) < _ZERO_SHARE or min(even, odd) > max(even, odd) / 4:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _by_line(data: bytes) -> Decoded:
    """Text whose lines are UTF-8, or all in one older encoding."""
    lines = data.split(b"\n")
    read: list[str | None] = []
    for line in lines:
        try:
            read.append(line.decode())
        except UnicodeDecodeError:
            read.append(None)
    odd = b"\n".join(line for line, text in zip(lines, read, strict=True) if text is None)
    encoding = "" if is_damaged_utf8(odd) else legacy_encoding(odd)
    if encoding:
        texts = (line.decode(encoding) if text is None else text for line, text in zip(lines, read, strict=True))
        return Decoded("\n".join(texts), encoding)
    text = data.decode("utf-8", "replace")
    return Decoded(text.replace("\ufffd", "?"), "utf-8", text.count("\ufffd") - data.count(b"\xef\xbf\xbd"))


def _once(text: str) -> Decoded:
    once = encoded_once(text)
    return Decoded(once, "utf-8", was_twice=once != text)


def legacy_encoding(data: bytes) -> str:
    """The older encoding in which `data` is the most plausible text; empty where it is text in none of them."""
    best, most = "", 0.0
    for encoding in LEGACY:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        plausible = _plausibility(text[:_JUDGED_BYTES], encoding)
        if plausible > most:
            best, most = encoding, plausible
    return best


def _plausibility(text: str, encoding: str) -> float:
    """How much the characters beyond ASCII look like words: points for each that does, less those that do not."""
    points = 0.0
    for match in re.finditer(_WORD, text):
        word = match[0]
        points += sum(
            _points(word, place, encoding)
            for place, char in enumerate(word)
            if char > "\x7f" or (char < " " and char not in "\t\r")
        )
    return points


_WORD = r"[^\s\"{}\[\]]*[^\x00-\x7f\s][^\s\"{}\[\]]*|[\x00-\x08\x0b\x0c\x0e-\x1f]+"


def _points(word: str, place: int, encoding: str) -> float:
    """What one character in a word says (chosen, so that each encoding wins on its own texts)."""
    char = word[place]
    kind, script = unicodedata.category(char), _script(char)
    if kind[0] == "C":
        return -5.0
    if char in _PUNCTUATION:
        return 1.2 if char in _OPENING and word[place + 1 : place + 2].isalpha() else 0.5
    if script in _WIDE:
        return _wide_points(word, place, script, encoding)
    if kind[0] not in "LM" or (kind == "Lu" and place and word[place - 1].islower()):
        return -1.0 if kind[0] not in "LM" else -2.0
    return _letter_points(word, place, script)


_WIDE = ("kana", "han", "hangul", "wide")


def _wide_points(word: str, place: int, script: str, encoding: str) -> float:
    """Kana, common characters, and none that stand beside letters of another script."""
    if script == "kana":
        return 3.0
    beside = word[max(0, place - 1) : place] + word[place + 1 : place + 2]
    if script != "wide" and any(_is_foreign(one, script) for one in beside):
        return -1.0
    return (3.2 if script == "hangul" else 3.0) if _is_common(word[place], encoding) else -1.0


def _is_foreign(char: str, script: str) -> bool:
    return (char.isascii() and char.isalpha()) or (script != "hangul" and _script(char) == "hangul")


def _letter_points(word: str, place: int, script: str) -> float:
    """Latin letters with marks stand between plain ones, letters of another script among their like."""
    beside = [one for one in (word[place - 1 : place], word[place + 1 : place + 2]) if one and one.isalpha()]
    if script == "latin":
        is_among_plain = not beside or any(one.isascii() for one in beside)
        return _latin_points(word, place) if is_among_plain else -1.0
    if not beside:
        return 0.2
    if any(_script(one) != script for one in beside):
        return -2.0
    return 1.4 if word[place] in _FREQUENT else 1.0


def _latin_points(word: str, place: int) -> float:
    char, following = word[place].lower(), word[place + 1 : place + 2].lower()
    if char in _FOLLOWED and following not in _FOLLOWED[char]:
        return 0.6
    return _LATIN_POINTS.get(word[place], 1.0)


def _script(char: str) -> str:
    """The script of a character, as coarse as is needed here."""
    code = ord(char)
    for first, last, name in _SCRIPTS:
        if first <= code <= last:
            return name
    return "latin" if code < 0x250 else unicodedata.name(char, "").partition(" ")[0]


_SCRIPTS = (
    (0x3041, 0x30FE, "kana"),
    (0x3000, 0x3003, "wide"),
    (0x3008, 0x3011, "wide"),
    (0xFF01, 0xFF5E, "wide"),
    (0xFF61, 0xFF9F, "halfwidth"),
    (0x4E00, 0x9FFF, "han"),
    (0xAC00, 0xD7A3, "hangul"),
)
"""Ranges of letters, by definition of Unicode."""


_FIRST_LEVEL = {
    "cp932": (0x88, 0x98),
    "euc_jp": (0xB0, 0xCF),
    "gb18030": (0xB0, 0xD7),
    "big5": (0xA4, 0xC6),
    "cp949": (0xB0, 0xC8),
}
"""Lead bytes of the most common characters, by definition of each encoding (JIS X 0208, GB 2312, Big5, KS X 1001)."""


def _is_common(char: str, encoding: str) -> bool:
    if not "\u3100" <= char <= "\uff00":
        return True  # punctuation, and forms of Latin letters
    low, high = _FIRST_LEVEL.get(encoding, (1, 0))
    first = char.encode(encoding)
    return len(first) == 2 and low <= first[0] <= high
