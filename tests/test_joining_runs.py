"""A run's pieces through one demuxer: what became of every byte, in the chunk where it is."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import mp4_recordings
import ogg_recordings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import (
    CHROME_TOC,
    assert_all_counted,
    blobs,
    chrome,
    chunk_ref,
    cluster,
    firefox,
    live_header,
    payloads,
    recorded_chunks,
    simple_block,
    split,
    track_entry,
)

from sessiontool.errors import RecordingError
from sessiontool.recording.runs import Fed, Piece, PieceStream, RecorderRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessiontool.model import ChunkRef
    from sessiontool.recording.runs import Aside

OGG, MP4 = ogg_recordings.made(12, 5), mp4_recordings.made(8, 5)
FORMS = {
    "chrome": blobs(chrome(84 * 4, cluster_packets=84), 84),
    "firefox": blobs(firefox(250 * 3, cluster_packets=50), 250, lead=0, inside=-15),
    "real chrome": recorded_chunks("chrome-1s")[:5],
    "ogg": split(OGG.data, [start for start, _, _ in OGG.pages[2::3]]),
    "mp4": [MP4.header, *split(MP4.data[len(MP4.header) :], [f.start - len(MP4.header) for f in MP4.fragments[1:]])],
}


class Chunks:
    """A part's chunks in memory; `reads` are the numbers in the order in which they were read."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self.refs = [chunk_ref(seq, len(data)) for seq, data in enumerate(chunks)]
        self.data_of = dict(zip(self.refs, chunks, strict=True))
        self.reads: list[int] = []

    def read(self, chunk: ChunkRef) -> bytes:
        self.reads.append(chunk.seq)
        return self.data_of[chunk]

    def run(self, *pieces: Piece, opener: ChunkRef | None = None) -> RecorderRun:
        return RecorderRun("0", "0", pieces or [Piece(ref) for ref in self.refs], None, opener=opener)

    def stream(self, *pieces: Piece, opener: ChunkRef | None = None) -> PieceStream:
        return PieceStream(self.run(*pieces, opener=opener), self.read)


def packets_of(fed: Sequence[Fed]) -> list[bytes]:
    return [payload for one in fed for packets in one.packets for payload in packets.payloads]


def bytes_of(stretches: Sequence[Aside]) -> Counter[ChunkRef]:
    total: Counter[ChunkRef] = Counter()
    for one in stretches:
        total[one.chunk] += one.stretch.size_bytes
    return total


def assert_accounts(stream: PieceStream, chunks: Chunks, fed: Sequence[Fed]) -> None:
    """The accounts fit the pieces, and what is listed lies in them and adds up."""
    assert_all_counted(stream.demuxer, [packets for one in fed for packets in one.packets])
    damaged: Counter[ChunkRef] = Counter()
    aside: Counter[ChunkRef] = Counter()
    for piece, account in stream.accounts():
        stop = len(chunks.data_of[piece.chunk]) if piece.stop is None else piece.stop
        assert account.size_bytes == stop - piece.start
        assert not account.unaccounted_bytes
        damaged[piece.chunk] += account.damaged_bytes
        aside[piece.chunk] += account.set_aside_bytes
    assert +bytes_of([*stream.damage()]) == +damaged
    assert +bytes_of([*stream.set_aside()]) == +aside
    ranges = {
        piece.chunk: [(p.start, p.stop) for p, _ in stream.accounts() if p.chunk == piece.chunk]
        for piece, _ in stream.accounts()
    }
    for one in (*stream.damage(), *stream.set_aside()):
        start, stop = one.stretch.byte_offset, one.stretch.byte_offset + one.stretch.size_bytes
        whole = len(chunks.data_of[one.chunk])
        assert any(a <= start and stop <= (whole if b is None else b) for a, b in ranges[one.chunk]), one


@pytest.mark.parametrize("form", FORMS)
def test_whole_chunks_are_read_once_and_in_order(form: str) -> None:
    chunks = Chunks(FORMS[form])
    stream = chunks.stream()
    fed = list(stream)
    assert chunks.reads == list(range(len(chunks.refs)))
    assert stream.digests == {ref: hashlib.sha256(data).hexdigest() for ref, data in chunks.data_of.items()}
    assert stream.sizes == {ref: len(data) for ref, data in chunks.data_of.items()}
    assert [one.piece for one in fed] == sorted(one.piece for one in fed)
    assert fed[-1].piece == len(chunks.refs) - 1
    assert stream.head == FORMS[form][-1][:16]
    assert_accounts(stream, chunks, fed)
    assert [*stream.damage(), *stream.set_aside()] == []


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_chunks_in_any_pieces_give_the_same_packets_and_the_same_accounts(form: str, data: st.DataObject) -> None:
    chunks = Chunks(FORMS[form])
    pieces: list[Piece] = []
    for ref, body in chunks.data_of.items():
        cuts = sorted({0, *data.draw(st.lists(st.integers(0, len(body)), max_size=3)), len(body)})
        pieces += [Piece(ref, a, b) for a, b in pairwise(cuts)]
    whole, cut = chunks.stream(), chunks.stream(*pieces)
    expected, fed = list(whole), list(cut)
    assert packets_of(fed) == packets_of(expected)
    assert chunks.reads[len(chunks.refs) :] == list(range(len(chunks.refs))), "a chunk is read once for all its pieces"
    assert_accounts(cut, chunks, fed)
    sums: Counter[tuple[ChunkRef, str]] = Counter()
    for piece, account in cut.accounts():
        sums[piece.chunk, "payload"] += account.payload_bytes
        sums[piece.chunk, "structure"] += account.structure_bytes
    for piece, account in whole.accounts():
        assert sums[piece.chunk, "payload"] == account.payload_bytes
        assert sums[piece.chunk, "structure"] == account.structure_bytes


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_damage_is_counted_in_the_chunk_where_it_is_also_across_chunks(form: str, data: st.DataObject) -> None:
    bodies = [bytearray(body) for body in FORMS[form]]
    number = data.draw(st.integers(1, len(bodies) - 2))
    ends = data.draw(st.integers(0, len(bodies[number])))
    begins = data.draw(st.integers(0, len(bodies[number + 1])))
    bodies[number][len(bodies[number]) - ends :] = bytes(ends)
    bodies[number + 1][:begins] = bytes(begins)
    chunks = Chunks([bytes(body) for body in bodies])
    stream = chunks.stream()
    fed = list(stream)
    assert_accounts(stream, chunks, fed)
    before = packets_of([one for one in fed if one.piece < number])
    assert before == packets_of(list(Chunks(FORMS[form]).stream()))[: len(before)]


def test_damage_over_a_seam_is_split_there() -> None:
    bodies = [bytearray(body) for body in FORMS["firefox"]]
    bodies[0][-2000:], bodies[1][:3000] = bytes(2000), bytes(3000)
    chunks = Chunks([bytes(body) for body in bodies])
    stream = chunks.stream()
    list(stream)
    first, second = stream.damage()
    assert (first.chunk.seq, second.chunk.seq) == (0, 1)
    assert first.stretch.byte_offset + first.stretch.size_bytes == len(bodies[0])
    assert first.stretch.size_bytes >= 2000
    assert second.stretch.byte_offset == 0
    assert second.stretch.size_bytes >= 3000
    assert first.stretch.reason == second.stretch.reason != ""


def test_a_stretch_of_a_copy_in_the_place_of_damage_mends_it() -> None:
    """The middle of a chunk is zeroes, and another has these bytes elsewhere."""
    whole = FORMS["chrome"]
    hurt = whole[1][:1000] + bytes(500) + whole[1][1500:]
    chunks = Chunks([whole[0], hurt, *whole[2:], b"xyz" + whole[1]])
    base, copy = chunks.refs[1], chunks.refs[-1]
    mended = [Piece(base, 0, 1000), Piece(copy, 1003, 1503, counted_for=base), Piece(base, 1500)]
    stream = chunks.stream(Piece(chunks.refs[0]), *mended, *map(Piece, chunks.refs[2:-1]))
    fed = list(stream)
    assert packets_of(fed) == packets_of(list(Chunks(whole).stream()))
    assert_accounts(stream, chunks, fed)
    assert [*stream.damage()] == []
    assert sum(account.size_bytes for piece, account in stream.accounts() if piece.chunk == copy) == 500
    assert [piece.owner for piece in mended] == [base] * 3


def test_the_number_of_a_piece_is_that_of_the_chunk_that_it_is_counted_for_unless_noted_otherwise() -> None:
    one, other = chunk_ref(4), chunk_ref(9)
    assert (Piece(one).noted_seq, Piece(one).owner) == (4, one)
    assert (Piece(other, counted_for=one).noted_seq, Piece(other, counted_for=one).owner) == (4, one)
    assert Piece(one, noted_as=7).noted_seq == 7
    assert Piece(one, noted_as=-1).noted_seq == -1


def test_what_follows_missing_bytes_is_behind_a_break() -> None:
    chunks = Chunks(FORMS["chrome"])
    refs = chunks.refs
    stream = chunks.stream(Piece(refs[0]), Piece(refs[2], lost_before="chunk 1 is missing"), Piece(refs[3]))
    fed = list(stream)
    runs = [(one.piece, packets.after_break) for one in fed for packets in one.packets]
    assert [piece for piece, broken in runs if broken] == [1]
    assert_accounts(stream, chunks, fed)
    expected, found = packets_of(list(Chunks(FORMS["chrome"]).stream())), packets_of(fed)
    first = sum(len(packets.payloads) for one in fed if not one.piece for packets in one.packets)
    rest = len(found) - first
    assert found == [*expected[:first], *expected[len(expected) - rest :]]
    assert first == 83
    assert 84 * 2 - 2 <= rest <= 84 * 2 + 2


def test_without_a_header_the_opener_proves_what_the_recording_is() -> None:
    chunks = Chunks(FORMS["chrome"])
    refs, body = chunks.refs, FORMS["chrome"][1]
    pieces = [Piece(refs[1], 0, 30, lost_before="chunk 0 is missing"), Piece(refs[1], 30), Piece(refs[2])]
    stream = chunks.stream(*pieces, opener=refs[2])
    fed = list(stream)
    assert_accounts(stream, chunks, fed)
    assert len(packets_of(fed)) == pytest.approx(2 * 84, abs=2)
    assert stream.demuxer.header_missing
    assert len(body) == stream.sizes[refs[1]]


def test_another_tracks_bytes_are_named_in_each_chunk() -> None:
    sound = [simple_block(packet, 60 * at) for at, packet in enumerate(payloads(12, toc=CHROME_TOC))]
    picture = simple_block(b"a picture" * 20, 70, track=2)
    header = live_header(track_entry(), track_entry(2, b"V_VP8", kind=1, private=b""))
    chunks = Chunks([header + cluster(0, *sound[:4], picture, *sound[4:8], picture), b"".join([*sound[8:], picture])])
    stream = chunks.stream()
    fed = list(stream)
    assert_accounts(stream, chunks, fed)
    first, second = stream.set_aside()
    at = chunks.data_of[chunks.refs[0]].index(picture)
    assert (first.chunk.seq, first.stretch.byte_offset, first.stretch.size_bytes) == (0, at, 2 * len(picture))
    assert (second.chunk.seq, second.stretch.size_bytes) == (1, len(picture))
    assert chunks.data_of[chunks.refs[1]][second.stretch.byte_offset :] == picture


def test_what_is_no_recording_is_refused() -> None:
    with pytest.raises(RecordingError):
        list(Chunks([b"<html>502 Bad Gateway</html>"]).stream())
