"""Who speaks: the name that is shown, the label before a line, the class that a style can name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .cell_width import cells, clusters
from .sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..options import Profile
    from .cues import Cue

_NOT_IN_A_CLASS = r"[^a-z0-9_]+"
_LEAST_LABEL_CELLS = 4  # chosen: a name cut shorter says nothing


def speaker_name(role: str, speakers: Mapping[str, str]) -> str:
    """The display name of a role, in one line; the role itself where there is none."""
    return clean(speakers.get(role, "")) or clean(role).capitalize() or "Speaker"


def synthetic_roles(transcript: Mapping[str, Any]) -> tuple[str, ...]:
    """The roles whose voice is none of a person, as a transcript says; what makes no sense is left out."""
    roles = transcript.get("synthetic")
    return tuple(one for one in roles if isinstance(one, str)) if isinstance(roles, list) else ()


def label_of(name: str, profile: Profile) -> str:
    """What stands before the text where the speaker changes; a name takes at most a third of a line."""
    most = max(_LEAST_LABEL_CELLS, profile.line_cells // 3) if profile.line_cells else None
    if most is not None and cells(name) + 1 > most:
        short = ""
        for cluster in clusters(name):
            if cells(short + cluster) + 2 > most:
                break
            short += cluster
        name = short.rstrip() + "…"
    return f"{name}:" if name else ""


def class_of(role: str) -> str:
    """A role as a class name of letters and digits; empty where nothing is left of it."""
    return re.sub(_NOT_IN_A_CLASS, "_", role.lower()).strip("_")[:40]


def lanes_of(cues: Iterable[Cue]) -> dict[tuple[str, str], int]:
    """A number for each speaker, in the order of their first words."""
    lanes: dict[tuple[str, str], int] = {}
    for cue in cues:
        lanes.setdefault(cue.voice, len(lanes))
    return lanes
