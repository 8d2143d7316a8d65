"""Placed utterances and their sound -> when each word is said, and which words of a turn that was cut off were heard.

Words are aligned with the sound itself (`forced_alignment`: pocketsphinx, in processes of their own).  Where that
cannot be, because of the script, of a place that is not sure, or of a text that the sound does not fit, they are
spread over the speech by their length, pauses left out (`interpolate`).  Each word says which.

Not here: where an utterance is (`align`), and what captions make of words.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, get_args

from msgspec import Struct
from msgspec.structs import replace

from .errors import UsageError, install_line
from .forced_alignment.pool import Pool, cores
from .forced_alignment.timed_words import (
    ended_with_words,
    may_stop,
    placed_at,
    text_of,
    with_found_words,
    with_spread_words,
)
from .forced_alignment.verbalize import readable, tokens_of
from .forced_alignment.worker import Task
from .model import SAMPLE_RATE, SAMPLES_PER_MS, WordSource
from .progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from .forced_alignment.pocketsphinx import Found
    from .model import Placement, TimedWord
    from .progress import Progress

    Stretch = tuple[int, int]
    Known = Mapping["WordsKey", tuple["TimedWord", ...]]
    Excerpts = Callable[[Sequence[Stretch]], Iterable[tuple[int, Callable[[int], bytes]]]]

_PACKAGES = ("pocketsphinx", "num2words")
_VERSION = 1
"""Chosen: this version goes up when the same sound and text would get other words."""

_SURE = 0.5  # share: the least confidence that is aligned; chosen
_LONGEST_SAMPLES = 600 * SAMPLE_RATE  # chosen: bounds memory and time
_MOST_WORDS_A_SECOND = 12  # chosen: far faster than speech
_LEAST_LETTERS = 6  # chosen: shorter texts score by chance


class WordsKey(Struct, frozen=True):
    """What the words of an utterance depend on, within one recording."""

    role: str
    text: str
    language: str
    start_samples: int
    end_samples: int
    status: str


def _key_of(placement: Placement) -> WordsKey:
    utterance = placement.utterance
    start, end = (at // SAMPLES_PER_MS * SAMPLES_PER_MS for at in placed_at(placement))
    return WordsKey(utterance.role, text_of(placement), utterance.language or "", start, end, placement.status)


def are_words_of(key: WordsKey, words: Sequence[TimedWord]) -> bool:
    """Whether these are the words of that utterance, all of them, in order and inside it."""
    times = [time for word in words for time in (word.start_samples, word.end_samples)]
    inside = sorted([key.start_samples, *times, key.end_samples]) == [key.start_samples, *times, key.end_samples]
    sources = {word.source for word in words} <= set(get_args(WordSource))
    return inside and sources and [word.text for word in words] == tokens_of(key.text)


def engine(option: str = "--words") -> str:
    """What times depend on beside sound and text (UsageError without the extra, which `option` needs)."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return f"{_VERSION}: " + ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    except PackageNotFoundError as error:
        raise UsageError(
            f"word times need the package {error.name}", hint=f"{install_line('words')}, or leave out {option}"
        ) from error


def time_words(
    placements: Sequence[Placement],
    channels: Sequence[int | None],
    excerpts: Excerpts,
    *,
    known: Known | None = None,
    phones: bool = False,
    progress: Progress | None = None,
) -> list[Placement]:
    """The placements with their words where those can be aligned, and with what was heard of turns that were cut off.

    `channels` says where each utterance is heard.  `excerpts` cuts stretches (start, end in output samples) out of the
    recording: it yields a stretch's position in the list and a function that gives a channel's PCM (16 kHz, 16 bits).
    `known` has words that need not be looked for again.  `phones`: with the sounds of each word, too.
    """
    result = list(placements)
    wanted = []
    for index, placement in enumerate(placements):
        if placement.start_samples is None or not placement.utterance.text.strip():
            continue
        if known and (words := known.get(_key_of(placement))):
            result[index] = replace(placement, words=words)
        elif _alignable(placement) and channels[index] is not None:
            wanted.append(index)
    progress = progress or Silent()
    progress.stage("words", len(wanted))
    for index, found in _align(placements, channels, wanted, excerpts, phones=phones):
        if found is not None:
            result[index] = ended_with_words(with_found_words(placements[index], found))
        progress.advance()
    return result


def unlike_their_text(placements: Iterable[Placement]) -> list[int]:
    """Positions of utterances whose words were looked for in the sound and do not fit it; "mm-hmm" says nothing."""
    return [
        index
        for index, one in enumerate(placements)
        if one.start_samples is not None
        and not one.words
        and _alignable(one)
        and sum(map(str.isalpha, text_of(one))) >= _LEAST_LETTERS
    ]


def spread_words(placements: Iterable[Placement]) -> list[Placement]:
    """The placements, each that has a place and no words with those of what was heard, spread over its speech."""
    return [one if one.words or one.start_samples is None else with_spread_words(one) for one in placements]


def _alignable(placement: Placement) -> bool:
    start, end = placed_at(placement)
    tokens = tokens_of(text_of(placement))
    sayable = len(tokens) <= _MOST_WORDS_A_SECOND * (end - start) / SAMPLE_RATE + _MOST_WORDS_A_SECOND
    return placement.confidence >= _SURE and end - start <= _LONGEST_SAMPLES and sayable and readable(tokens)


def _align(
    placements: Sequence[Placement],
    channels: Sequence[int | None],
    wanted: Sequence[int],
    excerpts: Excerpts,
    *,
    phones: bool,
) -> Iterator[tuple[int, Found | None]]:
    """What is found of each wanted utterance; a few sounds are held at a time."""
    stretches = [placed_at(placements[i]) for i in wanted]
    processes = min(cores(), len(wanted))
    if not processes:
        return

    def align(index: int, pcm_of: Callable[[int], bytes]) -> Found | None:
        return pool.align(_task(placements[index], phones=phones), pcm_of(channels[index] or 0))

    with Pool() as pool, ThreadPoolExecutor(processes) as threads:
        waiting: deque[tuple[int, Future[Found | None]]] = deque()
        for position, pcm_of in excerpts(stretches):
            waiting.append((wanted[position], threads.submit(align, wanted[position], pcm_of)))
            if len(waiting) > 2 * processes:
                index, future = waiting.popleft()
                yield index, future.result()
        for index, future in waiting:
            yield index, future.result()


def _task(placement: Placement, *, phones: bool) -> Task:
    language = (placement.utterance.language or "")[:2].lower()
    return Task(text_of(placement), language, may_stop(placement), phones)
