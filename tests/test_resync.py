"""What the reader makes of lost and damaged bytes: it goes on at the next element, and loses only what was touched.

What "touch" means.  A packet is touched by a changed byte of its element.  Where damage wipes out the beginning of the
element behind a packet, nothing tells that it did not begin inside that packet, so that one counts as touched as well.
And a changed size can make an element swallow those behind it and end where, by chance, something seems to begin: they
are then inside a packet that is touched.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recordings import (
    LIVE_CLUSTER,
    Block,
    Live,
    assert_all_counted,
    blobs,
    chrome,
    cluster,
    firefox,
    live_header,
    pairs,
    payloads,
    read_pairs,
    recorded,
    recorded_chunks,
    simple_block,
)

from sessiontool.errors import RecordingError
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.matroska.resync import Known, Search, find_resync_point, sequence_at
from sessiontool.media.packets import CUT

if TYPE_CHECKING:
    from sessiontool.media.packets import PacketRun

MADE = {"chrome": cache(chrome), "firefox": cache(firefox)}
LARGE = {
    "chrome": cache(lambda: chrome(40, sizes=(100, 300))),
    "firefox": cache(lambda: firefox(60, sizes=(100, 300))),
}
FORMS = {
    **MADE,
    "real chrome": cache(lambda: recorded("chrome-1s")),
    "real firefox": cache(lambda: recorded("firefox-pause")),
}
WIPED_BYTES = 5
"""An id and a size: where damage of more than a byte begins there, it may as well be the packet before that goes on."""
FREE = settings(deadline=None, max_examples=120)


@pytest.fixture(params=MADE)
def live(request: pytest.FixtureRequest) -> Live:
    return MADE[request.param]()


def read_with_loss(before: bytes, after: bytes) -> tuple[WebmDemuxer, list[PacketRun], list[PacketRun]]:
    """What a reader gives of two pieces between which bytes are lost."""
    reader = WebmDemuxer()
    first = [*reader.feed(before), *reader.discontinuity("a chunk is missing")]
    rest = [*reader.feed(after), *reader.flush()]
    assert_all_counted(reader, [*first, *rest])
    return reader, first, rest


# -- lost pieces


def test_the_reader_goes_on_at_every_block_after_a_loss(live: Live) -> None:
    """Also at Chrome's boundaries, where a blob begins one byte inside a block or a cluster's head."""
    start = live.blocks[4].end - 3
    for before, block in zip(live.blocks[5:-2], live.blocks[6:], strict=False):
        for at in (before.end, before.end + 1, block.offset, block.offset + 1):
            reader, first, rest = read_with_loss(live.data[:start], live.data[at:])
            assert read_pairs(first) == live.ending_by(start)
            assert [payload for payload, _ in read_pairs(rest)] == [
                payload for payload, _ in live.beginning_from(block.offset)
            ], f"from byte {at}"
            assert {damage.reason for damage in reader.ledger.damages} <= {"a chunk is missing", CUT}
            assert rest[0].after_break
            assert not any(run.after_break for run in rest[1:])


def test_times_are_a_guess_until_the_next_cluster(live: Live) -> None:
    for block in live.blocks[6:-2]:
        _, _, rest = read_with_loss(live.data[: live.blocks[3].end], live.data[block.offset :])
        placed = read_pairs(run for run in rest if run.placed)
        assert placed == pairs(live.blocks)[len(live.blocks) - len(placed) :]
        assert all(not run.placed for run in rest[:1])


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@FREE
def test_any_lost_range_costs_only_what_it_held(form: str, data: st.DataObject) -> None:
    whole = FORMS[form]()
    start = data.draw(st.integers(len(whole.header) + 100, min(len(whole.data), 60_000)))
    end = data.draw(st.integers(start, min(len(whole.data), start + 20_000)))
    reader, first, rest = read_with_loss(whole.data[:start], whole.data[end:])
    assert read_pairs(first) == whole.ending_by(start)
    expected = [payload for payload, _ in whole.beginning_from(end - 1)]  # the first byte of an element is known
    found = [payload for payload, _ in read_pairs(rest)]
    assert found in (expected, expected[1:] if whole.blocks[-len(expected)].offset == end - 1 else expected)
    assert {damage.reason for damage in reader.ledger.damages} <= {"a chunk is missing", CUT}


def test_a_loss_in_the_middle_of_a_passed_over_element_ends_it() -> None:
    made_of = payloads(6, toc=0xFC)
    blocks = b"".join(simple_block(payload, index) for index, payload in enumerate(made_of))
    reader = WebmDemuxer()
    reader.feed(live_header() + bytes.fromhex("1941a469 10ffffff") + bytes(5000))
    reader.discontinuity("a chunk is missing")
    runs = [*reader.feed(cluster(0) + blocks), *reader.flush()]
    assert [payload for payload, _ in read_pairs(runs)] == made_of


def test_real_chunks_without_one_of_them_give_the_packets_of_the_others() -> None:
    chunks = recorded_chunks("chrome-1s")[:8]
    whole = recorded("chrome-1s")
    ends = [sum(map(len, chunks[: index + 1])) for index in range(len(chunks))]
    for missing in range(1, len(chunks) - 1):
        reader = WebmDemuxer()
        runs = [run for chunk in chunks[:missing] for run in reader.feed(chunk)]
        runs += reader.discontinuity("a chunk is missing")
        runs += [run for chunk in chunks[missing + 1 :] for run in reader.feed(chunk)]
        kept = [
            block.payload
            for block in whole.blocks
            if block.end <= ends[missing - 1] or (ends[missing] - 1 <= block.offset and block.end <= ends[-1])
        ]
        assert [payload for payload, _ in read_pairs(runs)] == kept
        assert sum(damage.length_bytes for damage in reader.ledger.damages) <= 1, "the first byte of the lost element"


# -- damaged bytes


def test_a_blob_without_neighbours_that_is_cut_anywhere_counts_nothing_that_was_not_fed() -> None:
    """Its first block begins a byte before it; where the cut is in that block, it ends in another chunk's bytes."""
    chunks = blobs(chrome(84 * 4, cluster_packets=84), 84)
    for count in range(4, 320):
        for behind in (chunks[0], chunks[3]):
            reader = WebmDemuxer()
            try:
                runs = [*reader.feed(chunks[2][:count]), *reader.feed(behind), *reader.flush()]
            except RecordingError:
                continue  # so little proves nothing
            assert_all_counted(reader, runs)


@pytest.mark.parametrize("size", range(6))
@pytest.mark.parametrize("there", range(6))
def test_a_block_too_short_to_be_one_is_damage_also_at_the_end_of_what_is_there(size: int, there: int) -> None:
    live = chrome(60, cluster_packets=84)
    reader = WebmDemuxer()
    tail = bytes([0xA3, 0x80 | size]) + bytes([0x81, 0, 0, 0x80, 0xFB])[:there]
    runs = [*reader.feed(live.data + tail), *reader.feed(b""), *reader.flush()]
    assert_all_counted(reader, runs)
    assert sum(len(run.payloads) for run in runs) >= 59  # damage that is so short may begin in the packet before


def check_damage(whole: Live, start: int, fill: bytes) -> None:
    """Overwrite bytes from `start` on, and hold what a reader makes of it against what is untouched."""
    end = start + len(fill)
    reader = WebmDemuxer()
    data = whole.data[:start] + fill + whole.data[end:]
    runs = [*reader.feed(data), *reader.flush()]
    assert_all_counted(reader, runs)
    found = read_pairs(runs)
    recorded_payloads = {block.payload for block in whole.blocks}
    kept = [payload for payload, _ in found if payload in recorded_payloads]
    strange = [payload for payload, _ in found if payload not in recorded_payloads]
    lost = recorded_payloads.difference(kept)
    assert kept == [block.payload for block in whole.blocks if block.payload not in lost], "in order, and once"
    touched = [block for block in whole.blocks if start < block.end and block.offset < end]
    # Of blocks whose sizes happen to differ by one bit's worth one can hold another, and nothing tells of it.
    swallowed = {block.payload for block in whole.blocks for payload in strange if payload.endswith(block.payload)}
    behind = {block.payload for block in behind_which_it_begins(whole, start, end)}
    allowed = {block.payload for block in touched} | swallowed | behind
    assert [block for block in whole.blocks if block.payload in lost - allowed] == []
    assert len(strange) <= len(touched) + 1
    if lost and not strange:
        assert reader.ledger.damages, "what is lost is told"


def behind_which_it_begins(whole: Live, start: int, end: int) -> list[Block]:
    """The packet behind which the damage begins, if it hit id or size of the element there, and not by a byte alone."""
    return [block for block in whole.blocks if block.end <= start < block.end + WIPED_BYTES and end - start > 1]


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@FREE
def test_damage_costs_only_the_packets_that_it_touches(form: str, data: st.DataObject) -> None:
    whole = FORMS[form]()
    first = whole.blocks[1].offset
    length = data.draw(st.sampled_from([1, 2, 3, 8, 40, 300, 2000]))
    start = data.draw(st.integers(first, min(len(whole.data), 40_000) - min(length, 300)))
    length = min(length, len(whole.data) - start)
    fill = data.draw(st.sampled_from([bytes(length), b"\xff" * length, Random(start).randbytes(length)]))
    check_damage(whole, start, fill)


def test_zeros_at_every_byte_cost_only_what_they_touch(live: Live) -> None:
    for length in (1, 5, 60):
        for start in range(live.blocks[1].offset, len(live.data) - length):
            check_damage(live, start, bytes(length))


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_costs_one_packet_at_most(live: Live, bit: int) -> None:
    for at in range(live.blocks[1].offset, len(live.data)):
        check_damage(live, at, bytes([live.data[at] ^ 1 << bit]))


def test_damage_in_a_payload_costs_nothing_but_that_packet(live: Live) -> None:
    block = live.blocks[10]
    data = live.data[: block.end - 4] + b"\1\2\3\4" + live.data[block.end :]
    reader = WebmDemuxer()
    found = read_pairs([*reader.feed(data), *reader.flush()])
    assert [time_ms for _, time_ms in found] == [time_ms for _, time_ms in pairs(live.blocks)]
    assert reader.ledger.damages == []


def test_what_was_skipped_is_told_with_its_place(live: Live) -> None:
    start, end = live.blocks[5].end - 2, live.blocks[9].offset + 5
    reader = WebmDemuxer()
    reader.feed(live.data[:start] + bytes(end - start) + live.data[end:])
    (damage,) = reader.ledger.damages
    assert live.blocks[5].offset <= damage.offset <= start
    assert damage.offset + damage.length_bytes == live.blocks[10].offset
    assert damage.reason


@pytest.mark.parametrize("form", FORMS)
@given(at=st.integers(0, 250), fill=st.binary(min_size=1, max_size=40))
@example(at=0, fill=bytes(40))
@FREE
def test_a_damaged_header_costs_no_packet_or_is_refused(form: str, at: int, fill: bytes) -> None:
    """Refused where the damage happens to spell something else: another document type, codec or channel layout."""
    whole = FORMS[form]()
    at = min(at, len(whole.header) - len(fill))
    data = whole.data[:at] + fill + whole.data[at + len(fill) :]
    reader = WebmDemuxer()
    try:
        found = read_pairs([*reader.feed(data), *reader.flush()])
    except RecordingError:
        return
    assert [payload for payload, _ in found][-(len(whole.blocks) - 4) :] == [
        block.payload for block in whole.blocks[4:]
    ]


def test_a_header_of_zeros_is_rebuilt(live: Live) -> None:
    reader = WebmDemuxer()
    runs = [*reader.feed(bytes(len(live.header)) + live.data[len(live.header) :]), *reader.flush()]
    assert read_pairs(runs) == pairs(live.blocks)
    assert reader.header_missing
    (damage,) = reader.ledger.damages
    assert (damage.offset, damage.length_bytes) == (0, len(live.header))


@pytest.mark.parametrize("size", ["4f ff", "20 ff ff", "10 00 e0 00"])
def test_a_size_that_runs_past_the_end_costs_only_its_packet(live: Live, size: str) -> None:
    block = live.blocks[20]
    data = (
        live.data[: block.offset + 1] + bytes.fromhex(size) + live.data[block.offset + 1 + len(bytes.fromhex(size)) :]
    )
    for pieces in ([data], [data[: block.end], data[block.end :]]):
        reader = WebmDemuxer()
        runs = [run for piece in pieces for run in reader.feed(piece)]
        found = [payload for payload, _ in read_pairs([*runs, *reader.flush()])]
        assert found == [other.payload for other in live.blocks if other is not block]


@given(st.data())
@FREE
def test_damage_and_cuts_raise_nothing_but_a_refusal(data: st.DataObject) -> None:
    whole = MADE[data.draw(st.sampled_from(sorted(MADE)))]()
    mutated = bytearray(whole.data)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        mutated[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    cut = data.draw(st.integers(0, len(mutated)))
    reader = WebmDemuxer()
    try:
        runs = reader.feed(bytes(mutated[:cut]))
        runs += reader.discontinuity("lost") if data.draw(st.booleans()) else []
        runs += [*reader.feed(bytes(mutated[cut:])), *reader.flush()]
    except RecordingError:
        return
    for run in runs:
        assert len(run.payloads) == len(run.times_ms) == len(run.durations) > 0
        assert all(0 < samples <= 5760 for samples in run.durations)
    assert all(damage.offset >= 0 and damage.length_bytes > 0 for damage in reader.ledger.damages)


def test_damage_that_looks_like_a_packet_does_not_say_what_packets_are(live: Live) -> None:
    """Zeroes from inside the first block on: what was read of it is another kind of packet than all that follow."""
    start = live.blocks[0].offset
    for at in range(start + 5, live.blocks[0].end):
        data = live.data[:at] + bytes(200) + live.data[at + 200 :]
        reader = WebmDemuxer()
        found = [payload for payload, _ in read_pairs([*reader.feed(data), *reader.flush()])]
        whole = [block.payload for block in live.blocks if block.offset >= at + 200]
        assert [payload for payload in found if payload in whole] == whole


# -- sizes that are wrong


def hurt(whole: Live, place: int, bit: int) -> bytes:
    data = bytearray(whole.data)
    data[place] ^= 1 << bit
    return bytes(data)


@pytest.mark.parametrize("form", MADE)
@pytest.mark.parametrize("piece_bytes", [1 << 20, 4000])
def test_one_bit_of_a_size_costs_only_its_own_packet(form: str, piece_bytes: int) -> None:
    """Also where the block grows over others."""
    whole = LARGE[form]()
    for block in whole.blocks[3:-3]:
        for place in range(block.offset + 1, block.offset + (3 if form == "chrome" else 5)):
            for bit in range(8):
                data = hurt(whole, place, bit)
                reader = WebmDemuxer()
                pieces = [data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)]
                runs = [*(run for piece in pieces for run in reader.feed(piece)), *reader.flush()]
                assert_all_counted(reader, runs)
                found = {payload for payload, _ in read_pairs(runs)}
                lost = [other.payload for other in whole.blocks if other.payload not in found]
                assert lost in ([], [block.payload]), f"bit {bit} of byte {place}"


def test_blocks_of_one_size_in_a_block_of_several_are_found() -> None:
    """Blocks of 64 bytes; one bit makes the third one hold the next, or the next two."""
    made_of = payloads(12, toc=0xFC, sizes=(57, 57))
    blocks = [simple_block(payload, 20 * index) for index, payload in enumerate(made_of)]
    for bit in (6, 7):
        third = bytearray(blocks[2])
        third[2] ^= 1 << bit
        reader = WebmDemuxer()
        runs = reader.feed(live_header() + cluster(0, *blocks[:2], bytes(third), *blocks[3:])) + reader.flush()
        assert [payload for payload, _ in read_pairs(runs)] == [*made_of[:2], *made_of[3:]]
        assert {damage.reason for damage in reader.ledger.damages} == {"a block with others in it"}


@pytest.mark.parametrize("toc", [0xFC, 0xFF])
def test_a_block_that_is_larger_than_its_packet_can_be_is_damage(toc: int) -> None:
    made_of = payloads(30, toc=toc, sizes=(300, 500))
    blocks = [simple_block(payload, 20 * index, size_length=4) for index, payload in enumerate(made_of)]
    hurt_block = bytearray(blocks[4])
    hurt_block[3] ^= 0x10  # 4096 bytes more
    reader = WebmDemuxer()
    runs = reader.feed(live_header() + cluster(0, *blocks[:4], bytes(hurt_block), *blocks[5:])) + reader.flush()
    assert [payload for payload, _ in read_pairs(runs)] == [*made_of[:4], *made_of[5:]]


def test_packets_behind_a_short_break_inside_a_cluster_are_placed(live: Live) -> None:
    block = live.blocks[12]
    for fill in (bytes(len(block.payload)), Random(1).randbytes(30)):
        data = live.data[: block.offset] + fill + live.data[block.offset + len(fill) :]
        reader = WebmDemuxer()
        runs = [*reader.feed(data), *reader.flush()]
        assert all(run.placed for run in runs)
        assert set(read_pairs(runs)) <= set(pairs(live.blocks))
        assert [run.after_break for run in runs[:2]] == [False, True]
        assert not any(run.after_break for run in runs[2:])


def test_bases_are_where_clusters_begin(live: Live) -> None:
    ends = [live.data.index(b"\xa3", at) for at in range(len(live.data)) if live.data.startswith(LIVE_CLUSTER, at)]
    expected = [block.payload for block in live.blocks if block.offset in ends]
    assert len(expected) > 3
    for piece_bytes in (1, 40, 1 << 20):
        reader = WebmDemuxer()
        pieces = [live.data[at : at + piece_bytes] for at in range(0, len(live.data), piece_bytes)]
        runs = [*(run for piece in pieces for run in reader.feed(piece)), *reader.flush()]
        assert [run.payloads[base] for run in runs for base in run.bases] == expected


def test_a_cluster_whose_id_is_damaged_keeps_its_time(live: Live) -> None:
    at = live.data.index(LIVE_CLUSTER, live.blocks[10].offset)
    for place in range(at, at + 12):
        reader = WebmDemuxer()
        runs = [*reader.feed(hurt(live, place, 0)), *reader.flush()]
        assert read_pairs(runs) == pairs(live.blocks), f"byte {place - at}"


# -- the pieces of it


ROW = b"".join(simple_block(payload, index * 20) for index, payload in enumerate(payloads(4, toc=0xFC)))


ROWS = Known(1, frozenset({0xFC}))


def test_a_row_of_blocks_is_believed() -> None:
    assert sequence_at(ROW, 0, ROWS, final=False)
    assert find_resync_point(bytes(50) + ROW, 0, ROWS, final=False) == Search(50, 50)


@pytest.mark.parametrize(
    ("number", "blocks"),
    [
        (2, ROW),
        (1, b"".join(simple_block(payload, -index) for index, payload in enumerate(payloads(4, toc=0xF8)))),
        (1, b"".join(simple_block(payload, flags=0x82) for payload in payloads(4, toc=0xFC))),
        (1, simple_block(b"\xff\x80\0\0") * 4),
        (None, b"".join(simple_block(payload, track=9 + index) for index, payload in enumerate(payloads(4, toc=0xFC)))),
    ],
    ids=["track", "time", "lacing", "packet", "tracks"],
)
def test_a_row_that_disagrees_with_the_recording_is_not(number: int | None, blocks: bytes) -> None:
    assert sequence_at(blocks, 0, Known(number, frozenset({0xFC})), final=True) is False


def test_nothing_is_said_of_a_row_before_its_end_is_there() -> None:
    third_end = len(ROW) - len(simple_block(payloads(4, toc=0xFC)[3]))
    for cut in range(third_end):
        assert sequence_at(ROW[:cut], 0, ROWS, final=False) is not False
    assert sequence_at(ROW[:third_end], 0, ROWS, final=False)


def test_what_may_be_forgotten_holds_no_beginning() -> None:
    for cut in range(len(ROW) + 50):
        search = find_resync_point((bytes(50) + ROW)[:cut], 0, ROWS, final=False)
        assert search.found in (None, 50)
        assert search.forget <= 50
