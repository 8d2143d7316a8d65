"""WebVTT (W3C).

Every cue has its speaker as a voice with the role as a class.  Speakers who talk at once have cues that stand at the
same time, each speaker's at a height of its own.  `&`, `<` and `>` are escaped, so no text is a tag, an entity, or an
arrow.

A STYLE block with colours is written on demand alone: FFmpeg (5.1 and before, and players made with it) shows no
caption at all of a file that has one.  A page can style the classes by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sanitize import clean
from ..speakers import class_of, lanes_of
from .registry import JOINER, clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..cues import Cue
    from .registry import RenderOptions

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# The first voice as players show it, the second in a colour that differs in brightness too, for those who see no hue.
_STYLES = ("::cue(v.user) { color: white; }", "::cue(v.assistant) { color: #ffe97a; }")


def render(cues: Sequence[Cue], look: RenderOptions) -> Iterator[str]:
    """The text, a cue a piece."""
    head = ["WEBVTT"]
    if look.timestamp_map:
        ticks, local_ms = look.timestamp_map
        head.append(f"X-TIMESTAMP-MAP=MPEGTS:{ticks},LOCAL:{clock(local_ms)}")
    blocks = ["\n".join(head), *(f"NOTE {clean(note).replace('-->', '->')}" for note in _notes(look))]
    if look.styles and look.speakers:
        blocks.append("\n".join(("STYLE", *_STYLES)))
    yield "\n\n".join(blocks)
    for cue, settings in zip(cues, _positions(cues, look), strict=True):
        yield f"\n\n{_block(cue, settings, look)}"
    yield "\n"


def _notes(look: RenderOptions) -> Iterator[str]:
    if look.note:
        yield look.note
    if look.synthetic:
        yield f"The voice of {', '.join(map(clean, look.synthetic))} is synthetic"


def _block(cue: Cue, settings: str, look: RenderOptions) -> str:
    times = f"{clock(cue.start_ms)} --> {clock(cue.end_ms)}"
    return "\n".join((f"{times} {settings}" if settings else times, *_payload(cue, look)))


def _payload(cue: Cue, look: RenderOptions) -> list[str]:
    lines = [line.translate(_ESCAPES) for line in cue.lines]
    if look.karaoke and cue.starts:
        lines = list(_sung(cue))
    if look.speakers and cue.speaker:
        classes = [class_of(cue.role), "synthetic" if cue.role in look.synthetic else ""]
        voice = "".join(["<v", *(f".{one}" for one in classes if one), " "])
        name = cue.speaker.translate(_ESCAPES)
        lines[0] = f"{voice}{name}{JOINER if name.endswith('--') else ''}>{lines[0]}"  # no arrow of name and tag
        lines[-1] += "</v>"
    return lines


def _sung(cue: Cue) -> Iterator[str]:
    """The lines with a timestamp before each word that begins later than the one before and inside the cue."""
    last_ms = cue.start_ms
    for number, line in enumerate(cue.lines):
        sung, place = "", 0
        for at_line, at, ms in cue.starts:
            if at_line == number and last_ms < ms < cue.end_ms:
                sung += f"{line[place:at].translate(_ESCAPES)}<{clock(ms)}>"
                place, last_ms = at, ms
        yield sung + line[place:].translate(_ESCAPES)


def _positions(cues: Sequence[Cue], look: RenderOptions) -> Iterator[str]:
    """Cue settings: a line for those that stand together with another speaker's, nothing for the rest."""
    lanes = lanes_of(cues)
    lowest = len(lanes) - 1
    height = look.profile.lines or max((len(cue.lines) for cue in cues), default=1)
    reached_ms = 0
    for number, cue in enumerate(cues):
        beside = cue.start_ms < reached_ms or (number + 1 < len(cues) and cues[number + 1].start_ms < cue.end_ms)
        reached_ms = max(reached_ms, cue.end_ms)
        above = min(lowest - lanes[cue.voice], 5) * height
        yield f"line:-{above + len(cue.lines)}" if beside else ""
