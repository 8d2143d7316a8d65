"""The numbers up to 999 as a language says them, by num2words: to find numbers in a text."""

from __future__ import annotations

from functools import lru_cache

_MOST = 999
"""The largest number; chosen: cards and telephone numbers are said in groups of up to three digits."""


@lru_cache(maxsize=16)
def number_words(language: str) -> dict[str, int]:
    """What is said of each number, small letters; empty where num2words is not there, or knows no such language."""
    try:
        from num2words import num2words  # noqa: PLC0415 - where numbers of other languages are asked for alone
    except ImportError:
        return {}
    try:
        return {num2words(number, lang=language).lower(): number for number in range(_MOST + 1)}
    except NotImplementedError:
        return {}
