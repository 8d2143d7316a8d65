"""Silence that fills a gap, in units of the recording's codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from ..errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK_HZ = 48_000
"""Samples a second in which all durations and positions count, whatever a codec's own rate is: Opus's clock
(RFC 7845, section 4)."""


class Filler(Struct, frozen=True):
    """One unit of silence: its bytes, and its length of `samples` at `rate_hz`.

    Where the codec's units begin at whole multiples of `grid` such samples only, sums that were rounded to 48 kHz are
    put back on that grid with each gap, so that no error adds up.
    """

    payload: bytes
    samples: int
    rate_hz: int = CLOCK_HZ
    grid: int = 1

    @property
    def length(self) -> int:
        """Its length at 48 kHz, rounded."""
        return self._at_clock(self.samples)

    def count(self, samples: int) -> int:
        """How many units come nearest to `samples` at 48 kHz."""
        return (2 * samples * self.rate_hz + self.samples * CLOCK_HZ) // (2 * self.samples * CLOCK_HZ)

    def end(self, position: int, count: int) -> int:
        """The position at 48 kHz at which `count` units end that begin at `position`."""
        units = (2 * position * self.rate_hz + self.grid * CLOCK_HZ) // (2 * self.grid * CLOCK_HZ)
        return self._at_clock(units * self.grid + count * self.samples)

    def _at_clock(self, samples: int) -> int:
        return (2 * samples * CLOCK_HZ + self.rate_hz) // (2 * self.rate_hz)


class SoundHead(Protocol):
    """What a decoder has to know before the first packet of a recording; `pre_skip` counts samples at 48 kHz.

    `codec` decides in what kind of file a recording is written, `rate_hz` is the rate at which a decoder gives it.
    """

    @property
    def codec(self) -> str: ...

    @property
    def channels(self) -> int: ...

    @property
    def pre_skip(self) -> int: ...

    @property
    def rate_hz(self) -> int: ...

    @property
    def delay_known(self) -> bool:
        """Whether anything says how much of the beginning is the encoder's own; else the pre-skip is 0."""
        ...

    @property
    def decoder_config(self) -> bytes:
        """What FFmpeg's decoders are set up with (`extradata`); nothing in it says to skip samples."""
        ...

    @property
    def filler(self) -> Filler:
        """Its silence."""
        ...

    def joined_with(self, other: SoundHead) -> SoundHead:
        """The head of a file that holds this recording and another one (RecordingError where there can be none)."""
        ...

    def lengths(self) -> Callable[[bytes], int]:
        """Gives the length at 48 kHz of each packet, called with one after another."""
        ...


def one_codec(head: SoundHead, other: SoundHead) -> RecordingError:
    """The error where two recordings do not go into one file."""
    first, second = (f"{one.codec} at {one.rate_hz} Hz, {one.channels} channel(s)" for one in (head, other))
    return RecordingError(
        f"it is {second}, and what was joined before it is {first}: they cannot be in one file as they are",
        hint="merge such parts as sessions of their own",
    )
