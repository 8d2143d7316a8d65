"""Terminals: what commands leave on the screen of a real pseudo-terminal of a chosen width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PIECE = re.compile(r"\x1b\[(?P<count>\d*)(?P<does>[AK])|\x1b\[[0-9;?]*[a-zA-Z]|(?P<to>[\r\n])|(?P<text>[^\x1b\r\n]+)")
"""What rich writes of ECMA-48: up so many lines, erase the line, and colours and the like, which move nothing."""


def raw(
    columns: int, argv: Sequence[str], around: Mapping[str, str], cwd: Path | None = None, *, rows: int = 50
) -> tuple[int, str]:
    """Exit code, and all that is written to a terminal of so many columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen(argv, stdout=its, stderr=its, stdin=its, env=dict(around), cwd=cwd) as process:
        os.close(its)
        written = b""
        try:
            while data := os.read(ours, 65536):
                written += data
        except OSError:  # how a pseudo-terminal says that its other end was closed
            pass
    os.close(ours)
    return process.returncode, written.decode()


def screen(written: str) -> str:
    """What is left on a screen: a bar that was drawn and erased is not."""
    lines, row, column = [""], 0, 0
    for piece in _PIECE.finditer(written):
        if text := piece["text"]:
            lines[row] = f"{lines[row]:<{column}}"[:column] + text + lines[row][column + len(text) :]
            column += len(text)
        elif piece["to"]:
            row, column = row + (piece["to"] == "\n"), 0 if piece["to"] == "\r" else column
            lines += [""] * (row + 1 - len(lines))
        elif piece["does"] == "A":
            row = max(0, row - int(piece["count"] or 1))
        elif piece["does"] == "K":
            lines[row] = ""
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"
