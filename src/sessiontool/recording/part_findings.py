"""The findings about a part as a whole: where it begins, how it ends, and what is not known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTABLE_GAP_US = 250_000  # chosen: smaller differences of the clocks are not worth a finding
_NOTABLE_OVERLAP_US = 100_000  # chosen, as `slice_seams.SHARED_MS`: recorders that overlap by less do it by accident


class PartStart(Struct, frozen=True):
    """Where a part begins in the result, behind `filled` samples of silence; `gap_us` is None where that is not known.

    Of one that is `compared` what the part before has, too, is left out.
    """

    name: str
    at_s: float
    gap_us: int | None
    filled: int
    compared: bool


def part_start(part: str, start: PartStart) -> Iterator[Finding]:
    """What is odd about where a part begins."""
    name, gap_us = start.name, start.gap_us
    check = "check `start_ms` of the parts in session.json"
    if gap_us is None:
        message = f"no start_ms of part {name} was recorded: it follows the one before without a gap"
        code, hint = "part-start-unknown", "note `start_ms` for each part in session.json"
    elif start.compared:
        message = (
            f"part {name} was started {-gap_us / 1e6:.2f} s before the one before it ended, and has the same sound"
        )
        message += ": what both recorded is joined once"
        code, hint = "parts-overlap", "what is left out is in no result: purge keeps these chunks"
    elif gap_us <= -_NOTABLE_OVERLAP_US:
        message = f"part {name} was started {-gap_us / 1e6:.2f} s before the one before it ended"
        code, hint = "parts-overlap", f"what both recorded is there twice; {check}"
    elif start.filled == 0 and gap_us > _NOTABLE_GAP_US:
        message = f"part {name} was started {gap_us / 3.6e9:.1f} hours after the one before: that is not filled"
        code, hint = "part-gap-too-long", check
    else:
        return
    yield Finding(code, "warning", message, part=part, at_s=start.at_s, hint=hint)


def delay_unknown(part: str) -> Finding:
    message = f"nothing in part {part} says how long its encoder's delay is: it is taken for none"
    hint = "captions follow the sound all the same; against the session clock it is 20 to 50 ms late"
    return Finding("encoder-delay-unknown", "info", message, part=part, hint=hint)


def header_lost(part: str, name: str) -> Finding:
    message = f"the header of part {name} is lost; it was rebuilt from the blocks"
    hint = "the first chunk has it: look for it where the uploads come from"
    return Finding("header-missing", "warning", message, part=part, hint=hint)


def no_sound(part: str, name: str) -> Finding:
    message = f"part {name} holds no sound"
    return Finding("part-empty", "error", message, part=part, hint="see what its chunks are")


def clock_jumped(part: str, name: str, at_s: float) -> Finding:
    message = f"the recorder's clock jumps in part {name}; the sound goes on there without a gap"
    hint = "the timestamps are wrong, or packets of another recording are among these"
    return Finding("clock-jump", "warning", message, part=part, at_s=at_s, hint=hint)


def end_too_long(part: str, tail_ms: float) -> Finding:
    message = f"{tail_ms / 3.6e6:.1f} hours are missing at the end of the part: they are not filled"
    hint = "check `stop_ms` of the part and `emitted_ms` of its chunks in session.json"
    return Finding("loss-too-long", "error", message, part=part, hint=hint)


def recorder_ended(part: str, seq: int, before_ms: float) -> Finding:
    """The recorder stopped of itself; what was said until `stop()` was called is in no chunk."""
    message = (
        f"the recorder ended by itself {before_ms / 1000:.2f} s before `stop_ms`: chunk {seq} came early, and no other"
    )
    hint = "nothing was lost on the way to the store: its tracks ended, as those of a microphone that is taken away"
    return Finding("recorder-ended", "warning", message, part=part, seq=seq, hint=hint)


def lost_unseen(part: str, lost_ms: float) -> Finding:
    message = f"the recorder lost {lost_ms / 1000:.2f} s of sound without a trace in the file, spread over the part"
    hint = "its blobs came later and later: a slow machine; the captions follow the sound all the same"
    return Finding("time-lost-unseen", "warning", message, part=part, lost_ms=round(lost_ms), hint=hint)
