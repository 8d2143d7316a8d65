"""Sounds of words and shapes of mouths: where a voice says them, and as the programs that read them want them."""

from __future__ import annotations

import json
import re
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from msgspec.structs import replace
from test_captions_labels import tiers
from typer.testing import CliRunner

from sessiontool import MergeOptions, RedactRequest, caption, merge, redact, verify
from sessiontool.captioning.formats.registry import FORMATS
from sessiontool.captioning.labels.mouth_shapes import OCULUS, RHUBARB
from sessiontool.captions import CaptionOptions
from sessiontool.captions import caption as captions_of
from sessiontool.cli import app
from sessiontool.errors import UsageError
from sessiontool.forced_alignment.pocketsphinx import Aligner, Found
from sessiontool.forced_alignment.worker import Task, align_text
from sessiontool.sessions.exports.clip_transcript import clip_transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).parent / "data"
MOUTHS = tuple(name for name, one in FORMATS.items() if one.has_mouth)
VISEMES = {"PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"}
ARPABET = {
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH"),
    *("K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
}
STOPS = set("ptkbdg")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dialogue merged without words, and captioned for mouths by the command."""
    place = tmp_path_factory.mktemp("phones")
    copytree(DATA / "dialogues" / "small", place / "small")
    merge("small", store=place)
    arguments = ["captions", "small", "--store", str(place), "--phones", "--format", "textgrid," + ",".join(MOUTHS)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return place


def read(store: Path, name: str) -> Any:
    return json.loads((store / "small" / "merged" / name).read_text())


def utterances(store: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(store, "transcript.json")["utterances"]
    return found


# -- against a voice that tells what it says


@pytest.fixture(scope="module")
def spoken() -> tuple[dict[str, Any], bytes]:
    """A sentence of eSpeak's with its phonemes (`benchmarks/phones.py --save` made it), and its sound."""
    with av.open(str(DATA / "phones" / "sentence.flac")) as file:
        pcm = b"".join(frame.to_ndarray().tobytes() for frame in file.decode(audio=0))
    return json.loads((DATA / "phones" / "sentence.json").read_text()), pcm


def test_sounds_begin_where_the_voice_says_them(spoken: tuple[dict[str, Any], bytes]) -> None:
    said, pcm = spoken
    found = align_text(Aligner(), Task(said["text"], "en", may_stop=False, phones=True), pcm)
    assert isinstance(found, Found)
    errors = []
    for number, phones in enumerate(found.phones):
        true = [(name, at) for name, at, word in said["phonemes"] if word == number and name != ";"]
        if len(true) == len(phones):
            errors += [
                start - at
                for (name, at), (_, start, _) in zip(true, phones, strict=True)
                if name not in STOPS  # eSpeak tells the release of a stop, not its closure
            ]
    assert len(errors) >= 25
    assert np.median(np.abs(errors)) <= 20
    assert np.max(np.abs(errors)) <= 120


def test_words_are_the_same_with_and_without_their_sounds(spoken: tuple[dict[str, Any], bytes]) -> None:
    said, pcm = spoken
    aligner, task = Aligner(), Task(said["text"], "en", may_stop=False)
    before = align_text(aligner, task, pcm)
    assert isinstance(before, Found)
    with_sounds = align_text(aligner, replace(task, phones=True), pcm)
    assert with_sounds is not None
    assert replace(with_sounds, phones=()) == before == align_text(aligner, task, pcm)


def test_silence_and_a_moment_have_no_sounds() -> None:
    aligner, task = Aligner(), Task("One two three four five six seven.", "en", may_stop=False, phones=True)
    for pcm in (b"", b"\0" * 32_000, np.full(400, 900, np.int16).tobytes()):
        assert align_text(aligner, task, pcm) is None


# -- in a transcript


def test_sounds_fill_their_word_in_order(store: Path) -> None:
    count = 0
    for one in utterances(store):
        for word in one.get("words", ()):
            phones = word.get("phones", [])
            assert {phone["phone"] for phone in phones} <= ARPABET
            edges = [edge for phone in phones for edge in (phone["start_s"], phone["end_s"])]
            assert edges == sorted(edges)
            if phones:
                assert (edges[0], edges[-1]) == (word["start_s"], word["end_s"])
                assert all(before["end_s"] == after["start_s"] for before, after in pairwise(phones))
                count += 1
    assert count > 100


def test_a_result_with_sounds_is_whole(store: Path) -> None:
    assert not verify("small", store=store).findings


def test_what_is_redacted_has_no_sounds(store: Path, tmp_path: Path) -> None:
    copytree(store, tmp_path / "s")
    redact("small", store=tmp_path / "s", asked=RedactRequest(texts=("terminal B",)))
    folder = tmp_path / "s" / "small" / "merged" / "redacted"
    left = json.loads((folder / "transcript.json").read_text())["utterances"]
    gone = [word for one in left for word in one.get("words", ()) if "redacted" in word["text"]]
    assert gone
    assert not any("phones" in word for word in gone)


def test_the_sounds_of_a_clip_are_from_its_beginning() -> None:
    phones = [{"phone": "HH", "start_s": 4.0, "end_s": 4.1}, {"phone": "AY", "start_s": 4.1, "end_s": 4.4}]
    words = [{"text": "Hi", "start_s": 4.0, "end_s": 4.4, "phones": phones}]
    one = {"id": "u", "text": "Hi", "start_s": 4.0, "end_s": 4.4, "words": words}
    (clipped,) = clip_transcript({"utterances": [one]}, 3.0, 4.3)["utterances"]
    assert clipped["words"][0]["phones"] == [
        {"phone": "HH", "start_s": 1.0, "end_s": 1.1},
        {"phone": "AY", "start_s": 1.1, "end_s": 1.3},
    ]


# -- as programs read them


@pytest.mark.parametrize(("name", "role"), [("rhubarb", "assistant"), ("rhubarb-user", "user")])
def test_rhubarb_has_one_mouth_from_zero_to_the_end(name: str, role: str, store: Path) -> None:
    text = (store / "small" / "merged" / f"{name}.json").read_text()
    document = json.loads(text)
    assert set(document) == {"metadata", "mouthCues"}
    length_s = int(read(store, "transcript.json")["duration_s"] * 100) / 100
    assert document["metadata"] == {"soundFile": "audio.webm", "duration": length_s}
    cues = document["mouthCues"]
    assert (cues[0]["start"], cues[-1]["end"], cues[-1]["value"]) == (0, length_s, "X")
    assert all(before["end"] == after["start"] for before, after in pairwise(cues))
    assert all(before["value"] != after["value"] for before, after in pairwise(cues))
    assert {cue["value"] for cue in cues} == set("ABCDEFGHX")
    assert all(re.fullmatch(r'    \{ "start": \d+\.\d\d, "end": \d+\.\d\d, "value": "[A-HX]" \},?', line)
               for line in text.splitlines()[6:-2])  # fmt: skip
    said = [one for one in utterances(store) if one["role"] == role and one["start_s"] is not None]
    for cue in cues:
        if cue["value"] != "X":
            assert any(one["start_s"] - 0.01 <= cue["start"] < one["end_s"] for one in said)


def test_lips_close_where_they_are_heard_to(store: Path) -> None:
    """The M of "terminal" and the B after it, in what the user says."""
    said = next(one for one in utterances(store) if "terminal B" in one["text"])
    word = next(word for word in said["words"] if word["text"] == "terminal")
    closing = next(phone for phone in word["phones"] if phone["phone"] == "M")
    middle_s = (closing["start_s"] + closing["end_s"]) / 2
    (cue,) = [one for one in read(store, "rhubarb-user.json")["mouthCues"] if one["start"] <= middle_s < one["end"]]
    assert cue["value"] == "A"
    talk = read(store, "talkinghead.json")["user"]
    at = next(n for n, start in enumerate(talk["vtimes"]) if start <= 1000 * middle_s < start + talk["vdurations"][n])
    assert talk["visemes"][at] == "PP"


def test_talkinghead_has_words_and_visemes_in_ms(store: Path) -> None:
    document = read(store, "talkinghead.json")
    assert set(document) == {"user", "assistant"}
    for talk in document.values():
        for times in (("words", "wtimes", "wdurations"), ("visemes", "vtimes", "vdurations")):
            assert len({len(talk[name]) for name in times}) == 1
            starts, lengths = talk[times[1]], talk[times[2]]
            assert all(type(one) is int for one in (*starts, *lengths))
            assert starts == sorted(starts)
            assert min(lengths) > 0
        assert set(talk["visemes"]) <= VISEMES
        assert len(talk["visemes"]) > 2 * len(talk["words"])


def test_a_textgrid_has_a_tier_of_sounds(store: Path) -> None:
    found = tiers((store / "small" / "merged" / "captions.TextGrid").read_text())
    assert [*found][:3] == ["user", "user words", "user phones"]
    assert {text for _, _, text in found["user phones"]} <= {*ARPABET, ""}


def test_every_sound_has_a_shape() -> None:
    assert ARPABET == set(OCULUS) == set(RHUBARB)
    assert {shape for shapes in OCULUS.values() for shape in shapes} == VISEMES
    assert {shape for shapes in RHUBARB.values() for shape in shapes} == set("ABCDEFGH")


# -- without sounds


def made(*words: dict[str, Any], form: str = "rhubarb", **more: Any) -> Any:
    one = {
        "id": "u",
        "role": "assistant",
        "speaker": "M",
        "text": " ".join(word["text"] for word in words),
        "start_s": 1,
    }
    document = {"duration_s": 4, "utterances": [{**one, "end_s": 3, "words": list(words), **more}]}
    return captions_of(document, CaptionOptions(formats=(form,)))


def test_without_sounds_shapes_are_those_of_the_spelling_and_it_is_said() -> None:
    result = made({"text": "Bob", "start_s": 1, "end_s": 1.6})
    cues = json.loads(result.files["rhubarb.json"])["mouthCues"]
    assert [(cue["start"], cue["value"]) for cue in cues] == [(0, "X"), (1, "A"), (1.2, "D"), (1.4, "A"), (1.6, "X")]
    assert result.remarks == ["the mouth shapes of 1 of 1 words are by spelling: --phones looks in the sound"]
    foreign = made({"text": "犬", "start_s": 1, "end_s": 2}, {"text": "—", "start_s": 2, "end_s": 3}, language="ja")
    cues = json.loads(foreign.files["rhubarb.json"])["mouthCues"]
    assert [cue["value"] for cue in cues] == ["X", "C", "X"]
    assert captions_of({"utterances": []}, CaptionOptions(formats=("srt",))).remarks == []


def test_sounds_of_another_language_are_called_rough() -> None:
    phones = [{"phone": "Y", "start_s": 1, "end_s": 1.2}, {"phone": "AA", "start_s": 1.2, "end_s": 1.4}]
    word = {"text": "ja", "start_s": 1, "end_s": 1.4, "phones": phones}
    assert made(word, language="de").remarks == [
        "the sounds of words in de are by rough rules, as an English model hears them"
    ]
    assert made(word, language="en-GB").remarks == []


@pytest.mark.parametrize(
    "phones",
    [
        "AA",
        [None, 3, {"phone": "AA"}],
        [{"phone": '"],"x":[', "start_s": 1, "end_s": 2}],
        [{"phone": "AA", "start_s": -1, "end_s": 2}, {"phone": "AA", "start_s": 1, "end_s": 9}],
        [{"phone": "AA", "start_s": 1.5, "end_s": 1.2}, {"phone": "AA", "start_s": "x", "end_s": 2}],
    ],
)
@pytest.mark.parametrize("form", [*MOUTHS, "textgrid"])
def test_sounds_that_make_no_sense_are_left_out(form: str, phones: Any) -> None:
    with_them = made({"text": "Bob", "start_s": 1, "end_s": 2, "phones": phones}, form=form)
    assert with_them.files == made({"text": "Bob", "start_s": 1, "end_s": 2}, form=form).files


def test_a_sound_that_nobody_knows_moves_no_lips() -> None:
    odd = [{"phone": "QQ", "start_s": 1, "end_s": 2}]
    result = made({"text": "Bob", "start_s": 1, "end_s": 2, "phones": odd})
    assert [cue["value"] for cue in json.loads(result.files["rhubarb.json"])["mouthCues"]] == ["X"]


def test_without_the_extra_sounds_are_refused_and_nothing_changes(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    def files() -> Sequence[bytes]:
        return [path.read_bytes() for path in sorted((store / "small" / "merged").iterdir()) if path.is_file()]

    before = files()
    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(UsageError, match="need the package pocketsphinx") as caught:
        caption("small", store=store, phones=True)
    assert "leave out --phones" in caught.value.hint
    assert files() == before


def test_sounds_are_kept_when_captions_are_made_again(store: Path, tmp_path: Path) -> None:
    copytree(store, tmp_path / "s")
    result = caption("small", store=tmp_path / "s", options=CaptionOptions(formats=("rhubarb",)))
    assert result.captions.remarks == []
    assert result.captions.files["rhubarb.json"] == (store / "small" / "merged" / "rhubarb.json").read_text()
    assert merge("small", store=tmp_path / "s", options=MergeOptions(words=True)).status == "complete"
