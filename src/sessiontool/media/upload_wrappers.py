"""What uploads wrap around a recording's bytes, and how it comes off again: text encodings, HTTP framing, compression.

A page sends its Blob as base64 in JSON, a proxy leaves the framing of a request in the object: the bytes of the
recording are all there.  A wrapper is known by its form alone, which no chunk of a recording has by chance, and is
taken off only where all of it is understood and what comes out is a recording, or goes on with one.  Several can be
around one another.

Bytes in, bytes out; what comes out is bounded, whatever a wrapper says of its size.
"""

from __future__ import annotations

import binascii
import re
import zlib
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from ..errors import RecordingError
from . import byte_wrappers, text_wrappers
from .message_heads import MessageHeads
from .probe import open_demuxer

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_LAYERS = 4  # levels of wrappers; chosen: one more than is sensible
_LEAST_TEXT_BYTES = 64  # chosen: fewer may be anything
_MOST_HEAD_BYTES = 4096  # chosen: of a multipart part's headers, or of a chunk's signature
_MOST_BESIDE_BYTES = 4096  # chosen: of other fields; more may be another recording
_DIGEST_BYTES = 130  # of SHA-512 as text in quotes, the longest digest that stands beside a recording (chosen)
_MOST_TRAILER_BYTES = 4096  # chosen: of the trailers of HTTP's chunked framing

_SPACE = b" \t\r\n"
_BASE64 = rb"[A-Za-z0-9+/_-]{60,}"
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_DATA_URL = rb"(?i)data:([^,\"]{0,200}),"
_NUMBERS = rb"\[\s*(?:\d{1,3}\s*,\s*)*\d{1,3}\s*\]"
_NUMBERED = rb"\{\s*(?:\"\d{1,9}\"\s*:\s*\d{1,3}\s*,\s*)*\"\d{1,9}\"\s*:\s*\d{1,3}\s*\}"
_STRINGS = rb"\"([A-Za-z0-9+/_=:;,. -]|\\[/nrt]){64,}\""
_BOUNDARY = rb"(?:\r?\n)?--([\w'()+,./:=?-]{1,70})\r?\n"
_PART_HEAD = rb"(?:[A-Za-z-]{4,40}:[^\r\n]{0,1000}\r?\n)+\r?\n"
_PART_TAIL = rb"\r?\n--[\w'()+,./:=?-]{8,70}(?:--)?\s*\Z"
_TRAILER = rb"(?:[A-Za-z0-9-]+:[^\r\n]*\r\n)*(?:\r\n)*"
_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,8})((?:;[^\r\n]{0,1000})?)\r\n"


class Unwrapped(Struct, frozen=True):
    """What was in wrappers: its bytes, the names of the wrappers from the outside in, and whether one was cut short."""

    data: bytes
    wrappers: tuple[str, ...]
    is_cut: bool = False


class Unwrapper:
    """Takes wrappers off chunks of up to `most_bytes`, and remembers which ones.

    A chunk that is too short to be known for a part of a recording is one where others came out of the same wrappers.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._seen: set[tuple[str, ...]] = set()
        self._heads = MessageHeads()

    def unwrap(self, data: bytes) -> Unwrapped | None:
        """What is in the wrappers around `data`; None where there is none, or what comes out is no recording."""
        first, second = self._by_form, self._without_head
        if self._heads.are_known:  # their bytes are anything, and may look like a wrapper
            first, second = second, first
        return first(data) or second(data)

    @property
    def unproved_bytes(self) -> int:
        """How many bytes were taken off one chunk that nothing proves to be no part of a recording."""
        return self._heads.unproved_bytes

    def _without_head(self, data: bytes) -> Unwrapped | None:
        count = self._heads.count(data)
        return Unwrapped(data[count:], (f"messages with a head of {count} bytes",)) if count else None

    def _by_form(self, data: bytes) -> Unwrapped | None:
        found = _unwrap(data, self._most_bytes)
        if found is None or not (found.wrappers in self._seen or _is_recording(found.data)):
            return None
        self._seen.add(found.wrappers)
        return found


def _is_recording(data: bytes) -> bool:
    """Whether bytes are a recording's, from its beginning or its middle."""
    try:
        demuxer = open_demuxer(data)
        return bool(demuxer.feed(data) + demuxer.flush()) or demuxer.track is not None
    except RecordingError:
        return False


def _unwrap(data: bytes, most_bytes: int) -> Unwrapped | None:
    """What is in the wrappers around `data`, whatever it is; None where there is none."""
    names: list[str] = []
    is_cut = False
    for _ in range(_MOST_LAYERS):
        layer = _layer(data, most_bytes)
        if layer is None:
            break
        name, data, cut = layer
        names.append(name)
        is_cut |= cut
    return Unwrapped(data, tuple(names), is_cut) if names and data else None


def _layer(data: bytes, most_bytes: int) -> tuple[str, bytes, bool] | None:
    """The outermost wrapper of `data`: its name, what is in it, and whether it is cut short."""
    for name, take in _WRAPPERS:
        try:
            found = take(data, most_bytes)
        except (ValueError, zlib.error):
            continue
        if found is not None:
            return name, *found
    return None


def _framing(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """HTTP's chunked transfer coding (RFC 9112, section 7.1), and Amazon's with a signature for each chunk."""
    pieces: list[bytes] = []
    at = 0
    while True:
        head = re.compile(_CHUNK_SIZE).match(data, at, at + _MOST_HEAD_BYTES)
        if head is None:
            return (b"".join(pieces), True) if pieces and at >= len(data) else None
        size, start = int(head[1], 16), head.end()
        if not size:
            return (b"".join(pieces), False) if pieces and _is_trailer(data[start:]) else None
        pieces.append(data[start : start + size])
        at = start + size + 2
        if at > len(data):
            return b"".join(pieces), True
        if data[at - 2 : at] != b"\r\n":
            return None


def _is_trailer(data: bytes) -> bool:
    return len(data) <= _MOST_TRAILER_BYTES and re.fullmatch(_TRAILER, data) is not None


def _multipart(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """A body of multipart/form-data (RFC 7578), or what a parser left of it: the largest of its parts."""
    boundary = re.match(_BOUNDARY, data)
    head = re.compile(_PART_HEAD).match(data, boundary.end() if boundary else 0)
    if boundary is None and (head is None or b"content-disposition:" not in head[0].lower()):
        if data.find(b"\n--", max(0, len(data) - 2 * 80)) < 0:  # as nearly all, which have nothing to do with it
            return None
        tail = re.compile(_PART_TAIL).search(data, max(0, len(data) - 2 * 80))
        return (data[: tail.start()], False) if tail and tail.start() else None
    if head is None:
        return None
    if boundary is None:
        tail = re.compile(_PART_TAIL).search(data, max(0, len(data) - 2 * 80))
        return data[head.end() : tail.start() if tail else len(data)], False
    bodies = []
    for part in data[boundary.end() :].split(b"\r\n--" + boundary[1]):
        body = part.removeprefix(b"\r\n")
        found = re.match(_PART_HEAD, body)
        if found:
            bodies.append(body[found.end() :])
    is_cut = not data.rstrip(_SPACE).endswith(b"--" + boundary[1] + b"--")
    largest = max(bodies, key=len)
    return (largest, is_cut) if sum(map(len, bodies)) - len(largest) <= _MOST_BESIDE_BYTES else None


def _data_url(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """RFC 2397."""
    head = re.match(_DATA_URL, data.strip(_SPACE + b'"'))
    if head is None:
        return None
    body = data.strip(_SPACE + b'"')[head.end() :]
    if b"base64" in head[1].lower():
        return _base64(unquote_to_bytes(body) if b"%" in body else body, most_bytes)
    return unquote_to_bytes(body), False


def _base64(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """RFC 4648, in either alphabet, padded or not, in lines or not; several texts behind one another are one."""
    text = data.strip(_SPACE + b'"')
    if len(text) < _LEAST_TEXT_BYTES or not re.match(_BASE64, text):
        return None
    text = text.translate(bytes.maketrans(b"-_", b"+/"), _SPACE)
    if text.translate(None, _ALPHABET):
        return None
    pieces = []
    for piece in re.findall(rb"[^=]+", text):
        whole = piece[: len(piece) - (len(piece) % 4 == 1)]
        pieces.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return b"".join(pieces), len(text.rstrip(b"=")) % 4 == 1


def _json(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:
    """A list of numbers, a Buffer or a Uint8Array as JSON has them, or the longest text of an object or list."""
    text = data.removeprefix(b"\xef\xbb\xbf").strip(_SPACE)
    if text[:1] not in (b"{", b"[") or text[-1:] not in (b"}", b"]"):
        return None
    numbers = max(re.finditer(_NUMBERS, text), key=lambda match: len(match[0]), default=None)
    if numbers is not None and len(text) - len(numbers[0]) <= _MOST_BESIDE_BYTES:
        return b"".join(text_wrappers.octets(numbers[0], rb"\d+")), False
    if re.fullmatch(_NUMBERED, text):
        return b"".join(text_wrappers.octets(text, rb"(?<=:)\s*\d+")), False
    *others, longest = sorted((match[0] for match in re.finditer(_STRINGS, text)), key=len) or [b""]
    if not longest or len(text) - len(longest) > _MOST_BESIDE_BYTES or any(len(one) > _DIGEST_BYTES for one in others):
        return None
    inner = re.sub(rb"\\(.)", lambda found: found[1] if found[1] == b"/" else b"", longest[1:-1])
    return _data_url(inner, most_bytes) or text_wrappers.hex_text(inner, most_bytes) or _base64(inner, most_bytes)


_WRAPPERS: tuple[tuple[str, Callable[[bytes, int], tuple[bytes, bool] | None]], ...] = (
    ("gzip", byte_wrappers.gzip),
    ("zlib", byte_wrappers.zlib_stream),
    ("bzip2", byte_wrappers.bzip2),
    ("xz", byte_wrappers.xz),
    ("a ZIP archive", byte_wrappers.zip_archive),
    ("an HTTP message", byte_wrappers.http_head),
    ("a byte order mark", byte_wrappers.byte_order_mark),
    ("a message with a head in JSON", byte_wrappers.json_head),
    ("HTTP's chunked framing", _framing),
    ("a multipart form", _multipart),
    ("a data: URL", _data_url),
    ("JSON", _json),
    ("hex", text_wrappers.hex_text),
    ("base64", _base64),
    ("numbers in text", text_wrappers.numbers),
    ("a literal of Python", text_wrappers.literal),
    ("UTF-8 text with a character for each byte", text_wrappers.latin_text),
    ("text with Windows line ends", text_wrappers.line_ends),
    ("a length prefix", byte_wrappers.length_prefix),
    ("deflate", byte_wrappers.raw_deflate),
)
