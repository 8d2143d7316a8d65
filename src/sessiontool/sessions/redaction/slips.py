"""Numbers in which a slip of the tongue is put right: "four one six, no wait, four two six, seven oh".

What was said wrong, and is said again, is no part of the number: each reading leaves out some of the digits before the
correction.  A reading is as long in the text as all that was said, for what was wrong is nearly the secret.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from .spoken_digits import DigitRun, digit_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLIP = (
    r"\b(?:no|nope|not that|wait|sorry|pardon|oops|whoops|actually|rather|correction|scratch that|strike that|make that"
    r"|i mean|i meant|let me correct that|(?:let me )?start(?:ing)? over|my mistake|hold on|hang on|excuse me"
    r"|from the (?:top|beginning|start)|again)\b"
)
_AROUND = (
    r"(?:[\s,.;:!\u2010-\u2015\u2026-]+|\b(?:no|it's|its|it is|that's|that is|it should be|should be|was|is|oh|so|uh|um"
    r"|okay|ok|let me|i'll|the last (?:bit|part|group|one))\b){0,8}"
)
"""What may stand between a correction and the digits behind it."""
_CORRECTION = re.compile(rf"{_SLIP}(?:{_AROUND}{_SLIP}){{0,4}}{_AROUND}", re.IGNORECASE)
_MOST_LEFT_OUT, _MOST_SLIPS, _MOST_BESIDE = 8, 2, 35
"""Digits that are said again at most, short of all of them, corrections in a number, and characters of a number before
and behind them; chosen."""


def corrected_runs(text: str, *, letters: bool = False, over_turns: bool = True) -> list[DigitRun]:
    """The readings of each run of digits in which something was put right, as `digit_runs` has runs."""
    corrections = [found.span() for found in _CORRECTION.finditer(text)]
    if not corrections:
        return []
    masked = _CORRECTION.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    found: list[DigitRun] = []
    for run in digit_runs(masked, letters=letters, over_turns=over_turns):
        first, last = run.places[0][1], run.places[-1][0]
        inner = corrections[bisect_left(corrections, (first,)) : bisect_right(corrections, (last,))]
        if 0 < len(inner) <= _MOST_SLIPS:
            slips = [sum(place[1] <= start for place in run.places) for start, _ in inner]
            found += _readings(*_beside(run, slips))
    return found


def _beside(run: DigitRun, slips: list[int]) -> tuple[DigitRun, list[int]]:
    """A run without digits that are too far from its slips to be of the same number, and its slips."""
    first, after = max(0, slips[0] - _MOST_BESIDE), slips[-1] + _MOST_BESIDE
    return DigitRun(run.digits[first:after], run.places[first:after]), [one - first for one in slips]


def _readings(run: DigitRun, slips: list[int]) -> Iterator[DigitRun]:
    """A run without digits before its last slip, and before those before it."""
    if not slips:
        yield run
        return
    *others, slip = slips
    for left_out in dict.fromkeys([*range(1, min(slip, _MOST_LEFT_OUT) + 1), slip]):
        places = run.places[: slip - left_out] + run.places[slip:]
        if left_out == slip:
            places = ((run.places[0][0], places[0][1]), *places[1:])
        without = DigitRun(run.digits[: slip - left_out] + run.digits[slip:], places)
        yield from _readings(without, [one for one in others if 0 < one < slip - left_out])
