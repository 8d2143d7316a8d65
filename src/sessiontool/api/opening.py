"""A store and the place of a session's result, opened as the arguments of the functions name them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..sessions.result_names import REDACTED
from ..storage import Layout, open_store, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from ..options import Limits, S3Options
    from ..storage import Store, Target


def opened_store(store: str | PathLike[str], layout: str | None, s3: S3Options | None, limits: Limits | None) -> Store:
    """The store, to be closed (NotFoundError where there is none, UsageError where its name makes no sense)."""
    return open_store(str(store), options=s3, layout=Layout(layout) if layout else None, limits=limits)


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
    with opened_store(store, layout, s3, limits) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        yield target.inside(REDACTED) if redacted else target
