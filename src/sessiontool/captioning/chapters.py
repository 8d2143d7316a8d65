"""The notes of a transcript -> chapters.vtt: instructions and context, and from when on they hold (WebVTT chapters).

New instructions and pushed context begin a chapter, named by their first line.  Tools and their results do not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .cues import Cue
from .formats.registry import RenderOptions, find_formats, render
from .sanitize import clean
from .transcript import time_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..options import Profile

CHAPTERS = "chapters.vtt"
_KINDS = ("instructions", "context")
_MOST_CHARACTERS = 80  # of a title; chosen: one line of a player's menu


def chapters(transcript: Mapping[str, Any], end_ms: int | None, profile: Profile, note: str = "") -> str | None:
    """The text of chapters.vtt, None where the transcript has no note that begins a chapter."""
    begins = sorted(_begins(transcript))
    starts = [start for start, _ in begins]
    last = end_ms if end_ms is not None else (starts[-1] + 1000 if starts else 0)
    cues = [
        Cue(start, stop, "", "", title, (title,), (start, stop))
        for (start, title), (_, stop) in zip(begins, pairwise([*starts, last]), strict=True)
        if start < stop
    ]
    (form,) = find_formats(["vtt"])
    return "".join(render(form, cues, RenderOptions(profile, note))) if cues else None


def _begins(transcript: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    notes = transcript.get("notes")
    for entry in notes if isinstance(notes, list) else ():
        if not isinstance(entry, dict) or entry.get("kind") not in _KINDS or not isinstance(entry.get("text"), str):
            continue
        try:
            start = time_ms(entry, "at_s")
        except ValueError:
            continue
        title = next(filter(None, (clean(line) for line in entry["text"].splitlines())), "")
        if start is not None and title:
            is_long = len(title) > _MOST_CHARACTERS
            yield start, title[: _MOST_CHARACTERS - 1].rstrip() + "\u2026" if is_long else title
