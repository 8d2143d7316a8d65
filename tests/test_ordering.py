"""Which chunks belong together, and in which order, told by what is in them whatever their numbers say."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import LIVE_CLUSTER, blobs, chrome, chunk_ref, firefox, recorded_chunks

from sessiontool.recording.ordering import order_chunks
from sessiontool.recording.recorders import Chain
from sessiontool.recording.sequence import moved
from sessiontool.recording.survey import ChunkSurvey, survey

CHROME = chrome(84 * 7, cluster_packets=84)  # seven blobs of five seconds
FIREFOX = firefox(250 * 6, cluster_packets=50)
OTHER = chrome(84 * 4, cluster_packets=84, seed=9)
BLOBS = {
    "chrome": blobs(CHROME, 84),
    "firefox": blobs(FIREFOX, 250, lead=0, inside=-15),  # before a cluster's head
    "real chrome": recorded_chunks("chrome-1s"),
    "real chrome, busy": recorded_chunks("chrome-load"),
    "real firefox": recorded_chunks("firefox-pause"),
}


def surveys(*chunks: bytes) -> list[ChunkSurvey]:
    """The chunks as they are numbered: in the order given."""
    return [survey(chunk_ref(seq, len(data)), data) for seq, data in enumerate(chunks)]


def sorted_chains(*chunks: bytes, noted: frozenset[int] = frozenset()) -> list[Chain]:
    """The recorder runs, and what is of no whole one as chains behind them."""
    order = order_chunks(surveys(*chunks), lambda one: one.chunk.seq in noted, lambda one: one.chunk.seq in noted, [])
    return [*order.chains, *(Chain([one]) for one in order.foreign)]


def sorted_seqs(*chunks: bytes, noted: frozenset[int] = frozenset()) -> list[list[int]]:
    return [[one.chunk.seq for one in chain.chunks] for chain in sorted_chains(*chunks, noted=noted)]


def swapped(chunks: list[bytes], one: int, other: int) -> list[bytes]:
    chunks = list(chunks)
    chunks[one], chunks[other] = chunks[other], chunks[one]
    return chunks


# -- one chunk by itself


@pytest.mark.parametrize("form", ["chrome", "firefox"])
def test_a_chunk_tells_when_it_was_recorded(form: str) -> None:
    whole, chunks = {"chrome": CHROME, "firefox": FIREFOX}[form], BLOBS[form]
    offset = 0
    for chunk in chunks:
        extent = survey(chunk_ref(0), chunk)
        inside = [b for b in whole.blocks if b.offset >= offset - 1 and b.end <= offset + len(chunk)]
        assert extent.start_ms == pytest.approx(inside[0].time_ms, abs=60)
        packet_ms = 60 if form == "chrome" else 20
        assert extent.end_ms == pytest.approx(inside[-1].time_ms + packet_ms, abs=10)  # single timestamps jitter
        assert extent.has_header == (offset == 0)
        offset += len(chunk)


def test_a_chunk_without_a_cluster_does_not_tell_when() -> None:
    start = CHROME.blocks[90].offset
    extent = survey(chunk_ref(0), CHROME.data[start + 1 : CHROME.blocks[100].offset])
    assert extent.start_ms is None
    assert extent.head_ms == CHROME.blocks[90].time_ms - CHROME.blocks[84].time_ms, "counted in its cluster"
    assert extent.tail_ms - extent.head_ms == pytest.approx(10 * 60, abs=10)


@pytest.mark.parametrize("data", [b"", bytes(5000), Random(1).randbytes(5000), b"OggS" + bytes(100)])
def test_a_chunk_of_nothing_has_no_time(data: bytes) -> None:
    extent = survey(chunk_ref(3), data)
    assert (extent.start_ms, extent.end_ms, list(extent.digests)) == (None, None, [])


# -- one recording


@pytest.mark.parametrize("form", BLOBS)
def test_chunks_in_order_stay_so(form: str) -> None:
    assert sorted_seqs(*BLOBS[form]) == [list(range(len(BLOBS[form])))]


@pytest.mark.parametrize("form", BLOBS)
@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_any_order_becomes_the_one_they_were_recorded_in(form: str, data: st.DataObject) -> None:
    chunks = BLOBS[form][:9]
    order = data.draw(st.permutations(range(len(chunks))))
    found = sorted_seqs(*(chunks[index] for index in order))
    assert [[order[seq] for seq in chain] for chain in found] == [list(range(len(chunks)))]


@pytest.mark.parametrize("missing", range(1, 6))
def test_a_missing_chunk_leaves_one_recording(missing: int) -> None:
    chunks = [chunk for seq, chunk in enumerate(BLOBS["chrome"]) if seq != missing]
    assert sorted_seqs(*chunks) == [list(range(6))]
    found = sorted_seqs(*swapped(chunks, 2, 4))
    assert found == [[0, 1, 4, 3, 2, 5]]


def test_without_a_header_the_order_is_found_all_the_same() -> None:
    chunks = BLOBS["chrome"][1:]
    assert sorted_seqs(*chunks) == [list(range(6))]
    assert sorted_seqs(*swapped(chunks, 1, 3)) == [[0, 3, 2, 1, 4, 5]]


def test_a_chunk_without_a_cluster_stays_behind_the_one_that_it_continues() -> None:
    first, *rest = blobs(CHROME, 84, lead=1)
    cut = CHROME.blocks[84 + 40].offset + 1 - len(first)
    chunks = [first, rest[0][:cut], rest[0][cut:], *rest[1:]]
    assert sorted_seqs(*chunks) == [list(range(8))]
    assert sorted_seqs(*swapped(chunks, 2, 5)) == [[0, 1, 5, 3, 4, 2, 6, 7]]


# -- more than one


def test_a_second_recording_is_one_of_its_own() -> None:
    other = blobs(OTHER, 84)
    assert sorted_seqs(*BLOBS["chrome"], *other) == [list(range(7)), [7, 8, 9, 10]]


def test_two_recordings_whose_numbers_run_through_one_another_are_told_apart() -> None:
    """By their times: the second recorder began when the first had recorded for a while."""
    one, other = BLOBS["chrome"], blobs(OTHER, 84)
    found = sorted_seqs(*one[:4], other[0], one[4], other[1], one[5], other[2], one[6])
    assert found == [[0, 1, 2, 3, 5, 7, 9], [4, 6, 8]]


@pytest.mark.parametrize("at", range(2, 6))
def test_a_chunk_of_somebody_else_is_split_off(at: int) -> None:
    stranger = blobs(OTHER, 84)[1]  # of five to ten seconds of another clock
    chunks = [*BLOBS["chrome"][:at], stranger, *BLOBS["chrome"][at:]]
    chains = sorted_seqs(*chunks)
    assert chains[0] == [seq for seq in range(8) if seq != at]
    assert chains[1:] == [[at]]


def test_what_the_recorder_noted_is_believed_where_both_would_fit() -> None:
    own, strange = BLOBS["chrome"], blobs(OTHER, 84)[1]
    assert sorted_seqs(own[0], strange, own[1], own[2], noted=frozenset({0, 2, 3})) == [[0, 2, 3], [1]]


def test_no_chunk_is_ever_lost_or_doubled() -> None:
    rng = Random(4)
    everything = [*BLOBS["chrome"], *blobs(OTHER, 84), *BLOBS["firefox"], b"", rng.randbytes(900)]
    for _ in range(25):
        chosen = rng.sample(everything, rng.randint(1, 10))
        usable = [seq for seq, data in enumerate(chosen) if len(data) > 900]
        seqs = sorted(seq for chain in sorted_seqs(*chosen) for seq in chain)
        assert seqs == list(range(len(chosen))) if usable else seqs


# -- which numbers are wrong


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        ([0, 1, 2, 3], []),
        ([0, 2, 1, 3], [2, 1]),
        ([0, 3, 1, 2, 4, 5, 6, 7], [3, 1, 2]),
        ([7, 0, 1, 2, 3, 4, 5, 6], [7]),
        ([0, 1, 2, 4, 5, 6, 7, 3], [3]),
        ([3, 2, 1, 0], [3, 2, 1, 0]),
        ([], []),
    ],
)
def test_the_numbers_that_are_wrong(order: list[int], wrong: list[int]) -> None:
    found = [chunk.seq for chunk in moved([chunk_ref(seq) for seq in order])]
    assert found == wrong or len(found) < len(wrong)


@given(st.permutations(range(9)))
def test_without_the_displaced_the_numbers_rise(order: list[int]) -> None:
    chunks = [chunk_ref(seq) for seq in order]
    wrong = moved(chunks)
    left = [chunk.seq for chunk in chunks if chunk not in wrong]
    assert left == sorted(left)
    assert (wrong == []) == (order == sorted(order))


# -- what the recorder listed


def test_what_the_recorder_listed_stays_together_where_another_recorder_wrote_between() -> None:
    other = blobs(OTHER, 84)
    mixed = [chunk for pair in zip(BLOBS["chrome"][:4], other, strict=True) for chunk in pair]
    assert sorted_seqs(*mixed, noted=frozenset({0, 2, 4, 6})) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_a_header_alone_begins_no_run_behind_another_header() -> None:
    header = firefox(1).data[: firefox(1).blocks[0].offset]
    chunks = [header, *BLOBS["firefox"]]
    found = sorted_chains(*[*chunks[:3], *chunks[4:], chunks[3]])
    assert [one.chunk.seq for one in max(found, key=lambda chain: chain.packets).chunks] == [1, 2, 6, 3, 4, 5]


@pytest.mark.parametrize("bit", [14, 15])
def test_a_chunk_whose_clock_a_bit_moved_behind_a_hole_fills_the_one_it_came_from(bit: int) -> None:
    chunks = list(BLOBS["chrome"][:6])
    whole = survey(chunk_ref(0), chunks[3]).start_ms or 0.0
    at = chunks[3].index(b"\x1f\x43\xb6\x75")
    stamp = chunks[3].index(b"\xe7", at)
    size = chunks[3][stamp + 1] & 0x7F
    place = slice(stamp + 2, stamp + 2 + size)
    moved_to = int.from_bytes(chunks[3][place], "big") ^ 1 << bit
    chunks[3] = chunks[3][: place.start] + moved_to.to_bytes(size, "big") + chunks[3][place.stop :]
    hurt = survey(chunk_ref(0), chunks[3]).start_ms or 0.0
    assert abs(hurt - whole) == pytest.approx(1 << bit, abs=20)
    order = [0, 1, 2, 4, 5, 3]
    assert sorted_seqs(*(chunks[index] for index in order)) == [[0, 1, 2, 5, 3, 4]]


def test_chunks_behind_one_that_does_not_say_when_it_was_recorded_go_on_behind_it() -> None:
    chunks = BLOBS["real chrome, busy"][:9]
    order = [2, 7, 6, 5, 4, 3, 0, 1, 8]  # 2 and 8 hold no cluster
    found = sorted_seqs(*(chunks[index] for index in order))
    assert [[order[seq] for seq in chain] for chain in found] == [list(range(9))]


# -- where nothing is exact


def orders(
    chunks: dict[int, bytes], *, noted: frozenset[int] = frozenset(), missing: tuple[int, ...] = ()
) -> tuple[list[int], list[int]]:
    """The part's own run, and what is of another recording, by number."""
    found = [survey(chunk_ref(seq, len(data)), data) for seq, data in chunks.items()]
    order = order_chunks(found, lambda one: one.chunk.seq in noted, lambda one: one.chunk.seq in noted, missing)
    return [one.chunk.seq for one in order.chains[0].chunks], [one.chunk.seq for one in order.foreign]


def test_a_chunk_behind_missing_ones_is_of_the_recording_though_it_touches_no_other() -> None:
    own = BLOBS["chrome"]
    swapped_ones = {0: own[0], 1: own[1], 2: own[2], 3: own[6], 5: own[3]}  # 4 and 5 are lost
    assert orders(swapped_ones, missing=(4, 6)) == ([0, 1, 2, 5, 3], [])
    assert orders(swapped_ones, missing=()) == ([0, 1, 2, 5, 3], []), "it has the number of another one"


def test_what_the_recorder_sent_is_never_of_another_recording() -> None:
    own = BLOBS["chrome"]
    chunks = {0: own[0], 1: own[1], 2: own[6], 3: own[2], 4: own[3]}
    assert orders(chunks)[1] == [2]
    assert orders(chunks, noted=frozenset(chunks)) == ([0, 1, 3, 4, 2], [])


def test_what_is_not_in_the_recorders_list_does_not_take_the_place_of_what_is() -> None:
    own, other = BLOBS["firefox"], blobs(firefox(250 * 6, cluster_packets=50, seed=5), 250, lead=0, inside=-15)
    chunks = {0: own[0], 1: own[1], 2: own[5], 3: own[3], 4: own[4], 5: other[2]}
    chunks |= {2: other[2], 5: own[5], 6: own[2]}
    assert orders(chunks, noted=frozenset({0, 1, 3, 4, 5, 6})) == ([0, 1, 6, 3, 4, 5], [2])


def test_a_chunk_without_a_cluster_for_which_there_is_no_room_is_of_another_recording() -> None:
    own = BLOBS["chrome"]
    first = OTHER.blocks[90].offset + 1
    headless = OTHER.data[first : OTHER.blocks[140].offset + 1]
    assert survey(chunk_ref(3), headless).start_ms is None
    inserted = dict(enumerate([*own[:3], headless, *own[3:]]))
    assert orders(inserted) == ([0, 1, 2, 4, 5, 6, 7], [3])
    in_place_of_a_lost_one = {seq: data for seq, data in inserted.items() if seq != 4}
    assert orders(in_place_of_a_lost_one, missing=(4,))[1] == []


def test_one_bit_that_puts_a_chunk_behind_the_end_leaves_it_where_its_number_says() -> None:
    chunks = dict(enumerate(blobs(chrome(84 * 5 + 14, cluster_packets=84), 84)))
    data = bytearray(chunks[2])
    at = data.index(LIVE_CLUSTER) + len(LIVE_CLUSTER) + 2
    data[at] ^= 0x40  # 16.4 s
    assert 0 < (survey(chunk_ref(2), bytes(data)).start_ms or 0) - (84 * 5 + 14) * 60 < 600
    assert orders(chunks | {2: bytes(data)}) == (list(range(6)), [])
