"""Layouts that people have: times, uuids, one file a session; and those that are proposed from the keys."""

from __future__ import annotations

import json
import os
import random
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from recordings import chrome
from s3server import BUCKET
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge
from sessiontool.cli import app
from sessiontool.storage.layout_proposal import proposals
from sessiontool.storage.name_times import microseconds

if TYPE_CHECKING:
    from collections.abc import Callable


SESSION = "chrome-1s"
FORMS: dict[str, Callable[[datetime], str]] = {
    "s": lambda moment: f"{moment.timestamp():.0f}",
    "ms": lambda moment: f"{moment.timestamp() * 1000:.0f}",
    "us": lambda moment: f"{moment.timestamp() * 1_000_000:.0f}",
    "iso": lambda moment: moment.isoformat().replace("+00:00", "Z"),
    "basic": lambda moment: moment.strftime("%Y%m%dT%H%M%SZ"),
    "digits": lambda moment: moment.strftime("%Y%m%d%H%M%S"),
    "names": lambda moment: moment.strftime("%Y-%m-%d_%H-%M-%S"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_time_is_read_in_every_form(form: str) -> None:
    moments = [datetime(2026, 11, 28, 9, 59, second, tzinfo=UTC) for second in (1, 9, 10, 59)]
    read = [microseconds(FORMS[form](moment)) for moment in moments]
    assert read == [int(moment.timestamp()) * 1_000_000 for moment in moments]
    assert microseconds("2026-11-28T10:00:00+01:00") == microseconds("2026-11-28T09:00:00Z")


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("T10-00-05-875Z", 5875), ("T10-00-05.875Z", 5875), ("-10-00-05-875", 5875), ("T11-00-05+0100", 5000)],
)
def test_a_fraction_is_no_zone(text: str, thousandths: int) -> None:
    assert microseconds(f"2026-11-28{text}") - microseconds("2026-11-28T10:00:00Z") == thousandths * 1000


def renamed(recorded: Path, folder: Path, name: Callable[[int], str]) -> Path:
    """A store with one session, whose chunks have other names, in no order of arrival."""
    target = folder / "store"
    chunks = sorted(recorded.rglob("*.webm"))
    for number in random.Random(3).sample(range(len(chunks)), len(chunks)):
        path = target / name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chunks[number], path)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return target


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("{session}/{time}.webm", lambda number: f"call-a/{1_790_000_000_000 + 1000 * number}.webm"),
        ("{session}/{time}-{*}.{ext}", lambda number: f"call-a/{1_790_000_009 + number}-{uuid.uuid4()}.webm"),
        ("{session}/{*}/{seq}.webm", lambda number: f"call-a/{uuid.uuid4()}/{number}.webm"),
        ("{session}/{*}.{ext}", lambda _: f"call-a/{uuid.uuid4()}.webm"),
        ("calls/{session}/x-{*}.webm", lambda _: f"calls/call-a/x-{uuid.uuid4()}.webm"),
    ],
)
def test_times_anything_and_uuids(
    recorded_session: Callable[[str], Path], tmp_path: Path, layout: str, name: Callable[[int], str]
) -> None:
    recorded, options = recorded_session(SESSION), MergeOptions(align=False, dry_run=True)
    expected = merge(SESSION, store=recorded.parent, options=options).report
    result = merge("call-a", store=renamed(recorded, tmp_path, name), layout=layout, options=options)
    assert (result.status, result.report["packets"], result.report["duration_s"]) == (
        "complete", expected["packets"], expected["duration_s"],
    ), result.findings  # fmt: skip


def test_one_file_a_session(merged_session: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("call-a", "call-b"):
        shutil.copyfile(merged_session(SESSION) / "audio.webm", tmp_path / f"{name}.webm")
    where = ("-s", str(tmp_path), "--layout", "auto")
    done = CliRunner().invoke(app, ["merge", "call-*", *where, "--no-align"])
    assert done.exit_code == 0, done.output
    for name in ("call-a", "call-b"):
        assert (tmp_path / name / "merged" / "audio.webm").exists()
    assert CliRunner().invoke(app, ["verify", "call-*", *where]).exit_code == 0


UUIDS = [str(uuid.UUID(int=number * 7**40 % 2**128)) for number in range(1, 8)]


@pytest.mark.parametrize(
    ("keys", "patterns"),
    [
        ([f"call-{s}/chunks/0/{n}.webm" for s in "ab" for n in range(3)], ["{session}/chunks/{part}/{seq}.{ext}"]),
        ([f"call-{s}/chunk-{n}.webm" for s in "ab" for n in range(3)], ["{session}/chunk-{seq}.{ext}"]),
        ([f"rec/call-{s}/audio/{n}.ogg" for s in "ab" for n in range(3)], ["rec/{session}/audio/{seq}.{ext}"]),
        ([f"call-{s}/17900000000{n}0.webm" for s in "ab" for n in range(3)], ["{session}/{time}.{ext}"]),
        ([f"call-{s}/{one}.webm" for s in "ab" for one in UUIDS], ["{session}/{*}.{ext}"]),
        ([f"{one}.webm" for one in UUIDS], ["{session}.{ext}"]),
        (["a.txt", "b/report.json"], []),
        ([f"call-{s}/chunks/000/{n:06}" for s in "ab" for n in range(3)], ["{session}/chunks/{part}/{seq}"]),
        ([f"call-{s}/blob_{n}" for s in "ab" for n in range(3)], ["{session}/blob_{seq}"]),
        ([f"call-{s}/2026/11/29/10/{n // 3 + 4:02}/{n}.webm" for s in "ab" for n in range(9)],
         ["{session}/2026/11/29/10/{*}/{seq}.{ext}"]),
        ([f"call-{s}/2026/11/{s}8/1{n // 3}/{n}.webm" for s in "12" for n in range(9)],
         ["{session}/{*}/{*}/{*}/{*}/{seq}.{ext}"]),
        ([f"call-a/{1004 + n // 3}/chunk-{n}.webm" for n in range(9)], ["{session}/{*}/chunk-{seq}.{ext}"]),
        ([f"call-a/{n // 3}/{n}.webm" for n in range(9)], ["{session}/{part}/{seq}.{ext}"]),
        ([f"call-a/10-0{n // 3}/{n % 3}.webm" for n in range(9)],
         ["{session}/{part}/{seq}.{ext}", "call-a/{session}/{seq}.{ext}"]),
        ([f"call-a/{5 + n // 3:02}/{1790000400000 + 20_000 * n}.webm" for n in range(9)],
         ["{session}/{part}/{time}.{ext}"]),
        ([f"call-a/{20 + n // 3:02}/{1790000400000 + 20_000 * n}.webm" for n in range(9)],
         ["{session}/{*}/{time}.{ext}"]),
        ([f"call-a/2026-11-29T10-04-40_{n}.webm" for n in range(9)],
         ["{session}/{*}_{seq}.{ext}", "call-a/{session}_{seq}.{ext}"]),
        ([f"call-a/2026-11-29T10-04-4{n}_{n}.webm" for n in range(9)],
         ["{session}/{time}.{ext}", "call-a/{session}_{seq}.{ext}"]),
        ([f"acme/call-{s}/{n}.webm" for s in "ab" for n in (1, 2)],
         ["{session}/{part}/{seq}.{ext}", "acme/{session}/{seq}.{ext}"]),
    ],
)  # fmt: skip
def test_layouts_are_proposed_from_the_keys(keys: list[str], patterns: list[str]) -> None:
    assert [one.pattern for one in proposals([*keys, "x/merged/audio.webm", "notes.txt"])] == patterns


@pytest.mark.parametrize("names", [[str(1790000000000 + number * 1000) for number in range(4)], UUIDS])
def test_a_session_that_is_named_decides_between_layouts(names: list[str]) -> None:
    keys = [f"call-a/chunks/{name}.webm" for name in names]
    assert len(proposals(keys)) == 2, "each may be a session of its own"
    assert [one.sessions for one in proposals(keys, {"call-a"})] == [1]
    assert proposals(keys, {"call-b"}) == []


def test_auto_looks_at_the_session_that_is_named(recorded_session: Callable[[str], Path], tmp_path: Path) -> None:
    store = renamed(recorded_session(SESSION), tmp_path, lambda number: f"call-a/chunks/{1790000000000 + number}.webm")
    renamed(recorded_session(SESSION), tmp_path, lambda number: f"call-b/audio/piece-{number}.webm")
    for name in ("call-a", "call-b"):
        done = CliRunner().invoke(app, ["merge", name, "-s", str(store), "--layout", "auto", "--no-align", "--json"])
        assert json.loads(done.stdout)["sessions"][0]["status"] == "complete", done.output


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_auto_takes_the_one_that_fits_and_asks_where_several_do(
    place: str, recorded_session: Callable[[str], Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = renamed(recorded_session(SESSION), tmp_path, lambda number: f"call-a/part-{number}.webm")
    store = str(folder)
    if place == "s3":
        store = request.getfixturevalue("s3_url")
        client: Any = request.getfixturevalue("s3_client")
        for path in folder.rglob("*.webm"):
            key = f"{store.partition(f'{BUCKET}/')[2]}/{path.relative_to(folder)}"
            client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    done = CliRunner().invoke(app, ["merge", "call-a", "-s", store, "--layout", "auto", "--no-align", "--json"])
    assert json.loads(done.stdout)["sessions"][0]["status"] == "complete", done.output
    checked = CliRunner().invoke(app, ["doctor", "-s", store]).output
    assert "keys fit --layout '{session}/part-{seq}.{ext}' (1 session)" in checked
    if place == "folder":
        (folder.parent / "acme").mkdir()
        folder.rename(folder.parent / "acme" / "store")
        where = ("-s", str(folder.parent), "--layout", "auto")
        several = CliRunner().invoke(app, ["batch", "--all", *where])
        assert (several.exit_code, "more than one layout fits" in several.output) == (2, True), several.output
        named = CliRunner().invoke(app, ["merge", "call-a", *where, "--no-align"])
        assert named.exit_code == 0, named.output


@pytest.mark.parametrize(
    ("kind", "name", "fitting", "severity"),
    [
        ("webm", lambda number: f"{number:03}-part/0", "{session}/chunks/{*}/{*}.{ext}", "warning"),
        ("webm", lambda number: f"{9 + number // 8}/{number}", "{session}/chunks/{*}/{seq}.{ext}", "warning"),
        ("short", lambda number: f"{number}/0", "{session}/chunks/{seq}/{*}.{ext}", "warning"),
        ("webm", lambda number: f"{UUIDS[number % 7]}-{number}/3", "{session}/chunks/{*}/{*}.{ext}", "error"),
        ("ogg", lambda number: f"{UUIDS[number]}/0", "{session}/chunks/{*}/{*}.{ext}", "error"),
        ("mp4", lambda number: f"{UUIDS[number]}/0", "{session}/chunks/{*}/{*}.{ext}", "error"),
    ],
)
def test_a_recording_that_a_layout_divides_into_parts_is_noticed(
    recorded_session: Callable[[str], Path],
    tmp_path: Path,
    kind: str,
    name: Callable[[int], str],
    fitting: str,
    severity: str,
) -> None:
    """Chunk after chunk goes on where the part before ends; by the layout that is named it is one again."""
    containers = recorded_session(SESSION).parent.parent / "containers"
    whole = {"ogg": containers / "firefox-ogg", "mp4": containers / "chrome-mp4-opus"}.get(
        kind, recorded_session("chrome-silence" if kind == "short" else SESSION)
    )
    for number, chunk in enumerate(sorted(whole.glob("chunks/*/*"))):
        path = tmp_path / "call-a" / "chunks" / f"{name(number)}{chunk.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chunk, path)
    options = MergeOptions(align=False, dry_run=True)
    divided = merge("call-a", store=tmp_path, options=options)
    found = [one for one in divided.findings if one.code == "recording-divided"]
    assert [(one.severity, f"--layout '{fitting}'" in one.hint) for one in found] == [(severity, True)], found
    one = merge("call-a", store=tmp_path, options=options, layout=fitting)
    assert (one.status, len(one.report["parts"])) == ("complete", 1), one.findings
    expected = merge(whole.name, store=whole.parent, options=options).report
    assert one.report["packets"] == expected["packets"]


def test_parts_whose_first_chunk_is_lost_are_no_divided_recording(copy: Callable[[str], Path]) -> None:
    folder = copy("demo")
    (folder / "session.json").unlink()
    for part in ("001", "002"):
        (folder / "chunks" / part / "000000.webm").unlink()
    result = merge("demo", store=folder.parent, options=MergeOptions(align=False, dry_run=True))
    codes = {finding.code for finding in result.findings}
    assert "header-missing" in codes
    assert "recording-divided" not in codes


@pytest.mark.parametrize(
    "named", [lambda n: f"call-a/10/{4 + n // 3:02}/{n:06}.webm", lambda n: f"call-a/2026-11-29T10-04-40_{n}.webm"]
)
def test_what_auto_proposes_joins_the_recording_as_it_is(
    recorded_session: Callable[[str], Path], tmp_path: Path, named: Callable[[int], str]
) -> None:
    store = renamed(recorded_session(SESSION), tmp_path, named)
    done = CliRunner().invoke(app, ["merge", "call-a", "-s", str(store), "--layout", "auto", "--no-align", "--json"])
    report = json.loads(done.stdout)["sessions"][0]["report"]
    assert report["status"] == "complete", done.output
    assert [part["part"] for part in report["parts"]] == ["0"]


def test_parts_named_by_uuid_are_in_the_order_in_which_they_were_started(tmp_path: Path) -> None:
    sounds = {}
    for names in (["0", "1"], ["ffffffff-0000-4000-8000-000000000000", "0fffffff-0000-4000-8000-000000000000"]):
        folder = tmp_path / names[0] / "call-a"
        for name, seed in zip(names, (1, 2), strict=True):
            (folder / "chunks" / name).mkdir(parents=True)
            (folder / "chunks" / name / "000000.webm").write_bytes(chrome(60, seed=seed).data)
        parts = [{"part": name, "start_ms": 5000 * number} for number, name in enumerate(names)]
        (folder / "session.json").write_text(json.dumps({"session_id": "call-a", "parts": parts[::-1]}))
        result = merge("call-a", store=folder.parent, layout="auto", options=MergeOptions(align=False))
        sounds[names[0]] = (Path(result.location) / "audio.webm").read_bytes()
        assert result.status == "complete"
    assert len({*sounds.values()}) == 1
