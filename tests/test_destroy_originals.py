"""Destroying the originals of a redacted session: what goes, what is proved before, and what is left to work with."""

from __future__ import annotations

import json
import time
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from conftest import store_of
from msgspec.structs import replace
from test_redact import replace_transcript
from typer.testing import CliRunner
from websocket_logs import WebsocketLog, conversation

from sessiontool import MergeOptions, RedactRequest, merge, redact, verify
from sessiontool.cli import app
from sessiontool.errors import RecordingError, UsageError
from sessiontool.sessions.redaction.destroy import OriginalsOf, destroy_originals, examine_originals
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessiontool.sessions.purge import Purge

ID, GONE = "chrome-1s", "finance lead"
KEPT = ("session.json", "redactions.jsonl")
LEFT = {"audio.webm", "captions.srt", "captions.vtt", "metrics.json", "redactions.json", "report.json"}


@pytest.fixture(scope="module")
def redacted_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session that was merged and redacted: to be copied."""
    store = tmp_path_factory.mktemp("destroy") / "store"
    copytree(store_of(ID) / ID, store / ID)
    merge(ID, store=store)
    redact(ID, store=store, asked=RedactRequest(texts=(GONE,)))
    return store


@pytest.fixture
def store(redacted_store: Path, tmp_path: Path) -> Path:
    return Path(copytree(redacted_store, tmp_path / "store"))


def run(store: Path | str, command: str, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [command, ID, "--store", str(store), *arguments])
    assert done.exit_code == code, done.output
    return done.output


def destroy(store: Path | str, receipt: Path, *arguments: str, code: int = 0) -> str:
    return run(store, "redact", "--destroy-originals", "--yes", "--receipt", str(receipt), *arguments, code=code)


def there(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def state(store: Path) -> str:
    listed = CliRunner().invoke(app, ["list", ID, "--store", str(store), "--json"])
    found: str = next(one["state"] for one in json.loads(listed.output)["sessions"])
    return found


def test_the_redacted_result_is_what_is_left(store: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (store / ID / "merged/redacted").iterdir()}
    assert "would delete" in run(store, "redact", "--destroy-originals")
    assert "deleted its originals" in destroy(store, tmp_path / "r.jsonl")
    folder = store / ID
    assert there(folder) == {*KEPT, *(f"merged/redacted/{name}" for name in before)}
    for name, body in before.items():
        assert name == "report.json" or (folder / "merged/redacted" / name).read_bytes() == body
    deleting, deleted = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert (deleting["event"], deleted["event"]) == ("deleting", "deleted")
    listed = {one["key"]: one.get("sha256") for one in deleted["objects"]}
    assert len([key for key in listed if "/chunks/" in key and listed[key]]) == 30
    assert {f"{ID}/utterances.jsonl", f"{ID}/merged/report.json", f"{ID}/merged/transcript.json"} <= {*listed}
    report = json.loads((folder / "merged/redacted/report.json").read_text())
    assert deleted["redacted"]["report_sha256"] == report["report_sha256"]
    assert deleted["redacted"]["packets_kept"] + deleted["redacted"]["packets_gone"] == sum(report["packets"].values())
    assert "its originals are destroyed" in destroy(store, tmp_path / "again.jsonl")
    assert not (tmp_path / "again.jsonl").exists()


def test_everything_works_on_with_what_is_left(store: Path, tmp_path: Path) -> None:
    destroy(store, tmp_path / "r.jsonl")
    assert "its originals were destroyed" in run(store, "verify", "--text", GONE)
    run(store, "verify", "--text", "calendar", code=4)
    for force in ((), ("--force",)):
        assert "its redacted result is kept" in run(store, "merge", *force)
    run(store, "captions", "--caption-formats", "vtt,ass")
    assert "[redacted]" in (store / ID / "merged/redacted/captions.ass").read_text()
    run(store, "page")
    run(store, "metrics")
    run(store, "export", "--into", str(tmp_path / "sound"), "--from", "2", "--to", "9")
    run(store, "get", "--output", str(tmp_path / "copy"))
    assert not verify(ID, store=store).findings
    assert not verify(ID, store=store, output=tmp_path / "copy").findings
    assert state(store) == "merged"
    run(store, "purge", "--chunks-after", "0", "--yes")
    for command in ("batch", "page"):
        assert CliRunner().invoke(app, [command, "--all", "--store", str(store)]).exit_code == 0
    assert "its originals were destroyed" in run(store, "redact", "--text", "thank", code=4)
    assert "nothing is left to inspect of chrome-1s: its originals were destroyed" in run(store, "inspect", code=4)
    corrected = run(store, "correct", "--text", "u000=Hello", code=4)
    assert "nothing can be corrected of chrome-1s: its originals were destroyed" in corrected
    assert not (store / ID / "corrections.jsonl").exists()
    run(store, "purge", "--all-after", "0", "--yes", "--receipt", str(tmp_path / "all.jsonl"))
    assert there(store) == {"index.html"}


def test_from_python(store: Path, tmp_path: Path) -> None:
    """A dry run says what would go; without a receipt nothing does."""
    nothing, receipt = RedactRequest(), tmp_path / "r.jsonl"
    with pytest.raises(UsageError, match="receipt"):
        redact(ID, store=store, asked=nothing, destroy_originals=True)
    would = redact(ID, store=store, asked=nothing, destroy_originals=True, dry_run=True).originals
    assert would is not None
    assert not would.deleted
    assert (store / ID / "merged/report.json").exists()
    done = redact(ID, store=store, asked=nothing, destroy_originals=True, receipt=receipt).originals
    assert done is not None
    assert done.deleted
    assert [json.loads(line)["event"] for line in receipt.read_text().splitlines()] == ["deleting", "deleted"]
    assert {path.split("/")[0] for path in there(store / ID)} == {*KEPT, "merged"}


def test_what_is_deleted_while_it_is_killed_is_deleted_by_the_next(redacted_store: Path, tmp_path: Path) -> None:
    """At every object: the session has its merged result or its redacted one, and the next run ends it."""

    class _KilledError(Exception):
        pass

    def kill(_event: str, _found: Purge) -> None:
        raise _KilledError

    count = len(_examined(redacted_store).versions)
    for number in (0, 1, 2, *range(5, count, 9), count - 1):
        store = Path(copytree(redacted_store, tmp_path / str(number)))
        with open_store(str(store)) as opened:
            of = OriginalsOf(opened, ID, opened.target(ID))
            with pytest.raises(_KilledError):
                destroy_originals(of, kill)
            opened.delete(ID, examine_originals(of).versions[:number])
        assert not verify(ID, store=store).findings
        assert "[redacted]" in (store / ID / "merged/redacted/captions.vtt").read_text()
        if number:
            originals = [name for name in there(store / ID) if name.startswith(("chunks", "utterances"))]
            run(store, "merge", code=4 if originals else 0)
        destroy(store, tmp_path / f"{number}.jsonl")
        assert {name for name in there(store / ID) if "redacted/" not in name} == {*KEPT}
        assert not verify(ID, store=store).findings


def _examined(store: Path) -> Purge:
    with open_store(str(store)) as opened:
        return examine_originals(OriginalsOf(opened, ID, opened.target(ID)))


def _late_chunk(store: Path) -> None:
    chunk = store / ID / "chunks/000/000029.webm"
    chunk.with_name("000030.webm").write_bytes(chunk.read_bytes()[:-40])


def _late_text(store: Path) -> None:
    with (store / ID / "utterances.jsonl").open("a") as file:
        file.write('{"id":"u008","role":"user","text":"One more.","t_start":28.5,"t_end":29.5}\n')


def _stray(store: Path) -> None:
    (store / ID / "backup.wav").write_bytes(b"RIFF")
    merge(ID, store=store)


def _stray_result(store: Path) -> None:
    (store / ID / "merged/notes.txt").write_text("she said")


def _secret_kept(store: Path) -> None:
    path = store / ID / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "title": f"About the {GONE}"}))
    merge(ID, store=store)


def _hold(store: Path) -> None:
    path = store / ID / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "retention": {"legal_hold": True}}))
    merge(ID, store=store)


def _damage(store: Path) -> None:
    path = store / ID / "chunks/000/000011.webm"
    path.write_bytes(path.read_bytes() + b"some more that is no packet")
    merge(ID, store=store)


def _packet_changed(store: Path) -> None:
    path = store / ID / "merged/redacted/audio.webm"
    body = bytearray(path.read_bytes())
    body[-20] ^= 1
    path.write_bytes(body)


def _text_changed(store: Path) -> None:
    replace_transcript(store / ID / "merged", lambda document: document["utterances"][0].update(text="Thanks."))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_late_chunk, "changed since it was merged"),
        (_late_text, "changed since it was merged"),
        (_stray, "backup.wav is none of what was merged"),
        (_stray_result, "notes.txt is no file of the result"),
        (_secret_kept, "session.json has something that is redacted"),
        (_hold, "legal_hold"),
        (_damage, "not in the result"),
    ],
)
def test_a_doubt_deletes_nothing(change: Callable[[Path], None], why: str, store: Path, tmp_path: Path) -> None:
    change(store)
    before = there(store)
    assert why in destroy(store, tmp_path / "r.jsonl", code=4)
    assert there(store) == before
    assert not (tmp_path / "r.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [(_packet_changed, "redacted result is broken"), (_text_changed, "merged again since it was redacted")],
)
def test_a_result_that_is_none_of_the_other_deletes_nothing(
    change: Callable[[Path], None], why: str, store: Path
) -> None:
    change(store)
    with open_store(str(store)) as opened, pytest.raises(RecordingError, match=why):
        destroy_originals(OriginalsOf(opened, ID, opened.target(ID)), lambda _event, _found: None)


def test_what_came_late_is_not_merged_in_the_place_of_what_is_left(store: Path, tmp_path: Path) -> None:
    late = (store / ID / "chunks/000/000029.webm").read_bytes()
    destroy(store, tmp_path / "r.jsonl")
    chunk = store / ID / "chunks/000/000030.webm"
    chunk.parent.mkdir(parents=True)
    chunk.write_bytes(late[:-40])
    kept = {path: path.read_bytes() for path in (store / ID / "merged").rglob("*") if path.is_file()}
    assert "000030.webm" in run(store, "merge", code=4)
    assert "came after its originals were destroyed" in destroy(store, tmp_path / "late.jsonl", code=4)
    assert chunk.exists()
    assert {path: path.read_bytes() for path in kept} == kept


def test_without_a_redacted_result_nothing_goes(tmp_path: Path) -> None:
    copytree(store_of(ID) / ID, tmp_path / ID)
    merge(ID, store=tmp_path, options=MergeOptions(align=False))
    before = there(tmp_path)
    run(tmp_path, "redact", "--destroy-originals", "--yes", code=2)
    run(tmp_path, "redact", "--find", "iban", "--destroy-originals", "--yes")
    assert there(tmp_path) == before


def test_a_session_of_events_goes_as_well(tmp_path: Path) -> None:
    log = conversation(WebsocketLog("pcm", 24_000, seed=1, named=True))
    (tmp_path / ID).mkdir()
    (tmp_path / ID / "events.jsonl").write_text(log.text(timed=True))
    merge(ID, store=tmp_path, options=MergeOptions(align=False))
    spans = tmp_path / "spans.jsonl"
    spans.write_text('{"start_s": 1.0, "end_s": 2.5}\n')
    destroy(tmp_path, tmp_path / "r.jsonl", "--spans", str(spans))
    assert {name for name in there(tmp_path / ID) if "redacted/" not in name} == {"redactions.jsonl"}
    assert not verify(ID, store=tmp_path).findings
    assert "is kept" in run(tmp_path, "merge")
    assert state(tmp_path) == "merged"


def test_exports_beside_the_result_go_and_those_of_what_is_left_stay(store: Path, tmp_path: Path) -> None:
    for folder in ("merged/exports", "merged/redacted/exports"):
        (store / ID / folder).mkdir()
        (store / ID / folder / "audio.wav").write_bytes(b"RIFF")
    destroy(store, tmp_path / "r.jsonl")
    assert [name for name in there(store / ID) if "exports" in name] == ["merged/redacted/exports/audio.wav"]


def test_results_elsewhere_go_as_well(redacted_store: Path, tmp_path: Path) -> None:
    store, output = tmp_path / "store", tmp_path / "output"
    copytree(store_of(ID) / ID, store / ID)
    merge(ID, store=store, output=output, options=MergeOptions(align=False))
    spans = tmp_path / "spans.jsonl"
    spans.write_text('{"start_s": 1.0, "end_s": 2.5}\n')
    destroy(store, tmp_path / "r.jsonl", "--spans", str(spans), "--output", str(output))
    assert there(store / ID) == {*KEPT}
    assert {Path(name).parent.name for name in there(output / ID)} == {"redacted"}
    assert not verify(ID, store=store, output=output).findings


def test_versions_in_a_bucket_go_too(redacted_store: Path, s3_url: str, s3_client: Any) -> None:
    bucket = f"destroyed-{time.time_ns()}"
    s3_client.create_bucket(Bucket=bucket)
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for path in filter(Path.is_file, (redacted_store / ID).rglob("*")):
        for body in (b"older", path.read_bytes()):
            s3_client.put_object(Bucket=bucket, Key=f"{ID}/{path.relative_to(redacted_store / ID)}", Body=body)
    s3_client.delete_object(Bucket=bucket, Key=f"{ID}/events.jsonl")
    with open_store(f"s3://{bucket}") as opened:
        merge(ID, store=f"s3://{bucket}")  # the files have other tags now
        found = destroy_originals(OriginalsOf(opened, ID, opened.target(ID)), lambda _event, _found: None)
        assert replace(found, deleted=True) == found
        assert not verify(ID, store=f"s3://{bucket}").findings
    page = s3_client.list_object_versions(Bucket=bucket)
    left = [
        entry["Key"].removeprefix(f"{ID}/") for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, ())
    ]
    assert sorted(left) == sorted({*KEPT, *(f"merged/redacted/{name}" for name in (*LEFT, "transcript.json"))})
