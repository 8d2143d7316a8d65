"""`sessiontool get`: a published result, copied to where it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..compose import targets_of
from ..errors import UsageError
from .common import Common
from .parameters import Ids, on_store

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store("force", without=("verbose",))
def get(ids: Ids, common: Common) -> None:
    """Fetch results into another folder or bucket.

    --output names it.  They are read from where merge published them: from the store, or from the output of the
    settings.  Every file is checked against the report, and one that was edited there is not replaced.
    """
    with common.errors_as_exits():
        from ..sessions.fetch_result import fetch_result  # noqa: PLC0415
        from ..sessions.requirements import require_apart  # noqa: PLC0415
        from ..views.fetched import FETCHED  # noqa: PLC0415

        if not common.flags.get("output"):
            raise UsageError("where are the results to go?", hint="name a folder: --output DIR")
        place_of = targets_of(common.settings())
        without = replace(common, flags={name: value for name, value in common.flags.items() if name != "output"})
        settings = without.settings()
        source_of = targets_of(settings)
        force = bool(common.flags.get("force"))

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            source, place = source_of(store, session_id), place_of(store, session_id)
            if source.url == place.url:
                raise UsageError(f"{source.url} is where the result is", hint="name another folder: --output DIR")
            require_apart(store, session_id, place)
            return fetch_result(session_id, source, place, progress, force=force)

        without.run_all(ids, settings, run, FETCHED)  # what is to be typed next is about where they are now
