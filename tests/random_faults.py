"""The faults of the random judge.

Each takes a `Folder` and a random generator, changes the folder and says what it touched; it returns None where it
cannot be done there.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from random_folder import Done, Folder, Note, Piece, Upload, pick
from random_strangers import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


FAR = (40, 999, 123_456)
ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body>\n"
    b"<center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx/1.24.0</center>\n</body>\n</html>\n"
)


def _stretch(rng: Random, size: int, least: int = 1) -> tuple[int, int]:
    """A stretch of a file, short ones as likely as long ones."""
    length = min(size, max(least, round(size ** rng.uniform(0.1, 1.0))))
    start = rng.randint(0, size - length)
    return start, start + length


# -- whole chunks


def drop(folder: Folder, rng: Random) -> Done | None:
    own = folder.own()
    if len(own) < 3:
        return None
    upload = rng.choice(own)
    upload.stored = False
    return Done("drop", [upload], around=upload is own[0], at_end=True)


def closed_up(folder: Folder, rng: Random) -> Done | None:
    done = drop(folder, rng)
    if done is None:
        return None
    gone = done.touched[0]
    gone.note = None
    folder.shift(gone.seq + 1, -1)
    return replace(done, kind="closed-up", around=True)


def swap(folder: Folder, rng: Random) -> Done | None:
    own = folder.own()
    if len(own) < 2:
        return None
    one, other = rng.sample(own, 2)
    one.seq, other.seq = other.seq, one.seq
    return Done("swap", [one, other], f"{one.seq} and {other.seq}", around=True)


def duplicate(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    how = rng.choice(("next", "end", "spelt"))
    again = replace(upload, copy=True, pieces=[*upload.pieces], note=upload.note if how == "next" else None)
    if how == "next":
        again.seq += 1
        folder.insert(again)
    elif how == "end":
        again.seq = folder.last() + 1
        folder.uploads.append(again)
    elif any(other.short_name and other.seq == upload.seq for other in folder.uploads):
        return None
    else:
        again.short_name = True
        folder.uploads.append(again)
    return Done("duplicate", [upload, again], how)


def near_duplicate(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    again = replace(upload, copy=True, pieces=[*upload.pieces], seq=upload.seq + 1)
    folder.insert(again)
    hurt = rng.choice((upload, again))
    how = rng.choice(("zeroes", "random", "bit", "cut"))
    tag = next(folder.tags)
    size = len(hurt.data)
    if how == "cut":
        hurt.splice(rng.randrange(size), size, ())
    elif how == "bit":
        start = rng.randrange(size)
        hurt.splice(start, start + 1, [Piece(bytes([hurt.data[start] ^ 1 << rng.randrange(8)]), tag=tag)])
    else:
        start, end = _stretch(rng, size)
        hurt.splice(start, end, [Piece(_filling(rng, how, end - start), tag=tag)])
    kind = "near-duplicate-cut" if how == "cut" else "near-duplicate"
    return Done(kind, [upload, again], f"{how} in {'first' if hurt is upload else 'second'}")


def rename(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng, least=2)
    if upload is None:
        return None
    was = upload.seq
    upload.noted_seq, upload.seq = was, folder.last() + rng.choice(FAR)
    return Done("rename", [upload], f"{was} is {upload.seq}", around=True, at_end=True)


def empty(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    blank = Upload(
        upload.seq + rng.randint(0, 1), 0, upload.index, [], Note(b"", upload.note.emitted_ms if upload.note else None)
    )
    folder.insert(replace(blank, copy=True))
    return Done("empty", [folder.uploads[-1]])


# -- bytes


def cut_end(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    size = len(upload.data)
    keep = rng.randrange(size)
    upload.splice(keep, size, ())
    return Done("cut-end", [upload], f"{keep} of {size} bytes kept", around=True, at_end=True)


def cut_start(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    size = len(upload.data)
    gone = rng.randint(1, size)
    upload.splice(0, gone, ())
    return Done("cut-start", [upload], f"{gone} of {size} bytes gone", around=True)


def zeroes(folder: Folder, rng: Random) -> Done | None:
    return _overwritten(folder, rng, "zeroes")


def random_bytes(folder: Folder, rng: Random) -> Done | None:
    return _overwritten(folder, rng, "random")


def _overwritten(folder: Folder, rng: Random, how: str) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    start, end = _stretch(rng, len(upload.data))
    tag, filling = next(folder.tags), _filling(rng, how, end - start)
    if filling == upload.data[start:end]:
        return None
    unseen = _is_payload(folder, upload, start, end)
    upload.splice(start, end, [Piece(filling, tag=tag)])
    return Done(how, [upload], f"bytes {start} to {end}", tag=tag, unseen=unseen)


def _is_payload(folder: Folder, upload: Upload, start: int, end: int) -> bool:
    """Whether a stretch holds sound alone, in a container without checksums."""
    recording = folder.recordings[0]
    if recording.family == "ogg":
        return False
    at = 0
    for piece in upload.pieces:
        first, last = max(start, at), min(end, at + len(piece.data))
        if first < last and not piece.source:
            bytes_ = range(piece.start + first - at, piece.start + last - at)
            if not recording.is_payload(bytes_.start, bytes_.stop):
                return False
        at += len(piece.data)
    return True


def _filling(rng: Random, how: str, size: int) -> bytes:
    return bytes(size) if how == "zeroes" else rng.randbytes(size)


def html(folder: Folder, rng: Random) -> Done | None:
    return _replaced(folder, rng, "html", 1, lambda _: ERROR_PAGE)


def html_twice(folder: Folder, rng: Random) -> Done | None:
    return _replaced(folder, rng, "html-twice", 2, lambda _: ERROR_PAGE)


def base64_text(folder: Folder, rng: Random) -> Done | None:
    prefix = rng.choice((b"", b"data:audio/webm;codecs=opus;base64,"))
    # Backwards: what is text of a recording is read.
    return _replaced(folder, rng, "base64", 1, lambda data: prefix + base64.b64encode(data[::-1]))


def _replaced(folder: Folder, rng: Random, kind: str, chunks: int, make: Callable[[bytes], bytes]) -> Done | None:
    own = folder.own()
    if len(own) < chunks + 2:
        return None
    tag = next(folder.tags)
    uploads = rng.sample(own, chunks)
    for upload in uploads:
        upload.pieces = [Piece(make(upload.data), tag=tag)]
    return Done(kind, uploads, tag=tag)


def overlap(folder: Folder, rng: Random) -> Done | None:
    """A chunk begins with the last bytes of the one before it: an upload that was resumed too early."""
    own = folder.own()
    pairs = [(a, b) for a, b in pairwise(own) if a.pieces and b.pieces and a.index + 1 == b.index]
    if not pairs:
        return None
    before, upload = rng.choice(pairs)
    data, size = before.data, len(before.data)
    length = max(1, round(size ** rng.uniform(0.2, 1.0)))
    tail = replace(before, pieces=[*before.pieces])
    tail.splice(0, len(data) - length, ())
    tag = next(folder.tags)
    upload.splice(0, 0, [replace(piece, tag=tag) for piece in tail.pieces])
    kind = "overlap-short" if length < 64 else "overlap"
    return Done(kind, [upload], f"{length} bytes again", around=True, tag=tag)


# -- one bit in what bounds or dates packets


def bit(folder: Folder, rng: Random) -> Done | None:
    upload = pick(folder, rng)
    if upload is None:
        return None
    recording = folder.recordings[0]
    kind = rng.choice(sorted(recording.parsed.spots))
    at, places = 0, []
    for piece in upload.pieces:
        if not piece.source:
            spots = recording.spots_within(kind, piece.start, piece.end)
            places += [(at + byte - piece.start, byte) for spot in spots for byte in range(*spot)]
        at += len(piece.data)
    if not places:
        return None
    (place, origin), tag, number = rng.choice(places), next(folder.tags), rng.randrange(8)
    flipped = upload.data[place] ^ 1 << number
    upload.splice(place, place + 1, [Piece(bytes([flipped]), tag=tag)])
    unseen = recording.is_harmless(origin, flipped)
    return Done(f"bit-{kind}", [upload], f"bit {number} of byte {place}", around=True, tag=tag, unseen=unseen)


FAULTS: dict[str, Callable[[Folder, Random], Done | None]] = {
    "drop": drop,
    "closed-up": closed_up,
    "swap": swap,
    "duplicate": duplicate,
    "near-duplicate": near_duplicate,
    "rename": rename,
    "empty": empty,
    "cut-end": cut_end,
    "cut-start": cut_start,
    "zeroes": zeroes,
    "random": random_bytes,
    "html": html,
    "html-twice": html_twice,
    "base64": base64_text,
    "overlap": overlap,
    "bit": bit,
    **STRANGERS,
}
WEIGHTS = {"bit": 5, "near-duplicate": 2, "overlap": 2}
"""How often a fault is drawn, where that is not once: a bit has many places."""
