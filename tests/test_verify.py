"""Verify.

A sound result gives no problem, and every kind of corruption of one does, whatever the report's hashes say.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cached_property
from random import Random
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from recordings import SESSIONS, walk

from sessiontool.errors import StorageError
from sessiontool.media.matroska import ebml
from sessiontool.sessions.report import seal, to_text
from sessiontool.sessions.verify import verify_audio
from sessiontool.sessions.verify_agreement import verify_cue_times, verify_outputs, verify_utterance_times
from sessiontool.sessions.verify_result import verify_published
from sessiontool.storage import open_output
from sessiontool.storage.local.target import FolderTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SESSION = "chrome-1s"
RECORDED = sorted(path.name for path in SESSIONS.iterdir())
SILENT = b"\xfc\xff\xfe"


@dataclass(frozen=True)
class Result:
    """A merged file and its report, taken apart."""

    data: bytes
    report: Any

    @cached_property
    def first_cluster(self) -> int:
        return self.data.index(ebml.CLUSTER.to_bytes(4, "big"))

    @cached_property
    def clusters(self) -> list[tuple[int, int]]:
        """Where each cluster begins and ends."""
        found, at = [], self.first_cluster
        while at < len(self.data):
            header = ebml.read_header(self.data, at)
            assert header is not None
            found.append((at, header[2] + header[1]))
            at = found[-1][1]
        return found

    def codes(self, data: bytes | bytearray) -> set[str]:
        return {problem.code for problem in verify_audio(io.BytesIO(bytes(data)), self.report)}

    def flipped(self, at: int, bit: int = 0) -> bytes:
        return self.data[:at] + bytes([self.data[at] ^ 1 << bit]) + self.data[at + 1 :]

    def place_of(self, element_id: int) -> int:
        """Where the first element of that id begins."""
        return next(at for at, found in elements(self.data, 0, len(self.data)) if found == element_id)


MASTERS = {
    *(ebml.SEGMENT, ebml.SEEK_HEAD, ebml.SEEK, ebml.INFO, ebml.TRACKS, ebml.TRACK_ENTRY, ebml.AUDIO),
    *(ebml.CUES, ebml.CUE_POINT, ebml.CUE_TRACK_POSITIONS),
}


def elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Places and ids of the elements, each before those in it."""
    while at < end:
        header = ebml.read_header(data, at)
        assert header is not None
        element_id, size, body = header
        yield at, element_id
        if element_id in MASTERS:
            yield from elements(data, body, body + size)
        at = body + size


@pytest.fixture(scope="session")
def result(merged_session: Callable[[str], Path]) -> Result:
    folder = merged_session(SESSION)
    return Result((folder / "audio.webm").read_bytes(), json.loads((folder / "report.json").read_text()))


@pytest.fixture
def published(merged_session: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a published result, to be spoilt."""
    return copytree(merged_session(SESSION), tmp_path / SESSION)


def problems_of(published: Path) -> list[str]:
    return [problem.code for problem in verify_published(open_output(published.parent, SESSION))[1]]


def blocks_of(result: Result) -> list[tuple[int, int]]:
    """Where the packets of the file are: payload begins and ends."""
    live = bytes.fromhex("18538067 01ffffffffffffff") + result.data[result.first_cluster :]
    shift = result.first_cluster - 12
    return [(block.end - len(block.payload) + shift, block.end + shift) for block in walk(live)]


# -- sound results


@pytest.mark.parametrize("session_id", RECORDED)
def test_a_sound_result_has_no_problem(session_id: str, merged_session: Callable[[str], Path]) -> None:
    folder = merged_session(session_id)
    assert verify_published(open_output(folder.parent, session_id))[1] == []


# -- the audio, its hash left aside


def test_a_changed_byte_of_a_packet_is_found(result: Result) -> None:
    rng = Random(1)
    for start, end in rng.sample(blocks_of(result), 40):
        assert result.codes(result.flipped(rng.randrange(start + 1, end), rng.randrange(8))) == {"verify-packets"}


def test_a_changed_byte_anywhere_in_a_cluster_is_found(result: Result) -> None:
    rng = Random(2)
    for _ in range(150):
        at = rng.randrange(result.first_cluster, len(result.data))
        assert result.codes(result.flipped(at, rng.randrange(8))), f"byte {at}"


def test_a_changed_time_is_found(result: Result) -> None:
    (start, _) = blocks_of(result)[100]
    assert result.codes(result.flipped(start - 2)) == {"verify-times"}
    timestamp_at = result.data.index(b"\xe7\x82", result.clusters[1][0])
    assert "verify-times" in result.codes(result.flipped(timestamp_at + 3))


@pytest.mark.parametrize(
    ("element_id", "inside", "code"),
    [
        (ebml.CUE_POINT, 0, "verify-structure"),
        (ebml.CUE_TIME, 2, "verify-cues"),
        (ebml.CUE_CLUSTER_POSITION, 9, "verify-cues"),
        (ebml.CUE_TRACK, 2, "verify-cues"),
        (ebml.SEEK_ID, 6, "verify-seek"),
        (ebml.SEEK_POSITION, 10, "verify-seek"),
        (ebml.DURATION, 4, "verify-times"),
        (ebml.TIMESTAMP_SCALE, 5, "verify-structure"),
        (ebml.TRACK_TYPE, 2, "verify-structure"),
        (ebml.FLAG_LACING, 2, "verify-structure"),
        (ebml.SEEK_PRE_ROLL, 4, "verify-structure"),
        (ebml.CODEC_ID, 4, "verify-structure"),
        (ebml.SAMPLING_FREQUENCY, 3, "verify-structure"),
        (ebml.CHANNELS, 2, "verify-structure"),
        (ebml.CODEC_DELAY, 3, "verify-structure"),
    ],
)
def test_a_changed_field_of_the_head_is_found(result: Result, element_id: int, inside: int, code: str) -> None:
    assert code in result.codes(result.flipped(result.place_of(element_id) + inside))


@pytest.mark.parametrize("element_id", [ebml.SEEK_HEAD, ebml.INFO, ebml.TRACKS, ebml.CUES, ebml.CLUSTER])
def test_a_missing_element_is_found(result: Result, element_id: int) -> None:
    at = result.place_of(element_id)
    header = ebml.read_header(result.data, at)
    assert header is not None
    end = header[2] + header[1]
    blank = ebml.element(ebml.VOID, bytes(end - at - 9), size_length=8)
    assert len(blank) == end - at
    assert result.codes(result.data[:at] + blank + result.data[end:])


def test_two_exchanged_packets_are_found(result: Result) -> None:
    blocks = blocks_of(result)
    for (a, b), (c, d) in zip(blocks[10:200:20], blocks[11:200:20], strict=True):
        data = result.data[: a - 7] + result.data[c - 7 : d] + result.data[a - 7 : b] + result.data[d:]
        assert "verify-packets" in result.codes(data)
    same: dict[int, tuple[int, int]] = {}
    for a, b in blocks:  # also where nothing but the order gives them away
        if b - a in same:
            c, d = same[b - a]
            changed = bytearray(result.data)
            changed[a:b], changed[c:d] = changed[c:d], changed[a:b]
            assert result.codes(changed) == {"verify-packets"}
            break
        same[b - a] = (a, b)


def test_a_dropped_cluster_is_found(result: Result) -> None:
    for start, end in result.clusters:
        assert result.codes(result.data[:start] + result.data[end:])


def test_a_cue_for_a_cluster_that_is_not_there_is_found(result: Result) -> None:
    """The last cluster is gone, and the segment is as much shorter."""
    last = result.clusters[-1][0]
    segment_at = result.place_of(ebml.SEGMENT)
    size = ebml.encode_size(last - segment_at - 12, 8)
    codes = result.codes(result.data[: segment_at + 4] + size + result.data[segment_at + 12 : last])
    assert codes == {"verify-cues", "verify-packets", "verify-times"}


def test_packets_for_silence_and_silence_for_packets_are_found(merged_session: Callable[[str], Path]) -> None:
    folder = merged_session("chrome-load")
    loud = Result((folder / "audio.webm").read_bytes(), json.loads((folder / "report.json").read_text()))
    silent = [(a, b) for a, b in blocks_of(loud) if loud.data[a:b] == SILENT]
    assert silent, "this recording has holes"
    for a, b in silent[:5]:
        assert loud.codes(loud.data[:a] + b"\xfc\x01\x02" + loud.data[b:]) == {"verify-silence"}
    spans = loud.report["timeline"]
    moved = {**loud.report, "timeline": [span for span in spans if span["kind"] != "silence"]}
    assert "verify-packets" in Result(loud.data, moved).codes(loud.data)


@pytest.mark.parametrize("kept", [0, 1, 40, 200, 0.3, 0.999])
def test_a_cut_tail_is_found(result: Result, kept: float) -> None:
    length = int(kept * len(result.data)) if isinstance(kept, float) else kept
    assert result.codes(result.data[:length])
    assert result.codes(result.data[:-1])


@pytest.mark.parametrize("more", [b"\0", b"\xec\x80", b"more"])
def test_appended_bytes_are_found(result: Result, more: bytes) -> None:
    assert result.codes(result.data + more) == {"verify-structure"}


def test_another_file_altogether_is_found(result: Result, merged_session: Callable[[str], Path]) -> None:
    assert "verify-packets" in result.codes((merged_session("chrome-mono") / "audio.webm").read_bytes())
    assert result.codes(b"RIFF" + bytes(100)) == {"verify-structure"}


def test_problems_are_counted_no_further_than_a_person_reads(result: Result) -> None:
    data = bytearray(result.data)
    for start, _ in blocks_of(result):
        data[start + 1] ^= 0xFF
    assert 0 < len(verify_audio(io.BytesIO(bytes(data)), result.report)) <= 20


def test_a_report_that_promises_more_is_found(result: Result) -> None:
    chunks = result.report["chunks"]
    for changed in (chunks[:-1], [*chunks, chunks[-1]], [*chunks[:5], chunks[6], chunks[5], *chunks[7:]]):
        assert "verify-packets" in Result(result.data, {**result.report, "chunks": changed}).codes(result.data)
    longer = {**result.report, "duration_s": result.report["duration_s"] + 0.02}
    assert Result(result.data, longer).codes(result.data) == {"verify-times"}


# -- all files of a result


@pytest.mark.parametrize("name", ["audio.webm", "captions.vtt", "captions.srt", "transcript.json"])
def test_a_file_that_was_changed_or_removed_is_found(published: Path, name: str) -> None:
    body = (published / name).read_bytes()
    (published / name).write_bytes(body.replace(b"e", b"f", 1))
    assert "verify-outputs" in problems_of(published)
    (published / name).write_bytes(body + b"\n")
    assert "verify-outputs" in problems_of(published)
    (published / name).write_bytes(body)
    assert problems_of(published) == []
    (published / name).unlink()
    assert problems_of(published) == ["verify-outputs"]


def rehashed(published: Path, name: str, body: bytes) -> None:
    """Change a file, and the report with it, as somebody would who covers their tracks."""
    (published / name).write_bytes(body)
    report = json.loads((published / "report.json").read_text())
    for output in report["outputs"]:
        if output["name"] == name:
            output.update(bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
    put_report(published, report)


def put_report(published: Path, document: Any) -> None:
    """Publish a report that was changed, with its own hash made anew."""
    seal(document)
    (published / "report.json").write_text(to_text(document))


def test_captions_outside_of_the_audio_are_found(published: Path) -> None:
    body = (published / "captions.srt").read_bytes() + b"\n999\n02:00:00,000 --> 02:00:01,000\nLate\n"
    rehashed(published, "captions.srt", body)
    assert problems_of(published) == ["verify-captions"]


def test_utterances_outside_of_the_audio_are_found(published: Path) -> None:
    transcript = json.loads((published / "transcript.json").read_text())
    transcript["utterances"][0]["end_s"] = 10_000
    rehashed(published, "transcript.json", json.dumps(transcript).encode())
    assert problems_of(published) == ["verify-utterances", "verify-captions", "verify-captions", "verify-metrics"]


# -- the parts of it


@pytest.mark.parametrize(
    ("start_s", "end_s", "sound"),
    [(0, 10, True), (3.5, 3.5, True), (None, None, True), (-0.1, 3, False), (4, 3, False), (9, 10.001, False)],
)
def test_utterances_lie_inside(start_s: float | None, end_s: float | None, sound: bool) -> None:
    transcript: Any = {"utterances": [{"id": "a", "start_s": start_s, "end_s": end_s}]}
    assert (verify_utterance_times(transcript, 10) == []) == sound


@pytest.mark.parametrize(
    ("cue", "sound"),
    [((0, 10_000), True), ((9000, 10_500), True), ((5, 5), False), ((-1, 5), False), ((0, 10_501), False)],
)
def test_cues_lie_inside(cue: tuple[int, int], sound: bool) -> None:
    assert (verify_cue_times([cue], 10) == []) == sound


def test_outputs_are_compared_by_size_and_hash() -> None:
    report: Any = {"outputs": [{"name": "audio.webm", "bytes": 1, "sha256": "x"}]}
    assert verify_outputs({"audio.webm": (1, "x")}, report) == []
    for found in ({}, {"audio.webm": (2, "x")}, {"audio.webm": (1, "y")}):
        (problem,) = verify_outputs(found, report)
        assert (problem.code, problem.severity) == ("verify-outputs", "error")
        assert problem.hint


@pytest.mark.parametrize("left", ["another report", "no report"])
def test_a_result_that_is_replaced_while_it_is_checked_is_no_damage(
    merged_session: Callable[[str], Path], tmp_path: Path, left: str
) -> None:
    folder = tmp_path / SESSION
    copytree(merged_session(SESSION), folder)

    class Replaced(FolderTarget):
        """Between the report and the files, another run publishes."""

        def read(self, name: str) -> bytes | None:
            body = super().read(name)
            if name == "transcript.json":
                (folder / "audio.webm").write_bytes(b"another recording")
                (folder / "report.json").write_text('{"duration_s": 1}')
                if left == "no report":
                    (folder / "report.json").unlink()
            return body

    with pytest.raises(StorageError, match="replaced while it was checked"):
        verify_published(Replaced(folder))
