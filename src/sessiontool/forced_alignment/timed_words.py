"""A placed utterance's words as they are handed on: from what was found in the sound, or spread over the speech.

Of a turn that was cut off only what was heard has words, and the sound may be what tells that.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..model import SAMPLES_PER_MS, Phone, TimedWord
from ..speech.duration_model import spoken_ms
from ..speech.interpolate import spread, stretches_of
from .verbalize import has_letters, text_until, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Placement, WordSource
    from .pocketsphinx import Found, FoundPhone

_DIGIT_WEIGHT, _WIDE_WEIGHT = 4, 3  # letters; chosen as in `speech.duration_model`
_PAUSE_PRICES = dict.fromkeys(".!?\u2026\u3002\uff01\uff1f", 0) | dict.fromkeys(";:,\uff0c\u3001", 40)
"""Prices of a pause after a sentence and a clause; chosen as in `captioning.break_points`."""

_BEYOND_WORDS_MS = 500
"""ms of sound after the last word from which on it is not the utterance's; measured: in 34 dialogues four ends become
better, by 0.3 to 2.7 s, and none worse."""

_WORD_PRICE = 160  # price of a pause between words; chosen likewise


def text_of(placement: Placement) -> str:
    """What was said, as far as that is known."""
    return placement.utterance.text if placement.heard_text is None else placement.heard_text


def may_stop(placement: Placement) -> bool:
    """Whether some of the text may never have been heard, and it is not known yet."""
    return placement.status == "clipped" and placement.heard_text is None and placement.gap_cut in {"", "tail"}


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
    if found.phones:
        words = [_with_phones(*pair, start) for pair in zip(words, found.phones[held], strict=True)]
    heard = text_until(text, found.end) if may_stop(placement) and found.end < len(tokens) else placement.heard_text
    return replace(placement, words=tuple(words), heard_text=heard)


def _with_phones(word: TimedWord, phones: Iterable[FoundPhone], offset_ms: int) -> TimedWord:
    """The word with those of its sounds that are inside of it."""
    found = []
    for name, start, end in phones:
        ends = (
            min(max((offset_ms + at) * SAMPLES_PER_MS, word.start_samples), word.end_samples) for at in (start, end)
        )
        phone = Phone(name, *ends)
        if phone.start_samples < phone.end_samples:
            found.append(phone)
    return replace(word, phones=tuple(found))


def ended_with_words(placement: Placement) -> Placement:
    """The placement, ended with its last word where the sound goes on for long after it: that is not its text's.

    Not where the text may go on, nor where its last word was not found, nor where the whole is no longer than the text
    takes to say: then the words are too early.
    """
    spoken = [word for word in placement.words if has_letters(word.text)]
    start, end = placed_at(placement)
    whole = placement.status == "aligned" and placement.heard_text is None
    if not whole or not spoken or spoken[-1].source != "aligned":
        return placement
    last = max(word.end_samples for word in placement.words)
    is_long = end - start > spoken_ms(placement.utterance.text) * SAMPLES_PER_MS
    if not is_long or end - last <= _BEYOND_WORDS_MS * SAMPLES_PER_MS or last <= start:
        return placement
    speech = tuple((low, min(high, last)) for low, high in placement.speech if low < last)
    return replace(placement, end_samples=last, speech=speech)


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


def with_spread_words(placement: Placement) -> Placement:
    """The placement with the words of what was heard spread over its stretches of speech."""
    tokens = tokens_of(text_of(placement))
    speech = ((start // SAMPLES_PER_MS, end // SAMPLES_PER_MS) for start, end in placement.speech)
    times = spread(stretches_of(speech, *_ms(placement)), weights_of(tokens), _prices(tokens))
    words = (_word(token, time, "spread") for token, time in zip(tokens, times, strict=True))
    return replace(placement, words=tuple(words))


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
    return start // SAMPLES_PER_MS, end // SAMPLES_PER_MS


def _word(token: str, time: tuple[int, int], source: WordSource) -> TimedWord:
    return TimedWord(token, time[0] * SAMPLES_PER_MS, time[1] * SAMPLES_PER_MS, source)
