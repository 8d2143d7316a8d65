"""The chance of a place by the order of the log is what counting every arrangement of the sound gives."""

from __future__ import annotations

from itertools import product
from math import exp, isnan, nan

import numpy as np
import pytest

from sessiontool.alignment.order import OVERLAP_COST, SAME_TIME_MS, SWAP_COST, WITHIN_MS, Asked, Ground, OrderPass
from sessiontool.alignment.order_chances import OrderChances

NEAR_MS = 50.0
SKIP = 3.5
Place = tuple[int, float, float] | None  # channel, start and end in ms


def ground(*islands: tuple[float, float]) -> Ground:
    start, end = np.array(islands).T if islands else np.zeros((2, 0))
    skip = 0.5 * (end - start) / 1000
    return Ground(start, end, start, end, skip, np.zeros(len(start), bool), np.zeros(len(start)))


def asked(channel: int, length_ms: float) -> Asked:
    return Asked(channel, length_ms, nan, 500.0, may_be_cut=False, skip_cost=SKIP)


def weights(grounds: list[Ground], log: list[Asked]) -> dict[tuple[Place, ...], float]:
    """The weight of each arrangement, by its places in the order of the log: each way to it is tried by itself."""
    walk = OrderChances(grounds)
    choices: list[list[tuple[Place, float]]] = []
    for one in log:
        near, paid = walk._choices(one)
        runs = walk._runs[one.channel]
        taken = [
            ((one.channel, float(runs.start[k]), float(runs.end[k])), float(p)) for k, p in zip(near, paid, strict=True)
        ]
        choices.append([(None, SKIP), *taken])
    found: dict[tuple[Place, ...], float] = {}
    for order, swaps in orders(log):
        for chosen in product(*choices):
            places = tuple(place for place, _ in chosen)
            weight = exp(-sum(paid for _, paid in chosen) - SWAP_COST * swaps)
            before: Place = None
            for place in (places[i] for i in order):
                if place is not None:
                    weight *= follows(before, place)
                    before = place
            found[places] = found.get(places, 0.0) + weight
    return found


def orders(log: list[Asked]) -> list[tuple[list[int], int]]:
    """The orders in which they may have been said, and how many swaps each takes."""

    def on(i: int) -> list[tuple[list[int], int]]:
        if i >= len(log):
            return [([], 0)]
        ways = [([i, *rest], swaps) for rest, swaps in on(i + 1)]
        if i + 1 < len(log) and log[i].channel != log[i + 1].channel:
            ways += [([i + 1, i, *rest], swaps + 1) for rest, swaps in on(i + 2)]
        return ways

    return on(0)


def follows(before: Place, after: tuple[int, float, float]) -> float:
    if before is None:
        return 1.0
    if before[0] == after[0]:
        return float(before[2] <= after[1])
    return (before[2] - SAME_TIME_MS <= after[1]) + exp(-OVERLAP_COST) * (before[1] + WITHIN_MS <= after[1])


@pytest.mark.parametrize("seed", range(8))
def test_a_chance_is_the_share_of_all_arrangements_that_have_the_place(seed: int) -> None:
    chance = np.random.default_rng(seed)
    grounds = []
    for _ in range(2):
        at, islands = float(chance.uniform(0, 500)), []
        for _ in range(3):
            length, gap = chance.uniform(500, 2500), chance.uniform(100, 3500)
            islands.append((at, at + length))
            at += length + gap
        grounds.append(ground(*islands))
    log = [asked(int(chance.integers(2)), float(chance.uniform(500, 3000))) for _ in range(4)]
    start, end, _ = OrderPass(grounds).places(log)
    every = weights(grounds, log)
    total = sum(every.values())
    for i, told in enumerate(OrderChances(grounds).chances(log, start, end, NEAR_MS)):
        if isnan(start[i]):
            assert told == 0
        else:
            place = (log[i].channel, start[i], end[i])
            assert told == pytest.approx(sum(w for places, w in every.items() if places[i] == place) / total)


def test_where_one_of_two_texts_was_never_said_each_has_about_half_of_the_chance() -> None:
    log = [asked(0, 1000.0), asked(0, 1000.0)]
    one = [ground((2000.0, 3000.0))]
    at, until = np.full(2, 2000.0), np.full(2, 3000.0)
    told = OrderChances(one).chances(log, at, until, NEAR_MS)
    assert told == pytest.approx([0.5, 0.5], abs=0.02)
    two = [ground((2000.0, 3000.0), (4000.0, 5000.0))]
    told = OrderChances(two).chances(log, *OrderPass(two).places(log)[:2], NEAR_MS)
    assert min(told) > 0.9


def test_nothing_to_ask_and_nothing_heard_has_no_chance() -> None:
    assert len(OrderChances([ground()]).chances([], np.zeros(0), np.zeros(0), NEAR_MS)) == 0
    assert OrderChances([ground()]).chances([asked(0, 1000.0)], np.array([nan]), np.array([nan]), NEAR_MS) == [0.0]


def test_a_long_log_keeps_its_chances_in_range() -> None:
    """Weights of what hundreds of utterances cost are far below what a number can be."""
    lengths = np.random.default_rng(1).uniform(600, 4000, 400)
    islands = [(5000.0 * k, 5000.0 * k + length) for k, length in enumerate(lengths)]
    log = [asked(0, float(length)) for length in lengths]
    start, end, _ = OrderPass([ground(*islands)]).places(log)
    told = OrderChances([ground(*islands)]).chances(log, start, end, NEAR_MS)
    assert told.min() > 0.5
    assert told.max() <= 1
    assert np.median(told) > 0.8
