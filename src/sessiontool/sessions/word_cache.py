"""What an earlier merge found out and need not be found again: the words of utterances whose sound is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError, RecordingError
from ..model import TimedWord
from ..words import WordsKey, are_words_of
from .result_files import REPORT, TRANSCRIPT, output_of, read_published

if TYPE_CHECKING:
    from pathlib import Path

    from ..storage import Target
    from ..words import Known


def known_words(target: Target, audio: Path, engine: str) -> Known:
    """The words of a published result whose recording is that in `audio`, found by the same `engine`.

    Nothing is taken for granted of what was published (people correct transcripts): an utterance whose words do not
    add up, or were not found in the sound, is left out.  Turns that were cut off are too: what was heard of them may be
    known better by now.
    StorageError.
    """
    try:
        report, transcript = read_published(target, REPORT), read_published(target, TRANSCRIPT)
    except (NotFoundError, RecordingError):
        return {}
    try:
        same_engine = report["tool"]["settings"]["words"] == engine
        if not same_engine or output_of(audio) not in report["outputs"]:
            return {}
        entries = [entry for entry in transcript["utterances"] if entry.get("words") and "heard_text" not in entry]
        return dict(filter(None, map(_entry, entries)))
    except (KeyError, TypeError, AttributeError):
        return {}


def _entry(entry: dict[str, Any]) -> tuple[WordsKey, tuple[TimedWord, ...]] | None:
    try:
        start, end = _samples(entry["start_s"]), _samples(entry["end_s"])
        words = tuple(
            TimedWord(word["text"], _samples(word["start_s"]), _samples(word["end_s"]), word["source"])
            for word in entry["words"]
        )
        key = WordsKey(entry["role"], entry["text"], entry.get("language", ""), start, end, entry["status"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    found = any(word.source == "aligned" for word in words)
    return (key, words) if found and are_words_of(key, words) else None


def _samples(seconds: float) -> int:
    return round(seconds * 1000) * 48
