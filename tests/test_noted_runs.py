"""Several recorder runs whose blobs went to one folder: divided as they were noted."""

from __future__ import annotations

from shutil import rmtree
from typing import TYPE_CHECKING, Any

import pytest
from stored_session import PARTS, assert_verified, edit_parts, merged, packets

if TYPE_CHECKING:
    from pathlib import Path


def into_one_folder(session: Path, lost: int | None = None) -> list[int]:
    """Number the chunks of all parts on, in the first one's folder, but for one; returns where each part begins."""
    blobs: list[bytes] = []
    starts = []
    for part in PARTS:
        starts.append(len(blobs))
        blobs += [path.read_bytes() for path in sorted((session / "chunks" / part).iterdir())]
    rmtree(session / "chunks")
    folder = session / "chunks" / "000"
    folder.mkdir(parents=True)
    for number, blob in enumerate(blobs):
        if number != lost:
            (folder / f"{number:06d}.webm").write_bytes(blob)
    return starts


def moved(entry: dict[str, Any], by: int) -> dict[str, Any]:
    return entry | {"chunks": [chunk | {"seq": chunk["seq"] + by} for chunk in entry["chunks"]]}


@pytest.mark.parametrize("numbers", ["of the folder", "of each run"])
@pytest.mark.parametrize("lost", [None, 0, 1, 4])
def test_runs_in_one_folder_are_the_parts_that_were_noted(session: Path, numbers: str, lost: int | None) -> None:
    if lost is not None:
        (session / "chunks" / "000" / f"{lost:06d}.webm").rename(session / "lost")
    status = merged(session).status
    before = packets(session)
    if lost is not None:
        (session / "lost").rename(session / "chunks" / "000" / f"{lost:06d}.webm")
    starts = into_one_folder(session, lost)
    if numbers == "of the folder":
        edit_parts(session, lambda parts: [moved(entry, by) for entry, by in zip(parts, starts, strict=True)])
    result = merged(session)
    assert packets(session) == before
    assert result.status == status
    assert [one.seq for one in result.findings if one.code == "recorder-restarted"] == starts[1:]
    assert [one["part"] for one in result.report["chunks"]] == ["000"] * len(result.report["chunks"])
    assert_verified(session)


def test_of_a_run_that_was_not_noted_the_place_is_not_known(session: Path) -> None:
    """A page that was reloaded wrote its notes over the ones before."""
    merged(session)
    order = [payload for _, payload in packets(session)]
    into_one_folder(session)
    edit_parts(session, lambda parts: parts[1:])
    result = merged(session)
    assert [(one.severity, one.part) for one in result.findings if one.code == "part-start-unknown"] == [
        ("warning", "000")
    ]
    assert result.status == "repaired"
    recorded = {payload for payload in order if len(payload) > 3}
    found = [payload for _, payload in packets(session) if payload in recorded]
    assert found == [payload for payload in order if payload in recorded]


def test_a_first_blob_that_is_there_twice_is_no_run_of_its_own(session: Path) -> None:
    for part in PARTS[1:]:
        rmtree(session / "chunks" / part)
    edit_parts(session, lambda parts: parts[:1])
    status = merged(session).status
    before = packets(session)
    folder = session / "chunks" / "000"
    for path in sorted(folder.iterdir(), reverse=True):
        (folder / f"{int(path.stem) + 1:06d}.webm").write_bytes(path.read_bytes())
    result = merged(session)
    assert packets(session) == before
    assert (status, result.status) == ("complete", "repaired")
    assert "recorder-restarted" not in {one.code for one in result.findings}


@pytest.mark.parametrize("number", [0, 3])
def test_a_single_stranger_before_what_was_noted_is_no_run(session: Path, number: int) -> None:
    """The first chunk of another recording, or one from its middle, under the number before the first noted one."""
    stranger = (session / "chunks" / "001" / f"{number:06d}.webm").read_bytes()
    for part in PARTS[1:]:
        rmtree(session / "chunks" / part)
    edit_parts(session, lambda parts: parts[:1])
    merged(session)
    before = packets(session)
    folder = session / "chunks" / "000"
    for path in sorted(folder.iterdir(), reverse=True):
        path.rename(folder / f"{int(path.stem) + 1:06d}.webm")
    (folder / "000000.webm").write_bytes(stranger)
    edit_parts(session, lambda parts: [moved(parts[0], 1)])
    result = merged(session)
    assert packets(session)[: len(before)] == before
    assert [one.seq for one in result.findings if one.code == "chunk-foreign"] == [0]
    assert "header-missing" not in {one.code for one in result.findings}
