"""All sessions of a store from one listing, instead of one for each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .layout import MERGED_FOLDER, REDACTED_FOLDER
from .protocols import REPORT_NAME, Scanned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import StoredObject
    from .layout import Layout


def scanned(layout: Layout, session_id: str, objects: Iterable[StoredObject]) -> Scanned | None:
    """A session of all objects below its prefixes; None where nothing of it is there."""
    found = list(objects)
    listing = layout.listing(session_id, found)
    if listing is None:
        return None
    merged = f"{listing.folder}/{MERGED_FOLDER}"
    reports = {obj.key: obj for obj in found if obj.key.startswith(merged) and obj.key.endswith(REPORT_NAME)}
    alone = reports.get(f"{merged}/{REDACTED_FOLDER}/{REPORT_NAME}")
    return Scanned(listing, reports.get(f"{merged}/{REPORT_NAME}", alone))


def scan_sorted(layout: Layout, objects: Iterable[StoredObject]) -> Iterator[Scanned]:
    """The sessions of a layout that has a folder for each, of all objects below its parent in the order of keys."""

    def folder(obj: StoredObject) -> str:
        name, slash, _ = obj.key.removeprefix(layout.parent).partition("/")
        return name if slash else ""

    for name, found in groupby(objects, key=folder):
        session_id = layout.session_named(name, is_folder=True) if name else None
        one = scanned(layout, session_id, found) if session_id else None
        if one:
            yield one
