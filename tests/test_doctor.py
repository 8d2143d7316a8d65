"""`sessiontool doctor`: what it finds where all is well, and for each thing that may be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from places import Prefix
from s3server import BUCKET, SECRET
from typer.testing import CliRunner

from sessiontool.cli import app
from sessiontool.storage.checks import doubtful, probe
from sessiontool.storage.s3 import checks as s3_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from faultproxy import FaultProxy

SESSIONS = Path(__file__).parent / "data" / "sessions"


def doctor(*arguments: str | Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and every check by its name."""
    done = CliRunner().invoke(app, ["doctor", "--json", *map(str, arguments)])
    assert SECRET not in done.output
    document = json.loads(done.stdout)
    assert document["schema"] == "sessiontool.doctor/1"
    assert (document["status"] == "failed") == bool(done.exit_code)
    return done.exit_code, {check["name"]: check for check in document["checks"]}


def failed(checks: dict[str, dict[str, Any]]) -> set[str]:
    assert all(check["hint"] for check in checks.values() if check["status"] != "ok")
    return {name for name, check in checks.items() if check["status"] == "failed"}


def test_a_folder_where_all_is_well(tmp_path: Path) -> None:
    code, checks = doctor("--store", SESSIONS, "--output", tmp_path / "not" / "there" / "yet")
    assert (code, failed(checks)) == (0, set())
    assert {"sessiontool", "packages", "decoder", "store", "sessions", "output"} <= set(checks)
    assert "chrome-1s for one: listed" in checks["sessions"]["what"]
    assert "boto3 " in checks["packages"]["what"]
    assert checks["extra formats"]["status"] == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def bucket(s3_url: str, s3_client: Any) -> Prefix:
    """A store on S3 with one session."""
    found = Prefix(s3_url, s3_client)
    found.put("s1/chunks/0/0.webm", b"sound")
    return found


def test_a_bucket_where_all_is_well(bucket: Prefix) -> None:
    code, checks = doctor("--store", bucket.url)
    assert (code, failed(checks)) == (0, set()), checks
    for name in (
        "credentials",
        "bucket",
        "clock",
        "sessions",
        "write",
        "checksums",
        "conditional write",
        "copy",
        "delete",
        "versions",
    ):
        assert checks[name]["status"] == "ok", checks[name]
    assert checks["credentials"]["what"] == "from env"
    assert checks["checksums"]["what"].endswith("a wrong one is refused")
    assert bucket.keys() == ["s1/chunks/0/0.webm"]  # its own objects are gone


def test_who_may_only_read(bucket: Prefix, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    code, checks = doctor("--store", bucket.url)
    assert (code, failed(checks)) == (5, {"write"})
    assert "s3:PutObject" in checks["write"]["hint"]
    code, checks = doctor("--store", bucket.url, "--output", tmp_path)
    assert (code, failed(checks)) == (0, set())


@pytest.mark.parametrize(
    ("variable", "value", "name", "code"),
    [
        ("AWS_ACCESS_KEY_ID", "stranger", "bucket", 5),
        ("AWS_ACCESS_KEY_ID", "nobody", "bucket", 5),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "bucket", 5),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", "bucket", 5),
        ("AWS_ACCESS_KEY_ID", None, "credentials", 5),
        ("AWS_PROFILE", "nobody", "store", 2),
    ],
)
def test_what_may_be_wrong_with_s3(
    bucket: Prefix, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, name: str, code: int
) -> None:
    monkeypatch.setenv(variable, value) if value else monkeypatch.delenv(variable)
    if not value:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    found, checks = doctor("--store", bucket.url)
    assert (found, failed(checks)) == (code, {name}), checks
    assert list(checks)[-1] == name  # what cannot work any more is not tried


def test_a_bucket_that_is_not_there_and_a_prefix_without_sessions(bucket: Prefix) -> None:
    code, checks = doctor("--store", "s3://no-such-bucket/x")
    assert (code, failed(checks)) == (3, {"bucket"})
    code, checks = doctor("--store", f"s3://{BUCKET}/nothing/here")
    assert (code, checks["sessions"]["status"]) == (0, "warning")


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (["--store", "nowhere"], 3, "store"),
        (["--store", "ftp://x"], 2, "store"),
        (["--store", ".", "--output", "/proc/x"], 5, "output"),
    ],
)
def test_what_may_be_wrong_with_folders(
    arguments: list[str], code: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found, checks = doctor(*arguments)
    assert (found, failed(checks)) == (code, {name}), checks


def test_a_server_that_keeps_no_conditions_is_found_out(bucket: Prefix, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers as if there had been none."""
    from sessiontool.storage.s3.bucket import Bucket

    def put(self: Bucket, key: str, body: bytes, tag: str | None) -> str:
        return str(self.client.put_object(Bucket=self.name, Key=key, Body=body)["ETag"])

    monkeypatch.setattr(Bucket, "put_if", put)
    code, checks = doctor("--store", bucket.url)
    assert (code, failed(checks)) == (5, {"conditional write"})
    assert "run one at a time" in checks["conditional write"]["hint"]
    assert bucket.keys() == ["s1/chunks/0/0.webm"]


@pytest.mark.parametrize("becomes", ["refused", "framed"])
def test_a_server_that_is_older_than_checksums(
    becomes: Literal["refused", "framed"], bucket: Prefix, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One refuses what comes with a checksum, another stores the frame around it: tried, and said what to set."""
    fault_proxy.checksums = becomes
    code, checks = doctor("--store", bucket.url)
    assert (code, failed(checks)) == (5, {"write"}), checks
    assert "checksums to when_required" in checks["write"]["hint"]
    code, checks = doctor("--store", bucket.url, "--checksums", "when_required")
    assert (code, failed(checks)) == (0, set()), checks
    assert checks["checksums"]["what"].startswith("when_required")
    assert bucket.keys() == ["s1/chunks/0/0.webm"]
    monkeypatch.setenv("SESSIONTOOL_CHECKSUMS", "when_required")
    assert doctor("--store", bucket.url)[0] == 0
    monkeypatch.setenv("SESSIONTOOL_CHECKSUMS", "never")
    assert CliRunner().invoke(app, ["doctor", "--store", bucket.url]).exit_code == 2


@pytest.mark.parametrize("becomes", ["refused", "framed"])
def test_nothing_is_published_on_such_a_server(
    becomes: Literal["refused", "framed"], copy: Callable[[str], Path], s3_url: str, fault_proxy: FaultProxy
) -> None:
    fault_proxy.checksums = becomes
    merge = ["merge", "chrome-silence", "--store", str(copy("chrome-silence").parent), "-o", s3_url, "--no-align"]
    done = CliRunner().invoke(app, merge)
    assert done.exit_code == 5
    assert "hint: set checksums to when_required" in done.stderr
    assert not [path for method, path in fault_proxy.requests if method == "PUT" and "lease" not in path]
    assert CliRunner().invoke(app, [*merge, "--checksums", "when_required"]).exit_code == 0
    verified = CliRunner().invoke(app, ["verify", *merge[1:-1], "--checksums", "when_required"])
    assert verified.exit_code == 0, verified.output


@pytest.mark.parametrize(
    ("date", "status"),
    [
        ("Wed, 25 Nov 2020 22:00:00 GMT", "failed"),
        ("nonsense", "warning"),
    ],
)
def test_a_clock_that_is_wrong(date: str, status: str) -> None:
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    assert probe("clock", lambda: s3_checks._clock(answer)).status == status


def test_for_people_and_quiet(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["doctor", "--store", str(SESSIONS), "--output", str(tmp_path)])
    assert "ok      decoder           decodes Opus\n" in told.stdout
    quiet = CliRunner().invoke(app, ["doctor", "--store", "nowhere", "--quiet"])
    assert quiet.stdout.splitlines()[0].startswith("FAILED  store             the store nowhere does not exist")
    assert len(quiet.stdout.splitlines()) == 2
    assert doubtful("a", "b", "c").exit_code == 0
