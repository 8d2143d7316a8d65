"""Answers that are cut off on a channel of two voices: both speak for a while, and one hides the other's edge."""

from __future__ import annotations

import numpy as np
import pytest
from speech import activity

from sessiontool.alignment.assignment import Matches
from sessiontool.alignment.boundaries import Edge
from sessiontool.alignment.channel_matching import ASSISTANT, USER, Lane
from sessiontool.alignment.islands import Islands
from sessiontool.alignment.recorded_time import Expected
from sessiontool.alignment.talked_over import talked_over

ANSWER_MS = (1000.0, 3000.0)


def lane(begin_ms: float, *, made: bool, answer_ms: float, text_ms: float = 2000.0) -> Lane:
    """An answer and what the user says from `begin_ms` for 2 s, their texts taking so long."""
    start, end = np.array([ANSWER_MS[0], begin_ms]), np.array([ANSWER_MS[1], begin_ms + 2000])
    none, length = np.full(2, np.nan), np.array([answer_ms, text_ms])
    timed = np.ones(2, bool)
    raw = Expected(np.arange(2), start, none, length, length, length, timed, timed, none)
    both = Lane.begin(0, activity(1, 4).channels[0], (ASSISTANT, USER), raw)
    both.expected = raw
    both.islands = Islands(start, end, np.array([False, made]), np.array([made, False]), np.ones(2), np.zeros(2))
    both.matches = Matches(np.arange(2), np.arange(2), np.zeros(2))
    return both


def edges_ms(
    begin_ms: float, *, made: bool, answer_ms: float, cut: bool = False, text_ms: float = 2000.0
) -> tuple[float, float, bool]:
    """End of the answer, start of the user, and whether the answer is said to be cut off."""
    both = lane(begin_ms, made=made, answer_ms=answer_ms, text_ms=text_ms)
    edges = {
        0: (Edge(ANSWER_MS[0], 30.0), Edge(ANSWER_MS[1], 30.0)),
        1: (Edge(begin_ms, 30.0), Edge(begin_ms + 2000, 30.0)),
    }
    found, off = talked_over(both, edges, frozenset([0] if cut else []))
    return found[0][1].at_ms, found[1][0].at_ms, 0 in off


def test_an_answer_goes_on_where_the_user_begins_in_the_middle_of_its_sound() -> None:
    assert edges_ms(3100, made=True, answer_ms=2500) == (3550, 3100, False)
    assert edges_ms(3100, made=True, answer_ms=4000) == (3550, 3100, True)


def test_an_answer_that_was_said_to_its_end_does_not() -> None:
    assert edges_ms(3100, made=True, answer_ms=1900) == (3000, 3100, False)


def test_a_voice_gives_way_in_the_middle_of_what_both_say() -> None:
    assert edges_ms(3004, made=False, answer_ms=4000) == (3150, 2804, True)
    assert edges_ms(3004, made=False, answer_ms=2100, cut=True) == (3150, 2804, True)
    assert edges_ms(3004, made=False, answer_ms=2100) == (3000, 3004, False)


def test_who_interrupts_began_before_the_answer_ended() -> None:
    assert edges_ms(3200, made=False, answer_ms=2100, cut=True, text_ms=2500) == (3000, 2550, True)
    assert edges_ms(3200, made=False, answer_ms=2100, text_ms=2500) == (3000, 3200, False)
    assert edges_ms(3200, made=False, answer_ms=2100, cut=True, text_ms=1800) == (3000, 3200, True)


@pytest.mark.parametrize("begin_ms", [3400.0, 2900.0])
def test_who_speaks_later_or_was_heard_already_is_left_alone(begin_ms: float) -> None:
    assert edges_ms(begin_ms, made=False, answer_ms=4000, cut=True) == (3000, begin_ms, False)
