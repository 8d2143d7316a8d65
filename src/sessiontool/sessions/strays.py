"""What a store holds of a session and no merge reads: recognised by names alone, and said in findings.

A recording under a name that the layout does not know, an unfinished upload and a log of another kind look alike to a
layout.  What cannot be recognised is taken for a recording where there should be nothing but chunks: a doubt is said.

Silent are what belongs to a chunk that is there (its checksum, its own notes), what file managers and version control
leave behind, and what sessiontool writes itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ..documents.lenient import shown
from ..model import Finding
from .result_names import AUDIO_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import ChunkRef, SessionListing, StoredObject

RECORDING, UPLOAD, OTHER = "recording", "upload", "other"

_ENDINGS = {
    RECORDING: "webm weba mkv mka ogg oga opus mp4 m4a m4b m4s mov 3gp aac mp3 flac wav caf amr pcm raw bin blob",
    UPLOAD: "tmp temp part partial crdownload download filepart upload incomplete",
    OTHER: "json jsonl ndjson txt log har csv tsv vtt srt ass ttml xml yaml yml md html htm pdf "
    "md5 sha1 sha256 sha512 crc32 etag sig asc",
}
_KINDS = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
_LOGS = (".json", ".jsonl", ".ndjson", ".txt", ".log", ".har", ".csv", ".tsv", ".vtt", ".srt")
_OURS = frozenset({"truth.json"})  # what `simulate` writes beside a session
_LEFT_BEHIND = r"\._.*|\.DS_Store|\.(?:git|s3)?keep|\.nfs[0-9a-f]+|Thumbs\.db|desktop\.ini|.*_\$folder\$"
_NUMBER = r"\d+"
_ENDING = r"\.(?=[A-Za-z])[^.]*"
_MOST_DIGITS = 18
"""Chosen: what has more is no number of a chunk."""
_NAMED = 3
"""Number of names that a message lists, as parts of a line; chosen."""
_TRIED = 20
"""Number of names, as steps of a search for one that it is plain what to do with; chosen."""


class Stray(Struct, frozen=True):
    """An object that is not read.  `kind`: RECORDING (it may be one), UPLOAD (begun and not ended) or OTHER."""

    kind: str
    object: StoredObject


def strays_of(listing: SessionListing, unread: Iterable[StoredObject] = ()) -> list[Stray]:
    """What of a session is not read: of its ignored objects and of `unread`, its documents that nothing asks for."""
    ignored = [*listing.ignored, *(obj for obj in unread if _name(obj) not in _OURS)]
    if not ignored:
        return []
    names = _chunk_names(listing)
    results = {_folder(obj) for obj in ignored if _name(obj) == "report.json"}
    found = (Stray(_kind(obj, listing, results), obj) for obj in ignored if not re.fullmatch(_LEFT_BEHIND, _name(obj)))
    return [stray for stray in found if stray.kind != OTHER or not _is_beside(stray.object, names)]


def may_be_log(stray: Stray) -> bool:
    """Whether an object that is not read may say who said what."""
    name = _name(stray.object).lower()
    return stray.kind == OTHER and name.endswith(_LOGS) and name != "session.json" and name not in _OURS


def stray_findings(strays: Sequence[Stray], listing: SessionListing) -> list[Finding]:
    """One finding for each kind."""
    by_kind = {kind: [stray.object for stray in strays if stray.kind == kind] for kind in (RECORDING, UPLOAD, OTHER)}
    made = (
        (_recordings_finding, by_kind[RECORDING]),
        (_uploads_finding, by_kind[UPLOAD]),
        (_others_finding, by_kind[OTHER]),
    )
    return [finding(objects, listing) for finding, objects in made if objects]


# -- kinds


def _name(obj: StoredObject) -> str:
    return obj.key.rpartition("/")[2]


def _folder(obj: StoredObject) -> str:
    return obj.key.rpartition("/")[0]


def _kind(obj: StoredObject, listing: SessionListing, results: set[str]) -> str:
    """By the last ending of the name that says something: `1.webm.bak` is a recording, `1.webm.part` an upload."""
    name = _name(obj)
    if name in AUDIO_NAMES.values() and _folder(obj) in results:  # a copy of a result
        return OTHER
    endings = (re.match("[a-z0-9]*", ending) for ending in reversed(name.lower().split(".")[1:]))
    kind = next((_KINDS[ending[0]] for ending in endings if ending and ending[0] in _KINDS), None)
    if kind == RECORDING and re.match(r"\.[^.]+\.", name):  # how rsync and others name what they are still writing
        return UPLOAD
    return kind or (RECORDING if name.isdecimal() or _is_where_chunks_are(obj, listing) else OTHER)


def _is_where_chunks_are(obj: StoredObject, listing: SessionListing) -> bool:
    where = listing.chunks_folder
    return bool(where) and (obj.key.startswith(where) or where.startswith(f"{obj.key.removesuffix(' (link)')}/"))


def _chunk_names(listing: SessionListing) -> set[str]:
    """The keys of the chunks, with and without what stands behind the last dot."""
    keys = {chunk.object.key for chunk in listing.chunks}
    return keys | {key.rpartition(".")[0] for key in keys}


def _is_beside(obj: StoredObject, chunk_names: set[str]) -> bool:
    """Whether an object's name is that of a chunk with something added: `1.webm.md5`, `1.json`, `.1.webm.x7Tq`."""
    stem = _name(obj).removeprefix(".")
    while "." in stem:
        stem = stem.rpartition(".")[0]
        if f"{_folder(obj)}/{stem}" in chunk_names:
            return True
    return False


# -- findings


def _named(objects: Sequence[StoredObject], listing: SessionListing) -> str:
    names = ", ".join(_quoted(obj, listing) for obj in objects[:_NAMED])
    return names + (f" and {len(objects) - _NAMED} more" if len(objects) > _NAMED else "")


def _quoted(obj: StoredObject, listing: SessionListing) -> str:
    return f"'{shown(obj.key.removeprefix(f'{listing.folder}/'))}'"


def _count(objects: Sequence[StoredObject], one: str, more: str) -> str:
    count = f"{len(objects)} {one if len(objects) == 1 else more}"
    return f"{count} ({sum(obj.size_bytes for obj in objects):,} bytes)"


def _recordings_finding(objects: Sequence[StoredObject], listing: SessionListing) -> Finding:
    count = _count(objects, "object", "objects")
    what = f"{count} that may be a recording is" if len(objects) == 1 else f"{count} that may be recordings are"
    renaming = next((hint for obj in objects[:_TRIED] if (hint := _renaming(obj, listing))), "")
    example = f"chunks are named like {_quoted(listing.chunks[0].object, listing)}; " if listing.chunks else ""
    return Finding(
        "chunks-ignored",
        "warning",
        f"{what} not read, as the layout knows no such name: {_named(objects, listing)}",
        hint=renaming or f"{example}rename what belongs to the recording, or give a --layout that fits all",
    )


def _renaming(obj: StoredObject, listing: SessionListing) -> str:
    """What to do with an object that is among chunks and has the number of one, empty where that is not plain."""
    beside = [chunk for chunk in listing.chunks if _folder(chunk.object) == _folder(obj)]
    numbers = sorted(re.findall(_NUMBER, re.sub(_ENDING, "", _name(obj))), key=len, reverse=True)
    if not beside or not numbers or len(numbers[0]) > _MOST_DIGITS:
        return ""
    seq = int(numbers[0])
    there = next((chunk for chunk in beside if chunk.seq == seq), None)
    if there is not None:
        other = _quoted(there.object, listing)
        return f"{_quoted(obj, listing)} has the number of {other}: compare the two, and delete the one too many"
    target = _with_number(beside[0], seq)
    if not target or seq > max(chunk.seq for chunk in beside) + 1:
        return ""
    return f"rename {_quoted(obj, listing)} to '{shown(target)}' if it is that chunk, or delete it if it is none"


def _with_number(chunk: ChunkRef, seq: int) -> str:
    """A chunk's name with another number."""
    name = _name(chunk.object)
    for found in reversed(list(re.finditer(_NUMBER, name))):
        if int(found[0]) == chunk.seq:
            return f"{name[: found.start()]}{seq:0{len(found[0])}d}{name[found.end() :]}"
    return ""


def _uploads_finding(objects: Sequence[StoredObject], listing: SessionListing) -> Finding:
    names = _chunk_names(listing)
    alone = [obj for obj in objects if obj.size_bytes and not _is_beside(obj, names)]
    what = _count(objects, "unfinished upload", "unfinished uploads") + (" is" if len(objects) == 1 else " are")
    return Finding(
        "uploads-unfinished",
        "warning" if alone else "info",
        f"{what} not read: {_named(alone or objects, listing)}",
        hint="no chunk is there under such a number: look for the whole one where the uploads come from"
        if alone
        else "the chunks themselves are there; what is left of the uploads can be deleted",
    )


def _others_finding(objects: Sequence[StoredObject], listing: SessionListing) -> Finding:
    what = "1 file is" if len(objects) == 1 else f"{len(objects)} files are"
    return Finding(
        "documents-ignored",
        "info",
        f"{what} not read: {_named(objects, listing)}",
        hint="what is read beside the chunks: session.json, and the first that is there of utterances.jsonl, .json, "
        ".csv, .tsv, .srt, .vtt and .txt, of events.jsonl, events.json and events/<n>.jsonl",
    )
