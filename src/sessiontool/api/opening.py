"""A store and the place of a session's result, opened as the arguments of the functions name them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..sessions.corrections_file import read_corrections_file, with_corrections
from ..sessions.result_names import REDACTED
from ..storage import AUTO, DEFAULT_PATTERN, Layout, open_store, target_of
from ..storage.layout_proposal import find_layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from ..options import Limits, S3Options
    from ..sessions.corrections_file import CorrectionsFile
    from ..storage import Store, Target


def opened_store(
    store: str | PathLike[str],
    layout: str | None,
    s3: S3Options | None,
    limits: Limits | None,
    corrections: str | PathLike[str] | None = None,
    *,
    session_id: str | None = None,
) -> Store:
    """The store, to be closed, with the corrections in a file beside its own; `session_id` is what is wanted of it.

    NotFoundError where there is none, UsageError where its name makes no sense, or no layout alone fits.
    """
    file = corrections_file(corrections)
    pattern = layout_of(store, layout, s3, limits, [session_id] if session_id else ())
    return with_corrections(open_store(str(store), options=s3, layout=Layout(pattern), limits=limits), file)


def layout_of(
    store: str | PathLike[str],
    layout: str | None,
    s3: S3Options | None,
    limits: Limits | None,
    session_ids: Iterable[str] = (),
) -> str:
    """The layout that is meant, `auto` by what there is (errors as `opened_store`)."""
    if layout != AUTO:
        return layout or DEFAULT_PATTERN
    with open_store(str(store), options=s3, limits=limits) as opened:
        return find_layout(opened, session_ids).pattern


def corrections_file(path: str | PathLike[str] | None) -> CorrectionsFile | None:
    """The file of corrections that a caller names (UsageError, NotFoundError)."""
    return None if path is None else read_corrections_file(path)


@contextmanager
def opened_target(
    session_id: str,
    store: str | PathLike[str],
    output: str | PathLike[str] | None,
    s3: S3Options | None,
    limits: Limits | None,
    layout: str | None = None,
    *,
    redacted: bool = False,
) -> Iterator[Target]:
    """The place of a session's result, or its redacted one, while its store is open (errors as `opened_store`)."""
    with opened_store(store, layout, s3, limits, session_id=session_id) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        yield target.inside(REDACTED) if redacted else target
