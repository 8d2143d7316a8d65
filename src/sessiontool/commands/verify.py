"""`sessiontool verify`: whether a published result is what its report says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import targets_of
from .common import Common
from .parameters import Ids, on_store

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store(without=("verbose",))
def verify(
    ids: Ids,
    common: Common,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", metavar="REGEX", help="A text; again for more.  It must not be in the redacted result."),
    ] = None,
) -> None:
    """Check merged sessions by reading them from scratch.

    Every recorded packet must be there, in order and byte for byte, silence where the report says so, and every
    index, time and hash right.  Of a redacted result, what is gone must be silent and nowhere in its files.  If
    anything is not, the exit code is 4.
    """
    with common.errors_as_exits():
        from ..sessions.merge import verify_session  # noqa: PLC0415
        from ..views.verification import VERIFY  # noqa: PLC0415

        settings = common.settings()
        target_of = targets_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            return verify_session(session_id, target_of(store, session_id), progress, texts=text or ())

        common.run_all(ids, settings, run, VERIFY)
