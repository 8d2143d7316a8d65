"""Every cue that breaks its profile, which rule, by how much, and why."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from .cell_width import cells
from .cue_timing import next_of_voice, size_of
from .profiles import rules_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..options import Profile
    from .cues import Cue


class Problem(Struct, frozen=True):
    """One rule that one cue breaks.  `cue` counts from 1; `value` and `limit` are in `unit`."""

    cue: int
    start_ms: int
    rule: str
    severity: Literal["warning", "failure"]
    value: float
    limit: float
    unit: str
    reason: str
    text: str


def check(cues: Sequence[Cue], profile: Profile) -> list[Problem]:
    """What breaks the profile, by cue.  Cues of different speakers may overlap, those of one speaker may not."""
    starts = [cue.start_ms for cue in cues]
    problems = []
    for number, (cue, own_next) in enumerate(zip(cues, next_of_voice(cues), strict=True), 1):
        place = bisect_left(starts, cue.end_ms)
        following = starts[place] if place < len(starts) else None
        if own_next and own_next.start_ms < cue.end_ms:
            following = own_next.start_ms
        problems += [
            Problem(number, cue.start_ms, rule, severity, round(value, 1), limit, unit, reason, cue.text)
            for rule, severity, value, limit, unit, reason in _broken(cue, profile, following)
        ]
    return problems


_Broken = tuple[str, Literal["warning", "failure"], float, float, str, str]


def _broken(cue: Cue, profile: Profile, following: int | None) -> Iterator[_Broken]:
    width = max(map(cells, cue.lines))
    most = rules_for(profile, cue.language).line_cells
    if most is not None and width > most:
        yield "line", "failure", width, most, "cells", "it cannot be broken"
    if profile.lines is not None and len(cue.lines) > profile.lines:
        yield "lines", "failure", len(cue.lines), profile.lines, "lines", "several speak at once"
    if cue.duration_ms < profile.min_ms:
        yield "short", "failure", cue.duration_ms, profile.min_ms, "ms", "the next cue leaves no room"
    if profile.max_ms is not None and cue.duration_ms > profile.max_ms:
        yield "long", "failure", cue.duration_ms, profile.max_ms, "ms", "the speaker makes no pause"
    yield from _speed(cue, profile)
    if following is not None and following < cue.end_ms:
        yield "overlap", "failure", cue.end_ms - following, 0, "ms", "the speaker says two things at once"
    elif following is not None and 0 < following - cue.end_ms < profile.gap_ms:
        yield "gap", "failure", following - cue.end_ms, profile.gap_ms, "ms", "neither touching nor apart"


def _speed(cue: Cue, profile: Profile) -> Iterator[_Broken]:
    size, words = size_of(cue)
    shown_ms, sound_ms = cue.duration_ms, max(1, cue.sound_ms[1] - cue.sound_ms[0])
    rules = (
        (size * 1000, "cells a second", profile.warn_cps, profile.fail_cps),
        (words * 60_000, "words a minute", profile.warn_wpm, profile.fail_wpm),
    )
    for amount, unit, warn, fail in rules:
        speed = round(amount / shown_ms, 1)
        limit = fail if fail and speed > fail else warn
        if limit and speed > limit:
            spoken = amount / sound_ms
            several = "several speak at once" if not cue.speaker else "the next cue leaves no room"
            reason = f"the speech itself has {spoken:.1f}" if spoken > limit else several
            yield "speed", "failure" if limit == fail else "warning", speed, limit, unit, reason
