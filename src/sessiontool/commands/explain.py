"""`sessiontool explain`: what is in a recorded blob, without a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import console
from ..errors import NotFoundError, SessionToolError
from .common import errors_as_exits
from .parameters import DebugOption, JsonOption

_MAX_BYTES = 1 << 30
"""Chosen: a recorder's blob is far smaller, and all of it is held in memory."""


def explain(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recorded blobs, or whole recordings.", show_default=False)
    ],
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show what is in recorded blobs, each by itself.

    Header, clusters, packets, times, where the blob was cut, and what belongs before and after it.
    """
    code, documents = 0, []
    with errors_as_exits(debug=debug):
        from ..sessions.probe import explain as explain_blob  # noqa: PLC0415
        from ..views.explanation import explanation_json, explanation_lines  # noqa: PLC0415

        for file in files:
            try:
                explanation = explain_blob(_read(file))
            except SessionToolError as error:
                console.print_error(error, where=str(file))
                documents.append(console.error_json(str(file), error))
                code = max(code, error.exit_code)
                continue
            documents.append(explanation_json(str(file), explanation))
            if not as_json:
                console.print_lines(explanation_lines(str(file), explanation))
        if as_json:
            console.print_json(documents)
        if code:
            raise typer.Exit(code)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise SessionToolError(
                f"it is {file.stat().st_size:,} bytes", hint="a blob of a recording is below a gigabyte"
            )
        return file.read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot be read: {error.strerror}", hint="name a file") from error
