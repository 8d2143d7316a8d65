"""The page of a session: what is in it, what it lets in, and how it is kept with the result.  Not here: browsers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from aac_recordings import recorded, write_session
from conftest import store_of
from page_cases import HOSTILE, hostile_documents, long_page, noise_peaks
from second_opinion import RATE
from typer.testing import CliRunner

import sessiontool
from sessiontool import MergeOptions, NotFoundError, RecordingError, UsageError
from sessiontool.cli import app
from sessiontool.sessions.page.page_data import page_data
from sessiontool.sessions.page.render import render
from sessiontool.sessions.report import seal, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

SESSION = "chrome-pause"
HOUR_PAGE_BYTES = 1_000_000


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and the text of those that are not shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag in {"script", "style"}:
            self.inside.setdefault(attributes.get("id") or tag, data)

    @property
    def policy(self) -> dict[str, str]:
        found = next(one["content"] for _, one in self.elements if one.get("http-equiv") == "Content-Security-Policy")
        return dict(part.split(" ", 1) for part in (found or "").split("; "))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a session was merged with its page."""
    output = tmp_path_factory.mktemp("pages")
    result = sessiontool.merge(SESSION, store=store_of(SESSION), output=output, options=MergeOptions(page=True))
    assert {one["name"] for one in result.report["outputs"]} > {"index.html", "peaks.dat"}
    return output


@pytest.fixture
def output(place: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(copytree(place, tmp_path / "output"))


def verified(output: Path) -> tuple[Any, ...]:
    return sessiontool.verify(SESSION, store=store_of(SESSION), output=output).findings


def page_again(output: Path, **more: Any) -> sessiontool.PageResult:
    return sessiontool.page(SESSION, store=store_of(SESSION), output=output, **more)


def run(*arguments: str | Path) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["page", SESSION, "--store", str(store_of(SESSION)), *map(str, arguments)])
    return ended.exit_code, ended.output


# -- what is in it


def test_only_what_its_policy_names_can_run(place: Path) -> None:
    parsed = Parsed((place / SESSION / "index.html").read_text("utf-8"))
    named = {
        name: f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for name, text in parsed.inside.items()
    }
    assert parsed.policy == {
        "default-src": "'none'",
        "script-src": named["script"],
        "style-src": named["style"],
        "img-src": "data:",
        "media-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    for tag, attributes in parsed.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
    assert not [one for _, one in parsed.elements if (one.get("src") or one.get("href") or "").startswith("http")]


def test_it_has_the_transcript_and_the_report(place: Path) -> None:
    data = json.loads(Parsed((place / SESSION / "index.html").read_text("utf-8")).inside["data"])
    transcript, report = (
        json.loads((place / SESSION / name).read_text("utf-8")) for name in ("transcript.json", "report.json")
    )
    assert [(one["text"], one.get("start")) for one in data["turns"]] == [
        (one["text"], None if one["start_s"] is None else round(one["start_s"] * 1000))
        for one in transcript["utterances"]
    ]
    assert data["duration_ms"] == round(report["duration_s"] * 1000)
    assert [one["code"] for one in data["findings"]] == [one["code"] for one in report["findings"]]
    metrics = json.loads((place / SESSION / "metrics.json").read_text("utf-8"))
    assert [(one["name"], one["value"]) for one in data["figures"]] == [
        (one["name"], one["value"]) for one in metrics["figures"]
    ]
    silences = [one["output_samples"] for one in report["timeline"] if one["kind"] == "silence"]
    assert [one[:2] for one in data["gaps"]] == [[start // 48, end // 48] for start, end in silences]


def test_what_begins_at_zero_has_its_place() -> None:
    report, transcript = hostile_documents()
    utterance = {"id": "a", "role": "user", "text": "Hi", "start_s": 0.0, "end_s": 1.0, "confidence": 0.0}
    transcript["utterances"] = [utterance | {"words": [{"text": "Hi", "start_s": 0.0, "end_s": 0.5}]}]
    (turn,) = page_data(report, transcript, None)["turns"]
    assert (turn["start"], turn["end"], turn["sure"], turn["words"]) == (0, 1000, 0.0, [["Hi", 0, 500]])


def test_numbers_that_are_none_are_left_out() -> None:
    report, transcript = hostile_documents()
    stretches = [[1.0, 2.0], [float("nan"), 2.0], [1.0, float("inf")], ["1", 2], [True, 2], [3.0], 7]
    report["sound"] = {"channels": [{"channel": 0, "roles": 7, "speech_without_text_s": stretches}, 7]}
    data = page_data(report, transcript, None)
    assert data["without_text"] == [[0, 1000, 2000]]
    assert data["lanes"] == []


def test_hostile_text_ends_no_element() -> None:
    report, transcript = hostile_documents()
    page = render("page", HOSTILE[0], page_data(report, transcript, noise_peaks(20)), media=["'self'"])
    parsed = Parsed(page.encode("utf-8", "replace").decode())
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert not {"img", "iframe", "b"}.intersection(tag for tag, _ in parsed.elements)
    assert not re.search("[<>&\u2028\u2029\0]", parsed.inside["data"])
    data = json.loads(parsed.inside["data"])
    assert [one["text"] for one in data["turns"]][::2] == [text.replace("\ud800", "?") * 2 for text in HOSTILE]


def test_an_hour_is_below_a_megabyte() -> None:
    assert len(long_page(60).encode()) <= HOUR_PAGE_BYTES


def test_figures_are_those_of_the_result() -> None:
    report, transcript = hostile_documents()
    good = {"name": "response_gap", "role": "user", "value": 0.5, "unit": "s", "error": 0.03, "stretches_s": [[1, 1.5]]}
    none = {"name": "share_of_speech", "value": None, "unit": "ratio", "error": None, "not_computed": "too few"}
    wrong: list[Any] = [
        7,
        {"name": 7},
        {"name": "a", "value": "<b>", "unit": "s"},
        {"name": "b", "value": 1, "unit": []},
    ]
    document = {"figures": [good, none, *wrong], "definitions": {"response_gap": "median silence"}}
    shown = page_data(report, transcript, None, document)["figures"]
    assert [(one["name"], one["value"], one["stretches"]) for one in shown] == [
        ("response_gap", 0.5, [[1000, 1500]]),
        ("share_of_speech", None, []),
    ]
    assert (shown[0]["definition"], shown[1]["why"]) == ("median silence", "too few")
    for broken in (None, {}, {"figures": 7}, {"figures": [good], "definitions": 7}):
        assert len(page_data(report, transcript, None, broken)["figures"]) == int(
            bool(broken and broken.get("definitions"))
        )


# -- peaks


def test_peaks_are_those_of_another_decoder(place: Path) -> None:
    """By FFmpeg's own demuxer, at 48 kHz; ours are of sound at 16 kHz, so what is above 8 kHz is not in them."""
    data = (place / SESSION / "peaks.dat").read_bytes()
    version, flags, rate, samples_a_peak, length, channels = np.frombuffer(data[:24], "<i4")
    assert (version, flags, rate, samples_a_peak, channels) == (2, 1, RATE, RATE // 20, 2)
    peaks = np.frombuffer(data, np.int8, offset=24).reshape(length, channels, 2) / 128
    with av.open(str(place / SESSION / "audio.webm")) as source:
        sound = np.concatenate([frame.to_ndarray() for frame in source.decode(source.streams.audio[0])], axis=1)
    assert abs(length - sound.shape[1] / 2400) <= 1
    theirs = np.abs(sound[:, : sound.shape[1] // 2400 * 2400].reshape(2, -1, 2400)).max(axis=2).T
    ours = np.abs(peaks).max(axis=2)[: len(theirs)]
    loud = theirs[: len(ours)] > 0.05
    assert loud.sum() > 50
    assert np.corrcoef(ours[loud], theirs[loud])[0, 1] > 0.97
    assert np.median(ours[loud] / theirs[loud]) == pytest.approx(1, abs=0.1)
    assert np.all(peaks[..., 0] <= peaks[..., 1])


def test_peaks_made_later_are_the_same(output: Path) -> None:
    merged = (output / SESSION / "peaks.dat").read_bytes()
    (output / SESSION / "peaks.dat").write_bytes(merged[:-1] + b"\x01")  # not as it was published: made anew
    assert not page_again(output, force=True).unchanged
    assert (output / SESSION / "peaks.dat").read_bytes() == merged
    assert verified(output) == ()


# -- beside the result


def test_it_is_part_of_the_result(output: Path) -> None:
    assert verified(output) == ()
    page = output / SESSION / "index.html"
    page.write_text(page.read_text("utf-8").replace("Transcript", "transcript"), "utf-8")
    assert [one.code for one in verified(output)] == ["verify-outputs"]


def test_one_that_is_there_is_left_alone(output: Path) -> None:
    before = (output / SESSION / "report.json").read_bytes()
    result = page_again(output)
    assert result.unchanged
    assert result.location == str(output / SESSION / "index.html")
    assert (output / SESSION / "report.json").read_bytes() == before


def test_a_merge_without_takes_it_away_and_page_brings_it_back(output: Path) -> None:
    before = (output / SESSION / "index.html").read_bytes()
    sessiontool.merge(SESSION, store=store_of(SESSION), output=output)
    assert not {"index.html", "peaks.dat"}.intersection(path.name for path in (output / SESSION).iterdir())
    assert not page_again(output).unchanged
    assert (output / SESSION / "index.html").read_bytes() == before
    assert verified(output) == ()


def test_captions_made_again_keep_it_true(output: Path) -> None:
    path = output / SESSION / "transcript.json"
    path.write_text(re.sub('"text": "', '"text": "Hear, hear: ', path.read_text("utf-8"), count=1), "utf-8")
    sessiontool.caption(SESSION, store=store_of(SESSION), output=output)
    assert "Hear, hear: " in (output / SESSION / "index.html").read_text("utf-8")
    assert verified(output) == ()


def test_captions_made_again_replace_the_page_of_another_version(output: Path) -> None:
    path = output / SESSION / "report.json"
    report = json.loads(path.read_text("utf-8"))
    report["tool"]["page_version"] = "0.0.1"
    seal(report)
    path.write_text(to_text(report), "utf-8")
    (output / SESSION / "peaks.dat").unlink()
    sessiontool.caption(SESSION, store=store_of(SESSION), output=output)
    assert verified(output) == ()
    assert page_again(output).unchanged


def test_without_alignment_there_is_one_too(tmp_path: Path) -> None:
    options = MergeOptions(page=True, align=False)
    sessiontool.merge(SESSION, store=store_of(SESSION), output=tmp_path, options=options)
    data = json.loads(Parsed((tmp_path / SESSION / "index.html").read_text("utf-8")).inside["data"])
    assert data["peaks"]["channels"] == 2
    assert data["lanes"] == []
    assert verified(tmp_path) == ()


# -- one file with the audio inside


def test_the_audio_is_inside(output: Path, tmp_path: Path) -> None:
    report = (output / SESSION / "report.json").read_bytes()
    code, printed = run("--output", output, "--embed", "--into", tmp_path / "mail")
    assert (code, printed) == (0, f"{SESSION}: {tmp_path}/mail/{SESSION}.html\n")
    parsed = Parsed((tmp_path / "mail" / f"{SESSION}.html").read_text("utf-8"))
    assert b64decode(parsed.inside["sound"]) == (output / SESSION / "audio.webm").read_bytes()
    assert parsed.policy["media-src"] == "blob:"
    assert (output / SESSION / "report.json").read_bytes() == report
    code, printed = run("--output", output, "--embed", "--into", tmp_path / "mail")
    assert code == 2
    assert "is there already" in printed


def test_open_shows_it_in_the_browser(output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n')
    browser.chmod(0o755)
    argv = [sys.executable, "-m", "sessiontool", "page", SESSION, "--store", str(store_of(SESSION))]
    around = os.environ | {"BROWSER": f"{browser} %s", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([*argv, "--output", str(output), "--open"], env=around, check=True, timeout=60)
    assert (tmp_path / "shown").read_text().strip() == (output / SESSION / "index.html").as_uri()


# -- of what is left of a redacted session


def command(name: str, store: Path, *arguments: str, code: int = 0) -> str:
    ended = CliRunner().invoke(app, [name, SESSION, "--store", str(store), *arguments])
    assert ended.exit_code == code, ended.output
    return ended.output


def test_the_page_of_a_redacted_result_has_what_is_left(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="it is not installed: it has no wheel for this Python")
    store = tmp_path / "store"
    copytree(store_of(SESSION) / SESSION, store / SESSION)
    command("merge", store, "--words")
    gone = json.loads((store / SESSION / "merged" / "transcript.json").read_text("utf-8"))["utterances"][2]
    assert "sessiontool redact " in command("page", store, "--redacted", code=NotFoundError.exit_code)
    command("redact", store, "--utterance", gone["id"])
    inside = store / SESSION / "merged" / "redacted"
    assert command("page", store, "--redacted") == f"{SESSION}: {inside}/index.html\n"
    data = json.loads(Parsed((inside / "index.html").read_text("utf-8")).inside["data"])
    assert data["redacted"] is True
    assert gone["text"] not in json.dumps(data, ensure_ascii=False)
    levels = b64decode(data["peaks"]["base64"])
    first, last = (round(gone[edge] * 20) for edge in ("start_s", "end_s"))
    assert max(levels[2 * (first + 2) : 2 * (last - 2)]) <= 1
    command("verify", store, "--text", re.escape(gone["text"]))
    kept = next(one["text"] for one in data["turns"] if one["text"] and one["text"][0] != "[")
    assert "index.html" in command("verify", store, "--text", re.escape(kept), code=RecordingError.exit_code)
    assert sessiontool.page(SESSION, store=store, redacted=True).location == str(inside / "index.html")
    command("page", store, "--redacted", "--embed", "--into", str(tmp_path))
    assert gone["text"] not in (tmp_path / f"{SESSION}.redacted.html").read_text("utf-8")


# -- what cannot be


def test_without_a_result_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no .*report\.json"):
        page_again(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--embed", "--link", "1h"), "ask for two things"),
        (("--link", "1h"), "is in a folder"),
        (("--link", "soon"), "is no time"),
        (("--link", "0d"), "is no time"),
        (("--embed", "--into", "s3://bucket/pages"), "is no folder of this machine"),
    ],
)
def test_wrong_usage_is_said(output: Path, arguments: tuple[str, ...], said: str) -> None:
    code, printed = run("--output", output, *arguments)
    assert code == 2
    assert said in printed


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("transcript.json", lambda document: document.update(utterances=[{"id": 1}])),
        ("transcript.json", lambda document: document["utterances"][0].update(start_s="soon")),
        ("report.json", lambda document: document.pop("timeline")),
        ("report.json", lambda document: document.update(findings=7)),
    ],
)
def test_a_broken_document_is_named(output: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = output / SESSION / name
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(RecordingError, match=name.replace(".", r"\.")):
        page_again(output, force=True)


@pytest.mark.parametrize("embed", [False, True])
def test_another_recording_is_refused(output: Path, tmp_path: Path, embed: bool) -> None:
    other = sessiontool.merge("chrome-1s", store=store_of(SESSION), output=tmp_path)
    (output / SESSION / "audio.webm").write_bytes((Path(other.location) / "audio.webm").read_bytes())
    if not embed:
        (output / SESSION / "peaks.dat").unlink()
    with pytest.raises(RecordingError, match="not the one that its report names"):
        page_again(output, force=True, embed=tmp_path / "one.html" if embed else None)
    assert not (tmp_path / "one.html").exists()


def test_an_aac_recording_has_its_page(tmp_path: Path) -> None:
    write_session(tmp_path, recorded(44_100, 2).chunks)
    result = sessiontool.merge("s", store=tmp_path, options=MergeOptions(page=True))
    data = json.loads(Parsed((tmp_path / "s" / "merged" / "index.html").read_text("utf-8")).inside["data"])
    assert data["audio"] == "audio.m4a"
    levels = b64decode(data["peaks"]["base64"])
    assert len(levels) / 2 / data["peaks"]["per_s"] == pytest.approx(result.report["duration_s"], abs=0.05)
    assert max(levels) > 20


def test_a_link_to_a_folder_is_refused_in_python_too(output: Path) -> None:
    with pytest.raises(UsageError, match="in a folder"):
        page_again(output, link_s=60)


# -- a page over all sessions


def run_all(*arguments: str | Path) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["page", "--all", "--store", str(store_of(SESSION)), *map(str, arguments)])
    return ended.exit_code, ended.output


def rows_of(index: Path) -> dict[str, dict[str, Any]]:
    data = json.loads(Parsed(index.read_text("utf-8")).inside["data"])
    return {row["id"]: row for row in data["sessions"]}


def test_all_sessions_have_a_line(output: Path) -> None:
    broken = output / "chrome-1s" / "report.json"
    broken.parent.mkdir()
    broken.write_text("[]")
    for name in ("index.html", "peaks.dat"):
        (output / SESSION / name).unlink()
    sessiontool.merge(SESSION, store=store_of(SESSION), output=output)  # now without a page
    code, printed = run_all("--output", output)
    assert code == RecordingError.exit_code
    assert f"{broken} is no JSON object" in printed
    assert f"{output}/index.html: 7 sessions, 1 with a page, 1 of them made now" in printed
    listed = CliRunner().invoke(app, ["list", "--page", "--store", str(store_of(SESSION)), "--output", str(output)])
    assert f"{output}/index.html: 7 sessions, 1 with a page, 0 of them made now" in listed.output
    one = CliRunner().invoke(app, ["list", "--page", "--status", "none", "--store", str(store_of(SESSION))])
    assert (one.exit_code, "the whole store" in one.output) == (2, True)
    rows = rows_of(output / "index.html")
    assert {name: row["state"] for name, row in rows.items()} == {
        folder.name: {SESSION: "complete", "chrome-1s": "unreadable"}.get(folder.name, "not merged")
        for folder in store_of(SESSION).iterdir()
    }
    report = json.loads((output / SESSION / "report.json").read_text("utf-8"))
    assert rows[SESSION]["page"] == f"{SESSION}/index.html"
    assert rows["chrome-1s"]["why"] == "chrome-1s/report.json is no JSON object"
    assert str(output) not in (output / "index.html").read_text("utf-8")
    assert rows[SESSION]["duration_ms"] == round(report["duration_s"] * 1000)
    assert rows[SESSION]["utterances"] == report["utterances"]
    assert verified(output) == ()
    assert "0 of them made now" in run_all("--output", output)[1]


def test_the_page_of_a_store_leads_into_its_sessions(place: Path, tmp_path: Path) -> None:
    copytree(store_of(SESSION) / SESSION, tmp_path / "store" / SESSION)
    copytree(place / SESSION, tmp_path / "store" / SESSION / "merged")
    ended = CliRunner().invoke(app, ["page", "--all", "--store", str(tmp_path / "store"), "--json"])
    assert json.loads(ended.output)["sessions"] == [
        {"location": f"{tmp_path}/store/index.html", "sessions": 1, "pages": 1, "made": 0, "failed": []}
    ]
    link = rows_of(tmp_path / "store" / "index.html")[SESSION]["page"]
    assert (tmp_path / "store" / link).is_file()


def test_the_page_of_a_bucket_is_in_its_root(place: Path, s3_url: str, s3_client: Any) -> None:
    bucket, _, root = s3_url.removeprefix("s3://").partition("/")
    for path in (place / SESSION).iterdir():
        s3_client.put_object(Bucket=bucket, Key=f"{root}/{SESSION}/{path.name}", Body=path.read_bytes())
    code, printed = run_all("--output", s3_url)
    assert (code, printed) == (0, f"{s3_url}/index.html: 7 sessions, 1 with a page, 0 of them made now\n")
    found = s3_client.get_object(Bucket=bucket, Key=f"{root}/index.html")
    assert found["ContentType"] == "text/html; charset=utf-8"
    assert f'"page":"{SESSION}/index.html"' in found["Body"].read().decode()


@pytest.mark.parametrize("arguments", [(SESSION, "--all"), ("--all", "--embed"), ("--all", "--link", "1h"), ()])
def test_all_is_for_places_alone(arguments: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(app, ["page", *arguments, "--store", str(store_of(SESSION))])
    assert ended.exit_code == UsageError.exit_code
