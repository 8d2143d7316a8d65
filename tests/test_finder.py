"""What the finder finds, by sentences that were written before it, and what becomes of it."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from finder_calls import calls_of, measure, together
from finder_dialogues import MISSED as MISSED_LINES
from finder_dialogues import Line, lines_of
from finder_sentences import LATER, LATER_WITHOUT, WITH, WITHOUT

from sessiontool import UsageError
from sessiontool.sessions.redaction.finder import FINDERS, Hit, find
from sessiontool.sessions.redaction.finder_command import find_by_command
from sessiontool.sessions.redaction.spoken_digits import digit_runs

if TYPE_CHECKING:
    from pathlib import Path

LEAST_RECALL, LEAST_PRECISION = 0.98, 0.9


def missed(text: str, expected: list[tuple[str, str]]) -> list[tuple[str, str]]:
    found = find(text, FINDERS)

    def is_covered(kind: str, said: str) -> bool:
        start = text.index(said)
        return any(one.kind == kind and one.start <= start and start + len(said) <= one.end for one in found)

    return [(kind, said) for kind, said in expected if not is_covered(kind, said)]


def test_recall_and_precision_on_the_sentences() -> None:
    wanted = Counter(kind for _, expected in WITH for kind, _ in expected)
    lost = Counter(kind for text, expected in WITH for kind, _ in missed(text, expected))
    assert set(wanted) == set(FINDERS)
    for kind, count in wanted.items():
        assert (count - lost[kind]) / count >= LEAST_RECALL, kind
    hits = [one for text, _ in WITH for one in find(text, FINDERS)]
    false = [one for text in WITHOUT for one in find(text, FINDERS)]
    false += [one for text, expected in WITH for one in find(text, FINDERS) if not is_wanted(one, text, expected)]
    assert len(hits) / (len(hits) + len(false)) >= LEAST_PRECISION


def test_what_was_missed_once_is_found() -> None:
    missed = {text for text, kind in LATER if kind not in {one.kind for one in find(text, FINDERS)}}
    assert missed == set()
    false = [text for text in LATER_WITHOUT if find(text, FINDERS)]
    assert false == ["ten twenty thirty forty fifty sixty seventy eighty ninety one hundred"]


@pytest.mark.parametrize("name", ["dialogue", "afterwards", "abroad", "called"])
def test_lines_of_calls_in_another_style(name: str) -> None:
    lines = lines_of(name)
    assert {line.text for line in lines if missed(line.text, [(line.kind, line.said)])} <= MISSED_LINES
    false = [
        (one.kind, line)
        for line in lines
        for one in find(line.text, FINDERS)
        if one.kind != line.kind or not is_wanted(one, line.text, [(line.kind, line.said)])
    ]
    assert false == []


@pytest.mark.parametrize("name", ["first", "second"])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "together"])
def test_recall_and_precision_on_calls(name: str, *, beside: bool) -> None:
    figures = measure([together(name, seed=11)] if beside else calls_of(name))
    assert figures.recall >= LEAST_RECALL, figures.missed
    assert figures.precision >= LEAST_PRECISION, figures.false


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "four one five, two oh six, no wait, two oh seven, one one two two"),
        ("phone", "four one five, two oh six, sorry, seven, one one two two"),
        ("phone", "212, 206, 1123, let me start over: 212, 206, 1122"),
        ("phone", "oh seven seven double oh, nine oh oh, one two four, hold on, that's one two three"),
        ("card", "4111, 1112, oops, 1111, 1111, 1111"),
        ("ssn", "my social is two one nine, oh eight, I mean oh nine, nine nine nine nine"),
        ("iban", "DE89 3704 0055, actually it's 0044, 0532 0130 00"),
    ],
)
def test_a_slip_that_is_put_right_goes_with_its_number(kind: str, text: str) -> None:
    [hit] = find(text, [kind])
    assert text[: hit.start].strip() in {"", "my social is"}
    assert hit.end == len(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("card", "four thousand one hundred eleven, eleven eleven, one one one one, eleven hundred and eleven"),
        (
            "card",
            "Four thousand two hundred forty-two, forty two forty two, 4242, four thousand, two hundred forty two",
        ),
        ("card", "five thousand five hundred and fifty five, five five five five, 5555, forty-four hundred forty four"),
        ("phone", "one eight hundred, five five five, oh one two three"),
        ("phone", "my number is four one five, two hundred seven, eleven twenty two"),
        ("ssn", "my social is two hundred nineteen, oh nine, nine thousand nine hundred ninety nine"),
    ],
)
def test_numbers_may_be_said_as_amounts(kind: str, text: str) -> None:
    [hit] = find(text, FINDERS)
    assert (hit.kind, hit.end) == (kind, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "between four thousand five hundred and five thousand one hundred units, at two hundred nineteen dollars",
        "one thousand two hundred, two thousand four hundred, four thousand eight hundred, nine thousand six hundred",
        "we sold one hundred twenty three in May, four hundred fifty six in June and seven hundred eighty nine in July",
    ],
)
def test_amounts_are_no_numbers(text: str) -> None:
    assert find(text, FINDERS) == []


def test_a_number_ends_with_its_turn_where_the_next_one_says_more() -> None:
    text = "It is four one five, two oh seven, one one two two.\nTwo of them, please, and three of those."
    assert [text[one.start : one.end] for one in find(text, FINDERS)] == [
        "four one five, two oh seven, one one two two"
    ]


def test_what_another_turn_is_about_says_nothing_of_a_number() -> None:
    text = "That is about my order.\n415 207 1122\nAnd the account?"
    assert [text[one.start : one.end] for one in find(text, FINDERS)] == ["415 207 1122"]


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["4", "4\n", "4 no wait ", "um, ", " ", " at", "a at b dot ", "A B ", "double "])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    find(piece * (10_000 // len(piece)), FINDERS)
    assert time.process_time() - started < 10  # squares would take minutes


@pytest.mark.parametrize("line", [*lines_of("decoys"), *lines_of("abroad-decoys"), *lines_of("called-decoys")])
def test_nothing_is_found_where_nothing_is(line: Line) -> None:
    assert find(line.text, FINDERS) == []


def is_wanted(one: Hit, text: str, expected: list[tuple[str, str]]) -> bool:
    """Whether a hit touches what was expected: how much more it takes is looked at elsewhere."""
    return any(text.index(said) < one.end and one.start < text.index(said) + len(said) for _, said in expected)


@pytest.mark.parametrize(("text", "expected"), WITH)
def test_what_is_found_is_hardly_more_than_it_is(text: str, expected: list[tuple[str, str]]) -> None:
    for one in find(text, FINDERS):
        assert one.end - one.start <= max(len(said) for _, said in expected) + len("plus ")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("twenty-one, twenty 1, two thousand", ["212012000"]),
        ("double oh seven", ["007"]),
        ("forty", ["40"]),
        ("one and only", ["1"]),
        ("three hundred", ["300"]),
        ("a hundred", []),
        ("cat 9 tails", ["9"]),
        ("", []),
    ],
)
def test_digits_of_words(text: str, runs: list[str]) -> None:
    assert [run.digits for run in digit_runs(text)] == runs


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "1234 5678 9012 3456", "4111 1111 1111 111"])
def test_a_card_without_its_check_digit_is_none(number: str) -> None:
    assert not [one for one in find(f"it is {number} okay", ["card"]) if one.kind == "card"]


def finder(tmp_path: Path, body: str) -> str:
    script = tmp_path / "finder.py"
    script.write_text(f"import json, sys\n{body}\n")
    return f"{sys.executable} {script}"


def test_a_command_finds(tmp_path: Path) -> None:
    command = finder(
        tmp_path,
        "for line in sys.stdin:\n"
        "    one = json.loads(line)\n"
        "    at = one['text'].find('Ada')\n"
        "    if at >= 0: print(json.dumps({'id': one['id'], 'start': at, 'end': at + 3, 'kind': 'name'}))",
    )
    assert find_by_command(command, ["hello", "it is Ada\nhere"]) == [[], [Hit("name", 6, 9)]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("print('no json')", "line 1"),
        ("print(json.dumps({'id': 7, 'start': 0, 'end': 1, 'kind': 'x'}))", "line 1"),
        ("print(json.dumps({'id': 0, 'start': 0, 'end': 99, 'kind': 'x'}))", "line 1"),
        ("print(json.dumps({'id': 0, 'start': 3, 'end': 3, 'kind': 'x'}))", "line 1"),
        ("print(json.dumps({'id': 0, 'start': 0, 'end': 1, 'kind': '../x'}))", "line 1"),
        ("print(json.dumps([0, 0, 1]))", "line 1"),
        ("sys.exit('it broke')", "ended with 1: it broke"),
        ("import time; time.sleep(60)", "longer than"),
    ],
)
def test_a_command_that_answers_nonsense_is_an_error(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        find_by_command(finder(tmp_path, body), ["a text"], patience_s=3)


def test_a_command_that_is_not_there_is_an_error() -> None:
    for command in ("no-such-command", "", "'"):
        with pytest.raises(UsageError, match="the finder"):
            find_by_command(command, ["a text"])


def test_a_large_answer_is_read_and_one_without_end_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sessiontool.sessions.redaction import finder_command

    line = json.dumps({"id": 0, "start": 0, "end": 1, "kind": "x"})
    command = finder(tmp_path, f"for _ in range(20000): print({line!r})")
    assert len(find_by_command(command, ["a"])[0]) == 20_000
    monkeypatch.setattr(finder_command, "_MOST_BYTES", 1000)
    with pytest.raises(UsageError, match="more than 1,000 bytes"):
        find_by_command(command, ["a"])
