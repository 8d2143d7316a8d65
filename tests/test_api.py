"""The Python interface: what is public, and that each function does what its command does."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import sessiontool
from sessiontool import (
    CaptionOptions,
    Finding,
    Limits,
    LogOptions,
    MergeOptions,
    NotFoundError,
    Outcome,
    Profile,
    RecordingError,
    S3Options,
    SessionToolError,
    StorageError,
    UsageError,
    caption,
    log_options,
    merge,
    merge_many,
    purge,
    read_events,
    verify,
)
from sessiontool.cli import app
from sessiontool.config import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Copy = Callable[[str], Path]

FUNCTIONS = (
    "caption",
    "export",
    "inspect",
    "merge",
    "merge_many",
    "page",
    "purge",
    "read_clip",
    "read_events",
    "redact",
    "verify",
)
PUBLIC = {
    *FUNCTIONS,
    *("CaptionOptions", "Limits", "LogOptions", "MergeOptions", "Profile", "S3Options", "log_options"),
    *("Clip", "ExportOptions", "ExportResult"),
    *("Finding", "LogResult", "MergeResult", "Outcome", "PageResult", "Purge", "RecaptionResult", "VerifyResult"),
    *("RedactRequest", "RedactResult"),
    *("BusyError", "NotFoundError", "RecordingError", "SessionToolError", "StorageError", "UsageError"),
    "__version__",
}
SESSION = "chrome-1s"
UNALIGNED = MergeOptions(align=False)


@pytest.fixture
def store(copy: Copy) -> Path:
    return copy(SESSION).parent


# -- what is public


def test_the_public_names_are_these_and_none_is_a_module() -> None:
    assert set(sessiontool.__all__) == PUBLIC <= set(dir(sessiontool))
    for name in PUBLIC - {"__version__"}:
        assert not isinstance(getattr(sessiontool, name), ModuleType), name
        assert find_spec(f"sessiontool.{name}") is None, f"{name} is hidden once sessiontool/{name}.py is imported"


def test_the_package_itself_imports_nothing_of_it() -> None:
    script = "import sys, sessiontool; print([name for name in sys.modules if name.startswith('sessiontool.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_typed_and_says_its_errors(name: str) -> None:
    function = getattr(sessiontool, name)
    signature, text = inspect.signature(function), inspect.getdoc(function) or ""
    assert signature.return_annotation is not signature.empty
    first, *others = signature.parameters.values()
    assert first.name in {"session_id", "session_ids"}
    assert all(one.annotation is not one.empty for one in (first, *others))
    assert all(one.kind is one.KEYWORD_ONLY for one in others)
    assert "\n\nRaises UsageError" in text or "\nRaises UsageError" in text
    assert all(len(line) < 120 for line in text.splitlines())


def test_every_option_of_the_command_line_is_a_field_of_an_object() -> None:
    given = {MergeOptions, CaptionOptions, S3Options, Limits}
    arguments = set(inspect.signature(merge).parameters)
    of_a_run = {
        "output",
        "store",
        "layout",
        "corrections",
        "log_format",
        "shard",
        "end_markers",
        "fail_on",
        "notify",
        "notify_arn",
    }
    assert [name for name, one in TABLE.items() if one.group not in given and name not in of_a_run] == []
    assert {"store", "output", "layout", "options", "s3", "limits"} <= arguments


# -- what the functions do


def test_merge_inspect_and_verify_return_findings_as_values(store: Path) -> None:
    (store / SESSION / "chunks").rglob("*.webm").__next__().with_name("000003.webm").unlink()
    looked = sessiontool.inspect(SESSION, store=store)
    merged = merge(SESSION, store=store, options=UNALIGNED)
    assert looked.status == merged.status == "partial"
    for result in (looked, merged, merge(SESSION, store=store, options=UNALIGNED)):
        found = [one for one in result.findings if one.code == "chunk-missing"]
        assert isinstance(result.findings, tuple)
        assert [(type(one), one.seq) for one in found] == [(Finding, 3)]
    assert verify(SESSION, store=store).findings == ()
    (store / SESSION / "merged" / "captions.vtt").write_text("WEBVTT\n")
    (broken, *_) = verify(SESSION, store=store).findings
    assert isinstance(broken, Finding)
    assert broken.severity == "error"


def test_a_merge_is_the_same_as_the_command_makes_it(store: Path) -> None:
    options = MergeOptions(
        align=False,
        pauses="keep",
        captions=CaptionOptions(profile="netflix", formats=("vtt", "txt"), mark_gaps=True, speakers=False),
        log=log_options({"text": "text", "unit": "s"}),
    )
    merge(SESSION, store=store, output=store / "out", options=options)
    (store / "sessiontool.toml").write_text('[log]\ntext = "text"\nunit = "s"\n')
    asked = ["--no-align", "--pauses", "keep", "--caption-profile", "netflix", "--caption-formats", "vtt,txt"]
    asked += ["--caption-mark-gaps", "--no-caption-speakers", "--store", str(store), "--output", str(store / "out")]
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(store)
        done = CliRunner().invoke(app, ["merge", SESSION, *asked, "--json"])
    assert json.loads(done.stdout)["sessions"][0]["unchanged"], done.output


def test_captions_are_made_again_by_rules_of_ones_own(store: Path) -> None:
    location = merge(SESSION, store=store, options=UNALIGNED).location
    chosen = CaptionOptions(profile=Profile("narrow", line_cells=20), formats=("srt",))
    tried = caption(SESSION, store=store, options=chosen, dry_run=True)
    before = (store / SESSION / "merged" / "captions.srt").read_text()
    assert not tried.published
    made = caption(SESSION, store=store, options=chosen)
    after = (store / SESSION / "merged" / "captions.srt").read_text()
    assert (made.location, made.published) == (location, True)
    assert before != after == made.captions.files["captions.srt"] == tried.captions.files["captions.srt"]
    assert max(map(len, after.splitlines())) < max(map(len, before.splitlines()))


def test_the_log_of_events_is_read(store: Path) -> None:
    with pytest.raises(NotFoundError):
        read_events(SESSION, store=store)
    (store / SESSION / "events.jsonl").write_text(
        '{"type": "session.created", "event_id": "e", "session": {}}\nno event\n'
    )
    result = read_events(SESSION, store=store)
    assert result.location.endswith("events.jsonl")
    assert {type(one) for one in result.findings} == {Finding}


TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
ASKED_LOG = f"""{{"type": "input_audio_buffer.speech_started", "item_id": "a", "x": {{"at": 7}}, "ts": 1}}
{{"type": "{TRANSCRIBED}", "item_id": "a", "transcript": "Hi.", "x": {{"at": 8}}, "ts": 2}}
"""


def test_a_log_is_read_as_it_is_asked_for(store: Path) -> None:
    """Every way to a log takes the same options: here, that its times are seconds in a field of their own."""
    (store / SESSION / "events.jsonl").write_text(ASKED_LOG)
    asked = log_options({"arrived": "x.at", "unit": "s", "roles": {"Dana": "assistant"}})
    (line,) = read_events(SESSION, store=store, log=asked).log.sessions
    assert (line.created_ms, line.last_ms) == (None, 8000.0)
    assert read_events(SESSION, store=store).log.sessions[0].last_ms == 2000.0
    (store / SESSION / "events.jsonl").unlink()
    said = [{"who": "Dana", "zz": "Hello there."}, {"who": "Kim", "zz": "Hello to you."}]
    (store / SESSION / "utterances.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    unread = [one.code for one in sessiontool.inspect(SESSION, store=store).findings]
    asked = log_options({"text": "zz", "roles": {"Dana": "assistant", "Kim": "user"}})
    read = [one.code for one in sessiontool.inspect(SESSION, store=store, log=asked).findings]
    assert "log-not-read" in unread
    assert "log-not-read" not in read


def test_commands_read_a_log_as_the_settings_say(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (store / SESSION / "events.jsonl").write_text(ASKED_LOG)
    said = [{"who": "Dana", "zz": "Hello there."}, {"who": "Kim", "zz": "Hello to you."}]
    (store / SESSION / "utterances.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    settings = '[log]\narrived = "x.at"\nunit = "s"\ntext = "zz"\nroles = { Dana = "assistant", Kim = "user" }\n'
    for written, sessions_end, checked in (
        (settings, "0:08.000", "of 3 utterances"),
        ("", "0:02.000", "fields who, zz"),
    ):
        (store / "sessiontool.toml").write_text(written)
        monkeypatch.chdir(store)
        told = CliRunner().invoke(app, ["events", SESSION, "--store", str(store)])
        assert sessions_end in told.stdout, told.output
        told = CliRunner().invoke(app, ["check", SESSION, "--store", str(store)])
        assert checked in told.stdout, told.output


def test_a_purge_deletes_with_a_receipt_alone(store: Path, tmp_path: Path) -> None:
    merge(SESSION, store=store, options=UNALIGNED)
    asked: dict[str, Any] = {"store": store, "chunks_after_days": 0}
    due = purge(SESSION, **asked)
    assert (due.action, due.deleted) == ("chunks", False)
    receipt = tmp_path / "receipt.jsonl"
    for wrong in ({"delete": True}, {"receipt": receipt}, {"chunks_after_days": -1}):
        with pytest.raises(UsageError):
            purge(SESSION, **{**asked, **wrong})
    with pytest.raises(StorageError, match="nowhere"):
        purge(SESSION, **asked, delete=True, receipt=tmp_path / "nowhere" / "receipt.jsonl")
    assert list((store / SESSION / "chunks").rglob("*.webm"))
    assert purge(SESSION, **asked, delete=True, receipt=receipt).deleted
    assert list((store / SESSION / "chunks").rglob("*.webm")) == []
    lines = [json.loads(line) for line in receipt.read_text().splitlines()]
    assert [(one["event"], one["store"]) for one in lines] == [("deleting", str(store)), ("deleted", str(store))]


def test_many_are_merged_once_each_and_one_that_fails_stops_no_other(store: Path) -> None:
    ids = [SESSION, "nobody", SESSION]
    outcomes = {one.session_id: one for one in merge_many(ids, store=store, options=UNALIGNED, workers=2)}
    assert {type(one) for one in outcomes.values()} == {Outcome}
    assert (outcomes[SESSION].status, outcomes["nobody"].exit_code) == ("complete", NotFoundError.exit_code)
    assert [one.status for one in merge_many([SESSION], store=store, options=UNALIGNED)] == ["unchanged"]


def test_many_can_be_stopped_early(store: Path) -> None:
    def endless() -> Iterator[str]:
        number = 0
        while True:
            yield f"nobody-{number}"
            number += 1

    running = merge_many(endless(), store=store, workers=1)
    assert next(running).status == "failed"
    running.close()  # type: ignore[attr-defined]
    assert list(running) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"store": "nowhere"},
        {"layout": "{seq}"},
        {"workers": 0},
        {"output": "ftp://x"},
        {"options": MergeOptions(captions=CaptionOptions(profile="nobody's"))},
    ],
)
def test_what_makes_no_sense_is_refused_before_many_are_begun(wrong: dict[str, Any], store: Path) -> None:
    with pytest.raises((UsageError, NotFoundError)):
        merge_many([SESSION], **{"store": store, **wrong})


def test_options_reach_what_they_are_for(store: Path) -> None:
    with pytest.raises(RecordingError, match="consent"):
        merge(SESSION, store=store, options=MergeOptions(require_consent=True))
    assert merge(SESSION, store=store, options=UNALIGNED, limits=Limits(document_bytes=10)).status == "partial"
    with pytest.raises(SessionToolError, match="no-such-profile"):
        merge(SESSION, store="s3://bucket", s3=S3Options(profile="no-such-profile"))
    assert not LogOptions()
    with pytest.raises(UsageError, match="no key 'txt'"):
        log_options({"txt": "body"})


# -- progress


class Stages:
    """All that a caller has to write."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def stage(self, name: str, steps: int | None = None) -> None:
        self.seen[name] = 0

    def advance(self, steps: int = 1) -> None:
        self.seen[[*self.seen][-1]] += steps


class StagesAndBytes(Stages):
    bytes = 0

    def received(self, size_bytes: int) -> None:
        self.bytes += size_bytes


def test_progress_is_two_methods_and_a_third_if_one_likes(store: Path) -> None:
    plain, full = Stages(), StagesAndBytes()
    merge(SESSION, store=store, progress=plain)
    assert [name for name in plain.seen if name in {"listing", "publishing"}] == ["listing", "publishing"]
    assert sum(plain.seen.values()) > 0
    sessiontool.inspect(SESSION, store=store, progress=full)
    chunks = [*(store / SESSION / "chunks").rglob("*.webm")]
    assert full.bytes >= sum(path.stat().st_size for path in chunks)
    for run in (verify, caption):
        seen = Stages()
        run(SESSION, store=store, progress=seen)
        assert seen.seen
