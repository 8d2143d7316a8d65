"""Which key is what: patterns, numbers, and everything that fits nothing."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sessiontool.errors import UsageError
from sessiontool.model import StoredObject
from sessiontool.storage import DEFAULT_PATTERN, Layout, check_session_id, natural_key

if TYPE_CHECKING:
    from sessiontool.model import SessionListing

PATTERNS = (
    DEFAULT_PATTERN,
    "{session}/{seq}.{ext}",
    "{session}/{part}-{seq}.webm",
    "{session}/{seq}",
    "recordings/2026/{session}/{part}/audio/{seq}.{ext}",
    "{session}-{seq}.{ext}",
    "calls/{session}.chunks/{part}_{seq}.{ext}",
    "calls/{session}/{session}_{part}_{seq}.{ext}",
)

session_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
part_names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,8}", fullmatch=True)


def listing(layout: Layout, session_id: str, *keys: str) -> SessionListing:
    found = layout.listing(session_id, [StoredObject(key, 1, "tag") for key in keys])
    assert found is not None
    return found


def key_of(pattern: str, session: str, part: str, seq: str) -> str:
    return pattern.format(session=session, part=part, seq=seq, ext="webm")


def test_the_default_layout_knows_chunks_documents_and_strays() -> None:
    found = listing(
        Layout(),
        "s1",
        "s1/chunks/0/000001.webm",
        "s1/session.json",
        "s1/utterances.jsonl",
        "s1/notes.txt",
        "s1/chunks/0/1.webm.tmp",
    )
    assert found.folder == "s1"
    assert [(chunk.part, chunk.seq) for chunk in found.chunks] == [("0", 1)]
    assert list(found.documents) == ["session.json", "utterances.jsonl"]
    assert [stray.key for stray in found.ignored] == ["s1/chunks/0/1.webm.tmp", "s1/notes.txt"]


def test_numbers_compare_as_numbers() -> None:
    keys = [
        f"s/chunks/{part}/{seq}.webm" for part in ("10", "2", "take-10", "take-2", "001") for seq in ("10", "009", "1")
    ]
    found = listing(Layout(), "s", *sorted(keys))
    assert [chunk.part for chunk in found.chunks[::3]] == ["001", "2", "10", "take-2", "take-10"]
    assert [chunk.seq for chunk in found.chunks[:3]] == [1, 9, 10]


@pytest.mark.parametrize("ext", ["webm", "weba", "ogg", "opus", "mp4", "m4a", "WEBM"])
def test_every_container_may_be_a_chunk(ext: str) -> None:
    assert len(listing(Layout(), "s", f"s/chunks/0/1.{ext}").chunks) == 1


@pytest.mark.parametrize(
    "name",
    ["1.json", "1.sha256", "1.tmp", "1", ".webm", "1.webm.part", "-1.webm", "1e3.webm", "\u0661.webm", "1 .webm",
     "1.webm\n", "9" * 19 + ".webm", "../1.webm", "x/1.webm", "1.we%bm", "\x1b[2J.webm"],
)  # fmt: skip
def test_what_fits_no_pattern_is_reported_and_not_read(name: str) -> None:
    found = listing(Layout(), "s", f"s/chunks/0/{name}")
    assert not found.chunks
    assert [stray.key for stray in found.ignored] == [f"s/chunks/0/{name}"]


def test_two_spellings_of_a_number_both_stay_in_an_order_that_does_not_depend_on_the_listing() -> None:
    keys = ["s/chunks/0/1.webm", "s/chunks/0/000001.webm", "s/chunks/0/1.ogg", "s/chunks/00/1.webm"]
    orders = {tuple(chunk.object.key for chunk in listing(Layout(), "s", *some).chunks) for some in permutations(keys)}
    assert orders == {("s/chunks/0/000001.webm", "s/chunks/0/1.ogg", "s/chunks/0/1.webm", "s/chunks/00/1.webm")}


def test_results_are_no_part_of_a_session() -> None:
    found = listing(Layout(), "s", "s/", "s/merged/", "s/merged/audio.webm", "s/merged/.work/audio.webm")
    assert (found.chunks, found.documents, found.ignored) == ((), {}, ())


def test_a_dot_in_a_pattern_is_a_dot() -> None:
    found = listing(Layout("{session}/a.b/{seq}.webm"), "s", "s/a.b/1.webm", "s/axb/2.webm", "s/a.b/3xwebm")
    assert [chunk.seq for chunk in found.chunks] == [1]


def test_nothing_at_all_is_no_session() -> None:
    assert Layout().listing("s", []) is None
    assert Layout("{session}-{seq}.webm").listing("s", [StoredObject("s-1-2.webm", 1, "")]) is None


def test_a_layout_without_parts_is_one_part() -> None:
    found = listing(Layout("{session}/{seq}.{ext}"), "s", "s/2.webm", "s/10.webm", "s/session.json")
    assert [(chunk.part, chunk.seq) for chunk in found.chunks] == [("0", 2), ("0", 10)]
    assert list(found.documents) == ["session.json"]


def test_an_id_inside_a_name_has_its_folder_beside_it() -> None:
    layout = Layout("in/{session}-{seq}.webm")
    assert layout.folder("a") == "in/a"
    assert layout.prefixes("a") == ("in/a-", "in/a/")
    found = listing(
        layout, "a", "in/a-1.webm", "in/a-1-7.webm", "in/a-1/session.json", "in/a-x.webm", "in/a/session.json"
    )
    assert [chunk.object.key for chunk in found.chunks] == ["in/a-1.webm"]
    assert list(found.documents) == ["session.json"]
    assert [stray.key for stray in found.ignored] == ["in/a-x.webm"]


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("", "relative"),
        ("/{session}/{seq}", "relative"),
        ("{session}//{seq}", "relative"),
        ("../{session}/{seq}", "relative"),
        ("{session}/{sequence}", "only be"),
        ("{session}/{}/{seq}", "only be"),
        ("{session}/{seq", "only be"),
        ("chunks/{seq}.webm", "must contain"),
        ("{session}/{seq}/{seq}", "only once"),
        ("{session}/{part}{seq}", "between"),
        ("{session}{seq}", "between"),
        ("{part}/{session}/{seq}", "before"),
        ("{session}-{part}-{seq}.webm", "later folder"),
        ("{session}/merged/{seq}.webm", "results"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused_with_the_reason(pattern: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        Layout(pattern)
    assert repr(pattern) in caught.value.message


@given(st.sampled_from(PATTERNS), session_ids, part_names, st.integers(0, 10**9), st.integers(0, 4))
def test_a_key_made_by_the_pattern_is_found_again(pattern: str, session: str, part: str, seq: int, zeros: int) -> None:
    layout, key = Layout(pattern), key_of(pattern, session, part, "0" * zeros + str(seq))
    (chunk,) = listing(layout, session, key).chunks
    assert (chunk.part, chunk.seq) == (part if "{part}" in pattern else "0", seq)
    assert sum(key.startswith(prefix) for prefix in layout.prefixes(session)) == 1

    name, slash, _ = key.removeprefix(layout.parent).partition("/")
    assert layout.session_named(name, is_folder=bool(slash)) == session
    assert layout.session_named(name, is_folder=not slash) is None


@given(st.sampled_from(PATTERNS), session_ids, session_ids, part_names, st.integers(0, 999))
def test_no_key_belongs_to_two_sessions(pattern: str, session: str, other: str, part: str, seq: int) -> None:
    assume(session != other)
    found = Layout(pattern).listing(other, [StoredObject(key_of(pattern, session, part, str(seq)), 1, "")])
    assert found is None or not found.chunks


@given(st.text(max_size=140))
def test_an_id_is_refused_or_safe_in_a_path(text: str) -> None:
    try:
        folder = Layout("in/{session}/{seq}").folder(text)
    except UsageError:
        return
    assert folder == f"in/{text}"
    assert text.isascii()
    assert text.isprintable()
    assert not set("/\\ ") & set(text)
    assert text[0] not in ".-"


@pytest.mark.parametrize(
    "given", ["", ".", "..", "../x", "a/b", "a/", "/etc", "-x", ".hidden", "a b", "a\n", "é", "a" * 129, 3, Path("a/b")]
)
def test_what_is_no_id_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="not a session id") as caught:
        check_session_id(given)
    assert ("the folder around it is the store" in caught.value.hint) == ("/" in str(given))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["", "part-", "a1b"]), st.integers(0, 3))
def test_natural_order_is_that_of_the_numbers(a: int, b: int, before: str, zeros: int) -> None:
    assert (natural_key(f"{before}{'0' * zeros}{a}") < natural_key(f"{before}{b}")) == (a < b)
