"""Groups of packets with one base of times: a wrong duration inside, and what one bit does to a base."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool.recording.time_groups import Group, flips, runs_back, split_at_odd_duration

PACKET_MS, COUNT = 60, 80
SAMPLES = PACKET_MS * 48


def fragment(begin_ms: int, jumps: dict[int, int] | None = None) -> Group:
    """Packets from `begin_ms` on; before those of `jumps` the time jumps by so many ms."""
    times, late = array("q"), 0
    for index in range(COUNT):
        late += (jumps or {}).get(index, 0)
        times.append(begin_ms + index * PACKET_MS + late)
    return Group(0, True, False, 0.0, times, array("q", [SAMPLES] * COUNT))


@given(index=st.integers(8, COUNT - 8), jump_ms=st.sampled_from([-43, 43, 85, 341, 2731]))
def test_a_fragment_is_split_where_a_duration_contradicts_the_next_fragment(index: int, jump_ms: int) -> None:
    first, rest, after = split_at_odd_duration([fragment(0, {index: jump_ms}), fragment(COUNT * PACKET_MS)])
    assert (len(first.times_ms), len(rest.times_ms), len(after.times_ms)) == (index, COUNT - index, COUNT)
    assert first.has_base
    assert not rest.has_base
    assert not rest.after_break


@pytest.mark.parametrize(
    "groups",
    [
        [fragment(0, {40: 400}), fragment(COUNT * PACKET_MS + 400)],  # the graph was starved: the next one knows it
        [fragment(0), fragment(COUNT * PACKET_MS + 400)],
        [fragment(0, {40: 400})],
    ],
)
def test_time_that_passed_is_no_wrong_duration(groups: list[Group]) -> None:
    assert list(split_at_odd_duration(groups)) == groups


def test_across_a_break_nothing_is_known() -> None:
    after = fragment(COUNT * PACKET_MS)
    after.after_break = True
    assert len(list(split_at_odd_duration([fragment(0, {40: 400}), after]))) == 2


@given(base_ms=st.integers(0, 1 << 24), bit=st.integers(0, 23))
def test_a_base_flips_to_what_one_bit_makes_of_it_and_not_the_other_way(base_ms: int, bit: int) -> None:
    by_ms = (base_ms ^ 1 << bit) - base_ms
    assert flips(fragment(base_ms), by_ms + 10) or bit > base_ms.bit_length()
    if bit > 6:
        assert not flips(fragment(base_ms), -by_ms)


@pytest.mark.parametrize(("packets", "early_ms", "expected"), [(40, 20, False), (40, 60, True), (4, 60, False)])
def test_what_counts_from_another_base_runs_back(packets: int, early_ms: int, expected: bool) -> None:
    """By the earliest of eight packets, a busy page's clock runs back by 12 ms at most; of a few, all may be late."""
    before, after = Group(0, True, False), Group(1, True, False, is_head=True, has_base=False)
    for number in range(packets):
        before.times_ms.append(60 * number)
        before.durations.append(60 * 48)
    after.times_ms.append(60 * packets - early_ms)
    after.durations.append(60 * 48)
    assert runs_back(before, after) == expected
