"""The Lambda handler in AWS' own runtime client, against a real S3 server, and a real SQS API (moto's server)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from lambdaruntime import Runtime, run_lambda
from s3server import BUCKET, SECRET, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3server import S3Server

SESSIONS = Path(__file__).parent / "data" / "sessions"
DEMO = Path(__file__).parent.parent / "samples" / "demo"


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"voice recordings/{uuid.uuid4().hex}"  # a space: S3's notifications encode it


@pytest.fixture(scope="module")
def function(s3_server: S3Server, prefix: str) -> Iterator[Runtime]:
    """One warm function for all tests here."""
    with run_lambda({**s3_server.environment(), "SESSIONTOOL_STORE": f"s3://{BUCKET}/{prefix}"}) as runtime:
        yield runtime


class Bucket:
    """Where the sessions of these tests are."""

    def __init__(self, client: Any, prefix: str) -> None:
        self.client, self.prefix = client, prefix

    def upload(self, folder: Path, session_id: str, *, without: str = "") -> None:
        for path in sorted(filter(Path.is_file, folder.rglob("*"))):
            if path.name != without:
                key = f"{self.prefix}/{session_id}/{path.relative_to(folder).as_posix()}"
                self.client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    def published(self, session_id: str) -> set[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}/{session_id}/merged/")
        return {entry["Key"].rpartition("/")[2] for entry in found.get("Contents", ())}


@pytest.fixture
def bucket(s3_client: Any, prefix: str) -> Bucket:
    return Bucket(s3_client, prefix)


def message(number: int, body: Any) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "eventSource": "aws:sqs",
    }


def notification(key: str, *, bucket: str = BUCKET) -> dict[str, Any]:
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}}  # fmt: skip  # noqa: E501


ODD_KEYS = (7, None, ["x"], {"key": "x"}, "%ff%fe/session.json", "%c3/session.json")


def odd_notification(key: Any) -> dict[str, Any]:
    return {"eventSource": "aws:s3", "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}}}


def test_a_direct_call(function: Runtime, bucket: Bucket) -> None:
    bucket.upload(SESSIONS / "chrome-silence", "direct")
    first = function.invoke({"session_id": "direct"})
    assert (first.kind, first.body["status"], first.body["session_id"]) == ("response", "complete", "direct")
    assert first.body["location"].endswith("direct/merged")
    assert bucket.published("direct") >= {"audio.webm", "captions.vtt", "report.json"}
    assert function.invoke({"session_id": "direct"}).body["status"] == "unchanged"
    assert function.invoke({"session_id": "direct", "force": True}).body["status"] == "complete"
    assert {line["status"] for line in function.logged("session")} >= {"complete", "unchanged"}


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        ({"session_id": "nobody"}, "NotFoundError", "no session nobody"),
        ({"session_id": "../up"}, "UsageError", "not a session id"),
        ({"something": "else"}, "UsageError", "the event names no session"),
        ([], "UsageError", "the event names no session"),
        ({"session_id": 7}, "UsageError", "the event names no session"),
        ({"source": "aws.s3", "detail": {}}, "UsageError", "the notification has no text in detail.bucket.name"),
        ({"source": "aws.s3", "detail": 7}, "UsageError", "the notification has no text in detail.bucket.name"),
        ({"Records": [{"eventSource": "aws:s3", "s3": []}]}, "UsageError", "has no text in s3.bucket.name"),
        ({"Records": [notification("x/session.json", bucket="other")]}, "UsageError", "of bucket 'other'"),
    ],
)
def test_a_call_that_fails(function: Runtime, event: Any, kind: str, words: str) -> None:
    answer = function.invoke(event)
    assert (answer.kind, answer.body["errorType"]) == ("error", kind), answer
    assert words in answer.body["errorMessage"]


def test_a_batch_of_messages_with_bad_ones(function: Runtime, bucket: Bucket, prefix: str) -> None:
    bucket.upload(SESSIONS / "chrome-silence", "queued")
    bucket.upload(SESSIONS / "chrome-mono", "noticed")
    messages = [
        message(0, {"session_id": "queued"}),
        message(1, "not json"),
        message(2, {"session_id": "nobody"}),
        message(3, {"Records": [notification(f"{prefix}/noticed/session.json")]}),
        *(message(number, {"Records": [odd_notification(key)]}) for number, key in enumerate(ODD_KEYS, 10)),
        message(21, {"Records": [None]}),
        {**message(22, ""), "body": None},
        message(4, {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}),
        message(5, "[" * 100_000),
    ]
    answer = function.invoke({"Records": messages})
    bad = (1, 2, *range(10, 10 + len(ODD_KEYS)), 21, 22, 5)
    assert answer == ("response", {"batchItemFailures": [{"itemIdentifier": f"message-{n}"} for n in bad]})
    assert "report.json" in bucket.published("queued")
    assert "report.json" in bucket.published("noticed")
    assert [line["message_id"] for line in function.logged("error")][:1] == ["message-1"]


def test_notifications_of_s3(function: Runtime, bucket: Bucket, prefix: str) -> None:
    bucket.upload(SESSIONS / "chrome-silence", "ended")
    bucket.upload(SESSIONS / "chrome-silence", "going-on", without="session.json")
    manifest = json.loads((SESSIONS / "chrome-silence" / "session.json").read_text())
    manifest["parts"][0].pop("stop_ms")
    key = f"{prefix}/going-on/session.json"
    bucket.client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(manifest).encode())
    keys = ["ended/session.json", "going-on/session.json", "ended/chunks/0/0.webm", "ended/merged/session.json", "x"]
    answer = function.invoke({"Records": [notification(f"{prefix}/{key}") for key in keys]})
    assert [(one["session_id"], one["status"]) for one in answer.body["sessions"]] == [
        ("ended", "complete"), ("going-on", "skipped"),
    ]  # fmt: skip
    assert "was not stopped" in answer.body["sessions"][1]["reason"]
    assert bucket.published("going-on") == set()
    # EventBridge says the same in another form, and does not encode the key.
    detail = {"bucket": {"name": BUCKET}, "object": {"key": f"{prefix}/ended/session.json"}}
    again = function.invoke({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    assert [one["status"] for one in again.body["sessions"]] == ["unchanged"]


def test_what_is_deleted_is_no_end_of_a_session(function: Runtime, prefix: str) -> None:
    """`purge` deletes documents that a bucket with all of its events tells of."""
    key = f"{prefix}/purged/session.json"
    gone = {**notification(key), "eventName": "ObjectRemoved:Delete"}
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    for event in ({"Records": [gone]}, {"source": "aws.s3", "detail-type": "Object Deleted", "detail": detail}):
        assert function.invoke(event).body == {"sessions": []}


def test_a_merge_that_time_runs_out_on_is_broken_off(function: Runtime, bucket: Bucket) -> None:
    bucket.upload(DEMO, "late")
    answer = function.invoke({"Records": [message(1, {"session_id": "late"})]}, seconds=3.1)
    assert answer == ("response", {"batchItemFailures": [{"itemIdentifier": "message-1"}]})
    assert bucket.published("late") == set()
    none_left = function.invoke({"session_id": "late"}, seconds=1)
    assert (none_left.kind, none_left.body["errorMessage"]) == ("error", "there was not enough time")
    assert function.invoke({"session_id": "late"}).body["status"] == "complete"


# -- SQS, SNS and EventBridge, all three moto's


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of moto's server, a process of its own."""
    port = free_ports(1)[0]
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(aws("sqs", f"http://127.0.0.1:{port}"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def aws(service: str, endpoint: str) -> Any:
    import boto3

    session: Any = boto3.Session(aws_access_key_id="owner", aws_secret_access_key=SECRET, region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint)


@pytest.fixture
def sqs(moto: str) -> Iterator[Any]:
    client = aws("sqs", moto)
    yield client
    client.close()


def queue_with_arn(client: Any, name: str) -> tuple[str, str]:
    url = client.create_queue(QueueName=name)["QueueUrl"]
    return url, client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _wait_for(client: Any) -> None:
    from botocore.exceptions import BotoCoreError

    for _ in range(200):
        try:
            client.list_queues()
        except BotoCoreError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("moto's server does not come up")


def poll(client: Any, queue: str, function: Runtime) -> int:
    """What Lambda's event source mapping does once: hand over messages, delete those that did not fail."""
    received = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
    records = [{"messageId": one["MessageId"], "body": one["Body"], "eventSource": "aws:sqs"} for one in received]
    if records:
        answer = function.invoke({"Records": records})
        assert answer.kind == "response"
        failed = {one["itemIdentifier"] for one in answer.body["batchItemFailures"]}
        for one in received:
            if one["MessageId"] not in failed:
                client.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    return len(records)


def test_a_bad_message_ends_in_the_dead_letter_queue_alone(sqs: Any, function: Runtime, bucket: Bucket) -> None:
    bucket.upload(SESSIONS / "chrome-silence", "from-sqs")
    dead, arn = queue_with_arn(sqs, "dead")
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    queue = sqs.create_queue(QueueName="sessions", Attributes=attributes)["QueueUrl"]
    for session_id in ("from-sqs", "nobody"):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"session_id": session_id}))
    handed_over = 0
    for _ in range(4):
        handed_over += poll(sqs, queue, function)
    assert handed_over == 3  # the good one once, the bad one as often as the queue allows
    assert "report.json" in bucket.published("from-sqs")
    left = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(one["Body"]) for one in left] == [{"session_id": "nobody"}]


@pytest.mark.parametrize("service", ["sns", "events"])
def test_a_message_is_sent_at_the_end_of_each_session(
    service: str, moto: str, sqs: Any, s3_server: S3Server, s3_client: Any, s3_url: str
) -> None:
    bucket = Bucket(s3_client, s3_url.partition(f"{BUCKET}/")[2])
    bucket.upload(SESSIONS / "chrome-silence", "told")
    queue, queue_arn = queue_with_arn(sqs, f"heard-from-{service}")
    client = aws(service, moto)
    if service == "sns":
        arn = client.create_topic(Name="sessions")["TopicArn"]
        client.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    else:
        pytest.importorskip("jsonpath_ng", reason="moto's EventBridge delivers nothing without it")
        arn = client.create_event_bus(Name="sessions")["EventBusArn"]
        client.put_rule(Name="all", EventBusName="sessions", EventPattern=json.dumps({"source": ["sessiontool"]}))
        client.put_targets(Rule="all", EventBusName="sessions", Targets=[{"Id": "queue", "Arn": queue_arn}])
    client.close()
    around = {**s3_server.environment(), "SESSIONTOOL_STORE": s3_url, "SESSIONTOOL_NOTIFY_ARN": arn}
    with run_lambda({**around, "AWS_ENDPOINT_URL_SNS": moto, "AWS_ENDPOINT_URL_EVENTBRIDGE": moto}) as function:
        first = function.invoke({"session_id": "told"})
        assert first.body.get("status") == "complete", first
        assert function.invoke({"session_id": "nobody"}).kind == "error"
    bodies = [
        json.loads(one["Body"]) for one in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    ]
    said = [json.loads(body["Message"]) if service == "sns" else body["detail"] for body in bodies]
    assert [(one["session_id"], one["status"], one["exit_code"]) for one in said] == [
        ("told", "complete", 0), ("nobody", "failed", 3),
    ]  # fmt: skip
    assert {body.get("Subject") or body["detail-type"] for body in bodies} == {
        "sessiontool: session merged", "sessiontool: session failed",
    }  # fmt: skip


def test_a_message_that_cannot_be_sent_is_no_silence(
    moto: str, s3_server: S3Server, s3_client: Any, s3_url: str
) -> None:
    Bucket(s3_client, s3_url.partition(f"{BUCKET}/")[2]).upload(SESSIONS / "chrome-silence", "told")
    around = {**s3_server.environment(), "SESSIONTOOL_STORE": s3_url, "AWS_ENDPOINT_URL_SNS": moto}
    for arn, kind in (("arn:aws:sns:us-east-1:123456789012:gone", "StorageError"), ("me@example.com", "UsageError")):
        with run_lambda({**around, "SESSIONTOOL_NOTIFY_ARN": arn}) as function:
            answer = function.invoke({"session_id": "told"})
        assert (answer.kind, answer.body["errorType"]) == ("error", kind)


def test_what_is_lost_is_told_by_the_call_after_one_that_could_not(
    moto: str, sqs: Any, s3_server: S3Server, s3_client: Any, s3_url: str
) -> None:
    """It finds the session unchanged, and the alarm is on the status `partial`."""
    bucket = Bucket(s3_client, s3_url.partition(f"{BUCKET}/")[2])
    bucket.upload(SESSIONS / "chrome-24k", "hurt")
    key = f"{bucket.prefix}/hurt/chunks/000/000002.webm"
    size = s3_client.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    s3_client.put_object(Bucket=BUCKET, Key=key, Body=bytes(size))
    around = {**s3_server.environment(), "SESSIONTOOL_STORE": s3_url, "AWS_ENDPOINT_URL_SNS": moto}
    arn = "arn:aws:sns:us-east-1:123456789012:late"
    with run_lambda({**around, "SESSIONTOOL_NOTIFY_ARN": arn}) as function:
        event = {"Records": [notification(f"{bucket.prefix}/hurt/session.json")]}
        assert function.invoke(event).kind == "error"
        queue, queue_arn = queue_with_arn(sqs, "heard-late")
        client = aws("sns", moto)
        assert client.create_topic(Name="late")["TopicArn"] == arn
        client.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        client.close()
        assert [one["status"] for one in function.invoke(event).body["sessions"]] == ["unchanged"]
    (body,) = [json.loads(one["Body"]) for one in sqs.receive_message(QueueUrl=queue)["Messages"]]
    said = json.loads(body["Message"])
    assert (said["status"], said["lost_s"] > 1, body["MessageAttributes"]["status"]["Value"]) == (
        "partial", True, "partial",
    )  # fmt: skip
