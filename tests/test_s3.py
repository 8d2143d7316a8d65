"""What only S3 can do: pages, credentials, refusals, networks.  On a real server, at times behind a spoiling proxy."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore
import pytest
from faultproxy import Fault
from places import Prefix, publish
from s3server import BUCKET, SECRET, free_ports

from sessiontool.errors import NotFoundError, SessionToolError, StorageError, UsageError
from sessiontool.storage import Layout, S3Options, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faultproxy import FaultProxy
    from s3server import S3Server

    from sessiontool.model import StoredObject

BODY = bytes(range(256)) * 256


@pytest.fixture
def chunk(s3_url: str, s3_client: Any) -> str:
    """A store with one session of one chunk."""
    s3_client.put_object(Bucket=BUCKET, Key=key(s3_url, "s1/chunks/0/1.webm"), Body=BODY)
    return s3_url


def key(url: str, relative: str) -> str:
    return f"{url.partition(f'{BUCKET}/')[2]}/{relative}"


def only_chunk(url: str, **options: Any) -> bytes:
    """List and read the one chunk of `s1`."""
    with open_store(url, options=S3Options(**options)) as store:
        (found,) = store.list_session("s1").chunks
        return store.read(found.object)


def refusal(url: str, **options: Any) -> SessionToolError:
    """The error that reading gives, checked for what an error must never hold."""
    with pytest.raises(SessionToolError) as caught:
        only_chunk(url, **options)
    assert caught.value.hint
    assert SECRET not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


def test_a_listing_goes_over_all_pages(s3_url: str, s3_client: Any) -> None:
    count = 1105

    def put(number: int) -> None:
        s3_client.put_object(Bucket=BUCKET, Key=key(s3_url, f"many/{number}/{number}.webm"), Body=b"")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(count)))
    with open_store(s3_url, layout=Layout("{session}/{part}/{seq}.{ext}")) as store:
        assert [chunk.seq for chunk in store.list_session("many").chunks] == list(range(count))
    with open_store(f"{s3_url}/many", layout=Layout("{session}/{seq}.{ext}")) as store:
        assert sorted(store.session_ids(), key=int) == [str(number) for number in range(count)]


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(chunk: str, s3_client: Any) -> None:
    s3_client.put_object(Bucket=BUCKET, Key=key(chunk + "-other", "s2/chunks/0/1.webm"), Body=b"")
    s3_client.put_object(Bucket=BUCKET, Key=key(chunk, "s11/chunks/0/1.webm"), Body=b"")
    for url in (chunk, f"{chunk}/", f"{chunk}//", chunk.replace("s3://", "S3://")):
        with open_store(url) as store:
            assert store.url == chunk
            assert list(store.session_ids()) == ["s1", "s11"]
            assert len(store.list_session("s1").chunks) == 1


def test_a_whole_bucket_is_a_store(s3_url: str, s3_client: Any) -> None:
    session_id = s3_url.rpartition("/")[2]
    s3_client.put_object(Bucket=BUCKET, Key=f"{session_id}/chunks/0/1.webm", Body=b"1")
    with open_store(f"s3://{BUCKET}") as store:
        assert session_id in list(store.session_ids())
        assert len(store.list_session(session_id).chunks) == 1


def test_folder_markers_are_nothing(s3_url: str, s3_client: Any) -> None:
    for marker in ("", "s1/", "s1/chunks/"):
        s3_client.put_object(Bucket=BUCKET, Key=key(s3_url, marker), Body=b"")
    with open_store(s3_url) as store:
        assert list(store.session_ids()) == ["s1"]
        listing = store.list_session("s1")
    assert (listing.chunks, listing.documents, listing.ignored) == ((), {}, ())


def test_odd_keys_are_reported(s3_url: str, s3_client: Any) -> None:
    odd = ["s1/a b", "s1/chunks/0/ü.webm", "s1/chunks/0/1%2F.webm", "s1/chunks/0/<&>.webm"]
    for name in odd:
        s3_client.put_object(Bucket=BUCKET, Key=key(s3_url, name), Body=b"")
    with open_store(s3_url) as store:
        assert sorted(stray.key for stray in store.list_session("s1").ignored) == sorted(odd)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_endpoint_can_be_an_option_and_a_host_without_buckets_in_its_name(
    chunk: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for from_environment in (False, True):
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        endpoint = f"http://{host}:{s3_server.port}"
        if from_environment:
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert only_chunk(chunk, endpoint_url=None if from_environment else endpoint) == BODY


@pytest.mark.parametrize("name", ["s3/2006-03-01/service-2", "s3/2006-03-01/endpoint-rule-set-1", "endpoints", "none"])
def test_what_botocore_knows_of_services_is_read_whole(name: str) -> None:
    from sessiontool.storage.s3.store import _Descriptions

    path = Path(botocore.__file__).parent / "data" / name
    plain, packed = Path(f"{path}.json"), Path(f"{path}.json.gz")
    known = plain.read_bytes() if plain.exists() else b"null"
    known = gzip.decompress(packed.read_bytes()) if packed.exists() else known
    assert _Descriptions().load_file(str(path)) == json.loads(known)


def test_a_profile_gives_the_credentials(
    chunk: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("aws") / "credentials"
    file.write_text(f"[recorder]\naws_access_key_id = reader\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    assert only_chunk(chunk, profile="recorder", region="eu-central-1") == BODY


@pytest.mark.parametrize(
    ("environment", "kind", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, StorageError, "secret does not belong"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, StorageError, "access key is not known"),
        ({"AWS_ACCESS_KEY_ID": "stranger"}, StorageError, "access denied"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, StorageError, "no credentials"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, StorageError, "incomplete"),
        ({"AWS_PROFILE": "nowhere"}, UsageError, "no AWS profile 'nowhere'"),
        ({"AWS_DEFAULT_REGION": "no region"}, UsageError, "'no region' is no name of a region"),
        ({"AWS_ENDPOINT_URL_S3": "example"}, UsageError, "not a URL"),
    ],
)
def test_what_is_refused_is_said(
    chunk: str,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    kind: type[SessionToolError],
    words: str,
) -> None:
    for name, value in environment.items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
    error = refusal(chunk)
    assert type(error) is kind
    assert words in error.message
    assert chunk in error.message


def test_a_bucket_that_does_not_exist(s3_url: str) -> None:
    error = refusal("s3://no-such-bucket-here/prefix")
    assert isinstance(error, NotFoundError)
    assert "s3://no-such-bucket-here" in error.message
    assert "no such bucket" in error.message


def test_who_may_read_only_cannot_publish(chunk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    assert only_chunk(chunk) == BODY
    with (
        open_store(chunk) as store,
        pytest.raises(StorageError, match="access denied") as caught,
        store.target("s1").workspace(),
    ):
        pytest.fail("no work is begun that cannot be published")
    assert "s3:PutObject" in caught.value.hint


@pytest.mark.parametrize("url", ["s3://", "s3:///key", "s3://b", "s3://under|line/x", "s3://key:hunter2@bucket/x"])
def test_what_is_no_bucket(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url)
    assert "hunter2" not in caught.value.message


def test_nobody_at_the_endpoint_is_said_within_seconds(s3_url: str) -> None:
    (port,) = free_ports(1)
    start = time.monotonic()
    error = refusal(s3_url, endpoint_url=f"http://somebody:hunter2@127.0.0.1:{port}")
    assert time.monotonic() - start < 8
    assert isinstance(error, StorageError)
    assert f"http://127.0.0.1:{port}" in error.message
    assert "hunter2" not in error.message


def test_a_host_that_does_not_exist(s3_url: str) -> None:
    assert "nothing answers at http://storage.invalid" in refusal(s3_url, endpoint_url="http://storage.invalid").message


@contextmanager
def web_server(status: int) -> Iterator[str]:
    """A server that answers everything with a web page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = b"<html><body>Welcome <b>here" if status != 307 else b""
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(page)))
            if status == 307:
                self.send_header("Location", f"http://{self.headers['Host']}{self.path}")
            self.end_headers()
            self.wfile.write(page)

        do_HEAD = do_GET  # noqa: N815 - as the server calls it

        def log_message(self, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "words"),
    [(200, "failed"), (404, "does not speak S3"), (403, "access denied"), (307, "to another place, without end")],
)
def test_a_server_that_is_no_s3(s3_url: str, status: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 0)
    with web_server(status) as endpoint:
        error = refusal(s3_url, endpoint_url=endpoint)
    assert isinstance(error, StorageError)
    assert words in error.message


@pytest.mark.parametrize("kind", ["cut", "corrupt", "reset", "slow_down"])
def test_a_chunk_that_arrives_spoiled_is_fetched_again(chunk: str, fault_proxy: FaultProxy, kind: Any) -> None:
    fault_proxy.faults += [Fault(kind, path="1.webm"), Fault(kind, path="1.webm")]
    assert only_chunk(chunk) == BODY
    assert not fault_proxy.faults
    assert fault_proxy.count("GET", "1.webm") == 3


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_listing_that_arrives_spoiled_is_fetched_again(chunk: str, fault_proxy: FaultProxy, kind: Any) -> None:
    fault_proxy.faults += [Fault(kind, path="list-type"), Fault(kind, path="list-type")]
    assert only_chunk(chunk) == BODY
    assert fault_proxy.count("GET", "list-type") == 3


def test_a_burst_of_throttling_longer_than_boto3s_patience_is_sat_out(chunk: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.faults += [Fault("slow_down")] * 5
    assert only_chunk(chunk) == BODY
    assert not fault_proxy.faults


@pytest.mark.parametrize(("kind", "words"), [("cut", "broke off"), ("slow_down", "slow down"), ("corrupt", "checksum")])
def test_a_fault_that_does_not_pass_is_an_error_in_the_end(
    chunk: str, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, kind: Any, words: str
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 2)
    fault_proxy.faults += [Fault(kind, path="1.webm")] * 100
    error = refusal(chunk)
    assert isinstance(error, StorageError)
    assert words in error.message
    assert f"{chunk}/s1/chunks/0/1.webm" in error.message


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    chunk: str, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 0)
    fault_proxy.faults += [Fault("stall", seconds=1)] * 20
    error = refusal(chunk, read_timeout_s=0.2)
    assert "does not answer in time" in error.message


def test_the_result_is_typed_and_its_report_comes_last(chunk: str, fault_proxy: FaultProxy, s3_client: Any) -> None:
    expected = {
        "report.json": "application/json",
        "audio.webm": "audio/webm",
        "captions.srt": "application/x-subrip",
        "captions.vtt": "text/vtt; charset=utf-8",
    }
    with open_store(chunk) as store:
        target = store.target("s1")
        with target.workspace() as work:
            for name in expected:
                (work / name).write_text(name)
            target.publish({name: work / name for name in expected})
    changes = [
        f"{method} {path.rpartition('/')[2]}" for method, path in fault_proxy.requests if method in {"PUT", "DELETE"}
    ]
    assert changes[0] == "PUT .sessiontool.lease"
    assert sorted(changes[1:4]) == ["PUT audio.webm", "PUT captions.srt", "PUT captions.vtt"]
    assert changes[4:] == ["PUT report.json", "DELETE .sessiontool.lease"]
    for name, content_type in expected.items():
        head = s3_client.head_object(Bucket=BUCKET, Key=key(chunk, f"s1/merged/{name}"))
        assert (head["ContentType"], head["ContentLength"]) == (content_type, len(name))


def test_a_large_file_goes_up_in_parts_and_whole(chunk: str, s3_client: Any, fault_proxy: FaultProxy) -> None:
    audio = BODY * 160
    fault_proxy.faults += [Fault("slow_down", method="PUT", path="audio.webm"), Fault("reset", method="PUT")]
    with open_store(chunk) as store:
        target = store.target("s1")
        with target.workspace() as work:
            (work / "audio.webm").write_bytes(audio)
            (work / "report.json").write_bytes(b"{}")
            target.publish({path.name: path for path in work.iterdir()})
    stored = s3_client.get_object(Bucket=BUCKET, Key=key(chunk, "s1/merged/audio.webm"))
    with stored["Body"] as body:
        assert body.read() == audio
    assert stored["ContentType"] == "audio/webm"
    assert not fault_proxy.faults


def test_a_chunk_that_went_up_in_parts_is_read(s3_url: str, s3_client: Any) -> None:
    s3_client.upload_fileobj(io.BytesIO(BODY * 160), BUCKET, key(s3_url, "s1/chunks/0/1.webm"))
    assert only_chunk(s3_url) == BODY * 160


def test_an_upload_that_fails_leaves_the_old_result_and_nothing_else(
    chunk: str, s3_client: Any, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 1)
    place = Prefix(chunk, s3_client)
    with open_store(chunk) as store:
        target = store.target("s1")
        publish(target, "audio.webm", report=b"old")
        before = place.keys()
        fault_proxy.faults += [Fault("slow_down", method="PUT", path="audio.webm")] * 100
        with pytest.raises(StorageError, match=r"cannot write s3://.*/audio\.webm: the server asks to slow down"):
            publish(target, "audio.webm", report=b"new")
        fault_proxy.faults.clear()
        assert target.read("report.json") == b"old"
    assert place.keys() == before


def test_threads_may_share_a_store(chunk: str) -> None:
    with open_store(chunk) as store:
        objects: list[StoredObject] = [store.list_session("s1").chunks[0].object] * 40
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(store.read, objects)) == {BODY}


def test_a_large_document_is_read_in_ranges(
    s3_url: str, s3_client: Any, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a log of events is as long as; a request that is cut short is repeated, and a change of the object said."""
    monkeypatch.setattr("sessiontool.storage.s3.fetch._LARGE_BYTES", 10_000)
    where = key(s3_url, "s1/events.jsonl")
    s3_client.put_object(Bucket=BUCKET, Key=where, Body=BODY)
    with open_store(s3_url) as store:
        found = store.list_session("s1").documents["events.jsonl"]
        fault_proxy.faults += [Fault("cut", path="events.jsonl"), Fault("reset", path="events.jsonl")]
        with store.reading(()) as read:
            with read.opened(found) as file:
                assert file.read() == BODY
                for place in (0, 9_990, len(BODY) - 5, len(BODY)):
                    assert file.seek(place) == place
                    assert file.read(20) == BODY[place : place + 20]
            s3_client.put_object(Bucket=BUCKET, Key=where, Body=BODY[::-1])
            with read.opened(found) as file, pytest.raises(StorageError, match="changed since it was listed"):
                file.read()
