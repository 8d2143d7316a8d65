"""What became of every byte: the ledger itself, and the readers' accounts of recordings that are hurt anyhow."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import mp4_recordings
import ogg_recordings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_faults import FAULTS
from random_folder import Folder
from random_pool import FAMILIES, pool
from random_truth import truth_of
from recordings import assert_all_counted, chrome, firefox, recorded_chunks, split

from sessiontool.errors import RecordingError
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.packets import OTHER_TRACK, Account, Damage, Ledger, PacketRun, SetAside
from sessiontool.media.probe import open_demuxer, what_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from random_folder import Upload

    from sessiontool.media.packets import Demuxer, Track

CONTAINERS = Path(__file__).parent / "data" / "containers"
EXAMPLES = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 60
CASES = int(os.environ.get("RANDOM_CASES", "150"))
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n"


# -- the ledger


def counted(ledger: Ledger) -> list[tuple[int, int, int, int]]:
    return [(a.payload_bytes, a.structure_bytes, a.damaged_bytes, a.set_aside_bytes) for a in ledger.accounts]


def test_bytes_are_counted_in_the_pieces_that_they_are_in() -> None:
    ledger = Ledger()
    for size in (10, 0, 5, 20):
        ledger.begin_piece(size)
    ledger.structure(0, 3)
    ledger.payload(3, 13)
    ledger.damage(13, 20, "noise")
    ledger.set_aside(20, 30, OTHER_TRACK)
    assert counted(ledger) == [(7, 3, 0, 0), (0, 0, 0, 0), (3, 0, 2, 0), (0, 0, 5, 10)]
    assert [account.unaccounted_bytes for account in ledger.accounts] == [0, 0, 0, 5]
    assert ledger.pending_bytes == 5
    ledger.block_run(30, 35, 2)
    assert ledger.pending_bytes == 0
    assert ledger.accounts[-1] == Account(20, 2, 3, 5, 10)


def test_damage_side_by_side_with_one_reason_is_one() -> None:
    ledger = Ledger()
    ledger.begin_piece(20)
    for start, end, reason in ((0, 2, "a"), (2, 5, "a"), (5, 6, "b"), (7, 8, "b"), (8, 8, "c")):
        ledger.damage(start, end, reason)
    assert ledger.damages == [Damage(0, 5, "a"), Damage(5, 1, "b"), Damage(7, 1, "b"), Damage(8, 0, "c")]


def test_what_is_set_aside_is_named_once_a_piece_and_reason() -> None:
    ledger = Ledger()
    ledger.begin_piece(10)
    ledger.begin_piece(10)
    for start, end, reason in ((1, 2, "a"), (2, 4, "b"), (5, 7, "a"), (8, 13, "a")):
        ledger.set_aside(start, end, reason)
    assert ledger.asides == [SetAside(1, 5, "a"), SetAside(2, 2, "b"), SetAside(10, 3, "a")]
    ledger.take_back_aside(8, 13, "a")
    assert counted(ledger) == [(0, 0, 0, 5), (0, 0, 0, 0)]


def test_what_is_taken_back_is_counted_anew() -> None:
    ledger = Ledger()
    ledger.begin_piece(4)
    ledger.begin_piece(4)
    ledger.structure(0, 2)
    ledger.payload(2, 8)
    ledger.take_back_payload(3, 8)
    ledger.take_back_structure(1, 2)
    assert counted(ledger) == [(1, 1, 0, 0), (0, 0, 0, 0)]


def test_places_are_those_of_pieces() -> None:
    ledger = Ledger()
    assert (ledger.last_start, ledger.size_bytes, ledger.pending_bytes) == (0, 0, 0)
    for size in (3, 0, 4):
        ledger.begin_piece(size)
    assert [ledger.piece_at(offset) for offset in (0, 2, 3, 6, 9)] == [0, 0, 2, 2, 2]
    assert [ledger.start_of(piece) for piece in range(3)] == [0, 3, 3]
    assert (ledger.starts_after(0), ledger.starts_after(3)) == ([3, 3], [])
    assert (ledger.last_start, ledger.size_bytes) == (3, 7)


def test_the_last_packet_of_a_run_may_be_a_base() -> None:
    run = PacketRun(0, placed=True, continued=False, bases=[0, 2])
    for number in range(3):
        run.payloads.append(b"%d" % number)
        run.times_ms.append(number)
        run.durations.append(960)
    assert [run.drop_last() for _ in range(3)] == [True, False, True]
    assert run.bases == []


# -- the readers


@cache
def recordings() -> dict[str, list[bytes]]:
    """The chunks of recordings of every container, real ones and made ones."""
    return {
        **{name: recorded_chunks(name) for name in ("chrome-1s", "chrome-silence", "firefox-pause")},
        **{
            folder.name: [p.read_bytes() for p in sorted(folder.glob("chunks/000/*"))]
            for folder in CONTAINERS.iterdir()
        },
        "made chrome": split(chrome(40).data, [300, 301, 900]),
        "made firefox": split(firefox(60).data, [500, 1200]),
        "made ogg": split(ogg_recordings.made(8).data, [200, 600]),
        "made mp4": split(mp4_recordings.made(8).data, [416, 900]),
    }


def read(reader: Demuxer, pieces: Iterable[tuple[bytes, bool]]) -> list[PacketRun]:
    """All packets of pieces, before which bytes are lost or not; every byte of them is in the ledger then."""
    runs: list[PacketRun] = []
    for data, is_lost in pieces:
        runs += reader.discontinuity("a test") if is_lost else []
        runs += reader.feed(data)
    runs += reader.flush()
    assert_all_counted(reader, runs)
    return runs


def zeroes(_: Random, data: bytes) -> bytes:
    return bytes(len(data))


def noise(rng: Random, data: bytes) -> bytes:
    return rng.randbytes(len(data))


def bit(rng: Random, data: bytes) -> bytes:
    place = rng.randrange(8 * len(data)) if data else 0
    return bytes(byte ^ (1 << place % 8 if at == place // 8 else 0) for at, byte in enumerate(data))


HURTS: dict[str, Callable[[Random, bytes], bytes]] = {
    "zeroes": zeroes,
    "noise": noise,
    "bit": bit,
    "gone": lambda _, __: b"",
    "twice": lambda _, data: data + data,
    "page": lambda _, __: HTML,
}


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_byte_is_counted_whatever_was_done_to_it(data: st.DataObject) -> None:
    chunks = list(recordings()[data.draw(st.sampled_from(sorted(recordings())))])
    rng = data.draw(st.randoms(use_true_random=False))
    for _ in range(data.draw(st.integers(0, 3))):
        index = rng.randrange(len(chunks))
        start = rng.randrange(len(chunks[index]) + 1)
        end = min(len(chunks[index]), start + rng.choice((1, 4, 60, 3000, 1 << 20)))
        hurt = HURTS[data.draw(st.sampled_from(sorted(HURTS)))](Random(start), chunks[index][start:end])
        chunks[index] = chunks[index][:start] + hurt + chunks[index][end:]
    if data.draw(st.booleans()):
        rng.shuffle(chunks)
    size = sum(map(len, chunks))
    cuts = data.draw(st.lists(st.integers(0, size), max_size=6))
    pieces = split(b"".join(chunks), [*cuts, *accumulate(map(len, chunks))]) if data.draw(st.booleans()) else chunks
    losses = [rng.random() < 0.1 for _ in pieces]
    with suppress(RecordingError):
        reader = open_demuxer(next((chunk for chunk in chunks if chunk.strip(b"\0")), b"\1"))
        read(reader, zip(pieces, losses, strict=True))


@pytest.mark.parametrize("name", sorted(recordings()))
def test_what_is_undamaged_is_packets_and_structure(name: str) -> None:
    chunks = recordings()[name]
    reader = open_demuxer(chunks[0])
    read(reader, ((chunk, False) for chunk in chunks))
    assert (reader.ledger.damages, reader.ledger.asides) == ([], [])


@pytest.mark.parametrize("filling", [bytes(5000), HTML * 50, Random(1).randbytes(5000), b"QUJD" * 1000])
@pytest.mark.parametrize("name", sorted(recordings()))
def test_what_cannot_be_read_to_the_end_is_damage(name: str, filling: bytes) -> None:
    """It was dropped without a word: nothing readable came after it."""
    chunks = recordings()[name]
    reader = open_demuxer(chunks[0])
    whole = sum(len(run.payloads) for run in read(open_demuxer(chunks[0]), ((chunk, False) for chunk in chunks)))
    kept = read(reader, [*((chunk, False) for chunk in chunks), (filling, False), (filling, False)])
    assert sum(len(run.payloads) for run in kept) == whole
    assert [account.damaged_bytes for account in reader.ledger.accounts[-2:]] == [len(filling)] * 2
    assert sum(account.damaged_bytes for account in reader.ledger.accounts[:-2]) == 0


# -- against the truth


BYTE_FAULTS = ("drop", "cut-end", "cut-start", "zeroes", "random", "html", "base64", "bit", "bit", "bit", "bit")


def hurt_folder(family: str, rng: Random) -> Folder:
    """A recording to whose bytes one to three things were done."""
    folder = Folder.of(rng.choice(pool()[family]), {})
    for _ in range(rng.choice((1, 1, 2, 3))):
        FAULTS[rng.choice(BYTE_FAULTS)](folder, rng)
    return folder


def read_alone(chunks: Iterable[Upload]) -> tuple[bytes, Track | None]:
    """The first chunk that tells of which container it is, and the track that it proves."""
    for chunk in chunks:
        reader = open_demuxer(chunk.data)
        try:
            reader.feed(chunk.data)
            reader.flush()
        except RecordingError:
            continue
        if reader.track is not None:
            return chunk.data, reader.track
    return b"\1", None


@pytest.mark.parametrize("family", FAMILIES)
def test_no_whole_packet_is_lost_and_none_is_made_up(family: str) -> None:
    """Of random damage; one bit may show nowhere, as in the length of a packet next to damage of another kind."""
    strange = 0
    for index in range(CASES):
        folder = hurt_folder(family, Random(f"{family} {index}"))
        truth = truth_of(folder)
        uploads = sorted(folder.uploads, key=lambda upload: upload.seq)
        stored = [upload for upload in uploads if upload.stored and upload.data and not what_is(upload.data)]
        opener, track = read_alone(stored)
        is_lost = False
        pieces = []
        for upload in uploads:
            if upload in stored:
                pieces.append((upload.data, is_lost))
            is_lost = upload not in stored
        found = Counter(p for run in read(open_demuxer(opener, track=track), pieces) for p in run.payloads)
        packets = folder.recordings[0].packets
        lost = Counter(packets[place].payload for place in truth.whole[0]) - found
        assert not lost, f"{family} {index}: {lost.total()} packets"
        recorded = Counter(packet.payload for packet in packets)
        assert all(found[payload] <= recorded[payload] for payload in recorded), f"{family} {index}: twice"
        strange += sum(payload not in recorded and payload not in truth.hurt for payload in found)
    assert strange <= 1 + CASES // 100


def test_a_reader_that_is_lost_at_once_counts_nothing() -> None:
    reader = WebmDemuxer()
    assert read(reader, [(b"", True), (b"", False)]) == []
    assert reader.ledger.damages == []
