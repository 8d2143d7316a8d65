"""EBML (RFC 8794): variable-length numbers and elements, and the element ids of Matroska (RFC 9559) that are used here.

Functions return None where bytes are still to come and raise `ValueError` where no continuation could be valid.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EBML = 0x1A45DFA3
EBML_VERSION = 0x4286
EBML_READ_VERSION = 0x42F7
EBML_MAX_ID_LENGTH = 0x42F2
EBML_MAX_SIZE_LENGTH = 0x42F3
DOC_TYPE = 0x4282
DOC_TYPE_VERSION = 0x4287
DOC_TYPE_READ_VERSION = 0x4285
VOID = 0xEC
CRC_32 = 0xBF

SEGMENT = 0x18538067
SEEK_HEAD = 0x114D9B74
SEEK = 0x4DBB
SEEK_ID = 0x53AB
SEEK_POSITION = 0x53AC
INFO = 0x1549A966
TIMESTAMP_SCALE = 0x2AD7B1
DURATION = 0x4489
MUXING_APP = 0x4D80
WRITING_APP = 0x5741
TRACKS = 0x1654AE6B
TRACK_ENTRY = 0xAE
TRACK_NUMBER = 0xD7
TRACK_UID = 0x73C5
TRACK_TYPE = 0x83
FLAG_LACING = 0x9C
LANGUAGE = 0x22B59C
CODEC_ID = 0x86
CODEC_PRIVATE = 0x63A2
CODEC_DELAY = 0x56AA
SEEK_PRE_ROLL = 0x56BB
CONTENT_ENCODINGS = 0x6D80
AUDIO = 0xE1
SAMPLING_FREQUENCY = 0xB5
CHANNELS = 0x9F
BIT_DEPTH = 0x6264

CUES = 0x1C53BB6B
CUE_POINT = 0xBB
CUE_TIME = 0xB3
CUE_TRACK_POSITIONS = 0xB7
CUE_TRACK = 0xF7
CUE_CLUSTER_POSITION = 0xF1
TAGS = 0x1254C367
CHAPTERS = 0x1043A770
ATTACHMENTS = 0x1941A469

CLUSTER = 0x1F43B675
TIMESTAMP = 0xE7
POSITION = 0xA7
PREV_SIZE = 0xAB
SILENT_TRACKS = 0x5854
SIMPLE_BLOCK = 0xA3
BLOCK_GROUP = 0xA0
BLOCK = 0xA1
BLOCK_ADDITIONS = 0x75A1
BLOCK_DURATION = 0x9B
REFERENCE_BLOCK = 0xFB
REFERENCE_PRIORITY = 0xFA
CODEC_STATE = 0xA4
DISCARD_PADDING = 0x75A2
ENCRYPTED_BLOCK = 0xAF

UNKNOWN_SIZE = -1


def read_header(buf: bytes, pos: int) -> tuple[int, int, int] | None:
    """Element id, body size in bytes (`UNKNOWN_SIZE` where it is open) and body offset of the element at `pos`."""
    available = len(buf) - pos
    if available < 2:
        return None
    id_length = 9 - buf[pos].bit_length()
    if id_length > 4:
        raise ValueError("no element id")
    if available <= id_length:
        return None
    size_at = pos + id_length
    size_length = 9 - buf[size_at].bit_length()
    if size_length > 8:
        raise ValueError("no element size")
    body = size_at + size_length
    if body > len(buf):
        return None
    size = int.from_bytes(buf[size_at:body], "big") ^ (1 << 7 * size_length)
    if size == (1 << 7 * size_length) - 1:
        size = UNKNOWN_SIZE
    return int.from_bytes(buf[pos:size_at], "big"), size, body


def children(body: bytes) -> list[tuple[int, bytes]]:
    """Ids and bodies of the elements in a master element's `body`; one that is cut or broken ends the list."""
    return [(element_id, body[start:end]) for element_id, start, end in _elements(body)]


def is_whole(body: bytes) -> bool:
    """Whether elements fill a master element's `body` exactly."""
    ends = [end for _, _, end in _elements(body)]
    return (ends[-1] if ends else 0) == len(body)


def _elements(body: bytes) -> Iterator[tuple[int, int, int]]:
    pos = 0
    while pos < len(body):
        try:
            header = read_header(body, pos)
        except ValueError:
            return
        if header is None:
            return
        element_id, size, start = header
        pos = len(body) if size == UNKNOWN_SIZE else start + size
        if pos > len(body):
            return
        yield element_id, start, pos


def read_float(body: bytes) -> float:
    """A float element's value; 0.0 for an empty body or a size that EBML does not know."""
    if len(body) == 4:
        return float(struct.unpack(">f", body)[0])
    return float(struct.unpack(">d", body)[0]) if len(body) == 8 else 0.0


def encode_size(size: int, length: int = 0) -> bytes:
    """`size` as a variable-length number, of `length` bytes or the fewest that do."""
    if not length:
        length = -(-(size + 1).bit_length() // 7)  # all ones means unknown, hence the one more
    return (size | 1 << 7 * length).to_bytes(length, "big")


def element(element_id: int, body: bytes | int | float | str, *, size_length: int = 0) -> bytes:
    """One whole element; an int becomes an unsigned integer, a float eight bytes, a str UTF-8."""
    if isinstance(body, int):
        body = body.to_bytes(max(1, (body.bit_length() + 7) // 8), "big")
    elif isinstance(body, float):
        body = struct.pack(">d", body)
    elif isinstance(body, str):
        body = body.encode()
    id_bytes = element_id.to_bytes((element_id.bit_length() + 7) // 8, "big")
    return id_bytes + encode_size(len(body), size_length) + body
