"""How texts are read aloud: every character in a token, numbers in words, and nothing that brings it down."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessiontool.forced_alignment.verbalize import read, readable, text_until, tokens_of
from sessiontool.speech.g2p import folded, phones_of

texts = st.text(max_size=80) | st.text(alphabet="aZ0 19$.,:-/'%é你。", max_size=40)


def readings(token: str, language: str = "en") -> set[str]:
    """Every way to read a token, as text."""
    ways = {""}
    for slot in read(token, language).slots:
        ways = {f"{way} {' '.join(words)}".strip() for way in ways for words in slot}
    return ways


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("Hello,", "hello"),
        ("don't", "don't"),
        ("year\u2019s", "year's"),
        ("thirty-five", "thirty five"),
        ("42", "forty two"),
        ("$1,200,", "one thousand two hundred dollars"),
        ("$985.", "nine hundred and eighty five dollars"),
        ("$3.50", "three dollars and fifty cents"),
        ("$0..0", "zero dollars"),
        ("£2m", "two million pounds"),
        ("2015", "twenty fifteen"),
        ("1998.", "nineteen ninety eight"),
        ("1990s", "nineteen ninety s"),
        ("14th", "fourteenth"),
        ("9.30,", "nine thirty"),
        ("3.14", "three point one four"),
        ("16:45", "sixteen forty five"),
        ("9:05", "nine oh five"),
        ("50%", "fifty percent"),
        ("p.m.,", "p m"),
        ("Dr.", "doctor"),
        ("IBM", "i b m"),
        ("NASA", "nasa"),
        ("B-7-7-4", "b seven seven four"),
        ("007", "oh oh seven"),
        ("www.example.com/a", "double u double u double u dot example dot com slash ay"),
        ("me@example.com", "me at example dot com"),
        ("2015-03-14", "twenty fifteen three fourteen"),
        ("AT&T", "ay t and t"),
        ("Größe", "grosse"),
        ("5-10", "five to ten"),
    ],
)
def test_what_is_written_is_read(token: str, said: str) -> None:
    assert said in readings(token)


def test_numbers_are_read_in_the_language_of_the_text() -> None:
    assert "zweiundvierzig" in readings("42", "de")
    assert "cuarenta y dos" in readings("42", "es")
    assert "forty two" in readings("42", "xx"), "a language that nobody knows"


@pytest.mark.parametrize("token", ["...", "—", "🙂", "♪", "你", "Привет", "a" * 200, "\u200b"])
def test_what_cannot_be_read_has_no_slots(token: str) -> None:
    assert read(token).slots == ()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" a  b\nc ", ["a", "b", "c"]),
        ("你好\uff0c世界。", ["你", "好\uff0c", "世", "界。"]),
        ("Das ist 你好 ok", ["Das", "ist", "你", "好", "ok"]),
        ("Okay \u2014 fine…", ["Okay", "\u2014", "fine…"]),
        ("ラーメン", ["ラー", "メ", "ン"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


@given(texts)
def test_every_character_but_spaces_is_in_a_token_once_and_in_order(text: str) -> None:
    tokens = tokens_of(text)
    assert "".join(tokens) == "".join(text.split())
    assert all(tokens)
    for count in range(len(tokens) + 1):
        assert "".join(text_until(text, count).split()) == "".join(tokens[:count])


@given(texts, st.sampled_from(["en", "de", "xx", ""]))
@example("1" * 90, "en")
@example("$0.00", "en")
@example("00:00", "de")
@example("\u0660\u0661:\u0662\u0663 ²½ \u0664th", "en")
def test_whatever_is_written_is_read_in_words_of_a_dictionary(text: str, language: str) -> None:
    for token in tokens_of(text):
        for slot in read(token, language).slots:
            assert slot
            for word in (word for words in slot for word in words):
                assert word == folded(word)
                assert word.strip("'")


@pytest.mark.parametrize(("text", "enough"), [("Hello 你 my old friend", True), ("你好 ok", False), ("...", False)])
def test_a_word_in_another_script_does_no_harm(text: str, enough: bool) -> None:
    assert readable(tokens_of(text)) is enough


@pytest.mark.parametrize(
    ("word", "phones"),
    [("wojtschek", "W AA JH CH EH K"), ("make", "M AE K"), ("happy", "HH AE P IY"), ("", ""), ("123", "")],
)
def test_letters_have_sounds(word: str, phones: str) -> None:
    assert phones_of(word) == phones


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'", max_size=30), st.booleans())
def test_every_word_of_letters_sounds_like_something(word: str, english: bool) -> None:
    phones = phones_of(word, english=english).split()
    assert bool(phones) == bool(word.replace("'", ""))
    assert all(phone.isalpha() and phone.isupper() for phone in phones)
