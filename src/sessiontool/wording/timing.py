"""A placed utterance's words as they are handed on: from what was found in the sound, or spread over the speech.

Of a turn that was cut off only what was heard has words: as the sound has it, or else as far as the time was enough
for at the speaker's usual rate.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, groupby
from statistics import median
from typing import TYPE_CHECKING

from ..pacing import spread, stretches_of
from ..values import TimedWord
from .spelling import has_letters, text_until, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..values import Placement, WordSource
    from .forced import Found

_SAMPLES_PER_MS = 48
_DIGIT_WEIGHT, _WIDE_WEIGHT = 4, 3
_PAUSE_PRICES = dict.fromkeys(".!?\u2026\u3002\uff01\uff1f", 0) | dict.fromkeys(";:,\uff0c\u3001", 40)
_WORD_PRICE = 160
_USUAL_RATE = 0.0145
"""Letters a millisecond, where a session does not tell."""
_LEAST_TOLD = 5


def text_of(placement: Placement) -> str:
    """What was said, as far as that is known."""
    return placement.utterance.text if placement.heard_text is None else placement.heard_text


def may_stop(placement: Placement) -> bool:
    """Whether some of the text may never have been heard, and nobody knows yet."""
    return placement.status == "clipped" and placement.heard_text is None


# -- from the sound


def with_found_words(placement: Placement, found: Found) -> Placement:
    """The placement with the words that were found in its sound."""
    text = text_of(placement)
    tokens = tokens_of(text)
    held = slice(found.first, found.end)
    start, end = _ms(placement)
    times = [time and (min(start + time[0], end), min(start + time[1], end)) for time in found.times[held]]
    words = [
        _word(token, time, "spread" if known is None else "aligned")
        for token, time, known in zip(tokens[held], _filled(tokens[held], times, start, end), times, strict=True)
    ]
    heard = text_until(text, found.end) if may_stop(placement) and found.end < len(tokens) else placement.heard_text
    return replace(placement, words=tuple(words), heard_text=heard)


def _filled(
    tokens: Sequence[str], times: Sequence[tuple[int, int] | None], start: int, end: int
) -> list[tuple[int, int]]:
    """The times with those of tokens that were not found: between their neighbours, signs without any length."""
    filled: list[tuple[int, int]] = []
    for found, run in groupby(range(len(times)), key=lambda k: times[k] is not None):
        numbers = list(run)
        if found:
            filled += [time for k in numbers if (time := times[k]) is not None]
            continue
        low = filled[-1][1] if filled else start
        after = times[numbers[-1] + 1] if numbers[-1] + 1 < len(times) else (end, end)
        some = tokens[numbers[0] : numbers[-1] + 1]
        high = max(low, after[0]) if after and any(map(has_letters, some)) else low
        filled += spread([(low, high)], weights_of(some), _prices(some))
    return filled


# -- by length


def with_spread_words(placement: Placement, rates: Mapping[str, float]) -> Placement:
    """The placement with its words spread over its stretches of speech; `rates` as `rates_of` tells them."""
    text = text_of(placement)
    tokens = tokens_of(text)
    speech = _speech(placement)
    said = len(tokens)
    if may_stop(placement):
        said = _said_in_time(tokens, speech, rates.get(placement.utterance.role, _USUAL_RATE))
    times = spread(speech, weights_of(tokens[:said]), _prices(tokens[:said]))
    words = tuple(_word(token, time, "spread") for token, time in zip(tokens, times, strict=False))
    heard = text_until(text, said) if said < len(tokens) else placement.heard_text
    return replace(placement, words=words, heard_text=heard)


def rates_of(placements: Iterable[Placement]) -> dict[str, float]:
    """How fast each role speaks, in letters a millisecond of speech: the middle of its utterances that were not cut."""
    told: dict[str, list[float]] = {}
    for placement in placements:
        if placement.status == "aligned" and placement.start_samples is not None:
            length_ms = sum(end - start for start, end in _speech(placement))
            weight = sum(weights_of(tokens_of(placement.utterance.text)))
            told.setdefault(placement.utterance.role, []).append(weight / max(1, length_ms))
    return {role: median(rates) for role, rates in told.items() if len(rates) >= _LEAST_TOLD}


def _said_in_time(tokens: Sequence[str], speech: Sequence[tuple[int, int]], rate: float) -> int:
    """How many tokens there was time for: all that were at least half over when the speech ended."""
    length_ms = sum(end - start for start, end in speech)
    weights = weights_of(tokens)
    middles = [total - weight / 2 for total, weight in zip(accumulate(weights), weights, strict=True)]
    return sum(middle <= length_ms * rate for middle in middles)


def weights_of(tokens: Iterable[str]) -> list[int]:
    """How long each token takes to say, in letters."""
    return [max(1, sum(map(_weight, token))) for token in tokens]


def _weight(character: str) -> int:
    if character.isdigit():
        return _DIGIT_WEIGHT
    if not character.isalpha():
        return 0
    return _WIDE_WEIGHT if character >= "\u3040" else 1


def _prices(tokens: Sequence[str]) -> list[int]:
    """How unlikely a pause before each token is, by the punctuation before it."""
    return [0, *(_PAUSE_PRICES.get(token[-1:], _WORD_PRICE) for token in tokens[:-1])][: len(tokens)]


# -- both


def placed_at(placement: Placement) -> tuple[int, int]:
    """Where a placed utterance is, in output samples."""
    assert placement.start_samples is not None
    assert placement.end_samples is not None
    return placement.start_samples, placement.end_samples


def _ms(placement: Placement) -> tuple[int, int]:
    start, end = placed_at(placement)
    return start // _SAMPLES_PER_MS, end // _SAMPLES_PER_MS


def _speech(placement: Placement) -> list[tuple[int, int]]:
    some = ((start // _SAMPLES_PER_MS, end // _SAMPLES_PER_MS) for start, end in placement.speech)
    return stretches_of(some, *_ms(placement))


def _word(token: str, time: tuple[int, int], source: WordSource) -> TimedWord:
    return TimedWord(token, time[0] * _SAMPLES_PER_MS, time[1] * _SAMPLES_PER_MS, source)
