"""Positions in a recording, as they are typed: `80`, `80s`, `1:20` or `1:02:03.5`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ..errors import UsageError

_HOW = "80, 80s, 1:20 or 1:02:03.5"
_SECONDS = r"(?a)(\d{1,9}(?:\.\d{1,9})?)s?"
_CLOCK = r"(?a)(?:(\d{1,5}):)?(\d{1,2}|\d{1,7}(?=:\d\d(?:\.\d+)?$)):(\d\d(?:\.\d{1,9})?)"

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help=f"From that moment of the recording on: {_HOW}.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to that moment of the recording.")]


def read_position(text: str, option: str) -> float:
    """Seconds into the recording (UsageError that names the option)."""
    if found := re.fullmatch(_SECONDS, text.strip()):
        return float(found[1])
    found = re.fullmatch(_CLOCK, text.strip())
    if found is None or float(found[3]) >= 60 or (found[1] and int(found[2]) >= 60):
        raise UsageError(f"{option} {text[:40]!r} is no time in a recording", hint=f"write it as {_HOW}")
    return int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3])
