"""The words of an utterance with their times: the measured ones, else its words spread over its speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ...speech.interpolate import spread, stretches_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..cues import Spoken

_BETWEEN_WORDS = 160  # price of a pause between any two words, as `spread` has it (chosen there)


class LabelWord(Struct, frozen=True):
    """A word; `is_measured` where the sound was asked when it is said.

    `phones` are its sounds (ARPAbet's name, start and end in ms), empty where the sound was not asked for them.
    """

    text: str
    start_ms: int
    end_ms: int
    is_measured: bool
    phones: tuple[tuple[str, int, int], ...] = ()


def words_of(one: Spoken) -> list[LabelWord]:
    """The words of an utterance in order; one that is all of it where its script has no spaces."""
    if one.words:
        return [LabelWord(word.text, word.start_ms, word.end_ms, True, word.phones) for word in one.words]
    texts = one.text.split()
    if not texts:
        return []
    stretches = stretches_of(one.speech, one.start_ms, one.end_ms)
    prices = [0, *([_BETWEEN_WORDS] * (len(texts) - 1))]
    times = spread(stretches, [len(text) for text in texts], prices)
    return [LabelWord(text, start, end, False) for text, (start, end) in zip(texts, times, strict=True)]


def by_role(said: Iterable[Spoken]) -> dict[str, list[Spoken]]:
    """The utterances of each role, the user's first."""
    found: dict[str, list[Spoken]] = {}
    for one in said:
        found.setdefault(one.role, []).append(one)
    return dict(sorted(found.items(), key=lambda item: (item[0] != "user", item[0])))


def without_overlap(times: Sequence[tuple[int, int, str]], end_ms: int) -> Iterator[tuple[int, int, str]]:
    """Intervals that cover all time up to `end_ms` and do not overlap; between those that are given, with no text."""
    at = 0
    for start, end, text in sorted(times):
        begin, stop = max(start, at), min(end, end_ms)
        if begin >= stop:
            continue
        if begin > at:
            yield at, begin, ""
        yield begin, stop, text
        at = stop
    if at < end_ms:
        yield at, end_ms, ""
