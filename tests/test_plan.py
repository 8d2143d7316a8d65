"""What becomes of the bytes of damaged parts: each is in a piece of a run, set aside or damaged, and none is twice."""

from __future__ import annotations

import base64
import hashlib
import io
from collections import Counter
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import blobs, chrome, chunk_ref, firefox, recorded_chunks

from sessiontool.concat import Remuxer
from sessiontool.documents.models import ChunkEntry, PartEntry, SessionDocument
from sessiontool.errors import RecordingError
from sessiontool.progress import Silent
from sessiontool.recording.assemble import assemble
from sessiontool.recording.plan import Plan, plan_part
from sessiontool.recording.surveyed import survey_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sessiontool.model import ChunkRef
    from sessiontool.recording.records import Assembly, ChunkRecord

CHROME = blobs(chrome(84 * 5, cluster_packets=84, sizes=(40, 90)), 84)
FIREFOX = blobs(firefox(250 * 4, cluster_packets=50, sizes=(40, 90)), 250, lead=0, inside=-15)
FORMS = {
    "chrome": CHROME,
    "firefox": FIREFOX,
    "real chrome": recorded_chunks("chrome-1s")[:7],
    "real firefox": recorded_chunks("firefox-pause")[:5],
}
STRANGER = {"chrome": FIREFOX[1], "firefox": CHROME[1], "real chrome": FIREFOX[0], "real firefox": CHROME[0]}
HTML = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>\n"

Chunks = dict[int, bytes]
"""The bytes of a part's chunks by number."""


def numbered(chunks: Sequence[bytes]) -> Chunks:
    return dict(enumerate(chunks))


# -- damage


def replace_middle(data: bytes, rng: Random, make: Callable[[int], bytes]) -> bytes:
    start = rng.randrange(len(data) + 1)
    length = min(len(data) - start, rng.choice([1, 20, 300, 5000]))
    return data[:start] + make(length) + data[start + length :]


def flip(data: bytes, rng: Random) -> bytes:
    body = bytearray(data)
    for _ in range(rng.choice([1, 1, 3]) if body else 0):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return bytes(body)


ONE_CHUNK: dict[str, Callable[[bytes, Random], bytes]] = {
    "head cut": lambda data, rng: data[rng.randrange(len(data) + 1) :],
    "tail cut": lambda data, rng: data[: rng.randrange(len(data) + 1)],
    "zeroes": lambda data, rng: replace_middle(data, rng, bytes),
    "random bytes": lambda data, rng: replace_middle(data, rng, rng.randbytes),
    "bits": flip,
    "html": lambda data, _: HTML,
    "base64": lambda data, _: base64.b64encode(data),
    "appended": lambda data, rng: data + rng.randbytes(rng.choice([1, 40, 3000])),
    "empty": lambda data, _: b"",
}


def drop(chunks: Chunks, number: int, _: Random) -> None:
    chunks.pop(number)


def swap(chunks: Chunks, number: int, rng: Random) -> None:
    other = rng.choice(sorted(chunks))
    chunks[number], chunks[other] = chunks[other], chunks[number]


def copy(chunks: Chunks, number: int, _: Random) -> None:
    chunks[max(chunks) + 1] = chunks[number]


def copy_damaged(chunks: Chunks, number: int, rng: Random) -> None:
    copy(chunks, number, rng)
    hurt = rng.choice([number, max(chunks)])
    chunks[hurt] = ONE_CHUNK[rng.choice(["head cut", "tail cut", "zeroes", "bits"])](chunks[hurt], rng)


def resume(chunks: Chunks, number: int, rng: Random) -> None:
    before = chunks.get(number - 1, b"")
    chunks[number] = before[len(before) - rng.randrange(len(before) + 1) :] + chunks[number]


MANY: dict[str, Callable[[Chunks, int, Random], None]] = {
    "drop": drop,
    "swap": swap,
    "copy": copy,
    "copy, damaged": copy_damaged,
    "resume": resume,
}


def damaged(rng: Random) -> Chunks:
    """The chunks of a part, with one to three faults."""
    form = rng.choice(sorted(FORMS))
    chunks = numbered(FORMS[form])
    for _ in range(rng.randint(1, 3)):
        kind, number = rng.choice([*ONE_CHUNK, *MANY, "stranger"]), rng.choice(sorted(chunks))
        if kind == "stranger":
            chunks[number] = STRANGER[form]
        elif kind in MANY:
            MANY[kind](chunks, number, rng)
        else:
            chunks[number] = ONE_CHUNK[kind](chunks[number], rng)
    return chunks


def noted(chunks: Chunks, rng: Random) -> list[PartEntry]:
    """What a recorder may have noted of such chunks: nothing, or their sizes, one of them perhaps another."""
    longer = rng.choice([*chunks, None, None])
    entries = [ChunkEntry(seq=seq, bytes=len(data) + 400 * (seq == longer)) for seq, data in chunks.items()]
    return rng.choice([[], [PartEntry(part="0", chunks=entries)]])


# -- what is asserted of it


def refs(chunks: Chunks, part: str = "0") -> dict[ChunkRef, bytes]:
    return {chunk_ref(seq, len(data), part): data for seq, data in sorted(chunks.items())}


def planned(data_of: Mapping[ChunkRef, bytes], entry: PartEntry | None = None) -> Plan:
    return plan_part("0", survey_part([*data_of], entry, data_of.__getitem__))


def assert_planned_once(plan: Plan, data_of: Mapping[ChunkRef, bytes]) -> None:
    """Every byte of every chunk is in a piece, or in a stretch that says why it is not."""
    covered: dict[ChunkRef, list[tuple[int, int]]] = {chunk: [] for chunk in data_of}
    for run in plan.runs:
        for piece in run.pieces:
            covered[piece.chunk].append((piece.start, len(data_of[piece.chunk]) if piece.stop is None else piece.stop))
    stretches = [(aside.chunk, aside.stretch) for aside in (*plan.asides, *plan.damage)]
    stretches += [(one.chunk, stretch) for one in plan.records for stretch in (*one.damage, *one.set_aside)]
    for chunk, stretch in stretches:
        assert stretch.reason
        covered[chunk].append((stretch.byte_offset, stretch.byte_offset + stretch.size_bytes))
    for chunk, ranges in covered.items():
        at = 0
        for start, stop in sorted(span for span in ranges if span[0] < span[1]):
            assert start == at, f"chunk {chunk.seq}: byte {at} is not planned, or planned twice"
            at = stop
        assert at == len(data_of[chunk]), f"chunk {chunk.seq}: byte {at} is not planned"


def joined(data_of: Mapping[ChunkRef, bytes], *entries: PartEntry) -> tuple[Remuxer, Assembly]:
    session = SessionDocument(parts=list(entries))
    return assemble([*data_of], session, data_of.__getitem__, lambda: Remuxer(io.BytesIO()), Silent())


def assert_accounted(joiner: Remuxer, assembly: Assembly, data_of: Mapping[ChunkRef, bytes]) -> None:
    """Every chunk has one record, whose four kinds of bytes add up, and whose lists say where they are."""
    assert Counter(record.chunk for record in assembly.chunks) == Counter([*data_of])
    assert sum(record.packets for record in assembly.chunks) == joiner.recorded_packets
    for record in assembly.chunks:
        assert_adds_up(record, data_of[record.chunk])


def assert_adds_up(record: ChunkRecord, data: bytes) -> None:
    account, which = record.account, f"chunk {record.chunk.seq} ({record.verdict})"
    kinds = (account.payload_bytes, account.structure_bytes, account.damaged_bytes, account.set_aside_bytes)
    assert sum(kinds) == account.size_bytes == len(data), which
    assert min(kinds) >= 0, which
    for stretches, total in ((record.damage, account.damaged_bytes), (record.set_aside, account.set_aside_bytes)):
        assert sum(one.size_bytes for one in stretches) == total, which
        assert all(one.reason for one in stretches), which
        assert all(0 <= one.byte_offset <= one.byte_offset + one.size_bytes <= len(data) for one in stretches), which
    ranges = sorted((one.byte_offset, one.size_bytes) for one in record.damage if one.size_bytes)
    assert all(a + length <= b for (a, length), (b, _) in pairwise(ranges)), which
    assert record.sha256 == hashlib.sha256(data).hexdigest(), which
    if record.verdict == "ok":
        assert not record.damage, which
    if record.verdict == "empty":
        assert not record.packets, which


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_every_byte_of_a_damaged_part_is_planned_once(seed: int) -> None:
    chunks = damaged(rng := Random(seed))
    data_of = refs(chunks)
    try:
        surveyed = survey_part([*data_of], next(iter(noted(chunks, rng)), None), data_of.__getitem__)
        plan = plan_part("0", surveyed)
    except RecordingError:
        return
    own = plan.repeats.reading(surveyed.read)  # of what a chunk repeats, the plan says nothing
    assert_planned_once(plan, {chunk: own(chunk) for chunk in surveyed.listed})
    assert len(plan.records) == len({record.chunk for record in plan.records})
    pieces = {piece.chunk for run in plan.runs for piece in run.pieces if piece.counted_for is None}
    assert pieces.isdisjoint(record.chunk for record in plan.records)


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_every_byte_of_a_damaged_part_is_accounted_for(seed: int) -> None:
    chunks = damaged(rng := Random(seed))
    data_of = refs(chunks)
    try:
        joiner, assembly = joined(data_of, *noted(chunks, rng))
    except RecordingError:
        return
    assert_accounted(joiner, assembly, data_of)


@pytest.mark.parametrize("form", FORMS)
def test_an_undamaged_part_is_packets_and_structure(form: str) -> None:
    data_of = refs(numbered(FORMS[form]))
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    assert [record.verdict for record in assembly.chunks] == ["ok"] * len(data_of)
    assert not any(record.account.damaged_bytes or record.account.set_aside_bytes for record in assembly.chunks)
    assert_planned_once(planned(data_of), data_of)


@pytest.mark.parametrize("what", [HTML, base64.b64encode(CHROME[1]), bytes(4000), Random(3).randbytes(4000)])
def test_a_part_that_is_no_recording_is_accounted_for_beside_one_that_is(what: bytes) -> None:
    data_of = refs(numbered(CHROME)) | refs({0: what, 1: what + b"\n"}, part="1")
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    unread = [record for record in assembly.chunks if record.chunk.part == "1"]
    assert {record.verdict for record in unread} <= {"unread", "damaged"}
    assert all(record.account.payload_bytes == record.account.structure_bytes == 0 for record in unread)


# -- where kept bytes are


def kept_bytes(record: ChunkRecord, data_of: Mapping[ChunkRef, bytes]) -> tuple[bytes, bytes]:
    """What is set aside of a chunk, and the same bytes where they were kept."""
    mine = b"".join(data_of[record.chunk][s.byte_offset : s.byte_offset + s.size_bytes] for s in record.set_aside)
    there = b""
    for stretch in record.set_aside:
        assert stretch.kept_in is not None
        there += data_of[stretch.kept_in][stretch.kept_at : stretch.kept_at + stretch.size_bytes]
    return mine, there


@pytest.mark.parametrize("form", FORMS)
def test_of_a_copy_the_kept_bytes_are_named(form: str) -> None:
    chunks = numbered(FORMS[form])
    chunks[len(chunks)] = chunks[2]
    data_of = refs(chunks)
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    (copy,) = [record for record in assembly.chunks if record.verdict == "duplicate"]
    assert copy.account.set_aside_bytes == len(chunks[2])
    mine, there = kept_bytes(copy, data_of)
    assert mine == there == chunks[2]


@pytest.mark.parametrize("shared", [400, 2000])
@pytest.mark.parametrize("form", FORMS)
def test_of_a_seam_the_kept_bytes_are_named(form: str, shared: int) -> None:
    chunks = numbered(FORMS[form])
    chunks[2] = chunks[1][-shared:] + chunks[2]
    data_of = refs(chunks)
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    (seam,) = [record for record in assembly.chunks if record.account.set_aside_bytes]
    assert (seam.chunk.seq, seam.account.set_aside_bytes, seam.verdict) == (2, shared, "ok")
    mine, there = kept_bytes(seam, data_of)
    assert mine == there == chunks[1][-shared:]


def test_of_two_copies_with_other_damage_the_better_bytes_of_both_are_joined() -> None:
    chunks = numbered(CHROME)
    whole = chunks[2]
    chunks[2] = whole[:1000] + bytes(300) + whole[1300:]
    chunks[5] = whole[:3000] + bytes(300) + whole[3300:]
    data_of = refs(chunks)
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    undamaged, _ = joined(refs(numbered(CHROME)))
    assert joiner.recorded_packets == undamaged.recorded_packets
    hurt = {record.chunk.seq: record.account.damaged_bytes for record in assembly.chunks if record.damage}
    assert sum(hurt.values()) >= 300


def test_a_chunk_that_another_one_replaces_wholly_is_accounted_for() -> None:
    """Not a byte of it is joined, and its record has its hash and its size all the same."""
    silent = blobs(chrome(60, quiet=range(20, 40)), 8, inside=9)[3]
    for end in range(40, len(silent)):
        data_of = refs({0: silent, 1: silent[:end]})
        joiner, assembly = joined(data_of)
        assert_accounted(joiner, assembly, data_of)


def test_a_part_of_chunks_without_a_base_of_times_is_joined_as_it_is_numbered() -> None:
    whole = chrome(84 * 2, cluster_packets=84, sizes=(40, 90))
    cuts = [whole.blocks[index].offset for index in (100, 120, 140)]
    data_of = refs(numbered([whole.data[a:b] for a, b in pairwise(cuts)]))
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    assert joiner.recorded_packets == 40


@pytest.mark.parametrize("form", FORMS)
def test_a_copy_of_a_copy_is_accounted_for_once(form: str) -> None:
    """Two halves of a chunk that have nothing in common, and between them a copy of both that is damaged."""
    before, whole, *behind = FORMS[form]
    half = len(whole) // 2
    middle = whole[: half - 300] + bytes(600) + whole[half + 300 :]
    for first, last in ((whole[:half], whole[half:]), (whole[half:], whole[:half])):
        data_of = refs(numbered([before, first, middle, last, *behind]))
        joiner, assembly = joined(data_of)
        assert_accounted(joiner, assembly, data_of)
        assert_planned_once(planned(data_of), data_of)


def test_a_strangers_chunk_without_a_header_is_set_aside_whole() -> None:
    chunks = numbered(CHROME)
    chunks[2] = FIREFOX[1]
    data_of = refs(chunks)
    joiner, assembly = joined(data_of)
    assert_accounted(joiner, assembly, data_of)
    (foreign,) = [record for record in assembly.chunks if record.verdict == "foreign"]
    assert (foreign.chunk.seq, foreign.packets) == (2, 0)
    assert foreign.account.set_aside_bytes == len(FIREFOX[1])
    assert any(finding.code == "chunk-foreign" and finding.seq == 2 for finding in assembly.findings)
