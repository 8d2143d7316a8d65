"""Caption files of others -> entries: SubRip by srt, WebVTT by webvtt-py.

Who speaks is shown by a voice (`<v Dana>`), or by a name at the beginning of a cue (`Dana: …`, `[Dana] …`).
"""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

from .fields import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lenient import LogProblems

CUES = (
    r"(?m)\A\ufeff?\s*WEBVTT|^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->|^\d+:\d\d:\d\d\.\d{3},\d+:\d\d:\d\d\.\d{3}\s*$"
)
_SBV = r"(?m)^(\d+:\d\d:\d\d)\.(\d{3}),(\d+:\d\d:\d\d)\.(\d{3})[ \t\r]*$"
"""YouTube's line of the times of a cue."""
_VTT = r"\A\ufeff?\s*WEBVTT"
_NAMED = r"^\s*[-\u2013]?\s*(?:\[([^\]\n]{1,40})\]|\(([^)\n]{1,40})\)|([^\W\d_][^:\n]{0,39}):(?=\s))\s*(?=\S)"
_TAG = r"</?[A-Za-z0-9.]+(?:\s[^>]*)?>|<\d\d:[\d:.]+>|\{\\[^}]*\}"
_VOICE = r"^<v(?:\.[^\s>]*)?\s+([^>]+)>"


def cues_in(text: str, problems: LogProblems) -> Iterator[Entry]:
    """The cues of a file as entries, with their times in seconds."""
    from html import unescape  # noqa: PLC0415 - a table of two thousand names, for captions alone

    cues = list(_of_vtt(text, problems) if re.match(_VTT, text) else _of_srt(text, problems))
    for number, (start_s, end_s, said) in enumerate(cues, 1):
        entry = Entry(f"cue {number}")
        voice = re.match(_VOICE, said)
        said = unescape(re.sub(_TAG, "", said)).strip()  # noqa: PLW2901
        named = None if voice else re.match(_NAMED, said)
        if named is not None:
            said = said[named.end() :].strip()  # noqa: PLW2901
        entry.role = voice[1].strip() if voice else next(filter(None, named.groups()), None) if named else None
        entry.text = " ".join(said.split())
        entry.names = {"start": ("start", start_s, 1000.0), "end": ("end", end_s, 1000.0)}
        yield entry


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
