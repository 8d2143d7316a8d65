"""What uploaders repeat: a header or the first blob before each chunk, the whole recording again, a copied folder.

Right is the same recording, byte for byte, as of the chunks alone: once, and what is repeated set aside by name.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mp4_recordings
import numpy as np
import ogg_recordings
import pytest
from purging import examine
from recordings import blobs, chrome, firefox, recorded, recorded_chunks
from test_pcm import webm

from sessiontool import MergeOptions, merge, verify
from sessiontool.errors import RecordingError
from sessiontool.media.repeated_heads import head_bytes, repeated_heads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMS: dict[str, Callable[[], list[bytes]]] = {
    "chrome": lambda: recorded_chunks("chrome-1s")[:8],
    "firefox": lambda: recorded_chunks("firefox-pause")[:6],
    "ogg": lambda: _split(ogg_recordings.made(pages=48, per_page=25).data, b"OggS", 6),
    "mp4": lambda: _split(mp4_recordings.made(30, 10).data, b"moof", 6, before=4),
}
Chunks = dict[str, bytes]


def _split(data: bytes, mark: bytes, count: int, before: int = 0) -> list[bytes]:
    """A recording cut where its container begins something."""
    places = [at - before for at in range(len(data)) if data.startswith(mark, at)]
    cuts = [0, *(places[len(places) * index // count] for index in range(1, count)), len(data)]
    return [data[a:b] for a, b in pairwise(cuts)]


def in_part(chunks: Sequence[bytes], part: str = "000") -> Chunks:
    return {f"{part}/{number:06}.bin": data for number, data in enumerate(chunks)}


def header_before_each(chunks: list[bytes]) -> Chunks:
    head = chunks[0][: head_bytes(chunks[0])]
    return in_part([chunks[0], *(head + one for one in chunks[1:])])


def first_blob_before_each(chunks: list[bytes]) -> Chunks:
    return in_part([chunks[0], *(chunks[0] + one for one in chunks[1:])])


def first_blob_before_each_and_itself_lost(chunks: list[bytes]) -> Chunks:
    made = first_blob_before_each(chunks)
    return {key: data for key, data in made.items() if not key.endswith("000000.bin")}


def all_so_far_in_each(chunks: list[bytes]) -> Chunks:
    return in_part([b"".join(chunks[: number + 1]) for number in range(len(chunks))])


def first_blob_before_each_and_itself(chunks: list[bytes]) -> Chunks:
    return in_part([chunks[0] + one for one in chunks])


def header_before_each_and_itself(chunks: list[bytes]) -> Chunks:
    head = chunks[0][: head_bytes(chunks[0])]
    return in_part([head + one for one in chunks])


def last_two_in_each(chunks: list[bytes]) -> Chunks:
    return in_part([b"".join(chunks[max(0, number - 1) : number + 1]) for number in range(len(chunks))])


def last_four_in_each(chunks: list[bytes]) -> Chunks:
    return in_part([b"".join(chunks[max(0, number - 3) : number + 1]) for number in range(len(chunks))])


def next_in_each(chunks: list[bytes]) -> Chunks:
    return in_part([b"".join(chunks[number : number + 2]) for number in range(len(chunks))])


def whole_behind_it(chunks: list[bytes]) -> Chunks:
    return in_part([*chunks, b"".join(chunks)])


def whole_as_the_last(chunks: list[bytes]) -> Chunks:
    return in_part([*chunks[:-1], b"".join(chunks)])


def whole_has_one_more(chunks: list[bytes]) -> Chunks:
    made = whole_behind_it(chunks)
    del made["000/000003.bin"]
    return made


def whole_in_another_part(chunks: list[bytes]) -> Chunks:
    return {**in_part(chunks), **in_part([b"".join(chunks)], "001")}


def whole_in_another_part_has_one_more(chunks: list[bytes]) -> Chunks:
    made = whole_in_another_part(chunks)
    del made["000/000003.bin"]
    return made


def folder_copied(chunks: list[bytes]) -> Chunks:
    return {**in_part(chunks), **in_part(chunks, "001")}


def folder_copied_each_lacks_one(chunks: list[bytes]) -> Chunks:
    made = folder_copied(chunks)
    del made["000/000003.bin"], made["001/000002.bin"]
    return made


UPLOADS = {
    made.__name__: made
    for made in (
        *(header_before_each, first_blob_before_each, first_blob_before_each_and_itself_lost, all_so_far_in_each),
        *(first_blob_before_each_and_itself, header_before_each_and_itself),
        *(last_two_in_each, last_four_in_each, next_in_each),
        *(whole_behind_it, whole_as_the_last, whole_has_one_more, whole_in_another_part),
        *(whole_in_another_part_has_one_more, folder_copied, folder_copied_each_lacks_one),
    )
}


def merged(root: Path, chunks: Chunks) -> Any:
    for key, data in chunks.items():
        path = root / "s" / "chunks" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return merge("s", store=root, options=MergeOptions(align=False))


def sound(result: Any) -> bytes:
    return (Path(result.location) / "audio.webm").read_bytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("upload", UPLOADS)
def test_what_is_repeated_is_joined_once(tmp_path: Path, form: str, upload: str) -> None:
    chunks = FORMS[form]()
    plain = merged(tmp_path / "plain", in_part(chunks))
    usual = {one.code for one in plain.findings}
    result = merged(tmp_path / "again", made := UPLOADS[upload](chunks))
    assert sound(result) == sound(plain)
    assert result.status == "repaired"
    codes = {one.code for one in result.findings} - usual
    assert codes
    assert codes <= {"upload-unwrapped", "chunk-duplicate", "chunk-near-duplicate", "chunk-overlap"}
    assert not [one for one in result.findings if one.severity == "error"]
    for chunk in result.report["chunks"]:
        kinds = ("payload_bytes", "structure_bytes", "damaged_bytes", "set_aside_bytes")
        assert sum(chunk[kind] for kind in kinds) == chunk["bytes"] == len(made[chunk["key"].removeprefix("s/chunks/")])
    assert not verify("s", store=tmp_path / "again").findings
    if upload == "last_two_in_each":  # purge keeps its second chunk: the copies of what it has are in two others
        with pytest.raises(RecordingError, match=r"000001\.bin holds"):
            examine(tmp_path / "again")
    else:
        assert examine(tmp_path / "again").action == "chunks"


@pytest.mark.parametrize("behind", [-7, 0, 40])
@pytest.mark.parametrize("session", ["chrome-1s", "firefox-pause"])
def test_a_header_before_pieces_that_are_cut_within_packets_is_joined_once(
    tmp_path: Path, session: str, behind: int
) -> None:
    """As GStreamer's multifilesink cuts them: behind the head of a block, so that two pieces may end alike."""
    whole = recorded(session)
    plain = merged(tmp_path / "plain", in_part([whole.data]))
    places = [whole.data.index(block.payload, block.offset) + behind for block in whole.blocks[50::50]]
    cuts = [0, *places, len(whole.data)]
    pieces = [whole.data[a:b] for a, b in pairwise(cuts)]
    result = merged(tmp_path / "again", header_before_each(pieces))
    assert sound(result) == sound(plain)
    assert {one.code for one in result.findings} - {one.code for one in plain.findings} == {"upload-unwrapped"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_first_chunk_that_is_cut_and_sent_again_is_no_wrapping(tmp_path: Path, form: str, kept: float) -> None:
    chunks = FORMS[form]()
    plain = merged(tmp_path / "plain", in_part(chunks))
    cut = chunks[0][: round(len(chunks[0]) * kept)]
    result = merged(tmp_path / "again", in_part([cut, *chunks]))
    assert sound(result) == sound(plain)
    usual = {one.code for one in plain.findings}
    named = [(one.code, one.seq) for one in result.findings if one.code not in usual]
    assert named in ([("chunk-overlap", 1)], [("chunk-near-duplicate", 0)])


def test_a_first_chunk_of_silence_that_is_there_twice_with_a_damaged_base_is_no_wrapping(tmp_path: Path) -> None:
    """Its packets are like any other ones: by them, what is behind the header might be the next chunk."""
    chunks = blobs(chrome(84 * 4, cluster_packets=84, quiet=range(84 * 4)), 84)
    plain = merged(tmp_path / "plain", in_part(chunks))
    at = head_bytes(chunks[0]) + 11
    hurt = chunks[0][:at] + bytes(range(101, 117)) + chunks[0][at + 16 :]
    result = merged(tmp_path / "again", in_part([chunks[0], hurt, *chunks[1:]]))
    assert sound(result) == sound(plain)
    assert ("chunk-near-duplicate", 1) in [(one.code, one.seq) for one in result.findings]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("upload", ["header_before_each", "first_blob_before_each", "whole_behind_it", "folder_copied"])
def test_the_place_of_what_was_kept_is_in_the_report(tmp_path: Path, form: str, upload: str) -> None:
    made = UPLOADS[upload](FORMS[form]())
    report = merged(tmp_path, made).report
    copies = 0
    for chunk in report["chunks"]:
        key = chunk["key"].removeprefix("s/chunks/")
        for one in chunk.get("set_aside", ()):
            other = made[one["kept_in"].removeprefix("s/chunks/")]
            mine = made[key][one["byte_offset"] :][: one["bytes"]]
            assert other[one["kept_at"] :].startswith(mine)
            copies += one["bytes"]
    assert copies == sum(map(len, made.values())) - sum(map(len, FORMS[form]()))


def test_noted_sizes_are_those_of_the_blobs_or_of_what_was_stored(tmp_path: Path) -> None:
    chunks = FORMS["chrome"]()
    for name, noted in (("blobs", chunks), ("stored", [*header_before_each(chunks).values()])):
        root = tmp_path / name
        entries = [{"seq": number, "bytes": len(data)} for number, data in enumerate(noted)]
        (root / "s").mkdir(parents=True)
        session = {"session_id": "s", "parts": [{"part": 0, "chunks": entries}]}
        (root / "s" / "session.json").write_text(json.dumps(session))
        assert merged(root, header_before_each(chunks)).status == "repaired"


def test_a_recorder_that_is_started_again_with_the_same_header_repeats_nothing(tmp_path: Path) -> None:
    """Firefox writes the same header each time, but for a number: times that begin anew are a recording of its own."""
    first, second = (firefox(120, cluster_packets=30, seed=seed) for seed in (1, 2))
    assert first.header == second.header
    result = merged(tmp_path, in_part([*blobs(first, 60, lead=0, inside=0), second.data]))
    assert "recorder-restarted" in {one.code for one in result.findings}
    assert result.report["packets"]["recorded"] == 240


def test_pcm_that_is_started_again_with_the_same_header_is_all_there(tmp_path: Path) -> None:
    """Its chunks have no times of their own: what follows the header decides."""
    noise = [np.random.default_rng(seed).integers(-(1 << 22), 1 << 22, 960 * 200) / (1 << 23) for seed in (1, 2)]
    first, second = (webm(sound.astype("<f4")) for sound in noise)
    third = len(first) // 3
    result = merged(tmp_path, in_part([first[:third], first[third : 2 * third], first[2 * third :], second]))
    assert "upload-unwrapped" not in {one.code for one in result.findings}
    assert result.report["duration_s"] == pytest.approx(4.0, abs=0.03)


def test_purge_keeps_a_copy_with_sound_of_its_own(tmp_path: Path) -> None:
    """The whole that was uploaded at the end came after the merge, and has a blob that was lost until then."""
    chunks = FORMS["chrome"]()
    lost = in_part(chunks)
    del lost["000/000003.bin"]
    merged(tmp_path, lost)
    (tmp_path / "s" / "chunks" / "000" / "000008.bin").write_bytes(b"".join(chunks))
    with pytest.raises(RecordingError, match="merge"):
        examine(tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_where_a_copy_may_end_is_among_the_answers(form: str) -> None:
    first, second, third, *_ = FORMS[form]()
    head = head_bytes(first)
    assert 0 < head <= len(first)
    assert head in {*repeated_heads(first + second, first[:head] + third)}
    assert len(first) in {*repeated_heads(first, first + second)}
    assert [*repeated_heads(first, second)] == []
