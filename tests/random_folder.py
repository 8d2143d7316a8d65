"""A part's chunks on their way into the store, for the random judge: every byte with the place that it comes from.

A stored file is a list of pieces: bytes of a recording with their place in it, or damage.  `write` makes the session's
folder of it, with a session.json that notes what the recorder sent, or without.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

    from random_recordings import Recording

DAMAGE = -1


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of recording `source` from its byte `start` on, or damage made by fault number `tag`."""

    data: bytes
    source: int = DAMAGE
    start: int = 0
    tag: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def cut(self, start: int, end: int) -> Piece:
        return replace(self, data=self.data[start:end], start=self.start + start)


@dataclass(frozen=True, slots=True)
class Note:
    """What session.json says of a chunk: the bytes that the recorder sent, and when."""

    sent: bytes
    emitted_ms: float | None


@dataclass(slots=True, eq=False)
class Upload:
    """A file of the store, in the end under number `seq`: blob `index` of the recording `source`.

    `copy`: it is there a second time.  `noted_seq`: the number in session.json, where that is not its own.
    """

    seq: int
    source: int
    index: int
    pieces: list[Piece]
    note: Note | None
    copy: bool = False
    stored: bool = True
    short_name: bool = False
    noted_seq: int | None = None

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)

    def splice(self, start: int, end: int, new: Iterable[Piece]) -> None:
        """Put `new` in the place of the bytes `start` to `end`."""
        before, after, at = [], [], 0
        for piece in self.pieces:
            size = len(piece.data)
            before.append(piece.cut(0, max(0, start - at)))
            after.append(piece.cut(min(size, max(0, end - at)), size))
            at += size
        self.pieces = [piece for piece in (*before, *new, *after) if piece.data]


@dataclass(slots=True)
class Folder:
    """A part's chunks on their way into the store.  `recordings[0]` is the part's own.

    `whole_second`: the recording of which all chunks are there as well.  `is_mixed`: they lie between the part's own,
    and nothing in them says whose they are.
    """

    recordings: list[Recording]
    pool: dict[str, tuple[Recording, ...]]
    uploads: list[Upload] = field(default_factory=list)
    tags: count[int] = field(default_factory=lambda: count(1))
    whole_second: int | None = None
    is_mixed: bool = False

    @classmethod
    def of(cls, recording: Recording, pool: dict[str, tuple[Recording, ...]]) -> Folder:
        folder = cls([recording], pool)
        folder.uploads = folder.uploads_of(0)
        return folder

    def uploads_of(self, source: int) -> list[Upload]:
        recording = self.recordings[source]
        emitted = [chunk.get("emitted_ms") for chunk in recording.part["chunks"]]
        return [
            Upload(seq, source, seq, [Piece(blob, source, start)], Note(blob, emitted_ms))
            for seq, (blob, start, emitted_ms) in enumerate(
                zip(recording.blobs, recording.starts(), emitted, strict=False)
            )
        ]

    def own(self) -> list[Upload]:
        """The part's own chunks that are there, in the order in which they were recorded."""
        return [upload for upload in self.uploads if upload.stored and not upload.source and not upload.copy]

    def insert(self, upload: Upload) -> None:
        """Put `upload` in at its number; those from there on move up by one."""
        self.shift(upload.seq, 1)
        self.uploads.append(upload)

    def shift(self, first: int, by: int) -> None:
        """Renumber everything from number `first` on."""
        for upload in self.uploads:
            upload.seq += by if upload.seq >= first else 0
            if upload.noted_seq is not None and upload.noted_seq >= first:
                upload.noted_seq += by

    def last(self) -> int:
        return max(upload.seq for upload in self.uploads)

    def foreign_chunk(self, rng: Random, recording: Recording) -> list[Piece] | None:
        """A blob of another recording; None where a second recorder's are all there."""
        if self.whole_second is not None:
            return None
        if recording not in self.recordings:
            self.recordings.append(recording)
        source = self.recordings.index(recording)
        index = rng.randrange(len(recording.blobs))
        return [Piece(recording.blobs[index], source, recording.starts()[index])]

    def has_majority(self) -> bool:
        """Whether more than two chunks of the part's own recorder are left for each of a stranger."""
        own = sum(any(piece.source == 0 for piece in upload.pieces) for upload in self.own())
        strangers = sum(upload.source > 0 and upload.stored for upload in self.uploads)
        return self.whole_second is not None or own > 2 * strangers

    def same_browser(self, rng: Random) -> Recording | None:
        family = self.recordings[0].family
        return _choose(rng, [one for one in self.pool.get(family, ()) if one is not self.recordings[0]])

    def other_browser(self, rng: Random) -> Recording | None:
        families = [family for family in self.pool if family != self.recordings[0].family]
        return _choose(rng, self.pool[rng.choice(families)])

    # -- into a store

    def write(self, session: Path, *, bare: bool) -> None:
        """Write the session's folder; `bare`: without session.json."""
        self.write_chunks(session / "chunks" / "000")
        if not bare:
            write_notes(session, [self.entry() | {"part": 0}])

    def write_chunks(self, chunks: Path) -> None:
        chunks.mkdir(parents=True)
        for upload in self.stored():
            (chunks / self.name(upload)).write_bytes(upload.data)

    def entry(self) -> dict[str, Any]:
        """What session.json says of the part, without its number."""
        return self.recordings[0].part | {"chunks": self._notes()}

    def stored(self) -> list[Upload]:
        """The files of the store, in order of their numbers."""
        return sorted((upload for upload in self.uploads if upload.stored), key=lambda one: (one.seq, one.short_name))

    def name(self, upload: Upload) -> str:
        number = str(upload.seq) if upload.short_name else f"{upload.seq:06d}"
        return f"{number}.{self.recordings[0].extension}"

    def _notes(self) -> list[dict[str, Any]]:
        noted: dict[int, dict[str, Any]] = {}
        for upload in self.uploads:
            if upload.note is not None:
                seq = upload.seq if upload.noted_seq is None else upload.noted_seq
                note = {"seq": seq, "bytes": len(upload.note.sent), "emitted_ms": upload.note.emitted_ms}
                noted.setdefault(seq, note | {"sha256": hashlib.sha256(upload.note.sent).hexdigest()})
        return [noted[seq] for seq in sorted(noted)]


def write_notes(session: Path, entries: list[dict[str, Any]]) -> None:
    document = {
        "schema": "sessiontool.session/1",
        "session_id": session.name,
        "started_at": "2026-11-22T05:41:00.512+00:00",
        "parts": entries,
    }
    (session / "session.json").write_text(json.dumps(document))


def _choose(rng: Random, recordings: Iterable[Recording]) -> Recording | None:
    found = list(recordings)
    return rng.choice(found) if found else None


@dataclass(slots=True)
class Done:
    """A fault that was done: the uploads it touched, and whether their neighbours may be named instead.

    `tag` marks the pieces that it made; where none are left, a later fault took them away.  `at_end`: without
    session.json nothing shows it where nothing of the recording follows.  `unseen`: nor does it anywhere.
    """

    kind: str
    touched: list[Upload]
    detail: str = ""
    around: bool = False
    tag: int = 0
    at_end: bool = False
    unseen: bool = False


def pick(folder: Folder, rng: Random, least: int = 1) -> Upload | None:
    """One of the part's own chunks that has bytes; None where there are fewer than `least`."""
    found = [upload for upload in folder.own() if upload.pieces]
    return rng.choice(found) if len(found) >= least else None
