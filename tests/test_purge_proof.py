"""What is proved before chunks are deleted: nothing goes that is not in the result, whatever a report says of it."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections import Counter
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import Folder
from purging import CHROME, ID, WHOLE, examine, forge, forged_ok, key, merge, packets_of, put_chunks, report_of
from recordings import (
    CHROME_TOC,
    Block,
    Live,
    blobs,
    chunk_ref,
    cluster,
    firefox,
    live_header,
    payloads,
    simple_block,
    track_entry,
    walk,
)
from typer.testing import CliRunner

from sessiontool.cli import app
from sessiontool.errors import RecordingError
from sessiontool.sessions.purge import Purger, Rule
from sessiontool.sessions.purge_proof.proof import Proof
from sessiontool.sessions.purge_proof.published import read_packets
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Sequence

TESTS = Path(__file__).parent
SESSIONS = sorted((TESTS / "data" / "sessions").iterdir())
DEMO = TESTS.parent / "samples" / "demo"


def refusal(root: Path, session_id: str = ID) -> str:
    with pytest.raises(RecordingError) as caught:
        examine(root, session_id)
    assert caught.value.hint
    return caught.value.message


def unproved(root: Path) -> ItemsView[str, int]:
    """The chunks that hold bytes which are not in the result, and how many."""
    count: Counter[str] = Counter()
    for one in examine(root, even_damaged=True).overridden:
        count[one.key] += one.size_bytes
    return count.items()


# -- the kinds of damage that deleted sound


@pytest.fixture
def session(tmp_path: Path) -> Callable[[str], list[Path]]:
    """Lays a recorded session without its session.json into the store `tmp_path`, as `s`; returns its chunks."""

    def laid(name: str) -> list[Path]:
        source = DEMO if name == "demo" else TESTS / "data" / "sessions" / name
        shutil.copytree(source, tmp_path / ID, ignore=shutil.ignore_patterns("merged", "*.json", "*.jsonl"))
        return sorted((tmp_path / ID / "chunks").rglob("*.webm"))

    return laid


def test_an_unreadable_tail_is_kept(session: Callable[[str], list[Path]], tmp_path: Path) -> None:
    for number, path in enumerate(session("demo")[-3:]):
        path.write_bytes(Random(number).randbytes(40_000))
    merge(tmp_path)
    assert "holds 40,000 bytes at byte 0 that are not in the result" in refusal(tmp_path)
    assert unproved(tmp_path) >= {key(number, "002"): 40_000 for number in (3, 4, 5)}.items()


def test_chunks_that_are_text_of_no_recording_are_kept(session: Callable[[str], list[Path]], tmp_path: Path) -> None:
    paths = [path for path in session("demo") if path.parent.name == "000"][1:]
    for path in paths:
        path.write_bytes(base64.b64encode(path.read_bytes()[::-1]))
    merge(tmp_path)
    assert "more chunk(s) hold such bytes" in refusal(tmp_path)
    sizes = {path.relative_to(tmp_path).as_posix(): path.stat().st_size for path in paths}
    assert unproved(tmp_path) >= sizes.items()


def test_a_part_that_was_refused_is_kept(session: Callable[[str], list[Path]], tmp_path: Path) -> None:
    paths = [path for path in session("demo") if path.parent.name == "001"]
    for path in paths:
        path.write_bytes(base64.b64encode(path.read_bytes()[::-1]))
    merge(tmp_path)
    assert "s/chunks/001/" in refusal(tmp_path)
    sizes = {path.relative_to(tmp_path).as_posix(): path.stat().st_size for path in paths}
    assert unproved(tmp_path) == sizes.items()


@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize("number", [2, 0])
def test_a_chunk_of_another_browser_is_kept(
    session: Callable[[str], list[Path]], tmp_path: Path, number: int, forged: bool
) -> None:
    """Also where it is joined as a recording of its own: it may be all that there is of another session."""
    stranger = firefox(50, cluster_packets=50).data
    session("demo")[number].write_bytes(stranger)
    merge(tmp_path)
    if forged:
        forge(tmp_path, forged_ok)
    assert f"/{number:06d}.webm holds" in refusal(tmp_path)
    assert dict(unproved(tmp_path))[key(number, "000")] == len(stranger)


@pytest.mark.parametrize("number", [2, 0])
def test_a_chunk_of_another_browser_without_its_header_is_kept(
    session: Callable[[str], list[Path]], tmp_path: Path, number: int
) -> None:
    live = firefox(100, cluster_packets=50)
    session("demo")[number].write_bytes(live.data[live.blocks[50].offset - 15 :])
    merge(tmp_path)
    assert f"{key(number, '000')} holds" in refusal(tmp_path)
    assert not packets_of(tmp_path).keys() & {block.payload for block in live.blocks}


def test_a_chunk_of_another_session_is_kept(session: Callable[[str], list[Path]], tmp_path: Path) -> None:
    session("demo")[2].write_bytes(CHROME.data)
    merge(tmp_path)
    assert "/000002.webm holds" in refusal(tmp_path)


def test_zeroes_are_named_with_their_place_whatever_the_report_says(
    session: Callable[[str], list[Path]], tmp_path: Path
) -> None:
    path = session("demo")[1]
    body = bytearray(path.read_bytes())
    body[9000:20000] = bytes(11_000)
    path.write_bytes(body)
    merge(tmp_path)
    before = refusal(tmp_path)
    forge(tmp_path, forged_ok)
    assert refusal(tmp_path) == before
    assert f"{key(1, '000')} holds" in before


def test_a_second_track_is_kept(tmp_path: Path) -> None:
    sound = [simple_block(packet, 60 * at) for at, packet in enumerate(payloads(12, toc=CHROME_TOC))]
    picture = simple_block(b"a picture" * 20, 70, track=2)
    header = live_header(track_entry(), track_entry(2, b"V_VP8", kind=1, private=b""))
    put_chunks(tmp_path, [header + cluster(0, *sound[:6], picture), b"".join([*sound[6:], picture])])
    merge(tmp_path)
    assert "another track" in refusal(tmp_path)
    assert unproved(tmp_path) == {key(0): len(picture), key(1): len(picture)}.items()
    report = json.loads((tmp_path / ID / "merged" / "report.json").read_text())
    (finding,) = [one for one in report["findings"] if one["code"] == "second-track"]  # nine warnings of nine chunks
    assert (finding["severity"], report["status"]) == ("info", "complete")


# -- what is proved


@pytest.mark.parametrize("path", [*SESSIONS, DEMO], ids=lambda path: path.name)
def test_undamaged_recordings_are_proved(path: Path, tmp_path: Path) -> None:
    shutil.copytree(path, tmp_path / path.name, ignore=shutil.ignore_patterns("merged"))
    try:
        merge(tmp_path, path.name)
    except RecordingError:
        pytest.skip("it cannot be merged")
    report = json.loads((tmp_path / path.name / "merged" / "report.json").read_text())
    assert {chunk["verdict"] for chunk in report["chunks"]} <= {"ok", "empty", "duplicate"}
    found = examine(tmp_path, path.name)
    assert (found.action, found.overridden) == ("chunks", ())


HARMLESS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "as recorded": lambda chunks: chunks,
    "one is twice": lambda chunks: [*chunks, chunks[3]],
    "one is twice in a row": lambda chunks: [*chunks[:3], *chunks[2:]],
    "one is missing": lambda chunks: [*chunks[:3], *chunks[4:]],
    "one is empty": lambda chunks: [*chunks[:3], b"", *chunks[3:]],
}


@pytest.mark.parametrize("change", HARMLESS)
@pytest.mark.parametrize("kind", WHOLE)
def test_what_loses_nothing_is_proved(kind: str, change: str, tmp_path: Path) -> None:
    put_chunks(tmp_path, HARMLESS[change](WHOLE[kind]))
    merge(tmp_path)
    found = examine(tmp_path)
    assert found.action == "chunks"
    assert set(found.sha256) == {version.key for version in found.versions}


@pytest.mark.parametrize("kind", WHOLE)
def test_bytes_behind_the_last_packet_are_named(kind: str, tmp_path: Path) -> None:
    chunks = WHOLE[kind]
    put_chunks(tmp_path, [*chunks[:-1], chunks[-1] + b"<html>cut here</html>"])
    merge(tmp_path)
    assert f"{key(len(chunks) - 1)} holds" in refusal(tmp_path)


def proved(live: Live, chunks: Sequence[bytes]) -> dict[str, int]:
    """What a proof finds in chunks that is not in a recording: bytes by chunk."""
    proof = Proof([[block.payload for block in live.blocks]])
    for number, data in enumerate(chunks):
        proof.take(chunk_ref(number, len(data)), data)
    proof.end()
    count: Counter[str] = Counter()
    for one in proof.unproved:
        count[one.key] += one.size_bytes
    return dict(count)


@pytest.mark.parametrize("number", [0, 2])
def test_another_recorders_header_is_the_only_thing_that_is_named(number: int) -> None:
    """What comes after it is read as if it were not there."""
    chunks, stranger = blobs(CHROME, 10), firefox(20, seed=5).data
    chunks[number] = stranger
    found = proved(CHROME, chunks)
    assert found.pop(f"s/chunks/0/{number}.webm") >= len(stranger) // 2
    assert set(found.values()) <= {1}  # the last byte of the blob before, which begins a block that is gone


def test_what_two_chunks_share_at_their_seam_is_no_damage() -> None:
    chunks = blobs(CHROME, 10)
    for number in (2, 4):
        chunks[number] = chunks[number - 1][-100 * number :] + chunks[number]
    chunks.insert(6, chunks[5][:200])
    assert proved(CHROME, chunks) == {}


def test_packets_inside_a_packet_are_found() -> None:
    """One size is wrong, and the block ends where the third one behind it does."""
    first, last = CHROME.blocks[12], CHROME.blocks[15]
    size = (0x4000 + last.end - first.offset - 3).to_bytes(2, "big")
    data = CHROME.data[: first.offset + 1] + size + CHROME.data[first.offset + 3 :]
    long = Block(CHROME.data[first.offset + 7 : last.end], first.time_ms, first.offset, last.end)
    read_so = Live(data, (*CHROME.blocks[:12], long, *CHROME.blocks[16:]))
    assert proved(read_so, [data]) != {}


@pytest.mark.parametrize("name", ["chrome-silence", "firefox-pause"])
def test_a_published_recording_is_read_packet_by_packet(merged_session: Callable[[str], Path], name: str) -> None:
    path = merged_session(name) / "audio.webm"
    with path.open("rb") as file:
        assert [packet for packets in read_packets(file) for packet in packets] == [
            block.payload for block in walk(path.read_bytes())
        ]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_published_recording_that_is_damaged_is_an_error_or_other_packets(
    data: st.DataObject, merged_session: Callable[[str], Path]
) -> None:
    body = bytearray((merged_session("chrome-silence") / "audio.webm").read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(body), bytes(body[:at])):
        with suppress(RecordingError):
            list(read_packets(BytesIO(broken)))


def test_a_result_without_its_sound_proves_nothing(session: Callable[[str], list[Path]], tmp_path: Path) -> None:
    session("demo")
    merge(tmp_path)
    (tmp_path / ID / "merged" / "audio.webm").unlink()
    forge(
        tmp_path,
        lambda report: report.update(outputs=[one for one in report["outputs"] if one["name"] != "audio.webm"]),
    )
    assert "nothing is deleted" in refusal(tmp_path)


def test_another_sessions_result_proves_nothing(session: Callable[[str], list[Path]], tmp_path: Path) -> None:
    """All of it, with the report made to fit: this session's name, chunks and hashes."""
    session("demo")
    merge(tmp_path)
    hashes = {one["key"]: one for one in report_of(tmp_path)["chunks"]}
    shutil.copytree(TESTS / "data" / "sessions" / "chrome-silence", tmp_path / "other")
    merge(tmp_path, "other")
    shutil.rmtree(tmp_path / ID / "merged")
    (tmp_path / "other" / "merged").rename(tmp_path / ID / "merged")

    def fit(report: dict[str, Any]) -> None:
        mine = [{**one, "packets": 0} for one in hashes.values()]
        report.update(session_id=ID, chunks=[*report["chunks"], *mine])

    forge(tmp_path, fit)
    assert "nothing is deleted" in refusal(tmp_path)
    with pytest.raises(RecordingError):
        examine(tmp_path, even_damaged=True)


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("step", [1, -1])
def test_what_a_killed_run_left_is_proved(kind: str, step: int, tmp_path: Path) -> None:
    """Whichever chunks it had deleted: from the first on, or from the last."""
    put_chunks(tmp_path, WHOLE[kind])
    merge(tmp_path)
    for number in range(len(WHOLE[kind]))[::step][:-1]:
        (tmp_path / key(number)).unlink()
        assert examine(tmp_path).action == "chunks"


# -- what is deleted all the same


def test_even_damaged_is_for_one_run_and_the_receipt_says_what_it_let_go(
    session: Callable[[str], list[Path]], tmp_path: Path
) -> None:
    path = session("demo")[1]
    path.write_bytes(path.read_bytes()[:9000])
    good = tmp_path / "good" / "chunks" / "0"
    good.mkdir(parents=True)
    (good / "0.webm").write_bytes(CHROME.data)
    merge(tmp_path)
    merge(tmp_path, "good")
    receipt = tmp_path / "receipt.jsonl"
    arguments = ["purge", ID, "good", "-s", str(tmp_path), "--chunks-after", "0"]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 4
    assert f"error: {ID}: nothing is deleted: {key(1, '000')} holds" in refused.stderr
    assert "good: would delete its chunks, 1 objects" in refused.stdout

    done = CliRunner().invoke(app, [*arguments, "--yes", "--even-damaged", "--receipt", str(receipt)])
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in receipt.read_text().splitlines()]
    mine = [event for event in events if event["session_id"] == ID]
    assert [event["even_damaged"] for event in mine] == [True, True]
    assert {one["key"] for one in mine[0]["overridden"]} == {key(1, "000")}
    assert all(one["bytes"] > 0 and one["reason"] for one in mine[0]["overridden"])
    assert not any("overridden" in event for event in events if event["session_id"] == "good")
    assert "although bytes of 1 chunk(s) are not in the result" in done.stdout
    assert not list((tmp_path / ID).rglob("chunks/*/*"))


def test_a_session_whose_term_is_over_goes_whatever_its_chunks_hold(tmp_path: Path) -> None:
    put_chunks(tmp_path, [CHROME.data, b"<html>"])
    with open_store(str(tmp_path)) as store:
        found = Purger(store, Rule(0, 0)).examine(ID, store.target(ID))
    assert (found.action, found.even_damaged) == ("all", False)


def test_files_among_the_chunks_that_are_none_stay_and_are_named(tmp_path: Path) -> None:
    put_chunks(tmp_path, [CHROME.data])
    strays = [f"{ID}/chunks/0/000000 (1).webm", f"{ID}/chunks/0/000000.txt", f"{ID}/notes.md"]
    for stray in strays:
        Folder(tmp_path).put(stray, b"")
    merge(tmp_path)
    found = examine(tmp_path)
    assert found.left == (strays[0],)
    assert not {version.key for version in found.versions} & set(strays)


def test_a_pipe_among_the_chunks_is_refused(tmp_path: Path) -> None:
    put_chunks(tmp_path, [CHROME.data])
    merge(tmp_path)
    os.mkfifo(tmp_path / key(7))
    assert f"{key(7)} (no file)" in refusal(tmp_path)
