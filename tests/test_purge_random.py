"""Chunks with any damage, and reports with any: none is deleted that holds a packet which is not in the audio.

The judge knows each byte's place in an undamaged recording that was made byte by byte, and reads audio.webm by a walk
of its own.
"""

from __future__ import annotations

import base64
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from purging import ID, MP4, OGG, WHOLE, examine, firefox_blobs, forge, forged_ok, key, merge, packets_of, put_chunks
from recordings import Block, Live, blobs, chrome, firefox

from sessiontool.errors import SessionToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pytest


@dataclass(frozen=True, slots=True)
class Kind:
    """A recording, how it is cut into blobs, how many bytes of a block's beginning a reader can do without, and in how
    many its size is written, 0 where nothing like it is.
    """

    live: Live
    cut: Callable[[Random], list[bytes]]
    spare_bytes: int = 0
    size_bytes: int = 0


def cut_as_chrome(live: Live, rng: Random) -> list[bytes]:
    return blobs(live, rng.choice((8, 11)), lead=rng.choice((1, 3)), inside=rng.choice((1, 1, 1, 9)))


OGG_LIVE = Live(
    OGG.data, tuple(Block(payload, ms, start, end) for start, end, packets in OGG.pages for payload, ms in packets)
)
MP4_LIVE = Live(
    MP4.data, tuple(Block(payload, ms, f.start, end) for f in MP4.fragments for payload, ms, end in f.packets)
)
QUIET, LOUD = chrome(60, quiet=range(20, 40)), chrome(60, seed=7)
LONG_SIZES = firefox(90, cluster_packets=10, quiet=range(25, 60))
KINDS = (
    Kind(QUIET, lambda rng: cut_as_chrome(QUIET, rng), 1, 2),
    Kind(LOUD, lambda rng: cut_as_chrome(LOUD, rng), 1, 2),
    Kind(LONG_SIZES, lambda _: firefox_blobs(LONG_SIZES, 20), 1, 4),
    Kind(OGG_LIVE, lambda _: WHOLE["ogg"]),
    Kind(MP4_LIVE, lambda _: WHOLE["mp4"]),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as it is stored: its bytes, and where each of them is in a recording of its `kind`; -1 where in none."""

    data: bytes
    origin: tuple[int, ...]
    kind: int

    def part(self, start: int, end: int) -> Chunk:
        return replace(self, data=self.data[start:end], origin=self.origin[start:end])

    def then(self, data: bytes, origin: Iterable[int] | None = None) -> Chunk:
        more = tuple(origin) if origin is not None else (-1,) * len(data)
        return replace(self, data=self.data + data, origin=self.origin + more)


def chunks_of(kind: int, rng: Random) -> list[Chunk]:
    found, at = [], 0
    for piece in KINDS[kind].cut(rng):
        found.append(Chunk(piece, tuple(range(at, at + len(piece))), kind))
        at += len(piece)
    return found


def overwritten(chunk: Chunk, rng: Random, new: bytes) -> Chunk:
    at = rng.randint(0, len(chunk.data))
    new = new[: len(chunk.data) - at]
    after = chunk.part(at + len(new), len(chunk.data))
    return chunk.part(0, at).then(new).then(after.data, after.origin)


def spoilt(chunk: Chunk, rng: Random) -> Chunk:
    """The chunk with bytes that were not recorded, or too few of them."""
    size, length = rng.choice((1, 30, 200, 10_000)), len(chunk.data)
    bodies = (b"<html>502 Bad Gateway</html>", base64.b64encode(chunk.data[::-1]))
    return rng.choice(
        (
            overwritten(chunk, rng, bytes(size)),
            overwritten(chunk, rng, rng.randbytes(size)),
            chunk.part(rng.randint(0, length), length),
            chunk.part(0, rng.randint(0, length)),
            chunk.part(0, 0).then(rng.choice(bodies)),
            swallowing(chunk, rng),
        )
    )


def swallowing(chunk: Chunk, rng: Random) -> Chunk:
    """The chunk with a wrong size of a block, so that it ends where a later one does."""
    places = {origin: at for at, origin in enumerate(chunk.origin)}
    kind = KINDS[chunk.kind]
    here = [block for block in kind.live.blocks if {block.offset + 1, block.end - 1} <= set(places)]
    if len(here) < 2 or not kind.size_bytes:
        return chunk
    first = rng.randrange(len(here) - 1)
    last = rng.randint(first + 1, min(first + 6, len(here) - 1))
    size_at, width = places[here[first].offset + 1], kind.size_bytes
    size = places[here[last].end - 1] + 1 - size_at - width
    if size < 0:  # what lies between was put there
        return chunk
    rest = chunk.part(size_at + width, len(chunk.data))
    wrong = chunk.part(0, size_at).then(((1 << 7 * width) + size).to_bytes(width, "big"))
    return wrong.then(rest.data, rest.origin)


def repeating(before: Chunk, chunk: Chunk, rng: Random) -> Chunk:
    """The chunk behind the last bytes of the one before it, as when an upload is resumed too early."""
    again = before.part(rng.randint(0, len(before.data)), len(before.data))
    return again.then(chunk.data, chunk.origin) if again.kind == chunk.kind else chunk


def hurt(chunks: list[Chunk], rng: Random) -> None:
    """One accident of those that stores have seen."""
    at, other = rng.randrange(len(chunks)), rng.randint(0, len(chunks))
    one, stranger = chunks[at], rng.choice(chunks_of(rng.randrange(len(KINDS)), rng))
    what = rng.choice(["lost", "spoilt", "moved", "twice", "nearly twice", "foreign", "overwritten", "repeating"])
    if what in ("lost", "moved") and len(chunks) > 1:
        chunks.pop(at)
    if what in ("moved", "twice"):
        chunks.insert(other, one)
    elif what == "nearly twice":
        chunks.insert(other, spoilt(one, rng))
    elif what == "spoilt":
        chunks[at] = spoilt(one, rng)
    elif what in ("foreign", "overwritten"):
        chunks[at : at + (what == "overwritten")] = [stranger]
    elif what == "repeating":
        chunks[at] = repeating(chunks[at - 1], one, rng)


def whole_packets(chunks: Sequence[Chunk]) -> Counter[bytes]:
    """The packets of which each byte is there, from the first of its size on: each once, however many copies are."""
    there: set[tuple[int, int]] = set()
    for number, kind in enumerate(KINDS):
        origins = [origin for chunk in chunks for origin in (chunk.origin if chunk.kind == number else (-1,))]
        runs, start, before = [], 0, -2
        for origin in [*origins, -2]:
            if origin != before + 1 or origin < 0:
                runs.append((start, before + 1))
                start = origin
            before = origin
        there |= {
            (number, index)
            for index, block in enumerate(kind.live.blocks)
            if any(start <= block.offset + kind.spare_bytes and block.end <= end for start, end in runs)
        }
    return Counter(KINDS[number].live.blocks[index].payload for number, index in there)


def forgery(rng: Random, report: dict[str, Any]) -> None:
    """A report that agrees with itself, as far as somebody would take care, or one that says what it should not."""
    if rng.random() < 0.5:
        forged_ok(report)
        report["chunks"] = (
            rng.sample(report["chunks"], len(report["chunks"]) if rng.random() < 0.5 else 0) or report["chunks"]
        )
        return
    for _ in range(rng.randint(1, 3)):
        chunks, outputs = report["chunks"], report["outputs"]
        one = rng.choice(chunks) if chunks else {}
        change, value = rng.choice(
            (
                (one, {"verdict": rng.choice(("ok", "duplicate", "empty"))}),
                (one, {"packets": rng.randint(0, 30)}),
                (one, {"sha256": rng.choice(chunks or [{"sha256": ""}])["sha256"]}),
                (report, {"findings": [], "status": "complete"}),
                (report, {"chunks": rng.sample(chunks, len(chunks))}),
                (report, {"chunks": [other for other in chunks if other is not one]}),
                (report, {"chunks": [*chunks, {**one, "key": key(rng.randint(0, 12))}]}),
                (report, {"outputs": rng.sample(outputs, max(0, len(outputs) - 1))}),
                (report, {"chunks": [{**other, "verdict": "ok"} for other in chunks]}),
            )
        )
        change.update(value)


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), forged=st.booleans())
def test_no_chunk_goes_with_a_packet_that_is_not_in_the_audio(
    seed: int, forged: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng, root = Random(seed), tmp_path_factory.mktemp("any")
    chunks = chunks_of(rng.randrange(len(KINDS)), rng)
    for _ in range(rng.randint(0, 3)):
        hurt(chunks, rng)
    put_chunks(root, [chunk.data for chunk in chunks])
    try:
        merge(root)
        if forged:
            forge(root, lambda report: forgery(rng, report))
        found = examine(root)
    except SessionToolError:
        return
    finally:
        audio = packets_of(root) if (root / ID / "merged" / "audio.webm").exists() else Counter()
        shutil.rmtree(root)
    if found.action == "chunks":
        assert whole_packets(chunks) <= audio
