"""By which codes each fault of the random judge is to be named, and whether it was: a table, written before any run.

A fault is named where one of its codes is reported for a chunk that it touched; for some, a neighbour may be named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from random_folder import DAMAGE

if TYPE_CHECKING:
    from random_folder import Done, Folder, Upload

_NOTED = ("chunk-altered", "bit-mended", "chunk-size", "chunk-truncated")
_COPY = "chunk-near-duplicate"  # "a copy with other damage": that names what is wrong with it
_BROKEN = ("bytes-skipped", "chunk-unreadable", "chunk-truncated", _COPY, *_NOTED)
_STRANGER = ("chunk-foreign", "recorder-restarted", "chunk-unreadable")
_CLOCK = ("cluster-time-wrong", "clock-jump", "bytes-skipped", _COPY, *_NOTED)
_CUT = ("chunk-truncated", "bytes-skipped", "chunk-missing", "chunks-empty", "chunk-unreadable", _COPY)
EXPECTED: dict[str, tuple[str, ...]] = {
    "drop": ("chunk-missing", "header-missing"),
    "closed-up": ("chunk-missing", "sound-lost", "header-missing"),
    "swap": ("chunk-out-of-order",),
    "duplicate": ("chunk-duplicate", "chunk-near-duplicate"),  # where one of the two is damaged as well
    "near-duplicate": ("chunk-near-duplicate", "chunk-duplicate", "chunk-overlap", "chunk-unreadable"),
    "near-duplicate-cut": (
        "chunk-near-duplicate",
        "chunk-duplicate",
        "chunk-overlap",
        "chunk-truncated",
        "chunks-empty",
        "chunk-unreadable",
    ),
    "rename": ("chunk-out-of-order", "chunk-missing", "numbers-moved"),  # the last says which number it was noted by
    "empty": ("chunks-empty",),
    "cut-end": (*_CUT, "sound-lost"),
    "cut-start": (*_CUT, "sound-lost", "header-missing"),
    "zeroes": _BROKEN,
    "random": _BROKEN,
    "html": _BROKEN,
    "html-twice": _BROKEN,
    "base64": _BROKEN,
    "overlap": ("chunk-overlap", "chunk-duplicate", "chunk-size", "bytes-skipped"),
    "overlap-short": ("chunk-overlap", "chunk-duplicate", "chunk-size", "bytes-skipped"),
    "bit-cluster-time": _CLOCK,
    "bit-block-head": (*_BROKEN, "second-track", "cluster-time-wrong", "clock-jump"),
    "bit-length": _BROKEN,
    "bit-page-head": _CLOCK,
    "bit-granule": _CLOCK,
    "bit-segment-table": _BROKEN,
    "bit-tfdt": _CLOCK,
    "bit-trun": (*_BROKEN, "cluster-time-wrong", "clock-jump"),
    "bit-mdat-size": _BROKEN,
    "foreign-insert": _STRANGER,
    "foreign-replace": (*_STRANGER, *_NOTED),
    "browser-insert": _STRANGER,
    "browser-replace": (*_STRANGER, *_NOTED),
    "two-recorders": _STRANGER,
}
"""Fault to codes: any of them names it, at the chunk that it happened to, or for some faults at a neighbour.

A neighbour is one by number, or by when it was recorded.
"""

OF_SESSIONS = {
    "moved-part": ("chunk-of-other-part", *_STRANGER, "chunk-duplicate"),
    "reloaded": ("recorder-restarted", "header-missing", "sound-lost", "chunk-foreign"),
}
"""The same for the faults of sessions of several parts."""

OF_THE_PART = {"header-missing", "chunks-empty", "second-track"}
"""Codes that need not name a chunk."""

LOSSY = {
    *("drop", "closed-up", "cut-end", "cut-start", "zeroes", "random", "html", "html-twice", "base64"),
    *("foreign-replace", "browser-replace"),
}
"""Faults after which sound is gone."""


def is_hidden(done: Done, folder: Folder, *, bare: bool) -> bool:
    """Whether nothing in the store shows what was done; `bare`: there is no session.json.

    What follows without a time of its own does not show that something is missing before it.
    """
    last = max((upload.index for upload in folder.own() if upload.pieces and _has_a_clock(upload, folder)), default=-1)
    at_end = done.at_end and all(upload.index >= last for upload in done.touched)
    return bare and (done.unseen or at_end)


def _has_a_clock(upload: Upload, folder: Folder) -> bool:
    """Whether the time of any packet is written in a file."""
    clocks = {packet.clock for packet in folder.recordings[0].packets}
    pieces = [(piece.start, piece.end) for piece in upload.pieces if not piece.source]
    return any(start <= clock[0] and clock[1] <= end for clock in clocks for start, end in pieces)


def is_masked(done: Done, folder: Folder) -> bool:
    """Whether another fault took away what this one did."""
    if done.kind in {"drop", "closed-up"}:
        return any((one.source, one.index) == (0, done.touched[0].index) for one in folder.stored())
    stored = [upload for upload in done.touched if upload.stored]
    if done.kind == "duplicate" and any(all(piece.source for piece in upload.pieces) for upload in stored):
        return True
    if done.tag:
        return not any(piece.tag == done.tag for upload in stored for piece in upload.pieces)
    return len(stored) < len(done.touched) or any(
        all(piece.source == DAMAGE for piece in upload.pieces) for upload in stored if done.kind != "empty"
    )


def names(
    faults: list[Done], folder: Folder, findings: list[dict[str, Any]], *, bare: bool
) -> tuple[list[str], list[str]]:
    """The kinds of the faults that can be named, and of those the ones that no finding names, kind first."""
    order = [upload.seq for upload in folder.stored()]
    nameable, unnamed = [], []
    for done in faults:
        if is_masked(done, folder) or is_hidden(done, folder, bare=bare):
            continue
        seqs = {upload.seq for upload in done.touched}
        seqs |= {upload.noted_seq for upload in done.touched if done.kind == "rename" and upload.noted_seq is not None}
        if done.around:
            seqs |= {seq for its in tuple(seqs) for seq in _neighbours(its, order)}
            seqs |= {seq for upload in done.touched for seq in _recorded_beside(upload, folder)}
        nameable.append(done.kind)
        codes = (EXPECTED | OF_SESSIONS)[done.kind]
        if not any(
            finding["code"] in codes and (seqs & _named(finding) or finding["code"] in OF_THE_PART)
            for finding in findings
        ):
            unnamed.append(f"{done.kind} {sorted(seqs)} {done.detail}")
    return nameable, unnamed


def _named(finding: dict[str, Any]) -> set[int]:
    """The numbers of the chunks that a finding names: one, or "chunks 3 to 5"."""
    several = re.match(r"chunks (\d+) to (\d+) ", finding["message"])
    return {*range(int(several[1]), int(several[2]) + 1)} if several else {finding.get("seq", -1)}


def _recorded_beside(upload: Upload, folder: Folder) -> list[int]:
    """The numbers of the chunks that were recorded right before one and right after it."""
    own = sorted((one.index, one.seq) for one in folder.own() if one is not upload)
    before = [seq for index, seq in own if index < upload.index]
    after = [seq for index, seq in own if index > upload.index]
    return before[-1:] + after[:1]


def _neighbours(seq: int, order: list[int]) -> list[int]:
    """The numbers before and after one, whether it is there or not."""
    before = [other for other in order if other < seq]
    after = [other for other in order if other > seq]
    return before[-1:] + after[:1]
