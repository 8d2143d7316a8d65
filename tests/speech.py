"""Two people's speech made of noise, with the truth about it, and the log that a recorder would have written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from sessiontool.alignment.band_levels import MARGIN, Levels, reduce
from sessiontool.alignment.speech_activity import measure
from sessiontool.model import Utterance
from sessiontool.timeline import Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sessiontool.alignment.speech_activity import Activity

RATE = 16_000
ROLES = ("user", "assistant")
TEXT = "we could send the second box to your office on friday morning if nobody minds waiting a little longer"
WORDS = TEXT.split()


class Said(Struct, frozen=True):
    """One utterance: the truth in seconds of sound."""

    id: str
    role: str
    text: str
    start_s: float
    end_s: float


def conversation(seed: int, count: int) -> list[Said]:
    """`count` utterances, the roles in turns more often than not, half a second to seven seconds each."""
    chance = np.random.default_rng(seed)
    said: list[Said] = []
    now, role = 1.0, 0
    for number in range(count):
        text = " ".join(chance.choice(WORDS, int(chance.integers(2, 18))))
        length = (0.25 + len(text) / 14.5) * float(chance.uniform(0.75, 1.1))
        said.append(Said(f"u{number:03}", ROLES[role], text, now, now + length))
        now += length + float(chance.uniform(0.35, 1.6))
        role = 1 - role if chance.random() < 0.8 else role
    return said


def voice(chance: np.random.Generator, seconds: float, level: float = 0.1) -> NDArray[np.float32]:
    """Noise with the loudness of speech: syllables, no pause, sharp edges."""
    n = round(seconds * RATE)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4.3 * np.arange(n) / RATE + chance.uniform(0, 6))
    colour = np.convolve(chance.standard_normal(n + 8), np.hanning(9), mode="valid")
    return (level * syllables * colour).astype(np.float32)


@cache
def sound(seed: int, count: int, noise: float = 1e-3) -> NDArray[np.float32]:
    """What was said, user left and assistant right, over a little noise on the left: shape (2, n)."""
    chance = np.random.default_rng(seed + 1000)
    said = conversation(seed, count)
    samples = np.zeros((2, round((said[-1].end_s + 1.5) * RATE)), np.float32)
    samples[0] += noise * chance.standard_normal(samples.shape[1]).astype(np.float32)
    for one in said:
        at = round(one.start_s * RATE)
        spoken = voice(chance, one.end_s - one.start_s)
        samples[ROLES.index(one.role), at : at + len(spoken)] += spoken
    return samples


def levels(samples: NDArray[np.float32], block: int = 40_000) -> Levels:
    """The levels of samples at 16 kHz, shape (channels, n), taken block by block."""
    edged = np.pad(samples, ((0, 0), (MARGIN, MARGIN)))
    starts = range(0, samples.shape[1], block)
    blocks = (reduce(edged[:, at : min(at + block, samples.shape[1]) + 2 * MARGIN]) for at in starts)
    return Levels.collected(blocks, len(samples))


def measured(samples: NDArray[np.float32], block: int = 40_000, timeline: Timeline | None = None) -> Activity:
    return measure(levels(samples, block), timeline or one_part(samples.shape[1]))


@cache
def activity(seed: int, count: int) -> Activity:
    return measured(sound(seed, count))


def logged(said: Iterable[Said], seed: int, *, late_s: float = 0.0, ppm: float = 0.0) -> list[Utterance]:
    """The log of it: starts a little off, the user's ends late, the assistant's when its text was done."""
    chance = np.random.default_rng(seed + 2000)
    log = []
    for one in said:
        user = one.role == "user"
        start = one.start_s + float(chance.uniform(-0.2, 0.15) if user else chance.uniform(-0.4, 0.0))
        end = one.end_s + float(
            chance.uniform(0.3, 0.6) if user else -chance.uniform(0.0, 0.4) * (one.end_s - one.start_s)
        )
        start, end = (round(1e6 * (t * (1 + ppm * 1e-6) + late_s)) for t in (start, max(end, start + 0.1)))
        log.append(Utterance(one.id, one.role, one.text, start, end))
    return log


def shifted(log: Iterable[Utterance], us: int) -> list[Utterance]:
    """The same log by a clock that is `us` ahead."""
    return [
        replace(
            u,
            t_start_us=None if u.t_start_us is None else u.t_start_us + us,
            t_end_us=None if u.t_end_us is None else u.t_end_us + us,
        )
        for u in log
    ]


def one_part(samples: int, part: str = "0") -> Timeline:
    """A recording of `samples` at 16 kHz in one piece, the session clock beginning with it."""
    us = samples * 1_000_000 // RATE
    return Timeline([Span("recorded", part, "", 0, samples * 3, 0, us, 0, us)])


def errors_ms(found: Sequence[tuple[int | None, int | None]], said: Sequence[Said]) -> NDArray[np.float64]:
    """Start and end errors of placed utterances; nan where there is no place."""
    rows = []
    for (start, end), truth in zip(found, said, strict=True):
        if start is None or end is None:
            rows.append((np.nan, np.nan))
        else:
            rows.append((start / 48 - 1000 * truth.start_s, end / 48 - 1000 * truth.end_s))
    return np.array(rows)
