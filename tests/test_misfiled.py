"""Chunks that lie in the folder of another part than the one that recorded them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from random_pool import pool
from stored_session import assert_verified, edit_parts, merged, packets

from sessiontool import inspect, purge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


CHUNKS = 6  # of each part of the sample


def chunk(session: Path, part: int, seq: int) -> Path:
    return session / "chunks" / f"{part:03d}" / f"{seq:06d}.webm"


def noted_by_hash(session: Path) -> None:
    def add(parts: list[dict[str, Any]]) -> None:
        for entry in parts:
            for noted in entry["chunks"]:
                data = chunk(session, entry["part"], noted["seq"]).read_bytes()
                noted["sha256"] = hashlib.sha256(data).hexdigest()

    edit_parts(session, add)


def unnoted(session: Path) -> None:
    (session / "session.json").unlink()


def as_noted(session: Path) -> None:
    """With the sizes that the sample has."""


NOTED = [as_noted, noted_by_hash, unnoted]


@pytest.mark.parametrize("notes", NOTED)
@pytest.mark.parametrize(("of", "into"), [((0, 3), (1, 6)), ((1, 0), (2, 6)), ((1, 0), (0, 6)), ((2, 2), (0, 9))])
def test_a_chunk_in_another_folder_is_joined_where_it_belongs(
    session: Path, of: tuple[int, int], into: tuple[int, int], notes: Callable[[Path], None]
) -> None:
    notes(session)
    merged(session)
    before = packets(session)
    chunk(session, *of).rename(chunk(session, *into))
    result = merged(session)
    assert packets(session) == before
    assert result.status == "repaired"
    (found,) = [one for one in result.findings if one.code == "chunk-of-other-part"]
    assert (found.severity, int(found.part or -1), found.seq) == ("warning", *into)
    assert f"chunk {of[1]} of part {of[0]:03d}" in found.message
    assert not [one for one in result.findings if one.severity == "error"]
    assert_verified(session)


def test_its_record_is_of_the_chunk_in_the_store_and_all_can_be_purged(session: Path) -> None:
    sizes = {str(path.relative_to(session)): path.stat().st_size for path in session.glob("chunks/*/*")}
    chunk(session, 0, 3).rename(chunk(session, 1, 6))
    result = merged(session)
    listed = {one["key"].split("/", 1)[1]: one["bytes"] for one in result.report["chunks"]}
    sizes["chunks/001/000006.webm"] = sizes.pop("chunks/000/000003.webm")
    assert listed == sizes
    (record,) = [one for one in result.report["chunks"] if one["key"].endswith("001/000006.webm")]
    assert (record["part"], record["seq"], record["verdict"]) == ("001", 6, "ok")
    due = purge("demo", store=session.parent, chunks_after_days=0)
    assert {one.key.split("/", 1)[1] for one in due.versions} == sizes.keys()


def test_two_chunks_that_lie_in_each_others_folders(session: Path) -> None:
    merged(session)
    before = packets(session)
    one, other = chunk(session, 0, 3), chunk(session, 1, 3)
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    result = merged(session)
    assert packets(session) == before
    assert sorted(int(one.part or -1) for one in result.findings if one.code == "chunk-of-other-part") == [0, 1]


@pytest.mark.parametrize("notes", [as_noted, noted_by_hash])
@pytest.mark.parametrize("cut", [(1, 2), (2, 5), (1, 0)])
def test_two_folders_that_have_each_others_names(
    session: Path, notes: Callable[[Path], None], cut: tuple[int, int]
) -> None:
    """What is damaged in them is of the part that all others are of: it stood 27 s from there."""
    notes(session)
    damaged = chunk(session, *cut)
    damaged.write_bytes(damaged.read_bytes()[:6000])
    status = merged(session).status
    before = packets(session)
    chunks = session / "chunks"
    for one, other in (("001", "aside"), ("002", "001"), ("aside", "002")):
        (chunks / one).rename(chunks / other)
    result = merged(session)
    assert packets(session) == before
    assert result.status == ("repaired" if status == "complete" else status)
    assert_verified(session)


def test_one_that_lies_over_another_parts_chunk(session: Path) -> None:
    """What it lies over is lost, and nothing else."""
    merged(session)
    before = packets(session)
    chunk(session, 0, 3).replace(chunk(session, 1, 3))
    result = merged(session)
    lost = [one for one in result.findings if one.code == "sound-lost"]
    assert result.status == "partial"
    assert [int(one.part or -1) for one in lost] == [1]
    after = dict.fromkeys(packets(session))
    assert len([one for one in before if one not in after]) <= len(before) // (2 * CHUNKS)
    assert "chunk-of-other-part" in {one.code for one in inspect("demo", store=session.parent).findings}


@pytest.mark.parametrize("notes", NOTED)
@pytest.mark.parametrize("seq", [0, 3])
def test_a_copy_in_another_folder_is_joined_once(session: Path, seq: int, notes: Callable[[Path], None]) -> None:
    """With its header, it was joined again as a part of its own."""
    notes(session)
    merged(session)
    before = packets(session)
    chunk(session, 1, 6).write_bytes(chunk(session, 0, seq).read_bytes())
    result = merged(session)
    assert packets(session) == before
    named = {one.code for one in result.findings if (one.part, one.seq) == ("001", 6)}
    assert named == {"chunk-of-other-part", "chunk-duplicate"}
    assert_verified(session)


def two_parts(folder: Path, *names: str) -> Path:
    """A session without notes of recordings of the pool, a part each."""
    known = {one.name: one for found in pool().values() for one in found}
    for part, name in enumerate(names):
        for seq, blob in enumerate(known[name].blobs):
            path = chunk(folder / "s", part, seq)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blob)
    return folder / "s"


@pytest.mark.parametrize(
    ("first", "second", "number"),
    [
        pytest.param("sim-chrome-starved", "sim-firefox", 9, id="without a clock, by its cluster"),
        pytest.param("chrome-load/0", "demo/2", 8, id="of the same browser, under an odd number"),
    ],
)
def test_a_chunk_behind_another_part_is_brought_home(first: str, second: str, number: int, tmp_path: Path) -> None:
    """Chrome begins a cluster every few seconds: a chunk may hold no time but those counted from one before.

    Behind a part of the same browser one was joined there, 10 s after the end.
    """
    session = two_parts(tmp_path, first, second)
    merged(session)
    before = packets(session)
    chunk(session, 0, 7).rename(chunk(session, 1, number))
    result = merged(session)
    assert packets(session) == before
    brought = [(one.part, one.seq) for one in result.findings if one.code == "chunk-of-other-part"]
    assert brought == [("001", number)]


def test_a_chunk_with_a_torn_beginning_is_brought_home_by_the_numbers_in_it(tmp_path: Path) -> None:
    """Eleven bytes of the one before were sent again; fragments of MP4 are counted."""
    session = two_parts(tmp_path, "sim-mp4", "sim-firefox")
    merged(session)
    before = packets(session)
    data = chunk(session, 0, 7).read_bytes()[-11:] + chunk(session, 0, 8).read_bytes()
    chunk(session, 0, 8).unlink()
    chunk(session, 1, 9).write_bytes(data)
    result = merged(session)
    assert packets(session) == before
    assert [one.part for one in result.findings if one.code == "chunk-of-other-part"] == ["001"]


def test_a_chunk_between_lost_ones_is_brought_home_by_its_number(tmp_path: Path) -> None:
    """It goes on with none of them, and its clock says what its number does."""
    session = two_parts(tmp_path, "sim-ogg", "sim-chrome-20ms", "sim-chrome")
    merged(session)
    for seq in (2, 4):
        chunk(session, 1, seq).unlink()
    merged(session)
    before = packets(session)
    chunk(session, 1, 3).replace(chunk(session, 2, 3))
    chunk(session, 2, 4).unlink()
    result = merged(session)
    assert [one for one in packets(session)[:1800] if one not in before] == []
    assert [one.part for one in result.findings if one.code == "chunk-of-other-part"] == ["002"]


def test_a_part_is_the_recorder_that_recorded_most(tmp_path: Path) -> None:
    """Chrome's packets may be three times as long as those of another: two chunks of that had more of them."""
    session = two_parts(tmp_path, "sim-chrome-busy", "sim-ogg")
    merged(session)
    before = packets(session)
    for seq in (4, 5, 6):
        chunk(session, 0, seq).unlink()
    chunk(session, 1, 4).rename(chunk(session, 0, 4))
    chunk(session, 1, 6).rename(chunk(session, 0, 8))
    result = merged(session)
    order = [payload for _, payload in packets(session)]
    assert set(order) >= {payload for _, payload in before[-1000:]}  # the second part is whole
    assert order[-1000:] == [payload for _, payload in before[-1000:]]
    assert [one.seq for one in result.findings if one.code == "chunk-of-other-part"] == [4, 8]


@pytest.mark.parametrize(
    ("names", "lost", "strays"),
    [(("demo/0", "demo/1"), (1, 5), (0,)), (("firefox-pause/0", "sim-firefox-paused"), (), (0, 6))],
)
def test_what_begins_a_recording_is_brought_home_to_the_part_without_a_beginning(
    tmp_path: Path, names: tuple[str, str], lost: tuple[int, ...], strays: tuple[int, ...]
) -> None:
    """Behind another part it was taken for a recorder that was started again, and joined 60 s late."""
    session = two_parts(tmp_path, *names)
    for seq in lost:
        chunk(session, 0, seq).unlink()
    merged(session)
    before = packets(session)
    for number, seq in enumerate(reversed(strays), 8):
        chunk(session, 0, seq).rename(chunk(session, 1, number))
    result = merged(session)
    assert packets(session)[: len(before) // 3] == before[: len(before) // 3]
    assert {payload for _, payload in packets(session)} == {payload for _, payload in before}
    assert len([one for one in result.findings if one.code == "chunk-of-other-part"]) == len(strays)
    assert "recorder-restarted" not in {one.code for one in result.findings}


def test_one_behind_a_lost_end_is_brought_home_by_its_number(tmp_path: Path) -> None:
    """Nothing is behind it there, and its clock says what its number does."""
    session = two_parts(tmp_path, "sim-mp4", "sim-firefox")
    chunk(session, 1, 6).unlink()
    merged(session)
    before = [payload for _, payload in packets(session)]
    chunk(session, 1, 7).rename(chunk(session, 0, 9))
    merged(session)
    assert [payload for _, payload in packets(session)] != before  # under another number, it may be of any recording
    chunk(session, 0, 9).replace(chunk(session, 0, 7))
    result = merged(session)
    assert [one.seq for one in result.findings if one.code == "chunk-of-other-part"] == [7]
    assert [payload for _, payload in packets(session)][-150:] == before[-150:]


def test_one_between_lost_ones_stays_where_its_number_is_right(tmp_path: Path) -> None:
    """Another part lacks the same chunk: it would fit there as well."""
    session = two_parts(tmp_path, "demo/0", "demo/1")
    for part, seq in ((0, 3), (1, 2), (1, 4)):
        chunk(session, part, seq).unlink()
    result = merged(session)
    assert "chunk-of-other-part" not in {one.code for one in result.findings}
