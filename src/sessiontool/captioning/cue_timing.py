"""In and out of every cue: from the sound, plus what a reader needs where there is room.

The in-time is the sound's.  The out-time may be after the sound (`linger_ms`), but not into the next cue of any
speaker.  A cue that would be shorter than the shortest, or too fast to be read, may take more: it is shown beside what
another speaker says, the speaker's own next cue begins a little late where that can spare the time, or the cue itself
begins a little early.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .cell_width import cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..options import Profile
    from .cues import Cue

_ANY_VOICE = ("", "")
_EARLY_MS = 500
"""Chosen: how far a cue may begin before its sound, or after it, so that it or the one before can be read."""


def settle(cues: Sequence[Cue], profile: Profile, end_ms: int | None, *, overlaps: bool = True) -> list[Cue]:
    """The cues with their final times, by start.

    `end_ms` is where the recording ends, None where it is unknown; `overlaps`: whether two speakers' cues may stand at
    the same time.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    starts = [cue.start_ms for cue in ordered]
    own_last: dict[tuple[str, str], int] = {}
    settled = []
    for cue, following in zip(ordered, next_of_voice(ordered, any_voice=not overlaps), strict=True):
        voice = cue.voice if overlaps else _ANY_VOICE
        place = bisect_left(starts, cue.end_ms)
        own_next = following.start_ms if following else None
        room = _Room(
            not_before=own_last.get(voice, 0),
            own_next=_least(own_next, end_ms),
            next=_least(starts[place] if place < len(starts) else None, own_next, end_ms),
            latest=_least(own_next + _spare_ms(following, profile) if following and own_next else None, end_ms),
        )
        timed = _timed(cue, profile, room)
        own_last[voice] = timed.end_ms
        settled.append(timed)
    return _without_flicker(sorted(settled, key=lambda cue: cue.start_ms), profile)


class _Room(Struct, frozen=True):
    """What is around a cue, in milliseconds, None where there is nothing.

    Where the speaker's last cue ends; where the speaker's next one begins, and any speaker's next; and how late the
    speaker's next may begin.
    """

    not_before: int
    own_next: int | None
    next: int | None
    latest: int | None


def next_of_voice(cues: Sequence[Cue], *, any_voice: bool = False) -> list[Cue | None]:
    """For each cue the same speaker's next one, or with `any_voice` any speaker's; None for the last."""
    if any_voice:
        return [*cues[1:], None][: len(cues)]
    following: dict[tuple[str, str], Cue] = {}
    found: list[Cue | None] = []
    for cue in reversed(cues):
        found.append(following.get(cue.voice))
        following[cue.voice] = cue
    return found[::-1]


def _spare_ms(cue: Cue, profile: Profile) -> int:
    """How much later a cue can begin and still be read with ease."""
    needed = max(profile.min_ms, round(profile.comfortable_ms(*size_of(cue))))
    return max(0, min(cue.duration_ms - needed, _EARLY_MS))


def _least(*times: int | None) -> int | None:
    return min([time for time in times if time is not None], default=None)


def _timed(cue: Cue, profile: Profile, room: _Room) -> Cue:
    """A cue with time to be read."""
    sound_end = cue.end_ms
    # A speaker says one thing at a time: where the transcript has it so, the first makes way as far as it can be seen.
    start = min(max(cue.start_ms, room.not_before), max(cue.start_ms, sound_end - profile.min_ms))
    if room.own_next is not None and room.own_next < sound_end:
        sound_end = max(room.own_next, min(sound_end, start + profile.min_ms))
    size = size_of(cue)
    readable_ms = max(profile.min_ms, round(profile.readable_ms(*size)))
    wanted = start + max(readable_ms, round(profile.comfortable_ms(*size)))
    lingering = sound_end + profile.linger_ms
    end = max(sound_end, _least(wanted, lingering, room.next) or 0)
    if end - start < readable_ms:
        end = max(end, _least(start + readable_ms, lingering, room.latest) or 0)
    if end - start < profile.min_ms:
        end = max(end, _least(start + profile.min_ms, room.latest) or 0)
    if end - start < readable_ms:
        start = min(start, max(room.not_before, end - readable_ms, start - _EARLY_MS, 0))
    if profile.max_ms is not None:
        end = min(end, start + profile.max_ms)
    end = max(end, start + 1)
    return cue if (start, end) == (cue.start_ms, cue.end_ms) else replace(cue, start_ms=start, end_ms=end)


def _without_flicker(cues: list[Cue], profile: Profile) -> list[Cue]:
    """Gaps that are too small to be seen as gaps are closed, or widened where the cue would last too long."""
    starts = [cue.start_ms for cue in cues]
    smooth = []
    for cue in cues:
        place = bisect_left(starts, cue.end_ms)
        following = starts[place] if place < len(starts) else cue.end_ms
        if 0 < following - cue.end_ms < profile.gap_ms:
            fits = profile.max_ms is None or following - cue.start_ms <= profile.max_ms
            end = following if fits else max(cue.start_ms + 1, following - profile.gap_ms)
            cue = replace(cue, end_ms=end)  # noqa: PLW2901
        smooth.append(cue)
    return smooth


def size_of(cue: Cue) -> tuple[int, int]:
    """Cells and words of a cue."""
    return cells(cue.text), cue.text.count(" ") + 1
