"""Chunks whose upload wrapped their bytes: taken out of the wrapping as they are read, and said so in the report."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from ..media.upload_wrappers import Unwrapped, Unwrapper
from ..model import Finding
from ..recording.records import Stretch

if TYPE_CHECKING:
    from ..model import ChunkRef
    from ..recording.records import Assembly, ChunkRecord

WRAPPING = "upload wrapping"
_HINT = "upload the Blob itself, as in fetch(url, {method: 'PUT', body: blob}), and nothing around it"
_CUT_HINT = "look for the whole objects where the uploads come from; what is there of them was joined"


class Unwrapping:
    """What was taken off the chunks of a session."""

    def __init__(self, most_bytes: int) -> None:
        self._unwrapper = Unwrapper(most_bytes)
        self._found: dict[ChunkRef, tuple[Unwrapped, int, str]] = {}  # without the bytes; stored size, SHA-256

    def open(self, chunk: ChunkRef, data: bytes) -> bytes:
        """What a stored chunk holds of its recording: its own bytes, mostly."""
        found = self._unwrapper.unwrap(data)
        if found is None:
            return data
        if chunk not in self._found:
            kept = Unwrapped(b"", found.wrappers, found.is_cut)
            self._found[chunk] = kept, len(data), hashlib.sha256(data).hexdigest()
        return found.data

    def settle(self, assembly: Assembly) -> None:
        """Write what was taken off into the records of the chunks, and what is to be said of it."""
        for record in assembly.chunks:
            if record.chunk in self._found:
                self._settle(record)
        counts: Counter[tuple[str, str, bool]] = Counter()
        for chunk, (found, _, _) in self._found.items():
            counts[chunk.part, " in ".join(reversed(found.wrappers)), found.is_cut] += 1
        assembly.findings += [_finding(*key, count) for key, count in counts.items()]

    def _settle(self, record: ChunkRecord) -> None:
        found, stored_bytes, record.sha256 = self._found[record.chunk]
        record.wrapped_as, record.stored_bytes = " in ".join(reversed(found.wrappers)), stored_bytes
        account = record.account
        wrapping = stored_bytes - account.size_bytes
        if wrapping > 0:  # what gzip made smaller is counted as it comes out
            record.set_aside.append(Stretch(account.size_bytes, wrapping, WRAPPING))
            account.set_aside_bytes += wrapping
            account.size_bytes = stored_bytes


def _finding(part: str, wrappers: str, is_cut: bool, count: int) -> Finding:
    which = "1 chunk was" if count == 1 else f"{count} chunks were"
    message = f"{which} stored as {wrappers}: what is in it was joined"
    if is_cut:
        message = f"{which} stored as {wrappers} that is cut short: what is there of it was joined"
        return Finding("upload-unwrapped", "error", message, part=part, hint=_CUT_HINT)
    return Finding("upload-unwrapped", "warning", message, part=part, hint=_HINT)
