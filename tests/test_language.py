"""The source is in plain engineering English, and in the words of the field: no word of `WORDS` in it.

Names in the code count as well as docstrings, comments and messages.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sessiontool

PACKAGE = Path(sessiontool.__file__).parent

WORDS = {
    "told": "says, shows, describes",
    "nobody": "no ... was recorded",
    "somebody": "the recorder, the caller",
    "anybody": "a person",
    "lies": "is",
    "betrays?": "shows",
    "witness(es)?": "evidence",
    "row of": "sequence",
    "hurts?": "damaged",
    "whoever": "the caller",
    "strangers?": "foreign",
    "deficits?": "lag",
    "holes?": "gap",
    "stands? for": "is, replaces",
    "came to lie": "is",
    "readers?": "demuxer",
    "writers?": "muxer",
}
ONLY_IN = {"readers?": ("media", "recording"), "writers?": ("media", "recording", "concat.py")}

DATA = ("captioning/function_words.py", "simulate/sound.py")  # words of a language, and sentences that are spoken


def found_in(text: str, words: dict[str, str]) -> list[str]:
    """Each word of `words` with its line, also inside of names."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {match.group(0)!r}, better: {better}"
        for word, better in words.items()
        for match in re.finditer(rf"(?<![^\W_]){word}(?![^\W_])", text, re.IGNORECASE)
    ]


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).as_posix() not in DATA]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_words_are_plain(path: Path) -> None:
    unit = path.relative_to(PACKAGE).parts[0]
    words = {word: better for word, better in WORDS.items() if unit in ONLY_IN.get(word, (unit,))}
    assert not found_in(path.read_text(encoding="utf-8"), words)


@pytest.mark.parametrize("text", ["as was told", "is_told = 1", "Nobody knows", "a row of blocks", "HOLE_MS"])
def test_a_word_is_found_wherever_it_is(text: str) -> None:
    assert found_in(text, WORDS)


@pytest.mark.parametrize("text", ["untold", "a whole block", "the rows", "a threshold"])
def test_parts_of_words_are_not(text: str) -> None:
    assert not found_in(text, WORDS)
