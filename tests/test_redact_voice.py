"""One voice alone, a tone instead of silence, and labels that name the kind."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import test_pcm
from recordings import payloads, recorded
from test_redact import SILENT, cut_samples, left, read, replace_transcript, run, sound, texts, whole

from sessiontool import MergeOptions, RedactRequest, merge, redact, verify
from sessiontool.audio.stretch import decode_stretch
from sessiontool.errors import UsageError
from sessiontool.media.opus import OpusHead, is_opus, packet_samples, silent_packet
from sessiontool.media.pcm import PcmHead
from sessiontool.sessions.align_recording import packets_of
from sessiontool.sessions.redaction.beep import beep_like, pcm_beep
from sessiontool.sessions.redaction.packet_cuts import VOICE_ROOM, Wanted, find_cuts
from sessiontool.sessions.redaction.voices import channel_of
from sessiontool.sessions.redaction.without import without

if TYPE_CHECKING:
    from numpy.typing import NDArray

SESSION = "demo"
STEREO = OpusHead(2, 0)
USER, ASSISTANT = 0, 1


@pytest.fixture
def store(worded_store: Path, tmp_path: Path) -> Path:
    return Path(copytree(worded_store, tmp_path / "store"))


def cuts_in(store: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(left(store), "report.json")["redaction"]["cuts"]
    return found


def codes(store: Path) -> set[str]:
    return {one["code"] for one in read(left(store), "report.json")["findings"]}


def level(one: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(one.astype(np.float64) ** 2) + 1e-18))


@pytest.mark.parametrize("session", ["chrome-1s", "chrome-24k", "firefox-pause"])
def test_one_voice_goes_and_the_other_stays(session: str) -> None:
    """Half of a stereo recording: all that is asked for is below -70 dB of full scale on its channel alone."""
    packets = [block.payload for block in recorded(session).blocks]
    before = np.concatenate(list(decode_stretch(packets, STEREO, 0, 1 << 40)), axis=1)
    kept = []
    for start in range(96_000, before.shape[1] - 96_000, 144_000):
        stretch = start, start + 40_000
        loud = np.abs(before[:, slice(*stretch)]).max(axis=1)
        gone, stays = (USER, ASSISTANT) if loud[USER] > loud[ASSISTANT] else (ASSISTANT, USER)
        (cut,) = find_cuts(packets, STEREO, [Wanted(stretch, gone)])
        new = list(without(packets, STEREO, [cut]))
        assert new[: cut.first] == packets[: cut.first]
        assert new[cut.after :] == packets[cut.after :]
        assert [*map(packet_samples, new)] == [*map(packet_samples, packets)]
        after = np.concatenate(list(decode_stretch(new, STEREO, 0, 1 << 40)), axis=1)
        assert loud[gone] > SILENT > np.abs(after[gone, slice(*stretch)]).max()
        inside = slice(cut.start, cut.end)
        if loud[stays] > 0.02:
            kept.append(level(before[stays, inside]) - level((after - before)[stays, inside]))
    assert not kept or np.median(kept) > 15, kept  # dB; 22 to 27 were measured


def test_a_role_is_kept_by_every_merge_and_verified(store: Path) -> None:
    printed = run(store, "redact", "--text", "fifteen hours", "--role", "assistant")
    assert "1 redacted" in printed
    (cut,) = cuts_in(store)
    assert cut["channel"] == ASSISTANT
    heard, original = sound(left(store) / "audio.webm"), sound(whole(store) / "audio.webm")
    start, end = cut["silent"][0] + VOICE_ROOM[0], cut["silent"][1] - VOICE_ROOM[1]
    assert np.abs(heard[ASSISTANT, start:end]).max() < SILENT < np.abs(original[ASSISTANT, start:end]).max()
    one, other = (list(packets_of(folder / "audio.webm")) for folder in (whole(store), left(store)))
    assert [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b] == [*range(*cut["packets"])]
    assert "redacted-both-voices" not in codes(store)
    assert "without one voice" in run(store, "verify", "--text", "fifteen hours")
    audio = (left(store) / "audio.webm").read_bytes()
    run(store, "merge", "--words", "--force")
    assert (left(store) / "audio.webm").read_bytes() == audio
    assert read(left(store), "redactions.json")["redactions"][0]["role"] == "assistant"


def test_a_role_is_whose_words_are_looked_for_and_copies_go_all_the_same(store: Path) -> None:
    said = texts(whole(store))
    roles = {one["id"]: one["role"] for one in read(whole(store), "transcript.json")["utterances"]}
    assert "matches nothing" in run(store, "redact", "--text", "fifteen hours", "--role", "user", code=3)
    other = next(name for name, role in roles.items() if role == "user")
    assert "is not what assistant says" in run(store, "redact", "--utterance", other, "--role", "assistant", code=2)
    replace_transcript(
        whole(store),
        lambda document: next(one for one in document["utterances"] if one["id"] == other).update(
            text=f"{said[other]} So fifteen hours.", words=[]
        ),
    )
    run(store, "redact", "--text", "fifteen hours", "--role", "assistant")
    assert "fifteen" not in json.dumps(texts(left(store)))
    assert {"channel" in cut for cut in cuts_in(store)} == {True, False}


def test_a_stretch_of_time_takes_the_words_of_its_role_alone(store: Path, tmp_path: Path) -> None:
    u000 = next(one for one in read(whole(store), "transcript.json")["utterances"] if one["id"] == "u000")
    line = {"start_s": u000["start_s"], "end_s": u000["end_s"], "role": "user"}
    (tmp_path / "spans").write_text(json.dumps(line))
    run(store, "redact", "--spans", str(tmp_path / "spans"))
    assert u000["role"] == "assistant"
    assert texts(left(store))["u000"] == u000["text"]
    assert [cut["channel"] for cut in cuts_in(store)] == [USER]


def test_the_packets_of_one_voice_are_checked(store: Path) -> None:
    """The recorded ones in their place are found by their hash, and by what is heard."""
    run(store, "redact", "--text", "fifteen hours", "--role", "assistant")
    path, name = left(store) / "report.json", "audio.webm"
    document, original = read(left(store), "report.json"), read(whole(store), "report.json")
    (left(store) / name).write_bytes((whole(store) / name).read_bytes())
    document["outputs"][0] = original["outputs"][0]
    _seal(path, document)
    assert "packets without one voice are not those that were made" in run(store, "verify", code=4)


def _seal(path: Path, document: Any) -> None:
    from sessiontool.sessions import report as reports

    reports.seal(document)
    path.write_text(reports.to_text(document), encoding="utf-8")


def _report(roles: list[list[str]], leaks: list[tuple[int, int]] = []) -> Any:  # noqa: B006 - not changed
    channels = [{"roles": one} for one in roles]
    return {"sound": {"channels": channels, "leaks": [{"from": a, "to": b} for a, b in leaks]}}


@pytest.mark.parametrize(
    ("report", "head", "why"),
    [
        (_report([["user"], ["assistant"]]), OpusHead(1, 0), "one channel"),
        ({"sound": None}, STEREO, "did not find"),
        ({}, STEREO, "did not find"),
        (_report([["user", "assistant"], ["assistant"]]), STEREO, "did not find"),
        (_report([["assistant"], ["assistant"]]), STEREO, "did not find"),
        (_report([["user"], ["assistant"]], [(USER, ASSISTANT)]), STEREO, "heard on the other"),
    ],
)
def test_where_a_voice_is_not_alone_both_go_and_why_is_said(report: Any, head: OpusHead, why: str) -> None:
    channel, found = channel_of("user", report, head)
    assert channel is None
    assert why in found


def test_an_echo_of_the_other_voice_is_no_reason() -> None:
    report = _report([["user"], ["assistant"]], [(ASSISTANT, USER)])
    assert channel_of("user", report, STEREO) == (USER, "")
    assert channel_of("assistant", report, STEREO)[0] is None


def test_with_an_echo_both_are_silent_and_the_report_says_so(store: Path) -> None:
    document = read(whole(store), "report.json")
    leak = {"from": ASSISTANT, "to": USER, "cause": "echo", "delay_ms": 120.0, "gain_db": -20.0}
    document["sound"]["leaks"] = [leak]
    _seal(whole(store) / "report.json", document)
    run(store, "redact", "--text", "fifteen hours", "--role", "assistant")
    assert "redacted-both-voices" in codes(store)
    assert "channel" not in cuts_in(store)[0]
    ((start, end),) = cut_samples(left(store))
    assert np.abs(sound(left(store) / "audio.webm")[:, start + 480 : end]).max() < SILENT
    run(store, "verify")


def test_voices_that_would_share_packets_go_both() -> None:
    packets = payloads(400, toc=0xFC)
    wanted = [Wanted((48_000, 60_000), USER), Wanted((62_000, 70_000), ASSISTANT), Wanted((240_000, 250_000), USER)]
    cuts = find_cuts(packets, STEREO, wanted)
    assert [cut.channel for cut in cuts][-1] == USER
    assert {cut.channel for cut in cuts[:-1]} == {None}
    for start, end in (one.stretch for one in wanted):
        assert any(cut.gone[0] <= start and end <= cut.gone[1] for cut in cuts)
    assert all(one.after <= other.first for one, other in pairwise(cuts))


def test_one_channel_of_lossless_sound_is_zero_and_the_other_as_it_was(tmp_path: Path) -> None:
    sound_of = test_pcm.samples(6, channels=2)
    chunks = [test_pcm.wav(one, channels=2) if not n else one for n, one in enumerate(test_pcm.cut(sound_of, 3))]
    test_pcm.write_session(tmp_path, chunks)
    merge("s", store=tmp_path, options=MergeOptions(align=False))
    folder = tmp_path / "s" / "merged"
    document = read(folder, "report.json")
    document["sound"] = {
        "channels": [
            {"channel": n, "roles": [role], "noise_db": -60.0, "speech_db": -20.0, "speech_without_text_s": []}
            for n, role in enumerate(("user", "assistant"))
        ],
        "leaks": [],
        "detector": "levels",
    }
    _seal(folder / "report.json", document)
    spans = b'{"start_s": 2, "end_s": 2.5, "role": "user"}'
    ((start, end),) = redact("s", store=tmp_path, asked=RedactRequest(spans=("spans", spans))).cuts
    before, after = (
        np.concatenate([*decode_stretch(packets_of(one), PcmHead(2, test_pcm.RATE, "s16le"), 0, 1 << 40)], axis=1)
        for one in (folder / "audio.flac", folder / "redacted" / "audio.flac")
    )
    assert start == 96_000
    assert end == 120_000
    assert not after[USER, start + 480 : end - 480].any()  # 24 kHz, brought to 48 kHz
    assert (after[ASSISTANT] == before[ASSISTANT]).all()
    assert (after[USER, end + 480 :] == before[USER, end + 480 :]).all()
    checked = verify("s", store=tmp_path).redacted
    assert checked is not None
    assert checked.findings == ()


# -- a tone


@pytest.mark.parametrize("toc", [0xFC, 0xF8, 0xFF, 0x78])
def test_the_tone_is_one_whatever_it_replaces(toc: int) -> None:
    for packet in payloads(3, toc=toc):
        tone = beep_like(packet)
        assert is_opus(tone)
        assert packet_samples(tone) == packet_samples(packet)
    channels = 2 if toc & 4 else 1
    (packet, *_) = payloads(1, toc=toc)
    heard = np.concatenate(list(decode_stretch([beep_like(packet)] * 60, OpusHead(channels, 0), 0, 1 << 40)), axis=1)
    spectrum = np.abs(np.fft.rfft(heard[0, 9600:48_000] * np.hanning(38_400))) ** 2
    at = int(spectrum.argmax())
    assert abs(at * 48_000 / 38_400 - 1000) < 2
    assert spectrum[at - 6 : at + 7].sum() / spectrum.sum() > 0.99
    assert -30 < 20 * np.log10(np.abs(heard[:, 9600:]).max()) < -20


def test_where_no_tone_is_as_long_there_is_silence() -> None:
    (packet, *_) = payloads(1, toc=0xF4)  # 10 ms
    assert beep_like(packet) == b"\xf4\xff\xfe"
    assert beep_like(silent_packet(2)) != silent_packet(2)


def test_a_tone_of_samples_has_its_level_on_all_channels() -> None:
    for encoding in ("s16le", "s24le"):
        head = PcmHead(2, 48_000, encoding)
        block = pcm_beep(head, head.block_bytes)
        assert len(block) == head.block_bytes
        assert block != bytes(len(block))
        width = head.frame_bytes // 2
        assert block[:width] == block[width : 2 * width]


def test_a_tone_is_heard_kept_and_verified(store: Path) -> None:
    run(store, "redact", "--utterance", "u011", "--beep")
    ((start, end),) = cut_samples(left(store))
    heard = sound(left(store) / "audio.webm")[:, start + 9600 : end]
    assert -30 < 20 * np.log10(np.abs(heard).max(axis=1).min()) < -20
    assert "a tone, decoded" in run(store, "verify")
    run(store, "merge", "--words", "--force")
    assert cuts_in(store)[0]["beep"] is True
    document = read(left(store), "report.json")
    del document["redaction"]["cuts"][0]["beep"]
    _seal(left(store) / "report.json", document)
    assert "should be silence" in run(store, "verify", code=4)


def test_a_tone_is_of_both_channels() -> None:
    with pytest.raises(UsageError, match="--beep is in both channels"):
        RedactRequest(texts=("x",), role="user", beep=True)
    with pytest.raises(UsageError, match="no role is 'mixed'"):
        RedactRequest(texts=("x",), role="mixed")


# -- labels


def test_labels_name_the_kind_where_they_should(store: Path, tmp_path: Path) -> None:
    lines = [{"utterance": "u003", "words": [0, 1], "kind": "card"}, {"utterance": "u000", "words": [0, 0]}]
    (tmp_path / "spans").write_text("\n".join(map(json.dumps, lines)))
    run(store, "redact", "--spans", str(tmp_path / "spans"), "--label")
    found = texts(left(store))
    assert found["u003"].startswith("[redacted: card]")
    assert found["u000"].startswith("[redacted]")
    assert "[redacted: card]" in (left(store) / "captions.srt").read_text()
    run(store, "redact", "--text", texts(whole(store))["u003"].split()[1])
    assert texts(left(store))["u003"].startswith("[redacted]"), "of two kinds it names none"
    run(store, "verify")
