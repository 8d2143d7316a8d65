"""A text that was said, a line a turn, and the numbers that it may have: within a turn, and over turns.

What is whole within a turn is no part of something longer, for the next turn may begin with any number: "… oh one
three four", "Two of them, please".  What goes on in the next turn is read so where one of the two turns is nothing but
digits.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from .amounts import in_figures
from .foreign_digits import in_digits
from .slips import corrected_runs
from .spoken_digits import DigitRun, digit_runs, digit_runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_]+")
_MOST_OTHER_WORDS = 3
"""Words beside the digits of a turn that is nothing but digits: "and then …", "… that's it"; chosen."""
_A_NUMBER = range(7, 40)
"""How many characters a number has: from local telephone numbers to accounts, with a few beside them (chosen)."""
_MOST_TURNS = 16
"""How many parts, one a turn, a number has at most; chosen: those of a card that is said digit by digit."""


class SpokenText(Struct, frozen=True, dict=True):
    """A text and its runs of digits, each computed once.  Runs in which a slip was put right come first.

    `within` turns, `across` turns, and of these those that are `carried` over.
    """

    text: str

    @cached_property
    def within(self) -> list[DigitRun]:
        return self._runs(over_turns=False)

    @cached_property
    def across(self) -> list[DigitRun]:
        return self._over_turns(self._runs(over_turns=True))

    @cached_property
    def carried(self) -> list[DigitRun]:
        return [run for run in self.across if self._is_carried(run)]

    @cached_property
    def spelled(self) -> list[DigitRun]:
        """Digits and letters that were said one by one, within turns and then across."""
        within, across = (
            [
                *corrected_runs(self.text, letters=True, over_turns=over_turns),
                *digit_runs(self.text, letters=True, over_turns=over_turns),
            ]
            for over_turns in (False, True)
        )
        return [*within, *filter(self._is_carried, self._over_turns(across))]

    def line(self, at: int) -> tuple[int, int]:
        """From where to where the turn goes that a character is in."""
        end = self.text.find("\n", at)
        return self.text.rfind("\n", 0, at) + 1, len(self.text) if end < 0 else end

    def _runs(self, *, over_turns: bool) -> list[DigitRun]:
        """The runs of the text, also with amounts as figures, and in other languages that it has number words of."""
        runs = corrected_runs(self.text, over_turns=over_turns) + digit_runs(self.text, over_turns=over_turns)
        figures = in_figures(self.text)
        if figures != self.text:
            runs += digit_runs(figures, over_turns=over_turns)
        for numbers in in_digits(self.text):
            runs += digit_runs_of(self.text, numbers, over_turns=over_turns)
        return runs

    def _over_turns(self, runs: Iterable[DigitRun]) -> list[DigitRun]:
        """What runs have of two turns and more, the longest first: what follows a number may be another one."""
        found: list[DigitRun] = []
        for run in runs:
            pairs = enumerate(pairwise(run.places), 1)
            edges = [0, *(n for n, (a, b) in pairs if "\n" in self.text[a[1] : b[0]]), len(run.digits)]
            for turns in range(min(len(edges) - 1, _MOST_TURNS), 1, -1):
                for first, after in zip(edges, edges[turns:], strict=False):
                    if after - first in _A_NUMBER:
                        found.append(DigitRun(run.digits[first:after], run.places[first:after]))
        return found

    def _is_carried(self, run: DigitRun) -> bool:
        """Whether of any two turns that a run goes over one is nothing but digits."""
        start, end = run.place(0, len(run.digits))
        first, last = self.line(start), self.line(end - 1)
        lines = self.text[first[0] : last[1]].split("\n")
        outside = self.text[first[0] : start], self.text[end : last[1]]
        plain = [True] * len(lines)
        plain[0], plain[-1] = (len(_WORD.findall(one)) <= _MOST_OTHER_WORDS for one in outside)
        return all(a or b for a, b in pairwise(plain))
