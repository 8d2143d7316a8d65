"""What was said when, and what was recorded at all: the ground that every figure is counted on.

Times are integer milliseconds in the recording.  A gap of the recording is no silence of the conversation: nothing is
known of it, and whatever reaches over it is not counted.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from ..model import SAMPLES_PER_MS, SURE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..documents.report_model import Report
    from ..documents.transcript_model import Transcript, TranscriptUtterance

    Stretch = tuple[int, int]

LEAST_SURE_END = 0.95
"""Share, the confidence of an utterance with whose end a gap begins, measured: speech dies away, so that most of what
gaps are off by is their beginning; with it 95 % of those of ordinary sessions are within 30 ms (docs/metrics.md)."""

LEAST_CLEAR_DB = 28
"""From noise to speech on a channel, measured: what was mixed at 30 dB is reported as 30 or more; gaps are nearer to
the truth there than with noise that is nearer (docs/metrics.md says by how much)."""

_MOST_JUMP_MS = 5.0  # chosen: more between two spans on the session's clock is a pause that was closed up


class SpokenUtterance(Struct, frozen=True):
    """An utterance that has a place in the sound; `heard` is the text that was audible.

    `is_sure`: the place is not doubtful; `has_sure_end`: nor is the end, which must be known to a few hundredths.
    """

    id: str
    role: str
    start_ms: int
    end_ms: int
    text: str
    heard: str
    language: str
    interrupted: bool
    is_sure: bool = True
    has_sure_end: bool = True


class Talk(Struct, frozen=True):
    """All that was said, in the order of starts; `coverage` is the share of utterances whose place is known.

    `is_clear`: each role has a channel to itself, on which noise is far below speech.

    `breaks` are stretches of which nothing was recorded, and the moments (of no length) where a pause was closed up.
    """

    said: tuple[SpokenUtterance, ...]
    breaks: tuple[Stretch, ...]
    duration_ms: int
    coverage: float
    is_by_sound: bool
    is_clear: bool

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(sorted({one.role for one in self.said}, key=lambda role: (role != "user", role)))

    @property
    def sure_share(self) -> float:
        """The share of the time of all that was said whose place is sure."""
        whole = sum(one.end_ms - one.start_ms for one in self.said)
        return sum(one.end_ms - one.start_ms for one in self.said if one.is_sure) / whole if whole else 1.0

    @property
    def recorded_ms(self) -> int:
        return self.duration_ms - sum(end - start for start, end in self.breaks)

    def of(self, role: str) -> list[SpokenUtterance]:
        return [one for one in self.said if one.role == role]

    def is_broken(self, start_ms: int, end_ms: int) -> bool:
        """Whether something between two times was not recorded."""
        index = bisect_right(self.breaks, (end_ms, end_ms)) - 1
        return index >= 0 and self.breaks[index][1] >= start_ms


def talk_of(transcript: Transcript, report: Report) -> Talk:
    """The conversation as a transcript and its report have it; without alignment, at the times of the log."""
    is_by_sound = isinstance(report.get("sound"), dict)
    counted = [one for one in transcript["utterances"] if one.get("status") != "no_audio"]
    placed = [one for one in counted if not is_by_sound or one.get("status") in {"aligned", "clipped"}]
    found = [said for one in placed if (said := _said(one, is_by_sound=is_by_sound)) is not None]
    return Talk(
        tuple(sorted(found, key=lambda one: (one.start_ms, one.end_ms, one.id))),
        tuple(_breaks(report)),
        round(transcript["duration_s"] * 1000),
        len(found) / len(counted) if counted else 1.0,
        is_by_sound,
        _is_clear(report),
    )


def _is_clear(report: Report) -> bool:
    sound: object = report.get("sound")  # its shape is not checked
    channels = sound.get("channels") if isinstance(sound, dict) else None
    found = channels if isinstance(channels, list) else []
    return bool(found) and all(map(_is_clear_channel, found))


def _is_clear_channel(channel: object) -> bool:
    match channel:
        case {"roles": [_], "noise_db": int() | float() as noise_db, "speech_db": int() | float() as speech_db}:
            return bool(speech_db - noise_db >= LEAST_CLEAR_DB)
    return False


def _said(one: TranscriptUtterance, *, is_by_sound: bool) -> SpokenUtterance | None:
    start_s, end_s = one["start_s"], one["end_s"]
    if start_s is None or end_s is None or end_s <= start_s:
        return None
    whole = (round(start_s * 1000), round(end_s * 1000))
    heard = one.get("heard_text", one["text"])
    interrupted = one.get("interrupted", False)
    language = one.get("language", "")
    confidence = one.get("confidence", 1.0) if is_by_sound else 1.0
    sure = confidence >= SURE, confidence >= LEAST_SURE_END
    return SpokenUtterance(one["id"], one["role"], *whole, one["text"], heard, language, interrupted, *sure)


def _breaks(report: Report) -> Iterable[Stretch]:
    known_ms: float | None = None  # on the session's clock, up to which the spans so far go
    for span in report["timeline"]:
        start, end = (at // SAMPLES_PER_MS for at in span["output_samples"])
        if span["kind"] == "silence":
            yield start, end
        elif known_ms is not None and span["session_ms"][0] - known_ms > _MOST_JUMP_MS:
            yield start, start
        known_ms = span["session_ms"][1]


def united(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches in order, those that touch made one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def common(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """What is in both of two lists of stretches that are in order and do not touch."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            found.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found


def total_ms(stretches: Iterable[Stretch]) -> int:
    return sum(end - start for start, end in stretches)
