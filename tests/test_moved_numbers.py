"""Chunks whose numbers moved or changed places, where no clock says so: by notes, by bytes and by sound."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import format_faults
import mp3_recordings
import pytest
import test_pcm
from recordings import chunk_ref

from sessiontool.documents.models import ChunkEntry, PartEntry
from sessiontool.media.mp3 import reservoir_of
from sessiontool.media.mpeg_audio.reservoir import COMPARED_FRAMES, follow_one_another
from sessiontool.media.pcm import PcmHead, jump_between
from sessiontool.recording.byte_seams import JUMP
from sessiontool.recording.noted_numbers import numbers_as_noted
from sessiontool.recording.survey import ChunkSurvey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOVED = ("a chunk missing, numbers closed up", "a chunk twice", "two chunks swapped")


@pytest.mark.parametrize("fault", MOVED)
@pytest.mark.parametrize("kind", ["MP3", "WAV", "PCM in WebM", "a file per slice"])
def test_chunks_of_the_same_size_whose_numbers_moved_are_at_their_places(kind: str, fault: str) -> None:
    said = format_faults.cell(kind, fault)
    assert said.startswith("all right; chunk-"), said
    assert "time-lost-unseen" not in said


@pytest.mark.parametrize("kind", ["WAV", "PCM in WebM"])
def test_another_recordings_samples_are_doubted_where_the_sound_jumps(kind: str) -> None:
    assert format_faults.cell(kind, "another recorder's chunk").endswith("; sound-jumps 5, sound-jumps 6")


@pytest.mark.parametrize("note", [True, False])
def test_silence_is_no_copy_of_silence(tmp_path: Path, note: bool) -> None:
    """A muted microphone gives the same samples again and again: they were set aside, and what followed was early."""
    pieces = test_pcm.cut(test_pcm.samples(12), 6)
    pieces[2:5] = [bytes(len(pieces[0]))] * 3
    test_pcm.write_session(tmp_path, [test_pcm.wav(pieces[0]), *pieces[1:]], note=note)
    result, found = test_pcm.merged(tmp_path)
    assert found.astype("<i2").tobytes() == b"".join(pieces)
    assert (result.status, test_pcm.codes(result)) == ("complete", set())


# -- by notes alone


def surveys(contents: Sequence[tuple[int, int]]) -> list[ChunkSurvey]:
    """Chunks in order of their numbers, each with what was recorded as which number, and its size."""
    chunks = [chunk_ref(number, size) for number, (_, size) in enumerate(contents)]
    return [ChunkSurvey(ref, str(what), size) for ref, (what, size) in zip(chunks, contents, strict=True)]


def numbered(contents: Sequence[tuple[int, int]], sizes: Sequence[int]) -> list[int]:
    entry = PartEntry(part="0", chunks=[ChunkEntry(seq=seq, bytes=size) for seq, size in enumerate(sizes)])
    found = numbers_as_noted(surveys(contents), entry)
    return [found.get(chunk_ref(number, size), number) for number, (_, size) in enumerate(contents)]


@pytest.mark.parametrize("seed", range(20))
def test_sizes_of_which_some_are_alike_say_what_moved(seed: int) -> None:
    rng = Random(seed)
    sizes = [rng.choice((500, 501, 502, rng.randrange(400, 600))) for _ in range(40)]
    recorded = [*enumerate(sizes)]
    at = rng.randrange(2, 36)
    sizes_here = (sizes[at - 1], sizes[at], sizes[at + 1])
    assert numbered(recorded, sizes) == [*range(40)]
    twice = [*recorded[: at + 1], *recorded[at:]]
    assert numbered(twice, sizes) == [*range(at + 1), 40, *range(at + 1, 40)]
    if len({*sizes_here}) == 3:
        swapped = [*recorded[:at], recorded[at + 1], recorded[at], *recorded[at + 2 :]]
        assert numbered(swapped, sizes) == [*range(at), at + 1, at, *range(at + 2, 40)]
        closed_up = recorded[:at] + recorded[at + 1 :]
        assert numbered(closed_up, sizes) == [*range(at), *range(at + 1, 40)]
        damaged = [(what, size - 7 * (what == at + 1)) for what, size in closed_up]
        assert numbered(damaged, sizes)[at + 1 :] == [*range(at + 2, 40)]


def test_without_sizes_and_hashes_numbers_are_as_they_are() -> None:
    entry = PartEntry(part="0", chunks=[ChunkEntry(seq=seq, emitted_ms=1000.0 * seq) for seq in range(5)])
    assert numbers_as_noted(surveys([(number, 500 + number) for number in range(5)]), entry) == {}


# -- by bytes and sound


def test_frames_of_mp3_say_what_they_share() -> None:
    frames = format_faults.mp3(1).units
    pairs = [(reservoir_of(a.stored), reservoir_of(b.stored)) for a, b in pairwise(frames)]
    assert all(a and b and b.begins <= a.leaves for a, b in pairs)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (24_000, 1)])
def test_frames_of_mp3_of_another_recording_show_at_most_places(rate: int, channels: int) -> None:
    """Between frames and inside of one; of its own none do."""
    own, other = (mp3_recordings.recorded(rate, channels, cut_anywhere=True, seed=seed).frames for seed in (1, 2))
    count = COMPARED_FRAMES
    places = range(count, len(own) - count, 3)
    assert all(follow_one_another(own[at - count : at], own[at : at + count]) for at in places)
    foreign = [not follow_one_another(own[at - count : at], other[at : at + count]) for at in places]
    halves = [own[at][: len(own[at]) // 2] + other[at][len(own[at]) // 2 :] for at in places]
    begun = [
        not follow_one_another(own[at - count : at], [half, *other[at + 1 : at + count]])
        for at, half in zip(places, halves, strict=True)
    ]
    assert sum(foreign) > 0.6 * len(places)
    assert sum(begun) > 0.5 * len(places)


def test_a_foreign_chunk_of_mp3_of_the_same_size_is_doubted() -> None:
    assert "sound-jumps 5" in format_faults.cell("MP3", "another recorder's chunk")


@pytest.mark.parametrize("encoding", ["s16le", "f32le"])
def test_sound_jumps_where_another_one_begins(encoding: str) -> None:
    sound, other = (format_faults.voiced(9600, 20_000, seed) for seed in (1, 2))
    scale, kind = {"s16le": (1, "<i2"), "f32le": (1 / 32768, "<f4")}[encoding]
    head = PcmHead(1, 48_000, encoding)
    a, b, c = ((part * scale).astype(kind).tobytes() for part in (sound[:960], sound[960:1920], other[960:1920]))
    assert jump_between(a, b, head) < 1.5
    assert jump_between(a, c, head) > JUMP
    assert jump_between(a, bytes(len(b)), head) == 0
