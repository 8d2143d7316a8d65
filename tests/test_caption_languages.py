# ruff: noqa: RUF001 - the punctuation of Chinese
"""Captions of texts as people and models write them: lists, lines, Markdown, right to left, without spaces; doubts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sessiontool.captioning.languages import directed, is_rtl, script_language
from sessiontool.captioning.markdown import without_marks
from sessiontool.captioning.phrases import phrase_edges
from sessiontool.captions import CaptionOptions, Captions, caption
from sessiontool.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RLM, LRM = "\u200f", "\u200e"
FORMATS = ("vtt", "srt", "ttml", "txt")


def made(*texts: str, **more: Any) -> Captions:
    """Captions of one speaker's utterances, six seconds each."""
    fields = more.pop("fields", {})
    utterances = [
        {"id": f"u{n}", "role": "user", "speaker": "Dana", "text": text, "start_s": 12 * n, "end_s": 12 * n + 6}
        | fields
        for n, text in enumerate(texts)
    ]
    document = {"utterances": utterances, "duration_s": 12 * len(texts) + 1}
    return caption(document, CaptionOptions(**{"formats": FORMATS, **more}))


def lines_of(captions: Captions) -> list[str]:
    return [line for cue in captions.cues for line in cue.lines]


# -- lists and lines


@pytest.mark.parametrize("mark", ["1.", "2)", "(3)", "12.", "1.2.", "10:", "a)", "iv.", "-"])
def test_the_mark_of_an_item_stays_with_its_text(mark: str) -> None:
    items = [f"{mark} The item number {word} is rather long, and it goes on" for word in ("one", "two", "three")]
    for text in ("\n".join(items), "We have these: " + "; ".join(items)):
        if "\n" not in text and mark in {"a)", "iv.", "-"}:
            continue  # within a line a letter may be anything
        for line in lines_of(made(text, markdown=True)):
            assert not line.endswith(mark), line


def test_a_year_at_the_end_of_a_sentence_is_no_mark() -> None:
    captions = made("All of that happened in the summer of 1999. And then there was nothing more to say of it.")
    assert captions.cues[0].text.endswith("1999.")


def test_lines_of_the_text_are_lines_of_the_caption() -> None:
    captions = made("Here are two:\n\n1. First, the small one\r\n2. Second\u2028Which one?")
    assert lines_of(captions) == ["Here are two:", "1. First, the small one", "2. Second", "Which one?"]
    assert all(len(cue.lines) <= 2 for cue in captions.cues)
    assert "Dana: Here are two:\n1. First, the small one\n" in captions.files["captions.srt"]
    joined = " ".join(cue.text for cue in captions.cues)
    assert joined == "Here are two: 1. First, the small one 2. Second Which one?"
    one = made("A line\nand another", profile="podcast").cues
    assert [cue.lines for cue in one] == [("A line and another",)]


def test_a_long_line_of_the_text_is_broken_within() -> None:
    long = "This line is much longer than what a line of a caption can hold at all"
    captions = made(f"{long}\nShort.")
    assert lines_of(captions)[-1] == "Short."
    assert all(len(line) <= 42 for line in lines_of(captions))
    assert captions.check() == {name: [] for name in FORMATS}


# -- Markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Three** *small* `options`, ~~none~~", "Three small options, none"),
        ("## Options\n> quoted\n- one\n* two\n- [x] done", "Options\nquoted\none\ntwo\ndone"),
        ("See [the page](https://example.org/a_(b)) and ![a cat](cat.png).", "See the page and a cat."),
        ("```python\nx = 1\n```\nThat is it.\n---\nEnd", "x = 1\nThat is it.\nEnd"),
        ("***Very*** __bold__ and _slanted_.", "Very bold and slanted."),
        ("2 * 3 * 4, snake_case_name, C#, 5 > 4, a - b, #1", "2 * 3 * 4, snake_case_name, C#, 5 > 4, a - b, #1"),
        ("It is **cut off", "It is cut off"),
        (r"A \*star\* and \# more", "A *star* and # more"),
        ("1. One\n2. Two", "1. One\n2. Two"),
        ("(laughs) [inaudible] [1]", "(laughs) [inaudible] [1]"),
    ],
)
def test_marks_of_markdown_are_taken_off(text: str, shown: str) -> None:
    assert without_marks(text) == shown


def test_marks_of_markdown_are_shown_where_they_are_asked_for() -> None:
    assert [cue.text for cue in made("It is **big**.").cues] == ["It is big."]
    assert [cue.text for cue in made("It is **big**.", markdown=True).cues] == ["It is **big**."]


# -- right to left

ARABIC = "مرحبا، أردت أن أسأل عن طلبي رقم 1234 الذي طلبته من موقع Example.com يوم الثلاثاء الماضي، ولم يصلني بعد!"


def test_a_line_from_right_to_left_with_a_latin_name_keeps_its_direction() -> None:
    captions = made(ARABIC, "Example.com هو الموقع.", "The word مرحبا means hello.")
    shown = [line for line in captions.files["captions.srt"].splitlines() if any(map(str.isalpha, line))]
    assert shown[0].startswith(f"{RLM}Dana: ")
    english = shown.index("The word مرحبا means hello.")
    assert english >= 4
    for line in shown[:english]:
        first = next(char for char in line if char in RLM + LRM or char.isalpha())
        assert first == RLM or is_rtl(first), line


def test_ttml_has_language_and_direction() -> None:
    text = made(ARABIC, "שלום, מה שלומך?", "Hello there.").files["captions.ttml"]
    assert 'xml:lang="ar"' in text
    assert text.count('tts:direction="rtl"') == text.count('tts:unicodeBidi="embed"') >= 3
    assert 'xml:lang="he"' in text
    (last,) = (part for part in text.split("<p ") if "Hello there." in part)
    assert "direction" not in last
    noted = made("Bonjour.", fields={"language": "fr-CA"}).files["captions.ttml"]
    assert 'xml:lang="fr-CA"' in noted


def test_marks_of_direction_stand_only_where_they_are_needed() -> None:
    assert directed("مرحبا Dana", rtl=True) == "مرحبا Dana"
    assert directed("Dana مرحبا", rtl=True) == f"{RLM}Dana مرحبا"
    assert directed("12 مرحبا", rtl=True) == "12 مرحبا"
    assert directed("مرحبا is hello", rtl=False) == f"{LRM}مرحبا is hello"
    assert directed("Hello.", rtl=False) == "Hello."


def test_times_of_words_count_the_mark_of_direction() -> None:
    words = [
        {"text": word, "start_s": n, "end_s": n + 1} for n, word in enumerate(["Example.com", "هو", "الموقع", "القديم"])
    ]
    captions = made("Example.com هو الموقع القديم", karaoke=True, fields={"words": words})
    assert f"{RLM}Example.com <00:00:01.000>هو <00:00:02.000>الموقع" in captions.files["captions.vtt"]


# -- without spaces

CHINESE = "您好，感谢您致电客户服务中心。我们将尽快为您查询物流信息并安排重新发货。为了更好地为您服务请您提供订单号码。"
JAPANESE = (
    "この度はお電話いただきまして誠にありがとうございます。注文番号をお伝えいただけますでしょうか、確認いたします。"
)
KOREAN = "안녕하세요 지난주에 주문한 상품이 아직 도착하지 않아서 문의드리려고 전화드렸습니다 확인해 주시겠어요"


@pytest.mark.parametrize("profile", ["netflix", "default", "bbc"])
@pytest.mark.parametrize(("text", "most"), [(CHINESE, 16), (JAPANESE, 13), (KOREAN, 16)])
def test_lines_have_as_many_full_width_characters_as_their_language_allows(text: str, most: int, profile: str) -> None:
    captions = made(text, profile=profile, speakers=False)
    for line in lines_of(captions):
        assert sum(2 if ord(char) > 0x1100 else 1 for char in line) <= 2 * most
    assert not [one for found in captions.check().values() for one in found if one.rule == "line"]


def test_a_profile_of_ones_own_may_have_other_widths() -> None:
    from sessiontool.captioning.profiles import find_profile, rules_for

    own = find_profile("own", {"own": {"line_cells_ja": 0, "line_cells_zh": 20}})
    assert [rules_for(own, language).line_cells for language in ("ja", "zh-TW", "ko", "en", "")] == [42, 20, 32, 42, 42]


@pytest.mark.parametrize(
    ("text", "parted"),
    [(CHINESE, "物流 信息 客户 服务 中心 安排 重新 您好"), (JAPANESE, "電話 誠に 注文 番号 確認 お伝え")],
)
def test_words_without_spaces_are_not_parted(text: str, parted: str) -> None:
    shown = "\n".join(lines_of(made(text, speakers=False)))
    for word in parted.split():
        assert word in shown, (word, shown)


def test_thai_is_broken_between_words() -> None:
    text = "วันนี้อากาศดีมากเลยนะคะเราไปเดินเล่นกันไหมแล้วก็ไปกินข้าวด้วยกันที่ร้านอาหารใกล้บ้าน"
    shown = lines_of(made(text, speakers=False))
    assert len(shown) > 1
    assert "".join(shown) == text
    edges = phrase_edges(text, "th")
    assert edges is not None
    place = 0
    for line in shown[:-1]:
        place += len(line)
        assert place in edges.sure | edges.perhaps


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (CHINESE, "zh"),
        (JAPANESE, "ja"),
        (KOREAN, "ko"),
        (ARABIC, "ar"),
        ("שלום", "he"),
        ("سلام، چطوری؟", "fa"),
        ("سوال ہے", "ur"),
        ("วันนี้", "th"),
        ("Größe", ""),
        ("Привет", ""),
        ("The word 你好 means hello.", ""),
    ],
)
def test_a_script_tells_a_language(text: str, language: str) -> None:
    assert script_language(text) == language


# -- doubts, and very long recordings


@pytest.mark.parametrize(
    ("confidence", "shown"), [(0.79, "[?] Hello."), (0.8, "Hello."), (None, "Hello."), (0, "[?] Hello.")]
)
def test_a_doubt_is_marked_where_it_is_asked_for(confidence: float | None, shown: str) -> None:
    fields = {"confidence": confidence}
    assert [cue.text for cue in made("Hello.", mark_doubt=True, fields=fields).cues] == [shown]
    captions = made("Hello.", fields=fields)
    assert [cue.text for cue in captions.cues] == ["Hello."]
    assert [one.id for one in captions.doubtful] == (["u0"] if shown != "Hello." else [])


def test_a_check_lists_the_doubtful_and_a_merge_can_mark_them(copy: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copy("demo")
    runner = CliRunner()
    place = ["demo", "--store", str(folder.parent)]
    assert runner.invoke(app, ["merge", *place, "--no-align", "--mark-doubt"]).exit_code == 0
    assert "[?] " in (folder / "merged" / "captions.srt").read_text()
    report = json.loads((folder / "merged" / "report.json").read_text())
    assert report["tool"]["settings"]["captions"]["mark_doubt"] is True
    checked = runner.invoke(app, ["captions", *place, "--check"])
    assert "utterance(s) whose place is not sure; --mark-doubt shows them" in checked.stdout
    assert "u000: confidence 0." in checked.stdout
    (told,) = json.loads(runner.invoke(app, ["captions", *place, "--check", "--json"]).stdout)["sessions"]
    assert {"id", "start_s", "confidence", "text"} == set(told["doubtful"][0])


def test_times_beyond_99_hours_are_named() -> None:
    document = {"duration_s": 400_000}
    document["utterances"] = [{"role": "user", "text": "Hello.", "start_s": 359_999, "end_s": 360_001}]  # type: ignore[assignment]
    assert caption(document, CaptionOptions()).notices == []
    document["utterances"][0] |= {"start_s": 360_000}  # type: ignore[index]
    late = caption(document, CaptionOptions(formats=("vtt", "txt")))
    assert "1 cue(s) begin after 99:59:59" in late.notices[0]
    assert "100:00:00.000 -->" in late.files["captions.vtt"]
    assert "[100:00:00]" in late.files["captions.txt"]
