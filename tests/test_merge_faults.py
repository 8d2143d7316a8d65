"""A merge from S3 while the network and the server misbehave: the right result or none, and the right exit code."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faultproxy import Fault
from places import Prefix
from s3server import SECRET
from typer.testing import CliRunner

from sessiontool.cli import app
from sessiontool.errors import UsageError
from sessiontool.storage import S3Options, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from faultproxy import FaultProxy

SESSION = "chrome-silence"
RESULT = [
    f"{SESSION}/merged/{name}"
    for name in ("audio.webm", "captions.srt", "captions.vtt", "report.json", "transcript.json")
]
LEASE = f"{SESSION}/merged/.sessiontool.lease"

# What a merge asks for, in order: the kind of request, and what is in its path.
ASKED = {
    "the listing": ("GET", "list-type"),
    "the lease": ("PUT", "lease"),
    "a document": ("GET", "session.json"),
    "a chunk": ("GET", "000001.webm"),
    "another chunk": ("GET", "000002.webm"),
    "the audio": ("PUT", "audio.webm"),
    "the report": ("PUT", "report.json"),
    "the lease's end": ("DELETE", "lease"),
}


@pytest.fixture
def bucket(
    s3_url: str, s3_client: Any, recorded_session: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Prefix:
    """A store with one session; whoever asks again does so at once."""
    monkeypatch.setattr("sessiontool.storage.s3.bucket._FIRST_DELAY_S", 0.01)
    monkeypatch.setattr("sessiontool.storage.s3.bucket._FIRST_THROTTLED_DELAY_S", 0.02)
    monkeypatch.setattr("sessiontool.storage.s3.store._REQUEST_ATTEMPTS", 1)
    place = Prefix(s3_url, s3_client)
    session = recorded_session(SESSION)
    for path in filter(Path.is_file, session.rglob("*")):
        place.put(str(path.relative_to(session.parent)), path.read_bytes())
    return place


def merge(bucket: Prefix, *options: str) -> tuple[int, str]:
    """The exit code, and what was said."""
    done = CliRunner().invoke(app, ["merge", SESSION, "--store", bucket.url, "--no-align", "--quiet", *options])
    assert SECRET not in done.output
    return done.exit_code, done.output


def verified(bucket: Prefix) -> bool:
    return CliRunner().invoke(app, ["verify", SESSION, "--store", bucket.url, "--quiet"]).exit_code == 0


def results(bucket: Prefix) -> dict[str, bytes]:
    """What lies in the folder of results, by key."""
    return {key: bucket.get(key) for key in list(bucket.keys()) if "/merged/" in key}


@pytest.mark.parametrize("kind", ["slow_down", "busy", "reset", "cut", "short", "corrupt"])
def test_what_passes_changes_nothing(bucket: Prefix, fault_proxy: FaultProxy, kind: Any) -> None:
    assert merge(bucket) == (0, "")
    clean = results(bucket)
    for key in clean:
        bucket.delete(key)
    spoiled = (
        ASKED if kind in {"slow_down", "busy", "too_many", "reset"} else ("a chunk", "another chunk", "a document")
    )
    fault_proxy.faults += [Fault(kind, *ASKED[what]) for what in spoiled] * 2
    assert merge(bucket) == (0, "")
    assert not fault_proxy.faults
    assert results(bucket) == clean


@pytest.mark.parametrize("what", ["the listing", "the lease", "a chunk", "the audio", "the report", "the lease's end"])
def test_a_server_that_stays_busy(
    bucket: Prefix, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 0.2)
    fault_proxy.faults.append(Fault("slow_down", *ASKED[what], lasting=True))
    code, said = merge(bucket)
    if what == "the lease's end":  # the result is there by then, and the lease runs out
        assert (code, verified(bucket), set(results(bucket))) == (0, True, {*RESULT, LEASE})
        return
    assert code == 5
    assert "slow down" in said
    assert not {key for key in results(bucket) if key.endswith("report.json")}
    fault_proxy.faults.clear()
    monkeypatch.setattr("sessiontool.storage.s3.lease._CLOCK_STEP_S", -3600)
    assert merge(bucket) == (0, "")
    assert list(results(bucket)) == RESULT


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("cut", path="000002.webm", lasting=True), "broke off"),
        (Fault("short", path="000002.webm", lasting=True), "broke off"),
        (Fault("reset", path="000002.webm", lasting=True), "broke off"),
        (Fault("stall", path="000002.webm", seconds=2, lasting=True), "does not answer in time"),
        (Fault("corrupt", path="000002.webm", lasting=True), "checksum"),
        (Fault("expired", path="/chunks/", lasting=True), "credentials have expired"),
        (Fault("denied", path="/chunks/000/", lasting=True), "access denied"),
        (Fault("denied", method="PUT", path="audio.webm", lasting=True), "access denied"),
        (Fault("denied", method="PUT", path="lease", lasting=True), "access denied"),
        (Fault("expired", method="PUT", path="report.json", lasting=True), "credentials have expired"),
    ],
)
def test_what_does_not_pass_leaves_the_old_result(
    bucket: Prefix, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, fault: Fault, words: str
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 0.2)
    impatient = S3Options(read_timeout_s=0.5)
    monkeypatch.setattr(
        "sessiontool.storage.open_store", lambda url, **more: open_store(url, **more | {"options": impatient})
    )
    assert merge(bucket) == (0, "")
    published = results(bucket)
    fault_proxy.faults.append(fault)
    code, said = merge(bucket, "--force", "--pauses", "keep")
    assert code == 5
    assert words in said
    assert "hint: " in said
    assert results(bucket) == published


def test_a_result_that_cannot_be_put_in_place_waits_for_the_next_run(
    bucket: Prefix, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert merge(bucket) == (0, "")
    fault_proxy.faults.append(Fault("denied", method="PUT", path="/merged/audio.webm", lasting=True))
    code, said = merge(bucket, "--force", "--pauses", "keep")
    assert code == 5
    assert "access denied" in said
    assert f"{SESSION}/merged/report.json" not in results(bucket)
    fault_proxy.faults.clear()
    monkeypatch.setattr("sessiontool.storage.s3.lease._CLOCK_STEP_S", -3600)
    assert merge(bucket, "--pauses", "keep") == (0, "")
    assert fault_proxy.count("PUT", "/.sessiontool-") == len(RESULT)  # it was not made anew
    assert verified(bucket)
    assert list(results(bucket)) == RESULT


def test_a_stall_is_sat_out(bucket: Prefix, fault_proxy: FaultProxy) -> None:
    fault_proxy.faults += [Fault("stall", *where, seconds=0.5) for where in ASKED.values()]
    assert merge(bucket) == (0, "")
    assert verified(bucket)


def test_no_room_to_work_in(bucket: Prefix, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sessiontool", "merge", SESSION, "--store", bucket.url, "--no-align"]
    run = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert (run.returncode, run.stdout) == (5, "")
    assert "larger than allowed" in run.stderr
    assert results(bucket) == {}


# -- what is asked of S3 for what is published


def test_encryption_and_tags_are_on_everything_that_is_published(bucket: Prefix, s3_client: Any) -> None:
    options = ("--sse", "AES256", "--tags", "team=voice training, class=pii")
    for more in ((), ("--force",)):  # put at once, and copied into place
        assert merge(bucket, *options, *more) == (0, "")
        for key in RESULT:
            place = {"Bucket": bucket.bucket, "Key": bucket.prefix + key}
            assert s3_client.head_object(**place)["ServerSideEncryption"] == "AES256"
            tags = {tag["Key"]: tag["Value"] for tag in s3_client.get_object_tagging(**place)["TagSet"]}
            assert tags == {"team": "voice training", "class": "pii"}
    assert verified(bucket)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sse": "rot13"}, "'rot13' is no encryption"),
        ({"sse": "AES256", "sse_kms_key_id": "k"}, "a KMS key encrypts nothing with AES256"),
        ({"tags": "team"}, "'team' is no tag"),
        ({"tags": "a=1,a=2"}, "'a=2' is no tag, or is there twice"),
        ({"tags": "a=<b>"}, "'a=<b>' is no tag"),
        ({"tags": "=b"}, "'=b' is no tag"),
        ({"tags": ",".join(f"t{n}=1" for n in range(11))}, "11 tags are too many"),
    ],
)
def test_what_s3_would_refuse_is_said_before(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store("s3://recordings", options=S3Options(**options))  # type: ignore[arg-type]
    assert words in caught.value.message
    assert caught.value.hint


def test_the_key_of_kms_is_handed_on(bucket: Prefix, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test server has no KMS: what is sent is looked at instead."""
    from botocore.client import BaseClient

    sent = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(self: Any, name: str, parameters: Any) -> Any:
        sent.append((name, parameters.get("ServerSideEncryption"), parameters.get("SSEKMSKeyId")))
        kept = {key: value for key, value in parameters.items() if "SSE" not in key and "Encryption" not in key}
        return call(self, name, kept)

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)
    monkeypatch.setenv("SESSIONTOOL_SSE_KMS_KEY_ID", "alias/recordings")
    for options in ((), ("--force",)):
        assert merge(bucket, *options) == (0, "")
    written = [one for one in sent if one[0] in {"PutObject", "CopyObject", "CreateMultipartUpload"}]
    assert len(written) > 10
    assert {one[1:] for one in written} == {("aws:kms", "alias/recordings")}


# -- what it costs


def test_a_first_merge_asks_for_nothing_twice(bucket: Prefix, fault_proxy: FaultProxy) -> None:
    session = [key.rpartition("/")[2] for key in list(bucket.keys()) if not key.endswith("/truth.json")]
    assert merge(bucket) == (0, "")
    sent = [(method, path.partition("?")[0].rpartition("/")[2]) for method, path in fault_proxy.requests]
    read = [name for method, name in sent[1:] if method == "GET"]
    assert sorted(read) == sorted([*session, "report.json"])
    assert fault_proxy.count("GET", "list-type") == 1
    written = [name for method, name in sent if method == "PUT"]
    assert written[0] == ".sessiontool.lease"
    assert sorted(written[1:-1]) == ["audio.webm", "captions.srt", "captions.vtt", "transcript.json"]
    assert sent[-2:] == [("PUT", "report.json"), ("DELETE", ".sessiontool.lease")]
    assert len(sent) == 1 + len(read) + len(written) + 1


def test_a_result_that_is_replaced_is_looked_at_twice(bucket: Prefix, fault_proxy: FaultProxy) -> None:
    assert merge(bucket) == (0, "")
    fault_proxy.requests.clear()
    assert merge(bucket, "--force", "--pauses", "keep") == (0, "")
    assert fault_proxy.count("GET", "merged/report.json") == 2
    assert not fault_proxy.count("HEAD")


# -- what has to be allowed

ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "DeleteObject": "s3:DeleteObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    **dict.fromkeys(
        ("PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"), "s3:PutObject"
    ),
}


def allowed(statements: Any, action: str, key: str) -> bool:
    """Whether the policy of the documentation allows an action, its store being ours."""
    what = f"arn:aws:s3:::recordings/{key}".rstrip("/")
    return any(action in statement["Action"] and fnmatch(what, statement["Resource"]) for statement in statements)


def test_the_documented_policy_allows_what_a_run_does(
    bucket: Prefix, monkeypatch: pytest.MonkeyPatch, fault_proxy: FaultProxy
) -> None:
    from botocore.client import BaseClient

    page = (Path(__file__).parent.parent / "docs/storage.md").read_text()
    policy = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    sent: set[tuple[str, str]] = set()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(self: Any, name: str, parameters: Any) -> Any:
        sent.add((name, parameters.get("Key", "").replace(bucket.prefix, "sessions/")))
        return call(self, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)
    for options in ((), ("--force",), ()):  # the first, one that replaces it, and one that finds nothing to do
        assert merge(bucket, *options) == (0, "")
    assert len(sent) > 15
    assert [one for one in sent if not allowed(policy["Statement"], ACTIONS[one[0]], one[1])] == []


# -- consent


CONSENT = {"recorded": True, "policy": "2026-01", "who": ["user"], "at": "2026-11-22T09:00:00Z"}


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        ({"recorded": False}, "says that there is none"),
        ({"policy": "2026-01"}, "says nothing of it"),
        ({"recorded": "true"}, "says nothing of it"),
        ({"recorded": 1}, "says nothing of it"),
        ({"recorded": True}, "does not say who agreed (who), to which notice (policy), when (at, in RFC 3339)"),
        ({**CONSENT, "who": []}, "does not say who agreed (who)"),
        ({**CONSENT, "policy": " "}, "does not say to which notice (policy)"),
        ({**CONSENT, "at": "2026-11-22T09:00:00"}, "does not say when (at, in RFC 3339)"),
        ({**CONSENT, "at": 12}, "does not say when (at, in RFC 3339)"),
        (None, "says nothing of it"),
        ("no document", "is not there"),
    ],
)
def test_without_consent_nothing_is_merged_where_it_is_required(
    copy: Callable[[str], Path], consent: Any, words: str
) -> None:
    folder = copy(SESSION)
    document = folder / "session.json"
    document.write_text(json.dumps(json.loads(document.read_text()) | {"consent": consent}))
    if consent == "no document":
        document.unlink()
    command = ["merge", SESSION, "--store", str(folder.parent), "--no-align", "--quiet"]
    done = CliRunner().invoke(app, [*command, "--require-consent"])
    assert done.exit_code == 4
    assert words in done.output
    assert '"consent": {"recorded": true, "policy":' in done.output
    assert not (folder / "merged").exists()
    assert CliRunner().invoke(app, command).exit_code == 0
    published = (folder / "merged" / "report.json").read_bytes()
    for again in (command, ["batch", *command[1:], "--workers", "1", "--pending"]):
        done = CliRunner().invoke(app, [*again, "--require-consent"])
        assert (done.exit_code, "was merged without a recorded consent" in done.output) == (4, True)
    assert (folder / "merged" / "report.json").read_bytes() == published


@pytest.mark.parametrize("who", ["who", "by"])
def test_with_consent_all_is_merged(copy: Callable[[str], Path], who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy(SESSION)
    document = folder / "session.json"
    consent = {name if name != "who" else who: value for name, value in CONSENT.items()}
    document.write_text(json.dumps(json.loads(document.read_text()) | {"consent": consent}))
    monkeypatch.setenv("SESSIONTOOL_REQUIRE_CONSENT", "yes")
    command = ["merge", SESSION, "--store", str(folder.parent), "--no-align", "--quiet"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (folder / "merged" / "report.json").exists()
