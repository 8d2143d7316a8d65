"""What fuzzing found, and the same oracles over mutated recordings, in moments here and for hours in `fuzz/`.

Set `HYPOTHESIS_PROFILE=fuzz` for many more examples.
"""

from __future__ import annotations

import io
import json
import math
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzz_joins import Blob, join_and_verify, whole_result
from fuzz_seeds import seeds
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mp4_recordings import box, made
from ogg_recordings import headers
from recordings import Live, chrome, cluster, firefox, live_header, opus_head, simple_block, split, track_entry

from sessiontool.documents.models import SessionDocument
from sessiontool.documents.session import read_session
from sessiontool.documents.utterances import read_utterances
from sessiontool.errors import RecordingError
from sessiontool.media.isobmff.demuxer import Mp4Demuxer
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.ogg.demuxer import OggDemuxer
from sessiontool.sessions import report
from sessiontool.sessions.verify import verify_audio

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessiontool.media.packets import Demuxer

KEPT = Path(__file__).parent / "data" / "fuzz"
EXAMPLES = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 40


@pytest.mark.parametrize("target", TARGETS)
def test_what_reached_new_code(target: str) -> None:
    for path in sorted((KEPT / target).glob("reached-*")):
        try:
            TARGETS[target](path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path.name} fails again") from error


@pytest.mark.parametrize("path", sorted(KEPT.glob("*/found-*")), ids=lambda path: path.name)
def test_what_was_found(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@st.composite
def mutations(draw: st.DrawFn, target: str) -> bytes:
    """A seed with some bytes exchanged, some taken out and some put in, and numbers behind it."""
    data = bytearray(draw(st.sampled_from(sorted(seeds(target)))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data) + draw(st.binary(max_size=24))


@pytest.mark.parametrize("target", TARGETS)
def test_what_must_hold_for_any_bytes(target: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES < 100)
    @given(mutations(target))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()


# -- documents


def test_a_wrong_list_costs_itself_and_not_the_document() -> None:
    data = b'{"session_id": "a", "channels": [1, 2], "speakers": {"user": 1, "assistant": "M"}, "parts": [{"part": 0}]}'
    session, findings = read_session(data, "session.json")
    assert (session.session_id, session.channels, session.speakers) == ("a", None, {"assistant": "M"})
    assert [part.part for part in session.parts] == ["0"]
    assert any("channels" in finding.message for finding in findings)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e400", "[{}]".format("[" * 900 + "]" * 900)])
def test_unknown_fields_that_json_cannot_hold_are_left_out(value: str) -> None:
    line = f'{{"role": "user", "text": "Hello", "odd": {{"x": {value}}}, "kept": 1}}'
    (utterance,), (finding,) = read_utterances(line.encode(), "utterances.jsonl")
    assert utterance.extra == {"kept": 1}
    assert "line 1, odd" in finding.message
    json.loads(report.to_text({"utterances": [utterance.extra]}))


def test_half_a_surrogate_pair_costs_one_character_and_not_the_utterance() -> None:
    line = rb'{"role": "user", "text": "Good \ud83d", "odd\udc00": {"x": ["\ud83d\ude00", "\ud800"]}}'
    (utterance,), (finding,) = read_utterances(line, "utterances.jsonl")
    assert (finding.code, "3 character(s)" in finding.message) == ("text-encoding", True)
    assert utterance.text == "Good ?"
    assert utterance.extra == {"odd?": {"x": ["\U0001f600", "?"]}}


def test_names_of_fields_cannot_break_a_message_into_lines() -> None:
    _, findings = read_session(json.dumps({"speakers": {"a\nb\x1b[2J": 1, "x" * 10_000: 2}}).encode(), "session.json")
    assert [finding.message.isprintable() and len(finding.message) < 200 for finding in findings] == [True, True]


@pytest.mark.parametrize("field", ["start_ms", "stop_ms", "timeslice_ms"])
def test_times_that_no_clock_shows_are_left_out(field: str) -> None:
    data = json.dumps({"parts": [{"part": "000", field: 1e308}]}).encode()
    session, findings = read_session(data, "session.json")
    assert getattr(session.parts[0], field) is None
    assert len(findings) == 1


def test_a_part_with_more_digits_than_python_reads_is_left_out() -> None:
    data = json.dumps({"parts": [{"part": "9" * 5000}, {"part": "1"}]}).encode()
    session, findings = read_session(data, "session.json")
    assert [part.part for part in session.parts] == ["1"]
    assert "parts.0.part" in findings[0].message


# -- readers


def read(new_reader: Callable[[], Demuxer], data: bytes, piece_bytes: int = 1 << 16) -> Demuxer:
    reader = new_reader()
    for start in range(0, len(data), piece_bytes):
        reader.feed(data[start : start + piece_bytes])
    reader.flush()
    return reader


BLOCKS = b"".join(simple_block(b"\xf8\xff", track=1, size_length=1) for _ in range(3))
NO_PAGE = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, 0, 0x1234ABCD, 2, 0, 255)
HOSTILE: dict[str, tuple[Callable[[], Demuxer], bytes, bytes]] = {
    "SimpleBlock ids": (WebmDemuxer, b"", b"\xa3"),
    "BlockGroup ids": (WebmDemuxer, b"", b"\xa0"),
    "groups in groups": (WebmDemuxer, b"", b"\xa0" * 6 + b"\xff"),
    "empty elements": (WebmDemuxer, b"", b"\xa0\x80\xe7\x80\xa7\x80\0"),
    "rows of three blocks": (WebmDemuxer, b"", BLOCKS + b"\0"),
    "clusters and a long element": (WebmDemuxer, b"", cluster(1, BLOCKS, b"\x12\x54\xc3\x67\x08\x0f\xff\xff")),
    "pages without sound": (OggDemuxer, headers(), NO_PAGE),
    "capture patterns": (OggDemuxer, headers(), b"OggS"),
    "empty boxes": (Mp4Demuxer, made(1).data, box(b"free")),
    "beginnings of fragments": (Mp4Demuxer, made(1).data, b"\0\0\1\0moof\0\0\0\x10mfhd"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bytes_made_to_look_like_a_recording_cost_no_second_a_megabyte(name: str) -> None:
    new_reader, head, pattern = HOSTILE[name]
    data = head + pattern * ((1 << 18) // len(pattern))
    started = time.process_time()
    read(new_reader, data)
    assert time.process_time() - started < 10 * len(data) / 1e6  # this looks for a hang; the fuzzers measure


def test_a_fragment_that_is_shorter_than_its_head_does_not_stop_the_reader() -> None:
    recording = made(2).data
    reader = read(Mp4Demuxer, recording + b"\0\0\0\x04moof\0\0\0\x10mfhd" + bytes(100))
    assert reader.ledger.damages


@pytest.mark.parametrize("piece_bytes", [7, 100, 100_000])
def test_a_header_behind_damage_is_still_read(piece_bytes: int) -> None:
    data = bytearray(live_header(track_entry(private=opus_head(1, 777))) + chrome(12).data[len(chrome(12).header) :])
    data[:40] = bytes(40)
    reader = read(WebmDemuxer, bytes(data), piece_bytes)
    assert reader.track is not None
    assert (reader.track.head.pre_skip, reader.header_missing) == (777, False)


@pytest.mark.parametrize("live", [chrome(30), firefox(40)], ids=["chrome", "firefox"])
def test_one_flipped_bit_at_the_start_costs_two_packets_at_most(live: Live) -> None:
    costly = []
    for place in range(8 * live.blocks[2].end):
        data = bytearray(live.data)
        data[place // 8] ^= 1 << place % 8
        reader = WebmDemuxer()
        kept = sum(len(run.payloads) for run in (*reader.feed(bytes(data)), *reader.flush()))
        if kept < len(live.blocks) - 2:
            costly.append(place)
    # A size may become such that one packet holds most others, and nothing is wrong behind it.
    assert len(costly) <= 1


def test_another_codec_behind_junk_is_refused_by_its_name() -> None:
    header = live_header(track_entry(codec=b"V_MPEG4/ISO/AVC", kind=1))
    at = header.index(bytes.fromhex("1549a966"))
    with pytest.raises(RecordingError, match="V_MPEG4/ISO/AVC"):
        read(WebmDemuxer, header[:at] + b"\n" * 100 + header[at:] + cluster(0, BLOCKS))


# -- joining


@pytest.mark.parametrize(
    ("lost", "pre_skip"),
    [(1, 312), (1, 3840), (1, 60_000), (2, 60_000), (3, 60_000)],
)
def test_a_hole_inside_the_pre_skip(lost: int, pre_skip: int) -> None:
    live = chrome(40)
    data = live.data.replace(opus_head(2, 0), opus_head(2, pre_skip))
    chunks = split(data, [live.blocks[index].offset for index in (3, 8, 16, 24)])
    blobs = [Blob("000", seq, chunk) for seq, chunk in enumerate(chunks) if seq != lost]
    assert join_and_verify(blobs, SessionDocument())


def test_every_chunk_of_a_refused_part_is_in_the_report() -> None:
    live = chrome(40)
    sound = split(live.data, [live.blocks[20].offset])
    other = live_header(track_entry(codec=b"A_VORBIS")) + cluster(0, BLOCKS)
    blobs = [Blob("000", 0, sound[0]), Blob("001", 0, other), Blob("001", 1, sound[1])]
    document = join_and_verify(blobs, SessionDocument())
    assert len(document["chunks"]) == 3


# -- verify


def test_a_duration_that_is_no_number_is_a_problem() -> None:
    whole, document = whole_result()
    at = whole.index(b"\x44\x89\x88") + 3
    changed = whole[:at] + struct.pack(">d", math.nan) + whole[at + 8 :]
    assert verify_audio(io.BytesIO(changed), document)
