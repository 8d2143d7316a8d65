"""Cues -> files: one module a format, each with a `render(cues, look)`.  `FORMATS` is the table of them.

Every format gets the same integer milliseconds.  Text comes from outside: each module says how it keeps text from
acting as markup. Where a format has no escape, what a player would act on is parted by a WORD JOINER, which shows
nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from ...errors import UsageError, install_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ...options import Profile
    from ..cues import Cue, Spoken

JOINER = "\u2060"
_LABELS = f"{__package__.rpartition('.')[0]}.labels"


class RenderOptions(Struct, frozen=True):
    """What a file shows beside text and times.

    `note` says where the captions are from.  `timestamp_map` is (MPEG-2 ticks of 90 kHz, local milliseconds) that
    mean the same moment (RFC 8216, section 3.5), None for none.  `end_ms` is the length of the recording, if known.
    `synthetic` are the roles whose voice is none of a person.  `audio` is the name of the sound's file.
    """

    profile: Profile
    note: str = ""
    speakers: bool = True
    styles: bool = False
    karaoke: bool = False
    timestamp_map: tuple[int, int] | None = None
    language: str = ""
    end_ms: int | None = None
    synthetic: tuple[str, ...] = ()
    audio: str = ""


class Format(Struct, frozen=True):
    """A format: its file, the module that writes it, and whether its players show one cue at a time.

    `is_label`: it has utterances and words as they were said, not cues to be read.  `role`: those of that role alone.
    `has_mouth`: it has shapes of a mouth.
    """

    name: str
    file_name: str
    module: str
    title: str
    one_at_a_time: bool = False
    is_label: bool = False
    role: str = ""
    has_mouth: bool = False


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("vtt", "captions.vtt", "vtt", "WebVTT, for browsers"),
        Format("srt", "captions.srt", "srt", "SubRip, for everything else", one_at_a_time=True),
        Format("ttml", "captions.ttml", "ttml", "TTML (IMSC text profile), for broadcast and streaming"),
        Format("ass", "captions.ass", "ass", "Advanced SubStation, for players with styles"),
        Format("txt", "captions.txt", "plain_text", "plain text, to read"),
        Format("json", "captions.json", "podcast_json", "Podcast Index transcript"),
        Format("csv", "captions.csv", "csv_segments", "a list of segments, for editors"),
        Format("ctm", "captions.ctm", "ctm", "NIST CTM: a line a word, for scoring", is_label=True),
        Format("audacity", "audacity.txt", "audacity", "Audacity's label track", is_label=True),
        Format("textgrid", "captions.TextGrid", "textgrid", "Praat's TextGrid", is_label=True),
        Format("words-json", "words.json", "words_json", "words with times", is_label=True),
        Format("premiere-csv", "premiere.csv", "premiere_csv", "Premiere Pro's transcript", is_label=True),
        Format("talkinghead", "talkinghead.json", "talkinghead", "TalkingHead's", is_label=True, has_mouth=True),
        *(
            Format(
                name, f"{name}.json", "rhubarb", f"Rhubarb's, of the {role}", is_label=True, role=role, has_mouth=True
            )
            for name, role in (("rhubarb", "assistant"), ("rhubarb-user", "user"))
        ),
    )
}


def find_formats(names: Iterable[str]) -> tuple[Format, ...]:
    """The formats of these names, each once (UsageError)."""
    found = {}
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"there is no caption format {name[:40]!r}", hint=f"the formats are {', '.join(FORMATS)}")
        found[name] = FORMATS[name]
    return tuple(found.values())


def render(form: Format, cues: Iterable[Cue] | Sequence[Spoken], look: RenderOptions) -> Iterator[str]:
    """The file's text in pieces, ended by a newline: that of a day is more than should be held at once.

    A label format takes what was said, the others take cues, which may overlap only where the format's players show
    that.  UsageError at once where the format needs a package that is not installed.
    """
    try:
        module = import_module(f".{form.module}", _LABELS if form.is_label else __package__)
        made: str | Iterator[str] = module.render(cues, look)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sessiontool"):
            raise
        raise UsageError(f"{form.name} captions need the package {error.name}", hint=install_line("formats")) from None
    return iter((made,)) if isinstance(made, str) else made


def clock(ms: int, separator: str = ".") -> str:
    """Milliseconds as hh:mm:ss.mmm."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{ms:03d}"


def inert(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return JOINER + text if text[:1] in {"=", "+", "-", "@"} else text
