"""Cues that overlap -> one at a time, for formats and players that show no two at once (SRT).

Two speakers at once share one cue: a line for each, begun with a dash.  Where the lines do not suffice, or only a
cue's out-time reaches into the next, the two are parted at the moment that leaves both readable.  Every word stays,
once, in order.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .cell_width import cells
from .cue_timing import settle, size_of
from .cues import Cue
from .languages import directed
from .line_breaking import DASH_CELLS, lay_out
from .profiles import rules_for
from .speakers import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..options import Profile

_AT_ONCE_MS = 200
"""Chosen: sounds that overlap by less do not count as speaking at once."""


def one_at_a_time(
    cues: Sequence[Cue], profile: Profile, *, end_ms: int | None = None, names: bool = False
) -> Iterator[Cue]:
    """The cues without overlap, by start; with `names` each shows its speaker's name where the speaker changes.

    `end_ms` is where the recording ends, None where it is unknown.
    """
    settled = settle([_as_one(group) for group in _grouped(cues, profile)], profile, end_ms, overlaps=False)
    return _labelled(settled, profile) if names else iter(settled)


def _grouped(cues: Iterable[Cue], profile: Profile) -> list[list[Cue]]:
    """The cues that stand together, without overlap of one group with the next."""
    groups: list[list[Cue]] = []
    for cue in cues:
        last = groups[-1] if groups else []
        if last and cue.start_ms < _end(last):
            if _belong_together(last, cue, profile):
                last.append(cue)
                continue
            _part(groups, cue, profile)
        else:
            groups.append([cue])
    return groups


def _end(group: Sequence[Cue]) -> int:
    return max(cue.end_ms for cue in group)


def _belong_together(group: Sequence[Cue], cue: Cue, profile: Profile) -> bool:
    """Whether a cue is said at once with a group, or too soon after it, and fits beside it: a line for each speaker."""
    if cue.voice in {one.voice for one in group}:
        return False
    lines = [one.lines for one in (*group, cue)]
    if profile.lines is not None and (any(len(one) > 1 for one in lines) or len(lines) > profile.lines):
        return False
    least = min((rules_for(profile, one.language).line_cells or 0 for one in (*group, cue)), default=0)
    if least and max(cells(one[0]) for one in lines) > least - DASH_CELLS:
        return False
    if profile.max_ms is not None and max(_end(group), cue.end_ms) - group[0].start_ms > profile.max_ms:
        return False
    at_once_ms = max(min(one.sound_ms[1], cue.sound_ms[1]) - max(one.sound_ms[0], cue.sound_ms[0]) for one in group)
    alone_ms = min(cue.start_ms - group[0].start_ms, cue.end_ms - _end(group))
    return at_once_ms >= _AT_ONCE_MS or alone_ms < profile.min_ms


def _part(groups: list[list[Cue]], cue: Cue, profile: Profile) -> None:
    """Put `cue` after the last group without overlap: the group ends sooner, or the cue begins later."""
    group = groups[-1]
    start, end = group[0].start_ms, _end(group)
    wanted_ms = max(profile.min_ms, *(round(profile.readable_ms(*size_of(one))) for one in group))
    latest = cue.end_ms - max(profile.min_ms, round(profile.readable_ms(*size_of(cue))))
    cut = min(max(cue.start_ms, min(start + wanted_ms, latest)), end)
    cut = max(start + 1, cut)
    groups[-1] = [replace(one, end_ms=min(one.end_ms, cut), start_ms=min(one.start_ms, cut - 1)) for one in group]
    groups.append([replace(cue, start_ms=cut, end_ms=max(cut + 1, cue.end_ms))])


def _as_one(group: Sequence[Cue]) -> Cue:
    """The cues of a group as one cue: itself, or a line for each with a dash."""
    if len(group) == 1:
        return group[0]
    return Cue(
        group[0].start_ms,
        _end(group),
        "",
        "",
        " ".join(cue.text for cue in group),
        tuple(chain.from_iterable((f"- {cue.lines[0]}", *cue.lines[1:]) for cue in group)),
        (min(cue.sound_ms[0] for cue in group), max(cue.sound_ms[1] for cue in group)),
        group[0].language,
    )


def _labelled(cues: Iterable[Cue], profile: Profile) -> Iterator[Cue]:
    """The cues with names where the speaker changes: one by one, as those of a day are many."""
    last: tuple[str, str] | None = None
    for cue in cues:
        rules = rules_for(profile, cue.language)
        label = label_of(cue.speaker, rules) if cue.voice != last and cue.speaker else ""
        last = cue.voice
        if not label:
            yield cue
            continue
        text = "\n".join(cue.parts) or cue.text
        lines = lay_out(f"{label} {text}", cue.language, rules)
        fits = profile.lines is None or len(lines) <= max(profile.lines, len(cue.lines))
        yield replace(cue, lines=tuple(directed(line, rtl=cue.is_rtl) for line in lines)) if fits else cue
