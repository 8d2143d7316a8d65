"""What of a session is exported, and how: the options, and why some of them make no sense together."""

from __future__ import annotations

import re

from msgspec import Struct

from ...errors import UsageError
from ...media.opus import SAMPLES_PER_SECOND

_ROLE = r"[a-z][a-z0-9_-]{0,31}"
_OTHER_FORMAT = r"[a-z0-9]{1,10}"
"""The ending of a kind of file that a system ffmpeg may know."""

_SELECTIONS = ("--from or --to", "--utterance", "--each-utterance", "--gap")

LOUDNESSES = ("ebu", "podcast")
"""What a file can be levelled to; the figures are in `levels`."""


class ExportOptions(Struct, frozen=True):
    """What is exported: the whole, or from `start_s` to `end_s`; as it is, mixed to `mono`, or a file for each role.

    Instead of times, the `utterance` of an id, `each_utterance` in files of its own, or the `gap` of a number (from 1)
    with what is on either side.  `loudness` is "ebu" or "podcast".  A format that is not ours is left to a system
    ffmpeg, and so is `filter_graph`, through which the sound goes first.  `force` replaces files that are there.
    UsageError where that makes no sense.
    """

    formats: tuple[str, ...] = ("wav",)
    roles: tuple[str, ...] = ()
    mono: bool = False
    rate_hz: int = SAMPLES_PER_SECOND
    start_s: float | None = None
    end_s: float | None = None
    utterance: str | None = None
    each_utterance: bool = False
    gap: int | None = None
    loudness: str | None = None
    filter_graph: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        self._check_formats()
        for role in self.roles:
            if not re.fullmatch(_ROLE, role):
                raise UsageError(f"{role[:40]!r} is no role", hint="roles are user and assistant")
        if self.end_s is not None and self.end_s <= (self.start_s or 0):
            raise UsageError("a clip ends behind its start", hint="give --to a later time than --from")
        if self.gap is not None and self.gap < 1:
            raise UsageError(f"--gap {self.gap} is no number of a gap", hint="they are counted from 1")
        if self.filter_graph is not None and not self.filter_graph.strip():
            raise UsageError("--filter is empty", hint="give a graph as `ffmpeg -af` takes it, or leave it out")
        for names, given in (
            (("--roles", "--mono"), (self.roles, self.mono)),
            (("--loudness", "--filter"), (self.loudness, self.filter_graph)),
            (_SELECTIONS, (self._has_times, self.utterance is not None, self.each_utterance, self.gap is not None)),
        ):
            both = [name for name, one in zip(names, given, strict=True) if one]
            if len(both) > 1:
                raise UsageError(f"{both[0]} and {both[1]} ask for two things", hint="give one of them")

    def _check_formats(self) -> None:
        from ...audio.sound_file import FORMATS, RATES_HZ  # noqa: PLC0415

        known, rates = ", ".join(FORMATS), ", ".join(map(str, RATES_HZ))
        if not self.formats:
            raise UsageError("no format is named", hint=f"the formats are {known}")
        for name in self.formats:
            if name not in FORMATS and not re.fullmatch(_OTHER_FORMAT, name):
                raise UsageError(f"there is no format {name[:40]!r}", hint=f"the formats are {known}")
        if self.rate_hz not in RATES_HZ:
            raise UsageError(f"{self.rate_hz} is no rate of these files", hint=f"the rates are {rates}")
        if self.loudness is not None and self.loudness not in LOUDNESSES:
            names = ", ".join(LOUDNESSES)
            raise UsageError(f"there is no loudness {self.loudness[:40]!r}", hint=f"it is one of {names}, none")

    @property
    def _has_times(self) -> bool:
        return self.start_s is not None or self.end_s is not None

    @property
    def is_clip(self) -> bool:
        """Whether it is one stretch of the recording, with what is said in it."""
        return self._has_times or self.utterance is not None or self.gap is not None

    def stretch(self, session_id: str, samples: int) -> tuple[int, int]:
        """What is asked for of a recording of that length, in samples (UsageError where it is behind its end)."""
        start = round((self.start_s or 0) * SAMPLES_PER_SECOND)
        end = samples if self.end_s is None else min(samples, round(self.end_s * SAMPLES_PER_SECOND))
        if start >= end:
            length = samples // (SAMPLES_PER_SECOND // 1000) / 1000
            raise UsageError(f"{session_id} is {length} s long, and ends before --from", hint="give an earlier time")
        return start, end
