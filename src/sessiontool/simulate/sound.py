"""What simulated recorders hear: a conversation of noise or tones, made from a seed, or the sound of a file.

A sound is read forwards, in samples at 48 kHz from the zero of its own clock.  The made ones know who speaks when,
to the sample; nothing in them is a word.  A little noise never stops, so that no two packets are alike.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RATE = 48_000  # samples a second (RFC 7845, section 4)
SoundKind = Literal["speech", "tones"]

_FLOOR = 10 ** (-66 / 20)  # share of full scale: -66 dB of noise, chosen
_LEVEL = 10 ** (-24 / 20)  # share of full scale: -24 dB of speech, chosen
_LETTERS_PER_SECOND = 14  # letters; chosen: average speech
_PHRASES = (
    "Good morning, how can I help you today?",
    "I am calling about the order that I placed last week.",
    "Let me look that up for you, one moment please.",
    "Thank you.",
    "It should have been here on Tuesday, and it was not.",
    "I see, that must be annoying.",
    "Could you send it to the other address instead?",
    "Of course.",
    "That would be the warehouse on the corner of the market square, behind the old station.",
    "Is there anything else that I can do?",
    "No, that was all, goodbye.",
    "The parcel left our warehouse yesterday evening and is on its way to you now.",
)


class SimulatedSpeech(Struct, frozen=True):
    """One utterance: its role and text, and where it sounds, in samples of the sound's clock."""

    id: str
    role: str
    text: str
    start: int
    end: int


class Sound(Protocol):
    """Something to record."""

    channels: int
    spoken: tuple[SimulatedSpeech, ...]

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Samples `start` to `end`, shape (channels, end - start), full scale 1.0; never from before the last ones."""
        ...


class SimulatedConversation:
    """User and assistant by turns, in noise shaped like speech or each utterance in a tone of its own.

    In stereo the user is left and the assistant right; in mono both are heard on the one channel.
    """

    def __init__(self, channels: int, length: int, seed: int, kind: SoundKind = "speech") -> None:
        self.channels = channels
        self.spoken = tuple(_turns(length, seed))
        self._seed = seed
        self._burst = lru_cache(maxsize=4)(_noise_burst if kind == "speech" else _tone_burst)

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        sound = np.concatenate([self._second(n) for n in range(start // RATE, -(-end // RATE))], axis=1)
        offset = start // RATE * RATE
        return sound[:, start - offset : end - offset]

    def _second(self, number: int) -> NDArray[np.float32]:
        """The sound's second `number`: the noise floor, and what of each utterance falls into it."""
        rng = np.random.default_rng((self._seed, 0, number))
        sound = rng.standard_normal((self.channels, RATE), np.float32) * np.float32(_FLOOR)
        start, end = number * RATE, (number + 1) * RATE
        for index, spoken in enumerate(self.spoken):
            low, high = max(start, spoken.start), min(end, spoken.end)
            if low < high:
                burst = self._burst(self._seed, index, spoken.end - spoken.start)
                channel = 0 if spoken.role == "user" else self.channels - 1
                sound[channel, low - start : high - start] += burst[low - spoken.start : high - spoken.start]
        return sound


class FileSound:
    """The sound of blocks, as of a decoded file, and silence after its end.  Nobody knows who speaks."""

    def __init__(self, blocks: Iterator[NDArray[np.float32]], channels: int) -> None:
        self.channels = channels
        self.spoken: tuple[SimulatedSpeech, ...] = ()
        self._blocks = blocks
        self._held = np.zeros((channels, 0), np.float32)
        self._position = 0  # of what is held

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        pieces, reach = [self._held], self._position + self._held.shape[1]
        while reach < end:
            block = next(self._blocks, None)
            if block is None:
                block = np.zeros((self.channels, end - reach), np.float32)
            pieces.append(block)
            reach += block.shape[1]
        sound = np.concatenate(pieces, axis=1)
        wanted = sound[:, start - self._position : end - self._position]
        self._position, self._held = end, sound[:, end - self._position :]
        return wanted


def _turns(length: int, seed: int) -> Iterator[SimulatedSpeech]:
    """Turns with pauses between them until `length`; a phrase lasts as long as it takes to say."""
    rng = np.random.default_rng((seed, 1))
    position = int(RATE * rng.uniform(0.4, 0.9))
    order = rng.permutation(len(_PHRASES))
    number = 0
    while True:
        text = _PHRASES[order[number % len(order)]]
        end = position + int(RATE * len(text) / _LETTERS_PER_SECOND * rng.uniform(0.85, 1.15))
        if end > length - RATE // 4:
            return
        yield SimulatedSpeech(f"u{number:03d}", ("assistant", "user")[number % 2], text, position, end)
        position = end + int(RATE * rng.uniform(0.35, 1.3))
        number += 1


def _noise_burst(seed: int, index: int, length: int) -> NDArray[np.float32]:
    """Syllables of noise: loud from the first sample to the last, falling off above 500 Hz as speech does."""
    rng = np.random.default_rng((seed, 2, index))
    noise = np.fft.rfft(rng.standard_normal(length))
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    sound = np.fft.irfft(noise * (hertz > 100) / (1 + (hertz / rng.uniform(400, 900)) ** 1.5), length)
    envelope = np.ones(length)
    at = 0
    while at < length:
        syllable = int(RATE * rng.uniform(0.13, 0.28))
        t = np.linspace(0, np.pi, syllable, endpoint=False)
        piece = (0.25 + 0.75 * np.sin(t) ** 2) * rng.uniform(0.6, 1.0)
        envelope[at : at + syllable] = piece[: length - at]
        at += syllable
    sound *= envelope
    return (sound * (_LEVEL / max(1e-9, float(np.sqrt(np.mean(sound**2)))))).astype(np.float32)


def _tone_burst(seed: int, index: int, length: int) -> NDArray[np.float32]:
    """A steady tone, another for each utterance, without a click at its ends."""
    hertz = 220 * 2 ** ((index * 5 + seed) % 24 / 12)
    t = np.arange(length)
    fade = np.minimum(1, np.minimum(t + 1, length - t) / (0.005 * RATE))
    tone: NDArray[np.float32] = (np.sin(2 * np.pi * hertz * t / RATE) * fade * _LEVEL * np.sqrt(2)).astype(np.float32)
    return tone
