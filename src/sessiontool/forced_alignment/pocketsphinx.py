"""Where in the sound the words of a text are: forced alignment by pocketsphinx with its English acoustic model.

A text becomes a small grammar: its slots one after another, beside each other the ways in which one may be read, and
silence or noise anywhere between.  The best path through it for the sound says which reading was said and when.

Two things matter to pocketsphinx 5: the search must not prune (beams of 1e-200; a sentence has few states), and the
path must be the search's own (`bestpath` off): a path through its lattice may stop before the last words.
"""

from __future__ import annotations

import math
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ..speech.g2p import phones_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .verbalize import Token

FRAME_MS = 10
"""The step in which times are found, by definition of pocketsphinx."""

_SEARCH = "words"
_FOREIGN = "~"
_AUDIBLE = 33  # of 16-bit samples: -60 dB, chosen
_ANYTHING = "AH"
_UNSAID, _STOPPED = 0.1, 0.01  # shares (probabilities) of a word left out, of the text cut off; chosen
FoundPhone = tuple[str, int, int]

_SCORE_SHIFT = 1 << 10
"""pocketsphinx adds up log scores divided by this (by its definition)."""


class Found(Struct, frozen=True):
    """Where each token is said: (start, end) in ms of the sound handed over, None for one that is not read aloud.

    `first` to `end` (exclusive) are the tokens that the sound holds.  `score` is the mean log likelihood of a frame,
    relative to its best state: 0 at best.  `phones` are the sounds of each token (ARPAbet's name, start, end), empty
    where they were not asked for.
    """

    times: tuple[tuple[int, int] | None, ...]
    first: int
    end: int
    score: float
    phones: tuple[tuple[FoundPhone, ...], ...] = ()


class _FoundWord(Struct, frozen=True):
    """A word of the grammar, its first frame and the one after its last, and its sounds in ms."""

    word: str
    start: int
    end: int
    phones: tuple[FoundPhone, ...]


class _Arc(Struct, frozen=True):
    """One step of a grammar, always forward: a word, or nothing (`""`).

    `token` is that which it belongs to, -1 for a step to the beginning or the end; `slot` is its slot there.
    """

    start: int
    end: int
    word: str
    token: int
    slot: int


class Aligner:
    """An acoustic model, ready to align one text with one sound after another; results depend on nothing before.

    ImportError without the package.
    """

    def __init__(self) -> None:
        from pocketsphinx import Decoder  # noqa: PLC0415

        beams = dict.fromkeys(("beam", "wbeam", "pbeam"), 1e-200)
        self._decoder = Decoder(lm=None, bestpath=False, loglevel="FATAL", **beams)

    def align(
        self,
        tokens: Sequence[Token],
        pcm: bytes,
        *,
        english: bool = True,
        may_start: bool = False,
        may_stop: bool = False,
        phones: bool = False,
    ) -> Found | None:
        """Align tokens with `pcm` (16 kHz, one channel, 16 bits); None where nothing fits.

        `may_start`, `may_stop`: the sound may begin before any word, and end after any.  A token that is read in
        several words counts as said where half of them were.  `phones`: a second pass, for the sounds in each word.
        """
        arcs, final = _grammar(tokens, may_start=may_start, may_stop=may_stop)
        if not any(arc.word for arc in arcs) or not _audible(pcm):
            return None
        names = {arc.word: self._name(arc.word, english=english) for arc in arcs if arc.word}
        said = self._decode(arcs, final, names, pcm, phones=phones)
        if said is None:
            return None
        words, score = said
        path = _path(arcs, final, [one.word for one in words])
        if path is None:
            return None
        times: list[tuple[int, int] | None] = [None] * len(tokens)
        sounds: list[tuple[FoundPhone, ...]] = [()] * len(tokens)
        slots: dict[int, set[int]] = {}
        for arc, one in zip(path, words, strict=True):
            begun = times[arc.token]
            times[arc.token] = (begun[0] if begun else one.start * FRAME_MS, one.end * FRAME_MS)
            sounds[arc.token] += one.phones
            slots.setdefault(arc.token, set()).add(arc.slot)
        for index, some in slots.items():
            if 2 * len(some) < sum(() not in slot for slot in tokens[index].slots):
                times[index], sounds[index] = None, ()
        return Found(tuple(times), *_held(tokens, times), score, tuple(sounds) if phones else ())

    def _decode(
        self, arcs: Sequence[_Arc], final: int, names: dict[str, str], pcm: bytes, *, phones: bool
    ) -> tuple[list[_FoundWord], float] | None:
        """The words of the best path, and its score."""
        decoder = self._decoder
        steps = [
            (arc.start, arc.end, 1.0, names[arc.word])
            if arc.word
            else (arc.start, arc.end, _STOPPED if arc.token < 0 else _UNSAID)
            for arc in arcs
        ]
        decoder.add_fsg(_SEARCH, decoder.create_fsg(_SEARCH, 0, final, steps))
        decoder.activate_search(_SEARCH)
        self._process(pcm)
        best = decoder.hyp()
        if best is None or not decoder.n_frames():
            return None
        spelt = {name: word for word, name in names.items()}
        score = math.log(max(best.score, 1e-300)) * _SCORE_SHIFT / decoder.n_frames()
        segments = [(one.word.partition("(")[0], one.start_frame, one.end_frame + 1) for one in decoder.seg()]
        sounds = self._phones(pcm) if phones else {}
        return [
            _FoundWord(spelt[name], start, end, sounds.get(start, ())) for name, start, end in segments if name in spelt
        ], score

    def _process(self, pcm: bytes) -> None:
        """Search the whole sound, whatever was searched before."""
        self._decoder.reinit_feat()  # or noise is taken off as it was in the sound before
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()

    def _phones(self, pcm: bytes) -> dict[int, tuple[FoundPhone, ...]]:
        """The sounds of each word that was just found, by its first frame: a second pass, which moves no word.

        None where the sound does not reach for them.
        """
        try:
            self._decoder.set_alignment()
            self._process(pcm)
            alignment = self._decoder.get_alignment()
        except RuntimeError:
            return {}
        found: dict[int, tuple[FoundPhone, ...]] = {}
        for word in alignment or ():  # its words are gone with it: pocketsphinx frees them
            steps = ((phone.name, phone.start, phone.start + phone.duration) for phone in word)
            found[word.start] = tuple((name, start * FRAME_MS, end * FRAME_MS) for name, start, end in steps)
        return found

    def _name(self, word: str, *, english: bool) -> str:
        """What a word is called in the dictionary, where it is entered if it is not there yet."""
        known = self._decoder.lookup_word(word)
        if english:
            if known is None:
                self._decoder.add_word(word, phones_of(word, english=True) or _ANYTHING, False)
            return word
        name = word + _FOREIGN
        if self._decoder.lookup_word(name) is None:
            self._decoder.add_word(name, phones_of(word, english=False) or known or _ANYTHING, False)
            if known is not None:
                self._decoder.add_word(f"{name}(2)", known, False)
        return name


def _audible(pcm: bytes) -> bool:
    """Whether there is anything to hear: any text fits digital silence well."""
    samples = array("h", pcm)
    return max(samples, default=0) >= _AUDIBLE or min(samples, default=0) <= -_AUDIBLE


def _held(tokens: Sequence[Token], times: Sequence[tuple[int, int] | None]) -> tuple[int, int]:
    """Which run of tokens the sound holds: those that were said, and what cannot be said beside them."""
    said = [index for index, time in enumerate(times) if time]
    sayable = [index for index, token in enumerate(tokens) if token.slots]
    first, last = (said[0], said[-1]) if said else (0, -1)
    return (0 if first <= sayable[0] else first), (len(tokens) if last >= sayable[-1] else last + 1)


def _grammar(tokens: Sequence[Token], *, may_start: bool, may_stop: bool) -> tuple[list[_Arc], int]:
    """The arcs of the tokens in a row from state 0, and the state where all is said."""
    arcs: list[_Arc] = []
    here = last = 0
    edges = []
    for index, token in enumerate(tokens):
        for number, slot in enumerate(token.slots):
            there = last + 1 + sum(max(0, len(words) - 1) for words in slot)
            for words in slot:
                states = [here, *range(last + 1, last + len(words)), there]
                last += max(0, len(words) - 1)
                steps = zip(pairwise(states), words or ("",), strict=True)
                arcs += [_Arc(start, end, word, index, number) for (start, end), word in steps]
            here = last = there
            edges.append(here)
    inner = sorted(set(edges) - {0, here})
    if may_start:
        arcs += [_Arc(0, edge, "", -1, 0) for edge in inner]
    if may_stop:
        arcs += [_Arc(edge, here, "", -1, 0) for edge in inner]
    return arcs, here


def _path(arcs: Sequence[_Arc], final: int, words: Sequence[str]) -> list[_Arc] | None:
    """The arcs with words of a way through the grammar that says exactly `words`; None where there is none."""
    leaving: dict[int, list[_Arc]] = {}
    for arc in arcs:
        leaving.setdefault(arc.start, []).append(arc)
    came: dict[tuple[int, int], tuple[tuple[int, int], _Arc] | None] = {(0, 0): None}
    waiting = [(0, 0)]
    while waiting and (final, len(words)) not in came:
        state, place = waiting.pop()
        for arc in leaving.get(state, ()):
            fits = not arc.word or (place < len(words) and words[place] == arc.word)
            reached = (arc.end, place + bool(arc.word))
            if fits and reached not in came:
                came[reached] = (state, place), arc
                waiting.append(reached)
    return list(_back(came, (final, len(words))))[::-1] if (final, len(words)) in came else None


def _back(came: dict[tuple[int, int], tuple[tuple[int, int], _Arc] | None], place: tuple[int, int]) -> Iterator[_Arc]:
    while (step := came[place]) is not None:
        place, arc = step
        if arc.word:
            yield arc
