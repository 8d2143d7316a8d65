"""Fragments of an MP4 that are read at once give what reading them box by box gives, whatever was done to them."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from aac_recordings import FRAME, frames_of, header, recorded
from mp4_recordings import fragment

from sessiontool.errors import RecordingError
from sessiontool.media.isobmff import demuxer as mp4

if TYPE_CHECKING:
    from collections.abc import Sequence

BOX_HEAD_BYTES = 8


def read(chunks: Sequence[bytes]) -> object:
    """All that a demuxer says of chunks: its packets, chunk by chunk, and its ledger."""
    demuxer = mp4.Mp4Demuxer()
    try:
        runs = [*map(demuxer.feed, chunks), demuxer.flush()]
    except RecordingError as error:
        return str(error)
    ledger = demuxer.ledger
    return runs, ledger.accounts, ledger.damages, ledger.asides, ledger.numbers


def damaged(chunks: Sequence[bytes], chance: random.Random) -> list[bytes]:
    """Chunks of which up to three are cut, overwritten or put out of order, mostly near the head of a box."""
    made = list(map(bytearray, chunks))
    for _ in range(chance.randint(1, 3)):
        data = chance.choice(made)
        kinds = [box.start() for box in re.finditer(b"moof|mdat|trun|tfhd", data)]
        if not data or not kinds:
            continue
        at = chance.choice([chance.randrange(len(data)), chance.choice(kinds) + chance.randint(-BOX_HEAD_BYTES, 120)])
        at = min(max(at, 0), len(data) - 1)
        end, other = at + chance.randint(1, 2000), bytes(chance.choice(made))
        from_ = chance.randrange(len(other) or 1)
        fault = chance.choice(["bit", "cut", "beheaded", "hole", "zeroes", "foreign", "more"])
        if fault == "bit":
            data[at] ^= 1 << chance.randrange(8)
        elif fault == "foreign":
            data[at:end] = other[from_ : from_ + min(end, len(data)) - at]
        elif fault == "zeroes":
            data[at:end] = bytes(min(end, len(data)) - at)
        elif fault == "more":
            data[at:at] = chance.randbytes(chance.randint(1, 300))
        else:
            del data[slice(at if fault != "beheaded" else 0, {"cut": None, "beheaded": at, "hole": end}[fault])]
    if chance.random() < 0.2:
        chance.shuffle(made)
    return list(map(bytes, made))


def odd(rate: int) -> list[list[bytes]]:
    """An empty frame; frames that the box of them does not end with; a fragment hidden in the frames of another."""
    frames, head = list(frames_of(rate, 2, 2)), header(rate, 2)
    durations = [FRAME] * (len(frames) + 1)
    after = fragment(frames, 3, FRAME * len(durations), durations=durations[1:])
    inner = fragment(frames[:4], 2, FRAME * 4, durations=durations[:4])
    with_more = fragment(frames, 1, 0, durations=durations[1:]) + b"more of it"
    with_empty, hiding = (
        fragment([*frames[:20], odd_one, *frames[20:]], 1, 0, durations=durations) for odd_one in (b"", inner)
    )
    return [[head + data, after] for data in (with_more, with_empty, hiding)]


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_a_fragment_read_at_once_gives_what_its_boxes_give(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recorded(rate, 2, 3, 2).chunks
    cases = [list(whole), *odd(rate), *(damaged(whole, random.Random(seed)) for seed in range(60))]
    at_once = list(map(read, cases))
    monkeypatch.setattr(mp4, "whole_fragment", lambda *_: None)
    assert at_once == list(map(read, cases))


def test_the_fragments_of_a_recorder_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("read box by box")

    header, *_ = chunks = recorded(48_000, 2, 3, 2).chunks
    monkeypatch.setattr(mp4, "read_fragment", fail)
    demuxer = mp4.Mp4Demuxer()
    assert sum(len(run.payloads) for chunk in chunks for run in demuxer.feed(chunk)) == 282
    assert header.count(b"moof") == 2
