"""Opus packets to sound (RFC 6716, through PyAV's decoder): our own packets in, what is wanted of their sound out.

No demuxer takes part: the packets of the joined recording go straight to the decoder, so a position in the
decode is a position in the output, to the sample.  A packet that cannot be decoded becomes silence of its own
length for the same reason.

The sound is made in blocks, side by side, each by a decoder of its own that hears a few packets before its block first:
an Opus decoder has all but forgotten how it began after 80 ms (RFC 7845, section 4.6), and works without holding the
interpreter.  The decoder gives 48 kHz; speech needs 16 kHz: each block is reduced by three at once, and by the caller
to what it needs, so that no sound is kept.

Not here: reading packets from files, and any opinion on what the sound holds.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from msgspec import Struct

from ..cpus import usable
from ..media.filler import CLOCK_HZ
from ..media.pcm import PcmHead
from .contexts import at_clock_rate, decode_run, decoder_for
from .flac import floats
from .scratch import Arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

    Floats = NDArray[np.float32]

DECODE_RATE = 16_000
"""Samples a second of the sound that `decode` makes, on each channel.  Chosen: speech has little above 8 kHz."""

_FACTOR = 3  # samples of Opus to one of DECODE_RATE (by definition)
_BLOCK_SAMPLES = 30 * 48_000  # chosen: memory stays at a few MB, and threads have work
PRE_ROLL_SAMPLES = 9600  # 200 ms, chosen: RFC 7845, section 4.6 asks for 80
_MOST_THREADS = 4  # threads; chosen: beyond that, they wait for the interpreter
_HALF_TAPS = 4  # taps of the filter on each side; chosen
_ROW = 16  # samples that one column of the filter's matrix makes; chosen
_BATCH = 4096
"""Samples that one matrix product makes.  Chosen: so few that no BLAS spreads it over threads, which only wait."""

_Reduced = TypeVar("_Reduced")


def decode(
    packets: Iterable[bytes],
    head: SoundHead,
    reduce: Callable[[Floats], _Reduced],
    margin: int = 0,
    *,
    skip_samples: int | None = None,
) -> Iterator[_Reduced]:
    """What `reduce` makes of each block of the sound of `packets`, which `head` describes, in order.

    It is called on several threads, with float32 of shape (channels, margin + n + margin) at `DECODE_RATE`, full
    scale 1.0: n new samples, 30 seconds of them but for the last block, and `margin` samples of what is on either
    side of them, zeros where nothing is.  They are overwritten once it has returned.  Sample 0 is the first after
    its pre-skip, or after `skip_samples` (at 48 kHz).  A packet that is damaged counts as silence for as long as its
    own header says it lasts, and as nothing where even that cannot be read.
    """
    reach = _FACTOR * margin + _HALF_TAPS

    arrays = Arrays()

    def work(block: _Block) -> _Reduced:
        return reduce(_sound(block, head, margin, arrays))

    threads = usable(_MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Reduced]] = deque()
        for block in _blocks(packets, head, head.pre_skip if skip_samples is None else skip_samples, reach):
            waiting.append(pool.submit(work, block))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Block(Struct, frozen=True):
    """Packets to decode together: the first of them is at `position`, and what is wanted is `start` to `end`.

    All three count samples at 48 kHz after the pre-skip; `lengths` has those of each packet.
    """

    packets: tuple[bytes, ...]
    lengths: tuple[int, ...]
    position: int
    start: int
    end: int


def _blocks(packets: Iterable[bytes], head: SoundHead, skip_samples: int, reach: int) -> Iterator[_Block]:
    """Cut a stream of packets into blocks that overlap by `reach`, and by what a decoder needs to begin."""
    length_of = head.lengths()
    held: list[bytes] = []
    lengths: list[int] = []
    position = heard = -skip_samples  # of the first held packet, and of the last one's end
    start = 0
    for packet in packets:
        held.append(packet)
        lengths.append(length_of(packet))
        heard += lengths[-1]
        if heard < start + _BLOCK_SAMPLES + reach:
            continue
        yield _Block(tuple(held), tuple(lengths), position, start, start + _BLOCK_SAMPLES)
        start += _BLOCK_SAMPLES
        spent = 0
        while position + lengths[spent] <= start - reach - PRE_ROLL_SAMPLES:
            position += lengths[spent]
            spent += 1
        del held[:spent], lengths[:spent]
    for begin in range(start, heard, _BLOCK_SAMPLES):
        yield _Block(tuple(held), tuple(lengths), position, begin, min(begin + _BLOCK_SAMPLES, heard))


def _sound(block: _Block, head: SoundHead, margin: int, arrays: Arrays) -> Floats:
    """The sound of a block at `DECODE_RATE`, with `margin` samples on either side."""
    reach = _FACTOR * margin + _HALF_TAPS
    total = sum(block.lengths)
    sound = arrays.get("sound", (head.channels, reach + total + reach + (_BATCH + _ROW) * _FACTOR))
    sound[:, :reach] = sound[:, reach + total :] = 0
    decode_all = _DECODERS[head.codec]
    decode_all(block, head, sound[:, reach : reach + total])
    count = -(-(block.end - block.start) // _FACTOR) + 2 * margin
    return _reduced(sound, block.start - block.position, count, arrays)


def _decode_opus(block: _Block, head: SoundHead, room: Floats) -> None:
    """Decode a block's packets into `room`, several at once."""
    decode_run(decoder_for(head), head.codec, block.packets, block.lengths, room)


def _decode_frames(block: _Block, head: SoundHead, room: Floats) -> None:
    """Decode a block's packets of another codec into `room`, all of which last equally long at its own rate."""
    lengths = [head.filler.samples] * len(block.packets)
    sound = room if head.rate_hz == CLOCK_HZ else np.zeros((head.channels, sum(lengths)), np.float32)
    decode_run(decoder_for(head), head.codec, block.packets, lengths, sound)
    if sound is not room:
        at_clock_rate(sound, head.rate_hz, room)


def _convert(block: _Block, head: SoundHead, room: Floats) -> None:
    """Write a block's samples, which are no code, into `room`."""
    assert isinstance(head, PcmHead)
    at_clock_rate(floats(b"".join(block.packets), head), head.rate_hz, room)


_DECODERS = {"opus": _decode_opus, "aac": _decode_frames, "mp3": _decode_frames, "pcm": _convert}


def _lowpass() -> Floats:
    """A windowed sinc at 7.6 kHz, as the matrix that makes `_ROW` samples of a row and of a few that follow it."""
    n = np.arange(2 * _HALF_TAPS + 1) - _HALF_TAPS
    taps = np.sinc(n * 2 * 7600 / 48_000) * np.hamming(len(n))
    matrix = np.zeros((_FACTOR * _ROW + len(n) - _FACTOR, _ROW), np.float32)
    for k in range(_ROW):
        matrix[_FACTOR * k : _FACTOR * k + len(n), k] = taps / taps.sum()
    return matrix


_WITHIN, _AFTER = np.vsplit(_lowpass(), [_FACTOR * _ROW])
_LATE = int(np.flatnonzero(_AFTER.any(axis=0))[0])
"""The first sample of a row that takes some of what follows the row."""


def _reduced(sound: Floats, first: int, count: int, arrays: Arrays) -> Floats:
    """`count` low-passed samples, every third one; the filter for the first begins at `first`.

    `sound` must go on for a batch and a row after the last.
    """
    batches = -(-(count + _ROW) // _BATCH)
    reduced = arrays.get("reduced", (len(sound), batches, _BATCH // _ROW, _ROW))
    for some, samples in zip(reduced, sound, strict=True):
        rows = samples[first : first + _FACTOR * some.size].reshape(batches, -1, _FACTOR * _ROW)
        np.matmul(rows, _WITHIN, out=some)
        following = rows.reshape(-1, _FACTOR * _ROW)[1:, : len(_AFTER)]
        some.reshape(-1, _ROW)[:-1, _LATE:] += following @ _AFTER[:, _LATE:]
    return reduced.reshape(len(sound), -1)[:, :count]
