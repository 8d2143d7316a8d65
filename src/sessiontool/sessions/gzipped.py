"""Documents that an upload compressed: an object of `Content-Encoding: gzip` comes from S3 as gzip made it."""

from __future__ import annotations

import io
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ..errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = b"\x1f\x8b\x08"  # RFC 1952, and its only method
_MOST_BYTES = 256 << 20
"""Bytes that may come out of a document; chosen, as the largest document that is read where nothing is set."""
_LEAST_BYTES, _MOST_TIMES = 1 << 20, 100
"""Bytes that any document may have, and how much longer than gzip made it a larger one; chosen: logs are 10 to 20.

Else a small object would get round what is set as the largest document.
"""
_MOST_LOG_BYTES = 4 << 30
"""Bytes that may come out of a log of events, which is read from a file; chosen: hours of sound as text."""
_READ_BYTES = 1 << 20
"""Bytes at once; chosen: few calls, little memory."""


def inflated(data: bytes, name: str) -> tuple[bytes, str]:
    """A document as it was before it was compressed, and what is wrong with it, empty where nothing is.

    Of a damaged one it is what came out (RecordingError where nothing did, or far too much).
    """
    if not data.startswith(_MARK):
        return data, ""
    made = io.BytesIO()
    most_bytes = min(_MOST_BYTES, max(_LEAST_BYTES, _MOST_TIMES * len(data)))
    problem = _inflate(io.BytesIO(data), made, name, most_bytes)
    return made.getvalue(), problem


@contextmanager
def inflated_file(file: io.BufferedReader, name: str) -> Iterator[BinaryIO]:
    """A log to read and to seek in, as it was before it was compressed (RecordingError as `inflated`).

    Of a damaged one it is what came out: the event that was cut is named by who reads it.
    """
    if not file.peek(len(_MARK)).startswith(_MARK):
        yield file
        return
    from tempfile import TemporaryFile  # noqa: PLC0415 - few logs are compressed

    with TemporaryFile() as plain:
        _inflate(file, plain, name, _MOST_LOG_BYTES)
        plain.seek(0)
        yield plain


def _inflate(file: BinaryIO, plain: BinaryIO, name: str, most_bytes: int) -> str:
    """Write what comes out of the members of a file, and give what is wrong with them."""
    member, held = None, b""
    while held := held or file.read(_READ_BYTES):
        if member is None:  # pieces of a log have a line's end between them
            rest = held.lstrip(b"\n")
            plain.write(held[: len(held) - len(rest)])
            member, held = zlib.decompressobj(zlib.MAX_WBITS | 16) if rest else None, rest
            continue
        try:
            plain.write(member.decompress(held, _READ_BYTES))
        except zlib.error as error:
            return _problem(name, f"damaged ({error})", plain)
        if plain.tell() > most_bytes:
            message = f"{name} is compressed with gzip, and more than {most_bytes:,} bytes come out of it"
            raise RecordingError(message, hint="see what it is")
        member, held = (None, member.unused_data) if member.eof else (member, member.unconsumed_tail)
    if member is not None:
        plain.write(member.flush())
    return _problem(name, "cut short", plain) if member is not None and not member.eof else ""


def _problem(name: str, what: str, plain: BinaryIO) -> str:
    if not plain.tell():
        raise RecordingError(f"{name} is compressed with gzip and {what}", hint="store it once more")
    return f"{name} is compressed with gzip and {what}: only what came out of it was read"
