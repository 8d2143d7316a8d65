"""Which layout would take the keys of a session as chunks: a guess for a hint, made of the keys themselves.

Not here: choosing a layout for a run, which is for people to do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import UsageError
from .layout import Layout
from .name_times import TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import SessionListing

ANY = "{*}"
"""What takes any name: the order of such chunks is what their content says."""
SEQ = "{seq}"
_TIMED = rf"(?a)(?P<before>.*?)(?:{TIME})(?P<after>.*)\.[A-Za-z0-9]{{1,8}}"
_NUMBERED = r"(?P<before>\D*)(?P<seq>[0-9]+)(?P<after>\D*?)(?P<ext>\.[A-Za-z0-9]{1,8})?"
_CLOCK = r"(?a)[0-9]{1,4}(?:[-_.]?[0-9]{2}){0,2}"
"""Names of folders for years, months, days, hours and minutes, or for several of these."""
_IN_TWO = r"[0-9]+(?P<between>[-_])[0-9]+\.[A-Za-z0-9]{1,8}"
_MOST_TAKEN_APART = 20
"""Names from which layouts are proposed; chosen: a proposal is then tried on more."""
_MOST_TRIED = 1000
"""Names on which proposals are tried; chosen: one page of a listing."""

_FEW = 2
"""Names, beside one in ten of all, that a pattern with an order may leave out for one without; chosen."""


def fitting_pattern(session_id: str, folder: str, keys: Sequence[str]) -> tuple[str, int]:
    """The pattern that takes the most of `keys`, which are in the session's `folder`, and how many of them.

    Empty and 0 where none takes more than half.  One whose names say nothing of the order is taken where the others
    leave out many (hexadecimal numbers) and not for a few (a copy of the whole beside the chunks).
    """
    keys = [key for key in keys if key.startswith(f"{folder}/")][:_MOST_TRIED]
    parent = folder.removesuffix(session_id)
    names = (key.removeprefix(f"{folder}/") for key in keys[:_MOST_TAKEN_APART])
    patterns = dict.fromkeys(parent + "{session}/" + pattern for name in names for pattern in patterns_of(name))
    taken = {pattern: count for pattern in patterns if (count := _taken(pattern, session_id, keys)) * 2 > len(keys)}
    most = max(taken.values(), default=0)
    enough = most - max(_FEW, most // 10)

    def fit(pattern: str) -> tuple[bool, bool, int]:
        layout = Layout(pattern)
        return _has_parts(layout, keys), layout.has_order and taken[pattern] >= enough, taken[pattern]

    best = max(taken, key=fit, default="")
    return best, taken.get(best, 0)


def patterns_of(name: str) -> Iterator[str]:
    """The patterns that a key below the session's folder may be made by, the likeliest first."""
    *folders, file = name.split("/")
    inside = "".join(f"{folder}/" for folder in folders)
    in_part = "".join(f"{folder}/" for folder in folders[:-1]) + "{part}/" if folders else ""
    if timed := re.fullmatch(_TIMED, file):
        yield from _in_each(f"{timed['before']}{{time}}{timed['after']}.{{ext}}", inside, in_part)
    if numbered := re.fullmatch(_NUMBERED, file):
        has_number = folders and any(map(str.isdecimal, folders[-1]))
        places = (in_part, inside) if has_number else (inside, in_part)
        ext = ".{ext}" if numbered["ext"] else ""
        yield from _in_each(f"{numbered['before']}{{seq}}{numbered['after']}{ext}", *places)
    elif in_two := re.fullmatch(_IN_TWO, file):
        yield f"{inside}{{part}}{in_two['between']}{{seq}}.{{ext}}"
        yield f"{inside}{{seq}}{in_two['between']}{ANY}.{{ext}}"
    any_file = f"{ANY}.{{ext}}" if "." in file else ANY
    yield from _in_each(any_file, inside, in_part)
    if folders and folders[-1].isdecimal() and not numbered:
        yield "".join(f"{folder}/" for folder in folders[:-1]) + f"{SEQ}/{any_file}"
    is_clock = re.compile(_CLOCK).fullmatch
    is_dated = len(folders) > 1 and all(map(is_clock, folders))  # they differ from session to session
    if numbered and numbered["ext"] and is_dated:
        yield f"{ANY}/" * len(folders) + f"{numbered['before']}{{seq}}{numbered['after']}.{{ext}}"


def undivided_pattern(layout: Layout, listing: SessionListing) -> str:
    """The pattern by which all chunks of a session are one part, where `layout` divides them; empty where none is."""
    objects = [chunk.object for chunk in listing.chunks]
    for part, seq in ((SEQ, ANY), (ANY, SEQ), (ANY, ANY)):
        pattern = layout.pattern.replace(SEQ, "{number}").replace("{part}", part).replace("{number}", seq)
        try:
            found = Layout(pattern).listing(listing.session_id, objects)
        except UsageError:  # fields that touch
            continue
        if found and len({(one.part, one.seq) for one in found.chunks}) == len(objects):
            return pattern
    return ""


def _has_parts(layout: Layout, keys: Sequence[str]) -> bool:
    """Whether some of the parts have several of the chunks; where none has, what is named is no part."""
    fields = layout.fields_of(keys)
    return len(fields) <= 1 or len({one.get("part") for one in fields}) < len(fields)


def _in_each(name: str, *places: str) -> Iterator[str]:
    """The name at the place of the file itself, or of its part, where there is one."""
    return (place + name for place in dict.fromkeys(places))


def _taken(pattern: str, session_id: str, keys: Sequence[str]) -> int:
    try:
        layout = Layout(pattern)
    except UsageError:  # a name with braces in it
        return 0
    return sum(layout.is_chunk(session_id, key) for key in keys)
