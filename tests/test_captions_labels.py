"""Labels for other programs: every utterance and word with its times, whatever the text, in each format's grammar."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from test_captions_formats import HOSTILE, spoken

from sessiontool.captions import CaptionOptions, caption

LABELS = ("ctm", "audacity", "textgrid", "words-json", "premiere-csv", "talkinghead", "rhubarb", "rhubarb-user")
INTERVAL = re.compile(
    r' {8}intervals \[(\d+)\]:\n {12}xmin = ([\d.]+)\n {12}xmax = ([\d.]+)\n {12}text = "((?:[^"]|"")*)"\n'
)


def made(utterances: list[dict[str, Any]], length_s: float = 100.0, **options: Any) -> dict[str, str]:
    transcript = {"session_id": "s", "duration_s": length_s, "utterances": utterances}
    return caption(transcript, CaptionOptions(formats=LABELS, **options), note="made-up").files


def word(text: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {"text": text, "start_s": start_s, "end_s": end_s, "source": "measured"}


TALK = [
    spoken("Good morning there.", 1, 2.5, "assistant"),
    spoken("Well, hello!", 2, 3, words=[word("Well,", 2.1, 2.4), word("hello!", 2.5, 2.9)]),
]


def test_every_label_format_is_a_file() -> None:
    assert set(made(TALK)) == {
        *("captions.ctm", "audacity.txt", "captions.TextGrid", "words.json", "premiere.csv", "talkinghead.json"),
        *("rhubarb.json", "rhubarb-user.json"),
    }


def test_ctm_has_a_line_a_word_on_the_channel_of_its_role() -> None:
    note, *lines = made(TALK)["captions.ctm"].splitlines()
    assert note == ";; made-up"
    assert lines[:2] == ["audio A 2.100 0.300 Well, 1.00", "audio A 2.500 0.400 hello! 1.00"]
    fields = [line.split() for line in lines[2:]]
    assert [(one[1], one[4], len(one)) for one in fields] == [("B", "Good", 5), ("B", "morning", 5), ("B", "there.", 5)]
    assert float(fields[0][2]) == 1.0
    assert sum(float(one[3]) for one in fields) == pytest.approx(1.5, abs=0.01)


def test_words_without_times_are_spread_over_the_speech() -> None:
    pause = [spoken("one two", 0, 10, speech=[[0, 1], [9, 10]])]
    first, second = json.loads(made(pause)["words.json"])["words"]
    assert (first["start_ms"], first["end_ms"], first["measured"]) == (0, 1000, False)
    assert (second["start_ms"], second["end_ms"]) == (9000, 10_000)


def test_talkinghead_has_three_lists_as_long_as_one_another() -> None:
    document = json.loads(made(TALK)["talkinghead.json"])
    talk = document["user"]
    assert (talk["words"], talk["wtimes"], talk["wdurations"]) == (["Well,", "hello!"], [2100, 2500], [300, 400])
    assert len({len(document["assistant"][name]) for name in ("words", "wtimes", "wdurations")}) == 1


def test_premiere_has_timecode() -> None:
    rows = [*csv.reader(io.StringIO(made(TALK)["premiere.csv"]))]
    assert rows[0] == ["Speaker Name", "Start Time", "End Time", "Text"]
    assert rows[1][1:] == ["00:00:01:00", "00:00:02:13", "Good morning there."]
    late = made([spoken("x", 3725.98, 3725.99)], 4000)["premiere.csv"]
    assert "01:02:06:00" in late


def tiers(grid: str) -> dict[str, list[tuple[float, float, str]]]:
    """A TextGrid read by its grammar, as Praat's manual has it; whatever is not in it is an error."""
    head, *items = re.split(r" {4}item \[\d+\]:\n", grid)
    assert re.fullmatch(
        r'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\.000\nxmax = [\d.]+\n'
        rf"tiers\? <exists>\nsize = {len(items)}\nitem \[\]:\n",
        head,
    )
    found = {}
    for item in items:
        top = re.match(
            r' {8}class = "IntervalTier"\n {8}name = "([^"]+)"\n {8}xmin = 0\.000\n {8}xmax = ([\d.]+)\n'
            r" {8}intervals: size = (\d+)\n",
            item,
        )
        assert top is not None
        body = item[top.end() :]
        intervals = [(float(a), float(b), text.replace('""', '"')) for _, a, b, text in INTERVAL.findall(body)]
        assert INTERVAL.sub("", body) == ""
        assert len(intervals) == int(top[3])
        assert [0.0, *(end for _, end, _ in intervals)] == [*(start for start, *_ in intervals), float(top[2])]
        found[top[1]] = intervals
    return found


def test_a_textgrid_covers_all_time() -> None:
    found = tiers(made(TALK)["captions.TextGrid"])
    assert list(found) == ["user", "user words", "assistant", "assistant words"]
    assert found["user"] == [(0.0, 2.0, ""), (2.0, 3.0, "Well, hello!"), (3.0, 100.0, "")]
    overlapping = [spoken("one", 1, 5), spoken("two", 4, 6), spoken("three", 4.5, 5.5)]
    texts = [one[2] for one in tiers(made(overlapping)["captions.TextGrid"])["user"]]
    assert texts == ["", "one", "two", ""]


def test_hostile_text_breaks_no_format() -> None:
    talk = [spoken(text, 3 * n + 1, 3 * n + 3, ("user", "assistant")[n % 2]) for n, text in enumerate(HOSTILE)]
    files = made(talk, 200.0)
    count = sum(1 for one in json.loads(files["words.json"])["words"])
    lines = [line for line in files["captions.ctm"].splitlines() if not line.startswith(";;")]
    assert len(lines) == count
    assert all(re.fullmatch(r"audio [AB] \d+\.\d{3} \d+\.\d{3} \S+", line) for line in lines)
    labels = files["audacity.txt"].split("\n")[:-1]
    assert all(re.fullmatch(r"\d+\.\d{6}\t\d+\.\d{6}\t[^\t]*", line) for line in labels)
    assert set(tiers(files["captions.TextGrid"])) == {"user", "user words", "assistant", "assistant words"}
    rows = [*csv.reader(io.StringIO(files["premiere.csv"]))]
    assert {len(row) for row in rows} == {4}
    assert len(rows) - 1 == len(labels)
    assert not [row for row in rows if row[3][:1] in {"=", "+", "-", "@"}]
    document = json.loads(files["talkinghead.json"])
    assert sum(len(one["words"]) for one in document.values()) == count
    for name in ("rhubarb.json", "rhubarb-user.json"):
        cues = json.loads(files[name])["mouthCues"]
        assert [0, *(cue["end"] for cue in cues)] == [*(cue["start"] for cue in cues), 200]


def test_nothing_said_is_empty_files() -> None:
    files = made([])
    assert json.loads(files["words.json"]) == {"words": []}
    assert json.loads(files["talkinghead.json"]) == {}
    assert json.loads(files["rhubarb.json"])["mouthCues"] == [{"start": 0, "end": 100, "value": "X"}]
    assert tiers(files["captions.TextGrid"]) == {}
    assert files["audacity.txt"] == ""


def test_without_speakers_there_are_no_names() -> None:
    files = made(TALK, speakers=False)
    assert "Dana" not in "".join(files.values())
    assert "Dana" in made(TALK)["audacity.txt"]
