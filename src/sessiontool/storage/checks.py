"""Whether a store can be worked with: one check after another, each really done, and said what to do where it fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SessionToolError
from .local.disk import disk_errors
from .protocols import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .protocols import Store

LITTLE_ROOM_BYTES = 1 << 30
"""Chosen: an hour of sound with all its files takes a tenth."""


def doubtful(name: str, what: str, hint: str) -> Check:
    return Check(name, "warning", what, hint)


def probe(name: str, look: Callable[[], str | Check]) -> Check:
    """Do a check that returns what it found, and raises what is wrong."""
    try:
        found = look()
    except SessionToolError as error:
        return Check(name, "failed", error.message, error.hint, error.exit_code)
    return found if isinstance(found, Check) else Check(name, "ok", found)


def check_sessions(store: Store) -> Check:
    """Whether there are sessions at all, and the first can be listed and read."""

    def look() -> str | Check:
        session_id = next(store.session_ids(), None)
        if session_id is None:
            return doubtful("sessions", f"no session in {store.url}", "is this the right store, and the right layout?")
        listing = store.list_session(session_id)
        objects = [chunk.object for chunk in listing.chunks] or list(listing.documents.values())
        if not objects:
            return doubtful(
                "sessions", f"{session_id} has neither chunks nor documents", "does the layout fit? see --layout"
            )
        smallest = min(objects, key=lambda obj: obj.size_bytes)
        store.read(smallest)
        return f"{session_id} for one: listed, and {smallest.key} read"

    return probe("sessions", look)


def check_room(name: str, folder: Path) -> Check:
    """Whether a folder can be written to, and has room."""

    def look() -> str | Check:
        with disk_errors("write to", folder), tempfile.TemporaryDirectory(prefix=".sessiontool-", dir=folder) as work:
            made = Path(work) / "made"
            made.write_bytes(b"x")
            made.replace(made.with_name("renamed"))
        free_bytes = shutil.disk_usage(folder).free
        what = f"{folder} can be written to, {free_bytes / 1e9:.1f} GB free"
        if free_bytes < LITTLE_ROOM_BYTES:
            return doubtful(name, what, "an hour of sound takes 60 MB, for a moment twice")
        return what

    return probe(name, look)


def check_output(folder: Path) -> Check:
    """Whether results can be put into a folder that may not be there yet."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path == path.parent)
    return check_room("output", there)


def check_scratch() -> Iterator[Check]:
    """Where recordings are made before they are uploaded."""
    yield check_room("temporary folder", Path(os.path.realpath(tempfile.gettempdir())))
