"""Captions in real browsers: Chromium and Firefox load every cue of a <track>, and show it when it is due."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsers import BROWSERS, visit
from dialogues import dialogue
from second_opinion import make_noise
from test_captions_formats import HOSTILE, spoken

from sessiontool.captions import CaptionOptions, Captions, caption

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).with_name("captions.html")
LENGTH_S = 60
SAMPLES = 10


def hostile_transcript() -> dict[str, Any]:
    """Texts that would break a file, two of them at once, and names that would end a tag."""
    said = [spoken(text, 2 * n, 2 * n + 1.9, "assistant") for n, text in enumerate(HOSTILE[:27])]
    said += [spoken("A quiet word.", 57, 59) | {"speaker": '<b>& "Dana" -->'}]
    return {"utterances": said}


def plain(name: str) -> str:
    return re.sub("&(lt|gt|amp);", lambda found: {"lt": "<", "gt": ">", "amp": "&"}[found[1]], name)


@pytest.fixture(scope="module")
def made() -> dict[str, Captions]:
    return {
        "talk": caption(dialogue(26, minutes=0.9), CaptionOptions(styles=True)),
        "hostile": caption(hostile_transcript(), CaptionOptions()),
    }


@pytest.fixture(scope="module")
def times_s(made: Mapping[str, Captions]) -> dict[str, list[float]]:
    """Ten times for each file, none of them nearer than 50 ms to a cue's edge."""
    times = {}
    for name, captions in made.items():
        edges = [edge / 1000 for cue in captions.cues for edge in (cue.start_ms, cue.end_ms)]
        clear = [at / 10 for at in range(5, LENGTH_S * 10 - 5) if min(abs(at / 10 - edge) for edge in edges) > 0.05]
        times[name] = [clear[n * len(clear) // SAMPLES] for n in range(SAMPLES)]
    return times


@pytest.fixture(scope="module", params=BROWSERS)
def loaded(
    request: pytest.FixtureRequest,
    made: Mapping[str, Captions],
    times_s: Mapping[str, list[float]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Any]]:
    """What a browser tells of each file."""
    audio = tmp_path_factory.mktemp("sound") / "audio.webm"
    make_noise(audio, length_s=LENGTH_S)
    plan = [{"name": name, "times_s": times_s[name]} for name in made]
    content: dict[str, bytes | Path] = {
        "/captions.html": PAGE,
        "/plan.json": json.dumps(plan).encode(),
        "/audio.webm": audio,
        **{f"/{name}.vtt": captions.files["captions.vtt"].encode() for name, captions in made.items()},
    }
    reports = visit(request.param, content, "/captions.html")
    return {name: json.loads(reports[f"/{name}"]) for name in made}


@pytest.mark.parametrize("name", ["talk", "hostile"])
def test_every_cue_is_loaded_as_it_was_written(
    name: str, loaded: Mapping[str, Any], made: Mapping[str, Captions]
) -> None:
    """Firefox leaves the escapes in a name as they are, so they are undone here; what it shows is the text alone."""
    assert loaded[name]["state"] == 2  # LOADED, not ERROR
    assert [
        (round(cue["start_s"] * 1000), round(cue["end_s"] * 1000), cue["text"], plain(cue["speaker"]), cue["role"])
        for cue in loaded[name]["cues"]
    ] == [(cue.start_ms, cue.end_ms, "\n".join(cue.lines), cue.speaker, cue.role) for cue in made[name].cues]


@pytest.mark.parametrize("name", ["talk", "hostile"])
def test_the_cue_of_the_moment_is_shown(
    name: str, loaded: Mapping[str, Any], made: Mapping[str, Captions], times_s: Mapping[str, list[float]]
) -> None:
    expected = [
        [cue.start_ms for cue in made[name].cues if cue.start_ms <= at_s * 1000 < cue.end_ms] for at_s in times_s[name]
    ]
    assert [[round(start * 1000) for start in shown] for shown in loaded[name]["shown"]] == expected
    assert sum(map(bool, expected)) >= SAMPLES - 2


def test_speakers_at_once_have_lines_of_their_own(loaded: Mapping[str, Any], made: Mapping[str, Captions]) -> None:
    cues = loaded["talk"]["cues"]
    pairs = [(a, b) for a in cues for b in cues if a["start_s"] < b["start_s"] < a["end_s"]]
    assert pairs
    for one, other in pairs:
        first, second = sorted((one, other), key=lambda cue: cue["line"])
        assert first["line"] + len(first["text"].split("\n")) <= second["line"] < 0
