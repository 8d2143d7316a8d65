"""Where a noted SHA-256 says which bytes of unlike copies are right."""

from __future__ import annotations

import hashlib
from random import Random
from typing import TYPE_CHECKING

import pytest
from recordings import blobs, chrome, chunk_ref

from sessiontool.documents.models import ChunkEntry, PartEntry
from sessiontool.recording.manifest import Noted
from sessiontool.recording.noted_copies import add_noted_copies, mend_as_noted
from sessiontool.recording.shared_values import Shared
from sessiontool.recording.survey import ChunkSurvey, survey

if TYPE_CHECKING:
    from sessiontool.model import ChunkRef

WHOLE = Random(5).randbytes(4000)


def noted(*sent: bytes) -> Noted:
    chunks = [
        ChunkEntry(seq=seq, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()) for seq, data in enumerate(sent)
    ]
    return Noted(PartEntry(part="0", chunks=chunks))


def mended(copies: list[bytes], list_: Noted) -> tuple[bytes, Shared, list[ChunkRef]]:
    """What the base and its patches make up, where the first of the copies was the base."""
    refs = [chunk_ref(seq, len(data)) for seq, data in enumerate(copies)]
    data_of = dict(zip(refs, copies, strict=True))
    shared = Shared(copies=dict.fromkeys(refs[1:], refs[0]))
    mend_as_noted(shared, list_, data_of.__getitem__)
    (base,) = set(shared.copies.values())
    made = bytearray(data_of[base])
    for patch in shared.patches.get(base, []):
        made[patch.start : patch.stop] = data_of[patch.other][patch.other_start : patch.other_stop]
    return bytes(made), shared, refs


def hurt(*places: int) -> bytes:
    data = bytearray(WHOLE)
    for place in places:
        data[place] ^= 16
    return bytes(data)


@pytest.mark.parametrize(
    "copies",
    [
        [hurt(900), WHOLE[:2000]],
        [hurt(900), hurt(2500)],
        [hurt(900, 2500), hurt(1700)],
        [WHOLE[:3000], hurt(900)],  # the base is the one that is cut
        [hurt(900), hurt(900, 1000), hurt(2500)],
    ],
)
def test_two_copies_make_up_what_was_noted(copies: list[bytes]) -> None:
    made, shared, refs = mended(copies, noted(WHOLE))
    assert made == WHOLE
    assert len(shared.copies) == len(refs) - 1


@pytest.mark.parametrize(
    ("copies", "sent"),
    [
        ([hurt(900), hurt(900)], [WHOLE]),  # both are wrong in the same place
        ([hurt(900), WHOLE], [WHOLE]),  # one is right already: it was chosen by that
        ([hurt(900), hurt(2500)], []),
        ([hurt(*range(0, 4000, 100)), hurt(50)], [WHOLE]),  # too many to try
    ],
)
def test_where_no_choice_does_nothing_is_changed(copies: list[bytes], sent: list[bytes]) -> None:
    made, shared, _ = mended(copies, noted(*sent))
    assert made == copies[0]
    assert not shared.patches


# -- what the list alone shows


def surveyed(chunks: list[bytes]) -> list[ChunkSurvey]:
    return [survey(chunk_ref(seq, len(data)), data) for seq, data in enumerate(chunks)]


QUIET = blobs(chrome(84 * 3, cluster_packets=84, quiet=range(84 * 3)), 84)


def test_a_damaged_chunk_of_silence_is_the_copy_of_one_that_was_noted_alike() -> None:
    wrong = QUIET[1][:300] + Random(1).randbytes(400) + QUIET[1][700:]
    found = Shared()
    surveys = surveyed([QUIET[0], wrong, QUIET[1], QUIET[2]])
    add_noted_copies(found, surveys, noted(QUIET[0], QUIET[1], QUIET[1], QUIET[2]))
    assert found.copies == {surveys[1].chunk: surveys[2].chunk}


@pytest.mark.parametrize("second", [Random(1).randbytes(1200), QUIET[2]])
def test_what_is_unlike_is_no_copy_whatever_was_noted(second: bytes) -> None:
    found = Shared()
    add_noted_copies(found, surveyed([QUIET[0], QUIET[1], second]), noted(QUIET[0], QUIET[1], QUIET[2]))
    assert not found.copies


def test_a_chunk_behind_bytes_of_another_one_is_proved_by_its_own() -> None:
    list_ = noted(QUIET[0], QUIET[1])
    assert list_.proved_bytes(1, QUIET[0][-90:] + QUIET[1]) == len(QUIET[1])
    assert list_.proved_bytes(1, QUIET[1]) == 0, "it is as noted"
    assert list_.proved_bytes(1, QUIET[1] + b"?") == 0
    assert list_.proved_bytes(2, QUIET[1]) == 0


def test_what_is_kept_keeps_the_bytes_that_its_own_copy_has_too() -> None:
    """A copy that was cut short ends with what the whole chunk begins with."""
    before, cut, whole = surveys = [survey(chunk_ref(seq), data) for seq, data in enumerate((b"0", WHOLE[:20], WHOLE))]
    shared = Shared(head_cuts={cut.chunk: (5, before.chunk), whole.chunk: (20, cut.chunk)})
    add_noted_copies(shared, surveys, noted(b"0", WHOLE, WHOLE))
    assert shared.copies == {cut.chunk: whole.chunk}
    assert shared.head_cuts == {cut.chunk: (5, before.chunk)}
