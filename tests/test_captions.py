# ruff: noqa: RUF001 - many scripts
"""Utterances to cues: what a reader needs, on conversations of an hour, in many scripts, and on anything at all."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import wcwidth
from dialogues import SPEAKERS, dialogue, with_words
from hypothesis import given, settings
from hypothesis import strategies as st

from sessiontool.captioning.break_points import BOUND, SENTENCE, pieces_of
from sessiontool.captioning.cell_width import cells, clusters
from sessiontool.captioning.quality_check import check
from sessiontool.captioning.sanitize import clean
from sessiontool.captioning.transcript import read_transcript
from sessiontool.captions import PROFILES, CaptionOptions, Captions, Cue, Profile, caption, find_profile
from sessiontool.errors import UsageError

DEFAULT = PROFILES["default"]


def spoken(text: str, start_s: float = 0, end_s: float = 5, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"role": role, "speaker": SPEAKERS.get(role, role), "text": text, "start_s": start_s, "end_s": end_s, **more}


def captions_of(*utterances: dict[str, Any], profile: Profile = DEFAULT, **options: Any) -> Captions:
    return caption({"utterances": list(utterances)}, CaptionOptions(profile=profile, **options))


def cues_of(*utterances: dict[str, Any], profile: Profile = DEFAULT, **options: Any) -> list[Cue]:
    return captions_of(*utterances, profile=profile, **options).cues


def squeezed(text: str) -> str:
    """The text without white space and without the dash that is added to what was cut off."""
    return re.sub(r"[\s\u00a0\u202f\u2014.,;:\u2013\u2026-]", "", text)


@pytest.fixture(scope="module", params=(1, 2, 3))
def made(request: pytest.FixtureRequest) -> Captions:
    return caption(dialogue(request.param), CaptionOptions())


class TestAnHour:
    """Conversations of an hour, with interruptions: the hard limits hold, or the reason is listed."""

    def test_every_cue_keeps_to_the_hard_limits(self, made: Captions) -> None:
        for cue in made.cues:
            assert len(cue.lines) <= 2
            assert max(map(cells, cue.lines)) <= 42
            assert 833 <= cue.duration_ms <= 7000
            assert cells(cue.text) * 1000 / cue.duration_ms <= 25
        assert [problem for problem in made.check()["vtt"] if problem.severity == "failure"] == []

    def test_one_at_a_time_what_fails_is_said_too_fast(self, made: Captions) -> None:
        assert all(one.end_ms <= after.start_ms for one, after in pairwise(made.single))
        failures = [problem for problem in made.check()["srt"] if problem.severity == "failure"]
        assert len(failures) <= 2
        assert {(problem.rule, problem.reason[:23]) for problem in failures} <= {
            ("speed", "the speech itself has 2"),
            ("speed", "the speech itself has 3"),
            ("speed", "several speak at once"),
        }

    def test_gaps_are_none_or_can_be_seen(self, made: Captions) -> None:
        for cues in (made.cues, made.single):
            starts = sorted(cue.start_ms for cue in cues)
            for cue in cues:
                gap_ms = min((start - cue.end_ms for start in starts if start >= cue.end_ms), default=0)
                assert gap_ms == 0 or gap_ms >= 80

    def test_a_cue_begins_with_its_sound_and_ends_at_most_half_a_second_after(self, made: Captions) -> None:
        for cue in made.cues:
            long_enough = cue.sound_ms[1] - cue.sound_ms[0] >= 833
            assert abs(cue.start_ms - cue.sound_ms[0]) <= 500
            assert cue.end_ms - cue.sound_ms[1] <= (500 if long_enough else 833)
        late = [cue for cue in made.cues if cue.start_ms != cue.sound_ms[0]]
        assert len(late) <= len(made.cues) * 0.02

    def test_no_article_is_parted_from_its_noun(self, made: Captions) -> None:
        ends = [re.sub(r"\W+$", "", line.split()[-1]).lower() for cue in made.cues for line in cue.lines]
        assert not {"the", "a", "an", "my", "your", "dr", "mrs"} & set(ends)
        assert not re.search(r"\d$", " ".join(cue.text + "|" for cue in made.cues if re.search(r" \d+$", cue.text)))

    def test_most_cues_end_where_a_sentence_or_a_clause_does(self, made: Captions) -> None:
        ends = [cue.text[-1] in ".,;:!?\u2014" for cue in made.cues]
        assert sum(ends) / len(ends) >= 0.85

    def test_lines_are_balanced(self, made: Captions) -> None:
        pairs = [[cells(line) for line in cue.lines] for cue in made.cues if len(cue.lines) == 2]
        assert sum(min(pair) / max(pair) >= 0.5 for pair in pairs) / len(pairs) >= 0.9

    def test_words_with_times_of_their_own_give_cues_the_same_times(self) -> None:
        document = with_words(dialogue(7, minutes=10))
        starts = {word["start_s"] for one in document["utterances"] for word in one["words"]}
        for cue in caption(document, CaptionOptions()).cues:
            assert cue.sound_ms[0] / 1000 in starts
            assert [ms / 1000 for _, _, ms in cue.starts if ms / 1000 not in starts] == []

    def test_an_hour_does_not_hang(self) -> None:
        document = dialogue(4)
        caption(document, CaptionOptions())
        begin = time.process_time()
        caption(document, CaptionOptions())
        assert time.process_time() - begin < 5  # 0.2 where nothing else runs: this looks for a hang alone


class TestSplitting:
    """Where a text is broken."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("the", "house"),
            ("Dr.", "Weber"),
            ("Mrs.", "Okafor"),
            ("5", "ml"),
            ("2,500", "euros"),
            ("J.", "Smith"),
            ("e.g.", "this"),
            ("page", "7"),
            ("your", "name"),
        ],
    )
    def test_what_belongs_together_is_not_parted(self, before: str, after: str) -> None:
        assert pieces_of([f"{before} {after}"], "en", 42).prices[1] == BOUND

    @pytest.mark.parametrize(
        "text", ["Yes. No", "Really? Well", "«Oui.» Non", "Ja! Nein", "He left… Then", 'He said "no." Then']
    )
    def test_a_sentence_is_the_best_place(self, text: str) -> None:
        assert SENTENCE in pieces_of([text], "", 42).prices[1:]

    def test_a_pause_is_where_a_text_is_split(self) -> None:
        text = "I went to the station and then I waited for the train that never came at all"
        first, second = cues_of(spoken(text, 0, 7, speech=[[0, 1.6], [3.4, 7.0]]))
        assert first.text == "I went to the station"
        assert (first.sound_ms, second.sound_ms[0]) == ((0, 1600), 3400)

    def test_without_a_pause_the_characters_share_the_time(self) -> None:
        text = (
            "One sentence of forty characters, right. One sentence of forty characters, right. And one more for luck."
        )
        starts = [cue.start_ms for cue in cues_of(spoken(text, 0, 10.4))]
        assert starts == pytest.approx([0, 4000], abs=300) or starts == pytest.approx([0, 4000, 8000], abs=300)

    def test_short_neighbours_of_one_speaker_share_a_cue(self) -> None:
        texts = [cue.text for cue in cues_of(spoken("Yes.", 0, 0.4), spoken("I think so.", 0.6, 1.5))]
        assert texts == ["Yes. I think so."]

    def test_a_long_silence_keeps_neighbours_apart(self) -> None:
        assert len(cues_of(spoken("Yes.", 0, 0.4), spoken("I think so.", 3, 4))) == 2

    def test_somebody_else_between_keeps_neighbours_apart(self) -> None:
        cues = cues_of(spoken("Yes.", 0, 0.5), spoken("Hm.", 0.5, 0.8, "assistant"), spoken("I think so.", 0.9, 2))
        assert [cue.speaker for cue in cues] == ["Dana", "Morgan", "Dana"]

    def test_corrected_words_lie_between_those_that_have_times(self) -> None:
        words = [
            {"text": w, "start_s": i, "end_s": i + 0.9}
            for i, w in enumerate(["a", "colour", "that", "nobody", "nose", "here", "today"])
        ]
        cue = cues_of(spoken("A color that nobody knows here. Today", 0, 7, words=words), karaoke=True)[0]
        assert cue.starts == ((0, 0, 0), (0, 8, 2000), (0, 13, 3000), (0, 26, 5000), (0, 32, 6000))

    @pytest.mark.parametrize(
        ("text", "language"),
        [
            (
                "今日はとても天気がいいですね。東京タワーに行って、それから美味しいラーメンを食べましょう。明日は仕事があります。"
                * 2,
                "ja",
            ),
            (
                "我们今天下午三点在会议室开会，请大家准时参加，并且带上你们的电脑和上周的报告。会议大约需要一个小时。"
                * 2,
                "zh",
            ),
            (
                "오늘은 날씨가 정말 좋네요. 우리 같이 공원에 가서 산책을 하고 저녁에는 맛있는 음식을 먹읍시다. " * 2,
                "ko",
            ),
            ("مرحبا، كيف حالك اليوم؟ أريد أن أحجز موعدا مع الطبيب في الأسبوع القادم إذا كان ذلك ممكنا. " * 2, "ar"),
            ("שלום, מה שלומך היום? אני רוצה לקבוע תור לרופא בשבוע הבא אם זה אפשרי בכלל. " * 2, "he"),
            ("नमस्ते, आप कैसे हैं? मैं अगले सप्ताह डॉक्टर से मिलने का समय लेना चाहता हूँ। " * 2, "hi"),
            ("สวัสดีครับวันนี้อากาศดีมากเราไปเดินเล่นกันเถอะแล้วค่อยกลับมากินข้าวเย็นด้วยกันที่บ้าน" * 2, "th"),
            ("👨‍👩‍👧‍👦🇩🇪👍🏽" * 30, ""),
            ("e\u0301" * 200, ""),
        ],
        ids=["ja", "zh", "ko", "ar", "he", "hi", "th", "emoji", "combining"],
    )
    def test_every_script_keeps_to_the_limits(self, text: str, language: str) -> None:
        cues = cues_of(spoken(text, 0, cells(text) / 12, language=language))
        assert [problem for problem in check(cues, DEFAULT) if problem.rule in {"line", "lines", "long"}] == []
        assert squeezed("".join(cue.text for cue in cues)) == squeezed(clean(text))
        assert all("".join(cue.lines).replace(" ", "") == cue.text.replace(" ", "") for cue in cues)

    def test_no_line_of_japanese_begins_with_a_full_stop(self) -> None:
        text = "今日はとても天気がいいですね。東京タワーに行って、それから「美味しいラーメン」を食べましょう。" * 3
        lines = [line for cue in cues_of(spoken(text, 0, 25)) for line in cue.lines]
        assert not [line for line in lines if line[0] in "。、」ー" or line[-1] == "「"]

    def test_clusters_stay_whole(self) -> None:
        family = "👨‍👩‍👧‍👦"
        for cue in cues_of(spoken(family * 60, 0, 20)):
            assert all(set(line.split(family)) == {""} for line in cue.lines)

    def test_marks_of_direction_stay_and_overrides_go(self) -> None:
        assert cues_of(spoken("\u200fשלום\u200f \u202eevil\u202c", 0, 2))[0].text == "\u200fשלום\u200f evil"


class TestSpeakers:
    """Who speaks, and who interrupts."""

    def test_a_turn_that_was_cut_off_ends_with_a_dash(self) -> None:
        cue = cues_of(spoken("I would like to explain.", 0, 2, heard_text="I would like to", interrupted=True))[0]
        assert cue.text == "I would like to\u2014"

    def test_generated_text_can_be_shown_instead(self) -> None:
        utterance = spoken("I would like to explain.", 0, 2, heard_text="I would", interrupted=True)
        assert cues_of(utterance, text="generated")[0].text == "I would like to explain."

    def test_what_nobody_heard_has_no_caption(self) -> None:
        assert cues_of(spoken("Never said.", 0, 1, heard_text="", interrupted=True)) == []

    def test_two_at_once_have_one_line_each(self) -> None:
        both = captions_of(
            spoken("I have been thinking about this for a very long time and I believe that it is wrong", 0, 6),
            spoken("No, wait, let me say one thing first", 2, 4.5, "assistant"),
        )
        crowd = [cue for cue in both.cues if cue.sound_ms[0] < 4500 and cue.sound_ms[1] > 2000]
        assert {len(cue.lines) for cue in crowd} == {1}
        shared = [cue for cue in both.single if not cue.speaker]
        assert shared
        assert all(line.startswith("- ") for cue in shared for line in cue.lines)

    def test_the_name_stands_where_the_speaker_changes(self) -> None:
        made = captions_of(spoken("Hello.", 0, 1), spoken("How are you?", 3, 4), spoken("Fine.", 5, 6, "assistant"))
        assert [cue.lines[0] for cue in made.single] == ["Dana: Hello.", "How are you?", "Morgan: Fine."]
        silent = captions_of(spoken("Hello.", 0, 1), speakers=False)
        assert "Dana" not in "".join(silent.files.values())

    def test_a_name_of_any_length_leaves_room_for_the_text(self) -> None:
        made = captions_of(
            spoken("Some words that fill a line and then another one, as people say." * 2, 0, 12)
            | {"speaker": "N" * 200}
        )
        assert [problem for problem in check(made.single, DEFAULT) if problem.rule in {"line", "lines"}] == []


class TestGaps:
    """What is not there."""

    REPORT = {  # noqa: RUF012 - it is only read
        "timeline": [
            {"kind": "silence", "cause": "lost", "output_samples": [48_000 * 10, 48_000 * 15]},
            {"kind": "silence", "cause": "lost", "output_samples": [0, 20_000]},
            {"kind": "silence", "cause": "pause", "output_samples": [0, 480_000]},
            {"kind": "recorded", "cause": "", "output_samples": "nonsense"},
        ]
    }

    def test_lost_stretches_and_sound_without_words_are_noted_on_demand(self) -> None:
        document = {"utterances": [spoken("Hello.", 0, 1), spoken("", 2, 3, "assistant")], "duration_s": 20}
        made = caption(document, CaptionOptions(mark_gaps=True), report=self.REPORT)
        assert [cue.text for cue in made.cues] == ["Hello.", "[inaudible]", "[silence, 5.0 s: recording missing]"]
        assert (made.cues[2].start_ms, made.cues[2].speaker) == (10_000, "")
        assert [cue.text for cue in caption(document, CaptionOptions(), report=self.REPORT).cues] == ["Hello."]

    def test_what_has_no_place_has_no_caption(self) -> None:
        assert cues_of(spoken("Hello.") | {"start_s": None}, spoken("Hello.") | {"end_s": None}) == []

    @pytest.mark.parametrize(
        "broken",
        [{"start_s": "soon"}, {"start_s": -1}, {"end_s": float("nan")}, {"end_s": True}, {"end_s": 1e12}, {"text": 7}],
    )
    def test_what_makes_no_sense_is_left_out_and_said(self, broken: dict[str, Any]) -> None:
        made = captions_of(spoken("Hello.", id="u7") | broken, spoken("Yes.", 6, 7))
        assert [cue.text for cue in made.cues] == ["Yes."]
        assert [problem[:13] for problem in made.problems] == ["utterance u7:"]

    def test_an_empty_transcript_has_empty_captions(self) -> None:
        assert caption({}, CaptionOptions()).files == {"captions.vtt": "WEBVTT\n", "captions.srt": ""}


class TestProfiles:
    """Rules as data."""

    @pytest.mark.parametrize("name", sorted(PROFILES))
    def test_every_profile_is_kept_to_where_speech_allows(self, name: str) -> None:
        profile = PROFILES[name]
        made = caption(dialogue(5, minutes=20, cells_a_second=(9, 12)), CaptionOptions(profile=profile))
        failures = [problem for problem in made.check()["vtt"] if problem.severity == "failure"]
        assert {problem.rule for problem in failures} <= {"short", "speed"}
        assert len(failures) <= len(made.cues) * (0.05 if name == "dcmp" else 0)

    def test_podcast_makes_one_cue_of_a_turn(self) -> None:
        cues = cues_of(*(spoken("Words. " * 40, at, at + 20) for at in (0, 25, 60)), profile=PROFILES["podcast"])
        assert [len(cue.lines) for cue in cues] == [1]

    def test_ones_own_profile_changes_another(self) -> None:
        own: dict[str, dict[str, Any]] = {
            "wide": {"line_cells": 60, "max_ms": 0},
            "wider": {"base": "wide", "lines": 3},
        }
        profile = find_profile("wider", own)
        assert (profile.line_cells, profile.lines, profile.max_ms, profile.min_ms) == (60, 3, None, 833)
        text = "Some words that go on and on without an end, " * 4
        assert max(len(cue.lines) for cue in cues_of(spoken(text, 0, 12), profile=profile)) == 3

    @pytest.mark.parametrize(
        ("rules", "complaint"),
        [
            ({"colour": 1}, "no such rule"),
            ({"line_cells": "42"}, "must be"),
            ({"line_cells": 41.5}, "whole number"),
            ({"line_cells": 3}, "out of range"),
            ({"max_ms": 5, "min_ms": 900}, "below"),
            ({"base": "mine"}, "no caption profile 'mine'|must name another"),
            ({"base": 7}, "must name another"),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused(self, rules: dict[str, Any], complaint: str) -> None:
        with pytest.raises(UsageError, match=complaint):
            find_profile("mine", {"mine": rules})

    def test_profiles_in_a_circle_are_refused(self) -> None:
        with pytest.raises(UsageError, match="must name another"):
            find_profile("a", {"a": {"base": "b"}, "b": {"base": "a"}})


@given(st.text(st.characters(max_codepoint=0x2100, exclude_categories=("Cc", "Cs", "Cf", "Cn"))))
def test_what_needs_no_library_is_measured_as_the_library_does(text: str) -> None:
    assert cells(text) == wcwidth.width(text)
    assert [*clusters(text)] == [*wcwidth.iter_graphemes(text)]


times_ms = st.integers(0, 20_000)
texts = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["Yes.", "the", "a", "Dr.", "5", "ml", "and", "extraordinary", "No!", "—", "日本語。", "x" * 60]
        ),
        max_size=40,
    ).map(" ".join),
)
utterances = st.builds(
    lambda text, start, length, role, cut, words: spoken(
        text, start / 1000, (start + length) / 1000, role, interrupted=cut, **({"words": words} if words else {})
    ),
    texts,
    times_ms,
    st.integers(0, 9000),
    st.sampled_from(["user", "assistant", "guest"]),
    st.booleans(),
    st.lists(
        st.fixed_dictionaries({"text": st.text(max_size=8), "start_s": st.floats(0, 30), "end_s": st.floats(0, 30)}),
        max_size=5,
    ),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(utterances, max_size=8), st.sampled_from(sorted(PROFILES)))
def test_every_word_once_and_in_order(said: list[dict[str, Any]], name: str) -> None:
    made = caption({"utterances": said}, CaptionOptions(profile=PROFILES[name]))
    one_by_one, _ = read_transcript({"utterances": said})
    for role in ("user", "assistant", "guest"):
        expected = "".join(
            one.text for one in sorted(one_by_one, key=lambda one: (one.start_ms, one.end_ms)) if one.role == role
        )
        shown = "".join(cue.text for cue in made.cues if cue.role == role)
        assert sorted(squeezed(shown)) == sorted(squeezed(expected))
        if len({(one.start_ms, one.end_ms) for one in one_by_one}) == len(one_by_one):
            assert squeezed(shown) == squeezed(expected)
    everything = "".join(cue.text for cue in made.single)
    assert sorted(squeezed(everything)) == sorted(squeezed("".join(one.text for one in one_by_one)))


@settings(deadline=None, max_examples=200)
@given(st.lists(utterances, max_size=8), st.sampled_from(sorted(PROFILES)))
def test_whatever_was_said_times_and_lines_make_sense(said: list[dict[str, Any]], name: str) -> None:
    profile = PROFILES[name]
    made = caption({"utterances": said}, CaptionOptions(profile=profile))
    for cues in (made.cues, made.single):
        assert [cue.start_ms for cue in cues] == sorted(cue.start_ms for cue in cues)
        for cue in cues:
            assert 0 <= cue.start_ms < cue.end_ms
            assert cue.lines
            assert all(line.strip() and "\n" not in line for line in cue.lines)
            if profile.max_ms is not None:
                assert cue.duration_ms <= profile.max_ms
    assert all(one.end_ms <= after.start_ms for one, after in pairwise(made.single))
    if profile.line_cells is not None and profile.lines is not None:
        assert all(len(cue.lines) <= profile.lines for cue in made.cues)
        assert max((cells(line) for cue in made.cues for line in cue.lines), default=0) <= profile.line_cells


def test_the_page_has_the_profiles_as_they_are() -> None:
    page = (Path(__file__).parent.parent / "docs" / "captions.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `*") for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    rules = {row[0]: row[1:] for row in rows if row[0] in DEFAULT.__struct_fields__}
    assert set(rules) == set(DEFAULT.__struct_fields__) - {"name"}
    for rule, shown in rules.items():
        values = [getattr(PROFILES[name], rule) for name in ("default", "netflix", "bbc", "dcmp", "podcast")]
        assert shown == ["–" if value is None else f"{value:g}" for value in values]
