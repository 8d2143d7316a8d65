"""transcript.json and report.json -> what was said where: the one way into captions, fresh from a merge or published.

People correct a transcript by hand, so nothing is taken for granted: what makes no sense is left out, and said.  An
utterance without a place in the sound, or without a text, is no mistake and has no caption.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from ..model import INAUDIBLE, SAMPLES_PER_MS, SURE
from ..options import CaptionOptions
from .cues import Spoken, Word
from .markdown import without_marks
from .sanitize import clean, clean_lines
from .speakers import speaker_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DASH = "\u2014"

_LANGUAGE = r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}"  # BCP 47, as far as it matters here
_PHONE = r"[A-Z]{1,3}"  # ARPAbet, without stress
DOUBT = "[?]"
"""Before an utterance whose place is not sure: plain text, as every player shows that and nothing else."""
_MOST_OF_A_NAME = 80  # characters; chosen
_USUAL = CaptionOptions()
_MAX_S = 366 * 24 * 3600  # a year; chosen: no session is longer
_LEAST_LOST_MS = 1000  # chosen: shorter gaps get no note
_LOOSE_ENDS = " .,;:-\u2013\u2014\u2026"


def read_transcript(document: Mapping[str, Any], options: CaptionOptions = _USUAL) -> tuple[list[Spoken], list[str]]:
    """The utterances of a transcript that can be captioned, and what was wrong with others.

    `options` say whether the text is what was heard or all that was meant to be said, whether sound without a text is
    `[inaudible]`, whether an unsure place is marked, and whether the marks of Markdown stay.
    """
    utterances = document.get("utterances")
    spoken, problems = [], []
    for number, entry in enumerate(utterances if isinstance(utterances, list) else []):
        if not isinstance(entry, dict):
            problems.append(f"utterance {number}: is not an object")
            continue
        try:
            one = _spoken(entry, options)
        except ValueError as error:
            problems.append(f"utterance {str(entry.get('id', number))[:40]}: {error}")
            continue
        if one is not None:
            spoken.append(one)
    return spoken, problems


def lost_stretches(report: Mapping[str, Any]) -> list[Spoken]:
    """A note for each stretch of a second or more that was recorded and is gone, from a report's timeline."""
    timeline = report.get("timeline")
    notes = []
    for span in timeline if isinstance(timeline, list) else []:
        if not isinstance(span, dict) or span.get("cause") != "lost" or span.get("kind") != "silence":
            continue
        samples = span.get("output_samples")
        if not (isinstance(samples, list) and len(samples) == 2 and all(isinstance(one, int) for one in samples)):
            continue
        start_ms, end_ms = (one // SAMPLES_PER_MS for one in samples)
        if end_ms - start_ms >= _LEAST_LOST_MS:
            text = f"[silence, {(end_ms - start_ms) / 1000:.1f} s: recording missing]"
            notes.append(Spoken(text, start_ms, end_ms, "", ""))
    return notes


def _spoken(entry: Mapping[str, Any], options: CaptionOptions) -> Spoken | None:
    """One utterance; None where it has no place or no text; ValueError where a field makes no sense."""
    start_ms, end_ms = time_ms(entry, "start_s"), time_ms(entry, "end_s")
    text, cut_off = _text(entry, options)
    if start_ms is None or end_ms is None or (not text and not (options.mark_gaps and entry.get("heard_text") != "")):
        return None
    role, speaker = entry.get("role"), entry.get("speaker")
    role = role if isinstance(role, str) else ""
    doubt = _doubt(entry.get("confidence"))
    mark = f"{DOUBT} " if options.mark_doubt and doubt is not None else ""
    return Spoken(
        text=mark + (text or INAUDIBLE),
        start_ms=start_ms,
        end_ms=max(start_ms + 1, end_ms),
        role=clean(role),
        speaker=speaker_name(role, {role: speaker} if isinstance(speaker, str) else {}),
        cut_off=cut_off,
        language=_language(entry.get("language")),
        words=tuple(_words(entry.get("words"), text)),
        speech=tuple(_speech(entry.get("speech"))),
        doubt=doubt,
        id=clean(str(entry.get("id", "")))[:_MOST_OF_A_NAME],
    )


def _doubt(confidence: object) -> float | None:
    """The confidence of a place that is not sure."""
    is_number = isinstance(confidence, (int, float)) and not isinstance(confidence, bool)
    return float(confidence) if is_number and confidence < SURE else None  # type: ignore[arg-type, operator]


def _language(value: object) -> str:
    """A language tag, empty where there is none: formats write it into places where not every character may stand."""
    return value if isinstance(value, str) and re.fullmatch(_LANGUAGE, value) else ""


def _text(entry: Mapping[str, Any], options: CaptionOptions) -> tuple[str, bool]:
    """What the caption says, and whether it stops short.  Words that were cut off end with a dash."""
    text, heard = entry.get("text"), entry.get("heard_text")
    if not isinstance(text, str):
        raise ValueError("text is no text")
    generated = options.text == "generated"
    shown = heard if isinstance(heard, str) and not generated else text
    shown = clean_lines(shown if options.markdown else without_marks(shown))
    cut_off = entry.get("interrupted") is True and not (generated and isinstance(heard, str))
    return (_with_dash(shown) if cut_off and shown and not shown.startswith("[") else shown), cut_off


def _with_dash(text: str) -> str:
    return (text.rstrip(_LOOSE_ENDS) or text) + DASH


def time_ms(entry: Mapping[str, Any], name: str) -> int | None:
    """A field's seconds as milliseconds, None where it is null or absent (ValueError where it is no time)."""
    value = entry.get(name)
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not isfinite(value)
        or not 0 <= value <= _MAX_S
    ):
        raise ValueError(f"{name} is no time: {value!r:.40}")
    return round(value * 1000)


def _words(value: object, text: str) -> Iterator[Word]:
    """The words that have both times; none where the field is absent or no list."""
    for entry in value if isinstance(value, list) and text else ():
        if isinstance(entry, dict) and isinstance(entry.get("text"), str):
            try:
                start_ms, end_ms = time_ms(entry, "start_s"), time_ms(entry, "end_s")
            except ValueError:
                continue
            if start_ms is not None and end_ms is not None:
                phones = tuple(_phones(entry.get("phones"), start_ms, end_ms))
                yield Word(clean(entry["text"]), start_ms, max(start_ms, end_ms), phones)


def _phones(value: object, start_ms: int, end_ms: int) -> Iterator[tuple[str, int, int]]:
    """The sounds of a word from `start_ms` to `end_ms` that are inside of it, in order; none of an odd name."""
    for entry in value if isinstance(value, list) else ():
        name = entry.get("phone") if isinstance(entry, dict) else None
        if isinstance(name, str) and re.fullmatch(_PHONE, name):
            try:
                low, high = time_ms(entry, "start_s"), time_ms(entry, "end_s")
            except ValueError:
                continue
            if low is not None and high is not None and start_ms <= low < high <= end_ms:
                yield name, low, high
                start_ms = high


def _speech(value: object) -> Iterator[tuple[int, int]]:
    """Stretches of speech: a list of [start_s, end_s]."""
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, (list, tuple)) and len(entry) == 2:
            try:
                low, high = (time_ms({"at": one}, "at") for one in entry)
            except ValueError:
                continue
            if low is not None and high is not None and low < high:
                yield low, high


def duration_ms(document: Mapping[str, Any]) -> int | None:
    """The recording's length as a transcript has it, None where it makes no sense."""
    try:
        return time_ms(document, "duration_s")
    except ValueError:
        return None
