"""`sessiontool inspect`: what is there of a session, before it is merged."""

from __future__ import annotations

from .common import Common
from .parameters import Ids, on_store


@on_store(without=("output",))
def inspect(ids: Ids, common: Common) -> None:
    """Show what is there of sessions, and what is missing.  Nothing is written."""
    with common.errors_as_exits():
        from ..sessions.merge import inspect_session  # noqa: PLC0415
        from ..views.merges import INSPECT  # noqa: PLC0415

        common.run_all(ids, common.settings(), inspect_session, INSPECT)
