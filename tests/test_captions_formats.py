"""Files as others read them: the same times and words, and no text that makes, ends or changes a cue."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pysubs2
import pytest
import srt
import webvtt
from dialogues import SPEAKERS, dialogue, with_words
from hypothesis import example, given, settings
from hypothesis import strategies as st
from second_opinion import need

from sessiontool.captioning.formats.registry import FORMATS, JOINER, find_formats
from sessiontool.captions import CaptionOptions, Captions, Cue, caption, cue_times
from sessiontool.errors import UsageError
from sessiontool.options import read_timestamp_map

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EVERYTHING = CaptionOptions(formats=tuple(FORMATS))
HOSTILE = (
    "1 --> 2",
    "00:00:01.000 --> 00:00:02.000",
    "00:00:01,000 --> 00:00:02,000",
    "<v Eve>I am Eve</v>",
    "<b>bold</b> <i>italic</i> <c.x>c</c> <00:00:01.000>",
    "&lt;b&gt; &amp; &#60; &nbsp;",
    r"{\an8}top {\pos(1,1)} {b} {\k20} }{",
    r"\N \n \h \\ C:\new\house",
    "a\n\nb\r\n\r\nc\u2028d\u2029e\x85f\x0bg\x0ch\x1ci",
    "NUL\x00NUL \x1b[2J \x9b",
    "\u202eevil\u202c \u2066x\u2069",
    "NOTE not a note",
    "STYLE",
    "REGION",
    "WEBVTT",
    "X-TIMESTAMP-MAP=MPEGTS:1,LOCAL:00:00:00.000",
    "42",
    "1\n00:00:01,000 --> 00:00:02,000\nhello",
    "\ud800 half \udfff",
    "\ufffe\uffff\ufeff",
    "=1+1",
    '"quoted", and; comma',
    "Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,x",
    "[Events]",
    "]]> <!-- <![CDATA[ %s ${x} -->",
    "- dash",
    "Morgan: I am not Morgan",
    "x" * 10_000,
    "👨‍👩‍👧" * 500,
)


def spoken(text: str, start_s: float, end_s: float, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"role": role, "speaker": SPEAKERS[role], "text": text, "start_s": start_s, "end_s": end_s, **more}


@pytest.fixture(scope="module")
def made() -> Captions:
    return caption(dialogue(11, minutes=12), EVERYTHING, note="made-up")


def ms(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return round((int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000)


Read = list[tuple[int, int, str]]


def by_webvtt(text: str) -> Read:
    captions = webvtt.WebVTT.from_string(text, strict=True).captions
    entities = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}

    def plain(payload: str) -> str:
        return re.sub("&(lt|gt|amp);", lambda found: entities[found[0]], payload)

    return [(c.start_time.in_milliseconds(), c.end_time.in_milliseconds(), plain(c.text)) for c in captions]


def by_srt(text: str) -> Read:
    return [
        (
            round(one.start.total_seconds() * 1000),
            round(one.end.total_seconds() * 1000),
            one.content.replace(JOINER, ""),
        )
        for one in srt.parse(text)
    ]


def by_pysubs2(text: str, form: str) -> Read:
    file = pysubs2.SSAFile.from_string(text, format_=form)
    return [(event.start, event.end, event.plaintext.replace(JOINER, "")) for event in file]


def by_ffmpeg(text: str, name: str, folder: Path) -> Read:
    """What FFmpeg makes of a file, by way of its ASS events: times to the hundredth of a second."""
    (folder / name).write_text(text, encoding="utf-8")
    argv = [need("ffmpeg"), "-v", "error", "-i", str(folder / name), "-f", "ass", "-"]
    done = subprocess.run(argv, capture_output=True, check=True)
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith("Dialogue: ")]
    events = [line.split(",", 9) for line in lines]
    return [(ms(event[1]), ms(event[2]), event[9].replace(r"\N", "\n").replace(JOINER, "")) for event in events]


def shown(cues: Sequence[Cue]) -> Read:
    return [(cue.start_ms, cue.end_ms, "\n".join(cue.lines)) for cue in cues]


class TestRoundTrip:
    """A conversation of twelve minutes, read back by others."""

    def test_webvtt_by_webvtt_py(self, made: Captions) -> None:
        assert by_webvtt(made.files["captions.vtt"]) == shown(made.cues)

    def test_webvtt_has_a_speaker_on_every_cue(self, made: Captions) -> None:
        captions = webvtt.WebVTT.from_string(made.files["captions.vtt"]).captions
        assert [one.voice for one in captions] == [cue.speaker for cue in made.cues]
        assert all(one.raw_text.startswith(f"<v.{cue.role} ") for one, cue in zip(captions, made.cues, strict=True))

    def test_srt_by_srt(self, made: Captions) -> None:
        assert by_srt(made.files["captions.srt"]) == shown(made.single)
        assert [one.index for one in srt.parse(made.files["captions.srt"])] == [*range(1, len(made.single) + 1)]

    @pytest.mark.parametrize(("name", "form"), [("captions.vtt", "vtt"), ("captions.srt", "srt")])
    def test_by_pysubs2(self, made: Captions, name: str, form: str) -> None:
        assert by_pysubs2(made.files[name], form) == shown(made.cues if form == "vtt" else made.single)

    def test_ass_by_pysubs2(self, made: Captions) -> None:
        read = by_pysubs2(made.files["captions.ass"], "ass")
        assert [text for *_, text in read] == [text for *_, text in shown(made.cues)]
        assert max(abs(one[0] - cue.start_ms) for one, cue in zip(read, made.cues, strict=True)) <= 5

    @pytest.mark.parametrize("name", ["captions.vtt", "captions.srt", "captions.ass"])
    def test_by_ffmpeg(self, made: Captions, name: str, tmp_path: Path) -> None:
        read = by_ffmpeg(made.files[name], name, tmp_path)
        written = shown(made.single if name == "captions.srt" else made.cues)
        assert [text for *_, text in read] == [text for *_, text in written]
        for (start, end, _), (start_ms, end_ms, _) in zip(read, written, strict=True):
            assert abs(start - start_ms) <= 10
            assert abs(end - end_ms) <= 10

    @pytest.mark.parametrize("hours", [9.9999, 10, 27, 123])
    @pytest.mark.parametrize("name", ["captions.vtt", "captions.srt", "captions.ass"])
    def test_long_recordings_by_ffmpeg(self, name: str, hours: float, tmp_path: Path) -> None:
        """By way of SRT: as ASS, FFmpeg itself writes no time beyond ten hours."""
        at_s = hours * 3600
        made = caption({"utterances": [spoken("Late.", at_s + 0.5, at_s + 2)], "duration_s": at_s + 9}, EVERYTHING)
        (tmp_path / name).write_text(made.files[name])
        argv = [need("ffmpeg"), "-v", "error", "-i", str(tmp_path / name), "-f", "srt", "-"]
        done = subprocess.run(argv, capture_output=True, check=True, text=True)
        [(start, end, _)] = by_srt(done.stdout)
        assert (start, end) == pytest.approx((made.cues[0].start_ms, made.cues[0].end_ms), abs=10)

    def test_our_own_reader_of_times(self, made: Captions) -> None:
        assert cue_times(made.files["captions.vtt"], "captions.vtt") == [one[:2] for one in shown(made.cues)]
        assert cue_times(made.files["captions.srt"], "captions.srt") == [one[:2] for one in shown(made.single)]

    def test_ttml(self, made: Captions) -> None:
        paragraphs = list(ET.fromstring(made.files["captions.ttml"]).iter("{http://www.w3.org/ns/ttml}p"))
        assert [(ms(p.get("begin", "")), ms(p.get("end", ""))) for p in paragraphs] == [
            one[:2] for one in shown(made.cues)
        ]
        texts = [["".join(span.itertext()) for span in p.iter("{http://www.w3.org/ns/ttml}span")] for p in paragraphs]
        assert [re.sub(r"^(Dana|Morgan): ", "", "\n".join(lines)) for lines in texts] == [
            one[2] for one in shown(made.cues)
        ]

    def test_podcast_json(self, made: Captions) -> None:
        document = json.loads(made.files["captions.json"])
        assert document["version"] == "1.0.0"
        assert [(s["startTime"], s["endTime"], s["speaker"], s["body"]) for s in document["segments"]] == [
            (cue.start_ms / 1000, cue.end_ms / 1000, cue.speaker, cue.text) for cue in made.cues
        ]

    def test_csv(self, made: Captions) -> None:
        rows = list(csv.DictReader(io.StringIO(made.files["captions.csv"])))
        assert [(ms(row["start"]), float(row["end_s"]), row["text"]) for row in rows] == [
            (cue.start_ms, cue.end_ms / 1000, cue.text) for cue in made.cues
        ]

    def test_plain_text_has_every_word(self, made: Captions) -> None:
        text = re.sub(r"^\[[\d:]+\] \w+: ", "", made.files["captions.txt"], flags=re.MULTILINE)
        assert text.split() == " ".join(cue.text for cue in made.cues).split()


def hostile_session(texts: Sequence[str], speaker: str = "Dana") -> Captions:
    """A quiet cue, the hostile ones, and a quiet cue, far enough apart to be cues of their own."""
    said = [spoken("First.", 0, 2)]
    said += [spoken(text, 10 * n, 10 * n + 6, "assistant") | {"speaker": speaker} for n, text in enumerate(texts, 1)]
    said.append(spoken("Last.", 10 * len(texts) + 10, 10 * len(texts) + 12))
    return caption({"utterances": said}, EVERYTHING, note=f"{texts[0][:50]} --> note" if texts else "")


hostile = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(), max_size=60),
    st.lists(
        st.sampled_from([*"<>&{}\\/-:,;.=\n\r\t \x00#0123ab", "-->", "<v ", "&lt;", "{\\an8}", "\n\n", "\u202e"]),
        max_size=30,
    ).map("".join),
)


def check_quiet_neighbours(made: Captions) -> None:
    """Every reader sees as many cues as were written, each with its time, and the quiet ones as they are."""
    reads = {
        "vtt": (by_webvtt(made.files["captions.vtt"]), made.cues),
        "srt": (by_srt(made.files["captions.srt"]), made.single),
        "srt by pysubs2": (by_pysubs2(made.files["captions.srt"], "srt"), made.single),
        "ass by pysubs2": (by_pysubs2(made.files["captions.ass"], "ass"), made.cues),
    }
    for reader, (read, cues) in reads.items():
        assert [one[0] // 100 for one in read] == [cue.start_ms // 100 for cue in cues] or reader.startswith("ass"), (
            reader
        )
        assert len(read) == len(cues), reader
        assert read[0][2].endswith("First."), reader
        assert read[-1][2].endswith("Last."), reader
    assert reads["vtt"][0] == shown(made.cues)
    assert reads["srt"][0] == shown(made.single)
    rows = list(csv.DictReader(io.StringIO(made.files["captions.csv"])))
    assert len(rows) == len(made.cues)
    assert not [row for row in rows if row["text"][:1] in {"=", "+", "@"}]
    assert len(json.loads(made.files["captions.json"])["segments"]) == len(made.cues)
    assert len(list(ET.fromstring(made.files["captions.ttml"]).iter("{http://www.w3.org/ns/ttml}p"))) == len(made.cues)
    for text in made.files.values():
        text.encode()
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufffe]", text)


@settings(deadline=None, max_examples=150)
@given(st.lists(hostile, max_size=4), hostile)
@example(list(HOSTILE), "<v x>-->&lt;\n\n{\\an8}")
def test_hostile_text_changes_no_other_cue(texts: list[str], speaker: str) -> None:
    check_quiet_neighbours(hostile_session(texts, speaker))


@pytest.mark.parametrize("name", ["captions.vtt", "captions.srt", "captions.ass"])
def test_hostile_text_changes_no_other_cue_for_ffmpeg(name: str, tmp_path: Path) -> None:
    """All at once and one by one, as a number on a line of its own may harm only at the end of a cue."""
    made = hostile_session(HOSTILE)
    read = by_ffmpeg(made.files[name], name, tmp_path)
    cues = made.single if name == "captions.srt" else made.cues
    assert len(read) == len(cues)
    assert [round(one[0], -2) for one in read] == pytest.approx([round(cue.start_ms, -2) for cue in cues], abs=100)
    assert read[-1][2].endswith("Last.")


class TestWebVTT:
    """What WebVTT can do and the others cannot."""

    def test_speakers_at_once_stand_at_different_heights(self) -> None:
        made = caption(
            {"utterances": [spoken("Let me tell you this.", 0, 4), spoken("No, let me!", 2, 5, "assistant")]},
            CaptionOptions(),
        )
        first, second = webvtt.WebVTT.from_string(made.files["captions.vtt"]).captions
        assert first.end_in_seconds > second.start_in_seconds
        assert (str(first.settings), str(second.settings)) == ("line:-3", "line:-1")

    def test_karaoke_has_a_time_inside_the_cue_before_each_word_but_the_first(self) -> None:
        document = with_words(dialogue(3, minutes=1))
        made = caption(document, CaptionOptions(karaoke=True))
        sung = webvtt.WebVTT.from_string(made.files["captions.vtt"]).captions
        for one, cue in zip(sung, made.cues, strict=True):
            stamps = [ms(found) for found in re.findall(r"<([\d:.]+)>", one.raw_text)]
            assert stamps == sorted(set(stamps))
            assert all(cue.start_ms < stamp < cue.end_ms for stamp in stamps)
            assert len(stamps) >= cue.text.count(" ") - 1
            assert one.text == "\n".join(cue.lines)
        assert "<00:" not in caption(dialogue(3, minutes=1), CaptionOptions(karaoke=True)).files["captions.vtt"]

    def test_the_note_says_where_it_is_from(self) -> None:
        text = caption({"utterances": []}, CaptionOptions(), note="a --> b\n\nc").files["captions.vtt"]
        assert text == "WEBVTT\n\nNOTE a -> b c\n"

    def test_styles_are_written_on_demand_alone(self) -> None:
        document = {"utterances": [spoken("Hello.", 0, 1)]}
        assert "STYLE" not in caption(document, CaptionOptions()).files["captions.vtt"]
        styled = caption(document, CaptionOptions(styles=True)).files["captions.vtt"]
        assert len(webvtt.WebVTT.from_string(styled).styles) == 1

    def test_a_timestamp_map_stands_in_the_header(self) -> None:
        options = CaptionOptions(timestamp_map=read_timestamp_map("900000:1500"))
        text = caption({"utterances": [spoken("Hello.", 0, 1)]}, options).files["captions.vtt"]
        assert text.startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:01.500\n\n")
        assert len(webvtt.WebVTT.from_string(text).captions) == 1

    @pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3", str(1 << 33), "٣"])
    def test_what_is_no_timestamp_map_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="900000:1500"):
            read_timestamp_map(text)


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="sbv") as caught:
        find_formats(["vtt", "sbv"])
    assert "ttml" in caught.value.hint
