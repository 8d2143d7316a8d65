"""A lost blob that is as short as dropped sound, with numbers closed up: a doubt, or where steps prove it a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from random_blobs import in_slices
from recordings import chunk_ref
from short_blobs import blobs_of, store

from sessiontool import MergeOptions, merge
from sessiontool.model import SAMPLES_PER_MS
from sessiontool.recording.gap_places import JoinedOrder, Silence
from sessiontool.recording.seam_losses import seam_losses
from sessiontool.timeline import Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sessiontool import MergeResult

HELD_MS = 100


def closed_up(folder: Path, blobs: Sequence[bytes], at: int) -> MergeResult:
    store(folder, dict(enumerate([*blobs[:at], *blobs[at + 1 :]])))
    return merge("blobs", store=folder, output=folder / "out", options=MergeOptions(align=False))


def missing(result: MergeResult) -> list[tuple[int | None, str]]:
    return [(finding.seq, finding.severity) for finding in result.findings if finding.code == "chunk-missing"]


@pytest.mark.parametrize("at", [2, 20, 33, 61])
def test_a_lost_blob_of_chrome_is_a_doubt(at: int, tmp_path: Path) -> None:
    blobs = next(one.blobs for one in in_slices(100)["chrome"] if one.name.startswith("demo/0"))
    result = closed_up(tmp_path, blobs, at)
    assert missing(result) == [(at, "warning")]
    assert result.report["status"] != "complete"


@pytest.mark.parametrize("at", [13, 24, 57, 88])
def test_a_lost_blob_of_firefox_is_a_loss(at: int, tmp_path: Path) -> None:
    result = closed_up(tmp_path, blobs_of("firefox-100"), at)
    assert missing(result) == [(at, "error")]
    assert not {"chunk-out-of-order", "chunk-foreign"} & {finding.code for finding in result.findings}


def test_what_a_blob_of_firefox_holds_follows_within_its_cluster(tmp_path: Path) -> None:
    """Its times would fit at the recording's end, too, as they do once in each cluster."""
    recording = next(one for one in in_slices(100)["firefox"] if one.name.startswith("sim-firefox-paused"))
    result = closed_up(tmp_path, recording.blobs, 174)
    assert missing(result) == [(174, "error")]
    assert "chunk-out-of-order" not in {finding.code for finding in result.findings}


@pytest.mark.parametrize(
    ("held_ms", "gap_ms", "is_doubt"),
    [
        pytest.param(HELD_MS, HELD_MS, True, id="as long as a chunk, behind a whole one"),
        pytest.param(HELD_MS, HELD_MS * 3, True, id="as long as three"),
        pytest.param(HELD_MS // 2, HELD_MS, False, id="behind one that it cuts short"),
        pytest.param(HELD_MS, HELD_MS // 2, False, id="shorter than a chunk"),
    ],
)
def test_dropped_sound_cuts_a_blob_short(held_ms: int, gap_ms: int, is_doubt: bool) -> None:
    assert len(doubts([HELD_MS] * 20 + [held_ms, HELD_MS], 21, gap_ms)) == is_doubt


def test_within_a_chunk_nothing_is_doubted() -> None:
    order, timeline = joined([HELD_MS] * 20, 7, HELD_MS)
    order.silences = {start: Silence(silence.packets + 1, at_end=False) for start, silence in order.silences.items()}
    assert not list(seam_losses(order, timeline))


def doubts(held_ms: Sequence[int], before: int, gap_ms: int) -> list[int | None]:
    return [finding.seq for finding in seam_losses(*joined(held_ms, before, gap_ms))]


def joined(held_ms: Sequence[int], before: int, gap_ms: int) -> tuple[JoinedOrder, Timeline]:
    """Chunks of five packets that hold so much, with a gap before one of them."""
    order = JoinedOrder()
    for number, ms in enumerate(held_ms):
        order.add(chunk_ref(number), 5, ms * SAMPLES_PER_MS)
    at = sum(held_ms[:before]) * SAMPLES_PER_MS
    order.silences = {at: Silence(5 * before, at_end=False)}
    span = Span("silence", "0", "starved", at, at + gap_ms * SAMPLES_PER_MS, 0, 0, 0, 0, gap_ms // 20)
    return order, Timeline([span])
