"""Caption files of others -> entries: SubRip by srt, WebVTT by webvtt-py.

Who speaks is shown by a voice (`<v Dana>`), or by a name at the beginning of a cue (`Dana: …`, `[Dana] …`).
"""

from __future__ import annotations

import re
from collections import Counter
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .fields import Entry
from .roles import role_named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from .lenient import LogProblems

    _Cue = tuple[float, float, str, str]

CUES = (
    r"(?m)\A\ufeff?\s*WEBVTT|^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->|^\d+:\d\d:\d\d\.\d{3},\d+:\d\d:\d\d\.\d{3}\s*$"
)
_SBV = r"(?m)^(\d+:\d\d:\d\d)\.(\d{3}),(\d+:\d\d:\d\d)\.(\d{3})[ \t\r]*$"
"""YouTube's line of the times of a cue."""
_VTT = r"\A\ufeff?\s*WEBVTT"
_NAMED = r"^\s*[-\u2013]?\s*(?:\[([^\]\n]{1,40})\]|\(([^)\n]{1,40})\)|([^\W\d_][^:\n]{0,39}):(?=\s))\s*(?=\S)"
_TAG = r"</?[A-Za-z0-9.]+(?:\s[^>]*)?>|<\d\d:[\d:.]+>|\{\\[^}]*\}"
_MOST_NAMED = 0.8
"""Share of the cues that begin with names, from which on every name is one; chosen."""
_LEAST_ROLLED, _MOST_ROLLED = 3, 0.4
"""Number, as units of evidence, and share of cues that repeat the line before, where captions roll up; chosen."""
_VOICE = r"^<v(?:\.[^\s>]*)?\s+([^>]+)>"


def cues_in(text: str, problems: LogProblems) -> Iterator[Entry]:
    """The cues of a file as entries, with their times in seconds."""
    from html import unescape  # noqa: PLC0415 - a table of two thousand names, for captions alone

    found = list(_of_vtt(text, problems) if re.match(_VTT, text) else _of_srt(text, problems))
    cues = [(start_s, end_s, unescape(re.sub(_TAG, "", said)), _voice(said)) for start_s, end_s, said in found]
    spoken = [
        (number, start_s, end_s, line.strip(), voice)
        for number, (start_s, end_s, said, voice) in enumerate(_without_rolled(cues), 1)
        for line in _by_speaker(said)
    ]
    names = _names([line for *_, line, voice in spoken if not voice])
    speaker: str | None = None
    for number, start_s, end_s, line, voice in spoken:
        name, said = (voice, line) if voice else _named(line, names)
        speaker = name or (speaker if len(names) > 1 else None)  # a name stands where the speaker changes
        times = {"start": ("start", start_s, 1000.0), "end": ("end", end_s, 1000.0)}
        yield Entry(f"cue {number}", " ".join(said.split()), speaker, times)


# -- who speaks


def _voice(said: str) -> str:
    found = re.match(_VOICE, said)
    return found[1].strip() if found else ""


def _by_speaker(said: str) -> list[str]:
    """The lines of a cue as one text, or one for each where each of them begins with a name."""
    lines = [line for line in said.split("\n") if line.strip()]
    return lines if len(lines) > 1 and all(re.match(_NAMED, line) for line in lines) else [said]


def _names(lines: Sequence[str]) -> frozenset[str]:
    """The names at the beginnings of lines: of roles, or of most lines, or such as come again."""
    found = [next(filter(None, match.groups())) for line in lines if (match := re.match(_NAMED, line))]
    are_most = len(found) >= _MOST_NAMED * len(lines)
    often = (name for name, n in Counter(found).items() if n > 1 or (are_most and not name[0].islower()))
    return frozenset([*often, *(name for name in found if role_named(name, {}))])


def _named(line: str, names: Collection[str]) -> tuple[str | None, str]:
    """The name that a line begins with, one of `names`, and what follows it."""
    match = re.match(_NAMED, line)
    name = next(filter(None, match.groups())) if match else None
    return (name, line[match.end() :].strip()) if match and name in names else (None, line)


# -- captions that roll up


def _without_rolled(cues: Sequence[_Cue]) -> Iterator[_Cue]:
    """Cues without the lines that the one before has shown already, where captions roll up: most repeat some."""
    lines = [[line.strip() for line in said.split("\n") if line.strip()] for _, _, said, _ in cues]
    shown = [_repeated(before, these) for before, these in pairwise([[], *lines])]
    if sum(map(bool, shown)) < max(_LEAST_ROLLED, _MOST_ROLLED * len(cues)):
        return iter(cues)
    news = ["\n".join(these[count:]) for these, count in zip(lines, shown, strict=True)]
    return ((cue[0], cue[1], said, cue[3]) for cue, said in zip(cues, news, strict=True) if said)


def _repeated(before: Sequence[str], lines: Sequence[str]) -> int:
    """How many lines a cue begins with that the one before it ends with."""
    most = min(len(before), len(lines))
    return next((count for count in range(most, 0, -1) if before[-count:] == lines[:count]), 0)


# -- files


def _of_srt(text: str, problems: LogProblems) -> Iterator[tuple[float, float, str]]:
    import srt  # noqa: PLC0415 - most logs are no captions

    try:
        as_srt = re.sub(_SBV, r"0\n\1,\2 --> \3,\4", text.lstrip("\ufeff"))
        for cue in srt.parse(as_srt, ignore_errors=True):
            yield cue.start.total_seconds(), cue.end.total_seconds(), cue.content
    except (srt.SRTParseError, ValueError, OverflowError) as error:
        problems.add(f"is no SubRip ({str(error)[:100]})")


def _of_vtt(text: str, problems: LogProblems) -> Iterator[tuple[float, float, str]]:
    import webvtt  # noqa: PLC0415 - most logs are no captions

    try:
        captions = webvtt.from_buffer(StringIO(text.lstrip("\ufeff").lstrip()))
    except (webvtt.errors.MalformedFileError, webvtt.errors.MalformedCaptionError, ValueError) as error:
        problems.add(f"is no WebVTT ({str(error)[:100]})")
        return
    for cue in captions.captions:
        yield _seconds(cue.start_time), _seconds(cue.end_time), cue.raw_text


def _seconds(time: Any) -> float:
    return float((time.hours * 60 + time.minutes) * 60 + time.seconds + time.milliseconds / 1000)
