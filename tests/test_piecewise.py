"""Objects of a store as one file: the bytes of all, wherever it is read, and one open at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sessiontool.errors import StorageError
from sessiontool.sessions.piecewise import open_pieces
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from sessiontool.model import StoredObject
    from sessiontool.storage import Store

PIECES = (b"first\nlines\n", b"", b"a last line", bytes(range(256)) * 4000)
WHOLE = b"\n".join(PIECES)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    folder = tmp_path / "s" / "events"
    folder.mkdir(parents=True)
    for number, piece in enumerate(PIECES):
        (folder / f"{number}.jsonl").write_bytes(piece)
    return open_store(str(tmp_path))


def objects(store: Store) -> list[StoredObject]:
    documents = store.list_session("s").documents
    return [documents[f"events/{number}.jsonl"] for number in range(len(PIECES))]


def test_all_bytes_are_there_wherever_it_is_read(store: Store) -> None:
    listed = objects(store)
    with store.reading(listed) as read, open_pieces(listed, read.opened) as file:
        assert file.read() == WHOLE
        for place in (0, 3, len(PIECES[0]), len(WHOLE) - 5, len(WHOLE), 20):
            assert file.seek(place) == file.tell() == place
            assert file.read(700) == WHOLE[place : place + 700]


def test_one_is_open_at_a_time_and_none_in_the_end(store: Store) -> None:
    links = Path(f"/proc/{os.getpid()}/fd")
    listed = objects(store)

    def is_open() -> int:
        return sum(".jsonl" in str(link.readlink()) for link in links.iterdir() if os.path.lexists(link))

    with store.reading(listed) as read, open_pieces(listed, read.opened) as file:
        for place in range(0, len(WHOLE), 1000):
            file.seek(place)
            file.read(1)
            assert is_open() <= 1
    assert not is_open()


def test_a_piece_that_changes_is_said(store: Store, tmp_path: Path) -> None:
    listed = objects(store)
    with store.reading(listed) as read:
        file = open_pieces(listed, read.opened)
        (tmp_path / "s" / "events" / "3.jsonl").write_bytes(b"shorter")
        with pytest.raises(StorageError, match=r"3\.jsonl"):
            file.read()
