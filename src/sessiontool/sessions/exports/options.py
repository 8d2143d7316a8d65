"""What of a session is exported, and how: the options, and why some of them make no sense together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import UsageError
from ...media.opus import SAMPLES_PER_SECOND

_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_OTHER_FORMAT = re.compile(r"[a-z0-9]{1,10}")
"""The ending of a kind of file that a system ffmpeg may know."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is exported: the whole, or from `start_s` to `end_s`; as it is, mixed to `mono`, or a file for each role.

    A format that is not ours is left to a system ffmpeg, and so is `filter_graph`, through which the sound goes first.
    `force` replaces files that are there.  UsageError where that makes no sense.
    """

    formats: tuple[str, ...] = ("wav",)
    roles: tuple[str, ...] = ()
    mono: bool = False
    rate_hz: int = SAMPLES_PER_SECOND
    start_s: float | None = None
    end_s: float | None = None
    filter_graph: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        from ...audio.sound_file import FORMATS, RATES_HZ  # noqa: PLC0415

        known, rates = ", ".join(FORMATS), ", ".join(map(str, RATES_HZ))
        if not self.formats:
            raise UsageError("no format is named", hint=f"the formats are {known}")
        for name in self.formats:
            if name not in FORMATS and not _OTHER_FORMAT.fullmatch(name):
                raise UsageError(f"there is no format {name[:40]!r}", hint=f"the formats are {known}")
        for role in self.roles:
            if not _ROLE.fullmatch(role):
                raise UsageError(f"{role[:40]!r} is no role", hint="roles are user and assistant")
        if self.roles and self.mono:
            raise UsageError("--roles and --mono ask for two things", hint="give one of them")
        if self.rate_hz not in RATES_HZ:
            raise UsageError(f"{self.rate_hz} is no rate of these files", hint=f"the rates are {rates}")
        if self.end_s is not None and self.end_s <= (self.start_s or 0):
            raise UsageError("a clip ends behind its start", hint="give --to a later time than --from")
        if self.filter_graph is not None and not self.filter_graph.strip():
            raise UsageError("--filter is empty", hint="give a graph as `ffmpeg -af` takes it, or leave it out")

    @property
    def is_clip(self) -> bool:
        return self.start_s is not None or self.end_s is not None

    def stretch(self, session_id: str, samples: int) -> tuple[int, int]:
        """What is asked for of a recording of that length, in samples (UsageError where it is behind its end)."""
        start = round((self.start_s or 0) * SAMPLES_PER_SECOND)
        end = samples if self.end_s is None else min(samples, round(self.end_s * SAMPLES_PER_SECOND))
        if start >= end:
            length = samples // (SAMPLES_PER_SECOND // 1000) / 1000
            raise UsageError(f"{session_id} is {length} s long, and ends before --from", hint="give an earlier time")
        return start, end
