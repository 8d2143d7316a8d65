"""`sessiontool inspect`: what is there of a session, before it is merged."""

from __future__ import annotations

from functools import partial

from ..compose import log_options_of
from .common import Common
from .parameters import Ids, on_store


@on_store(without=("output",))
def inspect(ids: Ids, common: Common) -> None:
    """Show what is there of sessions, and what is missing.  Nothing is written."""
    with common.errors_as_exits():
        from ..sessions.merge import inspect_session  # noqa: PLC0415
        from ..views.merges import INSPECT  # noqa: PLC0415

        settings = common.settings()
        log = log_options_of(settings)
        common.run_all(ids, settings, partial(inspect_session, log=log), INSPECT)
