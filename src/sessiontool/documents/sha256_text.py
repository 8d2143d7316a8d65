"""A SHA-256 as recorders note it: in hex, in base64 of either alphabet, with or without the hash's name before it."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .lenient import shown

if TYPE_CHECKING:
    from .models import ChunkEntry, SessionDocument

_HEX = "[0-9a-f]{64}"
_NAME = r"(?i)sha-?256[-:=]"
"""As in `sha256-…` (Subresource Integrity), `sha256:…` (OCI), `SHA-256=…` (Digest)."""
_BASE64 = r"[A-Za-z0-9+/_-]{43}=?"
_ALPHABET = str.maketrans("-_", "+/")
_SPACE_AND_MARKS = " \t\r\n:"
"""Around a digest: RFC 9530 has colons, for one."""


def sha256_hex(text: str) -> str | None:
    """The SHA-256 that a text is, in small hex digits; None where it is none."""
    bare = text.strip(_SPACE_AND_MARKS)
    bare = bare[match.end() :].strip(_SPACE_AND_MARKS) if (match := re.match(_NAME, bare)) else bare
    if re.fullmatch(_HEX, lower := bare.lower()):
        return lower
    if not re.fullmatch(_BASE64, bare):
        return None
    return binascii.a2b_base64(bare.rstrip("=").translate(_ALPHABET) + "=").hex()


def with_hex_digests(session: SessionDocument) -> tuple[SessionDocument, list[str]]:
    """A document whose chunks have their SHA-256 in hex, without what is none; and what is wrong with that."""
    noted = [chunk.sha256 for part in session.parts for chunk in part.chunks if chunk.sha256]
    if all(map(re.compile(_HEX).fullmatch, noted)):
        return session, []
    problems: list[str] = []

    def in_hex(chunk: ChunkEntry, place: str) -> ChunkEntry:
        digest = sha256_hex(chunk.sha256) if chunk.sha256 else None
        if chunk.sha256 and digest is None:
            problems.append(f"{place}.sha256 is no SHA-256: {shown(chunk.sha256)}")
        return replace(chunk, sha256=digest)

    parts = [
        replace(part, chunks=[in_hex(one, f"parts.{n}.chunks.{m}") for m, one in enumerate(part.chunks)])
        for n, part in enumerate(session.parts)
    ]
    return replace(session, parts=parts), problems
