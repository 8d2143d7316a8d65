"""Placed utterances to cues, and cues to WebVTT (W3C WebVTT) and SRT, through webvtt-py and srt.

Both formats get the same integer milliseconds.  Text comes from outside: nothing in it may end a cue, begin one, or act as markup.
WebVTT has escapes for that; SRT has none, so characters that a player might act on are parted by a WORD JOINER, which shows nothing.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .values import Placement

SAMPLES_PER_MS = 48
_JOINER = "\u2060"
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SRT_BREAKS = (("-->", f"-{_JOINER}->"), ("<", f"<{_JOINER}"), ("{", f"{{{_JOINER}"), ("\\", f"\\{_JOINER}"))


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: milliseconds of the output, who speaks, what is said."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str


def speaker_name(role: str, speakers: Mapping[str, str]) -> str:
    """The display name of a role, in one line; the role itself where there is none."""
    return clean(speakers.get(role, "")) or clean(role).capitalize() or "Speaker"


def make_cues(placements: Iterable[Placement], speakers: Mapping[str, str]) -> list[Cue]:
    """A cue for each utterance that has a place and a text, by start; every cue lasts at least a millisecond."""
    cues = []
    for placement in placements:
        text = clean(placement.utterance.text)
        if placement.start_samples is None or placement.end_samples is None or not text:
            continue
        start_ms = max(0, placement.start_samples // SAMPLES_PER_MS)
        end_ms = max(start_ms + 1, placement.end_samples // SAMPLES_PER_MS)
        cues.append(Cue(start_ms, end_ms, speaker_name(placement.utterance.role, speakers), text))
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms))


def clean(text: str) -> str:
    """`text` in one line without control characters and bidi overrides, runs of white space as one space."""
    kept = (
        " " if character.isspace() or unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
        if character not in _BIDI_CONTROLS and unicodedata.category(character) != "Cs"
    )
    return " ".join("".join(kept).split())


def to_vtt(cues: Sequence[Cue], note: str) -> str:
    """A WebVTT file with a `<v>` tag on every cue and a NOTE that says where it is from."""
    import webvtt  # noqa: PLC0415 - only captions need it

    file = webvtt.WebVTT()
    file.header_comments.append(clean(note).replace("-->", "->"))
    for cue in cues:
        voice = cue.speaker.translate(_VTT_ESCAPES)
        text = f"<v {voice}>{cue.text.translate(_VTT_ESCAPES)}</v>"
        file.captions.append(webvtt.Caption(_vtt_time(cue.start_ms), _vtt_time(cue.end_ms), text))
    out = io.StringIO()
    file.write(out)
    return out.getvalue().rstrip("\n") + "\n"


def to_srt(cues: Sequence[Cue]) -> str:
    """An SRT file; the speaker stands before the text where it changes."""
    import srt  # noqa: PLC0415 - only captions need it

    subtitles, last = [], ""
    for index, cue in enumerate(cues, 1):
        label = f"{cue.speaker}: " if cue.speaker != last else ""
        last = cue.speaker
        start, end = timedelta(milliseconds=cue.start_ms), timedelta(milliseconds=cue.end_ms)
        subtitles.append(srt.Subtitle(index, start, end, _srt_text(label + cue.text)))
    return str(srt.compose(subtitles, reindex=False))


def _srt_text(text: str) -> str:
    for found, broken in _SRT_BREAKS:
        text = text.replace(found, broken)
    return text


def _vtt_time(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{ms:03d}"
