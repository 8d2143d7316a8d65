"""What uploads wrap around a recording comes off, is named and counted; what is no wrapper stays as it is."""

from __future__ import annotations

import base64
import gzip
import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from ogg_recordings import page
from purging import ID, examine, packets_of, put_chunks
from recordings import blobs, chrome

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


def test_two_recordings_in_one_object_are_not_guessed_at(chunks: list[bytes]) -> None:
    both = json.dumps({"user": text(chunks[0] * 3), "assistant": text(chunks[0] * 2)})
    assert Unwrapper(MOST_BYTES).unwrap(both.encode()) is None


def merged(root: Path) -> Any:
    return merge(ID, store=root, options=MergeOptions(align=False))


@pytest.mark.parametrize("name", ["base64", "Buffer", "multipart", "aws-chunked", "gzip"])
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


def test_a_framing_that_is_cut_short_is_a_loss(tmp_path: Path, chunks: list[bytes]) -> None:
    wrapped = [framed(chunk) for chunk in chunks]
    put_chunks(tmp_path, [*wrapped[:-1], wrapped[-1][: len(wrapped[-1]) // 2]])
    result = merged(tmp_path)
    assert result.status == "partial"
    assert any(
        f.code == "upload-unwrapped" and f.severity == "error" and "cut short" in f.message for f in result.findings
    )


def test_text_of_something_else_is_still_refused_by_name(tmp_path: Path) -> None:
    put_chunks(tmp_path, [base64.b64encode(Random(5).randbytes(4000))])
    with pytest.raises(RecordingError, match="base64 text"):
        merged(tmp_path)
