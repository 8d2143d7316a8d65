"""The server of the recorder sample: what it takes, what it refuses, and that nothing is overwritten."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from realtime_peer import API_KEY, SHORT_LIVED, run_realtime_api
from recorder_page import run_ingest, status_of
from s3server import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorder_page import Ingest

CHUNK, TYPE = b"\x1a\x45\xdf\xa3 and so on", "audio/webm;codecs=opus"
KEY = "s1/chunks/000/000000.webm"
LIMIT = 50_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Ingest]:
    with run_ingest(folder, MAX_BODY_BYTES=str(LIMIT)) as running:
        yield running


def there(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sign(server: Ingest, key: str, body: bytes) -> dict[str, Any]:
    """What the server answers to a page that wants to send a chunk to the bucket itself."""
    wanted = {"key": key, "type": "audio/webm", "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    request = urllib.request.Request(
        f"{server.url}/sessions/sign", json.dumps(wanted).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def send(signed: dict[str, Any], body: bytes) -> int:
    return status_of(urllib.request.Request(signed["url"], body, signed["headers"], method="PUT"))


def test_what_is_sent_lies_where_merge_looks_for_it(server: Ingest, folder: Path) -> None:
    assert server.put(KEY, CHUNK, TYPE) == 201
    assert server.put("s1/chunks/000/000001.webm", b"", TYPE) == 201
    assert server.put("s1/chunks/001/000000.mp4", CHUNK, "audio/mp4") == 201
    assert server.put("s1/events/000000.jsonl", b"{}\n", "application/x-ndjson") == 201
    found = there(folder)
    assert found["s1/chunks/000/000000.webm"] == CHUNK
    assert found["s1/chunks/000/000001.webm"] == b""
    assert {"s1/chunks/001/000000.mp4", "s1/events/000000.jsonl"} < set(found)


def test_a_chunk_is_written_once(server: Ingest, folder: Path) -> None:
    key = "twice/chunks/000/000000.webm"
    assert server.put(key, CHUNK, TYPE) == 201
    assert server.put(key, CHUNK, TYPE) == 200
    assert server.put(key, CHUNK + b"!", TYPE) == 409
    assert there(folder)[key] == CHUNK


def test_session_json_is_rewritten(server: Ingest, folder: Path) -> None:
    for document in (b"{}", b'{"session_id": "s1"}'):
        assert server.put("s1/session.json", document, "application/json") == 201
        assert there(folder)["s1/session.json"] == document


def test_a_body_that_was_damaged_on_its_way_is_asked_for_again(server: Ingest, folder: Path) -> None:
    key = "damaged/chunks/000/000000.webm"
    headers = {"x-content-sha256": hashlib.sha256(CHUNK).hexdigest()}
    assert server.put(key, CHUNK[:-1], TYPE, headers) == 503
    assert key not in there(folder)
    assert server.put(key, CHUNK, TYPE, headers) == 201


@pytest.mark.parametrize(
    "key",
    [
        "../chunks/000/000000.webm",
        ".hidden/chunks/000/000000.webm",
        f"{'x' * 129}/chunks/000/000000.webm",
        "s1%2F..%2F../chunks/000/000000.webm",
        "s1/chunks/../../000000.webm",
        "s1/chunks/%2e%2e/000000.webm",
        "s1/chunks/000/%2e%2e%2f0.webm",
        "s1/chunks/000/000000.webm%00",
        "s1/chunks/000/000000.exe",
        "s1/chunks/000/000000.webm.exe",
        "s1/chunks/000/one.webm",
        "s1/chunks/000000.webm",
        "s1/merged/report.json",
        "s1/events/000000.webm",
        "s1/other.json",
        "s1",
        "",
    ],
)
def test_a_key_of_another_kind_is_refused(server: Ingest, folder: Path, key: str) -> None:
    before = there(folder)
    assert server.put(key, b"x", "audio/webm") in {400, 404}
    assert there(folder) == before
    assert not (folder.parent / "chunks").exists()


def test_other_types_and_large_bodies_are_refused(server: Ingest, folder: Path) -> None:
    key = "large/chunks/000/000000.webm"
    assert server.put(key, CHUNK, "text/html") == 415
    assert server.put(key, b"x" * (LIMIT + 1), TYPE) == 413
    assert server.put(key, b"x" * LIMIT, TYPE) == 201
    assert [name for name in there(folder) if name.startswith("large/")] == [key]


def test_a_folder_that_cannot_be_written_is_an_error_that_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with run_ingest(tmp_path / "store", LOG_LEVEL="silent") as broken:
        assert broken.put(KEY, CHUNK, TYPE) == 500


@pytest.mark.parametrize("path", ["", "recorder.js", "queue.js", "demo/0.mp3"])
def test_pages_are_served(server: Ingest, path: str) -> None:
    assert status_of(f"{server.url}/{path}") == 200


@pytest.mark.parametrize("path", ["server.mjs", "package.json", "%2e%2e/README.md", "demo/../server.mjs", ".npmrc"])
def test_nothing_else_is(server: Ingest, path: str) -> None:
    assert status_of(f"{server.url}/{path}") == 404


def test_on_s3_a_chunk_is_written_once(s3_url: str, s3_client: Any) -> None:
    prefix = s3_url.removeprefix(f"s3://{BUCKET}/")
    with run_ingest(s3_url) as running:
        assert running.put(KEY, CHUNK, TYPE) == 201
        assert running.put(KEY, CHUNK, TYPE) == 200
        assert running.put(KEY, CHUNK + b"!", TYPE) == 409
    stored = s3_client.get_object(Bucket=BUCKET, Key=f"{prefix}/{KEY}")
    assert stored["Body"].read() == CHUNK
    assert stored["ContentType"] == "audio/webm"


def test_a_presigned_url_takes_these_bytes_and_no_others_and_once(s3_url: str) -> None:
    with run_ingest(s3_url, PRESIGN="1") as running:
        signed = sign(running, KEY, CHUNK)
        assert send(signed, CHUNK + b"!") == 400
        assert send(signed, CHUNK) == 200
        assert send(signed, CHUNK) == 412
        assert running.put(KEY, CHUNK, TYPE) == 200  # what the page does then
        stolen = signed | {"url": signed["url"].replace("000000.webm", "000001.webm")}
        assert send(stolen, CHUNK) == 403


def test_a_store_that_does_not_answer_is_503(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with run_ingest(s3_url, LOG_LEVEL="silent") as running:
        assert running.put(KEY, CHUNK, TYPE) == 503


# -- the key for the Realtime API


def test_the_page_gets_a_short_lived_key_and_never_the_real_one(tmp_path: Path) -> None:
    with run_realtime_api() as base, run_ingest(tmp_path, OPENAI_API_KEY=API_KEY, OPENAI_BASE_URL=base) as running:
        with urllib.request.urlopen(f"{running.url}/config", timeout=30) as answer:
            config = answer.read()
        assert json.loads(config)["demo"] is False
        assert json.loads(config)["calls"] == f"{base}/realtime/calls"
        request = urllib.request.Request(f"{running.url}/realtime/key", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            key = answer.read()
        assert json.loads(key) == {"value": SHORT_LIVED, "expires_at": 1}
        assert API_KEY.encode() not in config + key


def test_a_key_that_is_refused_or_none_is_an_error(tmp_path: Path, server: Ingest) -> None:
    request = urllib.request.Request(f"{server.url}/realtime/key", method="POST")
    assert status_of(request) == 404
    with (
        run_realtime_api() as base,
        run_ingest(tmp_path, OPENAI_API_KEY="x", OPENAI_BASE_URL=base, LOG_LEVEL="silent") as other,
    ):
        assert status_of(urllib.request.Request(f"{other.url}/realtime/key", method="POST")) == 502
