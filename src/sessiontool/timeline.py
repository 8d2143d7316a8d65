"""One clock out of three: ordered spans that map session clock, recorder clock and output samples to one another.

`Timeline` records where everything is in the output (`gap_filling` decides that), and is the only place that converts
between clocks.

Not here: reading packets, writing them, and any opinion on what the gaps mean to a listener.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from .model import samples_to_us, us_to_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

SpanKind = Literal["recorded", "silence", "filled"]


class Span(Struct, frozen=True):
    """A stretch of output in which all clocks run evenly.

    Output ranges are samples of the decoded output at 48 kHz; recorder and session ranges are microseconds; `cause`
    says why a silence is there (`starved`, `lost`, `suspended`, `between_parts`, `between_slices`, `pause`), empty for
    what was recorded.
    `silent_packets` made a silence; at the very start some of it may be pre-skip, and not in the output range.
    A silence into which the sound of another recording was put is `filled`, by `filled_packets` of that SHA-256.
    """

    kind: SpanKind
    part: str
    cause: str
    output_start: int
    output_end: int
    recorder_start_us: int
    recorder_end_us: int
    session_start_us: int
    session_end_us: int
    silent_packets: int = 0
    filled_packets: int = 0
    filled_sha256: str = ""


def _interpolate(value: int, a: int, b: int, to_a: int, to_b: int) -> int:
    """`value` of the range a..b in the range to_a..to_b, rounded.

    Outside of a..b the clocks run at the same pace on.
    """
    if b <= a:
        return to_a
    return to_a + ((value - a) * (to_b - to_a) + (b - a) // 2) // (b - a)


class Timeline:
    """The spans of one output, in order, without a break on the output's axis.

    Every method takes and returns integers.  An instant before the first or after the last span is mapped as if the
    recording went on; an instant that was never recorded (a pause that was closed up) maps to the place where the
    sound goes on.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = tuple(spans)
        self._output_starts = [span.output_start for span in self.spans]
        self._session_starts = list(accumulate((span.session_start_us for span in self.spans), max))

    @property
    def total_samples(self) -> int:
        return self.spans[-1].output_end if self.spans else 0

    def session_to_output(self, session_us: int) -> int:
        """Output samples of an instant of the session clock."""
        if not self.spans:
            return us_to_samples(session_us)
        index = max(0, bisect_right(self._session_starts, session_us) - 1)
        span = self.spans[index]
        if session_us < span.session_start_us:
            return span.output_start - us_to_samples(span.session_start_us - session_us)
        if session_us <= span.session_end_us:
            return _interpolate(
                session_us, span.session_start_us, span.session_end_us, span.output_start, span.output_end
            )
        if index + 1 < len(self.spans):
            return span.output_end
        return span.output_end + us_to_samples(session_us - span.session_end_us)

    def output_to_session(self, samples: int) -> int:
        """Microseconds of the session clock at an output sample."""
        if not self.spans:
            return samples_to_us(samples)
        span = self.spans[max(0, bisect_right(self._output_starts, samples) - 1)]
        if samples < span.output_start:
            return span.session_start_us - samples_to_us(span.output_start - samples)
        if samples <= span.output_end:
            return _interpolate(samples, span.output_start, span.output_end, span.session_start_us, span.session_end_us)
        return span.session_end_us + samples_to_us(samples - span.output_end)

    def recorder_to_output(self, part: str, recorder_us: int) -> int:
        """Output samples of a block timestamp of `part`; the part must have been recorded (KeyError)."""
        spans = [span for span in self.spans if span.part == part and span.cause != "between_parts"]
        if not spans:
            raise KeyError(part)
        starts = list(accumulate((span.recorder_start_us for span in spans), max))
        index = max(0, bisect_right(starts, recorder_us) - 1)
        span = spans[index]
        if recorder_us < span.recorder_start_us:
            return span.output_start - us_to_samples(span.recorder_start_us - recorder_us)
        if recorder_us <= span.recorder_end_us:
            return _interpolate(
                recorder_us, span.recorder_start_us, span.recorder_end_us, span.output_start, span.output_end
            )
        if index + 1 < len(spans):
            return span.output_end
        return span.output_end + us_to_samples(recorder_us - span.recorder_end_us)

    def output_to_recorder(self, samples: int) -> tuple[str, int]:
        """The part at an output sample, and its recorder clock in microseconds (IndexError in an empty timeline)."""
        span = self.spans[max(0, bisect_right(self._output_starts, samples) - 1)]
        return span.part, _interpolate(
            samples, span.output_start, span.output_end, span.recorder_start_us, span.recorder_end_us
        )
