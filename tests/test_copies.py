"""Bytes that several chunks share: copies, the better bytes of two, seams; and silence, which is no copy of silence."""

from __future__ import annotations

from shutil import copytree
from typing import TYPE_CHECKING

import pytest
from conftest import store_of
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import (
    CHROME_TOC,
    blobs,
    chrome,
    chunk_ref,
    cluster,
    firefox,
    live_header,
    payloads,
    recorded_chunks,
    simple_block,
)

from sessiontool import MergeOptions, merge
from sessiontool.documents.models import SessionDocument
from sessiontool.recording.copied_parts import copied_parts
from sessiontool.recording.copies import find_shared
from sessiontool.recording.cut_seams import WholeSeams
from sessiontool.recording.shared_values import Shared
from sessiontool.recording.survey import ChunkSurvey, survey

if TYPE_CHECKING:
    from pathlib import Path

CHROME = blobs(chrome(84 * 5, cluster_packets=84, sizes=(40, 90)), 84)
FIREFOX = blobs(firefox(250 * 4, cluster_packets=50, sizes=(40, 90)), 250, lead=0, inside=0)
FORMS = {"chrome": CHROME, "firefox": FIREFOX, "real chrome": recorded_chunks("chrome-1s")}


def shared(*chunks: bytes, noted: frozenset[int] = frozenset()) -> tuple[Shared, list[ChunkSurvey]]:
    surveys = [survey(chunk_ref(seq, len(data)), data) for seq, data in enumerate(chunks)]
    return find_shared(surveys, lambda one: one.chunk.seq in noted, WholeSeams(surveys)), surveys


def copies(found: Shared) -> dict[int, int]:
    return {chunk.seq: base.seq for chunk, base in found.copies.items()}


def mended(found: Shared, surveys: list[ChunkSurvey], chunks: list[bytes], base: int) -> bytes:
    """The bytes of a base with its patches."""
    data, at, result = chunks[base], 0, b""
    for patch in found.patches.get(surveys[base].chunk, []):
        result += data[at : patch.start] + chunks[patch.other.seq][patch.other_start : patch.other_stop]
        at = patch.stop
    return result + data[at:]


@pytest.mark.parametrize("form", FORMS)
def test_chunks_of_one_recording_share_nothing(form: str) -> None:
    found, _ = shared(*FORMS[form])
    assert found == Shared()


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes_twice_are_a_copy_wherever_they_are(form: str) -> None:
    chunks = FORMS[form]
    found, surveys = shared(*chunks[:3], chunks[1])
    assert copies(found) == {3: 1}
    assert found.exact == {surveys[3].chunk}
    assert [(one.byte_offset, one.size_bytes) for one in found.aside(surveys[3])] == [(0, len(chunks[1]))]


@pytest.mark.parametrize(("quiet", "copied"), [(range(250), []), (range(0), ["0"])])
def test_parts_of_one_chunk_are_copies_only_with_sound(quiet: range, copied: list[str]) -> None:
    """Two recordings of a microphone that is off may be the same bytes where no header has a random number."""
    data = firefox(250, quiet=quiet).data
    chunks = {part: [chunk_ref(0, len(data), part)] for part in ("0", "1")}
    assert list(copied_parts(chunks, SessionDocument(parts=[]), (), lambda _: data)) == copied


@pytest.mark.parametrize("again", [20, 60, 84])
def test_packets_that_come_again_at_another_time_have_their_own_place(again: int) -> None:
    """As of a jingle: neither its bytes nor those around it are a copy, as both chunks are whole."""
    jingle = payloads(84, toc=CHROME_TOC, sizes=(90, 140))
    later = [*jingle[:again], *payloads(84 - again, toc=CHROME_TOC, sizes=(90, 140), seed=2)]
    blocks = [[simple_block(one, 60 * at) for at, one in enumerate(packets)] for packets in (jingle, later)]
    chunks = [live_header() + cluster(0), cluster(5040, *blocks[0]), cluster(794_280, *blocks[1])]
    found, _ = shared(*chunks)
    assert found == Shared()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [True, False])
def test_of_a_damaged_copy_the_whole_one_is_kept(form: str, first: bool) -> None:
    chunks = FORMS[form]
    hurt = chunks[1][:1000] + bytes(600) + chunks[1][1600:]
    pair = [hurt, chunks[1]] if first else [chunks[1], hurt]
    found, surveys = shared(chunks[0], *pair, chunks[2])
    assert copies(found) == ({1: 2} if first else {2: 1})
    assert mended(found, surveys, [chunks[0], *pair, chunks[2]], 2 if first else 1) == chunks[1]
    assert found.exact == set()


@pytest.mark.parametrize("form", FORMS)
def test_two_copies_with_different_damage_mend_one_another(form: str) -> None:
    whole = FORMS[form][1]
    third = len(whole) // 3
    one = whole[:500] + bytes(400) + whole[900:]
    two = whole[: 2 * third] + bytes(300) + whole[2 * third + 300 :]
    chunks = [FORMS[form][0], one, two]
    found, surveys = shared(*chunks)
    ((copy, base),) = copies(found).items()
    assert {copy, base} == {1, 2}
    assert mended(found, surveys, chunks, base) == whole


@pytest.mark.parametrize("form", ["chrome", "real chrome"])
def test_what_is_cut_off_one_copy_is_taken_from_another_that_is_damaged_right_behind_it(form: str) -> None:
    before, whole = FORMS[form][1:3]
    first, second, *_, last = survey(chunk_ref(0), whole).offsets[:7]
    short, holed = whole[first + 5 :], whole[: second + 5] + bytes(last - second) + whole[last + 5 :]
    chunks = [before, short, holed]
    found, surveys = shared(*chunks)
    assert copies(found) == {2: 1}
    assert mended(found, surveys, chunks, 1) == whole


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_a_copy_that_was_cut_anywhere_is_a_copy(form: str, data: st.DataObject) -> None:
    whole = FORMS[form][1]
    kept = data.draw(st.integers(len(whole) // 3, len(whole) - 1))
    chunks = [FORMS[form][0], whole[:kept], whole]
    found, surveys = shared(*chunks)
    assert copies(found) == {1: 2}
    assert mended(found, surveys, chunks, 2) == whole


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_bytes_at_a_seam_are_found_however_many(form: str, data: st.DataObject) -> None:
    before, after = FORMS[form][1], FORMS[form][2]
    count = data.draw(st.integers(8, len(before) // 2))
    found, _ = shared(FORMS[form][0], before, before[-count:] + after, FORMS[form][3])
    assert {chunk.seq: cut for chunk, (cut, _) in found.head_cuts.items()} == {2: count}
    assert found.copies == {}


@pytest.mark.parametrize("form", FORMS)
def test_short_seams_are_found_of_every_length(form: str) -> None:
    """One may be no more than the head of a cluster, which is like all others but for its time."""
    first, before, after, last = FORMS[form][:4]
    for count in range(8, 60):
        found, _ = shared(first, before, before[-count:] + after, last)
        assert {chunk.seq: cut for chunk, (cut, _) in found.head_cuts.items()} == {2: count}


@pytest.mark.parametrize("form", FORMS)
def test_bytes_of_the_middle_of_a_chunk_end_where_the_next_one_goes_on(form: str) -> None:
    """An upload was resumed from a copy that was cut."""
    before, after = FORMS[form][1], FORMS[form][2]
    whole = survey(chunk_ref(1), before)
    start, stop = whole.offsets[len(whole.offsets) // 4], whole.packet_end(len(whole.offsets) * 3 // 4)
    found, surveys = shared(FORMS[form][0], before, before[start:stop] + after, FORMS[form][3])
    assert found.head_cuts == {surveys[2].chunk: (stop - start, surveys[1].chunk)}
    assert found.head_ends == {surveys[2].chunk: stop}


def test_where_the_end_is_damaged_the_next_chunks_beginning_is_used() -> None:
    before, after = CHROME[1], CHROME[2]
    hurt = before[:-900] + bytes(300) + before[-600:]
    found, _ = shared(CHROME[0], hurt, before[-1500:] + after)
    assert {chunk.seq: cut for chunk, (cut, _) in found.tail_cuts.items()} == {1: 1500}


def test_what_the_recorder_noted_is_the_base() -> None:
    whole = CHROME[1]
    altered = whole[:-200] + bytes([whole[-200] ^ 1]) + whole[-199:]
    found, _ = shared(CHROME[0], altered, whole, noted=frozenset({2}))
    assert copies(found) == {1: 2}


def test_silence_is_no_copy_of_silence() -> None:
    """An encoder makes the same packets of it again and again, large ones too."""
    packets = [bytes([0xFF, 0x03]) + bytes(index) * 3 + b"\xff" * 300 for index in range(6)]

    def chunk(start_ms: int) -> bytes:
        return cluster(start_ms, *(simple_block(packets[n % 6], n * 60) for n in range(84)))

    found, _ = shared(live_header() + chunk(0), chunk(5040), chunk(10_080))
    assert found.copies == {}
    assert found.head_cuts == {}


def test_two_recordings_that_begin_with_the_same_silence_are_no_copies() -> None:
    packets = [bytes([0xFF, 0x03]) + bytes([index]) * 300 for index in range(84)]
    body = cluster(0, *(simple_block(packet, n * 60) for n, packet in enumerate(packets)))
    other_head = live_header(app=b"Chromf")
    found, _ = shared(live_header() + body, other_head + body)
    assert found.copies == {}


def test_a_copy_of_which_only_the_ends_are_left_is_one() -> None:
    whole = FORMS["real chrome"][2]
    hurt = bytes(len(whole) - 300) + whole[-300:]
    found, _ = shared(FORMS["real chrome"][0], whole, hurt, FORMS["real chrome"][3])
    assert copies(found) == {2: 1}


def test_the_headers_of_two_recordings_are_no_copies() -> None:
    two = [blobs(firefox(500, cluster_packets=50, sizes=(40, 90), seed=seed), 250, lead=0, inside=0) for seed in (1, 2)]
    found, _ = shared(two[0][0], two[1][0], two[0][1], two[1][1])
    assert not found.copies


def test_a_seam_is_found_where_chunks_changed_places() -> None:
    chunks = FORMS["real chrome"]
    resumed = chunks[2][-200:] + chunks[3]
    found, surveys = shared(resumed, *chunks[4:10], chunks[2])
    assert found.head_cuts == {surveys[0].chunk: (200, surveys[-1].chunk)}


def test_one_wrong_bit_in_the_header_makes_no_other_recording() -> None:
    hurt = bytearray(CHROME[0])
    hurt[len(live_header()) - 60] ^= 4
    found, _ = shared(CHROME[0], bytes(hurt), *CHROME[1:])
    assert copies(found) == {1: 0}


@pytest.mark.parametrize("form", FORMS)
def test_a_seam_that_was_uploaded_twice_and_again_is_joined_once(form: str) -> None:
    before, chunk = FORMS[form][0], FORMS[form][1]
    found, surveys = shared(before, before[-700:] + before[-300:] + chunk, FORMS[form][2])
    assert found.head_cuts == {surveys[1].chunk: (1000, surveys[0].chunk)}


def test_of_several_seams_the_longest_counts() -> None:
    """Digital silence ends and begins alike in many places."""
    quiet = blobs(chrome(84 * 3, cluster_packets=84, quiet=range(84, 84 * 3)), 84)
    chunk = quiet[0][-500:] + quiet[1]
    found, surveys = shared(quiet[0], quiet[2], chunk)
    assert found.head_cuts[surveys[2].chunk] == (500, surveys[0].chunk)


@pytest.mark.parametrize("form", FORMS)
def test_the_copy_of_a_damaged_copy_names_the_chunk_that_is_kept(form: str) -> None:
    chunks = FORMS[form]
    hurt = chunks[1][:1000] + bytes(600) + chunks[1][1600:]
    found, surveys = shared(chunks[0], hurt, hurt, chunks[1])
    assert copies(found) == {1: 3, 2: 3}
    assert found.exact == set(), "neither is what is kept"
    assert {stretch.kept_in for stretch in found.aside(surveys[2])} == {surveys[3].chunk}


def test_a_copy_with_sound_of_its_own_is_no_mere_copy(tmp_path: Path) -> None:
    """A page that puts its third blob in front of each later one: what is left out is said to be lost."""
    session = copytree(store_of("demo") / "demo", tmp_path / "demo")
    _, _, first, *others = sorted((session / "chunks" / "000").iterdir())
    for other in others:
        other.write_bytes(first.read_bytes() + other.read_bytes())
    result = merge("demo", store=tmp_path, options=MergeOptions(align=False))
    recorded = merge("demo", store=store_of("demo"), output=tmp_path / "whole", options=MergeOptions(align=False))
    assert result.report["packets"]["recorded"] < recorded.report["packets"]["recorded"]
    assert result.status == "partial"
    named = [one for one in result.findings if one.code == "chunk-near-duplicate" and one.severity == "error"]
    assert len(named) >= len(others) - 2
    assert all("that no other has" in one.message for one in named)
