"""Which reader is chosen, by content alone, and what is refused by name."""

from __future__ import annotations

import base64
import gzip
import struct
from pathlib import Path

import av
import pytest
import recordings

from sessiontool.errors import RecordingError
from sessiontool.media.isobmff.demuxer import Mp4Demuxer
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.mpeg_audio.demuxer import Mp3Demuxer
from sessiontool.media.ogg.demuxer import OggDemuxer
from sessiontool.media.probe import open_demuxer, what_is

DATA = Path(__file__).parent / "data" / "containers"
OGG = [path.read_bytes() for path in sorted((DATA / "firefox-ogg" / "chunks" / "000").iterdir())]
MP4 = [path.read_bytes() for path in sorted((DATA / "chrome-mp4-opus" / "chunks" / "000").iterdir())]
SESSIONS = ("chrome-mono", "chrome-load", "chrome-pause", "firefox-pause")
WEBM = [chunk for name in SESSIONS for chunk in recordings.recorded_chunks(name)]


@pytest.mark.parametrize(("chunks", "reader"), [(WEBM, WebmDemuxer), (OGG, OggDemuxer), (MP4, Mp4Demuxer)])
def test_any_chunk_tells_the_container(chunks: list[bytes], reader: type) -> None:
    assert {type(open_demuxer(chunk)) for chunk in chunks} == {reader}


@pytest.mark.parametrize(("chunk", "reader"), [(WEBM[2], WebmDemuxer), (OGG[1], OggDemuxer), (MP4[1], Mp4Demuxer)])
@pytest.mark.parametrize("lost_bytes", [1, 30, 300])
def test_a_chunk_tells_it_without_its_beginning(chunk: bytes, reader: type, lost_bytes: int) -> None:
    assert isinstance(open_demuxer(chunk[lost_bytes:]), reader)
    assert isinstance(open_demuxer(bytes(lost_bytes) + chunk[lost_bytes:]), reader)


def encoded(codec: str, container: str, folder: Path) -> bytes:
    """A tenth of a second of silence."""
    target = folder / "sound"
    with av.open(str(target), "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000)
        assert isinstance(stream, av.AudioStream)
        frames = int(stream.codec_context.frame_size or 1024)
        for index in range(6):
            frame = av.AudioFrame(str(stream.format.name), "stereo", frames)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.rate, frame.pts = 48_000, index * frames
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target.read_bytes()


@pytest.mark.parametrize(
    ("codec", "container", "name"),
    [
        ("pcm_s16be", "aiff", "an AIFF file"),
        ("pcm_s16le", "caf", "a Core Audio file"),
        ("flac", "flac", "a FLAC file"),
        ("mp2", "mp2", "MPEG audio of Layer II or I"),
        ("pcm_s16le", "asf", "a Windows Media file"),
        ("pcm_s16be", "au", r"a Sun or NeXT sound file \(AU\)"),
        ("pcm_s16le", "w64", "a Sony Wave64 file"),
        ("pcm_s16le", "avi", "an AVI file"),
        ("pcm_s16le", "nut", "a NUT file"),
        ("aac", "flv", "a Flash video"),
        ("mp2", "vob", "an MPEG program stream"),
    ],
)
def test_other_sound_is_refused_by_name_with_the_way_out(codec: str, container: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=f"^the recording is {name}, not WebM, Ogg or MP4 with Opus$") as caught:
        open_demuxer(encoded(codec, container, tmp_path))
    assert "audio/webm;codecs=opus" in caught.value.hint
    assert "re-encodes: ffmpeg" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "an HTML page"),
        (b"\xef\xbb\xbf\n<html>", "an HTML page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "an XML document"),
        (b'{"error": "unauthorized"}', "a JSON document"),
        (b'\n[\n  {"error": 1}]', "a JSON document"),
        (gzip.compress(WEBM[0]), "compressed with gzip"),
        (b"PK\3\4" + bytes(40), "a ZIP archive"),
        (b"%PDF-1.7\n", "a document or picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a document or picture"),
        (b"#!AMR\n" + bytes(40), "an AMR file"),
        (WEBM[0].decode("latin-1").encode("utf-16"), "text in UTF-16"),
        ((b"G" + bytes(187)) * 5, "an MPEG transport stream"),
        (base64.b64encode(WEBM[0]), "base64 text"),
        (base64.encodebytes(WEBM[1]), "base64 text"),
        (b"data:audio/webm;codecs=opus;base64," + base64.b64encode(WEBM[0]), "a data: URL"),
        ("upstream said: héllo, try again later\n".encode() * 5, "plain text"),
    ],
)
def test_what_is_no_recording_is_named(data: bytes, name: str) -> None:
    assert what_is(data) == name
    with pytest.raises(RecordingError, match=f"^the recording is {name}, not WebM, Ogg or MP4 with Opus$") as caught:
        open_demuxer(data)
    assert caught.value.hint


@pytest.mark.parametrize(("data", "what"), [(b"", "is empty"), (bytes(4096), "holds nothing but zeroes")])
def test_nothing_at_all_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(RecordingError, match=what) as caught:
        open_demuxer(data)
    assert caught.value.hint


def test_what_a_recording_is_has_no_name() -> None:
    assert {what_is(chunk) for chunk in [*WEBM, *OGG, *MP4]} == {""}
    assert {what_is(data) for data in (b"", b"\x41\xe6\x81\x00\x3c\x80" + bytes(range(200)), b"text")} == {""}
    assert what_is(bytes(500)) == "nothing but zeroes"


@pytest.mark.parametrize(
    ("mime_type", "reader"),
    [
        ("", WebmDemuxer),
        ("audio/ogg;codecs=opus", OggDemuxer),
        ("audio/mp4; codecs=opus", Mp4Demuxer),
        ("audio/mpeg", Mp3Demuxer),
    ],
)
def test_bytes_of_no_kind_are_left_to_the_reader_that_the_recorder_named(mime_type: str, reader: type) -> None:
    data = b"\x41\xe6\x81\x00\x3c\x80" + bytes(range(200))
    assert isinstance(open_demuxer(data, mime_type=mime_type), reader)


def test_a_block_that_looks_like_text_is_no_text() -> None:
    """A blob of Chrome begins with the size of a block, which may be any two bytes from 40 00 on."""
    for size in range(0x4000, 0x8000, 7):
        head = struct.pack(">HBhB", size, 0x81, 0, 0x80)
        assert isinstance(open_demuxer(head + b"\xff\x03" + bytes(200)), WebmDemuxer)
