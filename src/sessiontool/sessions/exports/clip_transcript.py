"""The transcript of a clip: what of a session's transcript is said in a stretch, with times from the clip's beginning.

An utterance that crosses an edge keeps the words that are inside, where its words have times; else it keeps its text,
and its times are those that are inside.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Times = tuple[float, float]


def clip_transcript(transcript: Mapping[str, Any], start_s: float, end_s: float) -> dict[str, Any]:
    """A transcript of the stretch from `start_s` to `end_s` (seconds in the recording); `source` says where it lay.

    What makes no sense is left out: people correct transcripts by hand.
    """
    notes = transcript.get("notes")
    clipped = {
        **transcript,
        "duration_s": _rounded(end_s - start_s),
        "source": {"session": transcript.get("session_id"), "start_s": _rounded(start_s), "end_s": _rounded(end_s)},
        "utterances": list(_utterances(transcript.get("utterances"), start_s, end_s)),
    }
    if isinstance(notes, list):
        clipped["notes"] = list(_notes(notes, start_s, end_s))
    return clipped


def _utterances(entries: object, start_s: float, end_s: float) -> Iterator[dict[str, Any]]:
    for entry in entries if isinstance(entries, list) else ():
        times = times_of(entry)
        inside = None if times is None else _clamped(times, start_s, end_s)
        if times is not None and inside is not None:
            yield _utterance(entry, times, inside, start_s, end_s)


def _utterance(entry: Mapping[str, Any], times: Times, inside: Times, start_s: float, end_s: float) -> dict[str, Any]:
    one = {**entry, "start_s": inside[0], "end_s": inside[1]}
    for name in ("speech", "words"):
        if isinstance(entry.get(name), list):
            one[name] = []
    for stretch in _list(entry, "speech"):
        of_speech = {"start_s": stretch[0], "end_s": stretch[1]} if _is_pair(stretch) else None
        if (spoken := times_of(of_speech)) and (kept := _clamped(spoken, start_s, end_s)):
            one["speech"].append(list(kept))
    for word in _list(entry, "words"):
        spoken = times_of(word)
        if spoken and start_s <= sum(spoken) / 2 < end_s and (kept := _clamped(spoken, start_s, end_s)):
            one["words"].append(_word(word, kept, start_s, end_s))
    if start_s <= times[0] and times[1] <= end_s:
        return one
    if _list(entry, "words"):
        one["text"] = _text_of(one["words"], str(entry.get("text", "")))
        one.pop("heard_text", None)
    if times[1] > end_s:
        one["interrupted"] = False  # the clip ends there, not the turn
    return one


def _word(word: Mapping[str, Any], kept: Times, start_s: float, end_s: float) -> dict[str, Any]:
    """A word at its times in the clip, with those of its sounds that are inside."""
    one = {**word, "start_s": kept[0], "end_s": kept[1]}
    if "phones" in word:
        sounds = [(phone, times_of(phone)) for phone in _list(word, "phones")]
        inside = [(phone, _clamped(times, start_s, end_s)) for phone, times in sounds if times]
        one["phones"] = [{**phone, "start_s": times[0], "end_s": times[1]} for phone, times in inside if times]
    return one


def _text_of(words: list[dict[str, Any]], text: str) -> str:
    """The part of a text from the first of `words` to the last, with what is between; the words alone if not found."""
    spoken = [str(word.get("text", "")) for word in words]
    found = [*_places(spoken, text)]
    if len(found) == len(spoken) and found and text.count(spoken[0]) == 1:
        return text[found[0] : found[-1] + len(spoken[-1])]
    return " ".join(spoken)


def _places(words: list[str], text: str) -> Iterator[int]:
    place = 0
    for word in words:
        place = text.find(word, place)
        if place < 0:
            return
        yield place
        place += len(word)


def _notes(notes: list[Any], start_s: float, end_s: float) -> Iterator[dict[str, Any]]:
    for note in notes:
        at_s = _time(note.get("at_s")) if isinstance(note, dict) else None
        if at_s is not None and start_s <= at_s < end_s:
            yield {**note, "at_s": _rounded(at_s - start_s)}


def _clamped(times: Times, start_s: float, end_s: float) -> Times | None:
    """What of a stretch is inside the clip, from its beginning; None where nothing is."""
    start, end = max(times[0], start_s), min(times[1], end_s)
    return (_rounded(start - start_s), _rounded(end - start_s)) if start < end else None


def times_of(entry: object) -> Times | None:
    """Start and end of an utterance or a word in seconds; None where it has no place."""
    if not isinstance(entry, dict):
        return None
    start, end = _time(entry.get("start_s")), _time(entry.get("end_s"))
    return None if start is None or end is None else (start, end)


def _time(value: object) -> float | None:
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if is_time else None  # type: ignore[arg-type]


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    return value if isinstance(value, list) else []


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
