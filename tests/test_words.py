"""When words are said, and which were heard: on a dialogue with exact truth, and on what cannot be aligned."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sessiontool import MergeOptions, merge, words
from sessiontool.errors import UsageError
from sessiontool.forced_alignment.pocketsphinx import Aligner, Found
from sessiontool.forced_alignment.timed_words import ended_with_words, with_found_words, with_spread_words
from sessiontool.forced_alignment.verbalize import read, tokens_of
from sessiontool.model import Placement, TimedWord, Utterance
from sessiontool.sessions.word_cache import known_words
from sessiontool.speech.truncation import with_heard_text
from sessiontool.storage import open_output
from sessiontool.views.merges import merge_view
from sessiontool.words import WordsKey, are_words_of, spread_words, time_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DIALOGUES = Path(__file__).parent / "data" / "dialogues"
SMALL = DIALOGUES / "small"


def transcript(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "transcript.json").read_text())["utterances"]
    return found


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of the small dialogue, with words."""
    return Path(
        merge(
            "small", store=DIALOGUES, output=tmp_path_factory.mktemp("words"), options=MergeOptions(words=True)
        ).location
    )


@pytest.fixture(scope="module")
def said(merged: Path) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in transcript(merged)}


def truth() -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in json.loads((SMALL / "truth.json").read_text())["utterances"]}


# -- against the truth


def test_words_begin_and_end_where_they_sound(said: dict[str, dict[str, Any]]) -> None:
    starts, ends = [], []
    for name, true in truth().items():
        known = true.get("words", ())
        for word, (text, start_s, end_s) in zip(said[name].get("words", ()) if known else (), known, strict=True):
            assert (word["text"], word["source"]) == (text, "aligned")
            starts.append(1000 * (word["start_s"] - start_s))
            if text[-1].isalnum():  # eSpeak counts the pause after a comma as part of the word
                ends.append(1000 * (word["end_s"] - end_s))
    assert len(starts) > 60
    for errors in (np.abs(starts), np.abs(ends)):
        assert np.median(errors) <= 15
        assert np.percentile(errors, 95) <= 80


def test_every_token_of_the_text_has_its_word_inside_the_utterance(said: dict[str, dict[str, Any]]) -> None:
    for one in said.values():
        if one["start_s"] is None:
            assert "words" not in one
            continue
        times = [time for word in one["words"] for time in (word["start_s"], word["end_s"])]
        assert sorted([one["start_s"], *times, one["end_s"]]) == [one["start_s"], *times, one["end_s"]]
        assert [word["text"] for word in one["words"]] == (one.get("heard_text") or one["text"]).split()


def test_of_a_turn_that_was_cut_off_only_what_was_heard_has_words(said: dict[str, dict[str, Any]]) -> None:
    cut = said["u0009"]
    assert (cut["status"], cut["heard_text"]) == ("clipped", "Sorry about that. I said that it usually takes")
    assert cut["text"].startswith(cut["heard_text"] + " about thirty-five")
    assert [name for name, one in said.items() if "heard_text" in one] == ["u0009"]
    assert cut["words"][-1]["end_s"] <= cut["end_s"]


def test_captions_take_the_words_times(merged: Path, said: dict[str, dict[str, Any]]) -> None:
    cues = (merged / "captions.vtt").read_text()
    assert "usually takes\u2014" in cues
    assert "thirty-five minutes" in cues  # said again by the user, whole
    starts = {f"0:{word['start_s']:06.3f}"[2:] for one in said.values() for word in one.get("words", ())}
    begun = [
        f"{int(time[0]) * 60 + float(time[1]):06.3f}"
        for time in re.findall(r"^00:(\d\d):(\S+) -->", cues, re.MULTILINE)
    ]
    assert len([time for time in begun if time in starts]) > 0.8 * len(begun)


def test_a_text_that_is_not_what_was_said_is_found_out(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "small")
    log = tmp_path / "small" / "utterances.jsonl"
    said, other = "Is there anything else I can do for you?", "Nine brown dogs bought yellow umbrellas on Monday."
    before, _, after = log.read_text().rpartition(said)
    log.write_text(before + other + after)
    result = merge("small", store=tmp_path, options=MergeOptions(words=True))
    (finding,) = [one for one in result.findings if one.code == "sound-unlike-text"]
    assert "the sound of 1 utterances does not fit their text word by word: u0015;" in finding.message
    changed = next(one for one in result.transcript["utterances"] if one["text"] == other)
    assert {word["source"] for word in changed["words"]} == {"spread"}
    assert changed["confidence"] >= 0.8, "its place is right, the text is not"
    (line,) = [line for line in map(str, merge_view("failed").lines(result, False)) if line.startswith("  words")]
    assert re.fullmatch(r"  words +\d+ of \d+ timed by the sound, the others by their length", line)


# -- once is enough


def test_a_second_merge_does_not_align_what_it_knows(
    merged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, dict[str, Any]]
) -> None:
    store, output = tmp_path / "store", tmp_path / "out"
    shutil.copytree(SMALL, store / "small")
    shutil.copytree(merged, output / "small")
    log = store / "small" / "utterances.jsonl"
    log.write_text(log.read_text().replace("Is there anything else I can do for you?", "Anything else I can do?", 1))
    asked: list[str] = []

    def align(self: object, task: Any, pcm: bytes) -> None:
        asked.append(task.text)

    monkeypatch.setattr("sessiontool.words.Pool.align", align)
    again = {
        one["id"]: one
        for one in merge("small", store=store, output=output, options=MergeOptions(words=True)).transcript["utterances"]
    }
    assert sorted(asked) == ["Anything else I can do?", said["u0009"]["text"]], "what is new, and what was cut off"
    assert again["u0006"]["words"] == said["u0006"]["words"]
    changed = next(one for one in again.values() if one["text"] == "Anything else I can do?")
    assert {word["source"] for word in changed["words"]} == {"spread"}
    asked.clear()
    merge("small", store=store, output=output, options=MergeOptions(words=True, force=True))
    assert len(asked) == 11


def test_words_are_taken_over_from_a_bucket_as_well(
    s3_url: str, s3_client: Any, monkeypatch: pytest.MonkeyPatch, said: dict[str, dict[str, Any]]
) -> None:
    _, _, bucket, prefix = s3_url.split("/", 3)

    def upload(name: str, body: bytes) -> None:
        s3_client.put_object(Bucket=bucket, Key=f"{prefix}/small/{name}", Body=body)

    for path in filter(Path.is_file, SMALL.rglob("*")):
        upload(path.relative_to(SMALL).as_posix(), path.read_bytes())
    merge("small", store=s3_url, options=MergeOptions(words=True))
    monkeypatch.setattr("sessiontool.words.Pool.align", lambda *_: None)
    upload("utterances.jsonl", (SMALL / "utterances.jsonl").read_bytes() + b"\n")
    again = merge("small", store=s3_url, options=MergeOptions(words=True))
    assert not again.unchanged
    after = {one["id"]: one.get("words") for one in again.transcript["utterances"] if one["id"] != "u0009"}
    assert after == {name: one.get("words") for name, one in said.items() if name != "u0009"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report, _: report["tool"]["settings"].update(words="another engine"),
        lambda report, _: report["outputs"].clear(),
        lambda report, _: report.pop("tool"),
        lambda _, said: said.update(utterances="none"),
        lambda _, said: [one.update(words=[{"text": 1}]) for one in said["utterances"]],
        lambda _, said: [one["words"][0].update(start_s=-1) for one in said["utterances"] if one.get("words")],
        lambda _, said: [one["words"][0].update(text="") for one in said["utterances"] if one.get("words")],
        lambda _, said: [one["words"][-1].update(end_s=1e9) for one in said["utterances"] if one.get("words")],
        lambda _, said: [one["words"][-1].update(end_s=float("nan")) for one in said["utterances"] if one.get("words")],
        lambda _, said: [one["words"][-1].update(source="?") for one in said["utterances"] if one.get("words")],
    ],
)
def test_what_was_published_is_not_believed_blindly(
    spoil: Callable[[dict[str, Any], dict[str, Any]], object], merged: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    shutil.copytree(merged, folder)
    target = open_output(str(tmp_path), "small")
    assert len(known_words(target, folder / "audio.webm", words.engine())) == 10
    files = [folder / "report.json", folder / "transcript.json"]
    documents = [json.loads(file.read_text()) for file in files]
    spoil(*documents)
    for file, document in zip(files, documents, strict=True):
        file.write_text(json.dumps(document))
    assert known_words(target, folder / "audio.webm", words.engine()) == {}


def test_nothing_published_is_nothing_known(tmp_path: Path) -> None:
    assert known_words(open_output(str(tmp_path), "x"), tmp_path / "none", "any") == {}


# -- without the extra, or without alignment


@pytest.mark.parametrize(
    ("options", "message"),
    [({"align": False}, "--words needs the alignment"), ({}, "word times need the package pocketsphinx")],
)
def test_words_that_cannot_be_had_are_refused_before_anything_is_done(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(UsageError, match=message) as caught:
        merge("small", store=DIALOGUES, output=tmp_path, options=MergeOptions(words=True, **options))
    assert options or "-m pip install " in caught.value.hint
    assert list(tmp_path.iterdir()) == []
    merge("small", store=DIALOGUES, output=tmp_path, options=MergeOptions(dry_run=True, **options))


# -- the aligner


@cache
def aligner() -> Aligner:
    return Aligner()


@cache
def speech(name: str) -> bytes:
    """The sound of an utterance of the dialogue."""
    from sessiontool.audio.decoder import decode
    from sessiontool.media.opus import OpusHead
    from sessiontool.sessions.align_recording import packets_of

    true = truth()[name]
    whole = np.concatenate(
        list(decode(packets_of(SMALL / "chunks" / "000" / "000000.webm"), OpusHead(2, 312), np.copy)), axis=1
    )
    channel = ("user", "assistant").index(true["role"])
    samples = whole[channel, round(16_000 * true["t0"]) : round(16_000 * true["t1"])]
    return bytes((np.clip(samples, -1, 1) * 32767).astype(np.int16))


LATE = "Usually around thirty-five minutes, although on a busy day it can take closer to an hour."


def found_in(text: str, pcm: bytes, **options: bool) -> Found | None:
    return aligner().align([read(token) for token in tokens_of(text)], pcm, **options)


def test_what_was_aligned_before_changes_nothing() -> None:
    pcm = speech("u0013")
    first = found_in(LATE, pcm)
    found_in("Zyxgnost Wojciechowski-Brzęczyszczykiewicz said 12,345.67 to https://example.com/a?b=c", pcm)
    assert found_in(LATE, pcm) == first
    assert first is not None
    assert (first.first, first.end) == (0, 16)
    assert first.score > -3.3


def test_another_text_scores_far_worse() -> None:
    right, wrong = (found_in(text, speech("u0013")) for text in (LATE, "He was not an ill disposed young man " * 2))
    assert right is not None
    assert wrong is None or wrong.score < right.score - 2


@pytest.mark.parametrize("share", [0.35, 0.6, 0.9, 0.999])
def test_a_sound_that_stops_holds_the_words_until_then(share: float) -> None:
    pcm = speech("u0013")
    known = [end_s - truth()["u0013"]["t0"] for _, _, end_s in truth()["u0013"]["words"]]
    cut = pcm[: 2 * int(share * len(pcm) / 2)]
    over = sum(end_s <= len(cut) / 32_000 + 0.02 for end_s in known)
    found = found_in(LATE, cut, may_stop=True)
    assert found is not None
    assert found.end in {over, over + 1}


def test_a_long_token_that_was_cut_counts_where_half_of_it_was_said() -> None:
    text, pcm = "Of course. Take-the-number-42-bus-from-terminal-B, get off.", speech("u0006")
    said_s = {word: end_s - truth()["u0006"]["t0"] for word, _, end_s in truth()["u0006"]["words"]}
    for until, end in (("Take", 2), ("terminal", 3)):
        found = found_in(text, pcm[: 2 * int(16_000 * said_s[until])], may_stop=True)
        assert found is not None
        assert found.end == end


def test_a_sound_whose_beginning_is_lost_holds_the_words_from_there() -> None:
    pcm = speech("u0013")
    found = found_in(LATE, pcm[len(pcm) // 4 * 2 :], may_start=True, may_stop=True)
    assert found is not None
    assert found.end == 16
    assert 5 <= found.first <= 9
    assert found.times[found.first - 1] is None


@pytest.mark.parametrize(
    "text", ["", "...", "你好", "\u0000", "🙂 " * 50, "a" * 200, "7" * 120, "$" * 90, "x " * 400, "''", "- - -"]
)
def test_no_text_brings_it_down(text: str) -> None:
    for pcm in (b"", b"\0\0", b"\0" * 3200, speech("u0010")):
        found = found_in(text, pcm)
        assert found is None or len(found.times) == len(tokens_of(text))


# -- what cannot be aligned


def placed(text: str, length_ms: int = 4000, **fields: Any) -> Placement:
    given = {"status": "aligned", "confidence": 0.9, **fields}
    return Placement(Utterance("u", "user", text, None, None), 48_000, 48_000 + 48 * length_ms, **given)


def silence(stretches: Sequence[tuple[int, int]]) -> Iterable[tuple[int, Callable[[int], bytes]]]:
    for position, (start, end) in enumerate(stretches):
        yield position, lambda _, length=(end - start) // 3: b"\0" * 2 * length  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("你好\uff0c世界。" * 3, {}),
        ("Привет, как дела?", {}),
        ("Nobody says this in silence", {}),
        ("Not sure at all", {"confidence": 0.3}),
        ("Far too long to look at", {"length_ms": 700_000}),
        ("...", {}),
        ("🙂", {}),
    ],
)
def test_words_that_cannot_be_aligned_are_spread_and_say_so(text: str, fields: dict[str, Any]) -> None:
    (one,) = spread_words(time_words([placed(text, **fields)], [0], silence))
    assert [word.text for word in one.words] == tokens_of(text)
    assert {word.source for word in one.words} == {"spread"}
    assert one.words[0].start_samples == one.start_samples
    assert one.words[-1].end_samples == one.end_samples


def test_what_has_no_place_or_no_text_has_no_words() -> None:
    nowhere = Placement(Utterance("u", "user", "Hello", None, None), None, None, "no_audio", 0.0)
    empty = placed(" \n")
    assert spread_words(time_words([nowhere, empty], [None, 0], silence)) == [nowhere, empty]


def test_a_pause_holds_no_words() -> None:
    speech_ms = ((1000, 2000), (3000, 5000))
    one = with_spread_words(
        placed("One two, three four five six", speech=tuple((48 * a, 48 * b) for a, b in speech_ms))
    )
    assert not [w for w in one.words if w.start_samples < 48 * 2990 and w.end_samples > 48 * 2010]


def test_of_what_was_heard_and_no_more_words_are_spread() -> None:
    cut = with_spread_words(placed("k l m n o p", 1000, status="clipped", heard_text="k l"))
    assert ([word.text for word in cut.words], cut.heard_text) == (["k", "l"], "k l")
    assert cut.words[-1].end_samples == cut.end_samples


def test_words_that_were_found_say_what_was_heard_whatever_the_rate_says() -> None:
    aligned = [TimedWord(text, 48_000, 48_000, "aligned") for text in ("quite", "a", "fast", "talker,", "this", "one")]
    whole = placed(" ".join(word.text for word in aligned), 300, status="clipped", words=tuple(aligned))
    assert with_heard_text([whole]) == (whole,)
    assert with_heard_text([replace(whole, words=())])[0].heard_text not in {None, whole.utterance.text}


times = st.lists(st.none() | st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=6, max_size=6)


@given(times, st.integers(0, 3), st.integers(3, 6), st.booleans())
def test_found_words_stay_in_order_and_inside_whatever_was_found(
    found: list[tuple[int, int] | None], first: int, end: int, clipped: bool
) -> None:
    sorted_edges = iter(sorted(edge for time in found if time for edge in time))
    found = [time and (next(sorted_edges) * 10, next(sorted_edges) * 10) for time in found]
    one = placed("one 二 — three, four five", status="clipped" if clipped else "aligned")
    done = with_found_words(one, Found(tuple(found), first, end, -1.0))
    key = WordsKey("user", "", "", one.start_samples or 0, one.end_samples or 0, "aligned")
    tokens = tokens_of(one.utterance.text)[first:end]
    assert [word.text for word in done.words] == tokens
    assert are_words_of(replace_text(key, " ".join(tokens)), done.words)
    assert (done.heard_text is not None) == (clipped and end < 6)


def replace_text(key: WordsKey, text: str) -> WordsKey:
    return replace(key, text=text)


def test_signs_take_no_time_and_other_scripts_take_what_is_left() -> None:
    found = Found(((0, 500), None, None, (1500, 2000), (2000, 3000), (3000, 4000)), 0, 6, -1.0)
    done = with_found_words(placed("one 二 — three, four five"), found)
    begun = [(word.start_samples // 48 - 1000, word.end_samples // 48 - 1000, word.source) for word in done.words]
    assert begun[1][0] == 500
    assert begun[2][1] == 1500
    assert [source for _, _, source in begun] == ["aligned", "spread", "spread", "aligned", "aligned", "aligned"]
    signs = with_found_words(placed("one — two"), Found(((0, 500), None, (900, 1000)), 0, 3, -1.0))
    assert signs.words[1] == TimedWord("—", 72_000, 72_000, "spread")


def test_replacing_keeps_what_a_placement_had() -> None:
    one = replace(placed("one"), heard_text="one")
    assert with_found_words(one, Found(((0, 500),), 0, 1, -1.0)).heard_text == "one"


def test_an_utterance_ends_with_its_words_where_the_sound_goes_on_for_long() -> None:
    one = placed("one two.", speech=((48_000, 96_000), (120_000, 240_000)))

    def ended(last_ms: int, **fields: Any) -> int | None:
        found = Found(((0, 300), (500, last_ms)), 0, 2, -1.0)
        return ended_with_words(with_found_words(replace(one, **fields), found)).end_samples

    assert ended(3400) == 48_000 + 48 * 3400
    assert ended(3600) == one.end_samples, "noise behind the last word is as long"
    assert ended(3400, status="clipped") == one.end_samples, "its sound stops there"
    assert ended(3400, heard_text="one two.") == one.end_samples
    brief = placed("notwithstanding nevertheless.", 1500)
    early = with_found_words(brief, Found(((0, 300), (500, 800)), 0, 2, -1.0))
    assert ended_with_words(early) == early, "its text takes as long as its sound"
    lost = with_found_words(one, Found(((0, 300), None), 0, 2, -1.0))
    assert ended_with_words(lost) == lost, "where its last word is, is not known"
    shorter = ended_with_words(with_found_words(one, Found(((0, 300), (500, 1200)), 0, 2, -1.0)))
    assert shorter.speech == ((48_000, 96_000),)
