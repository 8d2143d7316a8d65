"""Texts that programs make of bytes, which `upload_wrappers` turns back: hex, numbers, Latin-1, literals, line ends.

The functions are as those of `byte_wrappers`: what is in the text and whether that is cut short, None where it is no
such text, and ValueError where it is not whole.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST_HEX_DIGITS = 128  # chosen: fewer may be anything
_LEAST_NUMBERS = 64  # numbers; chosen: fewer may be anything
_STEP_BYTES = 1 << 20  # chosen: of numbers in text that are read at once
_LEAST_HIGH = 16  # chosen: so many characters above 127 in bytes that are UTF-8 throughout are no chance
_LEAST_LINE_ENDS = 4  # chosen: by chance a byte 10 has a byte 13 before it once in 256 times
_LOOKED_AT_BYTES = 64  # chosen: by chance, hardly any bytes are UTF-8 for so long
_SPACE = b" \t\r\n"

_NO_UTF8 = rb"[\xc2-\xf4][^\x80-\xbf]|(?<![\x80-\xf4])[\x80-\xbf]|[\xc0\xc1\xf5-\xff]"
_HEX_PREFIX = rb"(?i)(?:0x|\\x|x')"
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_NUMBER_CHARACTERS = b"0123456789,-" + _SPACE
_LITERAL = rb"b(?:'[\x20-\x7e]*'|\"[\x20-\x7e]*\")"


def hex_text(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    r"""Two hex digits a byte, in lines or not, also as databases write it: `0x…`, `\x…`, `X'…'`."""
    text = data.strip(_SPACE + b'"')
    if prefix := re.match(_HEX_PREFIX, text):
        text = text[prefix.end() :].removesuffix(b"'")
    if text[:_LEAST_HEX_DIGITS].translate(None, _HEX_DIGITS + _SPACE) or len(text) < _LEAST_HEX_DIGITS:
        return None
    digits = text.translate(None, _SPACE)
    if digits.translate(None, _HEX_DIGITS):
        return None
    is_cut = len(digits) % 2 == 1
    return bytes.fromhex((digits[:-1] if is_cut else digits).decode()), is_cut


def numbers(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """What `String(new Uint8Array(…))` is, or an Int8Array's: numbers with commas between them."""
    head = data[:_LEAST_NUMBERS]
    if head.translate(None, _NUMBER_CHARACTERS) or data.count(b",") < _LEAST_NUMBERS:
        return None
    if data.translate(None, _NUMBER_CHARACTERS):
        return None
    return b"".join(octets(data, rb"-?\d+")), False


def octets(text: bytes, pattern: bytes) -> Iterator[bytes]:
    """The bytes that numbers in text are, signed or not, some at a time (ValueError for what is no byte)."""
    piece = bytearray()
    for found in re.finditer(pattern, text):
        number = int(found[0])
        piece.append(number + 256 if -128 <= number < 0 else number)
        if len(piece) >= _STEP_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def literal(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """What Python's `str()` makes of bytes."""
    text = data.strip(_SPACE)
    if not text.startswith((b"b'", b'b"')) or not re.fullmatch(_LITERAL, text):
        return None
    return text[2:-1].decode("unicode_escape").encode("latin-1"), False


def latin_text(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """Bytes that were taken for Latin-1 or Windows-1252 and stored as UTF-8: two or three for each above 127."""
    if re.compile(_NO_UTF8).search(data, 0, _LOOKED_AT_BYTES):  # as nearly all, without a copy of the bytes
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    text = decoder.decode(data)  # a character that is cut off at the end stays in the decoder
    inside = text.translate(_windows_1252()).encode("latin-1")
    if len(data) - len(inside) < _LEAST_HIGH:
        return None
    return inside, bool(decoder.getstate()[0])


def _windows_1252() -> dict[int, int]:
    """The bytes 128 to 159 by their characters; five of them have none and stay as they are."""
    decoded = {byte: bytes([byte]).decode("cp1252", "ignore") for byte in range(128, 160)}
    return {ord(character): byte for byte, character in decoded.items() if character}


def line_ends(data: bytes, most_bytes: int) -> tuple[bytes, bool] | None:  # noqa: ARG001 - it is never larger
    """Bytes that went through a text mode of Windows or FTP, which puts a byte 13 before each byte 10."""
    first = data.find(b"\n")
    if first < 0 or data[first - 1 : first] != b"\r":  # of nearly all others, without a look at all their bytes
        return None
    count = data.count(b"\r\n")
    if count < _LEAST_LINE_ENDS or data.count(b"\n") != count:
        return None
    return data.replace(b"\r\n", b"\n"), False
