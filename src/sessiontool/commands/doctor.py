"""`sessiontool doctor`: whether everything is there that a run needs."""

from __future__ import annotations

import json

import typer

from ..compose import open_results_of, open_store_of
from ..console import console
from .common import Common
from .parameters import on_store


@on_store(without=("verbose",))
def doctor(common: Common) -> None:
    """Check everything that a run needs, and say what to fix.

    Packages and decoder; credentials, bucket, clock; listing, reading, conditional writing, copying and deleting, on an
    object of its own that it removes.  The exit code is the highest of what failed; warnings do not count.
    """
    with common.errors_as_exits():
        from ..sessions.doctor import examine  # noqa: PLC0415
        from ..views.checkups import check_json, check_lines  # noqa: PLC0415

        settings = common.settings()
        found = []
        elsewhere = (lambda: open_results_of(settings)) if settings.output else None
        for check in examine(lambda: open_store_of(settings), elsewhere):
            found.append(check)
            if not common.as_json and not (common.quiet and check.status == "ok"):
                console.print_lines(check_lines(check))
        if common.as_json:
            console.print_data(json.dumps(check_json(found), indent=1))
        code = max(check.exit_code for check in found)
        if code:
            raise typer.Exit(code)
