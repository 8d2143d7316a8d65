"""The server of the recorder sample: what it takes, what it refuses, and that nothing is overwritten."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from realtime_peer import API_KEY, SHORT_LIVED, run_realtime_api
from recorder_page import SAMPLE, installed, node, run_ingest, status_of
from s3server import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        "s1/chunks/000/000000.constructor",
        "s1/chunks/000/000000.__proto__",
        "s1/events/000000.toString",
        "s1/chunks/000/-1.webm",
        "s1/chunks/1e3/000000.webm",
        "s1//session.json",
        "s1/session.json/",
        "s1%0A/session.json",
        "s1%5C..%5Cother/session.json",
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


def test_a_folder_that_cannot_be_written_any_more_is_an_error_that_is_tried_again(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with run_ingest(store, LOG_LEVEL="silent") as broken:
        store.rmdir()
        store.write_text("a file")
        assert broken.put(KEY, CHUNK, TYPE) == 500


def said(server: Ingest, request: bytes) -> bytes:
    """What comes back for these bytes, after which nothing more is sent."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1 << 16)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("content-length: 1000", "half of it"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n"),
        ("x-no-length: 1", ""),
    ],
)
def test_a_put_that_is_cut_or_has_no_length_leaves_nothing(
    server: Ingest, folder: Path, headers: str, body: str
) -> None:
    key = "cut/chunks/000/000000.webm"
    head = f"PUT /sessions/{key} HTTP/1.1\r\nhost: x\r\ncontent-type: audio/webm\r\n{headers}\r\n\r\n"
    assert said(server, (head + body).encode()).split()[1] in {b"400", b"411"}
    assert not [name for name in there(folder) if name.startswith("cut/")]


def test_of_many_at_once_one_is_written_whole(server: Ingest, folder: Path) -> None:
    key = "race/chunks/000/000000.webm"
    bodies = [bytes([number]) * LIMIT for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        found = list(pool.map(lambda body: server.put(key, body, TYPE), bodies))
    assert sorted(found) == [201, *[409] * 7]
    assert {name: body for name, body in there(folder).items() if name.startswith("race/")} == {
        key: bodies[found.index(201)]
    }


def test_a_server_that_is_killed_while_it_writes_leaves_no_half_chunk(tmp_path: Path) -> None:
    """What is left beside the chunk has a name that `merge` does not take for one."""
    body = bytes(8 << 20)
    with run_ingest(tmp_path) as running, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.put, KEY, body, TYPE)
        deadline = time.monotonic() + 30
        while not list(tmp_path.rglob("*.tmp")) and not answer.done():
            assert time.monotonic() < deadline
        os.kill(running.pid, signal.SIGKILL)
        assert answer.exception(30) or answer.result() == 201
    left = there(tmp_path)
    assert left.pop(KEY, body) == body
    assert all(Path(name).name.startswith(".") and name.endswith(".tmp") for name in left)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PATCH"])
def test_nobody_reads_or_deletes_what_was_sent(server: Ingest, folder: Path, method: str) -> None:
    key = "mine/chunks/000/000000.webm"
    server.put(key, CHUNK, TYPE)
    assert status_of(urllib.request.Request(f"{server.url}/sessions/{key}", method=method)) == 404
    assert there(folder)[key] == CHUNK


@pytest.mark.parametrize(
    "body", [b"null", b"[" * 40_000, b'{"key": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", b"", b'{"__proto__": 1}']
)
def test_what_is_no_request_for_a_url_is_refused(server: Ingest, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert status_of(urllib.request.Request(f"{server.url}/sessions/sign", body, headers)) == 400


# -- what a newcomer starts it with


@pytest.mark.parametrize(
    "settings",
    [
        {"PORT": "abc"},
        {"PORT": "99999"},
        {"MAX_BODY_BYTES": "abc"},
        {"ROLLOVER_LEAD_S": "soon"},
        {"STORE": "s3://"},
        {"STORE": "s3:/bucket"},
        {"STORE": "https://bucket"},
        {"STORE": "/dev/null/recordings"},
        {"PRESIGN": "1"},
        {"HOST": "nowhere.invalid"},
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, settings: dict[str, str]) -> None:
    started = start(tmp_path, settings)
    ((name, value),) = settings.items()
    assert started.returncode == 1
    assert started.stdout == ""
    error, hint = started.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert value in error or name in error


def test_a_port_that_is_taken_is_named(server: Ingest, tmp_path: Path) -> None:
    port = server.url.split(":")[-1]
    started = start(tmp_path, {"PORT": port})
    assert started.returncode == 1
    error, _hint = started.stderr.splitlines()
    assert f"127.0.0.1:{port}" in error


def test_a_setting_that_is_empty_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with run_ingest("", MAX_BODY_BYTES="", PRESIGN="0", HOST="") as running:
        assert running.put(KEY, CHUNK, TYPE) == 201
    assert (tmp_path / "recordings" / KEY).read_bytes() == CHUNK


def test_it_starts_by_another_path_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(installed())
    started = start(tmp_path, {"PORT": "abc"}, tmp_path / "link" / "server.mjs")
    assert started.returncode == 1  # and does not end as if all were well


def start(
    store: Path, settings: dict[str, str], program: Path = SAMPLE / "server.mjs"
) -> subprocess.CompletedProcess[str]:
    """The server with settings that end it at once."""
    env = os.environ | {"STORE": str(store), "PORT": "0", "NODE_NO_WARNINGS": "1"} | settings
    argv = [node(), str(installed() and program)]
    return subprocess.run(argv, env=env, cwd=store, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("path", ["", "recorder.js", "queue.js", "demo/0.mp3"])
def test_pages_are_served(server: Ingest, path: str) -> None:
    assert status_of(f"{server.url}/{path}") == 200


@pytest.mark.parametrize(
    "path", ["server.mjs", "package.json", "%2e%2e/README.md", "demo/../server.mjs", ".npmrc", "demo/9.mp3"]
)
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
