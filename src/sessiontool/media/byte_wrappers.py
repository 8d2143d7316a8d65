"""Wrappers of bytes that `upload_wrappers` takes off: HTTP's heads, compression, archives, length prefixes.

Each function gives what is in the wrapper and whether that is cut short, None where there is no such wrapper, and
ValueError or zlib.error where it is not whole or what comes out is more than is allowed.
"""

from __future__ import annotations

import re
import zlib
from json import JSONDecoder
from typing import Literal

_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15  # with gzip's header, its own (RFC 1950), and none
_LENGTH_BYTES = 4  # chosen: what programs write before a message
_MOST_MESSAGES = 1000  # chosen: more are no chunk of a recording
_MOST_XZ_BYTES = 100 << 20  # chosen: of its dictionary; `xz -9` takes 65 MB
_MOST_JSON_BYTES = 4096  # chosen: of what a page says of a blob
_MOST_HEAD_BYTES = 1 << 16  # chosen: servers refuse longer ones
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_HTTP_HEAD = (
    rb"(?:HTTP/[0-9.]{1,3} [0-9]{3}[^\r\n]*|[A-Z]{3,8} [^\s]{1,8000} HTTP/[0-9.]{1,3})\r?\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}:[^\r\n]*\r?\n)*)\r?\n"
)
_CONTENT_LENGTH = rb"(?im)^content-length:\s*([0-9]{1,15})\s*$"


def http_head(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """A request or an answer as it goes over the wire (RFC 9112): its body."""
    head = re.compile(_HTTP_HEAD).match(data, 0, _MOST_HEAD_BYTES) if data[:1].isupper() else None
    if head is None:
        return None
    body, length = data[head.end() :], re.search(_CONTENT_LENGTH, head[1])
    if length is None:
        return body, False
    if len(body) > int(length[1]):
        raise ValueError("something else is behind it")
    return body, len(body) < int(length[1])


def byte_order_mark(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """What a program that writes text puts before it."""
    return (data.removeprefix(_BYTE_ORDER_MARK), False) if data.startswith(_BYTE_ORDER_MARK) else None


def json_head(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """A message with an object in JSON before its bytes: its length before it, or the end of a line behind it."""
    start = data.find(b"{", 0, _LENGTH_BYTES + 1)
    if start < 0:
        return None
    try:
        found, size = JSONDecoder().raw_decode(data[start : start + _MOST_JSON_BYTES].decode("latin-1"))
    except RecursionError as error:
        raise ValueError("no head of a message") from error
    lengths = {int.from_bytes(data[:start], "big"), int.from_bytes(data[:start], "little")}
    line_end = re.compile(rb"\r?\n|\0").match(data, start + size)
    if not isinstance(found, dict) or not (size in lengths if start else line_end):
        return None
    return data[line_end.end() if line_end and not start else start + size :], False


def length_prefix(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """Messages behind one another, each with its length in four bytes before it, in either order of bytes."""
    orders: tuple[Literal["big", "little"], ...] = ("big", "little")
    for order in orders:
        if not 0 < int.from_bytes(data[:_LENGTH_BYTES], order) <= len(data) - _LENGTH_BYTES:
            continue
        places: list[tuple[int, int]] = []
        at = 0
        while at < len(data) and len(places) < _MOST_MESSAGES:
            start = at + _LENGTH_BYTES
            at = start + int.from_bytes(data[at:start], order)
            if at == start:
                break
            places.append((start, at))
        if at == len(data):
            return b"".join(data[start:end] for start, end in places), False
    return None


def gzip(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """RFC 1952, of one or more members."""
    if not data.startswith(b"\x1f\x8b\x08"):
        return None
    pieces: list[bytes] = []
    size = 0
    while data.startswith(b"\x1f\x8b\x08"):
        inflater = zlib.decompressobj(_GZIP_BITS)
        pieces.append(inflater.decompress(data, most_bytes + 1 - size))
        size += len(pieces[-1])
        if size > most_bytes:
            raise ValueError("more than is allowed comes out of it")
        if not inflater.eof:
            return b"".join(pieces), True
        data = inflater.unused_data
    if data.strip(b"\0"):
        raise ValueError("something else is behind it")
    return b"".join(pieces), False


def zlib_stream(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """RFC 1950, which HTTP calls deflate."""
    has_header = len(data) > 2 and data[0] & 0x0F == 8 and not int.from_bytes(data[:2], "big") % 31
    return _inflated(data, most_bytes, _ZLIB_BITS) if has_header else None


def raw_deflate(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """RFC 1951 alone: it has no mark, so it has to end where the data does."""
    return _inflated(data, most_bytes, _RAW_BITS) if _may_be_deflate(data) else None


def _may_be_deflate(data: bytes) -> bool:
    """Whether the first block is of a type there is, and says its length twice if it is stored (section 3.2.4)."""
    block_type = data[0] >> 1 & 3 if data else 3
    if block_type:
        return block_type < 3
    return data[1:3] == bytes(byte ^ 0xFF for byte in data[3:5])


def _inflated(data: bytes, most_bytes: int, bits: int) -> tuple[bytes, bool]:
    inflater = zlib.decompressobj(bits)
    inside = inflater.decompress(data, most_bytes + 1)
    return _whole(inside, most_bytes, is_whole=inflater.eof and not inflater.unused_data)


def _whole(inside: bytes, most_bytes: int, *, is_whole: bool) -> tuple[bytes, bool]:
    if len(inside) > most_bytes or not is_whole:
        raise ValueError("it is not whole, something is behind it, or more than is allowed comes out")
    return inside, False


def bzip2(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """What bzip2 makes, one stream."""
    if not data.startswith(b"BZh"):
        return None
    from bz2 import BZ2Decompressor  # noqa: PLC0415 - as below

    inflater = BZ2Decompressor()
    try:
        inside = inflater.decompress(data, most_bytes + 1)
    except OSError as error:
        raise ValueError("no stream that can be read") from error
    return _whole(inside, most_bytes, is_whole=inflater.eof and not inflater.unused_data)


def xz(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """What xz makes, one stream."""
    if not data.startswith(b"\xfd7zXZ\0"):
        return None
    from lzma import FORMAT_XZ, LZMADecompressor, LZMAError  # noqa: PLC0415 - as below

    try:
        inflater = LZMADecompressor(FORMAT_XZ, memlimit=_MOST_XZ_BYTES)
        inside = inflater.decompress(data, most_bytes + 1)
    except LZMAError as error:
        raise ValueError("no stream that can be read") from error
    return _whole(inside, most_bytes, is_whole=inflater.eof and not inflater.unused_data)


def zip_archive(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """An archive with one file in it, whose checksum is right."""
    if not data.startswith(b"PK\x03\x04"):
        return None
    from io import BytesIO  # noqa: PLC0415 - as below
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415 - hardly any chunk is an archive

    try:
        with ZipFile(BytesIO(data)) as archive:
            (entry,) = (one for one in archive.infolist() if not one.is_dir())
            with archive.open(entry) as file:
                inside = file.read(most_bytes + 1)
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:  # also one with a password
        raise ValueError("no archive that can be read") from error
    if len(inside) > most_bytes:
        raise ValueError("more than is allowed comes out of it")
    return inside, False
