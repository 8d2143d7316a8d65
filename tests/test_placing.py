"""`sessiontool align`: where every utterance lies and why, as a table, as JSON and as a picture."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

from sessiontool.align import Alignment
from sessiontool.alignment.confidence import features
from sessiontool.errors import NotFoundError, RecordingError, UsageError
from sessiontool.sessions.explain_alignment import PlacingResult, place_session, stories, story_of
from sessiontool.storage import open_store
from sessiontool.views import placings
from sessiontool.views import plots as plotting
from sessiontool.views.placings import placing_view
from sessiontool.views.plots import check_plot, draw, row_seconds, save_plot

if TYPE_CHECKING:
    from collections.abc import Sequence

DIALOGUES = Path(__file__).parent / "data" / "dialogues"
HOSTILE = "\x1b[31m<script>alert('$x^{2}$')</script> & \u202e你好 🙂 $1,200 [bold]"


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sessiontool", "align", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, cwd=cwd)


@pytest.fixture(scope="module")
def placed() -> PlacingResult:
    with open_store(str(DIALOGUES)) as store:
        return place_session(store, "small")


def truth() -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in json.loads((DIALOGUES / "small" / "truth.json").read_text())["utterances"]}


def with_texts(result: PlacingResult, text: str, name: str = "u") -> PlacingResult:
    """The same, every utterance saying `text`."""
    placements = tuple(
        replace(one, utterance=replace(one.utterance, text=text, id=f"{name}{k}"))
        for k, one in enumerate(result.alignment.placements)
    )
    return replace(result, alignment=replace(result.alignment, placements=placements))


def document(result: PlacingResult, *explained: str) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(placing_view(explained).document(result), allow_nan=False))
    return written


# -- what it says


def test_the_table_has_a_row_for_each_utterance_and_says_what_is_wrong(placed: PlacingResult) -> None:
    lines = list(map(str, placing_view().lines(placed, False)))
    assert lines[0] == "small: 11 of 12 utterances found, 11 with confidence 0.8 or more"
    rows = {line.split()[0]: line for line in lines if line.strip().startswith("u0")}
    assert set(rows) == set(truth())
    assert "0:07.2" in rows["u0006"]
    assert "nowhere" in rows["u0020"]
    after = lines[lines.index(rows["u0020"]) + 1]
    assert "! there is speech where the log has it, but it fits another utterance better" in after
    assert max(map(len, lines[1:])) <= 120


def test_the_times_are_those_of_a_merge_and_of_the_truth(placed: PlacingResult) -> None:
    told = {one["id"]: one for one in document(placed)["utterances"]}
    for name, true in truth().items():
        if true["status"] == "text_only":
            assert told[name]["found_s"] == [None, None]
            continue
        assert told[name]["found_s"] == pytest.approx([true["t0"], true["t1"]], abs=0.05)
        assert told[name]["off_ms"] == pytest.approx(1000 * (true["t0"] - told[name]["logged_s"][0]), abs=50)
        assert abs(told[name]["residual_ms"]) < 400
        assert told[name]["residual_ms"] == pytest.approx(
            1000 * (told[name]["found_s"][0] - told[name]["expected_s"][0]), abs=2
        )


def test_a_story_tells_what_carried_the_place(placed: PlacingResult) -> None:
    (told,) = document(placed, "u0009")["utterances"]
    assert told["status"] == "clipped"
    assert told["logged_s"][1] is None
    assert told["evidence"]["channel"] == 1
    assert told["evidence"]["end_residual_ms"] is None, "the log has no end, and JSON no nan"
    assert "length" in told["doubts"]
    assert [one["utterance"] for one in told["stretches"]] == ["u0009", "u0009", "u0011"]
    text = "\n".join(map(str, placing_view(("u0009",)).lines(placed, False)))
    for part in (
        "clipped, confidence 0.9",
        "on channel 1",
        "from the log",
        "doubts",
        "it is long or short for its text",
    ):
        assert part in text


def test_a_story_of_what_was_not_found_says_where_it_was_looked_for(placed: PlacingResult) -> None:
    story = story_of(placed, "u0020")
    assert story.evidence is None
    assert story.expected_ms[0] == pytest.approx(39_990, abs=400)
    assert {one.utterance for one in story.stretches} >= {"u0013"}
    assert "nowhere: there is speech" in "\n".join(map(str, placing_view(("u0020",)).lines(placed, False)))


def test_stories_come_in_the_order_of_the_log(placed: PlacingResult) -> None:
    assert [story.placement for story in stories(placed)] == list(placed.alignment.placements)


def test_an_utterance_that_is_not_there_is_named_with_those_that_are(placed: PlacingResult) -> None:
    with pytest.raises(NotFoundError, match="no utterance 'x'") as caught:
        story_of(placed, "x")
    assert caught.value.hint.startswith("its utterances are u0005, u0006")


def test_every_doubt_has_words(placed: PlacingResult) -> None:
    evidence = next(story.evidence for story in stories(placed) if story.evidence)
    assert {*features(evidence), "unpinned"} == set(placings._DOUBTS)


def test_doubts_are_told_by_their_weight_and_only_where_there_are_some(placed: PlacingResult) -> None:
    for story in stories(placed):
        weights = [doubt for _, doubt in story.doubts]
        assert weights == sorted(weights, reverse=True)
        assert all(doubt > 0 for doubt in weights)


def test_a_session_without_utterances_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DIALOGUES / "small", tmp_path / "small")
    (tmp_path / "small" / "utterances.jsonl").unlink()
    with open_store(str(tmp_path)) as store, pytest.raises(RecordingError, match="no utterances to find"):
        place_session(store, "small")


# -- the command


def test_the_command_publishes_nothing_and_exits_as_others_do(tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(DIALOGUES / "small", store / "small")
    before = sorted(tmp_path.rglob("*"))
    done = run("small", "nobody", "--store", store, "--json", "--explain", "u0006")
    assert done.returncode == 3
    assert [one["status"] for one in json.loads(done.stdout)["sessions"]] == ["aligned", "failed"]
    assert done.stderr.startswith("error: no session nobody")
    assert run("small", "--store", store, "--explain", "nobody").returncode == 3
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command_draws(tmp_path: Path) -> None:
    done = run(
        "small", "--store", DIALOGUES, "--plot", "a.png", "--from", "20", "--to", "31.5", "--quiet", cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("window", [(99, None), (-1, None), (5, 5), (0, float("nan")), (float("nan"), None)])
def test_a_window_without_anything_is_refused(placed: PlacingResult, window: tuple[float, float | None]) -> None:
    with pytest.raises(UsageError, match="there is nothing from") as caught:
        save_plot(placed, "a.png", *window)
    assert "the recording has 54.993 s" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "code", "message"),
    [("a.pdf", 2, "'a.pdf' is no name for a picture"), ("no/folder/a.png", 5, "No such file or directory")],
)
def test_what_cannot_be_written_is_said(file: str, code: int, message: str, tmp_path: Path) -> None:
    done = run("small", "--store", DIALOGUES, "--plot", file, "--to", "5", cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_two_sessions_do_not_fit_one_picture() -> None:
    done = run("a", "b", "--plot", "a.png")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: a picture shows one session")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="matplotlib") as caught:
        check_plot("a.png")
    assert "-m pip install " in caught.value.hint


# -- the picture


def shapes(figure: Any, kind: str) -> list[Any]:
    return [artist for axes in figure.axes for artist in axes.get_children() if type(artist).__name__ == kind]


def test_a_box_stands_where_each_utterance_was_found(placed: PlacingResult) -> None:
    figure = draw(placed, 0, 54.9)
    assert len(figure.axes) == 3, "two rows of half a minute, and how far the log is off"
    drawn = {
        (round(box.get_x(), 3), round(box.get_x() + box.get_width(), 3))
        for box in shapes(figure, "Rectangle")
        if box.get_width() != 1
    }
    found = {
        (story.found_ms[0] / 1000, story.found_ms[1] / 1000)
        for story in stories(placed)
        if story.found_ms[0] is not None and story.found_ms[1] is not None
    }
    assert drawn == found
    labels = " ".join(text.get_text() for text in shapes(figure, "Text"))
    assert all(name in labels for name in ("u0006  Of course", "u0014  Usually", "u0020  The new total"))
    points = [line for line in figure.axes[-1].get_lines() if line.get_marker() == "o"]
    at_s = np.concatenate([np.asarray(line.get_xdata(), float) for line in points])
    assert sorted(at_s.tolist()) == sorted(start for start, _ in found)


@pytest.mark.parametrize("text", [HOSTILE, "", "x" * 5000, "\n\n", "$" * 9, "你好" * 40])
@pytest.mark.filterwarnings("error")
def test_text_from_outside_is_only_text(placed: PlacingResult, text: str, tmp_path: Path) -> None:
    hostile = with_texts(placed, text, name="<b>$\\frac$你")
    save_plot(hostile, str(tmp_path / "a.svg"), 0, 12)
    svg = (tmp_path / "a.svg").read_text()
    ET.fromstring(svg)
    assert "<script" not in svg
    assert "<b>" not in svg
    for view in (placing_view(), placing_view(("<b>$\\frac$你0",))):
        assert view.lines(hostile, True)


def test_the_same_picture_is_drawn_twice(placed: PlacingResult, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save_plot(placed, str(tmp_path / name), 22, 31)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_picture_that_fails_leaves_the_old_one(
    placed: PlacingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"old")

    class Broken:
        def savefig(self, path: Path, **_: object) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "no space left")

    monkeypatch.setattr(plotting, "draw", lambda *_: Broken())
    with pytest.raises(OSError, match="no space"):
        save_plot(placed, str(file))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize(
    ("length_s", "row_s"), [(0.1, 0.1), (12, 12), (30, 30), (81, 30), (361, 60), (3600, 300), (8 * 3600, 3600)]
)
def test_rows_are_few_and_of_round_lengths(length_s: float, row_s: float) -> None:
    assert row_seconds(length_s) == row_s
    assert length_s / row_s <= 12


def test_a_day_still_fits(placed: PlacingResult) -> None:
    assert row_seconds(200_000) == pytest.approx(200_000 / 12)


def test_nothing_found_and_nothing_known_is_drawn_as_well(placed: PlacingResult, tmp_path: Path) -> None:
    lost = tuple(
        replace(
            one,
            start_samples=None,
            end_samples=None,
            status="unmatched",
            utterance=replace(one.utterance, t_start_us=None, t_end_us=None, role=("user", "system")[k % 2]),
        )
        for k, one in enumerate(placed.alignment.placements)
    )
    nothing: Sequence[None] = [None] * len(lost)
    result = replace(placed, alignment=Alignment(lost, tuple(nothing), tuple(nothing)))
    save_plot(result, str(tmp_path / "a.png"))
    assert document(result)["utterances"][0]["logged_s"] == [None, None]
    assert len(placing_view().lines(result, True)) >= len(lost)


def test_one_channel_for_both_voices_is_one_band(placed: PlacingResult) -> None:
    mono = replace(
        placed, channels=("mixed",), activity=replace(placed.activity, channels=placed.activity.channels[:1])
    )
    evidence = tuple(one and replace(one, channel=0, shared=True) for one in mono.alignment.evidence)
    figure = draw(replace(mono, alignment=replace(mono.alignment, evidence=evidence)), 0, 20)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["mixed\n(mono)"]
    assert np.ptp(figure.axes[0].get_ylim()) < 2
