"""The random judge's faults that bring in what another recorder made: single chunks, or all of its chunks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from random_folder import Done, Folder, Piece, Upload, pick

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from random_recordings import Recording


def foreign_insert(folder: Folder, rng: Random) -> Done | None:
    return _inserted(folder, rng, "foreign-insert", folder.same_browser(rng))


def foreign_replace(folder: Folder, rng: Random) -> Done | None:
    return _exchanged(folder, rng, "foreign-replace", folder.same_browser(rng))


def browser_insert(folder: Folder, rng: Random) -> Done | None:
    return _inserted(folder, rng, "browser-insert", folder.other_browser(rng))


def browser_replace(folder: Folder, rng: Random) -> Done | None:
    return _exchanged(folder, rng, "browser-replace", folder.other_browser(rng))


def _inserted(folder: Folder, rng: Random, kind: str, recording: Recording | None) -> Done | None:
    upload = pick(folder, rng)
    pieces = folder.foreign_chunk(rng, recording) if recording and upload else None
    if upload is None or pieces is None:
        return None
    stranger = Upload(upload.seq + rng.randint(0, 1), pieces[0].source, -1, pieces, None)
    folder.insert(stranger)
    return Done(kind, [stranger], _origin(folder, pieces))


def _exchanged(folder: Folder, rng: Random, kind: str, recording: Recording | None) -> Done | None:
    upload = pick(folder, rng, least=3)
    pieces = folder.foreign_chunk(rng, recording) if recording and upload else None
    if upload is None or pieces is None:
        return None
    own, is_there_again = folder.recordings[0], sum(other.index == upload.index for other in folder.uploads) > 1
    unseen = not is_there_again and recording is not None and recording.family == own.family
    unseen = unseen and own.takes(upload.index, pieces[0].data)
    upload.pieces, upload.source = pieces, pieces[0].source
    return Done(kind, [upload], _origin(folder, pieces), unseen=unseen)


def _origin(folder: Folder, pieces: list[Piece]) -> str:
    recording = folder.recordings[pieces[0].source]
    return f"chunk {recording.starts().index(pieces[0].start)} of {recording.name}"


def two_recorders(folder: Folder, rng: Random) -> Done | None:
    """All of a second recorder's chunks in the same folder: between the first one's, or behind them."""
    recording = folder.same_browser(rng)
    # A renamed chunk is noted under the number that it had, which another one would get here.
    has_notes_apart = any(upload.noted_seq is not None for upload in folder.uploads)
    if recording is None or len(folder.recordings) > 1 or has_notes_apart:
        return None
    folder.recordings.append(recording)
    folder.whole_second = 1
    second = [replace(upload, note=None) for upload in folder.uploads_of(1)]
    how = rng.choice(("between", "behind"))
    first = sorted(folder.uploads, key=lambda upload: upload.seq)
    order = [*first, *second]
    if how == "between":
        folder.is_mixed = recording.family in {"chrome", "firefox"}
        shares = [(index + 0.5) / len(first) for index in range(len(first))]
        shares += [(index + rng.uniform(0.3, 0.7)) / len(second) for index in range(len(second))]
        order = [upload for _, upload in sorted(zip(shares, order, strict=True), key=lambda pair: pair[0])]
    offset = first[0].seq
    for seq, upload in enumerate(order, offset):
        upload.seq = seq
    folder.uploads = order
    return Done("two-recorders", second, f"{recording.name} {how}", around=True)


STRANGERS: dict[str, Callable[[Folder, Random], Done | None]] = {
    "foreign-insert": foreign_insert,
    "foreign-replace": foreign_replace,
    "browser-insert": browser_insert,
    "browser-replace": browser_replace,
    "two-recorders": two_recorders,
}
