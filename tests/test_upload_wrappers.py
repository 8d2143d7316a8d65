"""What uploads wrap around a recording comes off, is named and counted; what is no wrapper stays as it is."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import tracemalloc
import zlib
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from ogg_recordings import page
from purging import ID, examine, packets_of, put_chunks
from recordings import blobs, chrome
from test_repeats import FORMS

from sessiontool import MergeOptions, merge, verify
from sessiontool.errors import RecordingError
from sessiontool.media.upload_wrappers import Unwrapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_BYTES = 1 << 22
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FIELD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="seq"\r\n\r\n3\r\n'
HEAD = 'Content-Disposition: form-data; name="file"; filename="blob"\r\nContent-Type: audio/webm\r\n\r\n'
TAIL = f"\r\n--{BOUNDARY}--\r\n"


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def framed(data: bytes, extension: str = "") -> bytes:
    pieces = [data[at : at + 700] for at in range(0, len(data), 700)]
    lines = [f"{len(piece):x}{extension}\r\n".encode() + piece + b"\r\n" for piece in pieces]
    return b"".join(lines) + f"0{extension}\r\n\r\n".encode()


def zipped(files: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def fixed_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS, strategy=zlib.Z_FIXED)
    return deflater.compress(data) + deflater.flush()


WRAPPERS: dict[str, tuple[Callable[[bytes], bytes], tuple[str, ...]]] = {
    "base64": (lambda data: text(data).encode(), ("base64",)),
    "base64 for URLs": (lambda data: base64.urlsafe_b64encode(data).rstrip(b"="), ("base64",)),
    "base64 in lines": (base64.encodebytes, ("base64",)),
    "base64 as JSON": (lambda data: json.dumps(text(data)).encode(), ("base64",)),
    "data URL": (lambda data: b"data:audio/webm;codecs=opus;base64," + text(data).encode(), ("a data: URL",)),
    "field": (lambda data: json.dumps({"seq": 3, "data": text(data), "t": 1.5}, indent=1).encode(), ("JSON",)),
    "field with a data URL": (
        lambda data: json.dumps({"audio": "data:audio/webm;base64," + text(data)}).replace("/", "\\/").encode(),
        ("JSON",),
    ),
    "Buffer": (lambda data: json.dumps({"type": "Buffer", "data": [*data]}).encode(), ("JSON",)),
    "Buffer in a field": (lambda data: json.dumps({"d": {"type": "Buffer", "data": [*data]}}).encode(), ("JSON",)),
    "Uint8Array": (lambda data: json.dumps({str(n): value for n, value in enumerate(data)}).encode(), ("JSON",)),
    "multipart": (
        lambda data: (FIELD + f"--{BOUNDARY}\r\n" + HEAD).encode() + data + TAIL.encode(),
        ("a multipart form",),
    ),
    "multipart's end": (lambda data: data + TAIL.encode(), ("a multipart form",)),
    "multipart's head": (lambda data: HEAD.encode() + data, ("a multipart form",)),
    "chunked": (framed, ("HTTP's chunked framing",)),
    "aws-chunked": (lambda data: framed(data, ";chunk-signature=" + "ab" * 32), ("HTTP's chunked framing",)),
    "gzip": (gzip.compress, ("gzip",)),
    "zlib": (zlib.compress, ("zlib",)),
    "raw deflate": (lambda data: zlib.compress(data)[2:-4], ("deflate",)),
    "raw deflate that stores": (lambda data: zlib.compress(data, 0)[2:-4], ("deflate",)),
    "raw deflate by fixed codes": (fixed_deflate, ("deflate",)),
    "ZIP": (lambda data: zipped({"blob": data}), ("a ZIP archive",)),
    "ZIP with a folder": (lambda data: zipped({"a/": b"", "a/blob.webm": data}), ("a ZIP archive",)),
    "answer": (
        lambda data: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nServer: x\r\n\r\n" % len(data) + data,
        ("an HTTP message",),
    ),
    "request": (
        lambda data: b"PUT /chunks/000/3?x=1 HTTP/1.1\r\nHost: h\r\nContent-Type: audio/webm\r\n\r\n" + data,
        ("an HTTP message",),
    ),
    "answer in chunks": (
        lambda data: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed(data),
        ("an HTTP message", "HTTP's chunked framing"),
    ),
    "request with gzip": (
        lambda data: b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(data),
        ("an HTTP message", "gzip"),
    ),
    "request with a form": (
        lambda data: b"POST / HTTP/1.1\r\n\r\n" + (f"--{BOUNDARY}\r\n" + HEAD).encode() + data + TAIL.encode(),
        ("an HTTP message", "a multipart form"),
    ),
    "byte order mark": (lambda data: b"\xef\xbb\xbf" + data, ("a byte order mark",)),
    "byte order mark before base64": (
        lambda data: b"\xef\xbb\xbf" + text(data).encode(),
        ("a byte order mark", "base64"),
    ),
    "length, big end first": (lambda data: len(data).to_bytes(4, "big") + data, ("a length prefix",)),
    "length, little end first": (lambda data: len(data).to_bytes(4, "little") + data, ("a length prefix",)),
    "lengths": (
        lambda data: b"".join(len(one).to_bytes(4, "big") + one for one in (data[:100], data[100:])),
        ("a length prefix",),
    ),
    "line of JSON": (
        lambda data: json.dumps({"seq": len(data), "name": "é"}, ensure_ascii=False).encode() + b"\n" + data,
        ("a message with a head in JSON",),
    ),
    "JSON with its length": (
        lambda data: (head := json.dumps({"seq": 3}).encode(), len(head).to_bytes(4, "big") + head + data)[1],
        ("a message with a head in JSON",),
    ),
    "hex": (lambda data: data.hex().encode(), ("hex",)),
    "hex in lines": (lambda data: data.hex(" ", -32).upper().encode().replace(b" ", b"\n"), ("hex",)),
    "hex of a database": (lambda data: b"\\x" + data.hex().encode(), ("hex",)),
    "hex in JSON": (lambda data: json.dumps({"data": data.hex()}).encode(), ("JSON",)),
    "numbers": (lambda data: ",".join(map(str, data)).encode(), ("numbers in text",)),
    "signed numbers": (lambda data: ", ".join(str((n ^ 128) - 128) for n in data).encode(), ("numbers in text",)),
    "literal of Python": (lambda data: repr(data).encode(), ("a literal of Python",)),
    "Latin-1": (lambda data: data.decode("latin-1").encode(), ("UTF-8 text with a character for each byte",)),
    "Windows-1252": (
        lambda data: "".join(bytes([n]).decode("cp1252", "ignore") or chr(n) for n in data).encode(),
        ("UTF-8 text with a character for each byte",),
    ),
    "Windows line ends": (lambda data: data.replace(b"\n", b"\r\n"), ("text with Windows line ends",)),
    "bzip2": (bz2.compress, ("bzip2",)),
    "xz": (lzma.compress, ("xz",)),
    "base64 in gzip": (lambda data: gzip.compress(text(data).encode()), ("gzip", "base64")),
}


@pytest.fixture(scope="module")
def chunks() -> list[bytes]:
    return blobs(chrome(120), 40)


@pytest.mark.parametrize("name", WRAPPERS)
def test_what_is_in_a_wrapper_comes_out_byte_for_byte(chunks: list[bytes], name: str) -> None:
    wrap, named = WRAPPERS[name]
    unwrapper = Unwrapper(MOST_BYTES)
    for chunk in chunks:
        found = unwrapper.unwrap(wrap(chunk))
        assert found is not None
        assert (found.data, found.wrappers, found.is_cut) == (chunk, named, False)


def test_chunks_of_recordings_are_left_as_they_are(chunks: list[bytes]) -> None:
    rng = Random(1)
    others = [
        page(b"x", number=1, granule=1),
        b"",
        b"A",
        bytes(999),
        *(rng.randbytes(rng.randrange(4000)) for _ in range(300)),
    ]
    unwrapper = Unwrapper(MOST_BYTES)
    assert [data for data in (*chunks, *others) if unwrapper.unwrap(data)] == []


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_around_something_else_stays(name: str) -> None:
    wrap, _ = WRAPPERS[name]
    for data in (b"<html>" + b"no recording " * 50, Random(2).randbytes(3000), bytes(2000)):
        assert Unwrapper(MOST_BYTES).unwrap(wrap(data)) is None


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrappers_that_are_cut_or_changed_end_in_no_error(chunks: list[bytes], name: str) -> None:
    wrapped, rng = WRAPPERS[name][0](chunks[0]), Random(3)
    for _ in range(40):
        data = bytearray(wrapped[: rng.randrange(1, len(wrapped) + 1)])
        data[rng.randrange(len(data))] = rng.randrange(256)
        found = Unwrapper(MOST_BYTES).unwrap(bytes(data))
        assert found is None or len(found.data) <= len(chunks[0]) or found.is_cut


def test_gzip_that_would_fill_the_memory_is_not_read() -> None:
    assert Unwrapper(MOST_BYTES).unwrap(gzip.compress(bytes(MOST_BYTES + 1))) is None
    assert Unwrapper(MOST_BYTES).unwrap(gzip.compress(gzip.compress(bytes(MOST_BYTES * 9)))) is None


@pytest.mark.parametrize(
    "pack",
    [
        zlib.compress,
        lambda data: zlib.compress(data)[2:-4],
        lambda data: zipped({"a": data}),
        bz2.compress,
        lambda data: lzma.compress(data, preset=0),
    ],
)
def test_nothing_that_is_packed_fills_the_memory(pack: Callable[[bytes], bytes]) -> None:
    tracemalloc.start()
    assert Unwrapper(MOST_BYTES).unwrap(pack(bytes(MOST_BYTES * 20))) is None
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MOST_BYTES * 25, "the bytes that were packed, and what is allowed"


def test_an_archive_of_two_files_is_not_guessed_at(chunks: list[bytes]) -> None:
    assert Unwrapper(MOST_BYTES).unwrap(zipped({"a": chunks[0], "b": chunks[1]})) is None


def test_what_is_behind_a_body_is_not_dropped(chunks: list[bytes]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    assert Unwrapper(MOST_BYTES).unwrap(head + chunks[0]) is None
    assert Unwrapper(MOST_BYTES).unwrap(zlib.compress(chunks[0]) + chunks[1]) is None


def test_a_body_that_is_shorter_than_its_head_says_is_cut(chunks: list[bytes]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"
    found = Unwrapper(MOST_BYTES).unwrap(head + chunks[0])
    assert found is not None
    assert found.is_cut


def test_two_recordings_in_one_object_are_not_guessed_at(chunks: list[bytes]) -> None:
    both = json.dumps({"user": text(chunks[0] * 3), "assistant": text(chunks[0] * 2)})
    assert Unwrapper(MOST_BYTES).unwrap(both.encode()) is None


def merged(root: Path) -> Any:
    return merge(ID, store=root, options=MergeOptions(align=False))


@pytest.mark.parametrize(
    "name",
    [
        *("base64", "Buffer", "multipart", "aws-chunked", "gzip", "ZIP", "answer", "hex", "raw deflate", "lengths"),
        *("numbers", "literal of Python", "Latin-1", "Windows line ends", "xz"),
    ],
)
def test_a_wrapped_session_is_merged_verified_and_purged(tmp_path: Path, chunks: list[bytes], name: str) -> None:
    plain, wrapped = tmp_path / "plain", tmp_path / "wrapped"
    put_chunks(plain, chunks)
    put_chunks(wrapped, [WRAPPERS[name][0](chunk) for chunk in chunks])
    assert merged(plain).status == "complete"
    result = merged(wrapped)
    assert packets_of(wrapped) == packets_of(plain)
    found = [finding for finding in result.findings if finding.code == "upload-unwrapped"]
    assert [finding.message.split()[0] for finding in found] == [str(len(chunks))]
    assert result.status == "repaired"
    for chunk, data in zip(result.report["chunks"], chunks, strict=True):
        stored = WRAPPERS[name][0](data)
        assert chunk["wrapped"]["bytes"] == len(stored)
        assert chunk["payload_bytes"] + chunk["structure_bytes"] == len(data)
        assert chunk["bytes"] == max(len(stored), len(data))
        aside = [one["reason"] for one in chunk.get("set_aside", ())]
        assert aside == (["upload wrapping"] if len(stored) > len(data) else [])
    assert verify(ID, store=wrapped).findings == ()
    assert len(examine(wrapped).versions) == len(chunks)


@pytest.mark.parametrize("name", ["base64", "multipart"])
def test_sizes_that_were_noted_of_what_was_sent_are_no_loss(tmp_path: Path, chunks: list[bytes], name: str) -> None:
    """The page wraps a blob and notes the size of that: each chunk was called short, and silence was put behind it."""
    wrapped = [WRAPPERS[name][0](chunk) for chunk in chunks]
    put_chunks(tmp_path, wrapped)
    entries = [{"seq": number, "bytes": len(data)} for number, data in enumerate(wrapped)]
    document = {"session_id": ID, "parts": [{"part": 0, "chunks": entries}]}
    (tmp_path / ID / "session.json").write_text(json.dumps(document))
    result = merged(tmp_path)
    assert {one.code for one in result.findings if one.severity != "info"} - {"no-utterances"} == {"upload-unwrapped"}
    assert result.report["packets"]["silent"] == 0
    assert {chunk["verdict"] for chunk in result.report["chunks"]} == {"ok"}


def test_a_framing_that_is_cut_short_is_a_loss(tmp_path: Path, chunks: list[bytes]) -> None:
    wrapped = [framed(chunk) for chunk in chunks]
    put_chunks(tmp_path, [*wrapped[:-1], wrapped[-1][: len(wrapped[-1]) // 2]])
    result = merged(tmp_path)
    assert result.status == "partial"
    assert any(
        f.code == "upload-unwrapped" and f.severity == "error" and "cut short" in f.message for f in result.findings
    )


def numbered(data: bytes, number: int) -> bytes:
    return b"\x01" + number.to_bytes(4, "little") + (1_700_000_000_000 + 5000 * number).to_bytes(8, "little") + data


HEADS: dict[str, Callable[[bytes, int], bytes]] = {
    "a type, a number and a time": numbered,
    "a type": lambda data, _: b"\x04" + data,
    "an id": lambda data, _: Random(4).randbytes(36) + data,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("head", HEADS)
def test_messages_of_a_protocol_of_their_own_are_joined_without_their_heads(
    tmp_path: Path, form: str, head: str
) -> None:
    plain = FORMS[form]()
    put_chunks(tmp_path / "plain", plain)
    usual = merge(ID, store=tmp_path / "plain", options=MergeOptions(align=False)).findings
    put_chunks(tmp_path / "sent", [HEADS[head](data, number) for number, data in enumerate(plain)])
    result = merge(ID, store=tmp_path / "sent", options=MergeOptions(align=False))
    (found,) = [one for one in result.findings if one not in usual]
    size = len(HEADS[head](b"", 0))
    assert (found.code, f"messages with a head of {size} byte" in found.message) == ("upload-unwrapped", True)
    assert f"{len(plain)} chunks" in found.message
    assert packets_of(tmp_path / "sent") == packets_of(tmp_path / "plain")
    assert all(chunk["set_aside_bytes"] == size for chunk in result.report["chunks"])
    assert not verify(ID, store=tmp_path / "sent").findings
    assert examine(tmp_path / "sent").action == "chunks"


def test_only_the_chunks_that_have_a_head_lose_it(tmp_path: Path, chunks: list[bytes]) -> None:
    put_chunks(tmp_path, [numbered(chunks[0], 0), chunks[1], numbered(chunks[2], 2)])
    result = merge(ID, store=tmp_path, options=MergeOptions(align=False))
    assert [chunk["set_aside_bytes"] for chunk in result.report["chunks"]] == [13, 0, 13]
    assert sum(packets_of(tmp_path).values()) == 120


def test_purge_keeps_what_a_single_chunk_has_before_its_header(tmp_path: Path, chunks: list[bytes]) -> None:
    put_chunks(tmp_path, [numbered(chunks[0], 0), *chunks[1:]])
    merge(ID, store=tmp_path, options=MergeOptions(align=False))
    with pytest.raises(RecordingError, match=r"13 bytes at byte 0 .*before the recording's header"):
        examine(tmp_path)


def test_the_end_of_another_recording_before_a_header_is_no_head(tmp_path: Path) -> None:
    after = FORMS["chrome"]()
    put_chunks(tmp_path, [blobs(chrome(120), 40)[-1][-250:] + after[0], *after[1:]])
    result = merge(ID, store=tmp_path, options=MergeOptions(align=False))
    assert "upload-unwrapped" not in {one.code for one in result.findings}


def test_text_of_something_else_is_still_refused_by_name(tmp_path: Path) -> None:
    put_chunks(tmp_path, [base64.b64encode(Random(5).randbytes(4000))])
    with pytest.raises(RecordingError, match="base64 text"):
        merged(tmp_path)
