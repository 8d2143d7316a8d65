"""Where something of an utterance sounds, and what an utterance says in a stretch of sound.

Each with as much room around it as its times are worth.  Where times are worth nothing, there is no place: the one who
redacts has to name one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...model import SAMPLES_PER_MS, SURE
from .labels import touches, word_places
from .places import Stretch, joined, to_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .forms import Place

ALIGNED_PAD = 80 * SAMPLES_PER_MS
"""In samples: room around words whose times are of the sound itself (measured: their errors are 30 ms in the median,
80 ms at most ends)."""
SPREAD_PAD = 300 * SAMPLES_PER_MS
"""In samples, chosen: room around words that are spread by their lengths; from there on to the next pause."""
WHOLE_PAD = 250 * SAMPLES_PER_MS
"""In samples, chosen: room around a whole utterance."""
DOUBTFUL_PAD = 1000 * SAMPLES_PER_MS
"""In samples, chosen: room around an utterance whose place is doubtful, which goes as a whole."""

LOGGED_PAD = 5000 * SAMPLES_PER_MS
"""In samples, chosen: room around an utterance that was not found in the sound and has the times of its log: clocks
of logs may be late."""

LEAST_SURE = 0.5
"""Confidence, a ratio, measured: below it a place may be wrong; from `SURE` on an edge is right within a tenth of a
second."""

WHOLE: Place = (0, 1 << 60)
"""All of a text, whatever its length in characters; chosen."""


def sound_of(utterance: Mapping[str, Any], places: Sequence[Place]) -> list[Stretch] | None:
    """Output samples in which these characters of an utterance are said; None where nothing tells it."""
    if utterance["start_s"] is None or utterance.get("status") not in {"aligned", "clipped"}:
        return None
    confidence = utterance.get("confidence", 0.0)
    if confidence < LEAST_SURE:
        return None
    whole = to_samples(utterance["start_s"], utterance["end_s"])
    if confidence < SURE:
        return [_padded(whole, DOUBTFUL_PAD)]
    words = utterance.get("words", [])
    located = word_places(words, utterance["text"])
    if not words or located is None:
        return [_padded(whole, WHOLE_PAD)]
    found = []
    for place in places:
        said = [word for word, at in zip(words, located, strict=True) if touches(at, [place])]
        if not said or place[1] > located[-1][1] + _loose_end(utterance["text"][located[-1][1] : place[1]]):
            return [_padded(whole, WHOLE_PAD)]  # some of it is behind the last word that has a time
        found.append(_said(said, utterance))
    return joined(found)


def text_in(utterance: Mapping[str, Any], stretches: Sequence[Stretch]) -> list[Place]:
    """The characters of an utterance that may be said in stretches of sound: all of it where nothing tells which."""
    if utterance["start_s"] is None:
        return []
    whole = to_samples(utterance["start_s"], utterance["end_s"])
    is_found = utterance.get("status") in {"aligned", "clipped"}
    is_sure = is_found and utterance.get("confidence", 0.0) >= SURE
    words = utterance.get("words", [])
    located = word_places(words, utterance["text"]) if is_sure and words else None
    if located is None:
        pad = ALIGNED_PAD if is_sure else DOUBTFUL_PAD if is_found else LOGGED_PAD
        return [WHOLE] if _overlap(_padded(whole, pad), stretches) else []
    found = [at for word, at in zip(words, located, strict=True) if _overlap(_said([word], utterance), stretches)]
    tail = located[-1][1], len(utterance["text"])
    if tail[0] < tail[1] and found and found[-1] == located[-1]:
        found.append(tail)
    return found


def _said(words: Sequence[Mapping[str, Any]], utterance: Mapping[str, Any]) -> Stretch:
    """When words are said, with room around them."""
    stretch = to_samples(min(one["start_s"] for one in words), max(one["end_s"] for one in words))
    if all(one.get("source") == "aligned" for one in words):
        return _padded(stretch, ALIGNED_PAD)
    stretch = _padded(stretch, SPREAD_PAD)
    whole = [utterance["start_s"], utterance["end_s"]]
    speech = [to_samples(*one) for one in utterance.get("speech") or [whole]]
    reached = [one for one in speech if _overlap(stretch, [one])]
    start, end = min([stretch, *reached])[0], max(one[1] for one in [stretch, *reached])
    return _padded((start, end), ALIGNED_PAD)


def _loose_end(text: str) -> int:
    """How much of what follows the last word is no word: a point, a bracket."""
    return 0 if any(one.isalnum() for one in text) else len(text)


def _padded(stretch: Stretch, samples: int) -> Stretch:
    return max(0, stretch[0] - samples), stretch[1] + samples


def _overlap(one: Stretch, others: Sequence[Stretch]) -> bool:
    return touches(one, others)
