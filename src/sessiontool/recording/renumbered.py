"""Chunks that are read under other numbers than those in their names, and the way back to these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import ChunkRef, Finding
    from .records import Assembly
    from .runs import Read

_NAMED = r"\bchunk (\d+)\b"


class Renumbered(Struct, frozen=True):
    """What each chunk is in the store: its own part and number."""

    originals: Mapping[ChunkRef, ChunkRef]

    def read_by(self, read: Read) -> Read:
        """`read`, for chunks as they are numbered here."""
        return lambda chunk: read(self.originals[chunk])

    def rename(self, assembly: Assembly, chunks_from: int = 0) -> None:
        """Give the records since then the chunks' own parts and numbers."""
        assembly.order.rename(self.originals)
        for record in assembly.chunks[chunks_from:]:
            record.chunk = self.originals[record.chunk]
            for stretches in (record.damage, record.set_aside):
                stretches[:] = [
                    replace(one, kept_in=self.originals[one.kept_in]) if one.kept_in else one for one in stretches
                ]

    def translate(self, assembly: Assembly, chunks_from: int, findings_from: int) -> None:
        """Give what was said since then the chunks' own parts and numbers."""
        self.rename(assembly, chunks_from)
        by_number = {chunk.seq: original for chunk, original in self.originals.items()}
        for index, finding in enumerate(assembly.findings[findings_from:], findings_from):
            assembly.findings[index] = _of_its_chunk(finding, by_number)


def _of_its_chunk(finding: Finding, by_number: Mapping[int, ChunkRef]) -> Finding:
    """A finding with the number that its chunk has in the store; what is about a missing one has the noted number."""
    original = by_number.get(finding.seq) if finding.seq is not None else None
    if original is None:
        return finding

    def named(found: re.Match[str]) -> str:
        chunk = by_number.get(int(found[1]))
        return f"chunk {chunk.seq}" if chunk else found[0]

    # Of slices in a part each every chunk is number 0: there the number says more.
    message = re.sub(_NAMED, named, finding.message) if original.part == finding.part else finding.message
    return replace(finding, part=original.part, seq=original.seq, message=message)
