"""Which times of a recording are believed: one wrong clock among many is outvoted, and nothing crosses a hole."""

from __future__ import annotations

from array import array
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool.recording.time_groups import STEP_MS, Group, looks_like_a_bit
from sessiontool.recording.timestamp_repair import repair

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKET_MS = 60
PACKETS = 84  # a cluster of 5,040 ms, as Chrome writes it
LENGTH_MS = PACKET_MS * PACKETS


def cluster(begin_ms: float, *, claimed: bool = True, after_break: bool = False, packets: int = PACKETS) -> Group:
    jitter = Random(round(begin_ms))
    times = [round(begin_ms) + PACKET_MS * n + (jitter.randint(-4, 4) if n else 0) for n in range(packets)]
    return Group(0, claimed, after_break, 0.0, array("q", times), array("q", [PACKET_MS * 48] * packets))


def run(count: int = 12) -> list[Group]:
    return [cluster(LENGTH_MS * n) for n in range(count)]


def moved(group: Group, ms: int) -> None:
    group.times_ms = array("q", [time + ms for time in group.times_ms])


def begins(groups: Sequence[Group], *, from_start: bool = True) -> list[float]:
    """Where each group begins once it is repaired."""
    shifts = repair(groups, from_start=from_start).shifts_ms
    return [group.times_ms[0] + shift for group, shift in zip(groups, shifts, strict=True)]


def expect(groups: Sequence[Group], wanted: Sequence[float], *, from_start: bool = True, within_ms: float = 20) -> None:
    found = begins(groups, from_start=from_start)
    assert [f"{a:.0f}" for a, b in zip(found, wanted, strict=True) if abs(a - b) > within_ms] == []


def test_a_run_without_fault_is_left_as_it_is() -> None:
    assert set(repair(run(), from_start=True).shifts_ms) == {0}
    assert repair([], from_start=True).shifts_ms == []


@pytest.mark.parametrize("index", range(12))
@pytest.mark.parametrize("bit", range(6, 17))
def test_one_bit_of_one_cluster_is_outvoted_wherever_it_is(index: int, bit: int) -> None:
    groups = run()
    base = LENGTH_MS * index
    moved(groups[index], (base ^ 1 << bit) - base)
    decided = repair(groups, from_start=True)
    expect(groups, [LENGTH_MS * n for n in range(12)])
    assert list(decided.outvoted) == [index]


@pytest.mark.parametrize("index", range(1, 11))
@pytest.mark.parametrize("bit", [4, 5])
@pytest.mark.parametrize("jitter_ms", [-7, 0, 7])
def test_a_small_bit_is_outvoted_where_jitter_hides_one_of_its_two_steps(index: int, bit: int, jitter_ms: int) -> None:
    groups = run()
    for group in groups[index + 1 :]:
        moved(group, jitter_ms)
    base = LENGTH_MS * index
    moved(groups[index], (base ^ 1 << bit) - base)
    wanted = [LENGTH_MS * n + (jitter_ms if n > index else 0) for n in range(12)]
    expect(groups, wanted)
    assert not repair(groups, from_start=True).ran_back


def test_a_base_that_damage_cut_in_two_is_still_one_base() -> None:
    """The first cluster after a lost chunk is 32 ms early, and goes on in the next chunk."""
    first, rest = split_by_damage(LENGTH_MS, 0)
    groups = [first, rest, *(cluster(LENGTH_MS * n) for n in range(2, 6))]
    rest.after_break = False
    for group in groups[:2]:
        moved(group, -32)
    expect(groups, [LENGTH_MS, LENGTH_MS * 1.5, *(LENGTH_MS * n for n in range(2, 6))], from_start=False)


@pytest.mark.parametrize("dropped_ms", [(103, 64), (64, 64), (33, 130), (90, 260)])
def test_sound_that_is_dropped_on_both_sides_of_a_short_cluster_is_no_wrong_bit(dropped_ms: tuple[int, int]) -> None:
    starts = [240 * n + sum(dropped_ms[: max(0, n - 5)]) for n in range(14)]
    groups = [cluster(start, packets=4) for start in starts]
    assert set(repair(groups, from_start=True).shifts_ms) == {0}


def test_a_machine_that_slept_is_believed() -> None:
    groups = run(6) + [cluster(LENGTH_MS * n + 20_030) for n in range(6, 12)]
    expect(groups, [LENGTH_MS * n + (20_030 if n > 5 else 0) for n in range(12)])


def test_a_sleep_before_the_last_cluster_is_believed_where_its_blob_came_late_too() -> None:
    groups = [*run(6), cluster(LENGTH_MS * 6 + 32_768)]
    expect(groups, [LENGTH_MS * n for n in range(7)])
    for group in groups:
        group.blob_lag_ms = 60.0
    expect(groups, [*(LENGTH_MS * n for n in range(6)), LENGTH_MS * 6 + 32_768])


def test_a_clock_that_ran_back_is_followed_from_there() -> None:
    groups = run(5) + [cluster(LENGTH_MS * n - 3000) for n in range(5, 12)]
    expect(groups, [LENGTH_MS * n for n in range(12)])


def test_what_lost_its_cluster_is_placed_right_before_the_next() -> None:
    groups = run(3)
    groups += [cluster(99_999, claimed=False, after_break=True, packets=40), cluster(LENGTH_MS * 4 + 7)]
    expect(groups, [*(LENGTH_MS * n for n in range(3)), LENGTH_MS * 4 + 7 - 40 * PACKET_MS, LENGTH_MS * 4 + 7])


def test_what_lost_its_cluster_is_placed_right_behind_the_last_where_a_hole_follows() -> None:
    groups = run(3)
    groups += [cluster(99_999, claimed=False, packets=40), cluster(LENGTH_MS * 7, after_break=True)]
    expect(groups, [*(LENGTH_MS * n for n in range(4)), LENGTH_MS * 7])


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("bit", [5, 6, 9])
def test_a_wrong_base_is_on_that_side_of_a_loss_to_which_one_bit_takes_it(lost: int, bit: int) -> None:
    """Chunks are lost that no number shows, before the second one, whose own cluster has a wrong bit."""
    begin = LENGTH_MS * (1 + lost)
    groups = [cluster(0, packets=83), cluster(4980, packets=1), cluster(begin, packets=83)]
    groups += [cluster(begin + 4980, packets=1), *(cluster(begin + LENGTH_MS * n) for n in (1, 2))]
    for place, piece in enumerate((0, 1, 1, 2, 2, 3)):
        groups[place].piece = groups[place].last_piece = piece
        groups[place].is_head, groups[place].has_base = place in {1, 3}, place not in {1, 3}
    by_ms = (begin ^ 1 << bit) - begin
    moved(groups[2], by_ms)
    moved(groups[3], by_ms)
    expect(groups, [0, begin - PACKET_MS, begin, begin + 4980, begin + LENGTH_MS, begin + 2 * LENGTH_MS])


def test_nothing_is_placed_across_a_known_hole() -> None:
    """A wrong clock, and a missing chunk behind it: the chunk's packets stay before the hole."""
    groups = run(4)
    moved(groups[3], 8192)
    groups += [cluster(LENGTH_MS * n, after_break=n == 5) for n in range(5, 9)]
    groups[4].lost_ms = LENGTH_MS
    expect(groups, [LENGTH_MS * n for n in (0, 1, 2, 3, 5, 6, 7, 8)])


def test_between_two_holes_the_steady_clusters_say_where_a_lost_base_was() -> None:
    """The head of a chunk, whose cluster began in a lost one, and behind which bytes are damaged."""
    groups = run(4)
    relative = 2520
    head = cluster(LENGTH_MS * 3 + relative, claimed=False, after_break=True, packets=10)
    groups += [head, cluster(LENGTH_MS * 6, after_break=True), cluster(LENGTH_MS * 7)]
    head.lost_ms, groups[5].lost_ms = LENGTH_MS, 1000.0
    expect(groups, [*(LENGTH_MS * n for n in range(4)), LENGTH_MS * 5 + relative, LENGTH_MS * 6, LENGTH_MS * 7])


def test_a_short_group_of_damaged_packets_does_not_outvote_the_rest() -> None:
    groups = run(6)
    groups.insert(3, cluster(70_000, packets=1))
    found = begins(groups)
    assert abs(found[4] - (LENGTH_MS * 3 + PACKET_MS)) < LENGTH_MS
    assert found == sorted(found)


@given(
    st.integers(3, 14),
    st.lists(st.tuples(st.integers(0, 13), st.integers(6, 18)), min_size=1, max_size=1),
    st.integers(0, 2000),
)
def test_groups_never_overlap_and_never_run_back(count: int, flips: list[tuple[int, int]], start: int) -> None:
    groups = [cluster(start + LENGTH_MS * n) for n in range(count)]
    for index, bit in flips:
        group = groups[index % count]
        moved(group, (group.times_ms[0] ^ 1 << bit) - group.times_ms[0])
    found = begins(groups, from_start=False)
    ends = [begin + LENGTH_MS for begin in found]
    assert all(after - end > -STEP_MS for end, after in zip(ends, found[1:], strict=False))


@given(st.lists(st.integers(0, 400), min_size=4, max_size=12))
def test_holes_of_any_length_are_kept(holes: list[int]) -> None:
    starts = list(accumulate((LENGTH_MS + hole * 20 for hole in holes), initial=0))[:-1]
    groups = [cluster(start, after_break=bool(index)) for index, start in enumerate(starts)]
    expect(groups, starts)


def test_steps_of_one_bit_are_told_from_others() -> None:
    assert all(looks_like_a_bit(sign * ((1 << bit) + 5)) for bit in range(6, 20) for sign in (1, -1))
    assert not any(looks_like_a_bit(ms) for ms in (20, 5040, 10_080, 15_120, 20_030, 25_200))


def test_the_beginning_is_believed_more_than_one_base_that_damage_cut_in_two() -> None:
    groups = run(2)
    moved(groups[1], -512)
    groups[1:] = [groups[1], cluster(LENGTH_MS * 2 + 60 - 512, after_break=True)]
    groups[2].has_base = False  # the same cluster goes on behind the damage
    assert begins(groups)[:2] == [0, LENGTH_MS]


def test_one_packet_that_a_bit_makes_early_moves_nothing() -> None:
    groups = run(3)
    groups[1].times_ms[5] -= 256
    assert set(repair(groups, from_start=True).shifts_ms) == {0}


def test_a_clock_that_ran_back_is_said() -> None:
    groups = run(5) + [cluster(LENGTH_MS * n - 3000) for n in range(5, 12)]
    assert repair(groups, from_start=True).ran_back == {5: pytest.approx(3000, abs=20)}
    assert not repair(run(), from_start=True).ran_back


def test_a_step_that_no_bit_of_the_clusters_makes_is_no_wrong_bit() -> None:
    """A lost chunk of a second is nearly 1,024 ms; but that bit would have to be set where the clock is late."""
    second = 17 * PACKET_MS
    groups = [cluster(second * n, packets=17) for n in (*range(16), 17)]
    groups.append(cluster(second * 21, packets=17, after_break=True))
    assert not groups[16].times_ms[0] & 1024
    expect(groups, [second * n for n in (*range(16), 17, 21)])


def test_a_first_cluster_that_one_bit_moved_is_told_by_where_a_recorder_begins() -> None:
    groups = [cluster(128), cluster(LENGTH_MS), cluster(LENGTH_MS * 3, after_break=True)]
    expect(groups, [0, LENGTH_MS, LENGTH_MS * 3])


def split_by_damage(begin_ms: float, lost: int) -> tuple[Group, Group]:
    """A cluster in two, as damage in the middle of it cost so many packets."""
    whole, cut = cluster(begin_ms), PACKETS // 2
    first = Group(0, True, False, 0.0, whole.times_ms[:cut], whole.durations[:cut])
    rest = Group(0, True, True, lost * PACKET_MS, whole.times_ms[cut + lost :], whole.durations[cut + lost :])
    rest.has_base = False
    return first, rest


def test_what_counts_from_a_wrong_base_keeps_its_distance_from_what_is_before_it() -> None:
    first, rest = split_by_damage(LENGTH_MS * 3, 10)
    for group in (first, rest):
        moved(group, 1 << 20)
    after = cluster(LENGTH_MS * 5, after_break=True)  # and a chunk is lost behind it
    groups = [*run(3), first, rest, after, *(cluster(LENGTH_MS * n) for n in range(6, 9))]
    at = LENGTH_MS * 3
    expect(groups, [*(LENGTH_MS * n for n in range(3)), at, at + 52 * PACKET_MS, *(LENGTH_MS * n for n in range(5, 9))])


def test_what_counts_from_one_base_is_believed_together() -> None:
    """Two groups of one fragment against a last one that a bit made 42 ms early: that one is wrong."""
    first, rest = split_by_damage(LENGTH_MS * 3, 3)
    groups = [*run(3), first, rest, cluster(LENGTH_MS * 4 - 42, packets=2)]
    at = LENGTH_MS * 3
    expect(groups, [*(LENGTH_MS * n for n in range(3)), at, at + 45 * PACKET_MS, LENGTH_MS * 4])


def test_one_bit_keeps_the_sound_that_was_dropped_before_its_cluster() -> None:
    dropped_ms = 300
    groups = [*run(5), *(cluster(LENGTH_MS * n + dropped_ms) for n in range(5, 9))]
    wanted = [group.times_ms[0] for group in groups]
    moved(groups[5], (wanted[5] ^ 1 << 14) - wanted[5])
    expect(groups, wanted)


@pytest.mark.parametrize("wrong", [0, 1])
@pytest.mark.parametrize("bit", [5, 8])
def test_of_two_bases_behind_a_hole_that_one_is_right_which_is_whole_packets_away(wrong: int, bit: int) -> None:
    head = cluster(LENGTH_MS * 5 - PACKET_MS, claimed=False, after_break=True, packets=1)
    head.lost_ms = LENGTH_MS - 2 * PACKET_MS  # by its bytes
    groups = [*run(4), head, cluster(LENGTH_MS * 5), cluster(LENGTH_MS * 6, packets=34)]
    base = groups[5 + wrong].times_ms[0]
    moved(groups[5 + wrong], (base ^ 1 << bit) - base)
    expect(groups, [*(LENGTH_MS * n for n in range(4)), LENGTH_MS * 5 - PACKET_MS, LENGTH_MS * 5, LENGTH_MS * 6])
