"""The receipt of a purge: a JSON line before something is deleted and one after, on the disk before we go on."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..storage.local.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from .purge import Purge


def write_line(file: IO[str], event: str, found: Purge, store: str) -> None:
    """Add a line: `event` is `deleting` or `deleted`, `store` where the session is."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    file.write(json.dumps({"event": event, "at": at, "store": store, **found.to_json()}) + "\n")
    file.flush()
    os.fsync(file.fileno())


def appended_to(receipt: str | os.PathLike[str], store: str) -> Callable[[str, Purge], None]:
    """What adds lines to a receipt that may have others already (StorageError where the disk refuses)."""
    path = Path(receipt)

    def append(event: str, found: Purge) -> None:
        with disk_errors("write to", path), path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            write_line(file, event, found, store)

    return append
