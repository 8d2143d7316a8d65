"""How far the log's order tells where its utterances lie: the chance of a place, of all ways to share out the sound.

The choices and costs are those of `order`, a cost being the logarithm of how unlikely a choice is.  One pass forwards
and one backwards over the utterances add up all the ways that lead through a place: where another arrangement costs
hardly more than the cheapest, each of them has half of the chance.

Not here: the cheapest way itself (`order`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .order import NEVER, OVERLAP_COST, SAME_TIME_MS, SWAP_COST, WITHIN_MS, OrderPass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .order import Asked

    Floats = NDArray[np.float64]
    Choices = tuple[NDArray[np.int64], Floats]


class OrderChances(OrderPass):
    """Logarithms of weights: of all ways to a state, and of all ways on from it, states being those of the pass."""

    def chances(self, asked: Sequence[Asked], start: Floats, end: Floats, same_ms: float) -> Floats:
        """The chance that each utterance begins and ends within `same_ms` of start..end; 0 where these are nan."""
        choices = [self._choices(one) for one in asked]
        ahead, swapped = self._all_ahead(asked, choices)
        total = np.logaddexp.reduce(ahead[-1])
        chance = np.zeros(len(asked))
        behind = later = np.zeros(len(ahead[0]))
        swapped.append(None)
        for i in range(len(asked) - 1, -1, -1):
            one, (near, paid) = asked[i], choices[i]
            runs, mine = self._runs[one.channel], int(self._first[one.channel]) + near
            begins = runs.start[near]
            before = self._behind(behind, one, choices[i])
            ways = [self._led_to(ahead[i], one.channel, begins) + behind[mine]]
            if swapped[i] is not None:  # it was said before the one that the log has before it
                back = self._behind(behind, asked[i - 1], choices[i - 1])
                ways.append(self._led_to(ahead[i - 1], one.channel, begins) + back[mine] - SWAP_COST)
            if (early := swapped[i + 1]) is not None:  # it was said after the one that the log has behind it
                ways.append(self._led_to(early, one.channel, begins) + later[mine] - SWAP_COST)
                both = self._behind(self._behind(later, one, choices[i]), asked[i + 1], choices[i + 1])
                before = np.logaddexp(before, both - SWAP_COST)
            weight = np.logaddexp.reduce(ways, axis=0) - paid - total
            same = (np.abs(begins - start[i]) <= same_ms) & (np.abs(runs.end[near] - end[i]) <= same_ms)
            chance[i] = min(1.0, np.exp(weight[same]).sum())
            later, behind = behind, before
        return chance

    def _all_ahead(
        self, asked: Sequence[Asked], choices: Sequence[Choices]
    ) -> tuple[list[Floats], list[Floats | None]]:
        """All ways to each state before each utterance, and after the last one; and those on which it was just swapped.

        Swapped are an utterance and the one that the log has before it, where they are of different channels (None:
        they are not): the ways lead through the later one of the log, and the other is still to come.
        """
        begun = np.full(int(self._first[-1]) + 1, -NEVER)
        begun[-1] = 0.0
        ahead: list[Floats] = [begun]
        swapped: list[Floats | None] = []
        for i, one in enumerate(asked):
            after, early = self._ahead(ahead[i], one, choices[i]), None
            if i and asked[i - 1].channel != one.channel:
                early = self._ahead(ahead[i - 1], one, choices[i])
                after = np.logaddexp(after, self._ahead(early, asked[i - 1], choices[i - 1]) - SWAP_COST)
            ahead.append(after)
            swapped.append(early)
        return ahead, swapped

    def _ahead(self, before: Floats, one: Asked, choices: Choices) -> Floats:
        """All ways to each state after an utterance, of those to each state before it."""
        (near, paid), first = choices, int(self._first[one.channel])
        after: Floats = before - one.skip_cost
        taken = self._led_to(before, one.channel, self._runs[one.channel].start[near]) - paid
        after[first + near] = np.logaddexp(after[first + near], taken)
        return after

    def _led_to(self, before: Floats, channel: int, start: Floats) -> Floats:
        """All ways to a run that begins at each `start` of a channel, the utterance itself not counted."""
        led = np.full(len(start), before[-1])
        for number, runs in enumerate(self._runs):
            if not len(runs):
                continue
            own = before[int(self._first[number]) :][: len(runs)]
            ways = [(runs.by_end, runs.end - (0.0 if number == channel else SAME_TIME_MS), 0.0)]
            if number != channel:
                ways.append((runs.by_start, runs.start + WITHIN_MS, OVERLAP_COST))
            for order, key, price in ways:
                summed = np.logaddexp.accumulate(own[order])
                place = np.searchsorted(key[order], start, side="right") - 1
                led = np.logaddexp(led, np.where(place >= 0, summed[np.maximum(place, 0)] - price, -NEVER))
        return led

    def _behind(self, after: Floats, one: Asked, choices: Choices) -> Floats:
        """All ways on from each state before an utterance, of those from each state after it."""
        (near, paid), first = choices, int(self._first[one.channel])
        before: Floats = after - one.skip_cost
        if not len(near):
            return before
        start = self._runs[one.channel].start[near]
        order = np.argsort(start, kind="stable")
        start = start[order]
        later = np.logaddexp.accumulate((after[first + near] - paid)[order][::-1])[::-1]
        led = np.append(later, -NEVER)
        before[-1] = np.logaddexp(before[-1], led[0])
        for number, runs in enumerate(self._runs):
            own = slice(int(self._first[number]), int(self._first[number + 1]))
            keys = [(runs.end - (0.0 if number == one.channel else SAME_TIME_MS), 0.0)]
            if number != one.channel:
                keys.append((runs.start + WITHIN_MS, OVERLAP_COST))
            for key, price in keys:
                before[own] = np.logaddexp(before[own], led[np.searchsorted(start, key)] - price)
        return before
