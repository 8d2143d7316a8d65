"""Praat's TextGrid in its long form: interval tiers of each role, its utterances, words, and their sounds if found.

The intervals of a tier cover all time and do not overlap; where one role's utterances do, the later one begins later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .timed_words import by_role, without_overlap, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions


def render(said: Sequence[Spoken], look: RenderOptions) -> str:
    end_ms = max([look.end_ms or 1, *(one.end_ms for one in said)])
    tiers: list[tuple[str, list[tuple[int, int, str]]]] = []
    for role, own in by_role(said).items():
        words = [(word.start_ms, word.end_ms, word.text) for one in own for word in words_of(one)]
        tiers.append((role, list(without_overlap([(one.start_ms, one.end_ms, one.text) for one in own], end_ms))))
        tiers.append((f"{role} words", list(without_overlap(words, end_ms))))
        if phones := [(start, end, name) for one in own for word in words_of(one) for name, start, end in word.phones]:
            tiers.append((f"{role} phones", list(without_overlap(phones, end_ms))))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", *_span(0, end_ms, "")]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers, 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}"]
        lines += [*_span(0, end_ms, "        "), f"        intervals: size = {len(intervals)}"]
        for place, (start, end, text) in enumerate(intervals, 1):
            lines += [f"        intervals [{place}]:", *_span(start, end, "            ")]
            lines.append(f"            text = {_quoted(text)}")
    return "".join(f"{line}\n" for line in lines)


def _span(start_ms: int, end_ms: int, indent: str) -> Iterator[str]:
    yield f"{indent}xmin = {start_ms / 1000:.3f}"
    yield f"{indent}xmax = {end_ms / 1000:.3f}"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
