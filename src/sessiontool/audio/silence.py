"""How loud stretches of a recording are that should be silent: decoded, in one pass, and no more than they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .excerpts import cut
from .loudness import decibels
from .stretch import decode_stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..media.filler import SoundHead


def loudest_db(
    packets: Iterable[bytes],
    head: SoundHead,
    stretches: Sequence[tuple[int, int]],
    channels: Sequence[int | None] | None = None,
) -> Iterator[tuple[int, float]]:
    """Of each stretch (start, end in output samples) its number and its loudest sample, in dB of full scale.

    `channels` says for each which channel is looked at; None is both.
    """
    for number, excerpt in cut(packets, head, stretches):
        start = excerpt.skip_samples - head.pre_skip  # as decode_stretch counts them
        blocks = decode_stretch(excerpt.packets, head, start, start + excerpt.length_samples)
        channel = channels[number] if channels else None
        heard = (block if channel is None else block[channel] for block in blocks)
        yield number, decibels(max((float(abs(one).max()) for one in heard if one.size), default=0.0))
