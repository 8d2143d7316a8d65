"""A finder of the caller's own: a command that reads texts and writes what it found, a JSON object a line.

In: `{"id": 0, "text": "…"}`.  Out, in any order: `{"id": 0, "start": 11, "end": 15, "kind": "name"}`, characters from
and to (exclusive).  It is run without a shell.  Whatever is not understood of its answer is an error: what it found
would stay to be heard.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from ...cpus import given_environment
from ...documents.json_text import parse
from ...errors import UsageError
from .finder import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_S = 600.0
"""How long a command may take over all texts of a session: chosen, a model needs a tenth of a second a line."""

_MOST_BYTES = 64 << 20
"""Chosen: a command's answer is held in memory."""
_MOST_SHOWN = 200
"""Characters of a command's complaint; chosen: a few lines of a terminal."""
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def find_by_command(command: str, texts: Sequence[str], patience_s: float = PATIENCE_S) -> list[list[Hit]]:
    """What a command finds in each text (UsageError where it fails, takes too long, or answers what makes no sense)."""
    asked = "".join(f"{json.dumps({'id': number, 'text': text})}\n" for number, text in enumerate(texts)).encode()
    with TemporaryFile() as answer:
        try:
            argv = shlex.split(command)
            done = subprocess.run(  # noqa: S603 - the caller's own command
                argv,
                input=asked,
                stdout=answer,
                stderr=subprocess.PIPE,
                env=given_environment(),
                timeout=patience_s,
                check=False,
            )
        except (OSError, ValueError, IndexError) as error:
            raise _wrong(command, f"cannot be run: {error}") from error
        except subprocess.TimeoutExpired:
            raise _wrong(command, f"takes longer than {patience_s:g} s") from None
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
            raise _wrong(command, f"ended with {done.returncode}: {last[0][:_MOST_SHOWN]}")
        answer.seek(0)
        body = answer.read(_MOST_BYTES + 1)
    if len(body) > _MOST_BYTES:
        raise _wrong(command, f"answers more than {_MOST_BYTES:,} bytes")
    return _read(command, body, texts)


def _read(command: str, body: bytes, texts: Sequence[str]) -> list[list[Hit]]:
    found: list[list[Hit]] = [[] for _ in texts]
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = parse(line)
        except ValueError:
            value = None
        if not _is_hit(value, texts):
            raise _wrong(command, f"answers in line {number} what is no finding in a text that it was given")
        found[value["id"]].append(Hit(value["kind"], value["start"], value["end"]))
    return found


def _is_hit(value: Any, texts: Sequence[str]) -> bool:
    if not isinstance(value, dict) or any(type(value.get(name)) is not int for name in ("id", "start", "end")):
        return False
    is_kind = isinstance(value.get("kind"), str) and _KIND.fullmatch(value["kind"]) is not None
    is_there = 0 <= value["id"] < len(texts) and 0 <= value["start"] < value["end"] <= len(texts[value["id"]])
    return is_kind and is_there


def _wrong(command: str, what: str) -> UsageError:
    name = command.split(maxsplit=1)[0] if command.split() else "an empty command"
    hint = 'it reads {"id": 0, "text": …} and writes {"id": 0, "start": 11, "end": 15, "kind": "name"}, a line each'
    return UsageError(f"the finder {name[:80]} {what}", hint=hint)
