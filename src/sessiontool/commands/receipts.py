"""The file in which a command that deletes writes down what: --receipt."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import console
from ..errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..sessions.purge import Purge


@contextmanager
def writing_receipt(name: str | None, store: str, *, wanted: bool) -> Iterator[Callable[[str, Purge], None]]:
    """What writes the receipt, a line at a time and onto the disk; a receipt of nothing is not kept."""
    if not wanted:
        yield lambda _event, _purge: None
        return
    from ..sessions.purge_receipt import write_line  # noqa: PLC0415

    path = Path(name or time.strftime("purge-%Y%m%dT%H%M%SZ.jsonl", time.gmtime()))
    try:
        file = path.open("x", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise StorageError(
            f"cannot write the receipt {path}: {error.strerror or error}", hint="name a new file with --receipt"
        ) from error
    try:
        with file:
            yield lambda event, found: write_line(file, event, found, store)
    finally:
        if path.stat().st_size:
            console.note(f"receipt: {path}")
        else:
            path.unlink()
