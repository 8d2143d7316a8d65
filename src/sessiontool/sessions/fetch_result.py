"""A published result, copied to another place: every file of it, each checked against the report."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..errors import RecordingError
from ..progress import Progress, Silent
from ..storage import not_published
from .redaction.destroyed import kept_result
from .result_files import json_object
from .result_names import REPORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..storage import Target


class FetchedResult(Struct, frozen=True):
    """A result that is in `location` now; `unchanged`: it was there already."""

    session_id: str
    location: str
    names: tuple[str, ...]
    size_bytes: int
    unchanged: bool = False


def fetch_result(
    session_id: str, source: Target, place: Target, progress: Progress | None = None, *, force: bool = False
) -> FetchedResult:
    """Copy a result from `source` to `place`; its report comes last, as when it was published.

    Raises NotFoundError (nothing is published), RecordingError (a file is not what its report says, or one in `place`
    was changed by hand and not `force`), StorageError; then `place` is as it was.
    """
    progress = progress or Silent()
    progress.stage("fetching")
    source = kept_result(source)
    body = source.read(REPORT)
    if body is None:
        raise not_published(source.locate(REPORT))
    before = place.read(REPORT)
    if before is not None and not force:
        _check_untouched(place, _noted(before))
        if before == body:
            sizes = place.sizes()
            return FetchedResult(session_id, place.url, tuple(sizes), sum(sizes.values()), unchanged=True)
    noted = _noted(body)
    there = [name for name in source.sizes() if not name.startswith(".") and name != REPORT]
    for name in noted:
        if name not in there:
            raise RecordingError(f"{source.locate(name)} is missing", hint=f"sessiontool merge {session_id} --force")
    with place.workspace() as work:
        files = {name: work / name for name in there}
        for name, path in files.items():
            with source.fetched(name) as fetched:
                shutil.copyfile(fetched, path)
            if name in noted and _sha256(path) != noted[name]:
                raise RecordingError(
                    f"{source.locate(name)} is not what its report says", hint=f"sessiontool verify {session_id}"
                )
        files[REPORT] = work / REPORT
        files[REPORT].write_bytes(body)
        size_bytes = sum(path.stat().st_size for path in files.values())
        progress.stage("publishing")
        place.publish(files)
    return FetchedResult(session_id, place.url, tuple(files), size_bytes)


def _check_untouched(place: Target, noted: Mapping[str, str]) -> None:
    """RecordingError where a file of an earlier copy was edited: it may be the one place that has these edits."""
    for name in set(place.sizes()) & set(noted):
        with place.fetched(name) as path:
            if _sha256(path) != noted[name]:
                raise RecordingError(
                    f"{place.locate(name)} was changed since it was fetched, and would be replaced",
                    hint="move it away, fetch into another folder, or replace it with --force",
                )


def _noted(body: bytes) -> dict[str, str]:
    """The SHA-256 of each file, as a report has it."""
    document: dict[str, Any] = json_object(body) or {}
    outputs = document.get("outputs")
    named = [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    return {str(one.get("name")): str(one.get("sha256")) for one in named}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
