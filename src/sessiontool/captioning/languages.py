"""The language and the direction of a text, as far as its script tells them.

Kana are Japanese, Hangul is Korean, Thai letters are Thai; Chinese characters alone are taken for Chinese, Arabic ones
for Arabic unless letters of Persian or Urdu are among them.  Latin and Cyrillic have too many languages.

Direction is that of most words: a text in Arabic with an English name in it goes from right to left, wherever the name
stands.
"""

from __future__ import annotations

import re

# Patterns as texts, which `re` compiles at their first use: large sets take as long as a module, and few need them.
_RTL = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_WORD = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+|[^\\W\\d_][^\\s\u0590-\u08ff]*"
_LETTER = r"[^\W\d_]"

_SCRIPTS = (
    ("ja", "[\u3041-\u30ff\u31f0-\u31ff]"),
    ("ko", "[\uac00-\ud7a3\u1100-\u11ff]"),
    ("zh", "[\u3400-\u9fff\uf900-\ufaff]"),
    ("th", "[\u0e01-\u0e5b]"),
    ("ur", "[\u0679\u0688\u0691\u06ba\u06d2]"),
    ("fa", "[\u067e\u0686\u0698\u06af\u06cc]"),
    ("ar", "[\u0620-\u064a]"),
    ("he", "[\u05d0-\u05ea]"),
)
_TRADITIONAL = ("tw", "hk", "mo", "hant")

LRM, RLM = "\u200e", "\u200f"


def script_language(text: str) -> str:
    """The language that most of a text's letters may be of alone; empty where their script tells none."""
    if text.isascii():
        return ""
    letters = len(re.findall(_LETTER, text))
    for language, script in _SCRIPTS:
        count = len(re.findall(script, text))
        least = 1 if language in {"ur", "fa"} else letters * (0.1 if language == "ja" else 0.4)
        if count and count >= least:
            return language
    return ""


def is_traditional(language: str) -> bool:
    """Whether a tag is of Chinese in traditional characters."""
    return any(part in _TRADITIONAL for part in language.lower().split("-")[1:])


def is_rtl(text: str) -> bool:
    """Whether a text goes from right to left."""
    if text.isascii():
        return False
    words = re.findall(_WORD, text)
    return sum(re.match(_RTL, word) is not None for word in words) * 2 > len(words)


def directed(line: str, *, rtl: bool) -> str:
    """A line that players show in the direction of its text, whatever it begins with."""
    if not rtl and line.isascii():
        return line
    first = re.search(_LETTER, line)
    begins_rtl = first is not None and re.match(_RTL, first[0]) is not None
    return line if begins_rtl == rtl else (RLM if rtl else LRM) + line
