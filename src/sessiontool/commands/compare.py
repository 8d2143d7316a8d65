"""`sessiontool compare`: a session's recording against another one of the same conversation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import targets_of
from .common import Common
from .parameters import on_store

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store(without=("verbose",))
def compare(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The merged session.", show_default=False)],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The other recording.", show_default=False)],
    common: Common,
) -> None:
    """Compare a merged recording with a server's of the same session.

    Says how much later the other one is, how fast its clock runs away, what one of them has and the other has not, and
    whether its channels are swapped.  Nothing is changed.  Exit code 4 where one of them lacks something.
    """
    with common.errors_as_exits():
        from ..sessions.compare import compare_session  # noqa: PLC0415
        from ..views.compared import COMPARED  # noqa: PLC0415

        settings = common.settings()
        target_of = targets_of(settings)

        def run(store: Store, name: str, progress: Progress) -> Any:
            return compare_session(name, target_of(store, name), Path(file), progress)

        common.run_all([session_id], settings, run, COMPARED)
