"""Chunks in which nothing is found by themselves: read by what other chunks of the part say or prove to be recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..media.pcm import PcmHead
from .survey import PROVING, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..media.packets import Track
    from ..model import ChunkRef
    from .survey import ChunkSurvey

_TELLING = 8  # packets; chosen: as many prove what others are that hold few


def survey_again(surveys: list[ChunkSurvey], read: Callable[[ChunkRef], bytes], mime_type: str) -> None:
    """Read chunks in which nothing was found by each header of the part: what is left of a page names its stream.

    Where no header is there, by what the largest of the others proved to be.
    """
    tracks = [one.track for one in surveys if one.says_what_it_is and one.track]
    tracks = tracks or [track for track in (proved_by(surveys),) if track]
    for index, one in enumerate(surveys):
        if one.size_bytes and not (one.digests or one.has_header):
            data = read(one.chunk)
            found = (survey(one.chunk, data, mime_type, track) for track in tracks)
            least = PROVING if one.what else 1
            surveys[index] = next((again for again in found if len(again.digests) >= least), one)


def proved_by(surveys: Sequence[ChunkSurvey]) -> Track | None:
    """What the one with the most packets proved to be, None where that says little, or each frame says it itself."""
    best = max(surveys, key=lambda one: len(one.digests), default=None)
    if best is None or best.track is None or not best.has_clock or isinstance(best.track.head, PcmHead):
        return None
    return best.track if len(best.digests) >= _TELLING else None
