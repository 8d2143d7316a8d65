"""Which chunks are another recorder's by the kinds of their packets; and an encoder that changes, which is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from recordings import blobs, chunk_ref, cluster, firefox, live_header, opus_head, payloads, simple_block, track_entry

from sessiontool.concat import Remuxer
from sessiontool.documents.models import SessionDocument
from sessiontool.media.opus import OpusHead, kinds_of
from sessiontool.progress import Silent
from sessiontool.recording.assemble import assemble
from sessiontool.recording.packet_kinds import by_hand
from sessiontool.recording.survey import ChunkSurvey, Dialect, survey
from sessiontool.sessions.report import status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessiontool.recording.records import Assembly

STEREO, MONO, HYBRID = 0xFC, 0xF8, 0x7C
PACKETS = 50


def chunks_of(*kinds: Sequence[int], seed: int = 1) -> list[bytes]:
    """A recording of Firefox's form, a cluster of a second to a chunk; of each chunk the TOC bytes in equal shares."""
    found = []
    for number, tocs in enumerate(kinds):
        made = [packet for toc in tocs for packet in payloads(PACKETS // len(tocs), toc=toc, seed=seed + number)]
        blocks = [simple_block(packet, 20 * n, track=2, flags=0, size_length=4) for n, packet in enumerate(made)]
        head = live_header(track_entry(2, private=opus_head(2, 312))) if not number else b""
        found.append(head + cluster(1000 * number, *blocks))
    return found


def surveys(chunks: dict[int, bytes]) -> list[ChunkSurvey]:
    return [survey(chunk_ref(seq, len(data)), data) for seq, data in chunks.items()]


def joined(chunks: list[bytes]) -> Assembly:
    data_of = {chunk_ref(seq, len(data)): data for seq, data in enumerate(chunks)}
    return assemble([*data_of], SessionDocument(), data_of.__getitem__, lambda: Remuxer(io.BytesIO()), Silent())[1]


def hands(*kinds: Sequence[int], without: Sequence[int] = ()) -> list[list[int]]:
    chunks = {seq: data for seq, data in enumerate(chunks_of(*kinds)) if seq not in without}
    return [[one.chunk.seq for one in group] for group in by_hand(surveys(chunks))]


def test_a_chunk_of_one_kind_between_those_of_another_is_a_strangers() -> None:
    assert hands([STEREO], [STEREO], [MONO], [STEREO]) == [[0, 1, 3], [2]]
    assert hands([MONO], [HYBRID], [MONO], [HYBRID]) == [[0, 2], [1, 3]]


def test_an_encoder_that_changes_within_a_chunk_is_one_recorder() -> None:
    assert hands([HYBRID, STEREO], [STEREO], [STEREO, MONO], [MONO], [MONO]) == [[0, 1, 2, 3, 4]]


def test_where_the_chunk_in_between_is_lost_a_change_proves_nothing() -> None:
    assert hands([STEREO], [STEREO], [STEREO, MONO], [MONO], [MONO], without=[2]) == [[0, 1, 3, 4]]


def test_a_header_without_a_packet_goes_with_the_most() -> None:
    bare = ChunkSurvey(chunk_ref(4), "", 100, has_header=True, dialect=Dialect("WebmDemuxer", 2, 0))
    groups = by_hand([*surveys(dict(enumerate(chunks_of([STEREO], [STEREO], [MONO], [STEREO])))), bare])
    assert [[one.chunk.seq for one in group] for group in groups] == [[0, 1, 3, 4], [2]]


def test_a_few_odd_packets_are_no_kind_unless_there_are_no_more() -> None:
    many, head = payloads(20, toc=STEREO), OpusHead.parse(opus_head(2, 312))
    assert kinds_of([*many, *payloads(2, toc=MONO)], head) == {STEREO >> 2}
    assert kinds_of(payloads(2, toc=MONO), head) == {MONO >> 2}
    assert kinds_of([], head) == frozenset()
    assert kinds_of(many, None) == frozenset(), "another codec's packets begin otherwise"


@pytest.mark.parametrize("number", [1, 2])
def test_a_mono_chunk_in_place_of_a_stereo_one_is_named_and_the_result_not_complete(number: int) -> None:
    """It begins and ends where the lost one did, as Firefox cuts by the count of samples."""
    chunks = chunks_of([STEREO], [STEREO], [STEREO], [STEREO])
    assert status_of(joined(chunks).findings) == "complete"
    chunks[number] = chunks_of([MONO], [MONO], [MONO], seed=9)[number]
    assembly = joined(chunks)
    assert [(finding.code, finding.seq) for finding in assembly.findings] == [("chunk-foreign", number)]
    assert status_of(assembly.findings) != "complete"
    assert [record.verdict for record in assembly.chunks if record.chunk.seq == number] == ["foreign"]


def test_the_same_recorder_in_order_is_read_once() -> None:
    assert not joined(blobs(firefox(250, cluster_packets=50), 50, lead=0, inside=-15)).findings
