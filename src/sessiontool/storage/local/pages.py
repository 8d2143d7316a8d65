"""A page over all sessions, in the root of a folder of sessions or of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .disk import disk_errors, work_folder
from .untrusted import check_name

if TYPE_CHECKING:
    from pathlib import Path


def write_page(root: Path, name: str, body: bytes) -> str:
    """Put a page into a folder, in one step and in the place of an older one; where it is then (StorageError)."""
    path = root / check_name(name)
    with disk_errors("write to", path):
        root.mkdir(parents=True, exist_ok=True)
        with work_folder(root, ".sessiontool-") as work:
            (work / name).write_bytes(body)
            (work / name).replace(path)
    return str(path)
