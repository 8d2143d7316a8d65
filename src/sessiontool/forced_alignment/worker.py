"""A process that aligns: a line of JSON and a sound on its standard input, a line of JSON on its standard output.

Processes, because pocketsphinx holds the interpreter while it works; and because one that a sound brings down takes
nothing with it (`pool`).
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import astuple

from .pocketsphinx import Aligner, Found
from .verbalize import read, tokens_of

if TYPE_CHECKING:
    from typing import BinaryIO

ENGLISH = "en"
_POOR_SCORE, _LEAST_SCORE = -3.3, -5.0
"""Measured: English scores better than the first, but in bad noise (-4); other languages by English rules worse.
Below the second the sound says something else: a text of another utterance scores -6."""
_LEAST_HELD = 0.5  # share of the tokens that must be found; chosen


class Task(Struct, frozen=True):
    """A text to align with a sound; `language` is a two-letter code, empty where it is unknown.

    `may_stop`: the sound may end before the text does.  `phones`: when each sound of its words is said, too.
    """

    text: str
    language: str
    may_stop: bool
    phones: bool = False


def align_text(aligner: Aligner, task: Task, pcm: bytes) -> Found | None:
    """The tokens of a text in a sound; None where the sound says something else.

    What does not fit as a whole may have lost its beginning or its end, in a gap of the recording.
    """
    found = _best(aligner, task, pcm, may_stop=task.may_stop)
    if found is not None and found.score >= _LEAST_SCORE:
        return found
    found = _best(aligner, task, pcm, may_start=True, may_stop=True)
    if found is None or found.score < _LEAST_SCORE:
        return None
    return found if found.end - found.first >= _LEAST_HELD * len(found.times) else None


def _best(aligner: Aligner, task: Task, pcm: bytes, **ends: bool) -> Found | None:
    """Where no language is named and English fits badly, the words are also read as other languages would."""
    texts = tokens_of(task.text)

    def attempt(language: str) -> Found | None:
        tokens = [read(text, language) for text in texts]
        return aligner.align(tokens, pcm, english=language == ENGLISH, phones=task.phones, **ends)

    found = attempt(task.language or ENGLISH)
    if task.language or (found is not None and found.score > _POOR_SCORE):
        return found
    return max(filter(None, (found, attempt(""))), key=lambda one: one.score, default=None)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    aligner = Aligner()
    while line := requests.readline():
        pcm_bytes, *task = json.loads(line)
        found = align_text(aligner, Task(*task), requests.read(pcm_bytes))
        answers.write(json.dumps(found and astuple(found)).encode() + b"\n")
        answers.flush()


def main() -> None:
    """The process."""
    serve(sys.stdin.buffer, sys.stdout.buffer)
